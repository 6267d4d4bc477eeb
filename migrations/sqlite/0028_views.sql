-- +goose Up
-- What was said of the view between two pictures, by the hashes of the forms that were
-- compared. It is said once: a later version of the method does not say it anew.
CREATE TABLE evidence_views (
    first         TEXT NOT NULL,
    second        TEXT NOT NULL,
    verdict       TEXT NOT NULL CHECK (verdict IN ('SAME','MOVED','OTHER')),
    x             REAL NOT NULL,
    y             REAL NOT NULL,
    turn          REAL NOT NULL,
    scale         REAL NOT NULL,
    similarity    INTEGER NOT NULL,
    overlap       REAL NOT NULL,
    first_height  REAL NOT NULL,
    second_height REAL NOT NULL,
    made_at       INTEGER NOT NULL,
    PRIMARY KEY (first, second)
);
