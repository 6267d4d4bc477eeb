package visit_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"congvu/evidence"
	"congvu/evidence/blob/memblob"
	"congvu/evidence/imaging/imagingtest"
	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/plan"
	"congvu/inspection/score"
	"congvu/inspection/seedtest"
	"congvu/inspection/visit"

	"gorm.io/gorm"
)

var ctx = context.Background()

// The adapters between visit, finding and evidence, as the program joins them. A test
// may know evidence; the packages under inspection do not.
type visitFiles struct{ files *evidence.Service }

func on(kind, id, role string) evidence.On {
	return evidence.On{Subject: evidence.Subject{Kind: evidence.SubjectKind(kind), ID: id}, Role: evidence.Role(role)}
}

func (e visitFiles) Files(tx *gorm.DB, id string) (map[string]visit.FileState, error) {
	states, err := e.files.States(tx, id)
	out := make(map[string]visit.FileState, len(states))
	for file, state := range states {
		out[file] = visit.FileState(state)
	}
	return out, err
}

func (e visitFiles) Declare(tx *gorm.DB, actor inspection.Actor, id string, list []visit.Declared) error {
	out := make([]evidence.Declaration, len(list))
	for i, d := range list {
		out[i] = evidence.Declaration{ID: d.File, Visit: id, SHA256: d.SHA256, Size: d.Bytes, Name: d.Name, Kind: evidence.Kind(d.Kind), NoPeople: d.NoPeople,
			Contains: evidence.Contains(d.Contains), CapturedAt: inspection.At(d.CapturedAt)}
	}
	return e.files.DeclareIn(tx, actor, id, out...)
}

func (e visitFiles) Attach(tx *gorm.DB, actor inspection.Actor, id string, list []visit.Hanging) error {
	waiting := !slices.ContainsFunc(list, func(h visit.Hanging) bool { return h.Role == string(evidence.Scan) })
	return e.files.Attach(tx, actor, id, hangings(list), waiting)
}

func (e visitFiles) Carry(tx *gorm.DB, actor inspection.Actor, c inspection.Capacity, list []visit.Hanging) error {
	return e.files.Link(tx, actor, c, hangings(list)...)
}

func (e visitFiles) Detach(tx *gorm.DB, actor inspection.Actor, c inspection.Capacity, file, kind, subject string) error {
	return e.files.Unlink(tx, actor, c, evidence.Hanging{File: file, On: on(kind, subject, "EVIDENCE")}, evidence.Hanging{File: file, On: on(kind, subject, "AFTER")})
}

// Stills are package snapshot's; here nobody has a camera.
func (e visitFiles) Snapshot(*gorm.DB, inspection.Actor, inspection.Capacity, visit.Visit, visit.Still) error {
	return inspection.E(inspection.Invalid, "snapshot.error.other_desk")
}

func (e visitFiles) StillsEnd(*gorm.DB, inspection.Actor, inspection.Capacity, string) error {
	return nil
}

func (e visitFiles) Watched(*gorm.DB, string, inspection.Date) (bool, error) { return false, nil }

func (e visitFiles) Coming(*gorm.DB, string) (int, error) { return 0, nil }

func hangings(list []visit.Hanging) (out []evidence.Hanging) {
	for _, h := range list {
		out = append(out, evidence.Hanging{File: h.File, On: on(h.Kind, h.ID, h.Role)})
	}
	return out
}

type findingFiles struct{ files *evidence.Service }

func (e findingFiles) Attach(tx *gorm.DB, actor inspection.Actor, id string, files []string, kind, subject, role string, _ inspection.Instant) error {
	return e.files.Attach(tx, actor, id, evidence.Hang(files, on(kind, subject, role)), false)
}

func (e findingFiles) Files(tx *gorm.DB, id, kind, subject, role string) ([]string, error) {
	return e.files.Files(tx, id, evidence.Subject{Kind: evidence.SubjectKind(kind), ID: subject}, evidence.Role(role))
}

func (e findingFiles) TakenAt(tx *gorm.DB, files []string) (map[string]inspection.Instant, error) {
	return e.files.TakenAt(tx, files)
}

type fileRights struct{ visits *visit.Service }

func (r *fileRights) Add(tx *gorm.DB, actor inspection.Actor, id string, _ []evidence.Subject) (evidence.Grant, error) {
	v, err := r.visits.Find(tx, id)
	if err != nil {
		return evidence.Grant{}, err
	}
	g := evidence.Grant{Team: v.TeamID, Organisation: v.OrganisationID, Decision: v.DecisionNumber}
	var ok bool
	if g.Capacity, ok = org.Can(actor, org.InspectVisit, v.Subject()); ok {
		g.Side = evidence.Team
		return g, nil
	}
	if g.Capacity, ok = org.Can(actor, org.AnswerFinding, v.Subject()); ok {
		g.Side = evidence.Unit
		return g, nil
	}
	return g, inspection.E(inspection.NotFound, "error.not_found")
}

func (r *fileRights) See(tx *gorm.DB, actor inspection.Actor, f evidence.Facts) (evidence.View, error) {
	v, err := r.visits.Find(tx, f.Visit)
	if err != nil {
		return evidence.View{}, err
	}
	if c, ok := org.Can(actor, org.InspectVisit, v.Subject()); ok {
		_, lead := org.Can(actor, org.ReportVisit, v.Subject())
		return evidence.View{Side: evidence.Team, Sight: evidence.SeeRestricted, Lead: lead, Capacity: c}, nil
	}
	if c, ok := org.Can(actor, org.AnswerFinding, v.Subject()); ok && f.Side == evidence.Unit {
		return evidence.View{Side: evidence.Unit, Sight: evidence.SeeRestricted, Capacity: c}, nil
	}
	return evidence.View{}, nil
}

// world is a made-up province: a committee that decides, two communes with a desk
// each, a team of five, a second team with a seal of its own, and somebody from
// elsewhere.
type world struct {
	t      testing.TB
	db     *gorm.DB
	clock  *inspection.ManualClock
	visits *visit.Service
	plan   *plan.Service
	finds  *finding.Service
	files  *evidence.Service

	province, unit, other, elsewhere org.Organisation
	desk, otherDesk                  org.Desk
	posts                            []org.Post
	campaign                         plan.Campaign
	team, sealed                     plan.Team
	checklist                        string

	chair, homeAffairs, foreignChair, head, otherHead, admin inspection.Actor
	lead, deputy, secretary, inspector, fresh, sealedLead    inspection.Actor

	seq   int64
	said  []string // every free text that was entered
	named []string // every name
	photo []byte
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// device is the id that a tablet made for itself.
const device = "01920000-0000-7000-8000-0000000000de"

// monday is the first day of the tests, a working day without holidays near it.
var monday = time.Date(2026, 3, 2, 8, 0, 0, 0, inspection.Zone)

var picture = imagingtest.JPEG(imagingtest.Scene(16, 12), imagingtest.Exif{})

func newWorld(t testing.TB, db *gorm.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, clock: inspection.NewManualClock(monday.AddDate(0, 0, -20)), photo: picture}
	rights := &fileRights{}
	var err error
	w.files, err = evidence.New(db, w.clock, memblob.New(), rights, evidence.Config{Spool: t.TempDir(), Key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))})
	w.must(err)
	w.visits = visit.New(db, w.clock, visitFiles{w.files})
	rights.visits = w.visits
	w.plan, w.finds = plan.New(db, w.clock, visit.Checks{}), finding.New(db, w.clock, findingFiles{w.files})

	act := org.Act{At: w.clock.Now()}
	boot := inspection.Actor{Person: inspection.NewID(), Capacities: []inspection.Capacity{{Role: inspection.SysAdmin}}}
	orgs := org.New(db, w.clock)
	_, err = orgs.ImportUnits(ctx, boot, strings.NewReader("key,name,unit_type,parent_key,valid_from,valid_to\nvn,Việt Nam,COUNTRY,,,\nvn/mau,Tỉnh Mẫu,PROVINCE,vn,,\nvn/mau/1,Xã Mẫu 01,COMMUNE,vn/mau,,\nvn/mau/2,Xã Mẫu 02,COMMUNE,vn/mau,,\nvn/khac,Tỉnh Khác,PROVINCE,vn,,\n"),
		strings.NewReader("predecessor_key,portion,successor_key,relation,legal_act,effective_date\n"), false)
	w.must(err)
	_, err = orgs.ImportHours(ctx, boot, "vn", org.Seed("hours.csv"), false)
	w.must(err)
	_, err = orgs.ImportHolidays(ctx, boot, "vn", org.Seed("holidays.csv"), false)
	w.must(err)
	place := func(unit, name string, kind org.Kind) org.Organisation {
		u, err := org.UnitByKey(db, unit)
		w.must(err)
		o, err := org.CreateOrganisation(db, act, org.Organisation{Kind: kind, Name: name, AdminUnitID: u.ID})
		w.must(err)
		w.named = append(w.named, name)
		return o
	}
	w.province = place("vn/mau", "Ủy ban nhân dân Tỉnh Mẫu", org.PeoplesCommittee)
	w.unit = place("vn/mau/1", "Trung tâm PVHCC xã Mẫu 01", org.ServiceCenterCommune)
	w.other = place("vn/mau/2", "Trung tâm PVHCC xã Mẫu 02", org.ServiceCenterCommune)
	w.elsewhere = place("vn/khac", "Ủy ban nhân dân Tỉnh Khác", org.PeoplesCommittee)
	desk := func(o org.Organisation, name string) org.Desk {
		d, err := org.CreateDesk(db, act, org.Desk{OrganisationID: o.ID, Name: name})
		w.must(err)
		w.named = append(w.named, name)
		return d
	}
	w.desk, w.otherDesk = desk(w.unit, "Bộ phận Một cửa xã Mẫu 01"), desk(w.other, "Bộ phận Một cửa xã Mẫu 02")
	for _, title := range []string{"Công chức tiếp nhận – quầy 1", "Công chức tiếp nhận – quầy 2"} {
		p, err := org.CreatePost(db, act, org.Post{DeskID: w.desk.ID, Title: title, Field: "Tư pháp - hộ tịch", Required: true})
		w.must(err)
		w.posts, w.named = append(w.posts, p), append(w.named, title)
	}

	lists := checklist.New(db, w.clock)
	list, _, err := lists.Import(ctx, boot, checklist.Title{Key: "cong-vu", VI: "Danh mục kiểm tra công vụ"},
		checklist.Files{Checklist: checklist.Seed("checklist.csv"), Bases: checklist.Seed("bases.csv"), Guidance: checklist.Seed("guidance.csv")}, false)
	w.must(err)
	w.must(lists.Publish(ctx, boot, list.ID, list.Version))
	w.checklist = list.ID

	w.chair = w.person("Chủ tịch Nguyễn Văn Mẫu", inspection.Chairperson, w.province, "")
	w.homeAffairs = w.person("Sở Nội vụ Trần Thị Mẫu", inspection.HomeAffairs, w.province, "")
	w.foreignChair = w.person("Chủ tịch Tỉnh Khác", inspection.Chairperson, w.elsewhere, "")
	w.head = w.person("Giám đốc Lê Văn Mẫu", inspection.UnitHead, w.unit, "")
	w.otherHead = w.person("Giám đốc Phạm Thị Mẫu", inspection.UnitHead, w.other, "")
	w.admin = w.person("Quản trị viên Mẫu", inspection.SysAdmin, w.province, "")
	w.campaign = plan.Campaign{ID: inspection.NewID(), Title: "Kiểm tra công vụ 2026", IssuerID: w.province.ID, DecisionNumber: "12/QĐ-UBND",
		DecisionDate: "2026-02-10", DecidedBy: &w.chair.Person, PeriodFrom: "2026-02-10", PeriodTo: "2027-06-30", ChecklistID: &w.checklist, CreatedAt: w.clock.Now()}
	w.must(plan.CreateCampaign(db, w.campaign))
	w.team = plan.Team{ID: inspection.NewID(), CampaignID: w.campaign.ID, Name: "Đoàn kiểm tra số 1"}
	w.sealed = plan.Team{ID: inspection.NewID(), CampaignID: w.campaign.ID, Name: "Đoàn kiểm tra số 2", Symbol: "ĐKT2", HasSeal: true}
	w.must(plan.CreateTeam(db, w.team))
	w.must(plan.CreateTeam(db, w.sealed))
	w.lead = w.person("Trưởng đoàn Hoàng Mẫu", inspection.TeamLead, w.province, w.team.ID)
	w.deputy = w.person("Phó đoàn Vũ Mẫu", inspection.DeputyLead, w.province, w.team.ID)
	w.secretary = w.person("Thư ký Đặng Mẫu", inspection.TeamSecretary, w.province, w.team.ID)
	w.inspector = w.person("Thành viên Bùi Mẫu", inspection.Inspector, w.province, w.team.ID)
	w.fresh = w.person("Thành viên Đỗ Mẫu", inspection.Inspector, w.province, w.team.ID)
	w.sealedLead = w.person("Trưởng đoàn Hồ Mẫu", inspection.TeamLead, w.province, w.sealed.ID)
	w.person("Thành viên Ngô Mẫu", inspection.Inspector, w.province, w.sealed.ID)
	w.clock.Set(monday)
	return w
}

// person makes a person with one role and returns who they are today.
func (w *world) person(name string, role inspection.Role, o org.Organisation, team string) inspection.Actor {
	w.t.Helper()
	act := org.Act{At: w.clock.Now()}
	p, err := org.CreatePerson(w.db, act, org.Person{Name: name, Position: "Chức vụ của " + name})
	w.must(err)
	w.named = append(w.named, name)
	row := org.RoleRow{PersonID: p.ID, Role: role, OrganisationID: &o.ID}
	if team != "" {
		row.TeamID = &team
	}
	_, err = org.Grant(w.db, act, row)
	w.must(err)
	return w.actor(p.ID)
}

func (w *world) actor(person string) inspection.Actor {
	w.t.Helper()
	p, err := org.PersonByID(w.db, person)
	w.must(err)
	capacities, err := org.CapacitiesOf(w.db, person, w.clock.Now().Date())
	w.must(err)
	return inspection.Actor{Person: person, Name: p.Name, Capacities: capacities, Device: device}
}

// say notes a free text that is about to be entered, so that a test can look for it
// where it must not stand.
func (w *world) say(text string) string {
	w.said = append(w.said, text)
	return text
}

// target seals a target for today and opens it to the secretary and an inspector.
func (w *world) target(o org.Organisation, d *org.Desk) plan.Target {
	w.t.Helper()
	n := plan.NewTarget{ID: inspection.NewID(), TeamID: w.team.ID, LeadID: w.lead.Person, Form: plan.Surprise, OrganisationID: o.ID,
		PlannedOn: w.clock.Now().Date(), PlannedAt: 480, OpenTo: []plan.Opening{{PersonID: w.secretary.Person}, {PersonID: w.inspector.Person}}}
	if d != nil {
		n.DeskID = &d.ID
	}
	t, err := w.plan.Seal(ctx, w.lead, n)
	w.must(err)
	return t
}

// op is an operation as a tablet makes it now.
func (w *world) op(id string, kind visit.Type, payload any) visit.Operation {
	w.t.Helper()
	raw, err := json.Marshal(payload)
	w.must(err)
	w.seq++
	return visit.Operation{ID: inspection.NewID(), VisitID: id, Device: "tablet", DeviceAt: w.clock.Now(), Seq: w.seq, Type: kind, Payload: string(raw)}
}

// try posts one operation and tells what became of it.
func (w *world) try(actor inspection.Actor, id string, kind visit.Type, payload any) error {
	w.t.Helper()
	return w.visits.Post(ctx, actor, []visit.Operation{w.op(id, kind, payload)})[0].Err
}

func (w *world) post(actor inspection.Actor, id string, kind visit.Type, payload any) {
	w.t.Helper()
	if err := w.try(actor, id, kind, payload); err != nil {
		w.t.Fatalf("%s: %v", kind, err)
	}
}

// checkIn opens a check of a target and returns its id.
func (w *world) checkIn(t plan.Target) string {
	w.t.Helper()
	id := inspection.NewID()
	w.post(w.actor(t.LeadID), id, visit.OpCheckIn, visit.CheckIn{Target: t.ID})
	return id
}

// file declares and sends a picture (or, as a document, a scan) and returns its id.
func (w *world) file(actor inspection.Actor, id string, kind evidence.Kind) string {
	w.t.Helper()
	f := w.declare(actor, id, kind)
	_, err := w.files.Receive(ctx, actor, f, int64(len(w.photo)), bytes.NewReader(w.photo))
	w.must(err)
	return f
}

func (w *world) declare(actor inspection.Actor, id string, kind evidence.Kind) string {
	w.t.Helper()
	sum := sha256.Sum256(w.photo)
	d := evidence.Declaration{ID: inspection.NewID(), Visit: id, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(w.photo)),
		Name: w.say("ảnh chụp tại quầy.jpg"), Kind: kind, CapturedAt: w.clock.Now()}
	_, err := w.files.Declare(ctx, actor, d)
	w.must(err)
	return d.ID
}

// answers are what is said of items instead of that all is well.
type answers map[string]visit.AnswerItem

func no(item string) visit.AnswerItem { return visit.AnswerItem{Item: item, Value: score.No} }

func count(item string, of, failing int64) visit.AnswerItem {
	return visit.AnswerItem{Item: item, Value: score.Count, Of: of, Failing: failing}
}

// answerAll answers every item, all in order but for those named, counts two people
// present, and hangs one photo on every item that wants one.
func (w *world) answerAll(actor inspection.Actor, id string, but answers) {
	w.t.Helper()
	view, err := w.visits.Get(ctx, actor, id)
	w.must(err)
	present := true
	var ops []visit.Operation
	var rows []visit.Row
	for i := range 2 {
		rows = append(rows, visit.Row{ID: inspection.NewID(), Position: w.say("Công chức tiếp nhận, quầy số " + strconv.Itoa(i+1)), Required: true,
			Present: &present, Badge: true, Dress: true})
	}
	ops = append(ops, w.op(id, visit.OpAttendanceBegin, visit.AttendanceBegin{Rows: rows}))
	photo := w.file(actor, id, evidence.Photo)
	for _, it := range view.Rules.Items {
		if it.Source == score.FromAnswer {
			a, ok := but[it.Key]
			if !ok {
				a = visit.AnswerItem{Item: it.Key, Value: score.Yes}
				switch it.Response {
				case score.RATE3:
					a.Value = score.Good
				case score.CNT, score.SMP:
					a.Value, a.Of = score.Count, 10
				}
			}
			ops = append(ops, w.op(id, visit.OpAnswer, a))
		}
		_, differs := but[it.Key]
		if it.Photo == visit.PhotoAlways || it.Photo == visit.PhotoFailure && differs {
			ops = append(ops, w.op(id, visit.OpPhoto, visit.Photo{Item: it.Key, File: photo}))
		}
	}
	for _, o := range w.visits.Post(ctx, actor, ops) {
		if o.Err != nil {
			w.t.Fatalf("%+v", o)
		}
	}
}

// sign writes the minutes and closes them with a scan.
func (w *world) sign(actor inspection.Actor, id string) {
	w.t.Helper()
	representatives, opinion := w.say("Ông Lê Văn Mẫu, Giám đốc Trung tâm"), w.say("Thống nhất với nội dung biên bản")
	w.post(actor, id, visit.OpMinutes, visit.Minutes{Representatives: &representatives, Opinion: &opinion})
	scan := w.file(actor, id, evidence.DocumentScan)
	w.post(actor, id, visit.OpSign, visit.Signed{Scans: []string{scan}})
}

// checked is a check that was answered, finished and signed.
func (w *world) checked(o org.Organisation, d *org.Desk, but answers) string {
	w.t.Helper()
	id := w.checkIn(w.target(o, d))
	w.answerAll(w.inspector, id, but)
	w.post(w.secretary, id, visit.OpFinish, struct{}{})
	w.sign(w.lead, id)
	return id
}

func (w *world) report(id string) {
	w.t.Helper()
	w.must(w.visits.Report(ctx, w.lead, id, inspection.NewID(), 0, visit.Report{Summary: w.say("Đơn vị chấp hành tốt, còn một số tồn tại"),
		Causes: w.say("Do thiếu người trực"), Proposals: w.say("Đề nghị khắc phục")}))
}

// conclude confirms every finding but those on the items that are to be withdrawn.
func (w *world) conclude(id string, withdraw ...string) {
	w.t.Helper()
	w.must(w.visits.Conclude(ctx, w.chair, id, inspection.NewID(), 0, visit.Conclude{Text: w.say("Kết luận: yêu cầu khắc phục")}, w.decisions(id, withdraw...)))
}

func (w *world) decisions(id string, withdraw ...string) (out []visit.Decision) {
	for _, f := range w.findings(id) {
		d := visit.Decision{Finding: f.ID, Confirm: !slices.Contains(withdraw, f.ItemKey)}
		if !d.Confirm {
			d.Reason = w.say("Đơn vị đã chứng minh được")
		}
		out = append(out, d)
	}
	return out
}

// concluded is checked, reported and concluded.
func (w *world) concluded(o org.Organisation, d *org.Desk, but answers, withdraw ...string) string {
	w.t.Helper()
	id := w.checked(o, d, but)
	w.report(id)
	w.conclude(id, withdraw...)
	return id
}

// findings are those of a check as they stand, by item.
func (w *world) findings(id string) []finding.Finding {
	w.t.Helper()
	var all []finding.Finding
	w.must(w.db.Where("visit_id = ?", id).Order("item_key").Find(&all).Error)
	return all
}

func (w *world) finding(id, item string) finding.Finding {
	w.t.Helper()
	for _, f := range w.findings(id) {
		if f.ItemKey == item {
			return f
		}
	}
	w.t.Fatalf("no finding on %s", item)
	return finding.Finding{}
}

// accepted brings a finding of a concluded check to its acceptance.
func (w *world) accepted(id, item string) finding.Finding {
	w.t.Helper()
	f := w.finding(id, item)
	w.must(w.finds.Acknowledge(ctx, w.head, f.ID, 0))
	w.clock.Advance(26 * time.Hour)
	after := w.file(w.head, id, evidence.Photo)
	w.must(w.finds.Submit(ctx, w.head, f.ID, 0, finding.SubmitInput{Text: w.say("Đã khắc phục xong"), Files: []string{after}}))
	w.must(w.finds.Accept(ctx, w.lead, f.ID, 0, w.say("Chấp nhận kết quả khắc phục")))
	return w.finding(id, item)
}

func (w *world) visit(id string) visit.Visit {
	w.t.Helper()
	v, err := w.visits.Find(w.db, id)
	w.must(err)
	return v
}

func (w *world) rows(table, where string, args ...any) (n int64) {
	w.t.Helper()
	w.must(w.db.Table(table).Where(where, args...).Count(&n).Error)
	return n
}

// is holds an error against what was to be expected of it.
func is(t testing.TB, err error, code inspection.Code, key string) *inspection.Error {
	t.Helper()
	var e *inspection.Error
	if !errors.As(err, &e) || e.Code != code || e.Key != key {
		t.Fatalf("%v, want %s: %s", err, code, key)
	}
	return e
}

func fieldsOf(e *inspection.Error) []string { return slices.Sorted(maps.Keys(e.Fields)) }

// seeded is a random source, and how often a random test repeats: a tenth unless
// CONGVU_LONG is set.
func seeded(t testing.TB, all int) (*rand.Rand, int) {
	t.Helper()
	return seedtest.Source(t, 7), seedtest.Times(all, 10)
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }
