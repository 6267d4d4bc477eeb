package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"congvu/inspection/finding"
	"congvu/inspection/history"
	"congvu/inspection/org"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// told lists the reminders that history has of something, in their order.
func (s *site) told(id string) (marks []string) {
	s.t.Helper()
	var rows []history.Row
	s.must(s.db.Where("subject_id = ? AND (action LIKE '%.remind' OR action LIKE '%.escalate')", id).Order("seq").Find(&rows).Error)
	for _, r := range rows {
		mark := r.Body[strings.Index(r.Body, `"mark":"`)+8:]
		clock := r.Body[strings.Index(r.Body, `"clock":"`)+9:]
		_, kind, _ := strings.Cut(r.Action, ".")
		marks = append(marks, clock[:strings.IndexByte(clock, '"')]+" "+mark[:strings.IndexByte(mark, '"')]+" "+kind+" "+r.At.Date().VN()[:5])
	}
	return marks
}

// assigned is a finding of a check that is given to the unit.
func (s *site) assigned(check, item string, severity finding.Severity) finding.Finding {
	s.t.Helper()
	var like finding.Finding
	s.must(s.db.Where("visit_id = ?", check).Order("id").Take(&like).Error)
	lead, chair := s.actor("truongdoan"), s.actor("chutich")
	f, err := finding.Raise(s.db, org.Act{Actor: lead, Capacity: lead.Capacities[0], At: s.clock.Now()}, finding.Raised{VisitID: check, CampaignID: like.CampaignID, TeamID: like.TeamID, IssuerID: like.IssuerID, DeciderID: &chair.Person,
		OrganisationID: like.OrganisationID, OrganisationName: like.OrganisationName, ItemKey: item, ItemCode: item, Section: item[:1], ItemText: "x", DefaultSeverity: severity, Text: "Chưa niêm yết", CheckEndedAt: s.clock.Now()})
	s.must(err)
	act := org.Act{Actor: chair, Capacity: chair.Capacities[0], At: s.clock.Now()}
	s.must(finding.ConfirmIn(s.db, act, f.ID))
	s.must(finding.AssignIn(s.db, act, f.ID, finding.AssignInput{}))
	f, err = finding.ByID(s.db, f.ID)
	s.must(err)
	return f
}

// TestAYearOfRemindersOnTwoCopies: each clock tells what it has to, once, on its day; a
// copy that comes second gives nothing, and days that were missed are made up for.
func TestAYearOfRemindersOnTwoCopies(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		check, _ := s.finished(1)
		s.must(db.Exec("UPDATE visits SET report_due = '2026-03-18' WHERE id = ?", check).Error)
		major, premises, critical := s.assigned(check, "C03", finding.Major), s.assigned(check, "F01", finding.Moderate), s.assigned(check, "A01", finding.Critical)
		if major.DueOn != "2026-03-18" || premises.DueOn != "2026-03-25" || critical.DueOn != "2026-03-11" || critical.InterimDue != "2026-03-05" {
			t.Fatalf("due %s, %s, %s, interim %s", major.DueOn, premises.DueOn, critical.DueOn, critical.InterimDue)
		}
		p := s.demo.program
		given := 0
		for day := 0; day < 365; day++ {
			s.clock.Set(morning.AddDate(0, 0, day).Add(-3 * time.Hour)) // 05:00: too early
			if n, err := p.remind(t.Context(), "copy 1", s.clock); err != nil || n != 0 {
				t.Fatal(n, err)
			}
			s.clock.Set(morning.AddDate(0, 0, day).Add(-90 * time.Minute))
			if day >= 5 && day < 9 { // nobody was there for four days
				continue
			}
			n, err := p.remind(t.Context(), fmt.Sprintf("copy %d", 1+day%2), s.clock)
			s.must(err)
			given += n
			for _, copy := range []string{"copy 1", "copy 2"} {
				if n, err := p.remind(t.Context(), copy, s.clock); err != nil || n != 0 {
					t.Fatalf("day %d, again: %d %v", day, n, err)
				}
			}
		}
		for what, c := range map[string]struct {
			id   string
			want []string
		}{
			"major":    {major.ID, []string{"remedy T-3 remind 13/03", "remedy T-1 remind 17/03", "remedy T0 remind 18/03", "remedy T+1 escalate 19/03", "remedy T+5 escalate 25/03", "remedy T+10 escalate 01/04"}},
			"premises": {premises.ID, []string{"premises_plan T-3 remind 20/03", "premises_plan T-1 remind 24/03", "premises_plan T0 remind 25/03", "premises_plan T+1 escalate 26/03", "premises_plan T+5 escalate 01/04", "premises_plan T+10 escalate 08/04"}},
			// The days from 9 to 12 March were missed: what they would have told is told on the 13th.
			"critical": {critical.ID, []string{"interim T-1 remind 04/03", "interim T0 remind 05/03", "interim T+1 escalate 06/03", "remedy T-3 remind 06/03", "interim T+5 escalate 13/03", "remedy T+1 escalate 13/03", "remedy T+5 escalate 18/03", "interim T+10 escalate 19/03", "remedy T+10 escalate 25/03"}},
			"check":    {check, []string{"report T-3 remind 13/03", "report T-1 remind 17/03", "report T0 remind 18/03", "report T+1 escalate 19/03", "report T+5 escalate 25/03", "report T+10 escalate 01/04"}},
		} {
			if got := s.told(c.id); !slices.Equal(got, c.want) {
				t.Errorf("%s:\n got %v\nwant %v", what, got, c.want)
			}
		}
		var rows int64
		s.must(db.Table("reminders").Count(&rows).Error)
		if int(rows) != given {
			t.Errorf("%d given, %d kept", given, rows)
		}
		if f, err := finding.ByID(db, major.ID); err != nil || f.EscalatedAt.IsZero() {
			t.Error("it is marked as escalated", err)
		}
	})
}

// TestTheNightIsKilledAnywhere: at each statement of the daily run the copy dies; another
// goes on when the lease is over, and each reminder was given once.
func TestTheNightIsKilledAnywhere(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		check, _ := s.finished(1)
		s.must(db.Exec("UPDATE visits SET state = 'CONCLUDED' WHERE id = ?", check).Error)
		s.must(db.Exec("UPDATE findings SET state = 'WITHDRAWN'").Error)
		p := s.demo.program
		left := -1 // statements until the copy dies
		killed := errors.New("killed")
		die := func(tx *gorm.DB) {
			if left == 0 {
				_ = tx.AddError(killed)
			}
			left--
		}
		for _, c := range []interface {
			Register(string, func(*gorm.DB)) error
		}{db.Callback().Query().Before("gorm:query"), db.Callback().Create().Before("gorm:create"), db.Callback().Update().Before("gorm:update"), db.Callback().Raw().Before("gorm:raw"), db.Callback().Row().Before("gorm:row")} {
			s.must(c.Register("test:die", die))
		}
		points := 0
		for day := 1; ; day++ {
			s.clock.Set(morning.AddDate(0, 0, day))
			today := s.clock.Now().Date()
			var mine []string
			for _, item := range []string{"C03", "B03", "D01"} {
				f := s.assigned(check, item, finding.Minor)
				s.must(db.Exec("UPDATE findings SET due_on = ?, state = 'IN_REMEDIATION' WHERE id = ?", today.AddDays(-1), f.ID).Error)
				mine = append(mine, f.ID)
			}
			if today.Weekday() == time.Saturday || today.Weekday() == time.Sunday || today.Weekday() == time.Monday {
				continue // nothing has gone by
			}
			left = points
			_, err := p.remind(t.Context(), "copy 1", s.clock)
			died := left < 0 && err != nil
			left = -1
			if err != nil && !errors.Is(err, killed) {
				t.Fatal(err)
			}
			if n, err := p.remind(t.Context(), "copy 2", s.clock); err != nil || n != 0 && died && points > 2 {
				t.Fatalf("before the lease is over: %d %v", n, err)
			}
			s.clock.Advance(3 * time.Minute)
			_, err = p.remind(t.Context(), "copy 2", s.clock)
			s.must(err)
			s.clock.Advance(3 * time.Minute)
			if n, err := p.remind(t.Context(), "copy 3", s.clock); err != nil || n != 0 {
				t.Fatalf("it was done: %d %v", n, err)
			}
			for _, id := range mine {
				if got := s.told(id); len(got) != 1 || !strings.HasPrefix(got[0], "remedy T+1 escalate") {
					t.Fatalf("killed at statement %d: %v", points, got)
				}
			}
			s.must(db.Exec("UPDATE findings SET state = 'WITHDRAWN'").Error)
			if !died {
				break
			}
			points++
		}
		if points < 10 {
			t.Errorf("only %d points", points)
		}
		t.Logf("%d points", points)
	})
}
