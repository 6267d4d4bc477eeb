-- +goose Up
-- The copies of the program that run, or ran: each writes its row again while it does.
CREATE TABLE instances (
    id           TEXT PRIMARY KEY,
    version      TEXT NOT NULL,
    started_at   INTEGER NOT NULL,
    seen_at      INTEGER NOT NULL,
    clock_offset INTEGER NOT NULL DEFAULT 0 -- milliseconds that the copy's clock is ahead of the database's
);
CREATE INDEX instances_seen ON instances (seen_at);

-- The backups that were finished.
CREATE TABLE backups (
    id          TEXT PRIMARY KEY,
    taken_at    INTEGER NOT NULL, -- the instant that it holds
    finished_at INTEGER NOT NULL,
    objects     INTEGER NOT NULL,
    bytes       INTEGER NOT NULL
);
CREATE INDEX backups_taken ON backups (taken_at);
