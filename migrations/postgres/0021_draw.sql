-- +goose Up
-- The seed that draws whether a MODERATE finding is re-inspected, made when it is assigned;
-- empty before, and for what was assigned by an earlier version.
ALTER TABLE findings ADD COLUMN draw_seed TEXT NOT NULL DEFAULT '';
