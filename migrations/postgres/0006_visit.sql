-- +goose Up
CREATE TABLE visits (
    id                TEXT   PRIMARY KEY,
    target_id         TEXT   NOT NULL UNIQUE REFERENCES targets (id),
    campaign_id       TEXT   NOT NULL REFERENCES campaigns (id),
    team_id           TEXT   NOT NULL REFERENCES teams (id),
    lead_id           TEXT   NOT NULL REFERENCES people (id),
    form              TEXT   NOT NULL CHECK (form IN ('PLANNED', 'SURPRISE', 'THEMATIC', 'REINSPECTION', 'SELF', 'REMOTE')),
    organisation_id   TEXT   NOT NULL REFERENCES organisations (id),
    organisation_name TEXT   NOT NULL,
    organisation_kind TEXT   NOT NULL,
    hours             TEXT   NOT NULL DEFAULT '', -- working hours of the day, minutes: 450-690 780-1020
    desk_id           TEXT   REFERENCES desks (id),
    desk_name         TEXT   NOT NULL DEFAULT '',
    issuer_id         TEXT   NOT NULL REFERENCES organisations (id),
    decision_number   TEXT   NOT NULL,
    decision_date     TEXT   NOT NULL,
    decided_by        TEXT   REFERENCES people (id),
    checklist_id      TEXT   NOT NULL REFERENCES checklists (id),
    reinspects_id     TEXT   REFERENCES visits (id),
    state             TEXT   NOT NULL CHECK (state IN ('IN_PROGRESS', 'SUSPENDED', 'CANNOT_INSPECT', 'MINUTES_DRAFT',
                                 'MINUTES_SIGNED', 'MINUTES_UNSIGNED', 'REPORTED', 'CONCLUDED')),
    day               TEXT   NOT NULL,
    checked_in_at     BIGINT NOT NULL,
    latitude          DOUBLE PRECISION,
    longitude         DOUBLE PRECISION,
    accuracy          DOUBLE PRECISION,
    location          TEXT   NOT NULL DEFAULT 'UNKNOWN' CHECK (location IN ('GIVEN', 'DENIED', 'UNKNOWN')),
    ended_at          BIGINT NOT NULL DEFAULT 0,
    minutes_at        BIGINT NOT NULL DEFAULT 0,
    explain_due       TEXT   NOT NULL DEFAULT '',
    reported_at       BIGINT NOT NULL DEFAULT 0,
    report_due        TEXT   NOT NULL DEFAULT '',
    concluded_at      BIGINT NOT NULL DEFAULT 0,
    conclude_due      TEXT   NOT NULL DEFAULT '',
    positions         BIGINT NOT NULL DEFAULT 0,
    simulated         BOOLEAN NOT NULL DEFAULT FALSE,
    could_not         BOOLEAN NOT NULL DEFAULT FALSE, -- ended as CANNOT_INSPECT
    search            TEXT   NOT NULL DEFAULT '',
    version           BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX visits_team ON visits (team_id, state);
CREATE INDEX visits_issuer ON visits (issuer_id, day);
CREATE INDEX visits_organisation ON visits (organisation_id, day);
CREATE INDEX visits_desk ON visits (desk_id, day);
CREATE TABLE visit_members (
    visit_id  TEXT NOT NULL REFERENCES visits (id),
    person_id TEXT NOT NULL REFERENCES people (id),
    role      TEXT NOT NULL,
    name      TEXT NOT NULL,
    position  TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (visit_id, person_id)
);
-- The findings that a re-inspection looks at, as they were named in its target.
CREATE TABLE visit_findings (
    visit_id   TEXT NOT NULL REFERENCES visits (id),
    finding_id TEXT NOT NULL,
    PRIMARY KEY (visit_id, finding_id)
);
-- Everything done on a check, in the order in which it was taken in.
CREATE TABLE operations (
    id          TEXT   PRIMARY KEY,
    visit_id    TEXT   NOT NULL REFERENCES visits (id),
    position    BIGINT NOT NULL,
    author_id   TEXT   NOT NULL REFERENCES people (id),
    role        TEXT   NOT NULL,
    device      TEXT   NOT NULL,
    device_at   BIGINT NOT NULL,
    elapsed_ms  BIGINT NOT NULL DEFAULT 0,
    seq         BIGINT NOT NULL,
    base        TEXT   NOT NULL DEFAULT '',
    type        TEXT   NOT NULL,
    payload     TEXT   NOT NULL,
    received_at BIGINT NOT NULL,
    UNIQUE (visit_id, position)
);
CREATE TRIGGER operations_no_change BEFORE UPDATE OR DELETE ON operations
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER operations_no_truncate BEFORE TRUNCATE ON operations
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- The answers that the operations fold to, one row an item.
CREATE TABLE answers (
    visit_id     TEXT    NOT NULL REFERENCES visits (id),
    item_key     TEXT    NOT NULL,
    item_code    TEXT    NOT NULL,
    result       TEXT    NOT NULL CHECK (result IN ('YES', 'NO', 'GOOD', 'FAIR', 'POOR', 'COUNT', 'NA')),
    numerator    BIGINT  NOT NULL DEFAULT 0,
    denominator  BIGINT  NOT NULL DEFAULT 0,
    na_reason    TEXT    NOT NULL DEFAULT '',
    note         TEXT    NOT NULL DEFAULT '',
    failed       BOOLEAN NOT NULL DEFAULT FALSE,
    fixed        BOOLEAN NOT NULL DEFAULT FALSE,
    corrected    BOOLEAN NOT NULL DEFAULT FALSE,
    operation_id TEXT    NOT NULL REFERENCES operations (id),
    PRIMARY KEY (visit_id, item_key)
);
CREATE INDEX answers_item ON answers (item_key, failed);
CREATE TABLE documents (
    id            TEXT   PRIMARY KEY,
    visit_id      TEXT   NOT NULL REFERENCES visits (id),
    kind          TEXT   NOT NULL CHECK (kind IN ('BB', 'BC', 'TB')),
    issuer        TEXT   NOT NULL,
    number        BIGINT NOT NULL,
    year          BIGINT NOT NULL,
    symbol        TEXT   NOT NULL,
    registered_on TEXT   NOT NULL,
    registered_by TEXT   NOT NULL REFERENCES people (id),
    registered_at BIGINT NOT NULL,
    UNIQUE (visit_id, kind),
    UNIQUE (issuer, kind, year, number)
);
