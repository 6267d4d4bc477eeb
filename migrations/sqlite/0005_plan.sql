-- +goose Up
CREATE TABLE campaigns (
    id              TEXT   PRIMARY KEY,
    title           TEXT   NOT NULL,
    issuer_id       TEXT   NOT NULL REFERENCES organisations (id),
    decision_number TEXT   NOT NULL,
    decision_date   TEXT   NOT NULL,
    decided_by      TEXT   REFERENCES people (id),
    period_from     TEXT   NOT NULL,
    period_to       TEXT   NOT NULL,
    checklist_id    TEXT   REFERENCES checklists (id),
    simulated       BOOLEAN NOT NULL DEFAULT FALSE,
    created_at      INTEGER NOT NULL,
    version         INTEGER NOT NULL DEFAULT 1
);
-- What a past campaign is known to have done, by count only.
CREATE TABLE campaign_counts (
    id          TEXT   PRIMARY KEY,
    campaign_id TEXT   NOT NULL REFERENCES campaigns (id),
    counted     TEXT   NOT NULL CHECK (counted IN ('UNIT_CHECKS')),
    quantity    INTEGER NOT NULL CHECK (quantity >= 0),
    source      TEXT   NOT NULL,
    UNIQUE (campaign_id, counted)
);
CREATE TABLE teams (
    id          TEXT    PRIMARY KEY,
    campaign_id TEXT    NOT NULL REFERENCES campaigns (id),
    name        TEXT    NOT NULL,
    symbol      TEXT    NOT NULL DEFAULT 'ĐKT',
    has_seal    BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE TABLE targets (
    id              TEXT   PRIMARY KEY,
    campaign_id     TEXT   NOT NULL REFERENCES campaigns (id),
    team_id         TEXT   NOT NULL REFERENCES teams (id),
    lead_id         TEXT   NOT NULL REFERENCES people (id),
    form            TEXT   NOT NULL CHECK (form IN ('PLANNED', 'SURPRISE', 'THEMATIC', 'REINSPECTION')),
    organisation_id TEXT   NOT NULL REFERENCES organisations (id),
    desk_id         TEXT   REFERENCES desks (id),
    planned_on      TEXT   NOT NULL,
    planned_at      INTEGER NOT NULL DEFAULT 0,
    state           TEXT   NOT NULL CHECK (state IN ('DRAFT', 'APPROVED', 'SEALED', 'STARTED', 'CANCELLED')),
    reinspects_id   TEXT,
    created_at      INTEGER NOT NULL,
    version         INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX targets_lead ON targets (lead_id, state);
CREATE INDEX targets_team ON targets (team_id, state);
CREATE TABLE target_openings (
    target_id TEXT   NOT NULL REFERENCES targets (id),
    person_id TEXT   NOT NULL REFERENCES people (id),
    opened_by TEXT   NOT NULL REFERENCES people (id),
    opened_at INTEGER NOT NULL,
    leads     BOOLEAN NOT NULL DEFAULT FALSE, -- may check in on site in the lead's place
    PRIMARY KEY (target_id, person_id)
);
-- The findings that a re-inspection is limited to.
CREATE TABLE target_findings (
    target_id  TEXT NOT NULL REFERENCES targets (id),
    finding_id TEXT NOT NULL,
    PRIMARY KEY (target_id, finding_id)
);
