-- +goose Up
-- Who signed the decision to check, apart from who decides its checks today
-- (decided_by): the one never changes but by correction, the other may be handed over.
ALTER TABLE campaigns ADD COLUMN signed_by TEXT REFERENCES people (id);
UPDATE campaigns SET signed_by = decided_by;
