-- +goose Up
-- Self-inspection: what an office asks of its units, what a unit plans and says of itself.
CREATE TABLE self_rounds (
    id           TEXT    PRIMARY KEY,
    issuer_id    TEXT    NOT NULL REFERENCES organisations (id),
    title        TEXT    NOT NULL,
    checklist_id TEXT    NOT NULL REFERENCES checklists (id),
    period_from  TEXT    NOT NULL,
    period_to    TEXT    NOT NULL,
    due          TEXT    NOT NULL,
    asked_by     TEXT    NOT NULL REFERENCES people (id),
    asked_at     INTEGER NOT NULL,
    cancelled_at INTEGER NOT NULL DEFAULT 0,
    reason       TEXT    NOT NULL DEFAULT '',
    version      INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX self_rounds_issuer ON self_rounds (issuer_id, due);
-- The units that were asked, as they were on that day.
CREATE TABLE self_round_units (
    round_id        TEXT NOT NULL REFERENCES self_rounds (id),
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    PRIMARY KEY (round_id, organisation_id)
);
CREATE INDEX self_round_units_organisation ON self_round_units (organisation_id);
-- A self-inspection; a correction of one that was handed in is the next revision of its root.
CREATE TABLE self_checks (
    id                TEXT    PRIMARY KEY,
    root_id           TEXT    NOT NULL,
    revision          INTEGER NOT NULL DEFAULT 1 CHECK (revision > 0),
    round_id          TEXT    REFERENCES self_rounds (id),
    issuer_id         TEXT    NOT NULL REFERENCES organisations (id),
    organisation_id   TEXT    NOT NULL REFERENCES organisations (id),
    organisation_name TEXT    NOT NULL,
    organisation_kind TEXT    NOT NULL,
    checklist_id      TEXT    NOT NULL REFERENCES checklists (id),
    period_from       TEXT    NOT NULL,
    period_to         TEXT    NOT NULL,
    due               TEXT    NOT NULL,
    responsible       TEXT    NOT NULL,
    state             TEXT    NOT NULL CHECK (state IN ('DRAFT', 'HANDED_IN', 'CANCELLED')),
    reason            TEXT    NOT NULL DEFAULT '',
    made_by           TEXT    NOT NULL REFERENCES people (id),
    made_at           INTEGER NOT NULL,
    handed_in_by      TEXT    NOT NULL DEFAULT '',
    handed_in_at      INTEGER NOT NULL DEFAULT 0,
    content_hash      TEXT    NOT NULL DEFAULT '',
    version           INTEGER NOT NULL DEFAULT 1,
    UNIQUE (root_id, revision),
    CHECK ((state = 'HANDED_IN') = (handed_in_at > 0))
);
CREATE INDEX self_checks_organisation ON self_checks (organisation_id, handed_in_at);
CREATE INDEX self_checks_issuer ON self_checks (issuer_id, state, handed_in_at);
CREATE UNIQUE INDEX self_checks_once ON self_checks (round_id, organisation_id) WHERE revision = 1 AND state <> 'CANCELLED';
CREATE TABLE self_answers (
    self_check_id TEXT    NOT NULL REFERENCES self_checks (id),
    item_key      TEXT    NOT NULL,
    value         TEXT    NOT NULL CHECK (value IN ('YES', 'NO', 'GOOD', 'FAIR', 'POOR', 'COUNT', 'NA')),
    compliant     INTEGER NOT NULL DEFAULT 0,
    total         INTEGER NOT NULL DEFAULT 0,
    na_reason     TEXT    NOT NULL DEFAULT '',
    note          TEXT    NOT NULL DEFAULT '',
    changed_by    TEXT    NOT NULL,
    changed_at    INTEGER NOT NULL,
    version       INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (self_check_id, item_key)
);
-- The head count: figures only, nobody's name.
CREATE TABLE self_counts (
    self_check_id TEXT    PRIMARY KEY REFERENCES self_checks (id),
    required      INTEGER NOT NULL,
    late          INTEGER NOT NULL,
    excused       INTEGER NOT NULL,
    documented    INTEGER NOT NULL,
    unexcused     INTEGER NOT NULL,
    badge         INTEGER NOT NULL,
    dress         INTEGER NOT NULL,
    changed_by    TEXT    NOT NULL,
    changed_at    INTEGER NOT NULL,
    version       INTEGER NOT NULL DEFAULT 1
);
-- What a unit found short in itself, what it does about it and by when.
CREATE TABLE self_shortcomings (
    id       TEXT    PRIMARY KEY,
    root_id  TEXT    NOT NULL REFERENCES self_checks (id),
    item_key TEXT    NOT NULL DEFAULT '',
    words    TEXT    NOT NULL,
    measure  TEXT    NOT NULL,
    due      TEXT    NOT NULL,
    state    TEXT    NOT NULL CHECK (state IN ('OPEN', 'DONE', 'DROPPED')),
    done_on  TEXT    NOT NULL DEFAULT '',
    done_how TEXT    NOT NULL DEFAULT '',
    made_by  TEXT    NOT NULL,
    made_at  INTEGER NOT NULL,
    version  INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX self_shortcomings_root ON self_shortcomings (root_id, state);
