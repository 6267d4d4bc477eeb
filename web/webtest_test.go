package web

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"image"
	"image/jpeg"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"congvu/evidence"
	"congvu/evidence/blob/memblob"
	"congvu/evidence/camera"
	"congvu/evidence/imaging"
	"congvu/evidence/snapshot"
	"congvu/inspection"
	"congvu/inspection/auth"
	"congvu/inspection/checklist"
	"congvu/inspection/finding"
	"congvu/inspection/inbox"
	"congvu/inspection/notify"
	"congvu/inspection/org"
	"congvu/inspection/plan"
	"congvu/inspection/selfcheck"
	"congvu/inspection/summary"
	"congvu/inspection/visit"

	"gorm.io/gorm"
)

var ctx = context.Background()

// What fails is in the answers; the log of requests would hide it.
func init() { slog.SetDefault(slog.New(slog.DiscardHandler)) }

// world is a chair, a team of four, two units with their heads, and one concluded
// check of the first unit.
type world struct {
	*Server
	t      *testing.T
	db     *gorm.DB
	clock  *inspection.ManualClock
	tokens map[string]string

	issuer, unit, other              org.Organisation
	campaign, team, visit            string
	head, otherHead, lead, chair     inspection.Actor
	member, fresh, sysadmin, foreign inspection.Actor
}

// noChecks are desks with cameras of which no check asks anything.
type noChecks struct{}

func (noChecks) Desks(_ *gorm.DB, desk string) ([]string, error) { return []string{desk}, nil }

func (noChecks) Manage(a inspection.Actor) (inspection.Capacity, bool) {
	return org.Can(a, org.ManageOrg, org.Subject{})
}

func (noChecks) Check(*gorm.DB, inspection.Actor, string) (snapshot.Check, error) {
	return snapshot.Check{}, inspection.E(inspection.NotFound, "error.not_found")
}

func (noChecks) Until(*gorm.DB, string) (inspection.Instant, error) { return 0, nil }
func (noChecks) Asker(tx *gorm.DB, person string, on inspection.Date) (inspection.Actor, error) {
	return org.ActorOn(tx, person, on)
}

func (noChecks) Remote(*gorm.DB, string) (bool, error) { return false, nil }

func (noChecks) Stand(*gorm.DB, string, []evidence.On) (snapshot.Stand, error) {
	return snapshot.Stand{}, nil
}

func (noChecks) Came(*gorm.DB, inspection.Actor, snapshot.Request, evidence.Deposit) error {
	return nil
}

// testPeer is from where httptest's requests come.
var testPeer = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}

const testPassword = "kiem-tra-thu-2026"

// unitFiles lets the heads of units and the team add and see files of the one check.
type unitFiles struct{ w *world }

func (u unitFiles) side(a inspection.Actor) evidence.Side {
	switch {
	case a.Is(inspection.UnitHead) && a.Capacities[0].Organisation == u.w.unit.ID:
		return evidence.Unit
	case a.Is(inspection.TeamRoles...) && a.Capacities[0].Team == u.w.team:
		return evidence.Team
	}
	return ""
}

func (u unitFiles) Add(_ *gorm.DB, a inspection.Actor, id string, _ []evidence.Subject) (evidence.Grant, error) {
	side := u.side(a)
	if side == "" || id != u.w.visit {
		return evidence.Grant{}, inspection.E(inspection.NotFound, "error.not_found")
	}
	return evidence.Grant{Side: side, Team: u.w.team, Organisation: u.w.unit.ID, Decision: "1", Capacity: a.Capacities[0]}, nil
}

func (u unitFiles) See(_ *gorm.DB, a inspection.Actor, f evidence.Facts) (evidence.View, error) {
	switch side := u.side(a); {
	case side == evidence.Team || side != "" && side == f.Side:
		return evidence.View{Side: side, Sight: evidence.SeeAll, Capacity: a.Capacities[0]}, nil
	case side == evidence.Unit && f.Told || a.Person == u.w.chair.Person:
		return evidence.View{Side: evidence.Office, Sight: evidence.SeeShared, Capacity: a.Capacities[0]}, nil
	}
	return evidence.View{}, nil
}

type findingFiles struct{ files *evidence.Service }

func on(kind, id, role string) evidence.On {
	return evidence.On{Subject: evidence.Subject{Kind: evidence.SubjectKind(kind), ID: id}, Role: evidence.Role(role)}
}

func (e findingFiles) Attach(tx *gorm.DB, a inspection.Actor, id string, files []string, kind, subject, role string, _ inspection.Instant) error {
	return e.files.Attach(tx, a, id, evidence.Hang(files, on(kind, subject, role)), false)
}

func (e findingFiles) Files(tx *gorm.DB, id, kind, subject, role string) ([]string, error) {
	return e.files.Files(tx, id, on(kind, subject, role).Subject, evidence.Role(role))
}

func (e findingFiles) TakenAt(tx *gorm.DB, files []string) (map[string]inspection.Instant, error) {
	return e.files.TakenAt(tx, files)
}

// noFiles serves checks that are made without any.
type noFiles struct{ visit.Evidence }

func (noFiles) Coming(*gorm.DB, string) (int, error) { return 0, nil }

func (noFiles) Files(*gorm.DB, string) (map[string]visit.FileState, error) { return nil, nil }

func newWorld(t *testing.T, db *gorm.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, clock: inspection.NewManualClock(time.Date(2026, 3, 2, 9, 0, 0, 0, inspection.Zone)), tokens: map[string]string{},
		campaign: inspection.NewID(), team: inspection.NewID(), visit: inspection.NewID()}
	files, err := evidence.New(db, w.clock, memblob.New(), unitFiles{w}, evidence.Config{Limits: imaging.Limits{Bytes: 1 << 20, Pixels: 1 << 24}, Spool: t.TempDir(), Key: ed25519.NewKeyFromSeed(make([]byte, 32))})
	w.must(err)
	services := Services{Auth: auth.New(db, w.clock, auth.Config{Key: make([]byte, 32)}), Org: org.New(db, w.clock), Checklists: checklist.New(db, w.clock),
		Plan: plan.New(db, w.clock, visit.Checks{}), Findings: finding.New(db, w.clock, findingFiles{files}), Evidence: files, Summary: summary.New(db, w.clock), Inbox: inbox.New(db, w.clock), SelfChecks: selfcheck.New(db, w.clock),
		Snapshots: snapshot.New(db, w.clock, files, noChecks{}, camera.New(camera.Options{}), snapshot.Config{Key: make([]byte, 32)}),
		Notify:    notify.New(db, w.clock, notify.Config{Unsubscribe: make([]byte, 32), Webhooks: make([]byte, 32), Here: true, Mail: notify.MailConfig{Addr: "127.0.0.1:1", From: "congvu@example.vn"}}),
		Visits:    visit.New(db, w.clock, noFiles{}), Clock: w.clock, Health: func(context.Context, bool) []Sign { return []Sign{{Key: "program", State: Well, Say: "ok"}} }}
	at, _ := url.Parse("http://example.test")
	w.Server, err = New(Config{URL: at, Version: "test", MaxBytes: 1 << 20, Proxies: testPeer}, services)
	w.must(err)
	w.seed()
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) seed() {
	w.t.Helper()
	act := org.Act{At: w.clock.Now()}
	admin := inspection.Actor{Person: inspection.NewID(), Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}}
	units := `key,name,unit_type,parent_key,valid_from,valid_to
vn,Việt Nam,COUNTRY,,,
vn/mau,Tỉnh Mẫu,PROVINCE,vn,,
vn/mau/cu,huyện Mẫu Cũ,DISTRICT,vn/mau,,2025-06-30
vn/mau/cu/a,Mẫu 01,COMMUNE,vn/mau/cu,,2025-06-30
vn/mau/cu/b,Mẫu 02,COMMUNE,vn/mau/cu,,2025-06-30
vn/mau/dong,Đông Sơn,COMMUNE,vn/mau,2025-07-01,
`
	lineage := `predecessor_key,portion,successor_key,relation,legal_act,effective_date
vn/mau/cu/a,WHOLE,vn/mau/dong,MERGED_INTO,NQ 1656/NQ-UBTVQH15,2025-07-01
vn/mau/cu/b,PART,vn/mau/dong,PART_TRANSFERRED,NQ 1656/NQ-UBTVQH15,2025-07-01
`
	_, err := w.Org.ImportUnits(ctx, admin, strings.NewReader(units), strings.NewReader(lineage), false)
	w.must(err)
	_, err = w.Org.ImportHours(ctx, admin, "vn", org.Seed("hours.csv"), false)
	w.must(err)
	_, err = w.Org.ImportHolidays(ctx, admin, "vn", org.Seed("holidays.csv"), false)
	w.must(err)
	u, err := org.UnitByKey(w.db, "vn/mau/dong")
	w.must(err)
	old, err := org.UnitByKey(w.db, "vn/mau/cu/a")
	w.must(err)
	place := func(name string, kind org.Kind, in org.Unit) org.Organisation {
		o, err := org.CreateOrganisation(w.db, act, org.Organisation{Kind: kind, Name: name, AdminUnitID: in.ID, ValidFrom: in.ValidFrom, ValidTo: in.ValidTo})
		w.must(err)
		return o
	}
	w.issuer = place("UBND tỉnh Mẫu", org.PeoplesCommittee, u)
	w.unit = place("Trung tâm Phục vụ hành chính công xã Đông Sơn", org.ServiceCenterCommune, u)
	w.other = place("Trung tâm Phục vụ hành chính công xã Mẫu 02", org.ServiceCenterCommune, u)
	before := place("UBND xã Mẫu 01", org.PeoplesCommittee, old)
	for _, o := range []org.Organisation{before, w.unit} {
		d, err := org.CreateDesk(w.db, act, org.Desk{OrganisationID: o.ID, Name: "Bộ phận Một cửa – " + o.Name, ValidFrom: o.ValidFrom, ValidTo: o.ValidTo})
		w.must(err)
		for range 4 {
			_, err = org.CreatePost(w.db, act, org.Post{DeskID: d.ID, Title: "Công chức tiếp nhận", ValidFrom: o.ValidFrom, ValidTo: o.ValidTo, Simulated: true})
			w.must(err)
		}
	}
	w.chair = w.person("chutich", "Chủ tịch", inspection.Chairperson, w.issuer.ID, "")
	w.must(w.db.Exec("INSERT INTO checklists (id, key, number, title_vi, created_at) VALUES (?, 'k', 1, 'x', 1)", w.campaign).Error)
	w.must(plan.CreateCampaign(w.db, plan.Campaign{ID: w.campaign, Title: "Đợt 1", IssuerID: w.issuer.ID, DecisionNumber: "1/QĐ-UBND", DecisionDate: "2026-01-01",
		DecidedBy: &w.chair.Person, PeriodFrom: "2026-01-01", PeriodTo: "2026-12-31", ChecklistID: &w.campaign, CreatedAt: 1}))
	w.must(plan.CreateTeam(w.db, plan.Team{ID: w.team, CampaignID: w.campaign, Name: "Đoàn 1"}))
	elsewhere := inspection.NewID()
	w.must(plan.CreateTeam(w.db, plan.Team{ID: elsewhere, CampaignID: w.campaign, Name: "Đoàn 2"}))
	w.head = w.person("thutruong", "Giám đốc xã Đông Sơn", inspection.UnitHead, w.unit.ID, "")
	w.otherHead = w.person("thutruong2", "Giám đốc xã Mẫu 02", inspection.UnitHead, w.other.ID, "")
	w.lead = w.person("truongdoan", "Trưởng đoàn", inspection.TeamLead, w.issuer.ID, w.team)
	w.member = w.person("thanhvien", "Thành viên A", inspection.Inspector, w.issuer.ID, w.team)
	w.fresh = w.person("thanhvien2", "Thành viên B", inspection.Inspector, w.issuer.ID, w.team)
	w.foreign = w.person("truongdoan2", "Trưởng đoàn 2", inspection.TeamLead, w.issuer.ID, elsewhere)
	w.sysadmin = w.person("quantri", "Quản trị", inspection.SysAdmin, "", "")
	target := inspection.NewID()
	w.must(w.db.Exec("INSERT INTO targets (id, campaign_id, team_id, lead_id, form, organisation_id, planned_on, state, created_at) VALUES (?, ?, ?, ?, 'SURPRISE', ?, '2026-03-02', 'STARTED', 1)",
		target, w.campaign, w.team, w.lead.Person, w.unit.ID).Error)
	w.must(w.db.Exec("INSERT INTO visits (id, target_id, campaign_id, team_id, lead_id, form, organisation_id, organisation_kind, organisation_name, issuer_id, decision_number, decision_date, decided_by, checklist_id, state, day, checked_in_at) VALUES (?, ?, ?, ?, ?, 'SURPRISE', ?, 'SERVICE_CENTER_COMMUNE', ?, ?, '1/QĐ-UBND', '2026-01-01', ?, ?, 'CONCLUDED', '2026-03-02', 1)",
		w.visit, target, w.campaign, w.team, w.lead.Person, w.unit.ID, w.unit.Name, w.issuer.ID, w.chair.Person, w.campaign).Error)
	for _, m := range []inspection.Actor{w.lead, w.member} {
		w.must(w.db.Create(&visit.Member{VisitID: w.visit, PersonID: m.Person, Role: m.Capacities[0].Role, Name: m.Name}).Error)
	}
}

// person makes somebody with an account and a role.
func (w *world) person(username, name string, role inspection.Role, organisation, team string) inspection.Actor {
	w.t.Helper()
	act := org.Act{At: w.clock.Now()}
	p, err := org.CreatePerson(w.db, act, org.Person{Name: name})
	w.must(err)
	r := org.RoleRow{PersonID: p.ID, Role: role}
	if organisation != "" {
		r.OrganisationID = &organisation
	}
	if team != "" {
		r.TeamID = &team
	}
	_, err = org.Grant(w.db, act, r)
	w.must(err)
	prepared, _, err := auth.PrepareUser(ctx, auth.NewUser{PersonID: p.ID, Username: username, Password: testPassword})
	w.must(err)
	_, err = auth.Create(w.db, act, prepared)
	w.must(err)
	s, err := w.Auth.SignIn(ctx, auth.SignIn{Username: username, Password: testPassword, Address: "192.0.2.1"})
	w.must(err)
	w.tokens[p.ID] = s.Token
	return inspection.Actor{Person: p.ID, Name: name, Capacities: []inspection.Capacity{{Role: role, Organisation: organisation, Team: team}}}
}

// raise records a finding of the check and brings it to a state.
func (w *world) raise(item, text string, severity finding.Severity, to finding.State) finding.Finding {
	w.t.Helper()
	act := org.Act{Actor: w.lead, Capacity: w.lead.Capacities[0], At: w.clock.Now()}
	f, err := finding.Raise(w.db, act, finding.Raised{VisitID: w.visit, CampaignID: w.campaign, TeamID: w.team, IssuerID: w.issuer.ID, DeciderID: &w.chair.Person,
		OrganisationID: w.unit.ID, OrganisationName: w.unit.Name, ItemKey: item, ItemCode: item, Section: item[:1], ItemText: "Nội dung mục " + item,
		Basis: "Nghị định 63/2010/NĐ-CP, Điều 17", DefaultSeverity: severity, Text: text, Remedy: "Sửa lại cho đúng", CheckEndedAt: w.clock.Now()})
	w.must(err)
	if to == finding.Recorded {
		return f
	}
	decide := org.Act{Actor: w.chair, Capacity: w.chair.Capacities[0], At: w.clock.Now()}
	w.must(finding.ConfirmIn(w.db, decide, f.ID))
	w.must(finding.AssignIn(w.db, decide, f.ID, finding.AssignInput{DocumentNo: "7/TB-UBND"}))
	if to != finding.Assigned {
		w.must(w.Findings.Acknowledge(ctx, w.head, f.ID, 0))
	}
	switch to {
	case finding.Submitted, finding.ReinspectDue:
		w.clock.Advance(time.Minute)
		file := w.file(f.ID)
		w.must(w.Findings.Submit(ctx, w.head, f.ID, 0, finding.SubmitInput{Text: "Đã sửa", Files: []string{file}}))
	}
	if to == finding.ReinspectDue {
		w.must(w.Findings.Accept(ctx, w.lead, f.ID, 0, ""))
	}
	return w.get(f.ID)
}

// file is a picture that the head of the unit has sent.
func (w *world) file(name string) string {
	w.t.Helper()
	raw := picture(len(w.tokens) + len(name))
	d := evidence.Declaration{ID: inspection.NewID(), Visit: w.visit, SHA256: hexSum(raw), Size: int64(len(raw)), Name: name + ".jpg", Kind: evidence.Photo}
	_, err := w.Evidence.Declare(ctx, w.head, d)
	w.must(err)
	_, err = w.Evidence.Receive(ctx, w.head, d.ID, d.Size, bytes.NewReader(raw))
	w.must(err)
	return d.ID
}

func picture(width int) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 16+width, 16)), nil); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func (w *world) get(id string) finding.Finding {
	w.t.Helper()
	f, err := finding.ByID(w.db, id)
	w.must(err)
	return f
}

// ask sends a request as somebody.
func (w *world) ask(a inspection.Actor, r *http.Request) *httptest.ResponseRecorder {
	w.t.Helper()
	if a.Person != "" {
		r.AddCookie(&http.Cookie{Name: "congvu", Value: w.tokens[a.Person]})
	}
	rec := httptest.NewRecorder()
	r.Header.Set("X-Forwarded-Proto", "https") // testPeer spoke TLS
	w.ServeHTTP(rec, r)
	return rec
}

func (w *world) open(a inspection.Actor, path string) (int, string) {
	w.t.Helper()
	rec := w.ask(a, httptest.NewRequest(http.MethodGet, path, nil))
	return rec.Code, rec.Body.String()
}

// sees opens a page that must be there.
func (w *world) sees(a inspection.Actor, path string) string {
	w.t.Helper()
	code, body := w.open(a, path)
	if code != http.StatusOK {
		w.t.Fatalf("%s: %d\n%s", path, code, body)
	}
	return body
}

func (w *world) post(a inspection.Actor, path string, form url.Values) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.ask(a, r)
}

// send posts a form with files, by name.
func (w *world) send(a inspection.Actor, path string, form url.Values, files map[string][]byte) *httptest.ResponseRecorder {
	w.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for name, values := range form {
		for _, v := range values {
			w.must(m.WriteField(name, v))
		}
	}
	for name, raw := range files {
		part, err := m.CreateFormFile("files", name)
		w.must(err)
		_, err = part.Write(raw)
		w.must(err)
	}
	w.must(m.Close())
	r := httptest.NewRequest(http.MethodPost, path, &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	return w.ask(a, r)
}

// form is the id and version of a finding's form, as the page draws them.
func (w *world) form(f finding.Finding, more ...string) url.Values {
	v := url.Values{"id": {inspection.NewID()}, "version": {strconv.FormatInt(f.Version, 10)}}
	for i := 0; i+1 < len(more); i += 2 {
		v.Add(more[i], more[i+1])
	}
	return v
}

func (w *world) steps(id string, e finding.Event) int {
	w.t.Helper()
	steps, err := finding.StepsOf(w.db, id)
	w.must(err)
	n := 0
	for _, s := range steps {
		if s.Event == e {
			n++
		}
	}
	return n
}

var anID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// sameButIDs is a page without the ids that differ from request to request.
func sameButIDs(page string) string { return anID.ReplaceAllString(page, "ID") }

func wants(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if !strings.Contains(page, s) {
			t.Errorf("the page lacks %q", s)
		}
	}
}

func lacks(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if strings.Contains(page, s) {
			t.Errorf("the page holds %q", s)
		}
	}
}

// renew signs everybody in again, after the clock was moved beyond the sessions.
func (w *world) renew() {
	w.t.Helper()
	for username, a := range map[string]inspection.Actor{"chutich": w.chair, "thutruong": w.head, "thutruong2": w.otherHead, "truongdoan": w.lead,
		"thanhvien": w.member, "thanhvien2": w.fresh, "truongdoan2": w.foreign, "quantri": w.sysadmin} {
		s, err := w.Auth.SignIn(ctx, auth.SignIn{Username: username, Password: testPassword, Address: "192.0.2.1"})
		w.must(err)
		w.tokens[a.Person] = s.Token
	}
}

// derive makes the small pictures of all that has arrived.
func (w *world) derive() {
	w.t.Helper()
	d := w.Evidence.Deriver(1, time.Second)
	for more := true; more; {
		var err error
		more, err = d.Step(ctx)
		w.must(err)
	}
}
