package plan

import (
	"context"
	"errors"
	"slices"

	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/org"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Checks is what the plan asks of the checks that were made from it.
type Checks interface {
	// HandOver gives what is still to be decided under a campaign to another person.
	HandOver(tx *gorm.DB, campaign, decider string) error
	// Inspected lists the units of the checks under a campaign that the actor may list.
	Inspected(tx *gorm.DB, actor inspection.Actor, campaign string) ([]string, error)
}

// Service serves the plan.
type Service struct {
	db     *gorm.DB
	clock  inspection.Clock
	checks Checks
}

// New makes the service.
func New(db *gorm.DB, clock inspection.Clock, checks Checks) *Service {
	return &Service{db: db, clock: clock, checks: checks}
}

// gone tells of a target whether its lead leads the team no more on a day.
const gone = `NOT EXISTS (SELECT 1 FROM person_roles r WHERE r.team_id = targets.team_id AND r.person_id = targets.lead_id
	AND r.role IN ('team_lead', 'deputy_lead') AND r.voided_at = 0
	AND ? BETWEEN r.valid_from AND CASE r.valid_to WHEN '' THEN '9999-12-31' ELSE r.valid_to END)`

func (s *Service) columns() org.Columns {
	return org.Columns{Unit: "targets.organisation_id", Team: "targets.team_id", Lead: "targets.lead_id",
		Opened: "EXISTS (SELECT 1 FROM target_openings o WHERE o.target_id = targets.id AND o.person_id = ?)", Vacant: gone, On: s.clock.Now().Date()}
}

// known is a target with what decides who knows of it: to whom it was opened, and
// whether its lead leads the team no more, so that its head of today does.
type known struct {
	Target
	openings []Opening
	vacant   bool
}

func (k known) subject(leadsOnly bool) org.Subject {
	s := org.Subject{Unit: k.OrganisationID, Team: k.TeamID, Lead: k.LeadID, Vacant: k.vacant}
	for _, o := range k.openings {
		if o.Leads || !leadsOnly {
			s.OpenedTo = append(s.OpenedTo, o.PersonID)
		}
	}
	return s
}

// CreateCampaign stores a campaign in the caller's transaction. For set-up and
// import; it asks for no right.
func CreateCampaign(tx *gorm.DB, c Campaign) error {
	if c.State == "" {
		c.State = Active
	}
	if c.SignedBy == nil {
		c.SignedBy = c.DecidedBy
	}
	c.Search, c.Version = inspection.Fold(c.Title+" "+c.DecisionNumber), max(1, c.Version)
	return tx.Create(&c).Error
}

// CreateCount stores what a past campaign is known to have done. For import.
func CreateCount(tx *gorm.DB, c Count) error { return tx.Create(&c).Error }

// CreateTeam stores a team. Its members are who is granted a role in it.
func CreateTeam(tx *gorm.DB, t Team) error {
	if t.Symbol == "" {
		t.Symbol = "ĐKT"
	}
	if t.State == "" {
		t.State = Active
	}
	t.Version = max(1, t.Version)
	return tx.Create(&t).Error
}

// NewTarget is what a lead puts into the plan.
type NewTarget struct {
	ID             string
	TeamID         string
	LeadID         string
	Form           Form
	OrganisationID string
	DeskID         *string
	PlannedOn      inspection.Date
	PlannedAt      inspection.Minute
	Reinspects     *string
	Findings       []string
	OpenTo         []Opening // PersonID and Leads
}

// Seal puts a target into the team's plan, sealed. Only the team's lead or deputy
// may; the decision must be numbered, the team must have at least two members, and
// neither its lead nor whom the lead tells may hold or have held a role in the unit or
// in a unit that wholly went into it (domain: the guard of APPROVED to SEALED; another
// member who does is told nothing and refused on site). Creating with the same
// id twice is one creation. Codes: invalid, not_found, conflict.
func (s *Service) Seal(ctx context.Context, actor inspection.Actor, n NewTarget) (Target, error) {
	var t Target
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var err error
		t, err = s.seal(tx, actor, n)
		return err
	})
	return t, err
}

func (s *Service) seal(tx *gorm.DB, actor inspection.Actor, n NewTarget) (Target, error) {
	if err := inspection.CheckID(n.ID); err != nil {
		return Target{}, err
	}
	capacity, ok := org.Can(actor, org.PlanTarget, org.Subject{Team: n.TeamID})
	if !ok {
		return Target{}, notFound()
	}
	var team Team
	if err := take(tx, &team, n.TeamID); err != nil {
		return Target{}, err
	}
	var campaign Campaign
	if err := take(tx, &campaign, team.CampaignID); err != nil {
		return Target{}, err
	}
	if old, known, err := n.again(tx); known || err != nil {
		return old, err
	}
	switch {
	case atWork(campaign, team, n.Form) != nil:
		return Target{}, atWork(campaign, team, n.Form)
	case campaign.DecisionNumber == "" || campaign.ChecklistID == nil:
		return Target{}, inspection.E(inspection.Invalid, "plan.error.no_decision")
	case n.Form != Reinspection && !n.PlannedOn.Within(campaign.PeriodFrom, campaign.PeriodTo): // what was promised is looked at when it is due
		return Target{}, inspection.E(inspection.Invalid, "plan.error.outside_period", "from", campaign.PeriodFrom, "to", campaign.PeriodTo).
			Field("planned_on", "error.invalid")
	case n.PlannedOn < campaign.DecisionDate:
		return Target{}, inspection.E(inspection.Invalid, "plan.error.before_decision").Field("planned_on", "error.invalid")
	case n.Form == Reinspection && (len(n.Findings) == 0 || n.Reinspects == nil):
		return Target{}, inspection.E(inspection.Invalid, "plan.error.no_findings")
	}
	members, err := MembersOf(tx, n.TeamID, n.PlannedOn)
	if err != nil {
		return Target{}, err
	}
	if len(members) < 2 {
		return Target{}, inspection.E(inspection.Invalid, "plan.error.too_few_members")
	}
	if !slices.Contains(members, n.LeadID) {
		return Target{}, inspection.E(inspection.Invalid, "plan.error.lead_not_member")
	}
	told := []string{n.LeadID}
	for _, o := range n.OpenTo {
		told = append(told, o.PersonID)
		if !slices.Contains(members, o.PersonID) {
			return Target{}, inspection.E(inspection.Invalid, "plan.error.not_member")
		}
	}
	if err := n.there(tx); err != nil {
		return Target{}, err
	}
	if n.Form != Reinspection { // what was found is inspected again wherever its unit went
		if err := campaign.inArea(tx, n.OrganisationID, n.PlannedOn); err != nil {
			return Target{}, err
		}
	}
	if err := n.inScope(tx, campaign.ID); err != nil {
		return Target{}, err
	}
	if err := conflictOfInterest(tx, told, n.OrganisationID); err != nil {
		return Target{}, err
	}
	now := s.clock.Now()
	t := Target{ID: n.ID, CampaignID: campaign.ID, TeamID: n.TeamID, LeadID: n.LeadID, Form: n.Form, OrganisationID: n.OrganisationID,
		DeskID: n.DeskID, PlannedOn: n.PlannedOn, PlannedAt: n.PlannedAt, State: Sealed, ReinspectsID: n.Reinspects, CreatedAt: now, Version: 1}
	made := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&t)
	if made.Error != nil {
		return Target{}, made.Error
	}
	if made.RowsAffected == 0 { // the same form, sent twice at once
		old, _, err := n.again(tx)
		return old, err
	}
	for _, id := range n.Findings {
		if err := tx.Create(&TargetFinding{TargetID: t.ID, FindingID: id}).Error; err != nil {
			return Target{}, err
		}
	}
	if err := record(tx, actor, capacity, "target.seal", t.ID, now, nil); err != nil {
		return Target{}, err
	}
	for _, o := range n.OpenTo {
		if err := s.open(tx, actor, capacity, t, o.PersonID, o.Leads); err != nil {
			return Target{}, err
		}
	}
	return t, nil
}

// again finds the target that the same id has made before; another one under that id
// is a conflict.
func (n NewTarget) again(tx *gorm.DB) (Target, bool, error) {
	var old []Target
	if err := tx.Where("id = ?", n.ID).Limit(1).Find(&old).Error; err != nil || len(old) == 0 {
		return Target{}, false, err
	}
	if o := old[0]; o.TeamID == n.TeamID && o.OrganisationID == n.OrganisationID && o.LeadID == n.LeadID && o.PlannedOn == n.PlannedOn {
		return o, true, nil
	}
	return Target{}, true, inspection.E(inspection.Conflict, "error.conflict")
}

var forms = []Form{Planned, Surprise, Thematic, Reinspection, Remote}

// there holds that the unit exists on the day, and the desk as one of its own. What is
// inspected again may have gone into another unit since.
func (n NewTarget) there(tx *gorm.DB) error {
	bad := func(field string) error {
		return inspection.E(inspection.Invalid, "error.invalid").Field(field, "error.invalid")
	}
	if !slices.Contains(forms, n.Form) {
		return bad("form")
	}
	gone := func(from, to inspection.Date) bool { return n.Form != Reinspection && !n.PlannedOn.Within(from, to) }
	o, err := org.OrganisationByID(tx, n.OrganisationID)
	if inspection.CodeOf(err) == inspection.NotFound || err == nil && gone(o.ValidFrom, o.ValidTo) {
		return bad("organisation")
	}
	if err == nil && n.Form == Remote && n.DeskID == nil {
		return inspection.E(inspection.Invalid, "plan.error.remote_desk").Field("place", "plan.error.remote_desk")
	}
	if err != nil || n.DeskID == nil {
		return err
	}
	d, err := org.DeskByID(tx, *n.DeskID)
	if inspection.CodeOf(err) == inspection.NotFound || err == nil && (d.OrganisationID != o.ID || gone(d.ValidFrom, d.ValidTo)) {
		return bad("desk")
	}
	return err
}

// inScope holds that the campaign is about the unit or the desk, where it names any, or
// about what has become of one by the day.
func (n NewTarget) inScope(tx *gorm.DB, campaign string) error {
	places, err := placesOf(tx, campaign)
	if err != nil || len(places) == 0 || n.Form == Reinspection {
		return err
	}
	heirs, err := followed(tx, campaign, n.PlannedOn)
	if err != nil {
		return err
	}
	places = append(places, heirs...)
	if !slices.ContainsFunc(places, func(p Place) bool {
		return p.OrganisationID == n.OrganisationID && (p.DeskID == nil || n.DeskID != nil && *p.DeskID == *n.DeskID)
	}) {
		return inspection.E(inspection.Invalid, "plan.error.not_in_scope").Field("place", "plan.error.not_in_scope")
	}
	return nil
}

// atWork refuses what needs a campaign and a team that are at work. What was found under
// them is inspected again when they are cancelled and dissolved too.
func atWork(c Campaign, t Team, form Form) error {
	again := form == Reinspection
	switch {
	case c.State == Suspended:
		return inspection.E(inspection.Conflict, "plan.error.campaign_suspended")
	case c.State == Dropped && !again:
		return inspection.E(inspection.Conflict, "plan.error.campaign_cancelled")
	case t.State == Suspended:
		return inspection.E(inspection.Conflict, "plan.error.team_suspended")
	case t.State == Dropped && !again:
		return inspection.E(inspection.Conflict, "plan.error.team_cancelled")
	}
	return nil
}

// conflicted lists who of some people belongs or belonged to a unit, to one that wholly
// went into it or to one that it wholly went into.
func conflicted(tx *gorm.DB, people []string, organisation string) ([]string, error) {
	units, err := org.WholePredecessors(tx, organisation, "")
	if err != nil {
		return nil, err
	}
	heirs, err := org.WholeSuccessors(tx, organisation, "")
	if err != nil {
		return nil, err
	}
	units = append(append(units, heirs...), organisation)
	var own []string
	err = tx.Table("person_roles").Where("person_id IN ? AND organisation_id IN ? AND team_id IS NULL AND voided_at = 0", people, units).
		Distinct("person_id").Pluck("person_id", &own).Error
	return own, err
}

// conflictOfInterest refuses people of whom one is conflicted.
func conflictOfInterest(tx *gorm.DB, people []string, organisation string) error {
	own, err := conflicted(tx, people, organisation)
	if err == nil && len(own) > 0 {
		err = inspection.E(inspection.Conflict, "plan.error.conflict_of_interest")
	}
	return err
}

// MembersOf lists the persons who hold a role in a team on a day.
func MembersOf(tx *gorm.DB, team string, on inspection.Date) ([]string, error) {
	var ids []string
	err := tx.Table("person_roles").Distinct("person_id").
		Where("team_id = ? AND voided_at = 0 AND (valid_from = '' OR valid_from <= ?) AND (valid_to = '' OR valid_to >= ?)", team, on, on).
		Order("person_id").Pluck("person_id", &ids).Error
	return ids, err
}

// ConflictOfInterest refuses a person who belongs or belonged to a unit that is
// inspected. For who joins a check on site, in the caller's transaction. Code: conflict.
func ConflictOfInterest(tx *gorm.DB, person, organisation string) error {
	return conflictOfInterest(tx, []string{person}, organisation)
}

// TakeBack ends that a member was told of a target that has not begun, with a reason,
// which stays with the member's name among the changes of the target. For the member it
// exists no more. Only the target's lead may. Codes: not_found, forbidden, invalid,
// conflict.
func (s *Service) TakeBack(ctx context.Context, actor inspection.Actor, targetID, person, reason string) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		t, capacity, err := s.sealed(tx, actor, targetID, 0)
		if err != nil {
			return err
		}
		if err := checkReason(&reason); err != nil {
			return err
		}
		gone := tx.Where("target_id = ? AND person_id = ?", t.ID, person).Delete(&Opening{})
		if gone.Error != nil {
			return gone.Error
		}
		if gone.RowsAffected == 0 {
			return notFound()
		}
		names, err := org.Names(tx, person)
		if err != nil {
			return err
		}
		changed := changes{kind: "target", id: t.ID, reason: reason}
		changed.add("told", names[person], "")
		return changed.write(tx, org.Act{Actor: actor, Capacity: capacity, At: s.clock.Now()}, "target.take_back", nil)
	})
}

// Open tells a member of the team of a target; leads lets that member check in on
// site. Only the target's lead may. Codes: invalid, not_found, conflict.
func (s *Service) Open(ctx context.Context, actor inspection.Actor, targetID, person string, leads bool) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		t, err := load(tx, targetID, s.clock.Now().Date())
		if err != nil {
			return err
		}
		capacity, ok := org.Can(actor, org.ManageTarget, t.subject(false))
		if !ok {
			return notFound()
		}
		if t.State != Sealed {
			return inspection.E(inspection.Conflict, "plan.error.started")
		}
		members, err := MembersOf(tx, t.TeamID, t.PlannedOn)
		if err != nil {
			return err
		}
		if !slices.Contains(members, person) {
			return inspection.E(inspection.Invalid, "plan.error.not_member")
		}
		if err := conflictOfInterest(tx, []string{person}, t.OrganisationID); err != nil { // taken into the team since
			return err
		}
		return s.open(tx, actor, capacity, t.Target, person, leads)
	})
}

func (s *Service) open(tx *gorm.DB, actor inspection.Actor, capacity inspection.Capacity, t Target, person string, leads bool) error {
	row := Opening{TargetID: t.ID, PersonID: person, OpenedBy: actor.Person, OpenedAt: s.clock.Now(), Leads: leads}
	err := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "target_id"}, {Name: "person_id"}},
		DoUpdates: clause.AssignmentColumns([]string{"leads"})}).Create(&row).Error
	if err != nil {
		return err
	}
	return record(tx, actor, capacity, "target.open", t.ID, row.OpenedAt, nil)
}

// Item is a target as a list shows it.
type Item struct {
	Target
	Organisation   string
	Desk           string
	DecisionNumber string
	DecisionDate   inspection.Date
	Campaign       string
	Team           string
	MayCheckIn     bool
	OpenedTo       []string
	Vacant         bool // its lead leads the team no more: the head of the team does
}

// Waiting lists the sealed targets that the actor knows of, that nothing holds up and
// that are due by a day, the earliest first. Anybody may ask; most know of none.
func (s *Service) Waiting(ctx context.Context, actor inspection.Actor, by inspection.Date) ([]Item, error) {
	tx := s.db.WithContext(ctx)
	var targets []Target
	err := tx.Scopes(org.Scope(actor, org.ReadTarget, s.columns())).
		Where("targets.state = ? AND NOT targets.suspended AND targets.planned_on <= ?", Sealed, by).
		Where("NOT EXISTS (SELECT 1 FROM campaigns c WHERE c.id = targets.campaign_id AND (c.state = ? OR c.state = ? AND targets.form <> ?))", Suspended, Dropped, Reinspection).
		Where("NOT EXISTS (SELECT 1 FROM teams m WHERE m.id = targets.team_id AND (m.state = ? OR m.state = ? AND targets.form <> ?))", Suspended, Dropped, Reinspection).
		Order("targets.planned_on, targets.planned_at, targets.id").Limit(200).Find(&targets).Error
	if err != nil {
		return nil, err
	}
	return s.items(tx, actor, targets)
}

// Get is one target, for who knows of it. Code: not_found.
func (s *Service) Get(ctx context.Context, actor inspection.Actor, id string) (Item, error) {
	tx := s.db.WithContext(ctx)
	t, err := load(tx, id, s.clock.Now().Date())
	if err != nil {
		return Item{}, err
	}
	if _, ok := org.Can(actor, org.ReadTarget, t.subject(false)); !ok {
		return Item{}, notFound()
	}
	items, err := s.items(tx, actor, []Target{t.Target})
	if err != nil {
		return Item{}, err
	}
	return items[0], nil
}

// items adds to targets what a list shows of them, in as many questions for one as for
// all.
func (s *Service) items(tx *gorm.DB, actor inspection.Actor, targets []Target) ([]Item, error) {
	all, err := withOpenings(tx, targets, s.clock.Now().Date())
	if err != nil || len(all) == 0 {
		return nil, err
	}
	ids := make([]string, 0, len(all))
	for _, t := range all {
		ids = append(ids, t.ID)
	}
	var rows []struct {
		ID, Organisation, Desk, DecisionNumber, Campaign, Team string
		DecisionDate                                           inspection.Date
	}
	err = tx.Table("targets").
		Select("targets.id, organisations.name AS organisation, COALESCE(desks.name, '') AS desk, campaigns.decision_number, campaigns.decision_date, campaigns.title AS campaign, teams.name AS team").
		Joins("JOIN organisations ON organisations.id = targets.organisation_id").
		Joins("LEFT JOIN desks ON desks.id = targets.desk_id").
		Joins("JOIN campaigns ON campaigns.id = targets.campaign_id").
		Joins("JOIN teams ON teams.id = targets.team_id").
		Where("targets.id IN ?", ids).Find(&rows).Error
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	for i, r := range rows {
		at[r.ID] = i
	}
	items := make([]Item, 0, len(all))
	for _, t := range all {
		r := rows[at[t.ID]]
		it := Item{Target: t.Target, Organisation: r.Organisation, Desk: r.Desk, DecisionNumber: r.DecisionNumber, DecisionDate: r.DecisionDate,
			Campaign: r.Campaign, Team: r.Team, Vacant: t.vacant}
		_, it.MayCheckIn = org.Can(actor, org.CheckIn, t.subject(true))
		for _, o := range t.openings {
			it.OpenedTo = append(it.OpenedTo, o.PersonID)
		}
		items = append(items, it)
	}
	return items, nil
}

// Taken is a target that a check is made from.
type Taken struct {
	Target   Target
	Campaign Campaign
	Team     Team
	Members  []string // the lead and those to whom it was opened
	Findings []string
	Capacity inspection.Capacity
}

// Take takes a target out of the plan for a check-in, in the caller's transaction:
// from then on it is started, and a second check-in finds it so. Only its lead, or
// who was opened it to lead on site, may. Codes: not_found, conflict.
func Take(tx *gorm.DB, actor inspection.Actor, id string, now inspection.Instant) (Taken, error) {
	if err := inspection.CheckID(id); err != nil {
		return Taken{}, err
	}
	t, err := load(tx.Clauses(clause.Locking{Strength: "UPDATE"}), id, now.Date())
	if err != nil {
		return Taken{}, err
	}
	if _, ok := org.Can(actor, org.ReadTarget, t.subject(false)); !ok {
		return Taken{}, notFound()
	}
	capacity, ok := org.Can(actor, org.CheckIn, t.subject(true))
	if !ok {
		return Taken{}, inspection.E(inspection.Forbidden, "plan.error.check_in_lead_only")
	}
	switch {
	case t.State == Started:
		return Taken{}, inspection.E(inspection.Conflict, "visit.error.already_checked_in")
	case t.State != Sealed:
		return Taken{}, inspection.E(inspection.Conflict, "plan.error.not_sealed")
	case t.PlannedOn > now.Date():
		return Taken{}, inspection.E(inspection.Conflict, "plan.error.too_early", "on", t.PlannedOn)
	}
	var campaign Campaign
	if err := take(tx, &campaign, t.CampaignID); err != nil {
		return Taken{}, err
	}
	was := t.OrganisationID
	if err := t.follow(tx, campaign, now.Date()); err != nil {
		return Taken{}, err
	}
	taken := Taken{Target: t.Target, Campaign: campaign, Capacity: capacity, Members: []string{t.LeadID}}
	if t.vacant {
		taken.Members = nil
	}
	if err := take(tx, &taken.Team, t.TeamID); err != nil {
		return Taken{}, err
	}
	switch err := atWork(taken.Campaign, taken.Team, t.Form); {
	case err != nil:
		return Taken{}, err
	case t.Suspended:
		return Taken{}, inspection.E(inspection.Conflict, "plan.error.target_suspended")
	case now.Date() < taken.Campaign.DecisionDate:
		return Taken{}, inspection.E(inspection.Conflict, "plan.error.before_decision")
	}
	for _, o := range t.openings {
		if o.Leads {
			taken.Members = nil // another member leads on site in the lead's place
			break
		}
	}
	for _, o := range t.openings {
		taken.Members = append(taken.Members, o.PersonID)
	}
	if !slices.Contains(taken.Members, actor.Person) {
		taken.Members = append(taken.Members, actor.Person)
	}
	slices.Sort(taken.Members)
	taken.Members = slices.Compact(taken.Members)
	own, err := conflicted(tx, taken.Members, t.OrganisationID)
	if err != nil {
		return Taken{}, err
	}
	if slices.Contains(own, actor.Person) {
		return Taken{}, inspection.E(inspection.Conflict, "plan.error.conflict_of_interest")
	}
	taken.Members = slices.DeleteFunc(taken.Members, func(id string) bool { return slices.Contains(own, id) }) // they stay away, the check goes on
	if err := tx.Model(&TargetFinding{}).Where("target_id = ?", id).Order("finding_id").Pluck("finding_id", &taken.Findings).Error; err != nil {
		return Taken{}, err
	}
	done := tx.Model(&Target{}).Where("id = ? AND version = ? AND state = ?", id, t.Version, Sealed).
		Updates(map[string]any{"state": Started, "organisation_id": t.OrganisationID, "desk_id": t.DeskID, "version": t.Version + 1})
	if done.Error != nil {
		return Taken{}, done.Error
	}
	if done.RowsAffected == 0 {
		return Taken{}, inspection.E(inspection.Conflict, "visit.error.already_checked_in")
	}
	var data map[string]any
	if t.OrganisationID != was {
		data = map[string]any{"organisation": t.OrganisationID, "was": was}
	}
	return taken, record(tx, actor, capacity, "target.start", id, now, data)
}

// follow lets a target name the unit and the desk that stand on a day for those that it
// was made for: a new name, what it went into as a whole, the row under which a desk went
// on. Where nobody stands for them alone it is refused, but for what is inspected again,
// which stays with the unit that was found, and goes on wherever that one went. Codes:
// conflict, invalid (outside the campaign's area).
func (t *Target) follow(tx *gorm.DB, c Campaign, on inspection.Date) error {
	o, alone, err := org.Responsible(tx, t.OrganisationID, on)
	if err != nil {
		return err
	}
	to, desk := o.ID, t.DeskID
	alone = alone && (o.ValidFrom == "" || on >= o.ValidFrom)
	if t.DeskID != nil {
		d, there, err := org.DeskOn(tx, *t.DeskID, on)
		if err != nil {
			return err
		}
		there = there && (d.ValidFrom == "" || on >= d.ValidFrom)
		switch {
		case t.Form != Reinspection && there: // the desk is what is visited, wherever it belongs
			to, desk, alone = d.OrganisationID, &d.ID, true
		case t.Form != Reinspection:
			alone = false
		case there && d.OrganisationID == to:
			desk = &d.ID
		case to != t.OrganisationID:
			desk = nil
		}
	}
	switch {
	case !alone && t.Form == Reinspection:
		return nil
	case !alone:
		return inspection.E(inspection.Conflict, "plan.error.place_gone")
	case to != t.OrganisationID && t.Form != Reinspection:
		if err := c.inArea(tx, to, on); err != nil {
			return err
		}
	}
	t.OrganisationID, t.DeskID = to, desk
	return nil
}

// GetTeam and GetCampaign load by id, for packages that join them in their own
// transaction and have checked the actor's right to what hangs on them.
func GetTeam(tx *gorm.DB, id string) (t Team, err error) { return t, take(tx, &t, id) }

// GetCampaign loads a campaign by id.
func GetCampaign(tx *gorm.DB, id string) (c Campaign, err error) { return c, take(tx, &c, id) }

func load(tx *gorm.DB, id string, on inspection.Date) (known, error) {
	var t Target
	if err := take(tx, &t, id); err != nil {
		return known{}, err
	}
	all, err := withOpenings(tx, []Target{t}, on)
	if err != nil {
		return known{}, err
	}
	return all[0], nil
}

// withOpenings adds to targets to whom they were opened, and whether their lead is gone.
func withOpenings(tx *gorm.DB, targets []Target, on inspection.Date) ([]known, error) {
	tx = tx.Session(&gorm.Session{NewDB: true})
	all, ids, at := make([]known, len(targets)), make([]string, len(targets)), map[string]int{}
	for i, t := range targets {
		all[i], ids[i], at[t.ID] = known{Target: t}, t.ID, i
	}
	var openings []Opening
	if err := tx.Where("target_id IN ?", ids).Order("target_id, person_id").Find(&openings).Error; err != nil {
		return nil, err
	}
	for _, o := range openings {
		k := &all[at[o.TargetID]]
		k.openings = append(k.openings, o)
	}
	var vacant []string
	if err := tx.Model(&Target{}).Where("targets.id IN ?", ids).Where(gone, on).Pluck("targets.id", &vacant).Error; err != nil {
		return nil, err
	}
	for _, id := range vacant {
		all[at[id]].vacant = true
	}
	return all, nil
}

func take(tx *gorm.DB, into any, id string) error {
	err := tx.Where("id = ?", id).Take(into).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return notFound()
	}
	return err
}

func notFound() error { return inspection.E(inspection.NotFound, "error.not_found") }

func record(tx *gorm.DB, actor inspection.Actor, capacity inspection.Capacity, action, id string, at inspection.Instant, data map[string]any) error {
	return recordOn(tx, actor, capacity, action, "target", id, at, data)
}

func recordOn(tx *gorm.DB, actor inspection.Actor, capacity inspection.Capacity, action, kind, id string, at inspection.Instant, data map[string]any) error {
	return history.Append(tx, history.Event{Actor: actor, Capacity: capacity, Action: action, SubjectKind: kind, SubjectID: id, At: at, Data: data})
}
