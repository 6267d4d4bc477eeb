package plan

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/history"
	"congvu/inspection/org"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

var campaignColumns = org.Columns{Issuer: "campaigns.issuer_id", Decider: "campaigns.decided_by", Author: "campaigns.created_by"}

// NewCampaign is what a decision to check says.
type NewCampaign struct {
	ID             string
	Title          string
	IssuerID       string
	DecisionNumber string
	DecisionDate   inspection.Date
	SignedBy       string // who signed it, and concludes until that is handed over
	From, To       inspection.Date
	ChecklistID    string
}

// deciders are the roles whose holder may sign a decision to check: the chair or a vice
// chair of a committee, the head of a department (domain §3.1).
var deciders = []inspection.Role{inspection.Chairperson, inspection.ViceChairperson, inspection.UnitHead}

// Create makes a campaign. Who plans for the issuer may. The decision must be signed,
// by who could sign it, before the period ends; the checklist must be published. The
// same id twice is one creation. Codes: invalid, not_found, conflict.
func (s *Service) Create(ctx context.Context, actor inspection.Actor, n NewCampaign) (Campaign, error) {
	var c Campaign
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := inspection.CheckID(n.ID); err != nil {
			return err
		}
		capacity, ok := org.Can(actor, org.CreateCampaign, org.Subject{Issuer: n.IssuerID})
		if !ok {
			return notFound()
		}
		err := take(tx, &c, n.ID)
		if err == nil {
			if c.CreatedBy == actor.Person && c.IssuerID == n.IssuerID {
				return nil
			}
			return inspection.E(inspection.Conflict, "error.conflict")
		}
		if inspection.CodeOf(err) != inspection.NotFound {
			return err
		}
		now := s.clock.Now()
		issuer, err := org.OrganisationByID(tx, n.IssuerID)
		if err != nil {
			return err
		}
		if !now.Date().Within(issuer.ValidFrom, issuer.ValidTo) { // its heir is one of the actor's issuers
			return inspection.E(inspection.Invalid, "plan.error.issuer_ended").Field("issuer", "plan.error.issuer_ended")
		}
		if err := n.check(tx, now.Date()); err != nil {
			return err
		}
		c = Campaign{ID: n.ID, IssuerID: n.IssuerID, CreatedBy: actor.Person, CreatedAt: now}
		n.fill(&c)
		c.DecidedBy = c.SignedBy
		if err := CreateCampaign(tx, c); err != nil {
			if errors.Is(err, gorm.ErrDuplicatedKey) { // the same form, sent twice at once
				return inspection.E(inspection.Conflict, "error.conflict")
			}
			return err
		}
		c.State, c.Version = Active, 1
		return recordOn(tx, actor, capacity, "campaign.create", "campaign", c.ID, now, map[string]any{"issuer": c.IssuerID, "signed_by": n.SignedBy, "decided_by": n.SignedBy,
			"decision": c.DecisionNumber, "decided_on": c.DecisionDate, "from": c.PeriodFrom, "to": c.PeriodTo, "checklist": n.ChecklistID})
	})
	return c, err
}

// Complete gives campaigns what they lack: the form that search reads, where they were
// stored before they could be searched, and their signer, where a copy of a release that
// does not know the column made them. The program calls it at every start; it asks for no
// right.
func Complete(tx *gorm.DB) error {
	var rows []Campaign
	if err := tx.Where("search = ''").Find(&rows).Error; err != nil {
		return err
	}
	for _, c := range rows {
		if err := tx.Model(&Campaign{}).Where("id = ? AND search = ''", c.ID).Updates(map[string]any{"search": inspection.Fold(c.Title + " " + c.DecisionNumber)}).Error; err != nil {
			return err
		}
	}
	var unsigned []Campaign
	if err := tx.Where("signed_by IS NULL AND decided_by IS NOT NULL").Find(&unsigned).Error; err != nil {
		return err
	}
	for _, c := range unsigned {
		if err := c.sign(tx); err != nil {
			return err
		}
	}
	return nil
}

// sign gives a campaign its signer where it has none: who was named when it was made, by
// history, or who decides.
func (c *Campaign) sign(tx *gorm.DB) error {
	if c.SignedBy != nil || c.DecidedBy == nil {
		return nil
	}
	events, err := history.OfSubject(tx, "campaign", c.ID)
	if err != nil {
		return err
	}
	signer := *c.DecidedBy
	if at := slices.IndexFunc(events, func(e history.Row) bool { return e.Action == "campaign.create" }); at >= 0 {
		var said struct {
			Data struct {
				DecidedBy string `json:"decided_by"`
			} `json:"data"`
		}
		if err := json.Unmarshal([]byte(events[at].Body), &said); err != nil {
			return err
		}
		if said.Data.DecidedBy != "" {
			signer = said.Data.DecidedBy
		}
	}
	c.SignedBy = &signer
	return tx.Model(&Campaign{}).Where("id = ? AND signed_by IS NULL", c.ID).Updates(map[string]any{"signed_by": signer}).Error
}

func (n NewCampaign) fill(c *Campaign) {
	c.Title, c.DecisionNumber, c.DecisionDate, c.SignedBy = n.Title, n.DecisionNumber, n.DecisionDate, &n.SignedBy
	c.PeriodFrom, c.PeriodTo, c.ChecklistID = n.From, n.To, &n.ChecklistID
	c.Search = inspection.Fold(c.Title + " " + c.DecisionNumber)
}

// check looks at everything that the form says, and names every field that is wrong.
func (n *NewCampaign) check(tx *gorm.DB, today inspection.Date) error {
	bad := inspection.E(inspection.Invalid, "error.invalid")
	var ok bool
	if n.Title, ok = inspection.Text(n.Title, 300); !ok || n.Title == "" || strings.Contains(n.Title, "\n") {
		bad.Field("title", "plan.error.title")
	}
	if n.DecisionNumber, ok = inspection.Text(n.DecisionNumber, 60); !ok || n.DecisionNumber == "" || strings.Contains(n.DecisionNumber, "\n") {
		bad.Field("decision_number", "plan.error.decision_number")
	}
	for field, d := range map[string]inspection.Date{"decision_date": n.DecisionDate, "from": n.From, "to": n.To} {
		if _, err := inspection.ParseDate(string(d)); err != nil || d == "" {
			bad.Field(field, "plan.error.day")
		}
	}
	if len(bad.Fields) == 0 {
		switch {
		case n.To < n.From:
			bad.Field("to", "org.error.dates_reversed")
		case n.DecisionDate > today:
			bad.Field("decision_date", "plan.error.decision_ahead")
		case n.DecisionDate > n.To:
			bad.Field("decision_date", "plan.error.decision_after_period")
		}
	}
	if len(bad.Fields) == 0 {
		signers, err := holders(tx, n.IssuerID, n.DecisionDate, deciders)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(signers, func(t Teammate) bool { return t.PersonID == n.SignedBy }) {
			bad.Field("signed_by", "plan.error.signed_by")
		}
	}
	var lists []checklist.Checklist
	if err := tx.Where("id = ? AND state = ?", n.ChecklistID, checklist.Published).Limit(1).Find(&lists).Error; err != nil {
		return err
	}
	if len(lists) == 0 {
		bad.Field("checklist", "plan.error.checklist")
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// holders lists who holds one of the roles in an organisation on a day, each person once;
// under the name that it had then.
func holders(tx *gorm.DB, organisation string, on inspection.Date, roles []inspection.Role) ([]Teammate, error) {
	line, err := org.LineOn(tx, organisation, on)
	if err != nil {
		return nil, err
	}
	return people(tx.Where("person_roles.organisation_id IN ? AND person_roles.team_id IS NULL AND person_roles.role IN ?", line, roles), on)
}

// Deciders lists who may have signed a decision of an issuer on a day. Who may make a
// campaign of the issuer may ask. Code: not_found.
func (s *Service) Deciders(ctx context.Context, actor inspection.Actor, issuer string, on inspection.Date) ([]Teammate, error) {
	if _, ok := org.Can(actor, org.CreateCampaign, org.Subject{Issuer: issuer}); !ok {
		return nil, notFound()
	}
	return holders(s.db.WithContext(ctx), issuer, on, deciders)
}

// Issuers are the organisations for which the actor may make a campaign.
func Issuers(actor inspection.Actor) []string {
	var out []string
	for _, c := range actor.Capacities {
		if c.Organisation == "" || slices.Contains(out, c.Organisation) {
			continue
		}
		if _, ok := org.Can(actor, org.CreateCampaign, org.Subject{Issuer: c.Organisation}); ok {
			out = append(out, c.Organisation)
		}
	}
	return out
}

// Filter narrows the list of campaigns.
type Filter struct {
	Query string
	State Standing
}

// Campaigns lists the campaigns that the actor may read, the latest first. The cursor
// of the next page is empty on the last.
func (s *Service) Campaigns(ctx context.Context, actor inspection.Actor, f Filter, page inspection.Page) ([]Campaign, string, error) {
	tx := s.db.WithContext(ctx).Scopes(org.Scope(actor, org.ReadCampaign, campaignColumns))
	for _, word := range strings.Fields(inspection.Fold(f.Query)) {
		tx = tx.Where("campaigns.search LIKE ?", "%"+word+"%")
	}
	if f.State != "" {
		tx = tx.Where("campaigns.state = ?", f.State)
	}
	if from, id, ok := strings.Cut(page.Cursor, "|"); ok {
		tx = tx.Where("campaigns.period_from < ? OR (campaigns.period_from = ? AND campaigns.id < ?)", from, from, id)
	}
	var rows []Campaign
	if err := tx.Order("campaigns.period_from DESC, campaigns.id DESC").Limit(page.Size() + 1).Find(&rows).Error; err != nil {
		return nil, "", err
	}
	if len(rows) <= page.Size() {
		return rows, "", nil
	}
	rows = rows[:page.Size()]
	last := rows[len(rows)-1]
	return rows, string(last.PeriodFrom) + "|" + last.ID, nil
}

// Sheet is a campaign with what its page shows.
type Sheet struct {
	Campaign
	Issuer, SignerName, Decider, Checklist string // names
	Vacant                                 bool   // who decides holds no role in the issuer any more that lets them
	Teams                                  []TeamSheet
	Places                                 int // that it is about; 0: all
	Changes                                []ChangeLine
	MayManage                              bool
}

// TeamSheet is a team with who is in it.
type TeamSheet struct {
	Team
	Campaign  Campaign
	Members   []MemberLine
	Changes   []ChangeLine
	MayManage bool
	MayPlan   bool // put targets into its plan
}

// MemberLine is a role that somebody holds in a team.
type MemberLine struct {
	org.RoleRow
	Name, Position string
	Past           bool // ended before today
}

// ChangeLine is a change with the name of who made it.
type ChangeLine struct {
	Change
	By string
}

// GetCampaign is one campaign with its teams. Who may read it may. Code: not_found.
func (s *Service) GetCampaign(ctx context.Context, actor inspection.Actor, id string) (Sheet, error) {
	tx := s.db.WithContext(ctx)
	var sheet Sheet
	if err := take(tx, &sheet.Campaign, id); err != nil {
		return sheet, err
	}
	if _, ok := org.Can(actor, org.ReadCampaign, sheet.Subject()); !ok {
		return sheet, notFound()
	}
	_, sheet.MayManage = org.Can(actor, org.ManageCampaign, sheet.Subject())
	names, err := org.Names(tx, sheet.IssuerID, sheet.Signer(), deref(sheet.DecidedBy))
	if err != nil {
		return sheet, err
	}
	sheet.Issuer, sheet.SignerName, sheet.Decider = names[sheet.IssuerID], names[sheet.Signer()], names[deref(sheet.DecidedBy)]
	if sheet.DecidedBy != nil {
		holds, err := heads(tx, sheet.Campaign, *sheet.DecidedBy, s.clock.Now().Date())
		if err != nil {
			return sheet, err
		}
		sheet.Vacant = !holds
	}
	if sheet.ChecklistID != nil {
		if err := tx.Model(&checklist.Checklist{}).Where("id = ?", *sheet.ChecklistID).Limit(1).Pluck("title_vi", &sheet.Checklist).Error; err != nil {
			return sheet, err
		}
	}
	var teams []Team
	if err := tx.Where("campaign_id = ?", id).Order("name, id").Find(&teams).Error; err != nil {
		return sheet, err
	}
	for _, t := range teams {
		ts, err := s.teamSheet(tx, actor, t, sheet.Campaign)
		if err != nil {
			return sheet, err
		}
		sheet.Teams = append(sheet.Teams, ts)
	}
	places, err := placesOf(tx, id)
	if err != nil {
		return sheet, err
	}
	sheet.Places = len(places)
	sheet.Changes, err = changesOf(tx, "campaign", id)
	return sheet, err
}

// manage loads a campaign for a change by the actor, locked; one that is cancelled
// changes no more. Codes: not_found, forbidden, conflict (version).
func manage(tx *gorm.DB, actor inspection.Actor, id string, version int64) (Campaign, inspection.Capacity, error) {
	c, capacity, err := follow(tx, actor, id, version)
	if err == nil && c.State == Dropped {
		err = inspection.E(inspection.Conflict, "plan.error.campaign_cancelled")
	}
	return c, capacity, err
}

// follow is manage for what the follow-up needs, which goes on when the campaign is
// cancelled: who is in its teams, and who decides.
func follow(tx *gorm.DB, actor inspection.Actor, id string, version int64) (Campaign, inspection.Capacity, error) {
	var c Campaign
	if err := take(tx.Clauses(clause.Locking{Strength: "UPDATE"}), &c, id); err != nil {
		return c, inspection.Capacity{}, err
	}
	if _, ok := org.Can(actor, org.ReadCampaign, c.Subject()); !ok {
		return c, inspection.Capacity{}, notFound()
	}
	capacity, ok := org.Can(actor, org.ManageCampaign, c.Subject())
	switch {
	case !ok:
		return c, capacity, inspection.E(inspection.Forbidden, "plan.error.not_yours")
	case version != 0 && version != c.Version:
		return c, capacity, inspection.E(inspection.Conflict, "plan.error.changed_meanwhile")
	}
	return c, capacity, nil
}

// opened is the first day on which a check may have begun under a campaign: its period
// had begun, its decision was signed, and it had been entered. It looks at no check, so
// that nothing that follows from it tells of one.
func (c Campaign) opened() inspection.Date {
	day := max(c.PeriodFrom, c.DecisionDate)
	if c.CreatedBy != "" { // else it came by import, with checks that may be older
		day = max(day, c.CreatedAt.Date())
	}
	return day
}

// Change corrects a campaign with a reason; the issuer stays. Who manages it may. From
// the first day on which a check may have begun under it, its decision cannot be dated
// later than that day, nor its period begin later. Where the signer was entered wrongly and nothing has been handed over,
// who decides was too, and is put right with it. Codes: invalid, not_found, forbidden,
// conflict.
func (s *Service) Change(ctx context.Context, actor inspection.Actor, version int64, n NewCampaign, reason string) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		c, capacity, err := manage(tx, actor, n.ID, version)
		if err != nil {
			return err
		}
		n.IssuerID = c.IssuerID
		now := s.clock.Now()
		if err := checkReason(&reason); err != nil {
			return err
		}
		if err := n.check(tx, now.Date()); err != nil {
			return err
		}
		opened := c.opened()
		if now.Date() >= opened && n.DecisionDate > opened {
			return inspection.E(inspection.Invalid, "plan.error.decision_after_opening", "on", opened.VN()).Field("decision_date", "plan.error.decision_after_opening")
		}
		if now.Date() >= opened && n.From > opened {
			return inspection.E(inspection.Invalid, "plan.error.period_after_opening", "on", opened.VN()).Field("from", "plan.error.period_after_opening")
		}
		was := c
		n.fill(&c)
		follows := was.Signer() == deref(was.DecidedBy) && n.SignedBy != was.Signer()
		if follows {
			if err := s.mayDecide(tx, actor, was, n.SignedBy); err != nil {
				return err
			}
			c.DecidedBy = &n.SignedBy
		}
		names, err := org.Names(tx, was.Signer(), n.SignedBy)
		if err != nil {
			return err
		}
		changed := changes{kind: "campaign", id: c.ID, reason: reason}
		changed.add("title", was.Title, c.Title)
		changed.add("decision_number", was.DecisionNumber, c.DecisionNumber)
		changed.add("decision_date", was.DecisionDate.VN(), c.DecisionDate.VN())
		changed.add("signed_by", names[was.Signer()], names[n.SignedBy])
		changed.add("from", was.PeriodFrom.VN(), c.PeriodFrom.VN())
		changed.add("to", was.PeriodTo.VN(), c.PeriodTo.VN())
		changed.add("checklist", deref(was.ChecklistID), n.ChecklistID)
		if len(changed.rows) == 0 && was.Signer() == n.SignedBy {
			return inspection.E(inspection.Invalid, "plan.error.nothing_changed")
		}
		if err := updated(tx.Model(&Campaign{}).Where("id = ? AND version = ?", c.ID, was.Version).Updates(map[string]any{
			"title": c.Title, "decision_number": c.DecisionNumber, "decision_date": c.DecisionDate, "signed_by": n.SignedBy, "decided_by": c.DecidedBy,
			"period_from": c.PeriodFrom, "period_to": c.PeriodTo, "checklist_id": n.ChecklistID, "search": c.Search, "version": was.Version + 1})); err != nil {
			return err
		}
		act := org.Act{Actor: actor, Capacity: capacity, At: now}
		if follows {
			if err := s.checks.HandOver(tx, c.ID, n.SignedBy); err != nil {
				return err
			}
		}
		return changed.write(tx, act, "campaign.change", map[string]any{"signed_by": n.SignedBy, "decided_by": deref(c.DecidedBy), "decision": c.DecisionNumber,
			"decided_on": c.DecisionDate, "from": c.PeriodFrom, "to": c.PeriodTo, "checklist": n.ChecklistID})
	})
}

// heads tells whether a person holds, on a day, a role in the issuer of a campaign that
// lets them decide its checks.
func heads(tx *gorm.DB, c Campaign, person string, on inspection.Date) (bool, error) {
	held, err := org.CapacitiesOf(tx, person, on)
	return slices.ContainsFunc(held, func(h inspection.Capacity) bool {
		return h.Team == "" && h.In(c.IssuerID) && slices.Contains(deciders, h.Role)
	}), err
}

// mayDecide refuses as decider who is in a team of the campaign, and who belongs to a
// unit that it inspects. It speaks of the checks that the actor may list and of no
// other: there the right to decide asks once more (org.Can).
func (s *Service) mayDecide(tx *gorm.DB, actor inspection.Actor, c Campaign, person string) error {
	today := s.clock.Now().Date()
	var in int64
	err := tx.Model(&org.RoleRow{}).Where("person_id = ? AND (valid_to = '' OR valid_to >= ?)", person, today).
		Where("team_id IN (SELECT id FROM teams WHERE campaign_id = ?)", c.ID).Count(&in).Error
	if err != nil {
		return err
	}
	if in > 0 {
		return inspection.E(inspection.Conflict, "plan.error.decider_in_team").Field("decider", "plan.error.decider_in_team")
	}
	units, err := s.checks.Inspected(tx, actor, c.ID)
	if err != nil {
		return err
	}
	held, err := org.CapacitiesOf(tx, person, today)
	if err != nil {
		return err
	}
	who := inspection.Actor{Person: person, Capacities: held}
	for _, unit := range units {
		if _, ok := org.Can(who, org.DecideFinding, org.Subject{Unit: unit, Issuer: c.IssuerID, Decider: person}); !ok {
			return inspection.E(inspection.Conflict, "plan.error.decider_of_unit").Field("decider", "plan.error.decider_of_unit")
		}
	}
	return nil
}

// HandOver gives what is still to be decided under a campaign to another person, with a
// reason: who holds a role today that may sign for the issuer, is in no team of the
// campaign and belongs to no unit that it inspects. The decision keeps its signer; what
// is concluded stays who concluded it. Who manages the campaign may, when it is cancelled
// too. Codes: invalid, not_found, forbidden, conflict.
func (s *Service) HandOver(ctx context.Context, actor inspection.Actor, id string, version int64, decider, reason string) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		c, capacity, err := follow(tx, actor, id, version)
		if err != nil {
			return err
		}
		if err := checkReason(&reason); err != nil {
			return err
		}
		now := s.clock.Now()
		switch holds, err := heads(tx, c, decider, now.Date()); {
		case err != nil:
			return err
		case !holds:
			return inspection.E(inspection.Invalid, "plan.error.decider").Field("decider", "plan.error.decider")
		case decider == deref(c.DecidedBy):
			return inspection.E(inspection.Invalid, "plan.error.nothing_changed").Field("decider", "plan.error.nothing_changed")
		}
		if err := s.mayDecide(tx, actor, c, decider); err != nil {
			return err
		}
		if err := c.sign(tx); err != nil {
			return err
		}
		names, err := org.Names(tx, deref(c.DecidedBy), decider)
		if err != nil {
			return err
		}
		if err := updated(tx.Model(&Campaign{}).Where("id = ? AND version = ?", id, c.Version).
			Updates(map[string]any{"decided_by": decider, "version": c.Version + 1})); err != nil {
			return err
		}
		if err := s.checks.HandOver(tx, c.ID, decider); err != nil {
			return err
		}
		changed := changes{kind: "campaign", id: id, reason: reason, rows: []Change{{SubjectKind: "campaign", SubjectID: id, Field: "decided_by",
			Was: names[deref(c.DecidedBy)], Became: names[decider], Reason: reason}}} // two people may have one name
		return changed.write(tx, org.Act{Actor: actor, Capacity: capacity, At: now}, "campaign.hand_over",
			map[string]any{"from": deref(c.DecidedBy), "to": decider})
	})
}

// Successors lists to whom a campaign can be handed over today. Who manages it may ask.
// Codes: not_found, forbidden.
func (s *Service) Successors(ctx context.Context, actor inspection.Actor, id string) ([]Teammate, error) {
	tx := s.db.WithContext(ctx)
	var c Campaign
	if err := take(tx, &c, id); err != nil {
		return nil, err
	}
	if _, ok := org.Can(actor, org.ReadCampaign, c.Subject()); !ok {
		return nil, notFound()
	}
	if _, ok := org.Can(actor, org.ManageCampaign, c.Subject()); !ok {
		return nil, inspection.E(inspection.Forbidden, "plan.error.not_yours")
	}
	today := s.clock.Now().Date()
	found, err := holders(tx, c.IssuerID, today, deciders)
	return slices.DeleteFunc(found, func(t Teammate) bool { return t.PersonID == deref(c.DecidedBy) }), err
}

// Stand suspends a campaign, takes it up again or cancels it, with a reason. Who manages
// it may. While it is suspended nothing is planned and no check begins under it; once it
// is cancelled only re-inspections are. What has begun goes on. What is cancelled stays so. Codes: invalid,
// not_found, forbidden, conflict.
func (s *Service) Stand(ctx context.Context, actor inspection.Actor, id string, version int64, to Standing, reason string) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		c, capacity, err := manage(tx, actor, id, version)
		if err != nil {
			return err
		}
		if err := checkStanding(c.State, to); err != nil {
			return err
		}
		if err := checkReason(&reason); err != nil {
			return err
		}
		if err := updated(tx.Model(&Campaign{}).Where("id = ? AND version = ?", id, c.Version).
			Updates(map[string]any{"state": to, "version": c.Version + 1})); err != nil {
			return err
		}
		changed := changes{kind: "campaign", id: id, reason: reason}
		changed.add("state", string(c.State), string(to))
		return changed.write(tx, org.Act{Actor: actor, Capacity: capacity, At: s.clock.Now()}, "campaign.state", map[string]any{"state": to})
	})
}

func checkStanding(from, to Standing) error {
	if !slices.Contains(Standings, to) || from == to {
		return inspection.E(inspection.Invalid, "plan.error.standing")
	}
	return nil
}

// checkReason holds that something is said.
func checkReason(reason *string) error {
	var ok bool
	if *reason, ok = inspection.Text(*reason, 1000); !ok || *reason == "" {
		return inspection.E(inspection.Invalid, "plan.error.reason").Field("reason", "plan.error.reason")
	}
	return nil
}

// updated turns an update that found no row of its version into a conflict.
func updated(tx *gorm.DB) error {
	if tx.Error == nil && tx.RowsAffected == 0 {
		return inspection.E(inspection.Conflict, "plan.error.changed_meanwhile")
	}
	return tx.Error
}

// changes gathers what an act changes of one thing.
type changes struct {
	kind, id, reason string
	rows             []Change
}

func (r *changes) add(field, was, became string) {
	if was != became {
		r.rows = append(r.rows, Change{SubjectKind: r.kind, SubjectID: r.id, Field: field, Was: was, Became: became, Reason: r.reason})
	}
}

// write stores the changes, and in history that they were made.
func (r *changes) write(tx *gorm.DB, act org.Act, action string, data map[string]any) error {
	for i := range r.rows {
		c := &r.rows[i]
		c.ID, c.ChangedBy, c.ChangedAt = inspection.NewID(), act.Actor.Person, act.At
		if err := tx.Create(c).Error; err != nil {
			return err
		}
	}
	if data == nil {
		data = map[string]any{}
	}
	data["reason"] = history.TextHash(r.reason)
	return recordOn(tx, act.Actor, act.Capacity, action, r.kind, r.id, act.At, data)
}

// changesOf lists what was changed of a thing, the latest first. The caller has checked
// that the thing exists for who asks.
func changesOf(tx *gorm.DB, kind, id string) ([]ChangeLine, error) {
	var out []ChangeLine
	err := tx.Model(&Change{}).Select("plan_changes.*, COALESCE(people.name, '') AS by").
		Joins("LEFT JOIN people ON people.id = plan_changes.changed_by").
		Where("subject_kind = ? AND subject_id = ?", kind, id).Order("changed_at DESC, plan_changes.id DESC").Limit(200).Find(&out).Error
	return out, err
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
