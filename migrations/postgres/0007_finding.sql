-- +goose Up
-- organisation_* keep the unit as it was at the check; responsible_id is who answers now.
CREATE TABLE findings (
    id                TEXT PRIMARY KEY,
    visit_id          TEXT NOT NULL REFERENCES visits (id),
    campaign_id       TEXT NOT NULL REFERENCES campaigns (id),
    team_id           TEXT NOT NULL REFERENCES teams (id),
    issuer_id         TEXT NOT NULL REFERENCES organisations (id),
    decider_id        TEXT REFERENCES people (id),
    organisation_id   TEXT NOT NULL REFERENCES organisations (id),
    organisation_name TEXT NOT NULL,
    responsible_id    TEXT NOT NULL REFERENCES organisations (id),
    desk_id           TEXT REFERENCES desks (id),
    desk_name         TEXT NOT NULL DEFAULT '',
    item_key          TEXT NOT NULL,
    item_code         TEXT NOT NULL,
    section           TEXT NOT NULL DEFAULT '',
    item_text         TEXT NOT NULL,
    basis             TEXT NOT NULL DEFAULT '',
    default_severity  TEXT NOT NULL CHECK (default_severity IN ('MINOR','MODERATE','MAJOR','CRITICAL')),
    severity          TEXT NOT NULL CHECK (severity IN ('MINOR','MODERATE','MAJOR','CRITICAL')),
    severity_reason   TEXT NOT NULL DEFAULT '',
    text              TEXT NOT NULL,
    remedy            TEXT NOT NULL DEFAULT '',
    state             TEXT NOT NULL CHECK (state IN ('RECORDED','EXPLAINED','MERGED','WITHDRAWN','CONFIRMED','ASSIGNED','IN_REMEDIATION',
                      'SUBMITTED','ACCEPTED','REINSPECT_DUE','VERIFIED','CLOSED_NOT_FIXED')),
    fixed_on_site     BOOLEAN NOT NULL DEFAULT FALSE,
    fixed_by          TEXT REFERENCES people (id),
    reopened          BOOLEAN NOT NULL DEFAULT FALSE,
    on_hold           BOOLEAN NOT NULL DEFAULT FALSE,
    held_on           TEXT NOT NULL DEFAULT '',
    escalated_at      BIGINT NOT NULL DEFAULT 0,
    repeat_of         TEXT REFERENCES findings (id),
    merged_into       TEXT REFERENCES findings (id),
    check_ended_at    BIGINT NOT NULL,
    recorded_at       BIGINT NOT NULL,
    explain_due       TEXT NOT NULL DEFAULT '',
    assigned_at       BIGINT NOT NULL DEFAULT 0,
    acknowledge_due   TEXT NOT NULL DEFAULT '',
    due_on            TEXT NOT NULL DEFAULT '',
    due_start         TEXT NOT NULL DEFAULT '',
    due_days          BIGINT NOT NULL DEFAULT 0,
    due_calendar      TEXT NOT NULL DEFAULT '',
    handed_in_on      TEXT NOT NULL DEFAULT '',
    submitted_by      TEXT REFERENCES people (id),
    review_due        TEXT NOT NULL DEFAULT '',
    accepted_at       BIGINT NOT NULL DEFAULT 0,
    accepted_by       TEXT REFERENCES people (id),
    drawn             BOOLEAN NOT NULL DEFAULT FALSE,
    reinspect_from    TEXT NOT NULL DEFAULT '',
    reinspect_due     TEXT NOT NULL DEFAULT '',
    closed_at         BIGINT NOT NULL DEFAULT 0,
    simulated         BOOLEAN NOT NULL DEFAULT FALSE,
    search            TEXT NOT NULL DEFAULT '',
    version           BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX findings_visit ON findings (visit_id);
CREATE INDEX findings_responsible ON findings (responsible_id, state);
CREATE INDEX findings_organisation ON findings (organisation_id, item_key);
CREATE INDEX findings_team ON findings (team_id, state);
CREATE INDEX findings_issuer ON findings (issuer_id, state);

-- What happened to a finding, in order. actor_id is empty where the clock acted.
CREATE TABLE finding_steps (
    id           TEXT PRIMARY KEY,
    finding_id   TEXT NOT NULL REFERENCES findings (id),
    seq          BIGINT NOT NULL,
    event        TEXT NOT NULL,
    from_state   TEXT NOT NULL DEFAULT '',
    to_state     TEXT NOT NULL,
    actor_id     TEXT NOT NULL DEFAULT '',
    role         TEXT NOT NULL DEFAULT '',
    organisation TEXT NOT NULL DEFAULT '',
    team         TEXT NOT NULL DEFAULT '',
    at           BIGINT NOT NULL,
    text         TEXT NOT NULL DEFAULT '',
    document_no  TEXT NOT NULL DEFAULT '',
    due_on       TEXT NOT NULL DEFAULT '',
    severity     TEXT NOT NULL DEFAULT '',
    visit_id     TEXT REFERENCES visits (id),
    UNIQUE (finding_id, seq)
);

CREATE TABLE finding_verifiers (
    step_id   TEXT NOT NULL REFERENCES finding_steps (id),
    person_id TEXT NOT NULL REFERENCES people (id),
    PRIMARY KEY (step_id, person_id)
);

CREATE TABLE explanations (
    id            TEXT PRIMARY KEY,
    finding_id    TEXT NOT NULL REFERENCES findings (id),
    text          TEXT NOT NULL,
    at            BIGINT NOT NULL,
    by_id         TEXT NOT NULL REFERENCES people (id),
    late          BOOLEAN NOT NULL DEFAULT FALSE,
    ruling        TEXT NOT NULL DEFAULT '' CHECK (ruling IN ('','ACCEPTED','PARTLY','REJECTED')),
    ruling_reason TEXT NOT NULL DEFAULT '',
    ruled_by      TEXT REFERENCES people (id),
    ruled_at      BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX explanations_finding ON explanations (finding_id);

CREATE TABLE extensions (
    id         TEXT PRIMARY KEY,
    finding_id TEXT NOT NULL REFERENCES findings (id),
    state      TEXT NOT NULL CHECK (state IN ('ASKED','GRANTED','REFUSED')),
    days       BIGINT NOT NULL CHECK (days > 0),
    reason     TEXT NOT NULL,
    asked_at   BIGINT NOT NULL,
    asked_by   TEXT NOT NULL REFERENCES people (id),
    old_due    TEXT NOT NULL,
    new_due    TEXT NOT NULL DEFAULT '',
    decision   TEXT NOT NULL DEFAULT '',
    decided_at BIGINT NOT NULL DEFAULT 0,
    decided_by TEXT REFERENCES people (id)
);
CREATE INDEX extensions_finding ON extensions (finding_id);
