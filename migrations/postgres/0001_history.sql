-- +goose Up
CREATE TABLE history (
    seq          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           TEXT   NOT NULL UNIQUE,
    at           BIGINT NOT NULL,
    actor        TEXT   NOT NULL DEFAULT '',
    role         TEXT   NOT NULL DEFAULT '',
    organisation TEXT   NOT NULL DEFAULT '',
    team         TEXT   NOT NULL DEFAULT '',
    action       TEXT   NOT NULL,
    subject_kind TEXT   NOT NULL,
    subject_id   TEXT   NOT NULL,
    visit_id     TEXT   NOT NULL DEFAULT '',
    body         TEXT   NOT NULL,
    hash         TEXT   NOT NULL
);
CREATE INDEX history_subject ON history (subject_kind, subject_id, seq);
CREATE INDEX history_visit ON history (visit_id, seq);

-- The order in which committed rows are handed to readers; see package history.
CREATE TABLE history_order (
    position BIGINT PRIMARY KEY,
    seq      BIGINT NOT NULL UNIQUE REFERENCES history (seq)
);
CREATE TABLE history_head (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    position  BIGINT NOT NULL,
    settled   BIGINT NOT NULL
);
INSERT INTO history_head (one, position, settled) VALUES (1, 0, 0);

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
-- +goose StatementEnd
CREATE TRIGGER history_no_change BEFORE UPDATE OR DELETE ON history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER history_no_truncate BEFORE TRUNCATE ON history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER history_order_no_change BEFORE UPDATE OR DELETE ON history_order
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER history_order_no_truncate BEFORE TRUNCATE ON history_order
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
