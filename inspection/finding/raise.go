package finding

import (
	"slices"

	"congvu/inspection"
	"congvu/inspection/org"

	"gorm.io/gorm"
)

// Raised is a finding that a check raises when its minutes are closed. ID may be given;
// raising the same id again for the same item of the same check is once.
type Raised struct {
	ID               string
	VisitID          string
	CampaignID       string
	TeamID           string
	IssuerID         string
	DeciderID        *string
	OrganisationID   string
	OrganisationName string
	DeskID           *string
	DeskName         string
	ItemKey          string
	ItemCode         string
	Section          string
	ItemText         string // of the version of the checklist that the check used
	Basis            string // the citations of the item, as they are printed
	DefaultSeverity  Severity
	Severity         Severity // empty: the default
	SeverityReason   string   // why it is not the default
	Text             string
	Remedy           string // what is required
	FixedOnSite      bool
	FixedBy          string // the member who marked it so
	CheckEndedAt     inspection.Instant
	Simulated        bool
}

// Raise records a finding in the transaction in which its check closes the minutes;
// the caller has checked rights. It finds out what it repeats, and opens the two
// working days for an explanation. Codes: invalid, conflict (the id is another's).
func Raise(tx *gorm.DB, act org.Act, r Raised) (Finding, error) {
	if r.ID == "" {
		r.ID = inspection.NewID()
	}
	if err := inspection.CheckID(r.ID); err != nil {
		return Finding{}, err
	}
	if r.Severity == "" {
		r.Severity = r.DefaultSeverity
	}
	var err error
	for _, t := range []struct {
		field string
		text  *string
	}{{"severity_reason", &r.SeverityReason}, {"text", &r.Text}, {"remedy", &r.Remedy}} {
		if *t.text, err = clean(t.field, *t.text); err != nil {
			return Finding{}, err
		}
	}
	switch {
	case !slices.Contains(Severities, r.Severity) || !slices.Contains(Severities, r.DefaultSeverity):
		return Finding{}, inspection.E(inspection.Invalid, "finding.error.severity").Field("severity", "finding.error.severity")
	case r.Severity != r.DefaultSeverity && r.SeverityReason == "":
		return Finding{}, inspection.E(inspection.Invalid, "finding.error.severity_reason").Field("severity_reason", "finding.error.severity_reason")
	case r.Text == "":
		return Finding{}, inspection.E(inspection.Invalid, "finding.error.text_missing").Field("text", "finding.error.text_missing")
	case r.VisitID == "" || r.ItemKey == "" || r.CheckEndedAt.IsZero():
		return Finding{}, inspection.E(inspection.Invalid, "finding.error.incomplete")
	}
	var known []Finding
	if err := tx.Where("id = ?", r.ID).Limit(1).Find(&known).Error; err != nil {
		return Finding{}, err
	}
	if len(known) > 0 {
		if known[0].VisitID == r.VisitID && known[0].ItemKey == r.ItemKey {
			return known[0], nil
		}
		return Finding{}, inspection.E(inspection.Conflict, "finding.error.id_used")
	}
	cal, err := org.CalendarFor(tx, r.OrganisationID)
	if err != nil {
		return Finding{}, err
	}
	terms, err := org.DeadlinesOn(tx, act.At.Date())
	if err != nil {
		return Finding{}, err
	}
	explain, err := org.AddWorkingDays(cal, act.At.Date(), terms.Of(org.ExplainDays))
	if err != nil {
		return Finding{}, err
	}
	f := Finding{ID: r.ID, VisitID: r.VisitID, CampaignID: r.CampaignID, TeamID: r.TeamID, IssuerID: r.IssuerID, DeciderID: r.DeciderID,
		OrganisationID: r.OrganisationID, OrganisationName: r.OrganisationName, ResponsibleID: r.OrganisationID, DeskID: r.DeskID, DeskName: r.DeskName,
		ItemKey: r.ItemKey, ItemCode: r.ItemCode, Section: r.Section, ItemText: r.ItemText, Basis: r.Basis, DefaultSeverity: r.DefaultSeverity,
		Severity: r.Severity, SeverityReason: r.SeverityReason, Text: r.Text, Remedy: r.Remedy, State: Recorded, FixedOnSite: r.FixedOnSite,
		CheckEndedAt: r.CheckEndedAt, RecordedAt: act.At, ExplainDue: explain, Simulated: r.Simulated, Version: 1,
		Search: inspection.Fold(r.ItemCode + " " + r.ItemText + " " + r.Text + " " + r.OrganisationName + " " + r.DeskName)}
	if r.FixedOnSite && r.FixedBy != "" {
		f.FixedBy = &r.FixedBy
	}
	if f.RepeatOf, err = repeats(tx, f, act.At); err != nil {
		return Finding{}, err
	}
	if err := tx.Create(&f).Error; err != nil {
		return Finding{}, err
	}
	w := &work{tx: tx, actor: act.Actor, capacity: act.Capacity, f: f, now: act.At}
	return f, w.write(Record, Unborn, Recorded, Step{FindingID: f.ID, Text: f.Text})
}

// repeats finds the newest finding on the same item, of the same unit or of one that
// went into it as a whole, that was closed less than twelve months ago. Where the
// check was of one desk, only findings of that desk or of none count.
func repeats(tx *gorm.DB, f Finding, now inspection.Instant) (*string, error) {
	units, err := org.WholePredecessors(tx, f.OrganisationID, now.Date())
	if err != nil {
		return nil, err
	}
	since := inspection.At(now.Time().AddDate(0, -12, 0))
	q := tx.Model(&Finding{}).Where("item_key = ? AND organisation_id IN ? AND visit_id <> ? AND state IN ? AND closed_at > ? AND closed_at <= ?",
		f.ItemKey, append(units, f.OrganisationID), f.VisitID, []State{Verified, ClosedNotFixed}, since, now)
	if f.DeskID != nil {
		q = q.Where("desk_id = ? OR desk_id IS NULL OR organisation_id <> ?", *f.DeskID, f.OrganisationID)
	}
	var ids []string
	if err := q.Order("closed_at DESC, id").Limit(1).Pluck("id", &ids).Error; err != nil || len(ids) == 0 {
		return nil, err
	}
	return &ids[0], nil
}
