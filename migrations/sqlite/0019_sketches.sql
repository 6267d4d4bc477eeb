-- +goose Up
-- A small picture of a photograph that is still being sent, for who may see the original:
-- a look ahead, made anew by the server of what the device sent. No evidence, and not
-- backed up: it goes when the original comes, is given up, or never comes.
CREATE TABLE evidence_sketches (
    file_id TEXT    NOT NULL PRIMARY KEY REFERENCES evidence_files (id),
    image   BLOB    NOT NULL,
    made_at INTEGER NOT NULL
);
CREATE INDEX evidence_sketches_made_at ON evidence_sketches (made_at);
