-- +goose Up
-- Lists go by a right, newest first; the column at the end spares looking rows up that
-- another right has shown already.
DROP INDEX findings_issuer;
CREATE INDEX findings_issuer ON findings (issuer_id, state, id, decider_id);
CREATE INDEX findings_issuer_id ON findings (issuer_id, id, decider_id);
CREATE INDEX findings_decider ON findings (decider_id, state, id);
CREATE INDEX findings_decider_id ON findings (decider_id, id);
DROP INDEX findings_team;
CREATE INDEX findings_team ON findings (team_id, state, id);
CREATE INDEX findings_team_id ON findings (team_id, id);
DROP INDEX findings_responsible;
CREATE INDEX findings_responsible ON findings (responsible_id, state, id);
CREATE INDEX findings_responsible_id ON findings (responsible_id, id);
CREATE INDEX findings_desk ON findings (desk_id, id);
CREATE INDEX findings_item ON findings (item_key, state, visit_id);
CREATE INDEX findings_decider_due ON findings (decider_id, due_on, state, handed_in_on, accepted_at, assigned_at, fixed_on_site);
CREATE INDEX findings_issuer_due ON findings (issuer_id, due_on, state, handed_in_on, accepted_at, assigned_at, fixed_on_site, decider_id);
CREATE INDEX findings_open ON findings (issuer_id, decider_id, responsible_id, state, due_on, handed_in_on, on_hold, held_on, visit_id, organisation_id, desk_id, team_id, id)
    WHERE state NOT IN ('MERGED', 'WITHDRAWN', 'VERIFIED', 'CLOSED_NOT_FIXED');
CREATE INDEX findings_on_site ON findings (check_ended_at) WHERE fixed_on_site;
CREATE INDEX visits_decider ON visits (decided_by, day);
CREATE INDEX visits_reinspects ON visits (reinspects_id);
