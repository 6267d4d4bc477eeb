-- +goose Up
-- A campaign, a team and a target can be suspended, taken up again and cancelled.
ALTER TABLE campaigns ADD COLUMN state TEXT NOT NULL DEFAULT 'ACTIVE' CHECK (state IN ('ACTIVE', 'SUSPENDED', 'CANCELLED'));
ALTER TABLE campaigns ADD COLUMN created_by TEXT NOT NULL DEFAULT '';
ALTER TABLE campaigns ADD COLUMN search TEXT NOT NULL DEFAULT '';
ALTER TABLE teams ADD COLUMN state TEXT NOT NULL DEFAULT 'ACTIVE' CHECK (state IN ('ACTIVE', 'SUSPENDED', 'CANCELLED'));
ALTER TABLE teams ADD COLUMN created_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE teams ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE targets ADD COLUMN suspended BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX campaigns_issuer ON campaigns (issuer_id, period_from);
CREATE INDEX teams_campaign ON teams (campaign_id);
CREATE INDEX visits_campaign ON visits (campaign_id, day);

-- The units and desks that a campaign is about. A row is taken out by a date, never
-- deleted.
CREATE TABLE campaign_places (
    id              TEXT PRIMARY KEY,
    campaign_id     TEXT NOT NULL REFERENCES campaigns (id),
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    desk_id         TEXT REFERENCES desks (id),
    added_by        TEXT NOT NULL REFERENCES people (id),
    added_at        BIGINT NOT NULL,
    removed_at      BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX campaign_places_campaign ON campaign_places (campaign_id, organisation_id);

-- What was changed in the plan, with its reason. A row of a target exists for whom the
-- target does.
CREATE TABLE plan_changes (
    id           TEXT PRIMARY KEY,
    subject_kind TEXT NOT NULL CHECK (subject_kind IN ('campaign', 'team', 'target')),
    subject_id   TEXT NOT NULL,
    field        TEXT NOT NULL,
    was          TEXT NOT NULL DEFAULT '',
    became       TEXT NOT NULL DEFAULT '',
    reason       TEXT NOT NULL,
    changed_by   TEXT NOT NULL,
    changed_at   BIGINT NOT NULL
);
CREATE INDEX plan_changes_subject ON plan_changes (subject_kind, subject_id, changed_at);
CREATE TRIGGER plan_changes_no_change BEFORE UPDATE OR DELETE ON plan_changes
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER plan_changes_no_truncate BEFORE TRUNCATE ON plan_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
