-- +goose Up
-- Legal texts as dated records; a citation of an item points to one where there is one.
CREATE TABLE legal_bases (
    id             TEXT PRIMARY KEY,
    code           TEXT NOT NULL UNIQUE,
    number         TEXT NOT NULL,
    date           TEXT NOT NULL DEFAULT '',
    title_vi       TEXT NOT NULL,
    effective_from TEXT NOT NULL DEFAULT '',
    effective_to   TEXT NOT NULL DEFAULT '',
    replaced_by    TEXT NOT NULL DEFAULT '',
    confirmed      BOOLEAN NOT NULL DEFAULT FALSE,
    note           TEXT NOT NULL DEFAULT '',
    version        BIGINT NOT NULL DEFAULT 1
);

-- One row a version of a checklist; key names the checklist through its versions.
CREATE TABLE checklists (
    id           TEXT PRIMARY KEY,
    key          TEXT NOT NULL,
    number       BIGINT NOT NULL,
    title_vi     TEXT NOT NULL,
    title_en     TEXT NOT NULL DEFAULT '',
    state        TEXT NOT NULL DEFAULT 'DRAFT' CHECK (state IN ('DRAFT','PUBLISHED')),
    content_hash TEXT NOT NULL DEFAULT '',
    created_at   BIGINT NOT NULL,
    published_at BIGINT NOT NULL DEFAULT 0,
    published_by TEXT NOT NULL DEFAULT '',
    version      BIGINT NOT NULL DEFAULT 1,
    UNIQUE (key, number)
);

-- item_key is the identity of an item through all versions; the code may change.
-- target and zero_at are ten-thousandths, 0 where there is none.
CREATE TABLE checklist_items (
    id             TEXT PRIMARY KEY,
    checklist_id   TEXT NOT NULL REFERENCES checklists (id),
    position       BIGINT NOT NULL,
    item_key       TEXT NOT NULL,
    code           TEXT NOT NULL,
    section        TEXT NOT NULL,
    section_vi     TEXT NOT NULL,
    section_en     TEXT NOT NULL DEFAULT '',
    text_vi        TEXT NOT NULL,
    text_en        TEXT NOT NULL DEFAULT '',
    response       TEXT NOT NULL CHECK (response IN ('YN','RATE3','CNT','SMP','ATT','AUTO')),
    source         TEXT NOT NULL CHECK (source IN ('ANSWER','ATTENDANCE','AUTO')),
    photo          TEXT NOT NULL CHECK (photo IN ('ALWAYS','ON_FAILURE','NO_PEOPLE','CAMERA_SNAPSHOT','NONE')),
    photo_note     TEXT NOT NULL DEFAULT '',
    redact         TEXT NOT NULL DEFAULT '' CHECK (redact IN ('','PEOPLE','PAPERS')),
    severity       TEXT NOT NULL CHECK (severity IN ('MINOR','MODERATE','MAJOR','CRITICAL')),
    weight         BIGINT NOT NULL CHECK (weight BETWEEN 1 AND 100),
    target         BIGINT NOT NULL DEFAULT 0 CHECK (target BETWEEN 0 AND 10000),
    zero_at        BIGINT NOT NULL DEFAULT 0 CHECK (zero_at BETWEEN 0 AND 10000),
    count_label_vi TEXT NOT NULL DEFAULT '',
    count_label_en TEXT NOT NULL DEFAULT '',
    applies_to     TEXT NOT NULL DEFAULT 'ALL',
    guidance_vi    TEXT NOT NULL DEFAULT '',
    guidance_en    TEXT NOT NULL DEFAULT '',
    UNIQUE (checklist_id, item_key),
    UNIQUE (checklist_id, code)
);

CREATE TABLE item_phrases (
    item_id  TEXT NOT NULL REFERENCES checklist_items (id),
    position BIGINT NOT NULL,
    text_vi  TEXT NOT NULL,
    text_en  TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (item_id, position)
);

CREATE TABLE item_bases (
    item_id  TEXT NOT NULL REFERENCES checklist_items (id),
    position BIGINT NOT NULL,
    citation TEXT NOT NULL,
    locator  TEXT NOT NULL DEFAULT '',
    basis_id TEXT REFERENCES legal_bases (id),
    PRIMARY KEY (item_id, position)
);

-- A published version never changes: neither its row nor what belongs to it.
-- +goose StatementBegin
CREATE FUNCTION refuse_published() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    hit BOOLEAN := FALSE;
BEGIN
    IF TG_TABLE_NAME = 'checklists' THEN
        hit := OLD.state = 'PUBLISHED';
    ELSIF TG_TABLE_NAME = 'checklist_items' THEN
        IF TG_OP <> 'INSERT' THEN
            hit := EXISTS (SELECT 1 FROM checklists WHERE id = OLD.checklist_id AND state = 'PUBLISHED');
        END IF;
        IF TG_OP <> 'DELETE' THEN
            hit := hit OR EXISTS (SELECT 1 FROM checklists WHERE id = NEW.checklist_id AND state = 'PUBLISHED');
        END IF;
    ELSE
        IF TG_OP <> 'INSERT' THEN
            hit := EXISTS (SELECT 1 FROM checklists c JOIN checklist_items i ON i.checklist_id = c.id
                           WHERE i.id = OLD.item_id AND c.state = 'PUBLISHED');
        END IF;
        IF TG_OP <> 'DELETE' THEN
            hit := hit OR EXISTS (SELECT 1 FROM checklists c JOIN checklist_items i ON i.checklist_id = c.id
                                  WHERE i.id = NEW.item_id AND c.state = 'PUBLISHED');
        END IF;
    END IF;
    IF hit THEN
        RAISE EXCEPTION 'a published checklist never changes';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER checklists_published BEFORE UPDATE OR DELETE ON checklists
    FOR EACH ROW EXECUTE FUNCTION refuse_published();
CREATE TRIGGER checklist_items_published BEFORE INSERT OR UPDATE OR DELETE ON checklist_items
    FOR EACH ROW EXECUTE FUNCTION refuse_published();
CREATE TRIGGER item_phrases_published BEFORE INSERT OR UPDATE OR DELETE ON item_phrases
    FOR EACH ROW EXECUTE FUNCTION refuse_published();
CREATE TRIGGER item_bases_published BEFORE INSERT OR UPDATE OR DELETE ON item_bases
    FOR EACH ROW EXECUTE FUNCTION refuse_published();
CREATE TRIGGER checklists_no_truncate BEFORE TRUNCATE ON checklists
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER checklist_items_no_truncate BEFORE TRUNCATE ON checklist_items
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER item_phrases_no_truncate BEFORE TRUNCATE ON item_phrases
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER item_bases_no_truncate BEFORE TRUNCATE ON item_bases
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
