-- +goose Up
-- A desk that went to another organisation is a new row; this is the one that it was.
ALTER TABLE desks ADD COLUMN predecessor_id TEXT REFERENCES desks (id);

-- What an entry said before it was put right or ended, and why. Append-only.
CREATE TABLE corrections (
    id           TEXT PRIMARY KEY,
    subject_kind TEXT NOT NULL CHECK (subject_kind IN ('unit','organisation','desk','post','person','role')),
    subject_id   TEXT NOT NULL,
    act          TEXT NOT NULL CHECK (act IN ('CORRECTED','ENDED')),
    field        TEXT NOT NULL,
    before       TEXT NOT NULL DEFAULT '',
    after        TEXT NOT NULL DEFAULT '',
    reason       TEXT NOT NULL,
    corrected_by TEXT NOT NULL DEFAULT '',
    corrected_at INTEGER NOT NULL
);
CREATE INDEX corrections_subject ON corrections (subject_kind, subject_id, corrected_at);

-- +goose StatementBegin
CREATE TRIGGER corrections_no_update BEFORE UPDATE ON corrections
BEGIN SELECT RAISE(ABORT, 'corrections is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER corrections_no_delete BEFORE DELETE ON corrections
BEGIN SELECT RAISE(ABORT, 'corrections is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER corrections_no_replace BEFORE INSERT ON corrections
WHEN EXISTS (SELECT 1 FROM corrections WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'corrections is append-only'); END;
-- +goose StatementEnd
