package plan

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"congvu/inspection"
	"congvu/inspection/org"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// NewTeam is what a decision says of a team.
type NewTeam struct {
	ID, CampaignID, Name, Symbol string
	HasSeal                      bool
}

func (n *NewTeam) check() error {
	bad := inspection.E(inspection.Invalid, "error.invalid")
	var ok bool
	if n.Name, ok = inspection.Text(n.Name, 200); !ok || n.Name == "" || strings.Contains(n.Name, "\n") {
		bad.Field("name", "plan.error.team_name")
	}
	if n.Symbol, ok = inspection.Text(n.Symbol, 20); !ok || strings.ContainsAny(n.Symbol, "/ \n\t") {
		bad.Field("symbol", "plan.error.symbol")
	}
	if n.Symbol == "" {
		n.Symbol = "ĐKT"
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// AddTeam makes a team of a campaign. Who manages the campaign may. The same id twice
// is one creation. Codes: invalid, not_found, forbidden, conflict.
func (s *Service) AddTeam(ctx context.Context, actor inspection.Actor, n NewTeam) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := inspection.CheckID(n.ID); err != nil {
			return err
		}
		c, capacity, err := manage(tx, actor, n.CampaignID, 0)
		if err != nil {
			return err
		}
		var old Team
		switch err := take(tx, &old, n.ID); {
		case err == nil && old.CampaignID == c.ID:
			return nil
		case err == nil:
			return inspection.E(inspection.Conflict, "error.conflict")
		case inspection.CodeOf(err) != inspection.NotFound:
			return err
		}
		if err := n.check(); err != nil {
			return err
		}
		now := s.clock.Now()
		if err := CreateTeam(tx, Team{ID: n.ID, CampaignID: c.ID, Name: n.Name, Symbol: n.Symbol, HasSeal: n.HasSeal, CreatedAt: now}); err != nil {
			return err
		}
		return recordOn(tx, actor, capacity, "team.create", "team", n.ID, now, map[string]any{"campaign": c.ID, "seal": n.HasSeal})
	})
}

// manageTeam loads a team and its campaign for a change by the actor, both locked; one
// that is dissolved changes no more. Codes as manage.
func manageTeam(tx *gorm.DB, actor inspection.Actor, id string, version int64) (Team, Campaign, inspection.Capacity, error) {
	t, c, capacity, err := followTeam(tx, actor, id, version)
	switch {
	case err != nil:
	case c.State == Dropped:
		err = inspection.E(inspection.Conflict, "plan.error.campaign_cancelled")
	case t.State == Dropped:
		err = inspection.E(inspection.Conflict, "plan.error.team_cancelled")
	}
	return t, c, capacity, err
}

// followTeam is manageTeam for who is in the team, which changes for the follow-up when
// it is dissolved too.
func followTeam(tx *gorm.DB, actor inspection.Actor, id string, version int64) (Team, Campaign, inspection.Capacity, error) {
	var t Team
	if err := take(tx, &t, id); err != nil {
		return t, Campaign{}, inspection.Capacity{}, err
	}
	c, capacity, err := follow(tx, actor, t.CampaignID, 0)
	if err != nil {
		return t, c, capacity, err
	}
	if err := take(tx.Clauses(clause.Locking{Strength: "UPDATE"}), &t, id); err != nil {
		return t, c, capacity, err
	}
	if version != 0 && version != t.Version {
		err = inspection.E(inspection.Conflict, "plan.error.changed_meanwhile")
	}
	return t, c, capacity, err
}

// ChangeTeam corrects a team with a reason. Who manages the campaign may. Documents
// that have a number keep it. Codes: invalid, not_found, forbidden, conflict.
func (s *Service) ChangeTeam(ctx context.Context, actor inspection.Actor, version int64, n NewTeam, reason string) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		t, _, capacity, err := manageTeam(tx, actor, n.ID, version)
		if err != nil {
			return err
		}
		if err := n.check(); err != nil {
			return err
		}
		if err := checkReason(&reason); err != nil {
			return err
		}
		changed := changes{kind: "team", id: t.ID, reason: reason}
		changed.add("name", t.Name, n.Name)
		changed.add("symbol", t.Symbol, n.Symbol)
		changed.add("seal", yes(t.HasSeal), yes(n.HasSeal))
		if len(changed.rows) == 0 {
			return inspection.E(inspection.Invalid, "plan.error.nothing_changed")
		}
		if err := updated(tx.Model(&Team{}).Where("id = ? AND version = ?", t.ID, t.Version).
			Updates(map[string]any{"name": n.Name, "symbol": n.Symbol, "has_seal": n.HasSeal, "version": t.Version + 1})); err != nil {
			return err
		}
		return changed.write(tx, org.Act{Actor: actor, Capacity: capacity, At: s.clock.Now()}, "team.change", map[string]any{"seal": n.HasSeal})
	})
}

func yes(b bool) string {
	if b {
		return "YES"
	}
	return "NO"
}

// StandTeam suspends a team, takes it up again or dissolves it, as Stand does a
// campaign.
func (s *Service) StandTeam(ctx context.Context, actor inspection.Actor, id string, version int64, to Standing, reason string) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		t, _, capacity, err := manageTeam(tx, actor, id, version)
		if err != nil {
			return err
		}
		if err := checkStanding(t.State, to); err != nil {
			return err
		}
		if err := checkReason(&reason); err != nil {
			return err
		}
		if err := updated(tx.Model(&Team{}).Where("id = ? AND version = ?", id, t.Version).
			Updates(map[string]any{"state": to, "version": t.Version + 1})); err != nil {
			return err
		}
		changed := changes{kind: "team", id: id, reason: reason}
		changed.add("state", string(t.State), string(to))
		return changed.write(tx, org.Act{Actor: actor, Capacity: capacity, At: s.clock.Now()}, "team.state", map[string]any{"state": to})
	})
}

// NewMember is a role in a team for somebody.
type NewMember struct {
	PersonID string
	Role     inspection.Role
	From, To inspection.Date // To empty: until the team's work is done, follow-up included
}

// Earliest is the first day on which a role in the team may begin, for who is taken in
// on a day: that of the decision while the team cannot have checked anything, because
// it was made that day or the period has not begun; later nobody becomes a member of
// what was done before. It looks at no check, so that it tells nobody of one.
func (t Team) Earliest(c Campaign, today inspection.Date) inspection.Date {
	if t.CreatedAt.Date() >= today || today < c.PeriodFrom {
		return c.DecisionDate
	}
	return max(today, c.DecisionDate)
}

// leads tells whether somebody manages a campaign as the lead who wrote it.
func leads(c inspection.Capacity) bool {
	return c.Role == inspection.TeamLead || c.Role == inspection.DeputyLead
}

// Managers names who else manages the campaign of a team and could take the actor into
// it; apart is false where the actor, a lead, may do it alone. Who manages the campaign may
// ask. Codes: not_found, forbidden.
func (s *Service) Managers(ctx context.Context, actor inspection.Actor, team string) (others []string, apart bool, err error) {
	sheet, err := s.GetTeam(ctx, actor, team)
	if err != nil {
		return nil, false, err
	}
	capacity, ok := org.Can(actor, org.ManageCampaign, sheet.Campaign.Subject())
	if !ok || leads(capacity) {
		return nil, false, nil
	}
	tx := s.db.WithContext(ctx)
	ids, err := org.HoldersOf(tx, s.clock.Now().Date(), sheet.Campaign.IssuerID, org.CampaignManagers...)
	if err != nil {
		return nil, true, err
	}
	names, err := org.Names(tx, ids...)
	for _, id := range ids {
		if id != actor.Person {
			others = append(others, names[id])
		}
	}
	slices.Sort(others)
	return others, true, err
}

// mayJoin refuses who manages the campaign (but a lead who wrote it), who decides its
// checks, and who holds one of the roles apart on one of the days.
func (n NewMember) mayJoin(tx *gorm.DB, act org.Act, c Campaign) error {
	switch {
	case n.PersonID == act.Actor.Person && !leads(act.Capacity):
		return inspection.E(inspection.Forbidden, "plan.error.member_self").Field("members", "plan.error.member_self")
	case n.PersonID == deref(c.DecidedBy):
		return inspection.E(inspection.Conflict, "plan.error.member_decides").Field("members", "plan.error.member_decides")
	}
	var held int64
	err := tx.Model(&org.RoleRow{}).Where("person_id = ? AND voided_at = 0 AND role IN ? AND (valid_to = '' OR valid_to >= ?)", n.PersonID, org.Apart, n.From).
		Where("? = '' OR valid_from <= ?", n.To, n.To).Count(&held).Error
	if err == nil && held > 0 {
		err = inspection.E(inspection.Conflict, "plan.error.member_apart").Field("members", "plan.error.member_apart")
	}
	return err
}

// AddMembers takes people into a team, all or none. Who manages the campaign may, but
// not themselves, nor who decides, nor who holds a role apart. Somebody who holds a role
// in the team on one of the days is refused: the role has to be ended first. For the
// follow-up a dissolved team takes people in too. Codes:
// invalid, not_found, forbidden, conflict.
func (s *Service) AddMembers(ctx context.Context, actor inspection.Actor, team string, members []NewMember) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		t, c, capacity, err := followTeam(tx, actor, team, 0)
		if err != nil {
			return err
		}
		if len(members) == 0 {
			return inspection.E(inspection.Invalid, "plan.error.nobody").Field("members", "plan.error.nobody")
		}
		now := s.clock.Now()
		act := org.Act{Actor: actor, Capacity: capacity, At: now}
		near, err := c.near(tx, now.Date())
		if err != nil {
			return err
		}
		for _, m := range members {
			if !slices.Contains(inspection.TeamRoles, m.Role) {
				return inspection.E(inspection.Invalid, "org.error.invalid").Field("members", "org.error.role")
			}
			earliest := t.Earliest(c, now.Date())
			if m.From == "" {
				m.From = earliest
			}
			switch {
			case m.From < c.DecisionDate:
				return inspection.E(inspection.Invalid, "plan.error.member_before_decision", "on", c.DecisionDate.VN()).Field("from", "plan.error.member_before_decision")
			case m.From < earliest:
				return inspection.E(inspection.Invalid, "plan.error.member_before_today").Field("from", "plan.error.member_before_today")
			}
			var there int64
			if err := tx.Model(&org.Person{}).Scopes(near).Where("people.id = ?", m.PersonID).Count(&there).Error; err != nil {
				return err
			}
			if there == 0 {
				return notFound()
			}
			if err := m.mayJoin(tx, act, c); err != nil {
				return err
			}
			var held int64
			err := tx.Model(&org.RoleRow{}).Where("person_id = ? AND team_id = ? AND (valid_to = '' OR valid_to >= ?)", m.PersonID, t.ID, m.From).
				Where("? = '' OR valid_from <= ?", m.To, m.To).Count(&held).Error
			if err != nil {
				return err
			}
			if held > 0 {
				return inspection.E(inspection.Conflict, "plan.error.already_member")
			}
			row := org.RoleRow{PersonID: m.PersonID, Role: m.Role, OrganisationID: &c.IssuerID, TeamID: &t.ID, ValidFrom: m.From, ValidTo: m.To}
			if err := org.CheckRole(tx, row); err != nil {
				return err
			}
			if _, err := org.Grant(tx, act, row); err != nil {
				return err
			}
		}
		return nil
	})
}

// EndMember ends a role in a team with its last day and a reason. Who manages the
// campaign may. Codes: invalid, not_found, forbidden, conflict.
func (s *Service) EndMember(ctx context.Context, actor inspection.Actor, team, role string, version int64, last inspection.Date, reason string) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		t, _, capacity, err := followTeam(tx, actor, team, 0)
		if err != nil {
			return err
		}
		var n int64
		if err := tx.Model(&org.RoleRow{}).Where("id = ? AND team_id = ?", role, t.ID).Count(&n).Error; err != nil {
			return err
		}
		if n == 0 {
			return notFound()
		}
		if err := checkReason(&reason); err != nil {
			return err
		}
		if _, err := inspection.ParseDate(string(last)); err != nil || last == "" {
			return inspection.E(inspection.Invalid, "error.invalid").Field("last", "plan.error.day")
		}
		act := org.Act{Actor: actor, Capacity: capacity, At: s.clock.Now()}
		ended, err := org.EndGrant(tx, act, role, version, last, reason)
		if err != nil {
			return err
		}
		name, err := org.PersonByID(tx, ended.PersonID)
		if err != nil {
			return err
		}
		changed := changes{kind: "team", id: t.ID, reason: reason}
		changed.add("member", name.Name, last.VN())
		return changed.write(tx, act, "team.member_end", map[string]any{"person": ended.PersonID, "last": last})
	})
}

// GetTeam is one team with its members. Who may read its campaign may. Code: not_found.
func (s *Service) GetTeam(ctx context.Context, actor inspection.Actor, id string) (TeamSheet, error) {
	tx := s.db.WithContext(ctx)
	var t Team
	if err := take(tx, &t, id); err != nil {
		return TeamSheet{}, err
	}
	var c Campaign
	if err := take(tx, &c, t.CampaignID); err != nil {
		return TeamSheet{}, err
	}
	if _, ok := org.Can(actor, org.ReadCampaign, c.Subject()); !ok {
		return TeamSheet{}, notFound()
	}
	sheet, err := s.teamSheet(tx, actor, t, c)
	if err != nil {
		return sheet, err
	}
	sheet.Changes, err = changesOf(tx, "team", id)
	return sheet, err
}

func (s *Service) teamSheet(tx *gorm.DB, actor inspection.Actor, t Team, c Campaign) (TeamSheet, error) {
	sheet := TeamSheet{Team: t, Campaign: c}
	_, sheet.MayManage = org.Can(actor, org.ManageCampaign, c.Subject())
	_, sheet.MayPlan = org.Can(actor, org.PlanTarget, org.Subject{Team: t.ID})
	err := tx.Model(&org.RoleRow{}).Select("person_roles.*, people.name, people.position").
		Joins("JOIN people ON people.id = person_roles.person_id").Where("person_roles.team_id = ?", t.ID).
		Order("person_roles.valid_to <> '', person_roles.valid_from, people.search, person_roles.id").Find(&sheet.Members).Error
	today := s.clock.Now().Date()
	for i := range sheet.Members {
		m := &sheet.Members[i]
		m.Past = m.ValidTo != "" && m.ValidTo < today
	}
	rank := map[inspection.Role]int{inspection.TeamLead: 0, inspection.DeputyLead: 1, inspection.TeamSecretary: 2, inspection.Inspector: 3}
	slices.SortStableFunc(sheet.Members, func(a, b MemberLine) int {
		if a.Past != b.Past {
			if a.Past {
				return 1
			}
			return -1
		}
		return rank[a.Role] - rank[b.Role]
	})
	return sheet, err
}

// Candidate is somebody who may be taken into a team, with the organisations where
// they hold a role today.
type Candidate struct {
	PersonID, Name, Position string
	Of                       []string
}

// near keeps the people from whom the teams of a campaign are drawn: who holds or held a
// role in an organisation of the issuer's area of today (its unit and all below),
// or none anywhere yet. Those of other places in the installation are nobody's business.
func (c Campaign) near(tx *gorm.DB, today inspection.Date) (func(*gorm.DB) *gorm.DB, error) {
	under, err := c.area(tx, today)
	if err != nil {
		return nil, err
	}
	held := tx.Session(&gorm.Session{NewDB: true}).Table("person_roles").Select("person_roles.person_id").
		Joins("JOIN organisations ON organisations.id = person_roles.organisation_id").Where("person_roles.voided_at = 0").Scopes(under)
	return func(q *gorm.DB) *gorm.DB {
		return q.Where("(people.id IN (?) OR NOT EXISTS (SELECT 1 FROM person_roles r WHERE r.person_id = people.id AND r.voided_at = 0))", held)
	}, nil
}

// nearest puts the people of the issuing organisation before all others, each by name;
// a cursor is the nearness and the id of the last who was read.
const nearest = `CASE WHEN EXISTS (SELECT 1 FROM person_roles r WHERE r.person_id = people.id AND r.voided_at = 0 AND r.organisation_id IN ?) THEN 0 ELSE 1 END`

// Candidates lists, for a team, the people near who may join it: those of the issuing
// organisation first, then the others of its area and those who hold no role yet.
// Words narrow by name and position, without regard to diacritics. Who manages the
// campaign may. Codes: not_found, forbidden.
func (s *Service) Candidates(ctx context.Context, actor inspection.Actor, team, query string, page inspection.Page) ([]Candidate, string, error) {
	sheet, err := s.GetTeam(ctx, actor, team)
	if err != nil {
		return nil, "", err
	}
	if !sheet.MayManage {
		return nil, "", inspection.E(inspection.Forbidden, "plan.error.not_yours")
	}
	tx := s.db.WithContext(ctx)
	today := s.clock.Now().Date()
	near, err := sheet.Campaign.near(tx, today)
	if err != nil {
		return nil, "", err
	}
	issuer, err := org.LineOn(tx, sheet.Campaign.IssuerID, today) // under its name of today
	if err != nil {
		return nil, "", err
	}
	q := tx.Model(&org.Person{}).Scopes(near).Select("people.*, "+nearest+" AS nearness", issuer).
		Where("NOT EXISTS (SELECT 1 FROM person_roles r WHERE r.person_id = people.id AND r.team_id = ? AND r.valid_to = '')", team).
		Where("NOT EXISTS (SELECT 1 FROM person_roles r WHERE r.person_id = people.id AND r.role IN ? AND r.voided_at = 0 AND (r.valid_to = '' OR r.valid_to >= ?))", org.Apart, today).
		Where("people.id <> ?", deref(sheet.Campaign.DecidedBy))
	if capacity, ok := org.Can(actor, org.ManageCampaign, sheet.Campaign.Subject()); !ok || !leads(capacity) {
		q = q.Where("people.id <> ?", actor.Person) // mayJoin would refuse
	}
	for _, word := range strings.Fields(inspection.Fold(query)) {
		q = q.Where("people.search LIKE ?", "%"+word+"%")
	}
	q = tx.Session(&gorm.Session{NewDB: true}).Table("(?) AS people", q)
	if nearness, last, ok := strings.Cut(page.Cursor, "|"); ok && (nearness == "0" || nearness == "1") {
		name := tx.Session(&gorm.Session{NewDB: true}).Model(&org.Person{}).Select("search").Where("id = ?", last)
		of := int(nearness[0] - '0')
		q = q.Where("nearness > ? OR (nearness = ? AND (search > (?) OR (search = (?) AND id > ?)))", of, of, name, name, last)
	}
	var rows []struct {
		org.Person
		Nearness int
	}
	if err := q.Order("nearness, search, id").Limit(page.Size() + 1).Find(&rows).Error; err != nil || len(rows) == 0 {
		return nil, "", err
	}
	next := ""
	if len(rows) > page.Size() {
		rows = rows[:page.Size()]
		last := rows[len(rows)-1]
		next = strconv.Itoa(last.Nearness) + "|" + last.ID
	}
	out, at := make([]Candidate, len(rows)), map[string]int{}
	for i, p := range rows {
		out[i], at[p.ID] = Candidate{PersonID: p.ID, Name: p.Name, Position: p.Position}, i
	}
	var places []struct{ PersonID, Name string }
	ids := make([]string, 0, len(rows))
	for _, p := range rows {
		ids = append(ids, p.ID)
	}
	err = tx.Table("person_roles").Select("DISTINCT person_roles.person_id, organisations.name").
		Joins("JOIN organisations ON organisations.id = person_roles.organisation_id").
		Where("person_roles.person_id IN ? AND person_roles.team_id IS NULL AND person_roles.voided_at = 0", ids).
		Where("(person_roles.valid_from = '' OR person_roles.valid_from <= ?) AND (person_roles.valid_to = '' OR person_roles.valid_to >= ?)", today, today).
		Order("organisations.name").Find(&places).Error
	for _, p := range places {
		c := &out[at[p.PersonID]]
		c.Of = append(c.Of, p.Name)
	}
	return out, next, err
}
