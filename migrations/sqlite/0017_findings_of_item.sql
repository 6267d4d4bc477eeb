-- +goose Up
-- What a check found about one item is looked for without reading all that it found.
DROP INDEX findings_visit;
CREATE INDEX findings_visit ON findings (visit_id, item_key);
