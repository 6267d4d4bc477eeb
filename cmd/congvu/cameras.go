package main

import (
	"maps"
	"slices"

	"congvu/evidence"
	"congvu/evidence/snapshot"
	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/visit"

	"gorm.io/gorm"
)

func (e visitEvidence) Snapshot(tx *gorm.DB, actor inspection.Actor, c inspection.Capacity, v visit.Visit, s visit.Still) error {
	kind, id := "item", s.Asked.Item
	switch {
	case s.Asked.Finding != "":
		kind, id = "finding", s.Asked.Finding
	case s.Asked.Item == "":
		kind, id = "visit", v.ID
	}
	b := snapshot.Bounds{From: s.At}
	if v.Remote() {
		looks, err := visit.LooksAt(tx, deskOf(v), v.Day)
		if err != nil {
			return err
		}
		b = snapshot.Bounds{Visits: looks, From: v.CheckedInAt}
	}
	return e.stills.Ask(tx, actor, c, deskOf(v), b, snapshot.Request{ID: s.Request, VisitID: v.ID, CameraID: s.Asked.Camera,
		SubjectKind: kind, SubjectID: id, Reason: s.Asked.Reason, AskedAt: s.At})
}

func (e visitEvidence) StillsEnd(tx *gorm.DB, actor inspection.Actor, c inspection.Capacity, id string) error {
	return e.stills.EndAsked(tx, actor, c, id)
}

func (e visitEvidence) Watched(tx *gorm.DB, desk string, on inspection.Date) (bool, error) {
	return e.stills.Watched(tx, desk, on)
}

func (e visitEvidence) Coming(tx *gorm.DB, id string) (int, error) { return e.stills.Coming(tx, id) }

// stillChecks is what stills ask of checks and of the register.
type stillChecks struct{ visits *visit.Service }

func (c *stillChecks) Desks(tx *gorm.DB, desk string) ([]string, error) {
	if _, err := org.DeskByID(tx, desk); err != nil {
		return nil, err
	}
	earlier, err := org.EarlierDesks(tx, []string{desk})
	return append(slices.Sorted(maps.Keys(earlier)), desk), err
}

func deskOf(v visit.Visit) string {
	if v.DeskID == nil {
		return ""
	}
	return *v.DeskID
}

func (c *stillChecks) Manage(actor inspection.Actor) (inspection.Capacity, bool) {
	return org.Can(actor, org.ManageOrg, org.Subject{})
}

func (c *stillChecks) Check(tx *gorm.DB, actor inspection.Actor, id string) (snapshot.Check, error) {
	v, err := c.visits.Find(tx, id)
	if err != nil {
		return snapshot.Check{}, err
	}
	capacity, ok := org.Can(actor, org.InspectVisit, v.Subject())
	if !ok {
		return snapshot.Check{}, inspection.E(inspection.NotFound, "error.not_found")
	}
	_, lead := org.Can(actor, org.ReportVisit, v.Subject())
	return snapshot.Check{Lead: lead, Capacity: capacity}, nil
}

func (c *stillChecks) Until(tx *gorm.DB, id string) (inspection.Instant, error) {
	v, err := c.visits.Find(tx, id)
	if err != nil || !v.Remote() {
		return 0, err
	}
	return inspection.At(v.Day.AddDays(1).Time()), nil
}

func (c *stillChecks) Asker(tx *gorm.DB, person string, on inspection.Date) (inspection.Actor, error) {
	return org.ActorOn(tx, person, on)
}

func (c *stillChecks) Remote(tx *gorm.DB, id string) (bool, error) {
	v, err := c.visits.Find(tx, id)
	return v.Remote(), err
}

// Stand: a finding that another was merged into counts as well as one that stands by
// itself; an item counts until the minutes are closed, for findings are born then.
func (c *stillChecks) Stand(tx *gorm.DB, id string, on []evidence.On) (snapshot.Stand, error) {
	v, err := c.visits.Find(tx, id)
	if err != nil {
		return snapshot.Stand{}, err
	}
	s := snapshot.Stand{EndedAt: max(v.MinutesAt, v.ConcludedAt)}
	var findings []string
	for _, o := range on {
		switch o.Kind {
		case evidence.OnItem:
			s.Needed = s.Needed || v.MinutesAt.IsZero()
		case evidence.OnFinding:
			findings = append(findings, o.ID)
		}
	}
	if !s.Needed {
		s.Needed, err = finding.AnyStands(tx, findings)
	}
	return s, err
}

func (c *stillChecks) Came(tx *gorm.DB, asker inspection.Actor, r snapshot.Request, d evidence.Deposit) error {
	return c.visits.StillCame(tx, asker, r.VisitID, inspection.NewID(), visit.StillCame{Request: r.ID, Outcome: string(r.State), Cause: string(r.Cause),
		File: r.FileID, SHA256: d.SHA256, Bytes: d.Size, At: r.TakenAt, CameraAt: r.CameraAt})
}
