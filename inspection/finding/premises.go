package finding

import (
	"context"

	"congvu/inspection"
	"congvu/inspection/org"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// PremisesPlan is what a unit needs to put premises or equipment right, and by when it
// will be: set by its head within the term of the plan, then the term of the finding.
type PremisesPlan struct {
	FindingID  string             `gorm:"column:finding_id;primaryKey"`
	Need       string             `gorm:"column:need"`
	Cost       int64              `gorm:"column:cost"` // đồng, 0 where it is not known
	CompleteOn inspection.Date    `gorm:"column:complete_on"`
	MadeAt     inspection.Instant `gorm:"column:made_at"`
	MadeBy     string             `gorm:"column:made_by"`
}

// TableName is the table.
func (PremisesPlan) TableName() string { return "premises_plans" }

// PlanInput is a plan for premises or equipment.
type PlanInput struct {
	ID         string // made by the client; the same id twice is once
	Need       string
	Cost       int64 // đồng, 0 where it is not known
	CompleteOn inspection.Date
}

// mostCost keeps a slip of the finger out of the list of needs: 1,000 billion đồng.
const mostCost = 1_000_000_000_000

// lacksPlan tells whether the term that runs is that of a plan.
func (f Finding) lacksPlan() bool {
	return f.Section == sectionPremises && f.Severity != Critical && f.PlannedAt.IsZero() && f.State.Open()
}

// SetPlan says what is needed and until when premises or equipment will be put right;
// that day is the due day from then on. Once per assignment; another day is an extension.
// A plan that comes after the term of the plan moves nothing: what is late stays late.
// The head of the unit may. Codes: not_found, forbidden, invalid, conflict.
func (s *Service) SetPlan(ctx context.Context, actor inspection.Actor, id string, version int64, in PlanInput) error {
	need, err := clean("text", in.Need)
	if err != nil {
		return err
	}
	if in.ID == "" {
		in.ID = inspection.NewID()
	}
	if in.Cost < 0 || in.Cost > mostCost {
		return inspection.E(inspection.Invalid, "finding.error.cost").Field("cost", "finding.error.cost")
	}
	if _, err := inspection.ParseDate(string(in.CompleteOn)); err != nil || in.CompleteOn == "" {
		return inspection.E(inspection.Invalid, "finding.error.plan_days").Field("complete_on", "finding.error.plan_days")
	}
	return s.again(ctx, actor, org.BindUnit, id, version, in.ID, Plan, need, func(w *work) error {
		cal, err := w.calendar()
		if err != nil {
			return err
		}
		days := 0
		if in.CompleteOn > w.today() && in.CompleteOn <= w.today().AddDays(2*longestTerm) {
			days = org.WorkingDaysBetween(cal, w.today(), in.CompleteOn)
		}
		facts := Facts{Reason: need != "", Premises: w.f.lacksPlan(), PlanFits: days > 0 && days <= longestTerm}
		due := org.DueDay(cal, in.CompleteOn)
		set := map[string]any{"planned_at": w.now}
		if w.today() <= w.f.DueOn {
			set = map[string]any{"due_on": due, "due_start": w.today(), "due_days": days, "due_calendar": cal.ID(), "planned_at": w.now, "escalated_at": 0}
		}
		w.more = map[string]any{"cost": in.Cost, "complete_on": due}
		if err := w.step(Plan, facts, Step{ID: in.ID, FindingID: w.f.ID, Text: need}, set); err != nil {
			return err
		}
		plan := PremisesPlan{w.f.ID, need, in.Cost, due, w.now, actor.Person}
		return w.tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&plan).Error
	})
}

// planOf is the plan that counts; nil where there is none since the finding was assigned.
func planOf(tx *gorm.DB, f Finding) (*PremisesPlan, error) {
	if f.PlannedAt.IsZero() {
		return nil, nil
	}
	var rows []PremisesPlan
	if err := tx.Where("finding_id = ?", f.ID).Limit(1).Find(&rows).Error; err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

// Need is a line of the list of needs: a finding on premises or equipment, with its plan
// where there is one.
type Need struct {
	Line
	Plan *PremisesPlan
}

// Needs lists the open findings on premises and equipment that the actor may read, by
// unit; without a plan first. At most a thousand. Code: unauthenticated.
func (s *Service) Needs(ctx context.Context, actor inspection.Actor) ([]Need, error) {
	parts, err := s.filtered(ctx, actor, Filter{States: open})
	if err != nil {
		return nil, err
	}
	var rows []Finding
	for _, q := range parts {
		var more []Finding
		if err := q.Where(waits).Where("findings.section = ? AND findings.due_on <> ''", sectionPremises).Order("findings.organisation_name, findings.id").Limit(1000 - len(rows)).Find(&more).Error; err != nil {
			return nil, err
		}
		if rows = append(rows, more...); len(rows) == 1000 {
			break
		}
	}
	tx := s.db.WithContext(ctx)
	lines, err := Lines(tx, rows, s.clock.Now().Date())
	if err != nil {
		return nil, err
	}
	var planned []string
	for _, f := range rows {
		if !f.PlannedAt.IsZero() {
			planned = append(planned, f.ID)
		}
	}
	plans := map[string]*PremisesPlan{}
	if len(planned) > 0 {
		var found []PremisesPlan
		if err := tx.Where("finding_id IN ?", planned).Find(&found).Error; err != nil {
			return nil, err
		}
		for i, p := range found {
			plans[p.FindingID] = &found[i]
		}
	}
	out := make([]Need, 0, len(lines))
	for _, l := range lines {
		out = append(out, Need{l, plans[l.ID]})
	}
	return out, nil
}
