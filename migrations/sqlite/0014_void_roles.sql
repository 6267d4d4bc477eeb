-- +goose Up
-- A role that was given by mistake is void from its beginning; the row stays, with the
-- reason. Who voided it stands in corrections and in history.
ALTER TABLE person_roles ADD COLUMN voided_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE person_roles ADD COLUMN void_reason TEXT NOT NULL DEFAULT '';
