-- +goose Up
-- Files that somebody sends: originals, what they hang on, what is derived from them.
-- visit_id, team_id and organisation_id are ids of other packages' rows, told to
-- evidence when a file is declared.
CREATE TABLE evidence_files (
    id                  TEXT    PRIMARY KEY,
    visit_id            TEXT    NOT NULL,
    team_id             TEXT    NOT NULL DEFAULT '',
    organisation_id     TEXT    NOT NULL DEFAULT '',
    side                TEXT    NOT NULL CHECK (side IN ('TEAM','UNIT')),
    sha256              TEXT    NOT NULL,
    size                INTEGER  NOT NULL CHECK (size > 0),
    name                TEXT    NOT NULL DEFAULT '',
    media_type          TEXT    NOT NULL DEFAULT '',
    kind                TEXT    NOT NULL CHECK (kind IN ('PHOTO','DOCUMENT_SCAN','SCREENSHOT','CAMERA_SNAPSHOT','NOTE')),
    state               TEXT    NOT NULL CHECK (state IN ('DECLARED','RECEIVED','LOST')),
    access              TEXT    NOT NULL CHECK (access IN ('NORMAL','RESTRICTED')),
    contains            TEXT    NOT NULL CHECK (contains IN ('UNKNOWN','NOBODY','STAFF','CITIZEN','CHILD','PAPERS')),
    no_people_confirmed BOOLEAN NOT NULL DEFAULT FALSE,
    purpose_decision    TEXT    NOT NULL DEFAULT '',
    declaration         TEXT    NOT NULL,
    declared_by         TEXT    NOT NULL,
    declared_capacity   TEXT    NOT NULL DEFAULT '',
    declared_at         INTEGER  NOT NULL,
    device              TEXT    NOT NULL DEFAULT '',
    captured_at         INTEGER  NOT NULL DEFAULT 0,
    received_at         INTEGER  NOT NULL DEFAULT 0,
    lost_reason         TEXT    NOT NULL DEFAULT '',
    width               INTEGER  NOT NULL DEFAULT 0,
    height              INTEGER  NOT NULL DEFAULT 0,
    orientation         INTEGER  NOT NULL DEFAULT 0,
    exif_at             INTEGER  NOT NULL DEFAULT 0,
    exif_lat            REAL,
    exif_lng            REAL,
    derive_state        TEXT    NOT NULL CHECK (derive_state IN ('PENDING','DONE','FAILED','NONE')),
    derive_attempts     INTEGER  NOT NULL DEFAULT 0,
    derive_lease_until  INTEGER  NOT NULL DEFAULT 0,
    CHECK (state <> 'RECEIVED' OR received_at > 0)
);
CREATE INDEX evidence_files_visit ON evidence_files (visit_id, declared_at, id);
CREATE INDEX evidence_files_sha256 ON evidence_files (sha256);
CREATE INDEX evidence_files_derive ON evidence_files (derive_lease_until) WHERE state = 'RECEIVED' AND derive_state = 'PENDING';

-- What a file hangs on. A link is never changed: the row with the highest n of a
-- file, subject and role tells whether it stands.
CREATE TABLE evidence_links (
    id           TEXT    PRIMARY KEY,
    file_id      TEXT    NOT NULL REFERENCES evidence_files (id),
    subject_kind TEXT    NOT NULL CHECK (subject_kind IN ('visit','item','finding','step','minutes','attendance','explanation')),
    subject_id   TEXT    NOT NULL,
    role         TEXT    NOT NULL CHECK (role IN ('EVIDENCE','BEFORE','AFTER','SCAN','DOOR','DOCUMENT')),
    n            INTEGER  NOT NULL,
    linked       BOOLEAN NOT NULL DEFAULT TRUE,
    made_at      INTEGER  NOT NULL,
    made_by      TEXT    NOT NULL,
    UNIQUE (file_id, subject_kind, subject_id, role, n)
);
CREATE INDEX evidence_links_subject ON evidence_links (subject_kind, subject_id);

-- Pictures made from an original, and copies confirmed for sharing; old confirmed
-- ones stay, the newest counts.
CREATE TABLE evidence_derived (
    id           TEXT    PRIMARY KEY,
    file_id      TEXT    NOT NULL REFERENCES evidence_files (id),
    kind         TEXT    NOT NULL CHECK (kind IN ('THUMB','PREVIEW','SHARED','SHARED_THUMB')),
    sha256       TEXT    NOT NULL,
    size         INTEGER  NOT NULL,
    media_type   TEXT    NOT NULL,
    width        INTEGER  NOT NULL DEFAULT 0,
    height       INTEGER  NOT NULL DEFAULT 0,
    boxes        TEXT    NOT NULL DEFAULT '',
    nobody_mark  BOOLEAN NOT NULL DEFAULT FALSE,
    made_at      INTEGER  NOT NULL,
    confirmed_by TEXT    NOT NULL DEFAULT '',
    n            INTEGER  NOT NULL DEFAULT 1,
    UNIQUE (file_id, kind, n)
);

-- Every opening of what is restricted, with its reason.
CREATE TABLE evidence_openings (
    id        TEXT    PRIMARY KEY,
    file_id   TEXT    NOT NULL REFERENCES evidence_files (id),
    variant   TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    opened_by TEXT    NOT NULL,
    opened_at INTEGER  NOT NULL
);
CREATE INDEX evidence_openings_file ON evidence_openings (file_id, opened_at);
