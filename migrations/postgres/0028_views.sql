-- +goose Up
-- What was said of the view between two pictures, by the hashes of the forms that were
-- compared. It is said once: a later version of the method does not say it anew.
CREATE TABLE evidence_views (
    first         TEXT NOT NULL,
    second        TEXT NOT NULL,
    verdict       TEXT NOT NULL CHECK (verdict IN ('SAME','MOVED','OTHER')),
    x             DOUBLE PRECISION NOT NULL,
    y             DOUBLE PRECISION NOT NULL,
    turn          DOUBLE PRECISION NOT NULL,
    scale         DOUBLE PRECISION NOT NULL,
    similarity    BIGINT NOT NULL,
    overlap       DOUBLE PRECISION NOT NULL,
    first_height  DOUBLE PRECISION NOT NULL,
    second_height DOUBLE PRECISION NOT NULL,
    made_at       BIGINT NOT NULL,
    PRIMARY KEY (first, second)
);
