-- +goose Up
-- Scores as they were frozen at the conclusion; a later correction is a new
-- revision with its reason.
CREATE TABLE scores (
    id             TEXT    PRIMARY KEY,
    visit_id       TEXT    NOT NULL REFERENCES visits (id),
    revision       BIGINT  NOT NULL,
    checklist_id   TEXT    NOT NULL REFERENCES checklists (id),
    rated          BOOLEAN NOT NULL,
    raw_hundredths BIGINT  NOT NULL,
    deductions     BIGINT  NOT NULL,
    cap            BIGINT  NOT NULL,
    total          BIGINT  NOT NULL,
    grade          TEXT    NOT NULL,
    na_weight      BIGINT  NOT NULL,
    reason         TEXT    NOT NULL DEFAULT '',
    frozen_at      BIGINT  NOT NULL,
    frozen_by      TEXT    NOT NULL REFERENCES people (id),
    UNIQUE (visit_id, revision)
);
CREATE TABLE score_lines (
    score_id    TEXT   NOT NULL REFERENCES scores (id),
    item_key    TEXT   NOT NULL,
    item_code   TEXT   NOT NULL,
    section     TEXT   NOT NULL,
    weight      BIGINT NOT NULL,
    applicable  BOOLEAN NOT NULL,
    numerator   TEXT   NOT NULL,
    denominator TEXT   NOT NULL,
    PRIMARY KEY (score_id, item_key)
);
CREATE TABLE score_deductions (
    score_id TEXT   NOT NULL REFERENCES scores (id),
    line     BIGINT NOT NULL,
    reason   TEXT   NOT NULL,
    detail   TEXT   NOT NULL DEFAULT '',
    points   BIGINT NOT NULL,
    PRIMARY KEY (score_id, line)
);
CREATE TRIGGER scores_no_change BEFORE UPDATE OR DELETE ON scores
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER score_lines_no_change BEFORE UPDATE OR DELETE ON score_lines
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER score_deductions_no_change BEFORE UPDATE OR DELETE ON score_deductions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER scores_no_truncate BEFORE TRUNCATE ON scores
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER score_lines_no_truncate BEFORE TRUNCATE ON score_lines
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER score_deductions_no_truncate BEFORE TRUNCATE ON score_deductions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
