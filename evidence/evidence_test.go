package evidence_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"image"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"congvu/evidence"
	"congvu/evidence/blob"
	"congvu/evidence/blob/blobtest"
	"congvu/evidence/blob/fileblob"
	"congvu/evidence/imaging"
	"congvu/evidence/imaging/imagingtest"
	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// rules are the rights of a small world: one team, one unit, one office, and checks
// that are open or not. They stand where the visits and org stand in the program.
type rules struct {
	closed map[string]bool // visits that take no files any more
	known  map[string]bool
}

const teamID, unitID = "team-1", "unit-1"

func (r rules) Add(_ *gorm.DB, a inspection.Actor, visit string, on []evidence.Subject) (evidence.Grant, error) {
	g := evidence.Grant{Team: teamID, Organisation: unitID, Decision: "12/QĐ-UBND"}
	if !r.known[visit] || len(a.Capacities) == 0 {
		return g, inspection.E(inspection.NotFound, "evidence.error.not_found")
	}
	g.Capacity = a.Capacities[0]
	switch {
	case a.Is(inspection.TeamRoles...):
		g.Side = evidence.Team
	case a.Is(inspection.UnitHead, inspection.UnitContact) && !slices.ContainsFunc(on, func(s evidence.Subject) bool { return s.Kind == evidence.OnItem }):
		g.Side = evidence.Unit
	default:
		return g, inspection.E(inspection.NotFound, "evidence.error.not_found")
	}
	if r.closed[visit] {
		return g, inspection.E(inspection.Conflict, "evidence.error.changed")
	}
	return g, nil
}

func (r rules) See(_ *gorm.DB, a inspection.Actor, f evidence.Facts) (evidence.View, error) {
	if !r.known[f.Visit] || len(a.Capacities) == 0 {
		return evidence.View{}, nil
	}
	v := evidence.View{Capacity: a.Capacities[0]}
	switch {
	case a.Is(inspection.TeamRoles...) && a.Capacities[0].Team == f.Team:
		v.Side, v.Lead, v.Sight = evidence.Team, a.Is(inspection.TeamLead), evidence.SeeAll
		if v.Lead || f.Mine {
			v.Sight = evidence.SeeRestricted
		}
	case a.Is(inspection.UnitHead, inspection.UnitContact) && a.Capacities[0].Organisation == f.Organisation:
		v.Side = evidence.Unit
		switch {
		case f.Side == evidence.Unit && f.Mine:
			v.Sight = evidence.SeeRestricted
		case f.Side == evidence.Unit:
			v.Sight = evidence.SeeAll
		case f.Told:
			v.Sight = evidence.SeeShared
		}
	case a.Is(inspection.Chairperson):
		v.Side, v.Sight = evidence.Office, evidence.SeeShared
	}
	return v, nil
}

func person(role inspection.Role) inspection.Actor {
	c := inspection.Capacity{Role: role}
	if slices.Contains(inspection.TeamRoles, role) {
		c.Team = teamID
	} else {
		c.Organisation = unitID
	}
	return inspection.Actor{Person: inspection.NewID(), Capacities: []inspection.Capacity{c}, Device: "tablet-1"}
}

type world struct {
	*testing.T
	s         *evidence.Service
	db        *gorm.DB
	store     blob.Store
	clock     *inspection.ManualClock
	rules     rules
	spool     string
	key       ed25519.PrivateKey
	visit     string
	other     string // another check
	lead      inspection.Actor
	inspector inspection.Actor
	colleague inspection.Actor
	unit      inspection.Actor
	contact   inspection.Actor
	chair     inspection.Actor
	outsider  inspection.Actor // of another unit
}

var limits = imaging.Limits{Bytes: 2 << 20, Pixels: 4_000_000}

func newWorld(t *testing.T, db *gorm.DB, store blob.Store) *world {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, db: db, store: store, clock: inspection.NewManualClock(time.Date(2026, 3, 4, 9, 0, 0, 0, inspection.Zone)),
		visit: inspection.NewID(), other: inspection.NewID(), spool: t.TempDir(), key: key,
		lead: person(inspection.TeamLead), inspector: person(inspection.Inspector), colleague: person(inspection.Inspector),
		unit: person(inspection.UnitHead), contact: person(inspection.UnitContact), chair: person(inspection.Chairperson), outsider: person(inspection.UnitHead)}
	w.outsider.Capacities[0].Organisation = "unit-2"
	w.rules = rules{closed: map[string]bool{}, known: map[string]bool{w.visit: true, w.other: true}}
	if w.s, err = evidence.New(db, w.clock, store, w.rules, evidence.Config{Limits: limits, Spool: w.spool, Key: key}); err != nil {
		t.Fatal(err)
	}
	return w
}

// each runs a test on both databases, on a store of files.
func each(t *testing.T, test func(w *world)) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) { test(newWorld(t, db, files(t))) })
}

func files(t *testing.T) blob.Store {
	t.Helper()
	store, err := fileblob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func sum(raw []byte) string {
	h := sha256.Sum256(raw)
	return hex.EncodeToString(h[:])
}

func photo(w, h int) []byte {
	return imagingtest.JPEG(imagingtest.Scene(w, h), imagingtest.Exif{Orientation: 1, Lat: 20.92, Lng: 105.7})
}

func item(id string) evidence.On {
	return evidence.On{Subject: evidence.Subject{Kind: evidence.OnItem, ID: id}, Role: evidence.Evidence}
}

func onFinding(id string, role evidence.Role) evidence.On {
	return evidence.On{Subject: evidence.Subject{Kind: evidence.OnFinding, ID: id}, Role: role}
}

func (w *world) declaration(raw []byte, on ...evidence.On) evidence.Declaration {
	return evidence.Declaration{ID: inspection.NewID(), Visit: w.visit, SHA256: sum(raw), Size: int64(len(raw)), Name: "IMG_0001.jpg",
		Kind: evidence.Photo, CapturedAt: w.clock.Now(), On: on}
}

func (w *world) declare(a inspection.Actor, d evidence.Declaration) {
	w.Helper()
	if _, err := w.s.Declare(w.Context(), a, d); err != nil {
		w.Fatalf("declare: %v", err)
	}
}

func (w *world) send(a inspection.Actor, id string, raw []byte) evidence.Receipt {
	w.Helper()
	r, err := w.s.Receive(w.Context(), a, id, int64(len(raw)), bytes.NewReader(raw))
	if err != nil {
		w.Fatalf("send: %v", err)
	}
	return r
}

// add declares and sends.
func (w *world) add(a inspection.Actor, raw []byte, change func(*evidence.Declaration), on ...evidence.On) string {
	w.Helper()
	d := w.declaration(raw, on...)
	if change != nil {
		change(&d)
	}
	w.declare(a, d)
	w.send(a, d.ID, raw)
	return d.ID
}

func contains(c evidence.Contains) func(*evidence.Declaration) {
	return func(d *evidence.Declaration) { d.Contains = c }
}

func (w *world) get(a inspection.Actor, id string) evidence.Item {
	w.Helper()
	i, err := w.s.Get(w.Context(), a, id)
	if err != nil {
		w.Fatalf("get: %v", err)
	}
	return i
}

func (w *world) open(a inspection.Actor, id string, v evidence.Variant, reason string) ([]byte, error) {
	w.Helper()
	c, err := w.s.Open(w.Context(), a, id, v, reason)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	raw, err := io.ReadAll(c)
	if err != nil || int64(len(raw)) != c.Size || c.ETag != `"`+sum(raw)+`"` {
		w.Fatalf("content: %d bytes of %d, %s, %v", len(raw), c.Size, c.ETag, err)
	}
	return raw, nil
}

// awaited are the files of the check that the team waits for.
func (w *world) awaited() ([]string, error) {
	states, err := w.s.States(w.db, w.visit)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(states)), func(id string) bool { return states[id] != evidence.Declared }), err
}

func (w *world) want(err error, code inspection.Code, key string) {
	w.Helper()
	if inspection.CodeOf(err) != code || inspection.KeyOf(err) != key {
		w.Errorf("want %s %s, got %v", code, key, err)
	}
}

// nothingLeft tells whether a refused file left anything in the store or the spool.
func (w *world) nothingLeft() {
	w.Helper()
	for info, err := range w.store.List(w.Context(), "") {
		w.Errorf("in the store: %v %v", info, err)
	}
	w.spoolEmpty()
}

func (w *world) spoolEmpty() {
	w.Helper()
	left, err := os.ReadDir(w.spool)
	if err != nil || len(left) != 0 {
		w.Errorf("in the spool: %v %v", left, err)
	}
}

func (w *world) actions(id string) []string {
	w.Helper()
	rows, err := history.OfSubject(w.db, "file", id)
	if err != nil {
		w.Fatal(err)
	}
	var list []string
	for _, r := range rows {
		list = append(list, r.Action)
	}
	return list
}

func TestDeclareSendReceipt(t *testing.T) {
	stores := map[string]func(*testing.T) blob.Store{"files": files,
		"minio": func(t *testing.T) blob.Store { return blobtest.S3(t, "CONGVU_TEST_MINIO") }}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
				w := newWorld(t, db, open(t))
				taken := time.Date(2026, 3, 4, 8, 55, 0, 0, inspection.Zone)
				raw := imagingtest.JPEG(imagingtest.Scene(800, 600), imagingtest.Exif{Orientation: 6, Taken: taken, Lat: 20.92, Lng: 105.7})
				d := w.declaration(raw, item("D04"))
				w.declare(w.inspector, d)
				before := w.get(w.inspector, d.ID)
				if before.State != evidence.Declared || !before.ReceivedAt.IsZero() || before.MediaType != "" || len(before.On) != 1 || before.On[0] != item("D04") {
					t.Fatalf("%+v", before)
				}
				if missing, err := w.awaited(); err != nil || !slices.Equal(missing, []string{d.ID}) {
					t.Fatalf("missing %v, %v", missing, err)
				}
				if _, err := w.open(w.inspector, d.ID, evidence.Original, ""); inspection.KeyOf(err) != "evidence.error.not_received" {
					t.Fatal(err)
				}
				w.clock.Advance(time.Minute)
				receipt := w.send(w.inspector, d.ID, raw)
				if err := evidence.VerifyReceipt(w.s.PublicKey(), receipt); err != nil {
					t.Fatal(err)
				}
				if receipt.File != d.ID || receipt.Visit != w.visit || receipt.SHA256 != sum(raw) || receipt.Size != int64(len(raw)) || receipt.ReceivedAt != w.clock.Now().String() {
					t.Fatalf("%+v", receipt)
				}
				after := w.get(w.inspector, d.ID)
				if after.State != evidence.Received || after.MediaType != imaging.JPEG || after.Width != 600 || after.Height != 800 || after.Lat == nil ||
					after.TakenAt != inspection.At(taken) || after.DeriveState != evidence.DerivePending {
					t.Fatalf("%+v", after)
				}
				if missing, err := w.awaited(); err != nil || len(missing) != 0 {
					t.Fatalf("missing %v, %v", missing, err)
				}
				back, err := w.open(w.inspector, d.ID, evidence.Original, "")
				if err != nil || !bytes.Equal(back, raw) {
					t.Fatalf("other bytes: %v", err)
				}
				// The same again, at another time: the same receipt, nothing new.
				w.clock.Advance(time.Hour)
				again, err := w.s.Receive(w.Context(), w.inspector, d.ID, int64(len(raw)), iotestUnread{t})
				if err != nil || again != receipt {
					t.Fatalf("%+v, %v", again, err)
				}
				if did, err := w.s.Deriver(1, time.Hour).Step(w.Context()); !did || err != nil {
					t.Fatalf("derived %v, %v", did, err)
				}
				for variant, side := range map[evidence.Variant]int{evidence.Thumb: 320, evidence.Preview: 800} {
					raw, err := w.open(w.lead, d.ID, variant, "")
					if err != nil {
						t.Fatal(err)
					}
					c, _, err := image.DecodeConfig(bytes.NewReader(raw))
					if err != nil || c.Height != side {
						t.Fatalf("%s: %+v, %v", variant, c, err)
					}
				}
				if did, err := w.s.Deriver(1, time.Hour).Step(w.Context()); did || err != nil {
					t.Fatalf("derived again: %v, %v", did, err)
				}
				if got := w.actions(d.ID); !slices.Equal(got, []string{"evidence.declare", "evidence.link", "evidence.receive"}) {
					t.Fatal(got)
				}
				w.spoolEmpty()
			})
		})
	}
}

// iotestUnread fails the test when it is read.
type iotestUnread struct{ t *testing.T }

func (u iotestUnread) Read([]byte) (int, error) {
	u.t.Error("read what was received already")
	return 0, io.EOF
}

func TestReceiptsThatLie(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t), files(t))
	raw := photo(64, 48)
	d := w.declaration(raw)
	w.declare(w.inspector, d)
	good := w.send(w.inspector, d.ID, raw)
	for name, change := range map[string]func(*evidence.Receipt){
		"hash": func(r *evidence.Receipt) { r.SHA256 = sum([]byte("x")) }, "size": func(r *evidence.Receipt) { r.Size++ },
		"file": func(r *evidence.Receipt) { r.File = inspection.NewID() }, "visit": func(r *evidence.Receipt) { r.Visit = w.other },
		"time": func(r *evidence.Receipt) { r.ReceivedAt = "2020-01-01T00:00:00.000+07:00" }, "signature": func(r *evidence.Receipt) { r.Signature = "" },
		"no base64": func(r *evidence.Receipt) { r.Signature = "?" }, "key": func(r *evidence.Receipt) { r.Key = "0000000000000000" },
	} {
		bad := good
		change(&bad)
		if evidence.VerifyReceipt(w.s.PublicKey(), bad) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	other, _, _ := ed25519.GenerateKey(nil)
	if evidence.VerifyReceipt(other, good) == nil || evidence.VerifyReceipt(nil, good) == nil {
		t.Error("accepted with another key")
	}
	if _, err := evidence.New(w.db, w.clock, w.store, w.rules, evidence.Config{}); err == nil {
		t.Error("a service without a key")
	}
}

func TestDeclaringTwiceIsOneDeclaration(t *testing.T) {
	each(t, func(w *world) {
		d := w.declaration(photo(64, 48), item("D04"), item("B01"))
		d.Name = "../../ảnh.jpg"
		w.declare(w.inspector, d)
		again := d
		again.On = []evidence.On{item("B01"), item("D04"), item("B01")}
		w.declare(w.inspector, again)
		w.rules.closed[w.visit] = true
		w.declare(w.inspector, d) // what was declared stays so when the check goes on
		w.rules.closed[w.visit] = false
		for name, change := range map[string]func(*evidence.Declaration){
			"hash": func(d *evidence.Declaration) { d.SHA256 = sum([]byte("x")) }, "size": func(d *evidence.Declaration) { d.Size++ },
			"visit": func(d *evidence.Declaration) { d.Visit = w.other }, "kind": func(d *evidence.Declaration) { d.Kind = evidence.Screenshot },
			"links": func(d *evidence.Declaration) { d.On = nil }, "mark": func(d *evidence.Declaration) { d.NoPeople = true },
		} {
			other := d
			change(&other)
			_, err := w.s.Declare(w.Context(), w.inspector, other)
			if inspection.CodeOf(err) != inspection.Conflict || inspection.KeyOf(err) != "evidence.error.other_content" {
				w.Errorf("%s: %v", name, err)
			}
		}
		w.want(declare(w.s, w.lead, d), inspection.Conflict, "evidence.error.other_content")
		items, err := w.s.ForVisit(w.Context(), w.lead, w.visit)
		if err != nil || len(items) != 1 || len(items[0].On) != 2 || items[0].Name != "ảnh.jpg" {
			w.Fatalf("%+v, %v", items, err)
		}
		if got := w.actions(d.ID); !slices.Equal(got, []string{"evidence.declare", "evidence.link", "evidence.link"}) {
			w.Fatal(got)
		}
	})
}

func TestDeclaringAtOnceIsOneDeclaration(t *testing.T) {
	each(t, func(w *world) {
		d := w.declaration(photo(64, 48), item("D04"))
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() { _, errs[i] = w.s.Declare(context.Background(), w.inspector, d) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			w.Fatal(err)
		}
		if got := w.actions(d.ID); !slices.Equal(got, []string{"evidence.declare", "evidence.link"}) {
			w.Fatal(got)
		}
	})
}

func TestDeclarationsThatAreRefused(t *testing.T) {
	each(t, func(w *world) {
		raw := photo(64, 48)
		for field, change := range map[string]func(*evidence.Declaration){
			"id":          func(d *evidence.Declaration) { d.ID = "../../etc/passwd" },
			"visit":       func(d *evidence.Declaration) { d.Visit = "" },
			"sha256":      func(d *evidence.Declaration) { d.SHA256 = strings.ToUpper(d.SHA256) },
			"size":        func(d *evidence.Declaration) { d.Size = 0 },
			"kind":        func(d *evidence.Declaration) { d.Kind = "VIDEO" },
			"contains":    func(d *evidence.Declaration) { d.Contains = "FACES" },
			"captured_at": func(d *evidence.Declaration) { d.CapturedAt = -1 },
			"on": func(d *evidence.Declaration) {
				d.On = []evidence.On{{Subject: evidence.Subject{Kind: "table", ID: "x"}, Role: evidence.Evidence}}
			},
		} {
			d := w.declaration(raw)
			change(&d)
			_, err := w.s.Declare(w.Context(), w.inspector, d)
			var e *inspection.Error
			if !errors.As(err, &e) || e.Code != inspection.Invalid || len(e.Fields) != 1 || e.Fields[field] == "" {
				w.Errorf("%s: %v", field, err)
			}
		}
		d := w.declaration(raw)
		d.NoPeople, d.Contains = true, evidence.Citizen
		w.want(declare(w.s, w.inspector, d), inspection.Invalid, "evidence.error.declaration")
		d = w.declaration(raw)
		d.Size = limits.Bytes + 1
		w.want(declare(w.s, w.inspector, d), inspection.TooLarge, "evidence.error.too_large")
		d = w.declaration(raw)
		d.Visit = inspection.NewID()
		w.want(declare(w.s, w.inspector, d), inspection.NotFound, "evidence.error.not_found")
		for name, a := range map[string]inspection.Actor{"chair": w.chair, "nobody": {}} {
			if _, err := w.s.Declare(w.Context(), a, w.declaration(raw)); inspection.CodeOf(err) != inspection.NotFound {
				w.Errorf("%s: %v", name, err)
			}
		}
		w.rules.closed[w.visit] = true
		if _, err := w.s.Declare(w.Context(), w.inspector, w.declaration(raw)); inspection.CodeOf(err) != inspection.Conflict {
			w.Error(err)
		}
		var n int64
		w.db.Table("evidence_files").Count(&n)
		if n != 0 {
			w.Errorf("%d rows left", n)
		}
	})
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{
		"IMG_0001.jpg": "IMG_0001.jpg", "../../etc/passwd": "passwd", `C:\ảnh\cửa.jpg`: "cửa.jpg", "/": "", "..": "", "": "",
		"a\x00b\nc.jpg": "abc.jpg", "\xff\xfeảnh.jpg": "ảnh.jpg", " x.jpg ": "x.jpg", "gpj.\u202eexe": "gpj.exe",
		strings.Repeat("ả", 300) + ".jpg": strings.Repeat("ả", 196) + ".jpg", strings.Repeat("a", 300): strings.Repeat("a", 200),
	} {
		if got := evidence.CleanName(in); got != want {
			t.Errorf("%.40q: %q", in, got)
		}
	}
}

func TestBytesThatAreRefused(t *testing.T) {
	whole := photo(400, 300)
	svg := []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	big := append(photo(64, 48), make([]byte, limits.Bytes)...)
	each(t, func(w *world) {
		for name, c := range map[string]struct {
			declared, sent []byte
			kind           evidence.Kind
			code           inspection.Code
			key            string
		}{
			"svg named .jpg":         {svg, svg, evidence.Photo, inspection.Invalid, "evidence.error.type"},
			"html named .jpg":        {[]byte("<!DOCTYPE html><p>x"), []byte("<!DOCTYPE html><p>x"), evidence.Photo, inspection.Invalid, "evidence.error.type"},
			"cut off":                {whole[:2000], whole[:2000], evidence.Photo, inspection.Invalid, "evidence.error.broken"},
			"50,000 × 50,000":        {imagingtest.HugeJPEG(50_000, 50_000), imagingtest.HugeJPEG(50_000, 50_000), evidence.Photo, inspection.TooLarge, "evidence.error.too_many_pixels"},
			"50,000 × 50,000 as png": {imagingtest.HugePNG(50_000, 50_000), imagingtest.HugePNG(50_000, 50_000), evidence.Photo, inspection.TooLarge, "evidence.error.too_many_pixels"},
			"pdf as photo":           {imagingtest.PDF(), imagingtest.PDF(), evidence.Photo, inspection.Invalid, "evidence.error.not_a_picture"},
			"other bytes":            {whole, slices.Concat(whole[:len(whole)-1], []byte{0}), evidence.Photo, inspection.Invalid, "evidence.error.hash_differs"},
			"fewer bytes":            {whole, whole[:len(whole)-1], evidence.Photo, inspection.Invalid, "evidence.error.size_differs"},
			"more bytes":             {whole, slices.Concat(whole, []byte{0}), evidence.Photo, inspection.Invalid, "evidence.error.size_differs"},
			"far too many bytes":     {whole, big, evidence.Photo, inspection.TooLarge, "evidence.error.too_large"},
			"nothing":                {whole, nil, evidence.Photo, inspection.Invalid, "evidence.error.size_differs"},
		} {
			d := w.declaration(c.declared)
			d.Kind = c.kind
			w.declare(w.inspector, d)
			_, err := w.s.Receive(w.Context(), w.inspector, d.ID, int64(len(c.sent)), bytes.NewReader(c.sent))
			if inspection.CodeOf(err) != c.code || inspection.KeyOf(err) != c.key {
				w.Errorf("%s: %v", name, err)
			}
			// And when the size is not announced.
			unannounced := c.key
			if unannounced == "evidence.error.too_large" {
				unannounced = "evidence.error.size_differs"
			}
			if _, err := w.s.Receive(w.Context(), w.inspector, d.ID, -1, bytes.NewReader(c.sent)); inspection.KeyOf(err) != unannounced {
				w.Errorf("%s, unannounced: %v", name, err)
			}
			if i := w.get(w.inspector, d.ID); i.State != evidence.Declared {
				w.Errorf("%s: %s", name, i.State)
			}
		}
		w.nothingLeft()

		// A line that breaks; then the same file comes whole.
		d := w.declaration(whole)
		w.declare(w.inspector, d)
		broken := io.MultiReader(bytes.NewReader(whole[:1000]), iotestError{io.ErrUnexpectedEOF})
		_, err := w.s.Receive(w.Context(), w.inspector, d.ID, d.Size, broken)
		w.want(err, inspection.Invalid, "evidence.error.interrupted")
		w.nothingLeft()
		w.send(w.inspector, d.ID, whole)
	})
}

type iotestError struct{ err error }

func (e iotestError) Read([]byte) (int, error) { return 0, e.err }

func TestAPNGNamedJPGIsAPNG(t *testing.T) {
	each(t, func(w *world) {
		id := w.add(w.inspector, imagingtest.PNG(imagingtest.Scene(64, 48), imagingtest.Exif{}), nil)
		if i := w.get(w.inspector, id); i.MediaType != imaging.PNG || i.Name != "IMG_0001.jpg" {
			w.Fatalf("%+v", i)
		}
		c, err := w.s.Open(w.Context(), w.inspector, id, evidence.Original, "")
		if err != nil || c.MediaType != imaging.PNG {
			w.Fatalf("%+v, %v", c, err)
		}
		c.Close()
	})
}

func TestAKnownHashIsNotThePhotograph(t *testing.T) {
	each(t, func(w *world) {
		raw := photo(64, 48)
		w.add(w.inspector, raw, nil)
		d := w.declaration(raw)
		d.Visit = w.other
		w.declare(w.inspector, d)
		if i := w.get(w.inspector, d.ID); i.State != evidence.Declared {
			w.Fatal("satisfied by the bytes of another check")
		}
		for _, sent := range [][]byte{nil, raw[:10]} {
			if _, err := w.s.Receive(w.Context(), w.inspector, d.ID, -1, bytes.NewReader(sent)); inspection.KeyOf(err) != "evidence.error.size_differs" {
				w.Fatal(err)
			}
		}
		if _, err := w.open(w.inspector, d.ID, evidence.Original, ""); inspection.CodeOf(err) != inspection.NotFound {
			w.Fatal(err)
		}
		w.send(w.inspector, d.ID, raw)
		n := 0
		for _, err := range w.store.List(w.Context(), "o") {
			if err != nil {
				w.Fatal(err)
			}
			n++
		}
		if n != 1 {
			w.Fatalf("%d objects for one content", n)
		}
	})
}

// A server may have kept what came of an upload that broke off, or a disk may have lost
// some of it: no receipt is given for that, and it does not stand in the way.
func TestWhatStandsBrokenUnderItsHashIsPutRight(t *testing.T) {
	each(t, func(w *world) {
		for i, spoil := range []func(raw []byte) []byte{
			func(raw []byte) []byte { return raw[:len(raw)/2] },
			func(raw []byte) []byte { raw[len(raw)-10] ^= 1; return raw },
			func(raw []byte) []byte { return append(raw, 0) },
		} {
			raw := photo(64+i, 48)
			broken := spoil(bytes.Clone(raw))
			if err := w.store.Put(w.Context(), "o/"+sum(raw), bytes.NewReader(broken), int64(len(broken)), sum(broken)); err != nil {
				w.Fatal(err)
			}
			d := w.declaration(raw)
			w.declare(w.inspector, d)
			if i == 0 {
				w.send(w.inspector, d.ID, raw)
			} else if _, r, err := w.s.Resume(w.Context(), w.inspector, d.ID, 0, d.Size, bytes.NewReader(raw)); r == nil || err != nil {
				w.Fatal(r, err)
			}
			if got, err := w.open(w.inspector, d.ID, evidence.Original, ""); err != nil || !bytes.Equal(got, raw) {
				w.Fatal(len(got), err)
			}
		}
	})
}

func TestSendingAtOnceGivesOneReceipt(t *testing.T) {
	each(t, func(w *world) {
		raw := photo(300, 200)
		d := w.declaration(raw)
		w.declare(w.inspector, d)
		receipts := make([]evidence.Receipt, 6)
		errs := make([]error, len(receipts))
		var wg sync.WaitGroup
		for i := range receipts {
			wg.Go(func() {
				receipts[i], errs[i] = w.s.Receive(context.Background(), w.inspector, d.ID, d.Size, bytes.NewReader(raw))
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			w.Fatal(err)
		}
		for _, r := range receipts {
			if r != receipts[0] {
				w.Errorf("%+v and %+v", r, receipts[0])
			}
		}
		if got := w.actions(d.ID); !slices.Equal(got, []string{"evidence.declare", "evidence.receive"}) {
			w.Fatal(got)
		}
	})
}

func TestWhoMaySend(t *testing.T) {
	each(t, func(w *world) {
		raw := photo(64, 48)
		mine := w.declaration(raw)
		w.declare(w.inspector, mine)
		for name, a := range map[string]inspection.Actor{"unit": w.unit, "chair": w.chair, "nobody": {}, "outsider": w.outsider} {
			if _, err := w.s.Receive(w.Context(), a, mine.ID, mine.Size, bytes.NewReader(raw)); inspection.CodeOf(err) != inspection.NotFound {
				w.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.s.Receive(w.Context(), w.inspector, "x'; --", mine.Size, bytes.NewReader(raw)); inspection.CodeOf(err) != inspection.NotFound {
			w.Error(err)
		}
		w.send(w.colleague, mine.ID, raw) // of the same team
	})
}

// TestWhoOpensWhat is the table of rights: person × side × access × variant.
func TestWhoOpensWhat(t *testing.T) {
	each(t, func(w *world) {
		normal := w.add(w.inspector, photo(640, 480), nil, item("D04"), onFinding("f1", evidence.Evidence))
		hidden := w.add(w.inspector, photo(641, 480), nil, item("D04")) // of no finding
		secret := w.add(w.inspector, photo(642, 480), contains(evidence.Citizen), onFinding("f1", evidence.Evidence))
		reply := w.add(w.unit, photo(643, 480), nil, onFinding("f1", evidence.After))
		deriver := w.s.Deriver(1, time.Hour)
		for did := true; did; {
			var err error
			if did, err = deriver.Step(w.Context()); err != nil {
				w.Fatal(err)
			}
		}
		box := []imaging.Box{{X: 0.1, Y: 0.1, W: 0.2, H: 0.2}}
		for _, id := range []string{normal, hidden, secret, reply} {
			if err := w.s.ConfirmShared(w.Context(), w.lead, id, box, false); err != nil {
				w.Fatal(err)
			}
		}
		people := []struct {
			name  string
			actor inspection.Actor
		}{{"lead", w.lead}, {"author", w.inspector}, {"colleague", w.colleague}, {"unit", w.unit}, {"contact", w.contact},
			{"chair", w.chair}, {"outsider", w.outsider}, {"nobody", inspection.Actor{}}}
		// w: the file itself, s: only the confirmed copy, -: it does not exist
		for id, row := range map[string]string{
			normal: "wwwsss--",
			hidden: "www--s--",
			secret: "wwssss--",
			reply:  "wwwwws--",
		} {
			for i, p := range people {
				for _, v := range []evidence.Variant{evidence.Original, evidence.Preview, evidence.Thumb, evidence.Shared, evidence.SharedThumb} {
					may := row[i] == 'w' || row[i] == 's' && (v == evidence.Shared || v == evidence.SharedThumb)
					_, err := w.open(p.actor, id, v, "đối chiếu với biên bản")
					if may && err != nil || !may && (inspection.CodeOf(err) != inspection.NotFound || inspection.KeyOf(err) != "evidence.error.not_found") {
						w.Errorf("%s, %s (%dpx): %v", p.name, v, w.get(w.lead, id).Width, err)
					}
				}
				i2, err := w.s.Get(w.Context(), p.actor, id)
				if (row[i] == '-') != (inspection.CodeOf(err) == inspection.NotFound) {
					w.Errorf("%s gets %v", p.name, err)
				}
				if err == nil && i2.Whole != (row[i] == 'w') {
					w.Errorf("%s: whole %v", p.name, i2.Whole)
				}
				if err == nil && row[i] == 's' && (i2.Lat != nil || p.actor.Person != w.colleague.Person && (i2.Name != "" || i2.DeclaredBy != "" || i2.Device != "")) {
					w.Errorf("%s is told too much: %+v", p.name, i2)
				}
			}
			if _, err := w.open(w.lead, id, "../original", "đối chiếu với biên bản"); inspection.CodeOf(err) != inspection.NotFound {
				w.Errorf("unknown variant: %v", err)
			}
		}
		lists := map[string][]string{"lead": {normal, hidden, secret, reply}, "unit": {normal, secret, reply}, "chair": {normal, hidden, secret, reply}, "outsider": nil, "nobody": nil}
		for _, p := range people {
			want, ok := lists[p.name]
			if !ok {
				continue
			}
			items, err := w.s.ForVisit(w.Context(), p.actor, w.visit)
			var got []string
			for _, i := range items {
				got = append(got, i.ID)
			}
			slices.Sort(want)
			slices.Sort(got)
			if err != nil || !slices.Equal(got, want) {
				w.Errorf("%s lists %v, %v", p.name, got, err)
			}
		}
	})
}

func TestWhatIsRestrictedIsOpenedWithAReasonAndRecorded(t *testing.T) {
	each(t, func(w *world) {
		for _, c := range []evidence.Contains{evidence.Staff, evidence.Citizen, evidence.Child, evidence.Papers} {
			if evidence.AccessOf(c) != evidence.Restricted {
				w.Errorf("%s is not restricted", c)
			}
		}
		id := w.add(w.inspector, photo(64, 48), contains(evidence.Papers))
		for _, reason := range []string{"", "   ", "x", strings.Repeat("x", 501), "có \x00 trong"} {
			_, err := w.open(w.inspector, id, evidence.Original, reason)
			w.want(err, inspection.Invalid, "evidence.error.reason_required")
		}
		if got := w.actions(id); slices.Contains(got, "evidence.open") {
			w.Fatal(got)
		}
		if _, err := w.open(w.lead, id, evidence.Original, "Đối chiếu hồ sơ D-17"); err != nil {
			w.Fatal(err)
		}
		rows, err := history.OfSubject(w.db, "file", id)
		if err != nil {
			w.Fatal(err)
		}
		last := rows[len(rows)-1]
		if last.Action != "evidence.open" || last.Actor != w.lead.Person || last.VisitID != w.visit || strings.Contains(last.Body, "D-17") ||
			!strings.Contains(last.Body, history.TextHash("Đối chiếu hồ sơ D-17")) {
			w.Fatalf("%+v", last)
		}
		var reasons []string
		w.db.Table("evidence_openings").Where("file_id = ?", id).Pluck("reason", &reasons)
		if !slices.Equal(reasons, []string{"Đối chiếu hồ sơ D-17"}) {
			w.Fatal(reasons)
		}
		item := w.get(w.inspector, id)
		if !item.NeedsReason || item.Access != evidence.Restricted {
			w.Fatalf("%+v", item)
		}
	})
}

func TestSharing(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		id := w.add(w.inspector, photo(640, 480), nil, onFinding("f1", evidence.Evidence))
		if _, err := w.open(w.unit, id, evidence.Shared, ""); inspection.KeyOf(err) != "evidence.error.not_shared" {
			w.Fatal(err)
		}
		placeholder := w.get(w.unit, id)
		if placeholder.Shared != nil || placeholder.SHA256 == "" || placeholder.CapturedAt.IsZero() || len(placeholder.On) != 1 || placeholder.Name != "" {
			w.Fatalf("%+v", placeholder)
		}
		box := []imaging.Box{{X: 0, Y: 0, W: 0.25, H: 0.25}}
		w.want(w.s.ConfirmShared(ctx, w.inspector, id, nil, false), inspection.Invalid, "evidence.error.boxes_or_mark")
		w.want(w.s.ConfirmShared(ctx, w.inspector, id, box, true), inspection.Invalid, "evidence.error.boxes_or_mark")
		w.want(w.s.ConfirmShared(ctx, w.inspector, id, []imaging.Box{{X: 2, Y: 2, W: 1, H: 1}}, false), inspection.Invalid, "evidence.error.boxes")
		for _, a := range []inspection.Actor{w.unit, w.chair, {}} {
			w.want(w.s.ConfirmShared(ctx, a, id, box, false), inspection.NotFound, "evidence.error.not_found")
		}
		if err := w.s.ConfirmShared(ctx, w.colleague, id, nil, true); err != nil {
			w.Fatal(err)
		}
		marked, err := w.open(w.unit, id, evidence.Shared, "")
		if err != nil {
			w.Fatal(err)
		}
		w.clock.Advance(time.Minute)
		if err := w.s.ConfirmShared(ctx, w.inspector, id, box, false); err != nil {
			w.Fatal(err)
		}
		boxed, err := w.open(w.unit, id, evidence.Shared, "")
		if err != nil || bytes.Equal(boxed, marked) {
			w.Fatalf("the newest does not count: %v", err)
		}
		if bytes.Contains(boxed, []byte("Exif")) {
			w.Fatal("metadata in the shared copy")
		}
		img, _, err := image.Decode(bytes.NewReader(boxed))
		if err != nil {
			w.Fatal(err)
		}
		if r, g, b, _ := img.At(60, 50).RGBA(); r>>8 > 8 || g>>8 > 8 || b>>8 > 8 {
			w.Fatal("the box is not burnt in")
		}
		if r, _, _, _ := img.At(250, 50).RGBA(); r>>8 < 100 {
			w.Fatal("burnt beside the box")
		}
		i := w.get(w.inspector, id)
		if i.Shared == nil || i.Shared.Nobody || !slices.Equal(i.Shared.Boxes, box) || i.Shared.ConfirmedBy != w.inspector.Person || !i.Shared.Thumb {
			w.Fatalf("%+v", i.Shared)
		}
		if o := w.get(w.unit, id); o.Shared == nil || o.Shared.Boxes != nil || o.Shared.ConfirmedBy != "" {
			w.Fatalf("%+v", o.Shared)
		}
		var kept int64
		w.db.Table("evidence_derived").Where("file_id = ? AND kind = 'SHARED'", id).Count(&kept)
		if kept != 2 {
			w.Fatalf("%d confirmations kept", kept)
		}
		if got := w.actions(id); len(got) != 5 || got[3] != "evidence.share" || got[4] != "evidence.share" {
			w.Fatal(got)
		}
		original, err := w.open(w.inspector, id, evidence.Original, "")
		if err != nil || sum(original) != i.SHA256 {
			w.Fatal("the original changed")
		}
	})
}

func TestSomebodyIsFoundInAPictureMarkedEmpty(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		id := w.add(w.inspector, photo(640, 480), func(d *evidence.Declaration) { d.NoPeople = true }, onFinding("f1", evidence.Evidence))
		if i := w.get(w.lead, id); i.Contains != evidence.Nobody || !i.NoPeople {
			w.Fatalf("%+v", i)
		}
		if err := w.s.ConfirmShared(ctx, w.inspector, id, nil, true); err != nil {
			w.Fatal(err)
		}
		if err := w.s.Classify(ctx, w.colleague, id, evidence.Citizen); err != nil {
			w.Fatal(err)
		}
		if _, err := w.open(w.unit, id, evidence.Shared, ""); inspection.KeyOf(err) != "evidence.error.not_shared" {
			w.Fatalf("the wrong mark still shares: %v", err)
		}
		if i := w.get(w.unit, id); i.Shared != nil {
			w.Fatal("the wrong mark still shows")
		}
		if i := w.get(w.inspector, id); i.Access != evidence.Restricted || i.NoPeople {
			w.Fatalf("%+v", i)
		}
		w.want(w.s.ConfirmShared(ctx, w.inspector, id, nil, true), inspection.Conflict, "evidence.error.contains_people")
		w.want(w.s.ConfirmShared(ctx, w.colleague, id, []imaging.Box{{X: 0, Y: 0, W: 1, H: 1}}, false), inspection.NotFound, "evidence.error.not_found")
		w.want(w.s.Classify(ctx, w.inspector, id, evidence.Nobody), inspection.Forbidden, "evidence.error.lead_only")
		w.want(w.s.Classify(ctx, w.unit, id, evidence.Nobody), inspection.NotFound, "evidence.error.not_found")
		w.want(w.s.Classify(ctx, w.lead, id, evidence.Unknown), inspection.Invalid, "evidence.error.choice")
		if err := w.s.ConfirmShared(ctx, w.inspector, id, []imaging.Box{{X: 0, Y: 0, W: 1, H: 1}}, false); err != nil {
			w.Fatal(err)
		}
		if _, err := w.open(w.unit, id, evidence.Shared, ""); err != nil {
			w.Fatal(err)
		}
		for range 2 {
			if err := w.s.Classify(ctx, w.lead, id, evidence.Nobody); err != nil {
				w.Fatal(err)
			}
		}
		got := w.actions(id)
		if n := len(slices.DeleteFunc(got, func(a string) bool { return a != "evidence.classify" })); n != 2 {
			w.Fatalf("%d classifications recorded", n)
		}
	})
}

func TestSharingDocuments(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		minutes := evidence.On{Subject: evidence.Subject{Kind: evidence.OnMinutes, ID: "m1"}, Role: evidence.Scan}
		scan := func(d *evidence.Declaration) { d.Kind = evidence.DocumentScan }
		pdf := w.add(w.inspector, imagingtest.PDF(), scan, minutes)
		if i := w.get(w.inspector, pdf); i.DeriveState != evidence.DeriveNone || !i.CanConfirm {
			w.Fatalf("%+v", i)
		}
		w.want(w.s.ConfirmShared(ctx, w.lead, pdf, []imaging.Box{{X: 0, Y: 0, W: 1, H: 1}}, false), inspection.Invalid, "evidence.error.cannot_share")
		if err := w.s.ConfirmShared(ctx, w.lead, pdf, nil, true); err != nil {
			w.Fatal(err)
		}
		back, err := w.open(w.unit, pdf, evidence.Shared, "")
		if err != nil || !bytes.Equal(back, imagingtest.PDF()) {
			w.Fatal(err)
		}
		heic := w.add(w.inspector, imagingtest.HEIC(), nil)
		if i := w.get(w.inspector, heic); i.MediaType != imaging.HEIC || i.DeriveState != evidence.DeriveNone || i.CanConfirm {
			w.Fatalf("%+v", i)
		}
		w.want(w.s.ConfirmShared(ctx, w.lead, heic, nil, true), inspection.Invalid, "evidence.error.cannot_share")
		waiting := w.declaration(photo(64, 48))
		w.declare(w.inspector, waiting)
		w.want(w.s.ConfirmShared(ctx, w.lead, waiting.ID, nil, true), inspection.Conflict, "evidence.error.not_received")
	})
}

func TestLinks(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		a := w.add(w.inspector, photo(64, 48), func(d *evidence.Declaration) { d.NoPeople = true }, item("D04"), item("D05"))
		w.clock.Advance(time.Second)
		waiting := w.declaration(photo(65, 48), item("D04"))
		w.declare(w.inspector, waiting)
		elsewhere := w.declaration(photo(66, 48), item("D04"))
		elsewhere.Visit = w.other
		w.declare(w.inspector, elsewhere)

		subject := item("D04").Subject
		ids, err := w.s.Files(w.db, w.visit, subject, "")
		if err != nil || !slices.Equal(ids, []string{a}) {
			w.Fatalf("%v, %v", ids, err)
		}
		if ids, err := w.s.Files(w.db, w.visit, subject, evidence.After); err != nil || len(ids) != 0 {
			w.Fatalf("%v, %v", ids, err)
		}
		counts, err := w.s.Counts(w.db, w.visit, evidence.OnItem)
		if err != nil || len(counts) != 2 || counts["D04"] != (evidence.Count{Files: 2, Received: 1, NoPeople: 1}) || counts["D05"] != (evidence.Count{Files: 1, Received: 1, NoPeople: 1}) {
			w.Fatalf("%v, %v", counts, err)
		}
		items, err := w.s.ForSubject(ctx, w.lead, w.visit, subject)
		if err != nil || len(items) != 2 || items[0].ID != a {
			w.Fatalf("%v, %v", items, err)
		}
		if items, err := w.s.ForSubject(ctx, w.lead, "", subject); err != nil || len(items) != 3 {
			w.Fatalf("%v, %v", items, err)
		}

		// A finding takes over the photographs of its item, twice.
		for range 2 {
			err := w.db.Transaction(func(tx *gorm.DB) error {
				for _, id := range []string{a, waiting.ID} {
					if err := w.s.Link(tx, w.lead, w.lead.Capacities[0], evidence.Hanging{File: id, On: onFinding("f1", evidence.Before)}); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				w.Fatal(err)
			}
		}
		if ids, err := w.s.Files(w.db, "", evidence.Subject{Kind: evidence.OnFinding, ID: "f1"}, evidence.Before); err != nil || !slices.Equal(ids, []string{a}) {
			w.Fatalf("%v, %v", ids, err)
		}

		// Off, and on, and off again: what was is still there.
		for i, f := range []func(context.Context, inspection.Actor, string, evidence.On) error{w.s.UnlinkFrom, w.s.LinkTo, w.s.UnlinkFrom, w.s.UnlinkFrom} {
			if err := f(ctx, w.inspector, a, item("D04")); err != nil {
				w.Fatal(err)
			}
			ids, err := w.s.Files(w.db, w.visit, subject, "")
			if err != nil || slices.Contains(ids, a) != (i == 1) {
				w.Fatalf("step %d: %v, %v", i, ids, err)
			}
		}
		var rows int64
		w.db.Table("evidence_links").Where("file_id = ? AND subject_id = 'D04'", a).Count(&rows)
		if rows != 4 {
			w.Fatalf("%d rows", rows)
		}
		w.want(w.s.LinkTo(ctx, w.inspector, a, evidence.On{Subject: evidence.Subject{Kind: "x", ID: "y"}, Role: evidence.Evidence}), inspection.Invalid, "evidence.error.subject")
		w.want(w.s.LinkTo(ctx, w.chair, a, onFinding("f2", evidence.Evidence)), inspection.NotFound, "evidence.error.not_found")
		w.want(w.s.LinkTo(ctx, w.unit, a, onFinding("f2", evidence.Evidence)), inspection.NotFound, "evidence.error.not_found")

		if all, err := w.s.States(w.db, w.visit); err != nil || len(all) != 2 || all[a] != evidence.Received || all[waiting.ID] != evidence.Declared {
			w.Fatalf("%v, %v", all, err)
		}
		if err := w.s.Belong(w.db, w.visit, evidence.Team, []string{a}); err != nil {
			w.Fatal(err)
		}
		for _, c := range []struct {
			visit string
			side  evidence.Side
			id    string
			key   string
		}{{w.other, evidence.Team, a, "evidence.error.not_of_visit"}, {w.visit, evidence.Unit, a, "evidence.error.not_of_visit"},
			{w.visit, evidence.Team, inspection.NewID(), "evidence.error.not_of_visit"}, {w.visit, evidence.Team, "x", "evidence.error.not_of_visit"},
			{w.visit, evidence.Team, waiting.ID, "evidence.error.not_received"}} {
			w.want(w.s.Belong(w.db, c.visit, c.side, []string{c.id}), inspection.Invalid, c.key)
		}
	})
}

func TestAttachingOnlyOnesOwn(t *testing.T) {
	each(t, func(w *world) {
		team := w.add(w.inspector, photo(64, 48), contains(evidence.Citizen), item("D04"))
		sent := w.add(w.unit, photo(65, 48), nil, onFinding("f0", evidence.After))
		waiting := w.declaration(photo(66, 48), item("D04"))
		w.declare(w.inspector, waiting)
		on := onFinding("f1", evidence.After)
		for _, c := range []struct {
			name    string
			actor   inspection.Actor
			visit   string
			id      string
			waiting bool
			key     string
		}{
			{"its own", w.unit, w.visit, sent, false, ""},
			{"a colleague's", w.contact, w.visit, sent, false, ""},
			{"its own, restricted", w.inspector, w.visit, team, false, ""},
			{"not yet sent", w.inspector, w.visit, waiting.ID, true, ""},
			{"not yet sent, but wanted", w.inspector, w.visit, waiting.ID, false, "evidence.error.not_received"},
			{"the other side's", w.unit, w.visit, team, false, "evidence.error.not_of_visit"},
			{"the unit's by the team", w.lead, w.visit, sent, false, "evidence.error.not_of_visit"},
			{"another check's", w.unit, w.other, sent, false, "evidence.error.not_of_visit"},
			{"another unit's", w.outsider, w.visit, sent, false, "evidence.error.not_of_visit"},
			{"nothing", w.unit, w.visit, inspection.NewID(), false, "evidence.error.not_of_visit"},
		} {
			err := w.s.Attach(w.db, c.actor, c.visit, evidence.Hang([]string{c.id}, on), c.waiting)
			if inspection.KeyOf(err) != c.key || (c.key == "") != (err == nil) {
				w.Errorf("%s: %v", c.name, err)
			}
		}
		items, err := w.s.ForSubject(w.Context(), w.lead, w.visit, on.Subject)
		if err != nil || len(items) != 3 {
			w.Fatalf("%v, %v", items, err)
		}
	})
}

func TestGivingUpAFileThatWillNeverCome(t *testing.T) {
	each(t, func(w *world) {
		ctx := w.Context()
		raw := photo(64, 48)
		d := w.declaration(raw, item("D04"))
		w.declare(w.inspector, d)
		ofUnit := w.declaration(raw, onFinding("f1", evidence.After))
		w.declare(w.unit, ofUnit)
		const why = "Máy tính bảng bị rơi xuống nước, không đọc được thẻ nhớ"
		w.want(w.s.GiveUp(ctx, w.lead, d.ID, "mất"), inspection.Invalid, "evidence.error.reason")
		w.want(w.s.GiveUp(ctx, w.inspector, d.ID, why), inspection.Forbidden, "evidence.error.lead_only")
		w.want(w.s.GiveUp(ctx, w.unit, d.ID, why), inspection.NotFound, "evidence.error.not_found")
		if !w.get(w.lead, d.ID).CanGiveUp || w.get(w.inspector, d.ID).CanGiveUp || w.get(w.lead, ofUnit.ID).CanGiveUp {
			w.Error("who may give up what")
		}
		if err := w.s.GiveUp(ctx, w.lead, d.ID, why); err != nil {
			w.Fatal(err)
		}
		if i := w.get(w.inspector, d.ID); i.State != evidence.Lost || i.LostReason != why || w.get(w.lead, d.ID).CanGiveUp {
			w.Errorf("%+v", i)
		}
		w.want(w.s.GiveUp(ctx, w.lead, d.ID, why), inspection.Conflict, "evidence.error.not_waiting")
		if missing, err := w.awaited(); err != nil || len(missing) != 0 {
			w.Fatalf("%v, %v", missing, err)
		}
		if counts, err := w.s.Counts(w.db, w.visit, evidence.OnItem); err != nil || len(counts) != 0 {
			w.Fatalf("%v, %v", counts, err)
		}
		w.send(w.inspector, d.ID, raw) // found after all
		if i := w.get(w.lead, d.ID); i.State != evidence.Received {
			w.Fatal(i.State)
		}
	})
}

func TestWhenAPhotographWasTaken(t *testing.T) {
	server := inspection.At(time.Date(2026, 3, 4, 12, 0, 0, 0, inspection.Zone))
	early, late := server.Add(-2*time.Hour), server.Add(-2*time.Hour+5*time.Minute)
	for name, c := range map[string]struct{ exif, captured, want inspection.Instant }{
		"nobody says":               {0, 0, server},
		"the camera says":           {early, 0, early},
		"the device says":           {0, early, early},
		"both agree":                {late, early, early},
		"they disagree":             {early.Add(-24 * 365 * time.Hour), early, server},
		"from the future":           {0, server.Add(time.Hour), server},
		"the device is a bit ahead": {0, server.Add(5 * time.Minute), server.Add(5 * time.Minute)},
	} {
		if got := evidence.Taken(c.exif, c.captured, server); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	each(t, func(w *world) {
		end := w.clock.Now()
		old := w.add(w.unit, imagingtest.JPEG(imagingtest.Scene(64, 48), imagingtest.Exif{Taken: end.Time().Add(-24 * time.Hour)}),
			func(d *evidence.Declaration) { d.CapturedAt = 0 }, onFinding("f1", evidence.After))
		w.clock.Advance(48 * time.Hour)
		fresh := w.add(w.unit, photo(64, 50), nil, onFinding("f1", evidence.After))
		waiting := w.declaration(photo(64, 51), onFinding("f1", evidence.After))
		w.declare(w.unit, waiting)
		ids, err := w.s.Files(w.db, w.visit, evidence.Subject{Kind: evidence.OnFinding, ID: "f1"}, evidence.After)
		if err != nil || len(ids) != 2 {
			w.Fatalf("%v, %v", ids, err)
		}
		later, err := w.s.TakenAfter(w.db, append(ids, waiting.ID), end)
		if err != nil || !slices.Equal(later, []string{fresh}) {
			w.Fatalf("%v (old is %s), %v", later, old, err)
		}
	})
}

func declare(s *evidence.Service, a inspection.Actor, d evidence.Declaration) error {
	_, err := s.Declare(context.Background(), a, d)
	return err
}

// TestAFileTooLargeForMemoryIsHeldAgainstItsDeclarationToo, and leaves nothing in the
// spool, whole or broken.
func TestAFileTooLargeForMemoryIsHeldAgainstItsDeclarationToo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		store := files(t)
		w := newWorld(t, db, store)
		var err error
		if w.s, err = evidence.New(db, w.clock, store, w.rules, evidence.Config{Spool: w.spool, Key: w.key}); err != nil {
			t.Fatal(err)
		}
		raw := imagingtest.Heavy(imagingtest.JPEG(imagingtest.Scene(64, 48), imagingtest.Exif{}), 9_000_000)
		d := w.declaration(raw)
		w.declare(w.inspector, d)
		other := bytes.Clone(raw)
		other[len(other)/2]++
		for key, sent := range map[string]io.Reader{
			"evidence.error.hash_differs": bytes.NewReader(other),
			"evidence.error.size_differs": io.MultiReader(bytes.NewReader(raw), strings.NewReader("x")),
			"evidence.error.interrupted":  io.MultiReader(bytes.NewReader(raw[:5_000_000]), iotest.ErrReader(io.ErrUnexpectedEOF)),
		} {
			_, err := w.s.Receive(w.Context(), w.inspector, d.ID, -1, sent)
			w.want(err, inspection.Invalid, key)
			w.nothingLeft()
		}
		if receipt := w.send(w.inspector, d.ID, raw); receipt.SHA256 != sum(raw) {
			t.Fatalf("%+v", receipt)
		}
		w.spoolEmpty()
	})
}
