package summary

import (
	"cmp"
	"context"
	"maps"
	"math/big"
	"slices"
	"strings"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/plan"
	"congvu/inspection/score"
	"congvu/inspection/visit"

	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"
)

// Service reads summaries.
type Service struct {
	db     *gorm.DB
	clock  inspection.Clock
	sheets sheets
}

// New makes the service.
func New(db *gorm.DB, clock inspection.Clock) *Service { return &Service{db: db, clock: clock} }

// Overview is the chair's page for a period. Scores are hundredths of a point,
// shares hundredths of a per cent, -1 where there is nothing to divide.
type Overview struct {
	From, To       inspection.Date
	Desks          int // of the area, on the last day of the period
	Checked        int // of these, checked in the period
	Concluded      int
	Scored         int
	Mean           int64 // of the newest score of each desk, with Scored as its n
	MeanBefore     int64 // the same over the period before, -1 for none
	Open           int64
	DueSoon        int64 // open, due within three working days
	Overdue        int64
	LongOverdue    int // desks with a finding overdue more than ten working days
	OnTime         score.Share
	OnTimeShare    int64
	Rows           []Row
	Unchecked      []Desk
	Sections       []string // codes, for the heat map
	SectionNames   map[string]string
	SectionNamesEN map[string]string
	Worst          []Item
	Months         []Month
	Recorded       []Recorded
	Looks          score.Share // looks from the office that fell short in something, of all whose minutes were sent
}

// Figure names a figure of the overview that leads to what it counts.
type Figure string

// The figures, and OfItem for how often an item fell short.
const (
	FigureChecked Figure = "checked"
	FigureSoon    Figure = "soon"
	FigureOnTime  Figure = "on_time"
	FigureLooks   Figure = "looks"
)

// OfItem is the figure of an item of the checklist, by its key.
func OfItem(key string) Figure { return Figure("item-" + key) }

// Desk is a desk of the area.
type Desk struct{ ID, Name, Organisation string }

// Row is a checked desk.
type Row struct {
	Desk
	Visit     string
	Day       inspection.Date
	State     visit.Phase
	Scored    bool
	Rated     bool
	Total     int64
	Grade     string
	Rank      int
	Change    int64 // against the desk's score before, in hundredths
	HasBefore bool
	Open      int64
	Overdue   int64
	Sections  map[string]int64 // share by section, none where nothing applied; shared, not to be written to
	search    string           // form of the name
	first     string           // check of the period
	cohort    score.Cohort
	done      bool
}

// Item is an item of the checklist with how often it fell short.
type Item struct {
	Key, Code, Text string
	TextEN          string
	Failed, Asked   int
	Lost            int64 // points lost in all, in hundredths
}

// Month is one month of the trend.
type Month struct {
	Month string // 2026-11
	Mean  int64
	N     int
}

// Recorded is what a past campaign is known to have done, by count only.
type Recorded struct {
	Campaign string
	Issuer   string
	From, To inspection.Date
	Quantity int64
	Source   string
}

// soon is how many working days before its due date a finding is due soon (domain:
// reminders begin at T−3).
const soon = 3

// Overview computes the page. Chairs, their offices and home affairs may ask, each
// for the organisations in which they hold the role. Codes: unauthenticated,
// not_found for others.
func (s *Service) Overview(ctx context.Context, actor inspection.Actor, from, to inspection.Date) (Overview, error) {
	issuers := issuersOf(actor)
	if len(issuers) == 0 {
		return Overview{}, inspection.E(inspection.NotFound, "error.not_found")
	}
	tx := s.db.WithContext(ctx)
	o := Overview{From: from, To: to, MeanBefore: -1, Mean: -1, OnTimeShare: -1, SectionNames: map[string]string{}, SectionNamesEN: map[string]string{}}
	today := s.clock.Now().Date()
	asOf := min(to, today)

	// What it is made of is read side by side.
	var desks []Desk
	var earlier map[string]string
	var rows []check
	var before []total
	var waiting finding.Waits
	var remedied finding.Remedied
	until := min(to, today)
	days := int(to.Time().Sub(from.Time()).Hours()/24) + 1
	var reads errgroup.Group
	reads.Go(func() error {
		area, err := areaOf(tx, issuers)
		if err != nil {
			return err
		}
		if desks, earlier, err = desksOf(tx, area, asOf); err != nil {
			return err
		}
		o.Recorded, err = recorded(tx, area)
		return err
	})
	reads.Go(func() (err error) {
		if rows, err = checksOf(tx, actor, from, to, newestScore("scores.id")); err != nil {
			return err
		}
		return s.sheets.of(tx, rows)
	})
	reads.Go(func() (err error) {
		before, err = totalsOf(tx, actor, from.AddDays(-days), from.AddDays(-1))
		return err
	})
	reads.Go(func() error {
		looks, err := looksOf(tx, actor, from, to)
		o.Looks = score.Share{Of: int64(len(looks))}
		for _, l := range looks {
			if l.short {
				o.Looks.Part++
			}
		}
		return err
	})
	reads.Go(func() (err error) { waiting, err = finding.Waiting(tx, actor, today, soon); return err })
	reads.Go(func() (err error) {
		remedied, err = finding.RemediedIn(tx, actor, finding.Period{From: from, To: until})
		return err
	})
	if err := reads.Wait(); err != nil {
		return o, err
	}
	o.Desks = len(desks)
	atDesks(rows, earlier)
	for i, p := range waiting.Places {
		if p.Desk != nil {
			at := cmp.Or(earlier[*p.Desk], *p.Desk)
			waiting.Places[i].Desk = &at
		}
	}
	if err := o.checks(tx, rows, desks); err != nil {
		return o, err
	}
	o.MeanBefore = meanOf(before, earlier)
	o.findings(waiting)
	if o.OnTime = (score.Share{Part: remedied.OnTime, Of: remedied.Of}); o.OnTime.Of > 0 {
		o.OnTimeShare = divide(10000*o.OnTime.Part, o.OnTime.Of)
	}
	return o, nil
}

// issuersOf lists whose overview an actor may ask for: with each issuer, those that went
// into it as a whole.
func issuersOf(actor inspection.Actor) (ids []string) {
	for _, c := range actor.Capacities {
		if _, ok := org.Can(actor, org.SummariseChecks, org.Subject{Issuer: c.Organisation}); ok {
			ids = append(append(ids, c.Organisation), c.Former...)
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(ids)))
}

// areaOf lists the administrative units at and below those of the organisations.
func areaOf(tx *gorm.DB, issuers []string) ([]string, error) {
	var units []string
	err := tx.Raw(`WITH RECURSIVE area (id) AS (
			SELECT admin_unit_id FROM organisations WHERE id IN ?
			UNION
			SELECT u.id FROM admin_units u JOIN area ON u.parent_id = area.id
		) SELECT id FROM area`, issuers).Scan(&units).Error
	return units, err
}

// desksOf lists the desks of an area on a day, and by which rows they were known before.
func desksOf(tx *gorm.DB, area []string, on inspection.Date) ([]Desk, map[string]string, error) {
	var desks []Desk
	err := tx.Table("desks").Select("desks.id, desks.name, organisations.name AS organisation").
		Joins("JOIN organisations ON organisations.id = desks.organisation_id").
		Where("organisations.admin_unit_id IN ?", area).
		Where("(desks.valid_from = '' OR desks.valid_from <= ?) AND (desks.valid_to = '' OR desks.valid_to >= ?)", on, on).
		Order("desks.search, desks.id").Find(&desks).Error
	if err != nil {
		return nil, nil, err
	}
	ids := make([]string, len(desks))
	for i, d := range desks {
		ids[i] = d.ID
	}
	earlier, err := org.EarlierDesks(tx, ids)
	return desks, earlier, err
}

// atDesks counts checks at the desks of today: one that went on in another organisation
// or under another name is the same desk.
func atDesks(checks []check, earlier map[string]string) {
	for i, c := range checks {
		checks[i].DeskID = cmp.Or(earlier[c.DeskID], c.DeskID)
	}
}

func recorded(tx *gorm.DB, area []string) ([]Recorded, error) {
	var out []Recorded
	err := tx.Table("campaign_counts").
		Select(`campaigns.title AS campaign, organisations.name AS issuer, campaigns.period_from AS "from", campaigns.period_to AS "to", campaign_counts.quantity, campaign_counts.source`).
		Joins("JOIN campaigns ON campaigns.id = campaign_counts.campaign_id").
		Joins("JOIN organisations ON organisations.id = campaigns.issuer_id").
		Where("campaign_counts.counted = ? AND organisations.admin_unit_id IN ?", plan.UnitChecks, area).
		Order("campaigns.period_from DESC").Find(&out).Error
	return out, err
}

type check struct {
	ID      string
	DeskID  string
	Day     inspection.Date
	State   visit.Phase
	Kind    string             // of the organisation
	At      inspection.Instant // of checking in
	Done    bool               // minutes are closed, and the desk could be inspected
	ScoreID *string            // the newest
	*sheet                     // of that score, nil for none
}

// newestScore is a column of the newest score of each check, NULL where there is none.
func newestScore(column string) string {
	return "(SELECT " + column + " FROM scores WHERE scores.visit_id = visits.id ORDER BY scores.revision DESC LIMIT 1)"
}

// full leaves re-inspections, looks from the office and other periods out.
func full(from, to inspection.Date) func(*gorm.DB) *gorm.DB {
	return func(db *gorm.DB) *gorm.DB {
		return db.Where("visits.form NOT IN ? AND visits.day >= ? AND visits.day <= ?", []plan.Form{plan.Reinspection, plan.Remote}, from, to)
	}
}

// checksOf lists the full checks of a period with the id of their newest score, as
// score says, oldest first.
func checksOf(tx *gorm.DB, actor inspection.Actor, from, to inspection.Date, score string) ([]check, error) {
	var all []check
	for _, part := range org.Parts(actor, org.ListVisit, visit.Columns) {
		err := finding.Each(tx.Table("visits").Scopes(part, full(from, to)).
			Select("visits.id, COALESCE(visits.desk_id, ''), visits.day, visits.state, visits.organisation_kind, visits.checked_in_at, (visits.minutes_at > 0 AND NOT visits.could_not), "+score), func(scan func(...any) error) error {
			var c check
			err := scan(&c.ID, &c.DeskID, &c.Day, &c.State, &c.Kind, &c.At, &c.Done, &c.ScoreID)
			all = append(all, c)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b check) int { return cmp.Or(cmp.Compare(a.At, b.At), strings.Compare(a.ID, b.ID)) })
	return all, nil
}

// look is a look from the office whose minutes were sent.
type look struct {
	id    string
	short bool // a finding came of it, and was not withdrawn
}

// looksOf lists those of a period.
func looksOf(tx *gorm.DB, actor inspection.Actor, from, to inspection.Date) ([]look, error) {
	var all []look
	for _, part := range org.Parts(actor, org.ListVisit, visit.Columns) {
		err := finding.Each(tx.Table("visits").Scopes(part).
			Where("visits.form = ? AND visits.day >= ? AND visits.day <= ? AND visits.minutes_at > 0", plan.Remote, from, to).
			Select("visits.id, EXISTS (SELECT 1 FROM findings WHERE findings.visit_id = visits.id AND findings.state <> ?)", finding.Withdrawn), func(scan func(...any) error) error {
			var l look
			err := scan(&l.id, &l.short)
			all = append(all, l)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// total is what a check that was rated came to.
type total struct {
	place string // the desk, or the organisation where it was at none
	check string
	at    inspection.Instant
	total int64
}

// totalsOf lists what the full checks of a period that were rated came to, oldest first.
func totalsOf(tx *gorm.DB, actor inspection.Actor, from, to inspection.Date) ([]total, error) {
	var all []total
	for _, part := range org.Parts(actor, org.ListVisit, visit.Columns) {
		err := finding.Each(tx.Table("visits").Scopes(part, full(from, to)).
			Select("COALESCE(visits.desk_id, visits.organisation_name), visits.id, visits.checked_in_at, "+newestScore("CASE WHEN scores.rated THEN scores.total END")), func(scan func(...any) error) error {
			var t total
			var points *int64
			err := scan(&t.place, &t.check, &t.at, &points)
			if points != nil {
				t.total = *points
				all = append(all, t)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b total) int { return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.check, b.check)) })
	return all, nil
}

// nameOthers names the rows of checks that were not at a desk of today, as the check has it.
func nameOthers(tx *gorm.DB, rows []Row) error {
	at := map[string]int{}
	for i, r := range rows {
		if r.Name == "" {
			at[r.first] = i
		}
	}
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(at)), 500) {
		var named []struct{ ID, DeskName, OrganisationName string }
		if err := tx.Table("visits").Select("id, desk_name, organisation_name").Where("id IN ?", ids).Find(&named).Error; err != nil {
			return err
		}
		for _, n := range named {
			rows[at[n.ID]].Name, rows[at[n.ID]].Organisation = cmp.Or(n.DeskName, n.OrganisationName), n.OrganisationName
		}
	}
	return nil
}

func (o *Overview) checks(tx *gorm.DB, rows []check, desks []Desk) error {
	known := map[string]Desk{}
	for _, d := range desks {
		known[d.ID] = d
	}
	byDesk := map[string]*Row{}
	for _, c := range rows {
		if c.State == visit.Concluded {
			o.Concluded++
		}
		key := c.DeskID
		if key == "" {
			key = c.ID
		}
		r, ok := byDesk[key]
		if !ok {
			r = &Row{Desk: Desk{ID: c.DeskID}, first: c.ID}
			if d, ok := known[c.DeskID]; ok {
				r.Desk = d
			}
			byDesk[key] = r
		}
		r.done = r.done || c.Done
		if c.sheet != nil {
			if r.Scored && r.Rated && c.rated {
				r.Change, r.HasBefore = c.total-r.Total, true
			}
			r.Scored, r.Rated, r.Total, r.Grade, r.Visit, r.Day, r.State = true, c.rated, c.total, c.grade, c.ID, c.Day, c.State
			r.Sections, r.cohort = c.sections, score.Cohort{Kind: c.Kind, Version: c.list}
		} else if !r.Scored {
			r.Visit, r.Day, r.State = c.ID, c.Day, c.State
		}
	}
	for id, r := range byDesk {
		if _, ok := known[id]; ok && r.done {
			o.Checked++
		}
		o.Rows = append(o.Rows, *r)
	}
	for _, d := range desks {
		r := byDesk[d.ID] // one where a check is under way stands among the rows
		if r == nil || !r.done && r.State != visit.Inspecting && r.State != visit.Drafting {
			o.Unchecked = append(o.Unchecked, d)
		}
	}
	if err := nameOthers(tx, o.Rows); err != nil {
		return err
	}
	rank(o.Rows)
	o.Mean, o.Scored = mean(o.Rows)
	months(o, rows)
	o.lines(rows)
	return nil
}

// rank orders the rows by score, best first, the unrated after them by name, and
// gives each its rank within its cohort: same kind of unit, same version of the
// checklist (domain §5.2 rule 6).
func rank(rows []Row) {
	for i, r := range rows {
		rows[i].search = inspection.Fold(r.Name)
	}
	slices.SortFunc(rows, func(a, b Row) int {
		switch {
		case a.Rated != b.Rated:
			if a.Rated {
				return -1
			}
			return 1
		case a.Rated && a.Total != b.Total:
			return cmp.Compare(b.Total, a.Total)
		}
		return strings.Compare(a.search, b.search)
	})
	standings := make([]score.Standing, 0, len(rows))
	for _, r := range rows {
		standings = append(standings, score.Standing{ID: r.Visit, Cohort: r.cohort, Total: score.Points(r.Total), Rated: r.Rated})
	}
	ranks := map[string]int{}
	for _, r := range score.Rank(standings) {
		ranks[r.ID] = r.Rank
	}
	for i := range rows {
		rows[i].Rank = ranks[rows[i].Visit]
	}
}

func mean(rows []Row) (int64, int) {
	sum, n := int64(0), 0
	for _, r := range rows {
		if r.Rated {
			sum, n = sum+r.Total, n+1
		}
	}
	if n == 0 {
		return -1, 0
	}
	return divide(sum, int64(n)), n
}

// divide rounds half up.
func divide(sum, n int64) int64 { return (2*sum + n) / (2 * n) }

// meanOf is the mean of the newest score of each desk.
func meanOf(all []total, earlier map[string]string) int64 {
	newest := map[string]Row{}
	for _, t := range all {
		newest[cmp.Or(earlier[t.place], t.place)] = Row{Rated: true, Total: t.total}
	}
	m, _ := mean(slices.Collect(maps.Values(newest)))
	return m
}

func months(o *Overview, rows []check) {
	sums := map[string]*Month{}
	total := map[string]int64{}
	for _, c := range rows {
		if c.sheet == nil || !c.rated {
			continue
		}
		m := string(c.Day[:7])
		if sums[m] == nil {
			sums[m] = &Month{Month: m}
		}
		sums[m].N++
		total[m] += c.total
	}
	for m, month := range sums {
		month.Mean = divide(total[m], int64(month.N))
		o.Months = append(o.Months, *month)
	}
	slices.SortFunc(o.Months, func(a, b Month) int { return strings.Compare(a.Month, b.Month) })
}

// lines tells from the frozen scores of the period how often each item fell short, by
// adding numerators and denominators (domain §5.2 rule 7).
func (o *Overview) lines(rows []check) {
	var seen []*itemOf // of each version of the checklist
	asked, failed := map[*itemOf]int{}, map[*itemOf]int{}
	lost := map[string]map[int64]int64{} // by item: numerators by denominator
	for _, c := range rows {
		if c.sheet == nil {
			continue
		}
		for _, it := range c.asked {
			if asked[it]++; asked[it] == 1 {
				seen = append(seen, it)
			}
		}
		for _, short := range c.short {
			failed[short.item]++
			if lost[short.item.key] == nil {
				lost[short.item.key] = map[int64]int64{}
			}
			lost[short.item.key][short.of] += short.lost
		}
	}
	items := map[string]*Item{}
	for _, it := range seen {
		if o.SectionNames[it.section] == "" {
			o.Sections = append(o.Sections, it.section)
			o.SectionNames[it.section], o.SectionNamesEN[it.section] = it.sectionVI, it.sectionEN
		}
		if items[it.key] == nil {
			items[it.key] = &Item{Key: it.key, Code: it.code, Text: it.textVI, TextEN: it.textEN}
		}
		items[it.key].Asked += asked[it]
		items[it.key].Failed += failed[it]
	}
	slices.Sort(o.Sections)
	for key, it := range items {
		if it.Failed > 0 {
			sum := new(big.Rat)
			for of, n := range lost[key] {
				sum.Add(sum, big.NewRat(n, of))
			}
			it.Lost = int64(score.Round(sum))
			o.Worst = append(o.Worst, *it)
		}
	}
	slices.SortFunc(o.Worst, func(a, b Item) int {
		return cmp.Or(cmp.Compare(b.Failed*a.Asked, a.Failed*b.Asked), cmp.Compare(b.Lost, a.Lost), cmp.Compare(a.Code, b.Code))
	})
	if len(o.Worst) > 8 {
		o.Worst = o.Worst[:8]
	}
}

// findings counts what waits, of all and of each desk.
func (o *Overview) findings(all finding.Waits) {
	at := map[string]int{} // by desk; a check without a desk by itself
	for i, r := range o.Rows {
		at[cmp.Or(r.ID, r.Visit)] = i
	}
	long := map[string]bool{}
	for _, p := range all.Places {
		o.Open, o.Overdue = o.Open+p.Open, o.Overdue+p.Overdue
		desk, place := p.Visit, p.Organisation
		if p.Desk != nil {
			desk, place = *p.Desk, *p.Desk
		}
		if i, shown := at[desk]; shown {
			o.Rows[i].Open, o.Rows[i].Overdue = o.Rows[i].Open+p.Open, o.Rows[i].Overdue+p.Overdue
		}
		if p.OverdueDays > 10 {
			long[place] = true
		}
	}
	o.DueSoon, o.LongOverdue = int64(len(all.Soon)), len(long)
}
