-- +goose Up
-- Scores as they were frozen at the conclusion; a later correction is a new
-- revision with its reason.
CREATE TABLE scores (
    id             TEXT    PRIMARY KEY,
    visit_id       TEXT    NOT NULL REFERENCES visits (id),
    revision       INTEGER NOT NULL,
    checklist_id   TEXT    NOT NULL REFERENCES checklists (id),
    rated          BOOLEAN NOT NULL,
    raw_hundredths INTEGER NOT NULL,
    deductions     INTEGER NOT NULL,
    cap            INTEGER NOT NULL,
    total          INTEGER NOT NULL,
    grade          TEXT    NOT NULL,
    na_weight      INTEGER NOT NULL,
    reason         TEXT    NOT NULL DEFAULT '',
    frozen_at      INTEGER NOT NULL,
    frozen_by      TEXT    NOT NULL REFERENCES people (id),
    UNIQUE (visit_id, revision)
);
CREATE TABLE score_lines (
    score_id    TEXT   NOT NULL REFERENCES scores (id),
    item_key    TEXT   NOT NULL,
    item_code   TEXT   NOT NULL,
    section     TEXT   NOT NULL,
    weight      INTEGER NOT NULL,
    applicable  BOOLEAN NOT NULL,
    numerator   TEXT   NOT NULL,
    denominator TEXT   NOT NULL,
    PRIMARY KEY (score_id, item_key)
);
CREATE TABLE score_deductions (
    score_id TEXT   NOT NULL REFERENCES scores (id),
    line     INTEGER NOT NULL,
    reason   TEXT   NOT NULL,
    detail   TEXT   NOT NULL DEFAULT '',
    points   INTEGER NOT NULL,
    PRIMARY KEY (score_id, line)
);
-- +goose StatementBegin
CREATE TRIGGER scores_no_update BEFORE UPDATE ON scores
BEGIN SELECT RAISE(ABORT, 'scores is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER scores_no_delete BEFORE DELETE ON scores
BEGIN SELECT RAISE(ABORT, 'scores is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER scores_no_replace BEFORE INSERT ON scores
WHEN EXISTS (SELECT 1 FROM scores WHERE id = NEW.id OR visit_id = NEW.visit_id AND revision = NEW.revision)
BEGIN SELECT RAISE(ABORT, 'scores is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER score_lines_no_update BEFORE UPDATE ON score_lines
BEGIN SELECT RAISE(ABORT, 'score_lines is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER score_lines_no_delete BEFORE DELETE ON score_lines
BEGIN SELECT RAISE(ABORT, 'score_lines is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER score_lines_no_replace BEFORE INSERT ON score_lines
WHEN EXISTS (SELECT 1 FROM score_lines WHERE score_id = NEW.score_id AND item_key = NEW.item_key)
BEGIN SELECT RAISE(ABORT, 'score_lines is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER score_deductions_no_update BEFORE UPDATE ON score_deductions
BEGIN SELECT RAISE(ABORT, 'score_deductions is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER score_deductions_no_delete BEFORE DELETE ON score_deductions
BEGIN SELECT RAISE(ABORT, 'score_deductions is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER score_deductions_no_replace BEFORE INSERT ON score_deductions
WHEN EXISTS (SELECT 1 FROM score_deductions WHERE score_id = NEW.score_id AND line = NEW.line)
BEGIN SELECT RAISE(ABORT, 'score_deductions is append-only'); END;
-- +goose StatementEnd
