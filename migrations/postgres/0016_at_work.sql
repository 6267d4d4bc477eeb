-- +goose Up
-- What is on its way or waits for its small pictures, among years of files for which
-- nothing is left to do.
CREATE INDEX evidence_files_at_work ON evidence_files (state, derive_state, received_at) WHERE state = 'DECLARED' OR derive_state IN ('PENDING', 'FAILED');
