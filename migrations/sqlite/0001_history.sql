-- +goose Up
CREATE TABLE history (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT    NOT NULL UNIQUE,
    at           INTEGER NOT NULL,
    actor        TEXT    NOT NULL DEFAULT '',
    role         TEXT    NOT NULL DEFAULT '',
    organisation TEXT    NOT NULL DEFAULT '',
    team         TEXT    NOT NULL DEFAULT '',
    action       TEXT    NOT NULL,
    subject_kind TEXT    NOT NULL,
    subject_id   TEXT    NOT NULL,
    visit_id     TEXT    NOT NULL DEFAULT '',
    body         TEXT    NOT NULL,
    hash         TEXT    NOT NULL
);
CREATE INDEX history_subject ON history (subject_kind, subject_id, seq);
CREATE INDEX history_visit ON history (visit_id, seq);

-- The order in which committed rows are handed to readers; see package history.
CREATE TABLE history_order (
    position INTEGER PRIMARY KEY,
    seq      INTEGER NOT NULL UNIQUE REFERENCES history (seq)
);
CREATE TABLE history_head (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    position  INTEGER NOT NULL,
    settled   INTEGER NOT NULL
);
INSERT INTO history_head (one, position, settled) VALUES (1, 0, 0);

-- INSERT OR REPLACE deletes without firing a DELETE trigger: it is caught before
-- the insert.
-- +goose StatementBegin
CREATE TRIGGER history_no_update BEFORE UPDATE ON history
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER history_no_delete BEFORE DELETE ON history
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER history_no_replace BEFORE INSERT ON history
WHEN EXISTS (SELECT 1 FROM history WHERE seq = NEW.seq OR id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER history_order_no_update BEFORE UPDATE ON history_order
BEGIN SELECT RAISE(ABORT, 'history_order is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER history_order_no_delete BEFORE DELETE ON history_order
BEGIN SELECT RAISE(ABORT, 'history_order is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER history_order_no_replace BEFORE INSERT ON history_order
WHEN EXISTS (SELECT 1 FROM history_order WHERE position = NEW.position OR seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'history_order is append-only'); END;
-- +goose StatementEnd
