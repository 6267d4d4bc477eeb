package main

import (
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"congvu/evidence"
	"congvu/evidence/blob"
	"congvu/evidence/blob/blobtest"
	"congvu/evidence/snapshot"
	"congvu/inspection"
	"congvu/inspection/plan"
	"congvu/inspection/score"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"
	"congvu/web"

	"gorm.io/gorm"
)

// eachPair runs a test on both pairs of stores, with cameras being asked.
func eachPair(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		var store blob.Store // files
		if db.Name() == "postgres" {
			store = blobtest.S3(t, "CONGVU_TEST_MINIO")
		}
		s := newSiteOn(t, db, store, morning)
		s.taking()
		test(t, s)
	})
}

// look begins a look at a commune's desk from the office.
func (s *site) look(commune int) (check string) {
	s.t.Helper()
	lead, desk := s.actor("truongdoan"), s.demo.desks[mau(commune)].ID
	target, err := s.demo.services.Plan.Seal(s.t.Context(), lead, plan.NewTarget{ID: inspection.NewID(), TeamID: s.demo.teams[1], LeadID: lead.Person, Form: plan.Remote,
		OrganisationID: s.demo.organs[mau(commune)].ID, DeskID: &desk, PlannedOn: s.clock.Now().Date(), PlannedAt: 480,
		OpenTo: []plan.Opening{{PersonID: s.demo.people["thuky"]}, {PersonID: s.demo.people["thanhvien"]}}})
	s.must(err)
	check = inspection.NewID()
	s.must(s.demo.services.Visits.CheckInRemotely(s.t.Context(), lead, check, inspection.NewID(), target.ID))
	return check
}

func mau(commune int) string { return "mau/0" + string(rune('0'+commune)) }

// looks does acts of the office on a look.
func (s *site) looks(check string, acts ...visit.Act) {
	s.t.Helper()
	for i := range acts {
		acts[i].ID = inspection.NewID()
	}
	s.must(s.demo.services.Visits.Look(s.t.Context(), s.actor("truongdoan"), check, nil, acts...))
}

// frame takes a still in a look, for an item or for the check itself, judges it, and gives
// its request and its bytes.
func (s *site) frame(check string, c *hung, item string) (snapshot.Request, []byte) {
	s.t.Helper()
	s.clock.Advance(10 * time.Second)
	id := inspection.NewID()
	s.must(s.demo.services.Visits.Look(s.t.Context(), s.actor("truongdoan"), check, nil,
		visit.Act{ID: id, Type: visit.OpSnapshot, Payload: visit.Snapshot{Camera: c.id, Item: item, Reason: "xem quầy"}}))
	s.demo.services.Snapshots.Wake()
	r := s.decided(id)
	if r.State != snapshot.Taken || r.Cause != "" {
		s.t.Fatalf("%+v", r)
	}
	s.looks(check, visit.Act{Type: visit.OpJudge, Payload: visit.Judge{Request: id, Value: visit.Manned}})
	c.mu.Lock()
	defer c.mu.Unlock()
	return r, c.last
}

// looked is a look whose minutes are sent: one still hangs on the check, one on an item that
// failed and of which a finding was raised. Both have previews and a shared copy.
func (s *site) looked(commune int) (check string, loose, proof snapshot.Request, raw []byte) {
	s.t.Helper()
	c := s.camera(commune)
	check = s.look(commune)
	loose, raw = s.frame(check, c, "")
	proof, _ = s.frame(check, c, "A04")
	s.looks(check, visit.Act{Type: visit.OpAnswer, Payload: visit.AnswerItem{Item: "A04", Value: score.No}},
		visit.Act{Type: visit.OpNote, Payload: visit.Note{Item: "A04", Text: "Quầy 2 không có người trực."}})
	s.derive()
	for _, r := range []snapshot.Request{loose, proof} {
		s.must(s.demo.services.Evidence.ConfirmShared(s.t.Context(), s.actor("truongdoan"), r.FileID, nil, true))
	}
	s.looks(check, visit.Act{Type: visit.OpFinish, Payload: struct{}{}})
	s.looks(check, visit.Act{Type: visit.OpSend, Payload: struct{}{}})
	if n := len(s.findings(check)); n != 1 {
		s.t.Fatalf("%d findings", n)
	}
	return check, loose, proof, raw
}

// decides reports and concludes a look, its finding confirmed or withdrawn.
func (s *site) decides(check string, confirm bool) {
	s.t.Helper()
	v, err := s.demo.services.Visits.Get(s.t.Context(), s.actor("truongdoan"), check)
	s.must(err)
	if over := inspection.At(v.ExplainDue.AddDays(1).Time().Add(9 * time.Hour)); over > s.clock.Now() { // its unit has said nothing
		s.later(over)
	}
	s.reports(check)
	s.must(s.demo.services.Visits.Conclude(s.t.Context(), s.actor("chutich"), check, inspection.NewID(), 0, visit.Conclude{Text: "Đã xem xét."},
		[]visit.Decision{{Finding: s.findings(check)[0].ID, Confirm: confirm, Reason: "Chưa đủ căn cứ để kết luận."}}))
}

// retires looks at all stills once.
func (s *site) retires(services web.Services) (went int) {
	s.t.Helper()
	for after := ""; ; {
		last, n, err := services.Snapshots.Retire(s.t.Context(), after)
		s.must(err)
		went += n
		if after = last; last == "" {
			return went
		}
	}
}

// minutesOf is when the minutes of a check were closed.
func (s *site) minutesOf(check string) (at inspection.Instant) {
	s.t.Helper()
	s.must(s.db.Table("visits").Where("id = ?", check).Select("minutes_at").Scan(&at).Error)
	return at
}

// later puts the clock to an instant; who was signed in signs in again.
func (s *site) later(at inspection.Instant) {
	s.clock.Set(at.Time())
	clear(s.tokens)
}

// keys are what the rows name of a file in the store.
func (s *site) keys(id string) (keys []string) {
	s.t.Helper()
	s.must(s.db.Raw("SELECT CASE WHEN object <> '' THEN object ELSE 'o/' || sha256 END FROM evidence_files WHERE id = ? UNION SELECT CASE WHEN object <> '' THEN object ELSE 'd/' || sha256 END FROM evidence_derived WHERE file_id = ?", id, id).Scan(&keys).Error)
	return keys
}

// there counts which of the keys the store has.
func (s *site) there(keys []string) (n int) {
	s.t.Helper()
	for _, key := range keys {
		_, err := s.demo.program.store.Stat(s.t.Context(), key)
		if err != nil && !errors.Is(err, blob.ErrNotFound) {
			s.t.Fatal(err)
		}
		if err == nil {
			n++
		}
	}
	return n
}

// gone holds what must be true of a still that went.
func (s *site) gone(r snapshot.Request, check string) {
	s.t.Helper()
	words := "Đã xóa ngày " + s.clock.Now().Date().VN() + ", sau 90 ngày theo quy định"
	s.says(s.page("truongdoan", "/visits/"+check+"/photos"), words)
	s.says(s.page("truongdoan", "/visits/"+check+"/minutes"), words, s.hash(r.FileID))
	for _, variant := range []evidence.Variant{evidence.Original, evidence.Preview, evidence.Thumb, evidence.Shared, evidence.SharedThumb} {
		_, err := s.demo.services.Evidence.Open(s.t.Context(), s.actor("truongdoan"), r.FileID, variant, "xem lại ảnh")
		if inspection.KeyOf(err) != "evidence.error.removed" || inspection.CodeOf(err) != inspection.NotFound {
			s.t.Errorf("%s opens: %v", variant, err)
		}
	}
	if a := s.get("truongdoan", "/files/"+r.FileID+"/original"); a.code != http.StatusNotFound || !strings.Contains(a.body, "đã xóa ngày") {
		s.t.Errorf("%d %.300s", a.code, a.body)
	}
	if a := s.call("truongdoan", http.MethodGet, "/api/v1/files/"+r.FileID, nil); a.code != http.StatusOK || !strings.Contains(a.body, `"removed_at"`) || !strings.Contains(a.body, `"variants":[]`) {
		s.t.Errorf("%d %s", a.code, a.body)
	}
	if _, err := s.demo.services.Evidence.ReceiptOf(s.t.Context(), s.actor("truongdoan"), r.FileID); err != nil {
		s.t.Errorf("the receipt: %v", err)
	}
	err := s.demo.services.Evidence.ConfirmShared(s.t.Context(), s.actor("truongdoan"), r.FileID, nil, true)
	if inspection.KeyOf(err) != "evidence.error.removed" {
		s.t.Errorf("a copy is confirmed: %v", err)
	}
	var bodies []string
	s.must(s.db.Raw("SELECT body FROM history WHERE action = 'evidence.remove' AND subject_id = ?", r.FileID).Scan(&bodies).Error)
	if len(bodies) != 1 || !strings.Contains(bodies[0], s.hash(r.FileID)) || !strings.Contains(bodies[0], "KEPT_90_DAYS") || !strings.Contains(bodies[0], "91/2025/QH15") {
		s.t.Errorf("history says %q", bodies)
	}
	var states []string
	s.must(s.db.Raw("SELECT state || ' ' || derive_state FROM evidence_files WHERE id = ?", r.FileID).Scan(&states).Error)
	if !slices.Equal(states, []string{"RECEIVED NONE"}) {
		s.t.Errorf("the row says %v", states)
	}
	if now := s.request(r.ID); now.State != snapshot.Taken || now.FileID != r.FileID {
		s.t.Errorf("the request: %+v", now)
	}
}

func (s *site) hash(id string) (sum string) {
	s.t.Helper()
	s.must(s.db.Raw("SELECT sha256 FROM evidence_files WHERE id = ?", id).Scan(&sum).Error)
	return sum
}

// stands holds that a picture opens in every form.
func (s *site) stands(id string) {
	s.t.Helper()
	for _, variant := range []evidence.Variant{evidence.Original, evidence.Preview, evidence.Thumb, evidence.Shared, evidence.SharedThumb} {
		c, err := s.demo.services.Evidence.Open(s.t.Context(), s.actor("truongdoan"), id, variant, "")
		if err != nil {
			s.t.Errorf("%s: %v", variant, err)
			continue
		}
		raw, err := io.ReadAll(c)
		if err := errors.Join(err, c.Close()); err != nil || len(raw) == 0 || variant == evidence.Original && sum(raw) != s.hash(id) {
			s.t.Errorf("%s: %d bytes, %v", variant, len(raw), err)
		}
	}
}

// TestStillsGoAfter90Days: what no finding needs goes on its day, with all that was made of
// it, and not before; a photograph of the same bytes stays, and so does what proves a
// finding until that is withdrawn.
func TestStillsGoAfter90Days(t *testing.T) {
	t.Parallel()
	eachPair(t, func(t *testing.T, s *site) {
		check, loose, proof, raw := s.looked(7)
		other := s.begin(s.seal(3))
		twin := s.file("thanhvien", other, raw, evidence.Photo)
		s.derive()
		s.must(s.demo.services.Evidence.ConfirmShared(t.Context(), s.actor("truongdoan"), twin, nil, true))
		if s.hash(twin) != s.hash(loose.FileID) {
			t.Fatal("the photograph has other bytes")
		}
		looseKeys, proofKeys := s.keys(loose.FileID), s.keys(proof.FileID)
		if len(looseKeys) != 5 || len(proofKeys) != 5 || s.there(slices.Concat(looseKeys, proofKeys)) != 10 {
			t.Fatalf("%v, %v", looseKeys, proofKeys)
		}
		for _, key := range looseKeys {
			if !strings.HasPrefix(key, "s/") {
				t.Errorf("%s is not kept apart", key)
			}
		}
		due := s.minutesOf(check).Add(snapshot.Kept)
		s.later(due - 1)
		if n := s.retires(s.demo.services); n != 0 {
			t.Fatalf("%d went before their day", n)
		}
		s.stands(loose.FileID)
		open, err := s.demo.services.Evidence.Open(t.Context(), s.actor("truongdoan"), loose.FileID, evidence.Original, "")
		s.must(err)
		defer open.Close()
		s.later(due)
		if n := s.retires(s.demo.services); n != 1 {
			t.Fatalf("%d went", n)
		}
		s.gone(loose, check)
		if got, err := io.ReadAll(open); err != nil || sum(got) != s.hash(loose.FileID) {
			t.Errorf("who had it open: %d bytes, %v", len(got), err)
		}
		s.drops(0)
		s.clock.Advance(6 * time.Hour)
		s.drops(1)
		if n := s.there(looseKeys); n != 0 {
			t.Errorf("%d objects stay", n)
		}
		s.stands(twin)
		s.stands(proof.FileID)
		if _, err := s.demo.services.Evidence.CompareViews(t.Context(), s.actor("truongdoan"), loose.FileID, twin); inspection.CodeOf(err) != inspection.NotFound {
			t.Errorf("a removed picture is compared: %v", err)
		}
		states, err := s.demo.services.Evidence.States(s.db, check)
		if err != nil || states[loose.FileID] != evidence.Received {
			t.Errorf("what came and went has become %q for its check: %v", states[loose.FileID], err)
		}

		s.decides(check, false)
		concluded := s.clock.Now()
		s.later(concluded.Add(snapshot.Kept) - 1)
		if n := s.retires(s.demo.services); n != 0 {
			t.Fatalf("%d went before their day", n)
		}
		s.later(concluded.Add(snapshot.Kept))
		if n := s.retires(s.demo.services); n != 1 {
			t.Fatalf("%d went", n)
		}
		s.gone(proof, check)
		s.clock.Advance(6 * time.Hour)
		s.drops(1)
		if n := s.there(proofKeys); n != 0 {
			t.Errorf("%d objects stay", n)
		}
	})
}

// drops takes the bytes of what was removed out of the store.
func (s *site) drops(want int) {
	s.t.Helper()
	if n, err := s.demo.services.Evidence.DropRemoved(s.t.Context()); err != nil || n != want {
		s.t.Errorf("%d left the store, want %d: %v", n, want, err)
	}
}

// TestTheTermBeginsWithTheConclusion: of a check that is concluded, stills go 90 days after
// that; one of a finding that stands stays, and one on an item of a check that goes on, and
// every still of a check at the place.
func TestTheTermBeginsWithTheConclusion(t *testing.T) {
	t.Parallel()
	eachPair(t, func(t *testing.T, s *site) {
		check, loose, proof, _ := s.looked(7)
		c := s.camera(2)
		draft := s.look(2)
		onItem, _ := s.frame(draft, c, "A04")
		free, _ := s.frame(draft, c, "")
		c.mu.Lock()
		same := c.last
		c.mu.Unlock()
		c.says(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(same) })
		desk := s.camera(3)
		place := s.begin(s.seal(3))
		ordinary := s.decided(s.still("thanhvien", place, visit.Snapshot{Camera: desk.id, Item: "A04"}))
		if keys := s.keys(ordinary.FileID); !slices.Equal(keys, []string{"o/" + s.hash(ordinary.FileID)}) {
			t.Errorf("a still of a check at the place is kept under %v", keys)
		}
		s.decides(check, true)
		concluded := s.clock.Now()
		s.later(free.TakenAt.Add(snapshot.Kept))
		if n := s.retires(s.demo.services); n != 1 {
			t.Fatalf("%d went", n)
		}
		s.gone(free, draft)
		s.later(concluded.Add(snapshot.Kept) - 1)
		if n := s.retires(s.demo.services); n != 0 {
			t.Fatalf("%d went before their day", n)
		}
		s.later(concluded.Add(snapshot.Kept))
		if n := s.retires(s.demo.services); n != 1 {
			t.Fatalf("%d went", n)
		}
		s.gone(loose, check)
		s.stands(proof.FileID)
		s.later(concluded.Add(10 * snapshot.Kept))
		if n := s.retires(s.demo.services); n != 0 {
			t.Fatalf("%d more went", n)
		}
		for _, r := range []snapshot.Request{proof, onItem, ordinary} {
			if i, err := s.demo.services.Evidence.Get(t.Context(), s.actor("chutich"), r.FileID); err != nil && inspection.CodeOf(err) != inspection.NotFound || i.RemovedAt > 0 {
				t.Errorf("%s: %+v %v", r.FileID, i, err)
			}
			if n := s.there(s.keys(r.FileID)); n == 0 {
				t.Errorf("the bytes of %s are gone", r.FileID)
			}
		}
	})
}

// second is another copy of the program on the same stores.
func (s *site) second() web.Services {
	s.t.Helper()
	keys, err := s.demo.program.config.ReadKeys()
	s.must(err)
	services, err := build(s.db, s.demo.program.store, s.clock, keys, s.demo.program.config)
	s.must(err)
	return services
}

// TestRemovalIsFinishedByWhoeverComes: two copies that remove at once do it once; what was
// removed by one that died then leaves the store by another, even where some of it is gone
// already; previews that are still being made make no difference.
func TestRemovalIsFinishedByWhoeverComes(t *testing.T) {
	t.Parallel()
	eachPair(t, func(t *testing.T, s *site) {
		c := s.camera(7)
		check := s.look(7)
		var frames []snapshot.Request
		for range 6 {
			r, _ := s.frame(check, c, "")
			frames = append(frames, r)
			if len(frames) == 4 {
				s.derive() // the last two have no previews yet
			}
		}
		var keys []string
		for _, r := range frames {
			keys = append(keys, s.keys(r.FileID)...)
		}
		if len(keys) != 4*3+2 || s.there(keys) != len(keys) {
			t.Fatalf("%d objects", len(keys))
		}
		s.later(frames[5].TakenAt.Add(snapshot.Kept))
		second, first := s.second(), s.demo.services
		var both [2]int
		var done sync.WaitGroup
		for i, copy := range []web.Services{first, second} {
			done.Go(func() {
				_, n, err := copy.Snapshots.Retire(t.Context(), "")
				if err != nil {
					t.Error(err)
				}
				both[i] = n
			})
		}
		done.Wait()
		if both[0]+both[1] != len(frames) {
			t.Errorf("two copies removed %v", both)
		}
		for _, r := range frames {
			s.gone(r, check)
		}
		s.derive()
		j, err := first.Evidence.Jobs(t.Context())
		s.must(err)
		if j.Waiting+j.Failed+j.Coming > 0 {
			t.Errorf("work that nobody can do: %+v", j)
		}
		if n := s.there(keys); n != len(keys) {
			t.Fatalf("%d of %d objects: the copy is to die before it takes them out", n, len(keys))
		}
		s.must(s.demo.program.store.Delete(t.Context(), keys[0]))
		s.clock.Advance(6 * time.Hour)
		if n, err := second.Evidence.DropRemoved(t.Context()); err != nil || n != len(frames) {
			t.Errorf("%d left the store: %v", n, err)
		}
		if n := s.there(keys); n != 0 {
			t.Errorf("%d objects stay", n)
		}
		s.drops(0)
		for info, err := range s.demo.program.store.List(t.Context(), "s") {
			t.Errorf("in the store stays %s, %v", info.Key, err)
		}
	})
}

// TestOnceADay: the daily job removes what is due once over all copies, and the next day
// what became due since.
func TestOnceADay(t *testing.T) {
	t.Parallel()
	eachPair(t, func(t *testing.T, s *site) {
		c := s.camera(7)
		check := s.look(7)
		r, _ := s.frame(check, c, "")
		p := s.demo.program
		p.services = s.demo.services
		for _, x := range []struct {
			after time.Duration
			want  int
		}{{snapshot.Kept - 24*time.Hour, 0}, {snapshot.Kept, 1}, {snapshot.Kept + time.Minute, 0}, {snapshot.Kept + 24*time.Hour, 0}} {
			s.later(r.TakenAt.Add(x.after))
			n := 0
			for range 2 {
				did, err := p.retire(t.Context(), inspection.NewID(), s.clock)
				s.must(err)
				n += did
			}
			if n != x.want {
				t.Errorf("after %v went %d", x.after, n)
			}
		}
	})
}

// TestWhatIsRemovedIsBackedUpNoMore: a backup has what is kept apart and not what was
// removed, whether its bytes have left or not, and restores to the same on the other stores.
func TestWhatIsRemovedIsBackedUpNoMore(t *testing.T) {
	t.Parallel()
	eachPair(t, func(t *testing.T, s *site) {
		check, loose, proof, _ := s.looked(7)
		c := s.camera(2)
		later, _ := s.frame(s.look(2), c, "")
		s.derive()
		s.must(s.db.Exec("UPDATE evidence_files SET captured_at = captured_at + ? WHERE id = ?", (24 * time.Hour).Milliseconds(), later.FileID).Error)
		looseKeys, laterKeys := s.keys(loose.FileID), s.keys(later.FileID)
		s.later(s.minutesOf(check).Add(snapshot.Kept))
		if n := s.retires(s.demo.services); n != 1 {
			t.Fatalf("%d went", n)
		}
		s.clock.Advance(24 * time.Hour)
		s.drops(1)
		s.clock.Advance(time.Minute)
		if n := s.retires(s.demo.services); n != 1 {
			t.Fatalf("%d went", n)
		}
		if len(laterKeys) != 3 || s.there(laterKeys) != 3 {
			t.Fatal("the bytes of the second have left already")
		}
		dir := filepath.Join(t.TempDir(), "backup")
		man, err := s.demo.backup(t.Context(), s.db, s.demo.program.store, dir)
		s.must(err)
		var kept []string
		for _, o := range man.Objects {
			if strings.HasPrefix(o.Key, "s/") {
				kept = append(kept, o.Key)
			}
		}
		want := s.keys(proof.FileID)
		slices.Sort(want)
		if !slices.Equal(kept, want) {
			t.Errorf("the backup has %v, not %v; removed are %v, %v", kept, want, looseKeys, laterKeys)
		}
		to := bothStores[1]
		if s.db.Name() == "postgres" {
			to = bothStores[0]
		}
		m, config := newInstallation(t, to.settings(t))
		_, err = m.restore(t.Context(), config, dir)
		s.must(err)
		m.Clock = s.clock
		p, err := m.open(t.Context(), config)
		s.must(err)
		t.Cleanup(p.close)
		again := *s
		again.db, again.demo = p.db, &demo{Main: m, program: p, people: s.demo.people, clock: s.clock}
		for _, r := range []snapshot.Request{loose, later} {
			if _, err := p.services.Evidence.Open(t.Context(), s.actor("truongdoan"), r.FileID, evidence.Original, ""); inspection.KeyOf(err) != "evidence.error.removed" {
				t.Errorf("a removed one opens: %v", err)
			}
		}
		again.stands(proof.FileID)
		s.clock.Advance(6 * time.Hour)
		again.drops(1) // the second, whose bytes did not come along
		again.drops(0)
		again.stands(proof.FileID)
	})
}

// TestAStillThatNobodyTookLeavesNothing: what a camera gave for somebody who is of the team
// no more is not in the store.
func TestAStillThatNobodyTookLeavesNothing(t *testing.T) {
	t.Parallel()
	eachPair(t, func(t *testing.T, s *site) {
		c := s.camera(7)
		check := s.look(7)
		c.says(func(w http.ResponseWriter, _ *http.Request) {
			if err := s.db.Exec("UPDATE person_roles SET valid_to = ? WHERE person_id = ?", s.clock.Now().Date().AddDays(-1), s.demo.people["truongdoan"]).Error; err != nil {
				t.Error(err)
			}
			_, _ = w.Write(frame(5))
		})
		id := inspection.NewID()
		s.must(s.demo.services.Visits.Look(t.Context(), s.actor("truongdoan"), check, nil, visit.Act{ID: id, Type: visit.OpSnapshot, Payload: visit.Snapshot{Camera: c.id}}))
		if r := s.decided(id); r.State != snapshot.Lapsed {
			t.Errorf("%+v", r)
		}
		s.eventually("its bytes are gone", func() bool {
			for _, err := range s.demo.program.store.List(t.Context(), "s") {
				s.must(err)
				return false
			}
			return true
		})
	})
}
