package finding

import (
	"context"
	"errors"
	"slices"
	"strings"

	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/org"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Recommended is what the decision maker may recommend (domain §7.2). It is no
// disciplinary measure: that is another procedure, outside the program.
type Recommended string

// The recommendations, rising.
const (
	Reminder         Recommended = "REMINDER"          // nhắc nhở
	Lesson           Recommended = "LESSON"            // rút kinh nghiệm
	Criticism        Recommended = "CRITICISM"         // phê bình
	ReviewCollective Recommended = "REVIEW_COLLECTIVE" // kiểm điểm trách nhiệm tập thể
	ReviewIndividual Recommended = "REVIEW_INDIVIDUAL" // kiểm điểm trách nhiệm cá nhân, by position
	Discipline       Recommended = "DISCIPLINE"        // đề nghị xem xét kỷ luật
)

// Recommendeds lists them, rising.
var Recommendeds = []Recommended{Reminder, Lesson, Criticism, ReviewCollective, ReviewIndividual, Discipline}

// NeedsPosition tells whether a position must be named; never a person.
func (r Recommended) NeedsPosition() bool { return r == ReviewIndividual || r == Discipline }

// RecommendationState is where a recommendation stands.
type RecommendationState string

// The states of a recommendation.
const (
	RecommendationOpen      RecommendationState = "OPEN"
	RecommendationReported  RecommendationState = "REPORTED"
	RecommendationWithdrawn RecommendationState = "WITHDRAWN"
)

// Recommendation is what a unit is to do about responsibility, with one finding or the
// whole check; the unit reports number and date of the record of its review.
type Recommendation struct {
	ID            string              `gorm:"column:id;primaryKey"`
	VisitID       string              `gorm:"column:visit_id"`
	FindingID     *string             `gorm:"column:finding_id"`
	IssuerID      string              `gorm:"column:issuer_id"`
	TeamID        string              `gorm:"column:team_id"`
	DeciderID     *string             `gorm:"column:decider_id"`
	ResponsibleID string              `gorm:"column:responsible_id"`
	Kind          Recommended         `gorm:"column:kind"`
	Position      string              `gorm:"column:position"` // whose, never a name
	Reason        string              `gorm:"column:reason"`
	DocumentNo    string              `gorm:"column:document_no"` // in which it is said
	DueOn         inspection.Date     `gorm:"column:due_on"`
	State         RecommendationState `gorm:"column:state"`
	MadeAt        inspection.Instant  `gorm:"column:made_at"`
	MadeBy        string              `gorm:"column:made_by"`
	RecordNo      string              `gorm:"column:record_no"` // of the review
	RecordOn      inspection.Date     `gorm:"column:record_on"`
	Note          string              `gorm:"column:note"` // of the unit, or why it was withdrawn
	AnsweredAt    inspection.Instant  `gorm:"column:answered_at"`
	AnsweredBy    *string             `gorm:"column:answered_by"`
	Simulated     bool                `gorm:"column:simulated"`
	Version       int64               `gorm:"column:version"`
}

// TableName is the table.
func (Recommendation) TableName() string { return "recommendations" }

// RecommendationColumns are where the facts that decide rights stand. A recommendation
// exists from the conclusion on, so it has the stage of a confirmed finding.
var RecommendationColumns = org.Columns{Unit: "recommendations.responsible_id", Issuer: "recommendations.issuer_id",
	Team: "recommendations.team_id", Decider: "recommendations.decider_id", Stage: "'CONFIRMED'"}

// Subject is the facts of a recommendation that decide rights.
func (r Recommendation) Subject() org.Subject {
	return org.Subject{Unit: r.ResponsibleID, Issuer: r.IssuerID, Team: r.TeamID, Decider: deref(r.DeciderID), Stage: string(Confirmed)}
}

// About is the check that a recommendation belongs to, as its owner knows it.
type About struct {
	VisitID, IssuerID, TeamID, UnitID string
	DeciderID                         *string
	Concluded                         bool
	Simulated                         bool
}

// RecommendInput is what is recommended; Finding is empty for the whole check. Responsible
// is named where the unit was split or dissolved since.
type RecommendInput struct {
	ID, Finding, Position, Reason, DocumentNo, Responsible string
	Kind                                                   Recommended
}

// Recommend says what a unit is to do about responsibility, after the conclusion of the
// check. The person who issued the decision may. The same id twice is once. Codes:
// unauthenticated, not_found, forbidden, invalid, conflict (not concluded).
func (s *Service) Recommend(ctx context.Context, actor inspection.Actor, about About, in RecommendInput) (Recommendation, error) {
	if actor.Person == "" {
		return Recommendation{}, notSignedIn()
	}
	r := Recommendation{ID: in.ID, VisitID: about.VisitID, IssuerID: about.IssuerID, TeamID: about.TeamID, DeciderID: about.DeciderID, ResponsibleID: about.UnitID,
		Kind: in.Kind, State: RecommendationOpen, MadeBy: actor.Person, Simulated: about.Simulated, Version: 1}
	if r.ID == "" {
		r.ID = inspection.NewID()
	}
	if err := inspection.CheckID(r.ID); err != nil {
		return r, err
	}
	capacity, ok := org.Can(actor, org.DecideFinding, r.Subject())
	if !ok {
		return r, org.MustNot()
	}
	if !about.Concluded {
		return r, inspection.E(inspection.Conflict, "finding.error.not_concluded")
	}
	if !slices.Contains(Recommendeds, in.Kind) {
		return r, inspection.E(inspection.Invalid, "finding.error.recommended").Field("kind", "finding.error.recommended")
	}
	var err error
	if r.Reason, err = clean("reason", in.Reason); err != nil {
		return r, err
	}
	if r.DocumentNo, err = clean("document_no", in.DocumentNo); err != nil {
		return r, err
	}
	position, fits := inspection.Text(in.Position, 200)
	switch r.Position = position; {
	case r.Reason == "":
		return r, inspection.E(inspection.Invalid, "finding.error.reason_missing").Field("reason", "finding.error.reason_missing")
	case !fits || in.Kind.NeedsPosition() && r.Position == "":
		return r, inspection.E(inspection.Invalid, "finding.error.position").Field("position", "finding.error.position")
	}
	err = s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		r.MadeAt = s.clock.Now()
		var old []Recommendation
		if err := tx.Where("id = ?", r.ID).Limit(1).Find(&old).Error; err != nil {
			return err
		}
		if len(old) > 0 {
			if o := old[0]; o.VisitID == r.VisitID && o.MadeBy == r.MadeBy && o.Reason == r.Reason && o.Kind == r.Kind && o.Position == r.Position && deref(o.FindingID) == in.Finding {
				r = old[0]
				return nil
			}
			return inspection.E(inspection.Conflict, "finding.error.id_used")
		}
		if in.Finding != "" {
			f, err := ByID(tx, in.Finding)
			if err != nil {
				return err
			}
			if f.VisitID != r.VisitID || !f.State.Counts() {
				return notFound()
			}
			r.FindingID, r.ResponsibleID = &f.ID, f.ResponsibleID
		}
		if r.ResponsibleID, err = answers(tx, r.ResponsibleID, in.Responsible, r.MadeAt.Date()); err != nil {
			return err
		}
		if capacity, ok = org.Can(actor, org.DecideFinding, r.Subject()); !ok { // nobody recommends to the unit that they head themselves
			return org.MustNot()
		}
		if r.DueOn, err = recordDue(tx, r.ResponsibleID, r.MadeAt.Date()); err != nil {
			return err
		}
		if err := tx.Create(&r).Error; err != nil {
			return err
		}
		return r.write(tx, actor, capacity, r.MadeAt, "make")
	})
	return r, err
}

func recordDue(tx *gorm.DB, unit string, today inspection.Date) (inspection.Date, error) {
	terms, err := org.DeadlinesOn(tx, today)
	if err != nil {
		return "", err
	}
	cal, err := org.CalendarFor(tx, unit)
	if err != nil {
		return "", err
	}
	return org.AddWorkingDays(cal, today, terms.Of(org.RecordDays))
}

func (r Recommendation) write(tx *gorm.DB, actor inspection.Actor, capacity inspection.Capacity, at inspection.Instant, what string) error {
	return history.Append(tx, history.Event{Actor: actor, Capacity: capacity, At: at, Action: "recommendation." + what, SubjectKind: "recommendation", SubjectID: r.ID, Visit: r.VisitID,
		Data: map[string]any{"kind": r.Kind, "finding": deref(r.FindingID), "state": r.State, "due": r.DueOn, "responsible": r.ResponsibleID, "reason_sha256": history.TextHash(r.Reason),
			"position_sha256": history.TextHash(r.Position), "document_sha256": history.TextHash(r.DocumentNo), "record_sha256": history.TextHash(r.RecordNo), "record_on": r.RecordOn, "note_sha256": history.TextHash(r.Note)}})
}

// RecordReview reports number and date of the record of the review. The head of the unit
// may. Codes: unauthenticated, not_found, forbidden, invalid, conflict.
func (s *Service) RecordReview(ctx context.Context, actor inspection.Actor, id string, version int64, number string, on inspection.Date, note string) error {
	number, fits := inspection.Text(number, 200)
	note, noted := inspection.Text(note, 4000)
	if !fits || !noted || number == "" {
		return inspection.E(inspection.Invalid, "finding.error.record_no").Field("record_no", "finding.error.record_no")
	}
	return s.answer(ctx, actor, org.BindUnit, id, version, "record", func(r *Recommendation, today inspection.Date) (done bool, err error) {
		if r.State == RecommendationReported && r.RecordNo == number && r.RecordOn == on {
			return true, nil
		}
		if _, err := inspection.ParseDate(string(on)); err != nil || on == "" || on > today || on < r.MadeAt.Date().AddDays(-366) {
			return false, inspection.E(inspection.Invalid, "finding.error.record_on").Field("record_on", "finding.error.record_on")
		}
		r.State, r.RecordNo, r.RecordOn, r.Note = RecommendationReported, number, on, note
		return false, nil
	})
}

// WithdrawRecommendation takes one back that should not have been made, with a reason; it
// stays to be read. The person who issued the decision may. Codes: unauthenticated,
// not_found, forbidden, invalid, conflict.
func (s *Service) WithdrawRecommendation(ctx context.Context, actor inspection.Actor, id string, version int64, reason string) error {
	reason, err := clean("reason", reason)
	if err != nil {
		return err
	}
	if reason == "" {
		return inspection.E(inspection.Invalid, "finding.error.reason_missing").Field("reason", "finding.error.reason_missing")
	}
	return s.answer(ctx, actor, org.DecideFinding, id, version, "withdraw", func(r *Recommendation, _ inspection.Date) (bool, error) {
		if r.State == RecommendationWithdrawn && r.Note == reason {
			return true, nil
		}
		r.State, r.Note = RecommendationWithdrawn, reason
		return false, nil
	})
}

// answer ends an open recommendation.
func (s *Service) answer(ctx context.Context, actor inspection.Actor, action org.Action, id string, version int64, what string, change func(*Recommendation, inspection.Date) (done bool, err error)) error {
	if actor.Person == "" {
		return notSignedIn()
	}
	if inspection.CheckID(id) != nil {
		return notFound()
	}
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var r Recommendation
		err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Take(&r).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return notFound()
		}
		if err != nil {
			return err
		}
		capacity, ok := org.Can(actor, action, r.Subject())
		if !ok {
			if _, sees := org.Can(actor, org.ReadFinding, r.Subject()); !sees {
				return notFound()
			}
			return org.MustNot()
		}
		now, before := s.clock.Now(), r.State
		done, err := change(&r, now.Date())
		if done || err != nil {
			return err
		}
		if before != RecommendationOpen {
			return inspection.E(inspection.Conflict, "finding.error.recommendation_ended")
		}
		if version != 0 && version != r.Version {
			return changed()
		}
		r.AnsweredAt, r.AnsweredBy = now, &actor.Person
		res := tx.Model(&Recommendation{}).Where("id = ? AND version = ?", r.ID, r.Version).Updates(map[string]any{"state": r.State, "record_no": r.RecordNo,
			"record_on": r.RecordOn, "note": r.Note, "answered_at": now, "answered_by": actor.Person, "version": r.Version + 1})
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return changed()
		}
		return r.write(tx, actor, capacity, now, what)
	})
}

// RecommendationLine is one in a list.
type RecommendationLine struct {
	Recommendation
	Left                   int // working days, negative where it is overdue
	Overdue                bool
	MayAnswer, MayWithdraw bool
}

// Recommendations lists what the actor may read of the recommendations, of one check or,
// where visit is empty, of all; those due first come first. Code: unauthenticated.
func (s *Service) Recommendations(ctx context.Context, actor inspection.Actor, visit string, limit int) ([]RecommendationLine, error) {
	return s.recommendations(ctx, actor, org.ReadFinding, visit, false, limit)
}

// RecordsOwed lists the open recommendations whose record the actor has to report, those
// due first first. Code: unauthenticated.
func (s *Service) RecordsOwed(ctx context.Context, actor inspection.Actor, limit int) ([]RecommendationLine, error) {
	return s.recommendations(ctx, actor, org.BindUnit, "", true, limit)
}

func (s *Service) recommendations(ctx context.Context, actor inspection.Actor, action org.Action, visit string, openOnly bool, limit int) ([]RecommendationLine, error) {
	if actor.Person == "" {
		return nil, notSignedIn()
	}
	tx := s.db.WithContext(ctx)
	var rows []Recommendation
	for _, part := range org.Parts(actor, action, RecommendationColumns) {
		q := tx.Model(&Recommendation{}).Scopes(part)
		if visit != "" {
			q = q.Where("visit_id = ?", visit)
		}
		if openOnly {
			q = q.Where("state = ?", RecommendationOpen)
		}
		var more []Recommendation
		if err := q.Order("due_on, id").Limit(limit).Find(&more).Error; err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	slices.SortFunc(rows, func(a, b Recommendation) int {
		return strings.Compare(string(a.DueOn)+a.ID, string(b.DueOn)+b.ID)
	})
	rows = rows[:min(limit, len(rows))]
	today := s.clock.Now().Date()
	var units []string
	for _, r := range rows {
		units = append(units, r.ResponsibleID)
	}
	cals, err := calendarsOf(tx, nil, units...)
	if err != nil {
		return nil, err
	}
	out := make([]RecommendationLine, 0, len(rows))
	for _, r := range rows {
		l := RecommendationLine{Recommendation: r, Left: org.Left(cals[r.ResponsibleID], today, r.DueOn)}
		if r.State == RecommendationOpen {
			l.Overdue = today > r.DueOn
			_, l.MayAnswer = org.Can(actor, org.BindUnit, r.Subject())
			_, l.MayWithdraw = org.Can(actor, org.DecideFinding, r.Subject())
		}
		out = append(out, l)
	}
	return out, nil
}

// OpenRecommendations counts the open ones that the actor may read, and those overdue.
// Code: unauthenticated.
func (s *Service) OpenRecommendations(ctx context.Context, actor inspection.Actor) (n, overdue int64, err error) {
	if actor.Person == "" {
		return 0, 0, notSignedIn()
	}
	tx, today := s.db.WithContext(ctx), s.clock.Now().Date()
	for _, part := range org.Parts(actor, org.ReadFinding, RecommendationColumns) {
		var one struct{ N, Late int64 }
		err := tx.Model(&Recommendation{}).Scopes(part).Where("state = ?", RecommendationOpen).
			Select("COUNT(*) AS n, COALESCE(SUM(CASE WHEN due_on < ? THEN 1 ELSE 0 END), 0) AS late", today).Scan(&one).Error
		if err != nil {
			return 0, 0, err
		}
		n, overdue = n+one.N, overdue+one.Late
	}
	return n, overdue, nil
}
