-- +goose Up
-- Who signed the decision to check, apart from who decides its checks today
-- (decided_by): the one never changes but by correction, the other may be handed over.
-- Until now one column said both, and was changed for either. Who signed is who was
-- named when the campaign was made, by history; where that is not told (import), who
-- was named before the first change, if one person only has that name.
ALTER TABLE campaigns ADD COLUMN signed_by TEXT REFERENCES people (id);
UPDATE campaigns SET signed_by = COALESCE(
    (SELECT p.id FROM history h JOIN people p ON p.id = json_extract(h.body, '$.data.decided_by')
        WHERE h.subject_kind = 'campaign' AND h.subject_id = campaigns.id AND h.action = 'campaign.create' ORDER BY h.seq LIMIT 1),
    (SELECT MIN(p.id) FROM people p
        WHERE p.name = (SELECT c.was FROM plan_changes c WHERE c.subject_kind = 'campaign' AND c.subject_id = campaigns.id AND c.field = 'decided_by'
            ORDER BY c.changed_at, c.id LIMIT 1)
        HAVING COUNT(*) = 1),
    decided_by);
