-- +goose Up
-- What was drawn on a photograph (arrow, ring, words) is a file of its own that names the
-- photograph; empty for all others. It counts neither as a photograph nor as taken.
ALTER TABLE evidence_files ADD COLUMN of_id TEXT NOT NULL DEFAULT '';
