-- +goose Up
-- Programs beside cameras that the server does not reach: they ask for their jobs and
-- sign what they took. The key is Ed25519, base64.
CREATE TABLE camera_relays (
    id         TEXT PRIMARY KEY,
    name       TEXT    NOT NULL,
    public_key TEXT    NOT NULL UNIQUE,
    made_at    BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL DEFAULT 0,
    ended_at   BIGINT NOT NULL DEFAULT 0,
    version    BIGINT NOT NULL DEFAULT 1
);

-- The cameras over a desk. secret is user and password, encrypted (AES-256-GCM); without
-- the notice to staff (Luật 91/2025/QH15, art. 25) no still is taken. plan_x and plan_y
-- are thousandths of the room's width and depth, -1 where nobody has said.
CREATE TABLE cameras (
    id            TEXT PRIMARY KEY,
    desk_id       TEXT    NOT NULL REFERENCES desks (id),
    name          TEXT    NOT NULL,
    place         TEXT    NOT NULL DEFAULT '',
    plan_x        BIGINT NOT NULL DEFAULT -1,
    plan_y        BIGINT NOT NULL DEFAULT -1,
    way           TEXT    NOT NULL CHECK (way IN ('HTTP', 'ONVIF', 'RTSP')),
    address       TEXT    NOT NULL,
    secret        TEXT    NOT NULL DEFAULT '',
    profile       TEXT    NOT NULL DEFAULT '',
    preset        TEXT    NOT NULL DEFAULT '',
    trust         TEXT    NOT NULL DEFAULT '',
    relay_id      TEXT REFERENCES camera_relays (id),
    notice_number TEXT    NOT NULL DEFAULT '',
    notice_date   TEXT    NOT NULL DEFAULT '',
    valid_from    TEXT    NOT NULL DEFAULT '',
    valid_to      TEXT    NOT NULL DEFAULT '',
    last_pixels   TEXT    NOT NULL DEFAULT '', -- hash of what the last still showed, and when: a frozen picture is known by it
    last_at       BIGINT NOT NULL DEFAULT 0,
    last_clock    BIGINT NOT NULL DEFAULT 0,
    version       BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX cameras_desk ON cameras (desk_id);

-- What was asked of a camera in a check, by the operation that asked, and what came of it.
CREATE TABLE camera_snapshots (
    id           TEXT PRIMARY KEY,
    visit_id     TEXT    NOT NULL REFERENCES visits (id),
    camera_id    TEXT    NOT NULL REFERENCES cameras (id),
    subject_kind TEXT    NOT NULL CHECK (subject_kind IN ('item', 'finding')),
    subject_id   TEXT    NOT NULL,
    reason       TEXT    NOT NULL DEFAULT '',
    asked_by     TEXT    NOT NULL REFERENCES people (id),
    asked_at     BIGINT NOT NULL, -- when the person asked
    arrived_at   BIGINT NOT NULL, -- when the server learned of it
    state        TEXT    NOT NULL CHECK (state IN ('ASKED', 'WAITING', 'TAKEN', 'FAILED', 'DECLINED', 'LAPSED')),
    why          TEXT    NOT NULL DEFAULT '' CHECK (why IN ('', 'COUNT', 'TIME')), -- it needs the lead's leave
    decided_by   TEXT REFERENCES people (id),
    decided_at   BIGINT NOT NULL DEFAULT 0,
    decision     TEXT    NOT NULL DEFAULT '',
    lease_owner  TEXT    NOT NULL DEFAULT '',
    lease_until  BIGINT NOT NULL DEFAULT 0,
    begun_at     BIGINT NOT NULL DEFAULT 0,
    taken_at     BIGINT NOT NULL DEFAULT 0, -- by the server's clock, when the frame or the failure was there
    camera_at    BIGINT NOT NULL DEFAULT 0, -- by the camera's, 0 where it does not tell
    file_id      TEXT    NOT NULL DEFAULT '',
    cause        TEXT    NOT NULL DEFAULT '',
    profile      TEXT    NOT NULL DEFAULT '',
    preset       TEXT    NOT NULL DEFAULT '',
    notice       TEXT    NOT NULL DEFAULT '', -- number and date of the notice to staff, as it was
    relay_id     TEXT REFERENCES camera_relays (id),
    signature    TEXT    NOT NULL DEFAULT ''  -- the relay's, over what it delivered
);
CREATE INDEX camera_snapshots_visit ON camera_snapshots (visit_id, arrived_at, id);
CREATE INDEX camera_snapshots_file ON camera_snapshots (file_id);
CREATE INDEX camera_snapshots_waiting ON camera_snapshots (arrived_at, id) WHERE state = 'WAITING';
