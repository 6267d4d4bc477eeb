package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/inspection/plan"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// outsiders are all who must not know of the target: the unit's people, the chair, the
// administrator, the other team, and the members of the team whom the lead has not told.
var outsiders = []string{"thutruong", "daumoi", "thutruong2", "chutich", "chutich.hanoi", "noivu", "quantri", "truongdoan2", "thanhvien3", "thanhvien2", "thanhvien", ""}

// everywhere is every address that can be read, with searches for what the target is.
// What is the same for all is asked for by few.
func everywhere(who string, ids map[string]string, target string) []string {
	switch who {
	case "":
		return []string{"/", "/login", "/styleguide", "/healthz", "/readyz", "/tablet/", "/api/v1/openapi.json", "/visits/" + target, "/api/v1/visits/" + target, "/files/" + target + "/original"}
	case "quantri", "thutruong":
		return append(everywhere("all", ids, target), "/units", "/units?q=mau+08", "/units?as_of=2026-03-05", "/admin", "/admin/units?q=mau+08",
			"/admin/organisations?q=mau+08", "/admin/people", "/admin/people?role=team_lead", "/admin/calendars", "/admin/checklists")
	}
	paths := []string{"/campaigns", "/campaigns?q=mau+08", "/campaigns/" + ids["campaign"], "/campaigns/" + ids["campaign"] + "/places?q=mau+08", "/teams/" + ids["team"], "/teams/" + ids["team"] + "?q=truong",
		"/targets", "/targets?state=SEALED", "/targets/" + target, "/targets/new?team=" + ids["team"], "/", "/account", "/messages", "/overview", "/overview?from=2026-01-01&to=2026-03-31",
		"/visits", "/visits?q=m%E1%BA%ABu+08", "/visits?from=2026-03-04&to=2026-03-05", "/visits?state=IN_PROGRESS", "/visits?form=SURPRISE", "/visits?form=REINSPECTION",
		"/findings", "/findings?q=mau+08", "/findings?state=open", "/findings?state=REINSPECT_DUE", "/findings?overdue=1", "/findings?visit=" + target,
		"/api/v1/today", "/api/v1/session", "/api/v1/findings", "/api/v1/findings?q=08",
		"/visits/" + target, "/visits/" + target + "/minutes", "/visits/" + target + "/photos", "/findings/" + target, "/reinspections/new?visit=" + target,
		"/files/" + target + "/original", "/api/v1/visits/" + target, "/api/v1/visits/" + target + "/operations", "/api/v1/targets/" + target + "/handover", "/api/v1/files/" + target, "/api/v1/findings/" + target}
	for _, stage := range []string{"running", "signed", "concluded"} {
		paths = append(paths, "/visits/"+ids[stage], "/visits/"+ids[stage]+"/minutes", "/api/v1/visits/"+ids[stage], "/reinspections/new?visit="+ids[stage])
	}
	for _, state := range []string{"assigned", "due"} {
		paths = append(paths, "/findings/"+ids[state], "/api/v1/findings/"+ids[state])
	}
	return paths
}

// TestNobodyLearnsOfASealedTarget compares what every outsider can read before and
// after two targets are sealed, a surprise check and a re-inspection: byte for byte,
// but for the ids of requests and forms. Neither the log nor history holds more than
// the target's id.
func TestNobodyLearnsOfASealedTarget(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		log := s.listens()
		ids := map[string]string{"running": s.begin(s.seal(7))}
		ids["signed"], _ = s.finished(7)
		ids["concluded"], _ = s.finished(7)
		s.reports(ids["concluded"])
		s.concludes(ids["concluded"])
		for _, f := range s.findings(ids["concluded"]) {
			ids["assigned"] = f.ID
		}
		// A finding that waits for its re-inspection, as if it had been accepted.
		ids["due"] = s.findings(ids["concluded"])[0].ID
		s.must(db.Exec("UPDATE findings SET state = 'REINSPECT_DUE', handed_in_on = '2026-03-04', reinspect_from = '2026-03-01', reinspect_due = '2026-06-01' WHERE id = ?", ids["due"]).Error)
		target, again := inspection.NewID(), inspection.NewID()
		ids["team"] = s.demo.teams[1]
		var team plan.Team
		s.must(db.Where("id = ?", ids["team"]).Take(&team).Error)
		ids["campaign"] = team.CampaignID

		keep := []string{target, again}
		for _, id := range ids {
			keep = append(keep, id)
		}
		look := func() map[string]string {
			s.collects()
			seen := map[string]string{}
			for _, who := range outsiders {
				for _, path := range append(everywhere(who, ids, target), "/visits/"+again, "/findings?visit="+again) {
					if who == "thanhvien2" && strings.HasPrefix(path, "/targets") && !strings.Contains(path, target) {
						continue // is told of the re-inspection
					}
					a := s.get(who, path)
					if who == "thanhvien2" && path == "/api/v1/today" {
						if strings.Contains(a.body, target) {
							t.Errorf("who was told of one target sees the other: %s", a.body)
						}
						continue
					}
					if a.code >= 500 {
						t.Fatalf("%s %s: %d", who, path, a.code)
					}
					seen[who+" "+path] = fmt.Sprint(a.code, a.header.Get("Location"), "\n", masked(a.body, keep...))
				}
				// Guesses, with the right id in hand.
				o := s.call(who, http.MethodPost, "/api/v1/operations", fmt.Sprintf(`{"operations":[{"id":%q,"visit":%q,"device":"d","device_at":"2026-03-04T08:00:00+07:00","seq":1,"type":"check_in","payload":{"target":%q}}]}`,
					inspection.NewID(), inspection.NewID(), target))
				seen[who+" check in"] = masked(o.body, keep...)
			}
			return seen
		}
		for _, who := range append([]string{"truongdoan", "thuky"}, outsiders...) {
			if who != "" {
				s.token(who)
			}
		}
		before := look()
		logged, rows := len(log.String()), s.counts()["history"]

		desk := s.demo.desks["mau/08"]
		unit := s.demo.organs["mau/08"]
		day := s.clock.Now().Date()
		lead := s.actor("truongdoan")
		_, err := s.demo.services.Plan.Seal(t.Context(), lead, plan.NewTarget{ID: target, TeamID: s.demo.teams[1], LeadID: lead.Person, Form: plan.Surprise,
			OrganisationID: unit.ID, DeskID: &desk.ID, PlannedOn: day, PlannedAt: 600, OpenTo: []plan.Opening{{PersonID: s.demo.people["thuky"]}}})
		s.must(err)
		sealed := s.form("truongdoan", "/reinspections", "id", again, "visit", ids["concluded"], "finding", ids["due"], "member", s.demo.people["thanhvien2"],
			"planned_on", string(day.AddDays(1)), "at", "09:00")
		if sealed.code != http.StatusSeeOther {
			t.Fatalf("the re-inspection was not sealed: %d %s", sealed.code, sealed.body)
		}
		if mine := s.get("truongdoan", "/api/v1/today").body; !strings.Contains(mine, target) || !strings.Contains(mine, unit.Name) {
			t.Errorf("the lead does not see the own target: %s", mine)
		}
		if told := s.get("thuky", "/api/v1/today").body; !strings.Contains(told, target) {
			t.Errorf("who was told does not see the target: %s", told)
		}

		// Its lead moves it, holds it and takes it up again, each with a reason.
		for _, path := range []string{"/targets/" + target + " planned_on=" + string(day) + "&at=11:15&form=SURPRISE&lead=" + lead.Person, "/targets/" + target + "/state to=SUSPENDED", "/targets/" + target + "/state to=ACTIVE"} {
			path, body, _ := strings.Cut(path, " ")
			pairs := []string{"reason", "xe hỏng ở Mẫu 08", "version", fmt.Sprint(s.version("targets", target))}
			values, err := url.ParseQuery(body)
			s.must(err)
			for k, v := range values {
				pairs = append(pairs, k, v[0])
			}
			if a := s.form("truongdoan", path, pairs...); a.code != http.StatusSeeOther {
				t.Fatalf("%s: %d %s", path, a.code, a.body)
			}
		}
		after := look()
		for at, was := range before {
			if x, y := difference(was, after[at]); x != y {
				t.Errorf("%s differs once the target is sealed: %q, then %q", at, x, y)
			}
		}

		// Mistakes of those who know leave no more in the log than the others' do.
		s.post("thuky", s.operation(inspection.NewID(), visit.OpCheckIn, visit.CheckIn{Target: target}))
		s.get("truongdoan", "/visits/"+url.PathEscape(unit.Name))
		s.get("truongdoan", "/"+url.PathEscape(desk.Name))
		s.get("truongdoan", "/visits?q="+strings.ReplaceAll(desk.Name, " ", "+"))
		lines := log.String()[logged:]
		for _, secret := range []string{unit.Name, desk.Name, "Mẫu 08", "mau 08", "M%E1%BA%ABu", target, again, unit.ID, desk.ID, "planned"} {
			if strings.Contains(lines, secret) {
				t.Errorf("the log holds %q", secret)
			}
		}
		if !strings.Contains(lines, `"route":"/visits/:id"`) {
			t.Error("the log holds no request at all")
		}
		var events []history.Row
		s.must(db.Order("seq").Offset(int(rows)).Find(&events).Error)
		if len(events) < 4 {
			t.Fatalf("%d rows of history", len(events))
		}
		for _, e := range events {
			for _, secret := range []string{unit.ID, desk.ID, unit.Name, desk.Name, string(day.AddDays(1)) + `"`, s.demo.people["thuky"], s.demo.people["thanhvien2"], ids["due"], "09:00", "11:15", "xe hỏng"} {
				if strings.Contains(e.Body, secret) {
					t.Errorf("%s in history holds %q: %s", e.Action, secret, e.Body)
				}
			}
			if strings.HasPrefix(e.Action, "target.") && e.SubjectID != target && e.SubjectID != again {
				t.Errorf("%s is of %s", e.Action, e.SubjectID)
			}
		}

		// Check-in unseals: now the others of the team see it.
		check := inspection.NewID()
		s.does("truongdoan", s.operation(check, visit.OpCheckIn, visit.CheckIn{Target: target}))
		if !strings.Contains(s.get("thanhvien", "/api/v1/today").body, check) {
			t.Error("the team does not see the check after check-in")
		}

		// A check under way tells its unit nothing; nor does a re-inspection, until its minutes
		// are closed.
		s.account("thutruong8", inspection.UnitHead, "mau/08")
		drawn := regexp.MustCompile(`name="until" value="\d+"`)
		read := func(who string) string {
			s.collects()
			return drawn.ReplaceAllString(masked(s.get(who, "/messages").body, keep...), "")
		}
		unit8, unit7 := read("thutruong8"), read("thutruong")
		s.answers(check)
		s.must(db.Exec("UPDATE targets SET planned_on = ? WHERE id = ?", day, again).Error)
		s.does("thanhvien2", s.operation(inspection.NewID(), visit.OpCheckIn, visit.CheckIn{Target: again}))
		for who, was := range map[string]string{"thutruong8": unit8, "thutruong": unit7} {
			if x, y := difference(was, read(who)); x != y {
				t.Errorf("%s is told of a check under way: %q, then %q", who, x, y)
			}
		}
		s.signs(check)
		if got := read("thutruong8"); got == unit8 || !strings.Contains(got, "Biên bản kiểm tra") {
			t.Errorf("the minutes tell the unit nothing: %s", mainOf(got))
		}
	})
}

// TestADeskWithASealedTargetIsAdministeredLikeAnyOther: what an administrator does to a
// desk that is to be checked answers as for one that is not, and nothing of it warns.
func TestADeskWithASealedTargetIsAdministeredLikeAnyOther(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		s.seal(5)
		today := string(s.clock.Now().Date())
		answers := map[int][]string{}
		for _, n := range []int{5, 3} {
			place, desk := s.demo.organs[fmt.Sprintf("mau/%02d", n)], s.demo.desks[fmt.Sprintf("mau/%02d", n)]
			take := func(path string, form url.Values) {
				r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				a := s.send("quantri", r)
				answers[n] = append(answers[n], fmt.Sprint(a.code), strings.NewReplacer(fmt.Sprintf("Mẫu %02d", n), "NN", fmt.Sprintf("mau/%02d", n), "NN").Replace(masked(a.body)))
			}
			take("/admin/desks/"+desk.ID+"/correct", url.Values{"version": {"1"}, "name": {desk.Name + " sửa"}, "address": {"x"}, "valid_from": {string(desk.ValidFrom)}, "reason": {"x"}})
			take("/admin/desks/"+desk.ID+"/move", url.Values{"id": {inspection.NewID()}, "version": {"2"}, "organisation": {"mau/07"}, "from": {today}, "reason": {"x"}})
			take("/admin/organisations/"+place.ID+"/end", url.Values{"version": {"1"}, "last": {today}, "reason": {"x"}})
			a := s.get("quantri", "/admin/desks/"+desk.ID)
			answers[n] = append(answers[n], fmt.Sprint(a.code), strings.NewReplacer(fmt.Sprintf("Mẫu %02d", n), "NN", fmt.Sprintf("mau/%02d", n), "NN").Replace(masked(a.body)))
		}
		for i := range answers[5] {
			if x, y := difference(answers[5][i], answers[3][i]); x != y {
				t.Errorf("%d: %q, not %q", i, x, y)
			}
		}
		if answers[5][0] != "303" || answers[5][2] != "303" || answers[5][4] != "303" {
			t.Errorf("%s %s %s", answers[5][0], answers[5][2], answers[5][4])
		}
	})
}
