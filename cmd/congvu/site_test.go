package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/textproto"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"congvu/evidence"
	"congvu/evidence/blob"
	"congvu/evidence/blob/fileblob"
	"congvu/evidence/imaging/imagingtest"
	"congvu/inspection"
	"congvu/inspection/auth"
	"congvu/inspection/checklist"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/score"
	"congvu/inspection/visit"
	"congvu/web"

	"gorm.io/gorm"
)

// site is the program in this process, joined as the program joins it, with the tree
// and the people of the demo, a checklist of three items and a clock of the test.
type site struct {
	*web.Server
	t       *testing.T
	db      *gorm.DB
	clock   *inspection.ManualClock
	demo    *demo
	data    string
	tokens  map[string]string // by user name
	pending map[string]string // check-in targets by the check that they became
	made    int
}

// safeBuffer takes log lines from several goroutines.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// morning is a working day of the tests, in the middle of a week.
var morning = time.Date(2026, 3, 4, 8, 0, 0, 0, inspection.Zone)

const maxTestFile = 1 << 20

const smallChecklist = `key,code,section,section_vi,section_en,text_vi,text_en,bases,response,source,photo,photo_note,redact,severity,weight,target,zero_at,count_label_vi,count_label_en,applies_to
A04,A04,A,Trực,Staffing,Bố trí đủ người,Staffed,L80 khoản 2 Điều 8,YN,ANSWER,ON_FAILURE,,,MODERATE,40,,,,,ALL
B03,B03,B,Biển tên,Name plates,Có biển chức danh,Name plates,L80 khoản 2 Điều 7,CNT,ANSWER,NONE,,,MODERATE,30,1,0,quầy,counters,ALL
D04,D04,D,Hồ sơ,Dossiers,Có phiếu xin lỗi,Apology slips,L80 khoản 2 Điều 7,SMP,ANSWER,NONE,,,MAJOR,30,1,0,hồ sơ,dossiers,ALL
`

func newSite(t *testing.T, db *gorm.DB) *site {
	t.Helper()
	return newSiteAt(t, db, morning)
}

// earlierToday is an hour ago, but on the same day: the clock of a site runs ahead with all
// that is done, and must not come into tomorrow before the programs that it shares its
// database with.
func earlierToday() time.Time {
	now := time.Now()
	if midnight := inspection.DateOf(now).Time(); now.Add(-time.Hour).Before(midnight) {
		return midnight
	}
	return now.Add(-time.Hour)
}

func newSiteAt(t *testing.T, db *gorm.DB, now time.Time) *site {
	t.Helper()
	return newSiteOn(t, db, nil, now)
}

// newSiteOn has a store of files where it is given none.
func newSiteOn(t *testing.T, db *gorm.DB, store blob.Store, now time.Time) *site {
	t.Helper()
	s := &site{t: t, db: db, clock: inspection.NewManualClock(now), data: t.TempDir(), tokens: map[string]string{}, pending: map[string]string{}}
	if store == nil {
		var err error
		store, err = fileblob.Open(s.data + "/evidence")
		s.must(err)
	}
	c := Config{Data: s.data, MaxFileBytes: maxTestFile, MaxFilePixels: 4_000_000, CameraRanges: hereOnly.String()}
	keys, err := c.ReadKeys()
	s.must(err)
	services, err := build(db, store, s.clock, keys, c)
	s.must(err)
	at, _ := url.Parse("http://example.test")
	services.Health = (&doctor{program: &program{config: c, db: db, store: store, services: services}, clock: s.clock}).health
	s.Server, err = web.New(web.Config{URL: at, Version: "test", MaxBytes: maxTestFile, Proxies: testPeer}, services)
	s.must(err)
	p := &program{config: c, db: db, store: store, services: services}
	s.demo = &demo{Main: &Main{Out: io.Discard, Clock: s.clock}, program: p, today: s.clock.Now().Date(), clock: s.clock}
	s.must(s.demo.world(t.Context()))
	act := s.demo.operator()
	list, report, err := checklist.Import(db, act, checklist.Title{Key: "nho", VI: "Bảng nhỏ"},
		checklist.Files{Checklist: strings.NewReader(smallChecklist), Bases: checklist.Seed("bases.csv")}, false)
	if len(report.Bad) > 0 {
		t.Fatal(report.Bad)
	}
	s.must(err)
	s.must(checklist.Publish(db, act, list.ID, list.Version))
	s.must(db.Exec("UPDATE campaigns SET checklist_id = ? WHERE decision_number <> ''", list.ID).Error)
	s.account("daumoi", inspection.UnitContact, "mau/07")
	return s
}

// listens gives what the program logs from now on. There is one log in a process: only a
// test that runs beside no other may listen.
func (s *site) listens() *safeBuffer {
	s.t.Helper()
	log, before := &safeBuffer{}, slog.Default()
	s.t.Setenv("CONGVU_TEST_LISTENS", "1") // which no test may that is parallel
	slog.SetDefault(slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	s.t.Cleanup(func() { slog.SetDefault(before) })
	return log
}

// collects makes the messages of all that has happened, as the program's worker does.
func (s *site) collects() {
	s.t.Helper()
	for did := true; did; {
		var err error
		did, err = s.demo.services.Notify.Collect(s.t.Context())
		s.must(err)
	}
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// account adds somebody with a role.
func (s *site) account(username string, role inspection.Role, organisation string) {
	s.t.Helper()
	act := s.demo.operator()
	person, err := org.CreatePerson(s.db, act, org.Person{Name: username, Simulated: true})
	s.must(err)
	grant := org.RoleRow{PersonID: person.ID, Role: role}
	o := s.demo.organs[organisation].ID
	grant.OrganisationID = &o
	_, err = org.Grant(s.db, act, grant)
	s.must(err)
	prepared, _, err := auth.PrepareUser(s.t.Context(), auth.NewUser{PersonID: person.ID, Username: username, Password: demoPassword})
	s.must(err)
	_, err = auth.Create(s.db, act, prepared)
	s.must(err)
	s.demo.people[username] = person.ID
}

// token signs somebody in, once.
func (s *site) token(username string) string {
	s.t.Helper()
	if s.tokens[username] == "" {
		session, err := s.demo.services.Auth.SignIn(s.t.Context(), auth.SignIn{Username: username, Password: demoPassword, Address: "192.0.2.1"})
		s.must(err)
		s.tokens[username] = session.Token
	}
	return s.tokens[username]
}

// actor is somebody with today's capacities.
func (s *site) actor(username string) inspection.Actor {
	s.t.Helper()
	a, err := s.demo.actor(s.db, username, s.clock.Now().Date())
	s.must(err)
	return a
}

// answer is what came back.
type answer struct {
	code   int
	header http.Header
	body   string
}

// send sends a request as somebody; an empty name is nobody.
func (s *site) send(username string, r *http.Request) answer {
	s.t.Helper()
	if username != "" {
		r.AddCookie(&http.Cookie{Name: "congvu", Value: s.token(username)})
	}
	rec := httptest.NewRecorder()
	r.Header.Set("X-Forwarded-Proto", "https") // testPeer spoke TLS
	s.ServeHTTP(rec, r)
	return answer{rec.Code, rec.Result().Header, rec.Body.String()}
}

func (s *site) get(username, path string) answer {
	s.t.Helper()
	return s.send(username, httptest.NewRequest(http.MethodGet, path, nil))
}

func (s *site) form(username, path string, pairs ...string) answer {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(values(pairs).Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.send(username, r)
}

func values(pairs []string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// upload is one file of a form.
type upload struct {
	name string
	raw  []byte
}

// multipartForm is a form with files as a browser sends it: fields, then files.
func multipartForm(path string, files []upload, pairs ...string) *http.Request {
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for i := 0; i+1 < len(pairs); i += 2 {
		_ = m.WriteField(pairs[i], pairs[i+1])
	}
	for _, f := range files {
		h := textproto.MIMEHeader{}
		h.Set("Content-Disposition", `form-data; name="files"; filename="`+f.name+`"`)
		h.Set("Content-Type", "image/jpeg")
		part, _ := m.CreatePart(h)
		_, _ = part.Write(f.raw)
	}
	_ = m.Close()
	r := httptest.NewRequest(http.MethodPost, path, &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	return r
}

// call sends a JSON body as somebody.
func (s *site) call(username, method, path string, body any, header ...string) answer {
	s.t.Helper()
	var raw []byte
	switch b := body.(type) {
	case nil:
	case string:
		raw = []byte(b)
	default:
		var err error
		raw, err = json.Marshal(b)
		s.must(err)
	}
	r := httptest.NewRequest(method, path, bytes.NewReader(raw))
	r.Header.Set("Accept", "application/json")
	if raw != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return s.send(username, r)
}

// problem is the words, key and status of a problem.
type problem struct {
	Type, Title, Detail, Key, Request string
	Status                            int
	Errors                            map[string]string
}

// operation is an act as a tablet posts it.
type operation struct {
	ID       string          `json:"id"`
	Visit    string          `json:"visit"`
	Device   string          `json:"device"`
	DeviceAt time.Time       `json:"device_at"`
	OffsetMS *int64          `json:"offset_ms,omitempty"`
	Seq      int64           `json:"seq"`
	Type     visit.Type      `json:"type"`
	Payload  json.RawMessage `json:"payload"`
}

func (s *site) operation(check string, kind visit.Type, payload any) operation {
	s.t.Helper()
	raw, err := json.Marshal(payload)
	s.must(err)
	s.made++
	return operation{ID: inspection.NewID(), Visit: check, Device: "may-1", DeviceAt: s.clock.Now().Time(), Seq: int64(s.made), Type: kind, Payload: raw}
}

// outcome is what became of one operation.
type outcome struct {
	ID, Status, State string
	Problem           *problem
}

func (s *site) post(username string, ops ...operation) []outcome {
	s.t.Helper()
	a := s.call(username, http.MethodPost, "/api/v1/operations", map[string]any{"operations": ops})
	if a.code != http.StatusOK {
		s.t.Fatalf("operations: %d %s", a.code, a.body)
	}
	var out struct{ Outcomes []outcome }
	s.must(json.Unmarshal([]byte(a.body), &out))
	return out.Outcomes
}

// does posts operations that must be taken in.
func (s *site) does(username string, ops ...operation) {
	s.t.Helper()
	s.clock.Advance(10 * time.Second)
	for _, o := range s.post(username, ops...) {
		if o.Problem != nil {
			s.t.Fatalf("%+v", *o.Problem)
		}
	}
}

// photo is a picture that no other is like.
func (s *site) photo() []byte {
	s.made++
	return imagingtest.JPEG(imagingtest.Scene(40+s.made%50, 30+s.made/50), imagingtest.Exif{Taken: s.clock.Now().Time()})
}

// file declares and sends a picture and returns its id.
func (s *site) file(username, check string, raw []byte, kind evidence.Kind) string {
	s.t.Helper()
	scribe := &scribe{d: s.demo, actor: s.actor(username), visit: check}
	id, err := scribe.file(s.t.Context(), raw, kind, true)
	s.must(err)
	return id
}

// seal puts a target of team 1 into the plan, of today, opened to the secretary and
// one member.
func (s *site) seal(commune int) string {
	s.t.Helper()
	t, err := s.demo.target(s.t.Context(), s.actor("truongdoan"), 1, commune, s.clock.Now().Date(), 480, []string{"thuky", "thanhvien"})
	s.must(err)
	return t.ID
}

// begin checks in and returns the check.
func (s *site) begin(target string) string {
	s.t.Helper()
	id := inspection.NewID()
	s.does("truongdoan", s.operation(id, visit.OpCheckIn, visit.CheckIn{Target: target, Location: "DENIED"}))
	return id
}

// answers answers every item, the first as failing with a photo, the second short.
func (s *site) answers(check string) (photo string) {
	s.t.Helper()
	photo = s.file("thanhvien", check, s.photo(), evidence.Photo)
	s.does("thanhvien",
		s.operation(check, visit.OpAnswer, visit.AnswerItem{Item: "A04", Value: score.No}),
		s.operation(check, visit.OpNote, visit.Note{Item: "A04", Text: "Quầy 2 không có người trực."}),
		s.operation(check, visit.OpPhoto, visit.Photo{Item: "A04", File: photo, NoPeople: true}),
		s.operation(check, visit.OpAnswer, visit.AnswerItem{Item: "B03", Value: score.Count, Of: 10, Failing: 4}),
		s.operation(check, visit.OpAnswer, visit.AnswerItem{Item: "D04", Value: score.Count, Of: 5}))
	return photo
}

// signs finishes the check and signs its minutes.
func (s *site) signs(check string) {
	s.t.Helper()
	s.does("thuky", s.operation(check, visit.OpFinish, struct{}{}))
	text := func(t string) *string { return &t }
	s.does("thuky", s.operation(check, visit.OpMinutes, visit.Minutes{Opinion: text("Thống nhất."), Representatives: text("Giám đốc")}))
	scan := s.file("thuky", check, s.photo(), evidence.DocumentScan)
	s.does("thuky", s.operation(check, visit.OpSign, visit.Signed{Scans: []string{scan}}))
}

// reports and concludes go on through the services.
func (s *site) reports(check string) {
	s.t.Helper()
	s.must(s.demo.services.Visits.Report(s.t.Context(), s.actor("truongdoan"), check, inspection.NewID(), 0, visit.Report{Summary: "Cơ bản tốt."}))
}

func (s *site) concludes(check string) {
	s.t.Helper()
	var decisions []visit.Decision
	for _, f := range s.findings(check) {
		decisions = append(decisions, visit.Decision{Finding: f.ID, Confirm: true})
	}
	s.must(s.demo.services.Visits.Conclude(s.t.Context(), s.actor("chutich"), check, inspection.NewID(), 0, visit.Conclude{Text: "Khắc phục đúng hạn."}, decisions))
}

func (s *site) findings(check string) []finding.Finding {
	s.t.Helper()
	all, err := finding.OfVisit(s.db, check)
	s.must(err)
	return all
}

// finished is a check with its minutes signed, from sealing on.
func (s *site) finished(commune int) (check, photo string) {
	s.t.Helper()
	check = s.begin(s.seal(commune))
	photo = s.answers(check)
	s.signs(check)
	return check, photo
}

// derive makes every preview that is due.
func (s *site) derive() {
	s.t.Helper()
	d := s.demo.services.Evidence.Deriver(1, time.Second)
	for {
		more, err := d.Step(s.t.Context())
		s.must(err)
		if !more {
			return
		}
	}
}

func (s *site) version(table, id string) string {
	s.t.Helper()
	var v int64
	s.must(s.db.Table(table).Where("id = ?", id).Pluck("version", &v).Error)
	return strconv.FormatInt(v, 10)
}

// counts is how many rows each table holds, but for those that count sign-ins.
func (s *site) counts() map[string]int64 {
	s.t.Helper()
	tables, err := s.db.Migrator().GetTables()
	s.must(err)
	out := map[string]int64{}
	for _, name := range tables {
		if name == "sessions" || name == "sign_in_attempts" || strings.HasPrefix(name, "sqlite_") || strings.HasPrefix(name, "goose") {
			continue
		}
		var n int64
		s.must(s.db.Table(name).Count(&n).Error)
		out[name] = n
	}
	return out
}

var anID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// masked is a body without the ids that differ from request to request.
func masked(body string, keep ...string) string {
	return anID.ReplaceAllStringFunc(body, func(id string) string {
		for _, k := range keep {
			if id == k {
				return id
			}
		}
		return "ID"
	})
}

func sum(raw []byte) string {
	h := sha256.Sum256(raw)
	return hex.EncodeToString(h[:])
}

// difference is the first line in which two texts differ, of each.
func difference(a, b string) (string, string) {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(x), len(y)) {
		switch {
		case i >= len(x):
			return "", y[i]
		case i >= len(y):
			return x[i], ""
		case x[i] != y[i]:
			return x[i], y[i]
		}
	}
	return "", ""
}

// testPeer is from where httptest's requests come.
var testPeer = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}
