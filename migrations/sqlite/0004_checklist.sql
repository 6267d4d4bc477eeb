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
    version        INTEGER NOT NULL DEFAULT 1
);

-- One row a version of a checklist; key names the checklist through its versions.
CREATE TABLE checklists (
    id           TEXT PRIMARY KEY,
    key          TEXT NOT NULL,
    number       INTEGER NOT NULL,
    title_vi     TEXT NOT NULL,
    title_en     TEXT NOT NULL DEFAULT '',
    state        TEXT NOT NULL DEFAULT 'DRAFT' CHECK (state IN ('DRAFT','PUBLISHED')),
    content_hash TEXT NOT NULL DEFAULT '',
    created_at   INTEGER NOT NULL,
    published_at INTEGER NOT NULL DEFAULT 0,
    published_by TEXT NOT NULL DEFAULT '',
    version      INTEGER NOT NULL DEFAULT 1,
    UNIQUE (key, number)
);

-- item_key is the identity of an item through all versions; the code may change.
-- target and zero_at are ten-thousandths, 0 where there is none.
CREATE TABLE checklist_items (
    id             TEXT PRIMARY KEY,
    checklist_id   TEXT NOT NULL REFERENCES checklists (id),
    position       INTEGER NOT NULL,
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
    weight         INTEGER NOT NULL CHECK (weight BETWEEN 1 AND 100),
    target         INTEGER NOT NULL DEFAULT 0 CHECK (target BETWEEN 0 AND 10000),
    zero_at        INTEGER NOT NULL DEFAULT 0 CHECK (zero_at BETWEEN 0 AND 10000),
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
    position INTEGER NOT NULL,
    text_vi  TEXT NOT NULL,
    text_en  TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (item_id, position)
);

CREATE TABLE item_bases (
    item_id  TEXT NOT NULL REFERENCES checklist_items (id),
    position INTEGER NOT NULL,
    citation TEXT NOT NULL,
    locator  TEXT NOT NULL DEFAULT '',
    basis_id TEXT REFERENCES legal_bases (id),
    PRIMARY KEY (item_id, position)
);

-- A published version never changes: neither its row nor what belongs to it.
-- INSERT OR REPLACE deletes without firing a DELETE trigger: it is caught before
-- the insert.
-- +goose StatementBegin
CREATE TRIGGER checklists_no_update BEFORE UPDATE ON checklists
WHEN OLD.state = 'PUBLISHED'
BEGIN SELECT RAISE(ABORT, 'a published checklist never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checklists_no_delete BEFORE DELETE ON checklists
WHEN OLD.state = 'PUBLISHED'
BEGIN SELECT RAISE(ABORT, 'a published checklist never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checklists_no_replace BEFORE INSERT ON checklists
WHEN EXISTS (SELECT 1 FROM checklists WHERE state = 'PUBLISHED' AND (id = NEW.id OR key = NEW.key AND number = NEW.number))
BEGIN SELECT RAISE(ABORT, 'a published checklist never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checklist_items_no_insert BEFORE INSERT ON checklist_items
WHEN EXISTS (SELECT 1 FROM checklists WHERE state = 'PUBLISHED' AND id = NEW.checklist_id)
  OR EXISTS (SELECT 1 FROM checklists c JOIN checklist_items i ON i.checklist_id = c.id WHERE i.id = NEW.id AND c.state = 'PUBLISHED')
BEGIN SELECT RAISE(ABORT, 'a published checklist never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checklist_items_no_update BEFORE UPDATE ON checklist_items
WHEN EXISTS (SELECT 1 FROM checklists WHERE state = 'PUBLISHED' AND id = OLD.checklist_id)
  OR EXISTS (SELECT 1 FROM checklists WHERE state = 'PUBLISHED' AND id = NEW.checklist_id)
BEGIN SELECT RAISE(ABORT, 'a published checklist never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checklist_items_no_delete BEFORE DELETE ON checklist_items
WHEN EXISTS (SELECT 1 FROM checklists WHERE state = 'PUBLISHED' AND id = OLD.checklist_id)
BEGIN SELECT RAISE(ABORT, 'a published checklist never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER item_phrases_no_insert BEFORE INSERT ON item_phrases
WHEN EXISTS (SELECT 1 FROM checklists c JOIN checklist_items i ON i.checklist_id = c.id WHERE i.id = NEW.item_id AND c.state = 'PUBLISHED')
BEGIN SELECT RAISE(ABORT, 'a published checklist never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER item_phrases_no_update BEFORE UPDATE ON item_phrases
WHEN EXISTS (SELECT 1 FROM checklists c JOIN checklist_items i ON i.checklist_id = c.id WHERE i.id = OLD.item_id AND c.state = 'PUBLISHED')
  OR EXISTS (SELECT 1 FROM checklists c JOIN checklist_items i ON i.checklist_id = c.id WHERE i.id = NEW.item_id AND c.state = 'PUBLISHED')
BEGIN SELECT RAISE(ABORT, 'a published checklist never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER item_phrases_no_delete BEFORE DELETE ON item_phrases
WHEN EXISTS (SELECT 1 FROM checklists c JOIN checklist_items i ON i.checklist_id = c.id WHERE i.id = OLD.item_id AND c.state = 'PUBLISHED')
BEGIN SELECT RAISE(ABORT, 'a published checklist never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER item_bases_no_insert BEFORE INSERT ON item_bases
WHEN EXISTS (SELECT 1 FROM checklists c JOIN checklist_items i ON i.checklist_id = c.id WHERE i.id = NEW.item_id AND c.state = 'PUBLISHED')
BEGIN SELECT RAISE(ABORT, 'a published checklist never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER item_bases_no_update BEFORE UPDATE ON item_bases
WHEN EXISTS (SELECT 1 FROM checklists c JOIN checklist_items i ON i.checklist_id = c.id WHERE i.id = OLD.item_id AND c.state = 'PUBLISHED')
  OR EXISTS (SELECT 1 FROM checklists c JOIN checklist_items i ON i.checklist_id = c.id WHERE i.id = NEW.item_id AND c.state = 'PUBLISHED')
BEGIN SELECT RAISE(ABORT, 'a published checklist never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER item_bases_no_delete BEFORE DELETE ON item_bases
WHEN EXISTS (SELECT 1 FROM checklists c JOIN checklist_items i ON i.checklist_id = c.id WHERE i.id = OLD.item_id AND c.state = 'PUBLISHED')
BEGIN SELECT RAISE(ABORT, 'a published checklist never changes'); END;
-- +goose StatementEnd
