-- +goose Up
-- How far the makers of messages have read the history. Rows up to after_seq are older
-- than messages are: nobody is told of them.
CREATE TABLE notify_cursor (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    position  INTEGER NOT NULL,
    after_seq INTEGER NOT NULL
);
INSERT INTO notify_cursor (one, position, after_seq) SELECT 1, 0, COALESCE(MAX(seq), 0) FROM history;

-- Where a person gets mail, in which language, and whether what is no obligation is sent.
CREATE TABLE notify_contacts (
    person_id    TEXT PRIMARY KEY REFERENCES people (id),
    email        TEXT    NOT NULL DEFAULT '',
    language     TEXT    NOT NULL DEFAULT 'vi' CHECK (language IN ('vi', 'en')),
    wants        BOOLEAN NOT NULL DEFAULT TRUE,
    refused_at   INTEGER  NOT NULL DEFAULT 0, -- when the mail server last refused this address; 0 after a mail went through
    refused_code TEXT    NOT NULL DEFAULT '',
    version      INTEGER  NOT NULL DEFAULT 1
);

-- One row a recipient of an event; the id derives from both. The words are made when it
-- is read or sent: params holds codes, figures, dates and ids.
CREATE TABLE notify_messages (
    id           TEXT PRIMARY KEY,
    person_id    TEXT    NOT NULL REFERENCES people (id),
    event_seq    INTEGER  NOT NULL,
    event_id     TEXT    NOT NULL,
    subject_kind TEXT    NOT NULL CHECK (subject_kind IN ('finding', 'visit', 'recommendation')),
    subject_id   TEXT    NOT NULL,
    key          TEXT    NOT NULL,
    params       TEXT    NOT NULL DEFAULT '{}',
    obligation   BOOLEAN NOT NULL DEFAULT FALSE,
    event_at     INTEGER  NOT NULL,
    made_at      INTEGER  NOT NULL,
    read_at      INTEGER  NOT NULL DEFAULT 0
);
CREATE INDEX notify_messages_of_person ON notify_messages (person_id, event_at, event_seq);
CREATE INDEX notify_messages_unread ON notify_messages (person_id, event_at, event_seq) WHERE read_at = 0;

-- The mails that are to be handed over, or were. Not backed up: a restored copy sends
-- nothing again.
CREATE TABLE notify_mails (
    message_id  TEXT PRIMARY KEY REFERENCES notify_messages (id),
    state       TEXT   NOT NULL DEFAULT 'QUEUED' CHECK (state IN ('QUEUED', 'SENT', 'REFUSED', 'DROPPED')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    made_at     INTEGER NOT NULL,
    next_at     INTEGER NOT NULL,
    lease_until INTEGER NOT NULL DEFAULT 0,
    lease_owner TEXT   NOT NULL DEFAULT '',
    error       TEXT   NOT NULL DEFAULT '',
    done_at     INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX notify_mails_due ON notify_mails (next_at, message_id) WHERE state = 'QUEUED';
CREATE INDEX notify_mails_refused ON notify_mails (done_at) WHERE state = 'REFUSED';

-- Programs of others that are told of events. Secrets are encrypted (AES-256-GCM).
CREATE TABLE notify_webhooks (
    id            TEXT PRIMARY KEY,
    url           TEXT   NOT NULL,
    state         TEXT   NOT NULL DEFAULT 'ACTIVE' CHECK (state IN ('ACTIVE', 'PAUSED', 'OFF', 'REMOVED')),
    secret        TEXT   NOT NULL,
    old_secret    TEXT   NOT NULL DEFAULT '', -- signs too until old_until, after a change
    old_until     INTEGER NOT NULL DEFAULT 0,
    failing_since INTEGER NOT NULL DEFAULT 0,
    lease_until   INTEGER NOT NULL DEFAULT 0,
    lease_owner   TEXT   NOT NULL DEFAULT '',
    created_at    INTEGER NOT NULL,
    version       INTEGER NOT NULL DEFAULT 1
);

-- What was, or is to be, sent to them, and each try. Not backed up, as the mails.
CREATE TABLE notify_deliveries (
    id         TEXT PRIMARY KEY,
    webhook_id TEXT   NOT NULL REFERENCES notify_webhooks (id),
    event_id   TEXT   NOT NULL DEFAULT '', -- empty: a test
    type       TEXT   NOT NULL,
    payload    TEXT   NOT NULL,
    state      TEXT   NOT NULL DEFAULT 'QUEUED' CHECK (state IN ('QUEUED', 'SENT', 'FAILED')),
    attempts   INTEGER NOT NULL DEFAULT 0,
    made_at    INTEGER NOT NULL,
    next_at    INTEGER NOT NULL,
    done_at    INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX notify_deliveries_due ON notify_deliveries (webhook_id, next_at) WHERE state = 'QUEUED';
CREATE INDEX notify_deliveries_of_webhook ON notify_deliveries (webhook_id, made_at, id);
CREATE INDEX notify_deliveries_made ON notify_deliveries (made_at);
CREATE TABLE notify_attempts (
    delivery_id TEXT   NOT NULL REFERENCES notify_deliveries (id),
    n           INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    status      INTEGER NOT NULL DEFAULT 0, -- of HTTP; 0: no answer
    ms          INTEGER NOT NULL DEFAULT 0,
    error       TEXT   NOT NULL DEFAULT '',
    PRIMARY KEY (delivery_id, n)
);
