package notify

import (
	"slices"
	"strings"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/i18n"
	"congvu/inspection/org"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

var (
	theUnit = []string{"contact", "head"}
	theLead = []string{"deputy", "lead"}
)

func with(lists ...[]string) []string {
	out := slices.Concat(lists...)
	slices.Sort(out)
	return out
}

// expected is whom each action tells, apart from clocks: written by hand, not read from
// the table.
func expected() map[string][]string {
	unit, both, none := theUnit, with(theUnit, theLead), []string{}
	return map[string][]string{
		"finding.explain": with(theLead, []string{"decider"}), "finding.ask_extension": theLead, "finding.submit": theLead, "finding.plan": theLead, "finding.progress": theLead,
		"recommendation.make": unit, "recommendation.withdraw": unit, "recommendation.record": with(theLead, []string{"decider"}),
		"finding.rule": unit, "finding.merge": unit, "finding.withdraw": unit, "finding.confirm": unit, "finding.assign": unit, "finding.verify_on_site": unit,
		"finding.grant_extension": unit, "finding.refuse_extension": unit, "finding.return": unit, "finding.accept": unit, "finding.verify_on_documents": unit,
		"finding.verdict_verified": both, "finding.verdict_partial": both, "finding.verdict_not_remedied": both, "finding.verdict_recurred": both,
		"finding.reopen": both, "finding.close_without_remedy": both, "finding.hold": both, "finding.release": both,
		"finding.record": none, "finding.acknowledge": none, "finding.need_reinspection": none, "finding.draw": none, "finding.postpone": none, "finding.unheard_of": none,
		"visit.state MINUTES_SIGNED": unit, "visit.state MINUTES_UNSIGNED": unit, "visit.state CANNOT_INSPECT": unit, "visit.state REPORTED": {"decider"},
		"visit.state CONCLUDED":   with(theUnit, theLead, []string{"secretary"}),
		"visit.state IN_PROGRESS": none, "visit.state MINUTES_DRAFT": none, "visit.operation": none, "visit.score": none, "visit.check_in": none, "visit.postpone": none,
	}
}

func TestEachActionTellsWhomItConcernsAndNobodyElse(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db, Config{})
		for line := range table {
			if _, ok := expected()[line]; !ok {
				t.Errorf("the test does not say whom %s tells", line)
			}
		}
		for line, want := range expected() {
			action, to, _ := strings.Cut(line, " ")
			kind, id := ofFinding, w.finding
			switch {
			case strings.HasPrefix(action, "visit."):
				kind, id = ofVisit, w.visit
			case strings.HasPrefix(action, "recommendation."):
				kind, id = ofRecommendation, w.recommended
			}
			event := w.happens("admin", action, kind, id, map[string]any{"to": to, "due": "2026-03-20"})
			w.all()
			if got := w.told(event); !slices.Equal(got, want) {
				t.Errorf("%s tells %v, want %v", line, got, want)
			}
		}
	})
}

// ofFindings are all events of the machine: none is forgotten.
func TestEveryEventOfTheMachineIsThoughtOf(t *testing.T) {
	for _, s := range finding.States {
		for _, e := range finding.Possible(s, true) {
			if _, ok := expected()["finding."+string(e)]; !ok {
				t.Errorf("nothing says whom finding.%s tells", e)
			}
		}
		for _, e := range finding.Possible(s, false) {
			if _, ok := expected()["finding."+string(e)]; !ok {
				t.Errorf("nothing says whom finding.%s tells", e)
			}
		}
	}
}

// marks are those that an office has that sets nothing itself.
var marks = []org.Mark{{Level: org.Remind, Days: -3}, {Level: org.Remind, Days: -1}, {Level: org.Remind}, {Level: org.TellHeads, Days: 1}, {Level: org.TellChair, Days: 5}, {Level: org.TellInSummary, Days: 10}}

func TestClocksRemindWhoseTheyAreAndEscalateByTheMark(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db, Config{})
		owners := map[string][]string{"explain": theUnit, "interim": theUnit, "remedy": theUnit, "premises_plan": theUnit, "record": theUnit,
			"review": theLead, "report": theLead, "reinspection": theLead, "conclusion": {"decider"}, "unheard_of": nil}
		chairs := []string{"chair", "decider"} // who decides is a vice chair
		for clock, owner := range owners {
			for _, kind := range []string{ofFinding, ofVisit, ofRecommendation} {
				id := map[string]string{ofFinding: w.finding, ofVisit: w.visit, ofRecommendation: w.recommended}[kind]
				for _, m := range marks {
					mark := m.String()
					for _, act := range []string{".remind", ".escalate"} {
						var want []string
						switch {
						case owner == nil:
						case act == ".remind":
							want = owner
						case m.Level == org.TellHeads:
							want = with(owner, theLead)
						case m.Level == org.TellChair:
							want = with(owner, theLead, chairs)
						}
						want = slices.Compact(slices.Sorted(slices.Values(want)))
						event := w.happens("", kind+act, kind, id, map[string]any{"clock": clock, "mark": mark, "level": m.Level, "due": "2026-03-10"})
						w.all()
						if got := w.told(event); !slices.Equal(got, want) {
							t.Errorf("%s%s %s %s tells %v, want %v", kind, act, clock, mark, got, want)
						}
						if n := w.count("notify_messages", "event_id = ? AND NOT obligation", event); n > 0 {
							t.Errorf("%s%s %s %s can be switched off", kind, act, clock, mark)
						}
					}
				}
			}
		}
	})
}

// Who acts for a head is told as the head is, while they do.
func TestADelegateIsTold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db, Config{})
		clerk := w.person("clerk", inspection.RecordsClerk, w.unit.ID, "")
		_, err := org.New(db, w.clock).Delegate(ctx, w.actor("head"), org.Delegation{ID: inspection.NewID(), OrganisationID: w.unit.ID, ToID: clerk, ValidFrom: "2026-03-04", ValidTo: "2026-03-05"})
		w.must(err)
		event := w.assigns()
		w.all()
		if got := w.told(event); !slices.Equal(got, []string{"clerk", "contact", "head"}) {
			t.Errorf("%v are told", got)
		}
		if lines, _, err := w.List(ctx, w.actor("clerk"), inspection.Page{}); err != nil || len(lines) != 1 {
			t.Errorf("%v %v", lines, err)
		}
		w.clock.Advance(3 * 24 * time.Hour)
		event = w.assigns()
		w.all()
		if got := w.told(event); !slices.Equal(got, theUnit) {
			t.Errorf("afterwards %v are told", got)
		}
		if n, err := w.Unread(ctx, w.actor("clerk")); err != nil || n != 0 {
			t.Errorf("the clerk still sees %d: %v", n, err)
		}
	})
}

// A long extension is the chairs' to decide, and so theirs to know of.
func TestALongExtensionIsAskedOfTheChairs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db, Config{})
		for days, want := range map[int64][]string{30: theLead, 31: {"chair", "decider"}} {
			step := inspection.NewID()
			w.must(db.Create(&finding.Extension{ID: step, FindingID: w.finding, State: finding.ExtensionAsked, Days: days, AskedAt: 1, AskedBy: w.ids["head"]}).Error)
			event := w.happens("head", "finding.ask_extension", ofFinding, w.finding, map[string]any{"step": step})
			w.all()
			if got := w.told(event); !slices.Equal(got, want) {
				t.Errorf("%d days tell %v, want %v", days, got, want)
			}
		}
	})
}

// Who did something need not be told of it, and of a unit that went into another as a
// whole the people of that one are told.
func TestWhoAnswersTodayIsTold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db, Config{})
		event := w.happens("lead", "finding.hold", ofFinding, w.finding, nil)
		w.all()
		if got := w.told(event); !slices.Equal(got, with(theUnit, []string{"deputy"})) {
			t.Errorf("the lead's own act tells %v", got)
		}
		act := org.Act{At: w.clock.Now()}
		_, err := org.CreateLineage(db, act, org.Lineage{PredecessorID: w.unit.ID, SuccessorID: &w.other.ID, Relation: "MERGED_INTO", Portion: org.Whole, LegalAct: "NQ 1", EffectiveDate: "2026-03-03"})
		w.must(err)
		w.exec("UPDATE organisations SET valid_to = '2026-03-02' WHERE id = ?", w.unit.ID)
		event = w.assigns()
		w.all()
		if got := w.told(event); !slices.Equal(got, []string{"other head"}) {
			t.Errorf("after the merger %v are told", got)
		}
	})
}

// everything is every action that could be thought of, for what must not be told.
func (w *world) everything(kind, id string) (events []string) {
	w.t.Helper()
	for line := range expected() {
		action, to, _ := strings.Cut(line, " ")
		events = append(events, w.happens("", action, kind, id, map[string]any{"to": to}))
	}
	for clock := range clocks {
		for _, m := range marks {
			for _, action := range []string{"finding.remind", "finding.escalate", "visit.remind", "visit.escalate"} {
				events = append(events, w.happens("", action, kind, id, map[string]any{"clock": clock, "mark": m.String(), "level": m.Level}))
			}
		}
	}
	return events
}

// TestAUnitIsToldNothingOfWhatItMayNotKnowOf is the first promise: of a check before its
// minutes, of what is planned and sealed, of when it is re-inspected, nothing is made for
// the unit's people, and nothing goes to any webhook.
func TestAUnitIsToldNothingOfWhatItMayNotKnowOf(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db, Config{Here: true, Mail: mailFor("127.0.0.1:1")})
		for _, name := range []string{"head", "contact", "lead"} {
			w.writes(name, i18n.VI)
		}
		_, err := w.AddWebhook(ctx, w.actor("admin"), inspection.NewID(), "http://127.0.0.1:1/")
		w.must(err)
		silent := func(what string) {
			t.Helper()
			w.all()
			for _, name := range theUnit {
				if n := w.count("notify_messages", "person_id = ?", w.ids[name]); n > 0 {
					t.Errorf("%s: %d messages for the %s of the unit", what, n, name)
				}
			}
			if n := w.count("notify_deliveries", "1 = 1"); n > 0 {
				t.Errorf("%s: %d deliveries", what, n)
			}
			if n := w.count("notify_mails", "message_id IN (SELECT id FROM notify_messages WHERE person_id IN ?)", []string{w.ids["head"], w.ids["contact"]}); n > 0 {
				t.Errorf("%s: %d mails", what, n)
			}
		}
		for _, state := range []string{"IN_PROGRESS", "MINUTES_DRAFT"} { // the running re-inspection
			w.exec("UPDATE visits SET state = ? WHERE id = ?", state, w.again)
			w.everything(ofVisit, w.again)
			silent("a re-inspection in " + state)
		}
		target := inspection.NewID() // and one that is sealed: its target has no check yet
		w.exec("INSERT INTO targets (id, campaign_id, team_id, lead_id, form, organisation_id, planned_on, state, created_at) VALUES (?, ?, ?, ?, 'REINSPECTION', ?, '2026-03-12', 'SEALED', 1)",
			target, w.campaign, w.team, w.ids["lead"], w.unit.ID)
		for _, kind := range []string{"target", ofVisit, ofFinding} {
			w.everything(kind, target)
			for _, action := range []string{"plan.seal", "plan.open", "plan.move", "plan.take", "visit.remind"} {
				w.happens("lead", action, kind, target, map[string]any{"clock": "reinspection", "mark": "T-1"})
			}
		}
		silent("a sealed target")
		w.exec("UPDATE findings SET state = 'REINSPECT_DUE' WHERE id = ?", w.finding)
		for _, action := range []string{"finding.remind", "finding.escalate"} {
			for clock, owner := range clocks {
				for _, m := range marks {
					if owner != Unit {
						w.happens("", action, ofFinding, w.finding, map[string]any{"clock": clock, "mark": m.String(), "level": m.Level})
					}
				}
			}
		}
		silent("when the re-inspection is due")
		if w.count("notify_messages", "person_id = ?", w.ids["lead"]) == 0 {
			t.Error("the lead was not told either: the test sees nothing")
		}
		w.exec("UPDATE visits SET state = 'MINUTES_SIGNED' WHERE id = ?", w.again)
		event := w.happens("lead", "visit.state", ofVisit, w.again, map[string]any{"to": "MINUTES_SIGNED"})
		w.all()
		if got := w.told(event); !slices.Equal(got, theUnit) {
			t.Errorf("the minutes tell %v", got)
		}
		if n := w.count("notify_deliveries", "event_id = ?", event); n != 1 {
			t.Errorf("the minutes make %d deliveries", n)
		}
		if n := w.count("notify_messages", "event_id = ? AND key <> 'minutes_again'", event); n > 0 {
			t.Errorf("a re-inspection's minutes speak of an explanation")
		}
	})
}

// TestWhoMayReadNoMoreSeesNothing: between the message and the look at it a role ends.
func TestWhoMayReadNoMoreSeesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db, Config{Mail: mailFor("127.0.0.1:1")})
		w.writes("head", i18n.VI)
		w.assigns()
		w.happens("lead", "visit.state", ofVisit, w.visit, map[string]any{"to": "MINUTES_SIGNED"})
		w.all()
		look := func() (int64, int) {
			n, err := w.Unread(ctx, w.actor("head"))
			w.must(err)
			lines, _, err := w.List(ctx, w.actor("head"), inspection.Page{})
			w.must(err)
			return n, len(lines)
		}
		if n, m := look(); n != 2 || m != 2 {
			t.Fatalf("%d unread, %d listed, want 2", n, m)
		}
		w.exec("UPDATE person_roles SET valid_to = '2026-03-03' WHERE person_id = ?", w.ids["head"])
		if n, m := look(); n != 0 || m != 0 {
			t.Errorf("%d unread, %d listed after the role has ended", n, m)
		}
		for range 2 {
			did, err := w.SendMail(ctx)
			w.must(err)
			if !did {
				t.Fatal("nothing was due")
			}
		}
		if n := w.count("notify_mails", "state = 'DROPPED'"); n != 2 {
			t.Errorf("%d mails dropped", n)
		}
	})
}

func TestTheWordsHoldNothingOfWhatWasFound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db, Config{})
		for line := range expected() {
			action, to, _ := strings.Cut(line, " ")
			kind, id := ofFinding, w.finding
			switch {
			case strings.HasPrefix(action, "visit."):
				kind, id = ofVisit, w.visit
			case strings.HasPrefix(action, "recommendation."):
				kind, id = ofRecommendation, w.recommended
			}
			w.happens("admin", action, kind, id, map[string]any{"to": to, "due": "2026-03-20"})
		}
		for clock := range clocks {
			for _, mark := range []string{"T-3", "T0"} {
				w.happens("", "finding.remind", ofFinding, w.finding, map[string]any{"clock": clock, "mark": mark, "due": "2026-03-20"})
			}
			w.happens("", "finding.escalate", ofFinding, w.finding, map[string]any{"clock": clock, "mark": "T+5", "level": org.TellChair, "due": "2026-03-20"})
		}
		w.all()
		seen := 0
		for _, name := range []string{"head", "lead", "decider", "secretary", "chair"} {
			lines, _, err := w.List(ctx, w.actor(name), inspection.Page{Limit: 500})
			w.must(err)
			for _, l := range lines {
				seen++
				for _, lang := range i18n.Langs {
					text, subject := l.Text(lang), l.Subject(lang)
					if strings.ContainsAny(text+subject, "{}") || strings.HasPrefix(text, "notify.") || strings.HasPrefix(subject, "notify.") {
						t.Errorf("%s %s: %q %q", lang, l.Key, text, subject)
					}
					if !strings.Contains(text, w.unit.Name) {
						t.Errorf("%s %s does not say where: %q", lang, l.Key, text)
					}
					if strings.Contains(subject, w.unit.Name) || strings.Contains(subject, "A04") || strings.Contains(text, "quầy số 3") {
						t.Errorf("%s %s says what was found: %q %q", lang, l.Key, subject, text)
					}
				}
			}
		}
		if seen < 40 {
			t.Errorf("only %d messages", seen)
		}
	})
}

func TestMessagesAreListedUnreadFirstAndMarked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db, Config{})
		var events []string
		for range 12 {
			events = append(events, w.assigns())
		}
		w.all()
		head := w.actor("head")
		read := func() (got []string) {
			page := inspection.Page{Limit: 5}
			for {
				lines, next, err := w.List(ctx, head, page)
				w.must(err)
				for _, l := range lines {
					mark := " new"
					if !l.ReadAt.IsZero() {
						mark = ""
					}
					got = append(got, l.EventID+mark)
				}
				if next == "" {
					return got
				}
				page.Cursor = next
			}
		}
		var want []string
		for _, e := range slices.Backward(events) {
			want = append(want, e+" new")
		}
		if got := read(); !slices.Equal(got, want) {
			t.Fatalf("got %v\nwant %v", got, want)
		}
		w.must(w.MarkRead(ctx, w.actor("contact"), derived(events[11], head.Person))) // another's
		w.must(w.MarkRead(ctx, head, derived(events[11], head.Person)))
		want = append(want[1:], events[11])
		if got := read(); !slices.Equal(got, want) {
			t.Errorf("got %v\nwant %v", got, want)
		}
		seen := w.clock.Now()
		w.clock.Advance(1000 * 1000 * 1000)
		late := w.assigns()
		w.all()
		w.must(w.MarkAllRead(ctx, head, seen))
		if got := read(); got[0] != late+" new" || strings.HasSuffix(got[1], " new") || len(got) != 13 {
			t.Errorf("what came after the page was drawn is marked: %v", got)
		}
		if _, _, err := w.List(ctx, head, inspection.Page{Cursor: "u.x"}); inspection.CodeOf(err) != inspection.Invalid {
			t.Errorf("a made-up cursor: %v", err)
		}
	})
}

func TestAContactIsAPlainAddressAndHistoryKeepsItsHash(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db, Config{})
		head, admin := w.actor("head"), w.actor("admin")
		for _, bad := range []string{"x", "x@", "a b@c.vn", "A <a@b.vn>", "a@b.vn\r\nBcc: c@d.vn", "a@b.vn, c@d.vn", `"a\"b"@c.vn`, strings.Repeat("a", 250) + "@b.vn", "ă@b.vn"} {
			if err := w.SetContact(ctx, head, head.Person, ContactInput{Email: bad, Language: i18n.VI}); inspection.CodeOf(err) != inspection.Invalid {
				t.Errorf("%q: %v", bad, err)
			}
		}
		if err := w.SetContact(ctx, head, admin.Person, ContactInput{Email: "a@b.vn", Language: i18n.VI}); inspection.CodeOf(err) != inspection.Forbidden {
			t.Errorf("somebody else's: %v", err)
		}
		w.must(w.SetContact(ctx, head, head.Person, ContactInput{Email: "a.b+c@mau.gov.vn", Language: i18n.EN, Wants: true}))
		if err := w.SetContact(ctx, admin, head.Person, ContactInput{Email: "b@mau.gov.vn", Language: i18n.VI}); inspection.CodeOf(err) != inspection.Conflict {
			t.Errorf("an old version: %v", err)
		}
		w.must(w.SetContact(ctx, admin, head.Person, ContactInput{Email: "b@mau.gov.vn", Language: i18n.VI, Version: 1}))
		c, err := w.ContactOf(ctx, head, head.Person)
		w.must(err)
		if c.Email != "b@mau.gov.vn" || c.Version != 2 || c.Wants {
			t.Errorf("%+v", c)
		}
		var bodies []string
		w.must(db.Raw("SELECT body FROM history WHERE action = 'notify.contact'").Scan(&bodies).Error)
		if len(bodies) != 2 || strings.Contains(strings.Join(bodies, ""), "gov.vn") {
			t.Errorf("history: %v", bodies)
		}
	})
}
