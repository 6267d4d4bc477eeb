-- +goose Up
-- What carries a finding to its end: terms that an office sets, reminders given, who acts
-- in the place of a head, what is recommended, plans for premises, acts on many at once.

CREATE TABLE deadlines (
    id         TEXT PRIMARY KEY,
    key        TEXT NOT NULL,
    days       INTEGER NOT NULL CHECK (days BETWEEN 0 AND 365),
    valid_from TEXT NOT NULL,
    reason     TEXT NOT NULL,
    made_at    INTEGER NOT NULL,
    made_by    TEXT NOT NULL REFERENCES people (id)
);
CREATE INDEX deadlines_key ON deadlines (key, valid_from, made_at);

CREATE TABLE reminders (
    subject_id TEXT NOT NULL,
    clock      TEXT NOT NULL,
    due_on     TEXT NOT NULL,
    mark       TEXT NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (subject_id, clock, due_on, mark)
);

CREATE TABLE daily_jobs (
    name         TEXT PRIMARY KEY,
    day          TEXT NOT NULL DEFAULT '',
    leased_until INTEGER NOT NULL DEFAULT 0,
    holder       TEXT NOT NULL DEFAULT '',
    done_at      INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE delegations (
    id              TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    from_id         TEXT NOT NULL REFERENCES people (id),
    to_id           TEXT NOT NULL REFERENCES people (id),
    valid_from      TEXT NOT NULL,
    valid_to        TEXT NOT NULL,
    document_no     TEXT NOT NULL DEFAULT '',
    reason          TEXT NOT NULL DEFAULT '',
    made_at         INTEGER NOT NULL,
    ended_at        INTEGER NOT NULL DEFAULT 0,
    ended_by        TEXT REFERENCES people (id),
    version         INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX delegations_to ON delegations (to_id);
CREATE INDEX delegations_organisation ON delegations (organisation_id);

CREATE TABLE recommendations (
    id             TEXT PRIMARY KEY,
    visit_id       TEXT NOT NULL REFERENCES visits (id),
    finding_id     TEXT REFERENCES findings (id),
    issuer_id      TEXT NOT NULL REFERENCES organisations (id),
    team_id        TEXT NOT NULL REFERENCES teams (id),
    decider_id     TEXT REFERENCES people (id),
    responsible_id TEXT NOT NULL REFERENCES organisations (id),
    kind           TEXT NOT NULL CHECK (kind IN ('REMINDER','LESSON','CRITICISM','REVIEW_COLLECTIVE','REVIEW_INDIVIDUAL','DISCIPLINE')),
    position       TEXT NOT NULL DEFAULT '',
    reason         TEXT NOT NULL,
    document_no    TEXT NOT NULL DEFAULT '',
    due_on         TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('OPEN','REPORTED','WITHDRAWN')),
    made_at        INTEGER NOT NULL,
    made_by        TEXT NOT NULL REFERENCES people (id),
    record_no      TEXT NOT NULL DEFAULT '',
    record_on      TEXT NOT NULL DEFAULT '',
    note           TEXT NOT NULL DEFAULT '',
    answered_at    INTEGER NOT NULL DEFAULT 0,
    answered_by    TEXT REFERENCES people (id),
    simulated      BOOLEAN NOT NULL DEFAULT FALSE,
    version        INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX recommendations_visit ON recommendations (visit_id);
CREATE INDEX recommendations_responsible ON recommendations (responsible_id, state, due_on);
CREATE INDEX recommendations_issuer ON recommendations (issuer_id, state, due_on);
CREATE INDEX recommendations_decider ON recommendations (decider_id, state, due_on);
CREATE INDEX recommendations_team ON recommendations (team_id, state, due_on);

CREATE TABLE premises_plans (
    finding_id  TEXT PRIMARY KEY REFERENCES findings (id),
    need        TEXT NOT NULL,
    cost        INTEGER NOT NULL DEFAULT 0,
    complete_on TEXT NOT NULL,
    made_at     INTEGER NOT NULL,
    made_by     TEXT NOT NULL REFERENCES people (id)
);

CREATE TABLE bulk_acts (
    id        TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES people (id),
    event     TEXT NOT NULL,
    text      TEXT NOT NULL DEFAULT '',
    made_at   INTEGER NOT NULL,
    run_at    INTEGER NOT NULL,
    state     TEXT NOT NULL CHECK (state IN ('WAITING','DONE','CANCELLED'))
);
CREATE INDEX bulk_acts_waiting ON bulk_acts (run_at) WHERE state = 'WAITING';
CREATE INDEX bulk_acts_person ON bulk_acts (person_id, made_at);

CREATE TABLE bulk_items (
    bulk_id    TEXT NOT NULL REFERENCES bulk_acts (id),
    finding_id TEXT NOT NULL REFERENCES findings (id),
    version    INTEGER NOT NULL,
    outcome    TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (bulk_id, finding_id)
);

ALTER TABLE findings ADD COLUMN interim_due TEXT NOT NULL DEFAULT '';
ALTER TABLE findings ADD COLUMN planned_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX findings_open_id ON findings (id) WHERE state NOT IN ('MERGED', 'WITHDRAWN', 'VERIFIED', 'CLOSED_NOT_FIXED');
CREATE INDEX findings_running ON findings (issuer_id, due_on, id) WHERE state IN ('ASSIGNED', 'IN_REMEDIATION');
CREATE INDEX extensions_asked ON extensions (finding_id) WHERE state = 'ASKED';

-- What was overdue for long before there were reminders stands in every list as such:
-- nobody is told of it all at once.
INSERT INTO reminders (subject_id, clock, due_on, mark, at)
SELECT f.id, 'remedy', f.due_on, m.mark, 0 FROM findings f CROSS JOIN (SELECT 'T+1' AS mark UNION ALL SELECT 'T+5' UNION ALL SELECT 'T+10') m
WHERE f.state IN ('ASSIGNED', 'IN_REMEDIATION') AND f.due_on <> '' AND f.due_on < date('now', '-30 days');
INSERT INTO reminders (subject_id, clock, due_on, mark, at)
SELECT f.id, 'review', f.review_due, m.mark, 0 FROM findings f CROSS JOIN (SELECT 'T+1' AS mark UNION ALL SELECT 'T+5' UNION ALL SELECT 'T+10') m
WHERE f.state = 'SUBMITTED' AND f.review_due <> '' AND f.review_due < date('now', '-30 days');
INSERT INTO reminders (subject_id, clock, due_on, mark, at)
SELECT f.id, 'reinspection', f.reinspect_due, m.mark, 0 FROM findings f CROSS JOIN (SELECT 'T+1' AS mark UNION ALL SELECT 'T+5' UNION ALL SELECT 'T+10') m
WHERE f.state = 'REINSPECT_DUE' AND f.reinspect_due <> '' AND f.reinspect_due < date('now', '-30 days');
-- What was assigned of premises before there were plans has the day that was set then.
UPDATE findings SET planned_at = assigned_at WHERE section = 'F' AND assigned_at <> 0;
