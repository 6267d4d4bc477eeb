package selfcheck

import (
	"context"
	"math/big"
	"slices"

	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/inspection/score"
	"congvu/inspection/visit"

	"gorm.io/gorm"
)

// Summary is what the chair's overview says of self-inspections: of the units of the area
// on the last day of the period (today at the latest) how many handed one in within the
// period, and the mean gap over N of them whose next check lies in the period. Mean is in
// hundredths of a point. All is zero where self-inspection is not in use.
type Summary struct {
	Units, Done int
	Mean        score.Points
	N           int
}

// Summary computes it. Who may ask units for a self-inspection may. Code: not_found.
func (s *Service) Summary(ctx context.Context, actor inspection.Actor, from, to inspection.Date) (Summary, error) {
	var out Summary
	var issuers []string
	for _, c := range actor.Capacities {
		if _, ok := org.Can(actor, org.AskSelfCheck, org.Subject{Issuer: c.Organisation}); ok {
			issuers = append(append(issuers, c.Organisation), c.Former...)
		}
	}
	if len(issuers) == 0 {
		return out, notFound()
	}
	tx := s.db.WithContext(ctx)
	var used int64
	err := tx.Raw(`SELECT (CASE WHEN EXISTS (SELECT 1 FROM self_rounds WHERE issuer_id IN ? AND cancelled_at = 0)
		OR EXISTS (SELECT 1 FROM self_checks WHERE issuer_id IN ? AND state = 'HANDED_IN') THEN 1 ELSE 0 END)`, issuers, issuers).Scan(&used).Error
	if err != nil || used == 0 {
		return out, err
	}
	on := min(to, s.clock.Now().Date())
	units, err := unitsOf(tx, issuers, on)
	if err != nil {
		return out, err
	}
	out.Units = len(units)
	if out.Done, err = doneIn(tx, issuers, units, from, to, on); err != nil {
		return out, err
	}
	err = s.gaps(tx, actor, issuers, from, to, &out)
	return out, err
}

// doneIn counts the units of today that have handed something in within a period, under
// whatever name.
func doneIn(tx *gorm.DB, issuers []string, units []org.Organisation, from, to, on inspection.Date) (int, error) {
	var by []string
	err := tx.Model(&Check{}).Where("issuer_id IN ? AND state = ? AND handed_in_at >= ? AND handed_in_at < ?", issuers, HandedIn,
		inspection.At(from.Time()), inspection.At(to.AddDays(1).Time())).Distinct().Pluck("organisation_id", &by).Error
	if err != nil {
		return 0, err
	}
	area, done := map[string]bool{}, map[string]bool{}
	for _, u := range units {
		area[u.ID] = true
	}
	for _, id := range by {
		line := []string{id}
		if !area[id] {
			if line, err = org.WholeSuccessors(tx, id, on); err != nil {
				return 0, err
			}
		}
		if i := slices.IndexFunc(line, func(o string) bool { return area[o] }); i >= 0 {
			done[line[i]] = true
		}
	}
	return len(done), nil
}

// pair is a self-inspection with the check that it is compared with.
type pair struct {
	check Check
	found visit.Visit
}

// gaps adds the mean gap.
func (s *Service) gaps(tx *gorm.DB, actor inspection.Actor, issuers []string, from, to inspection.Date, out *Summary) error {
	pairs, err := s.pairs(tx, issuers, from, to)
	if err != nil {
		return err
	}
	total := new(big.Rat)
	for _, p := range pairs {
		if _, ok := org.Can(actor, org.ReadSelfCheck, p.check.Subject()); !ok || blind(actor, p.check, &p.found) {
			continue
		}
		if _, ok := org.Can(actor, org.ReadVisit, p.found.Subject()); !ok {
			continue
		}
		diff, ok, err := s.diff(tx, p)
		if err != nil {
			return err
		}
		if ok {
			total.Add(total, big.NewRat(int64(diff), 100))
			out.N++
		}
	}
	if out.N > 0 {
		out.Mean = score.Round(total.Quo(total, big.NewRat(int64(out.N), 1)))
	}
	return nil
}

// pairs are those whose check lies in a period: of units that there are still at once, of
// others one by one along their lineage (next).
func (s *Service) pairs(tx *gorm.DB, issuers []string, from, to inspection.Date) ([]pair, error) {
	var ids []struct{ CheckID, VisitID string }
	err := tx.Table("self_checks").Select("self_checks.id AS check_id, visits.id AS visit_id").
		Joins("JOIN organisations o ON o.id = self_checks.organisation_id AND o.valid_to = ''").
		Joins("JOIN visits ON visits.organisation_id = self_checks.organisation_id AND visits.checked_in_at > self_checks.handed_in_at").
		Joins("JOIN checklists own ON own.id = self_checks.checklist_id").Joins("JOIN checklists theirs ON theirs.id = visits.checklist_id AND theirs.key = own.key").
		Where("self_checks.issuer_id IN ? AND self_checks.state = ? AND visits.state = ?", issuers, HandedIn, visit.Concluded).
		Where("visits.form NOT IN ? AND NOT visits.could_not AND visits.day >= ? AND visits.day <= ?", notFull, from, to).
		Where(`NOT EXISTS (SELECT 1 FROM visits v JOIN checklists k ON k.id = v.checklist_id AND k.key = own.key
			WHERE v.organisation_id = self_checks.organisation_id AND v.form NOT IN ? AND NOT v.could_not AND v.checked_in_at > self_checks.handed_in_at
			AND (v.checked_in_at < visits.checked_in_at OR v.checked_in_at = visits.checked_in_at AND v.id < visits.id))`, notFull).
		Where(`NOT EXISTS (SELECT 1 FROM self_checks later WHERE later.organisation_id = self_checks.organisation_id AND later.state = 'HANDED_IN'
			AND later.handed_in_at > self_checks.handed_in_at AND later.handed_in_at <= visits.checked_in_at)`).
		Order("self_checks.id").Scan(&ids).Error
	if err != nil {
		return nil, err
	}
	checks, visits := map[string]Check{}, map[string]visit.Visit{}
	for part := range slices.Chunk(ids, 500) {
		var own, theirs []string
		for _, i := range part {
			own, theirs = append(own, i.CheckID), append(theirs, i.VisitID)
		}
		var cs []Check
		if err := tx.Where("id IN ?", own).Find(&cs).Error; err != nil {
			return nil, err
		}
		for _, c := range cs {
			checks[c.ID] = c
		}
		var vs []visit.Visit
		if err := tx.Where("id IN ?", theirs).Find(&vs).Error; err != nil {
			return nil, err
		}
		for _, v := range vs {
			visits[v.ID] = v
		}
	}
	var out []pair
	for _, i := range ids {
		out = append(out, pair{checks[i.CheckID], visits[i.VisitID]})
	}
	var ended []Check
	err = tx.Select("self_checks.*").Joins("JOIN organisations o ON o.id = self_checks.organisation_id AND o.valid_to <> ''").
		Where("self_checks.issuer_id IN ? AND self_checks.state = ? AND self_checks.handed_in_at < ?", issuers, HandedIn, inspection.At(to.AddDays(1).Time())).
		Order("self_checks.id").Find(&ended).Error
	if err != nil {
		return nil, err
	}
	for _, c := range ended {
		found, err := s.next(tx, c)
		if err != nil {
			return nil, err
		}
		if found != nil && found.Day.Within(from, to) {
			out = append(out, pair{c, *found})
		}
	}
	return out, nil
}

// diff is the difference over the whole of a pair; false where nothing can be compared.
// It is computed once a process: what was handed in and what was frozen never change.
func (s *Service) diff(tx *gorm.DB, p pair) (score.Points, bool, error) {
	var frozen string
	if err := tx.Raw("SELECT id FROM scores WHERE visit_id = ? ORDER BY revision DESC LIMIT 1", p.found.ID).Scan(&frozen).Error; err != nil || frozen == "" {
		return 0, false, err
	}
	key := p.check.ID + " " + frozen
	g, known := s.compared.Load(key)
	if !known {
		paper, err := load(tx, p.check)
		if err != nil {
			return 0, false, err
		}
		made, err := gapOf(tx, paper, p.found.ID)
		if err != nil {
			return 0, false, err
		}
		s.compared.Store(key, made)
		g = made
	}
	if gap := g.(*Gap); gap != nil {
		return gap.Whole.Diff, true, nil
	}
	return 0, false, nil
}
