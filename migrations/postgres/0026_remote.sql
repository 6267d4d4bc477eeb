-- +goose Up
-- A check of form REMOTE is planned like any other, and its stills hang on the check
-- itself.
ALTER TABLE targets DROP CONSTRAINT targets_form_check;
ALTER TABLE targets ADD CONSTRAINT targets_form_check CHECK (form IN ('PLANNED', 'SURPRISE', 'THEMATIC', 'REINSPECTION', 'REMOTE'));
ALTER TABLE camera_snapshots DROP CONSTRAINT camera_snapshots_subject_kind_check;
ALTER TABLE camera_snapshots ADD CONSTRAINT camera_snapshots_subject_kind_check CHECK (subject_kind IN ('item', 'finding', 'visit'));

-- What may have to go is kept under a key of its own, which no other file shares; object is
-- that key, empty where the key follows from the hash. The row stays when the bytes have
-- left: removed_at tells since when.
ALTER TABLE evidence_files ADD COLUMN object TEXT NOT NULL DEFAULT '';
ALTER TABLE evidence_files ADD COLUMN removed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE evidence_derived ADD COLUMN object TEXT NOT NULL DEFAULT '';
CREATE INDEX evidence_files_apart ON evidence_files (id) WHERE object <> '' AND removed_at = 0;
CREATE INDEX evidence_files_leaving ON evidence_files (removed_at, id) WHERE object <> '' AND removed_at > 0;
