-- +goose Up
-- The name of the camera as it was when the still was taken: minutes that were sent do not
-- change when a camera gets another name. Of what there is already it is today's.
ALTER TABLE camera_snapshots ADD COLUMN camera_name TEXT NOT NULL DEFAULT '';
UPDATE camera_snapshots SET camera_name = (SELECT name FROM cameras WHERE cameras.id = camera_snapshots.camera_id);
