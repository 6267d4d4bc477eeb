-- +goose Up
-- A check of form REMOTE is planned like any other, and its stills hang on the check
-- itself. SQLite keeps a CHECK as the words of its table: they are changed there, which
-- leaves every row and everything that refers to it where it is.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''PLANNED'', ''SURPRISE'', ''THEMATIC'', ''REINSPECTION'')', '''PLANNED'', ''SURPRISE'', ''THEMATIC'', ''REINSPECTION'', ''REMOTE'')')
    WHERE type = 'table' AND name = 'targets';
UPDATE sqlite_schema SET sql = replace(sql, '(''item'', ''finding'')', '(''item'', ''finding'', ''visit'')')
    WHERE type = 'table' AND name = 'camera_snapshots';
PRAGMA writable_schema = RESET;

-- What may have to go is kept under a key of its own, which no other file shares; object is
-- that key, empty where the key follows from the hash. The row stays when the bytes have
-- left: removed_at tells since when.
ALTER TABLE evidence_files ADD COLUMN object TEXT NOT NULL DEFAULT '';
ALTER TABLE evidence_files ADD COLUMN removed_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE evidence_derived ADD COLUMN object TEXT NOT NULL DEFAULT '';
CREATE INDEX evidence_files_apart ON evidence_files (id) WHERE object <> '' AND removed_at = 0;
CREATE INDEX evidence_files_leaving ON evidence_files (removed_at, id) WHERE object <> '' AND removed_at > 0;
