-- +goose Up
-- What has arrived of files whose sending broke off, until the rest comes: pieces that
-- follow each other, at their place in the file. Not evidence yet, and not backed up:
-- the device has the whole file until it has its receipt.
CREATE TABLE evidence_parts (
    file_id     TEXT    NOT NULL REFERENCES evidence_files (id),
    place       INTEGER NOT NULL CHECK (place >= 0),
    size        INTEGER NOT NULL CHECK (size > 0),
    received_at INTEGER NOT NULL,
    bytes       BLOB    NOT NULL,
    PRIMARY KEY (file_id, place)
);
CREATE INDEX evidence_parts_received_at ON evidence_parts (received_at);

-- What a tablet knows of its own clock: how far the server's is ahead of it, in
-- milliseconds, null when it never learned; and which of its starts elapsed_ms counts in.
ALTER TABLE operations ADD COLUMN offset_ms INTEGER;
ALTER TABLE operations ADD COLUMN boot TEXT NOT NULL DEFAULT '';
