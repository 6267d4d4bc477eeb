-- +goose Up
-- username is folded: lower case, as it is compared.
CREATE TABLE accounts (
    id                  TEXT PRIMARY KEY,
    person_id           TEXT NOT NULL UNIQUE REFERENCES people (id),
    username            TEXT NOT NULL UNIQUE,
    password_hash       TEXT NOT NULL,
    must_change         BOOLEAN NOT NULL DEFAULT FALSE,
    disabled            BOOLEAN NOT NULL DEFAULT FALSE,
    password_changed_at BIGINT NOT NULL DEFAULT 0,
    created_at          BIGINT NOT NULL,
    version             BIGINT NOT NULL DEFAULT 1
);

-- token_hash is the SHA-256 of the token in hex; the token itself is nowhere.
CREATE TABLE sessions (
    id           TEXT PRIMARY KEY,
    token_hash   TEXT NOT NULL UNIQUE,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    device_id    TEXT NOT NULL DEFAULT '',
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    revoked_at   BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX sessions_account ON sessions (account_id);

-- Failed attempts per account name and per address, as a keyed hash of either.
CREATE TABLE sign_in_attempts (
    subject       TEXT PRIMARY KEY,
    failures      BIGINT NOT NULL DEFAULT 0,
    last_at       BIGINT NOT NULL DEFAULT 0,
    blocked_until BIGINT NOT NULL DEFAULT 0
);
