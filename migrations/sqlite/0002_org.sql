-- +goose Up
CREATE TABLE admin_units (
    id         TEXT PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    unit_type  TEXT NOT NULL CHECK (unit_type IN ('COUNTRY','PROVINCE','CITY','DISTRICT','COMMUNE','WARD','TOWNSHIP','SPECIAL_ZONE')),
    parent_id  TEXT REFERENCES admin_units (id),
    valid_from TEXT NOT NULL DEFAULT '',
    valid_to   TEXT NOT NULL DEFAULT '',
    note       TEXT NOT NULL DEFAULT '',
    search     TEXT NOT NULL DEFAULT '',
    version    INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX admin_units_parent ON admin_units (parent_id);

CREATE TABLE admin_unit_lineage (
    id             TEXT PRIMARY KEY,
    predecessor_id TEXT NOT NULL REFERENCES admin_units (id),
    successor_id   TEXT REFERENCES admin_units (id),
    relation       TEXT NOT NULL CHECK (relation IN ('MERGED_INTO','SPLIT_INTO','RENAMED','PART_TRANSFERRED','DISSOLVED')),
    portion        TEXT NOT NULL CHECK (portion IN ('WHOLE','PART')),
    legal_act      TEXT NOT NULL DEFAULT '',
    effective_date TEXT NOT NULL,
    UNIQUE (predecessor_id, successor_id, effective_date)
);
CREATE INDEX admin_unit_lineage_successor ON admin_unit_lineage (successor_id);

CREATE TABLE organisations (
    id            TEXT PRIMARY KEY,
    key           TEXT NOT NULL UNIQUE,
    kind          TEXT NOT NULL CHECK (kind IN ('PEOPLES_COMMITTEE','PC_OFFICE','DEPARTMENT','COMMUNE_DIVISION','SERVICE_CENTER_PROV',
                  'SERVICE_CENTER_ONE_LEVEL','SERVICE_CENTER_BRANCH','SERVICE_CENTER_COMMUNE','RECEPTION_POINT','VERTICAL_AGENCY','INSPECTION_TEAM')),
    name          TEXT NOT NULL,
    admin_unit_id TEXT NOT NULL REFERENCES admin_units (id),
    parent_id     TEXT REFERENCES organisations (id),
    valid_from    TEXT NOT NULL DEFAULT '',
    valid_to      TEXT NOT NULL DEFAULT '',
    search        TEXT NOT NULL DEFAULT '',
    version       INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX organisations_admin_unit ON organisations (admin_unit_id);
CREATE INDEX organisations_parent ON organisations (parent_id);

CREATE TABLE organisation_lineage (
    id             TEXT PRIMARY KEY,
    predecessor_id TEXT NOT NULL REFERENCES organisations (id),
    successor_id   TEXT REFERENCES organisations (id),
    relation       TEXT NOT NULL CHECK (relation IN ('MERGED_INTO','SPLIT_INTO','RENAMED','PART_TRANSFERRED','DISSOLVED')),
    portion        TEXT NOT NULL CHECK (portion IN ('WHOLE','PART')),
    legal_act      TEXT NOT NULL DEFAULT '',
    effective_date TEXT NOT NULL,
    UNIQUE (predecessor_id, successor_id, effective_date)
);
CREATE INDEX organisation_lineage_successor ON organisation_lineage (successor_id);

CREATE TABLE desks (
    id              TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    key             TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    address         TEXT NOT NULL DEFAULT '',
    valid_from      TEXT NOT NULL DEFAULT '',
    valid_to        TEXT NOT NULL DEFAULT '',
    search          TEXT NOT NULL DEFAULT '',
    version         INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX desks_organisation ON desks (organisation_id);

CREATE TABLE posts (
    id         TEXT PRIMARY KEY,
    desk_id    TEXT NOT NULL REFERENCES desks (id),
    title      TEXT NOT NULL,
    field      TEXT NOT NULL DEFAULT '',
    required   BOOLEAN NOT NULL DEFAULT FALSE,
    valid_from TEXT NOT NULL DEFAULT '',
    valid_to   TEXT NOT NULL DEFAULT '',
    simulated  BOOLEAN NOT NULL DEFAULT FALSE,
    search     TEXT NOT NULL DEFAULT '',
    version    INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX posts_desk ON posts (desk_id);

CREATE TABLE people (
    id        TEXT PRIMARY KEY,
    name      TEXT NOT NULL,
    position  TEXT NOT NULL DEFAULT '',
    simulated BOOLEAN NOT NULL DEFAULT FALSE,
    search    TEXT NOT NULL DEFAULT '',
    version   INTEGER NOT NULL DEFAULT 1
);

-- team_id names a team of the plan; the plan owns that table.
CREATE TABLE person_roles (
    id              TEXT PRIMARY KEY,
    person_id       TEXT NOT NULL REFERENCES people (id),
    role            TEXT NOT NULL CHECK (role IN ('chairperson','vice_chairperson','chief_of_office','home_affairs','pc_office','team_lead',
                    'deputy_lead','team_secretary','inspector','unit_head','unit_contact','records_clerk','data_protection_officer','sysadmin','guest_press')),
    organisation_id TEXT REFERENCES organisations (id),
    team_id         TEXT,
    valid_from      TEXT NOT NULL DEFAULT '',
    valid_to        TEXT NOT NULL DEFAULT '',
    reason          TEXT NOT NULL DEFAULT '',
    version         INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX person_roles_person ON person_roles (person_id);
CREATE INDEX person_roles_organisation ON person_roles (organisation_id, role);
CREATE INDEX person_roles_team ON person_roles (team_id);

-- A calendar hangs on an administrative unit or on one organisation.
CREATE TABLE calendars (
    id              TEXT PRIMARY KEY,
    admin_unit_id   TEXT UNIQUE REFERENCES admin_units (id),
    organisation_id TEXT UNIQUE REFERENCES organisations (id),
    version         INTEGER NOT NULL DEFAULT 1,
    CHECK ((admin_unit_id IS NULL) <> (organisation_id IS NULL))
);
-- One row a session: minutes after midnight; weekday 0 is Sunday.
CREATE TABLE calendar_hours (
    id          TEXT PRIMARY KEY,
    calendar_id TEXT NOT NULL REFERENCES calendars (id),
    valid_from  TEXT NOT NULL DEFAULT '',
    valid_to    TEXT NOT NULL DEFAULT '',
    weekday     INTEGER NOT NULL CHECK (weekday BETWEEN 0 AND 6),
    opens       INTEGER NOT NULL CHECK (opens BETWEEN 0 AND 1439),
    closes      INTEGER NOT NULL CHECK (closes BETWEEN 1 AND 1440),
    CHECK (opens < closes),
    UNIQUE (calendar_id, valid_from, weekday, opens)
);
CREATE TABLE calendar_days (
    id          TEXT PRIMARY KEY,
    calendar_id TEXT NOT NULL REFERENCES calendars (id),
    day         TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('HOLIDAY','MAKE_UP_WORKING_DAY')),
    name        TEXT NOT NULL DEFAULT '',
    UNIQUE (calendar_id, day)
);

-- The last number given out per issuer (organisation, or team with its own seal),
-- type of document and year.
CREATE TABLE document_numbers (
    issuer_key TEXT NOT NULL,
    doc_type   TEXT NOT NULL,
    year       INTEGER NOT NULL,
    last       INTEGER NOT NULL,
    PRIMARY KEY (issuer_key, doc_type, year)
);
