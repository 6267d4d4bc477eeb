-- +goose Up
-- The copies of the program that run, or ran: each writes its row again while it does.
CREATE TABLE instances (
    id           TEXT PRIMARY KEY,
    version      TEXT NOT NULL,
    started_at   BIGINT NOT NULL,
    seen_at      BIGINT NOT NULL,
    clock_offset BIGINT NOT NULL DEFAULT 0 -- milliseconds that the copy's clock is ahead of the database's
);
CREATE INDEX instances_seen ON instances (seen_at);

-- The backups that were finished.
CREATE TABLE backups (
    id          TEXT PRIMARY KEY,
    taken_at    BIGINT NOT NULL, -- the instant that it holds
    finished_at BIGINT NOT NULL,
    objects     BIGINT NOT NULL,
    bytes       BIGINT NOT NULL
);
CREATE INDEX backups_taken ON backups (taken_at);
