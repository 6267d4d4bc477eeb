package evidence_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"congvu/evidence"
	"congvu/evidence/blob/blobtest"
	"congvu/evidence/imaging/imagingtest"
	"congvu/inspection"
	"congvu/migrations"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

func (w *world) sketch(a inspection.Actor, id string, raw []byte) error {
	return w.s.Sketch(w.Context(), a, id, int64(len(raw)), bytes.NewReader(raw))
}

func (w *world) sketches() (n int64) {
	w.Helper()
	if err := w.db.Table("evidence_sketches").Count(&n).Error; err != nil {
		w.Fatal(err)
	}
	return n
}

// ahead opens the thumbnail of a file that has a sketch, and holds that no cache keeps it.
func (w *world) ahead(a inspection.Actor, id, reason string) image.Config {
	w.Helper()
	c, err := w.s.Open(w.Context(), a, id, evidence.Thumb, reason)
	if err != nil {
		w.Fatal(err)
	}
	defer c.Close()
	raw, err := io.ReadAll(c)
	if err != nil || int64(len(raw)) != c.Size || !c.Private {
		w.Fatalf("%+v, %v", c, err)
	}
	for _, marker := range []string{"Exif", "\xff\xe1", "\xff\xe0", "\xff\xe2", "\xff\xed", "\xff\xfe"} {
		if bytes.Contains(raw[:min(len(raw), 600)], []byte(marker)) {
			w.Errorf("holds %q", marker)
		}
	}
	config, err := jpeg.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		w.Fatal(err)
	}
	return config
}

// TestR2TheSceneIsSeenBeforeThePhotoComes: the small picture stands as the thumbnail until
// the original does; it is no evidence and leaves no trace.
func TestR2TheSceneIsSeenBeforeThePhotoComes(t *testing.T) {
	t.Run("files", func(t *testing.T) { each(t, seesTheScene) })
	t.Run("minio", func(t *testing.T) {
		dbtest.Each(t, func(t *testing.T, db *gorm.DB) { seesTheScene(newWorld(t, db, blobtest.S3(t, "CONGVU_TEST_MINIO"))) })
	})
}

func seesTheScene(w *world) {
	raw := photo(800, 600)
	d := w.declaration(raw)
	w.declare(w.inspector, d)
	if i := w.get(w.lead, d.ID); i.Sketch {
		w.Error("a sketch from nowhere")
	}
	if _, err := w.open(w.lead, d.ID, evidence.Thumb, ""); inspection.KeyOf(err) != "evidence.error.not_received" {
		w.Error(err)
	}
	small := imagingtest.JPEG(imagingtest.Scene(320, 240), imagingtest.Exif{Orientation: 6, Lat: 20.9, Lng: 105.7})
	if err := w.sketch(w.inspector, d.ID, small); err != nil {
		w.Fatal(err)
	}
	if c := w.ahead(w.lead, d.ID, ""); c.Width != 240 || c.Height != 320 {
		w.Errorf("%+v", c)
	}
	w.want(w.sketch(w.colleague, d.ID, photo(800, 100)), inspection.Forbidden, "evidence.error.sender")
	w.want(w.sketch(w.lead, d.ID, photo(800, 100)), inspection.Forbidden, "evidence.error.sender")
	if err := w.sketch(w.inspector, d.ID, photo(400, 300)); err != nil { // a later one
		w.Fatal(err)
	}
	if c := w.ahead(w.inspector, d.ID, ""); c.Width != 400 || w.sketches() != 1 {
		w.Errorf("%+v, %d sketches", c, w.sketches())
	}
	if i := w.get(w.lead, d.ID); !i.Sketch || i.Has() || i.State != evidence.Declared {
		w.Errorf("%+v", i)
	}
	if list, err := w.s.ForVisit(w.Context(), w.lead, w.visit); err != nil || len(list) != 1 || !list[0].Sketch {
		w.Errorf("%+v, %v", list, err)
	}
	if missing, err := w.awaited(); err != nil || !slices.Equal(missing, []string{d.ID}) {
		w.Errorf("a sketch is not the file: missing %v, %v", missing, err)
	}
	if _, err := w.open(w.lead, d.ID, evidence.Original, ""); inspection.KeyOf(err) != "evidence.error.not_received" {
		w.Error(err)
	}
	if err := w.s.ConfirmShared(w.Context(), w.inspector, d.ID, nil, true); inspection.KeyOf(err) != "evidence.error.not_received" {
		w.Error(err)
	}
	if at, _, err := w.s.Progress(w.Context(), w.inspector, d.ID); err != nil || at != 0 {
		w.Error(at, err)
	}

	w.send(w.inspector, d.ID, raw)
	if i := w.get(w.lead, d.ID); i.Sketch || w.sketches() != 0 {
		w.Errorf("the photo has come: %+v, %d sketches", i, w.sketches())
	}
	if err := w.sketch(w.inspector, d.ID, small); err != nil || w.sketches() != 0 { // late
		w.Error(err, w.sketches())
	}
	if did, err := w.s.Deriver(1, time.Hour).Step(w.Context()); !did || err != nil {
		w.Fatal(did, err)
	}
	if back, err := w.open(w.lead, d.ID, evidence.Thumb, ""); err != nil || bytes.Equal(back, small) {
		w.Error(err)
	} else if c, err := jpeg.DecodeConfig(bytes.NewReader(back)); err != nil || c.Width != 320 {
		w.Errorf("%+v, %v", c, err)
	}
	if got := w.actions(d.ID); !slices.Equal(got, []string{"evidence.declare", "evidence.receive"}) {
		w.Error(got)
	}

	// The same by parts: the row goes with the last of them.
	d = w.declaration(raw)
	w.declare(w.inspector, d)
	if err := w.sketch(w.inspector, d.ID, small); err != nil {
		w.Fatal(err)
	}
	if _, _, err := w.s.Resume(w.Context(), w.inspector, d.ID, 0, 500, bytes.NewReader(raw[:500])); err != nil || w.sketches() != 1 {
		w.Fatal(err)
	}
	if _, r, err := w.s.Resume(w.Context(), w.inspector, d.ID, 500, int64(len(raw))-500, bytes.NewReader(raw[500:])); err != nil || r == nil || w.sketches() != 0 {
		w.Error(r, err, w.sketches())
	}
}

// TestR2ASketchIsSeenByWhoSeesTheOriginalOnly: never by those who get the shared copy, and
// of what is restricted with a reason, which is recorded.
func TestR2ASketchIsSeenByWhoSeesTheOriginalOnly(t *testing.T) {
	each(t, func(w *world) {
		raw, small := photo(800, 600), photo(200, 100)
		plain := w.declaration(raw, onFinding("f-1", evidence.Evidence))
		w.declare(w.inspector, plain)
		restricted := w.declaration(photo(700, 500), onFinding("f-1", evidence.Evidence))
		restricted.Contains = evidence.Citizen
		w.declare(w.inspector, restricted)
		units := w.declaration(photo(600, 500), onFinding("f-1", evidence.After))
		w.declare(w.unit, units)
		for id, a := range map[string]inspection.Actor{plain.ID: w.inspector, restricted.ID: w.inspector, units.ID: w.unit} {
			if err := w.sketch(a, id, small); err != nil {
				t.Fatal(err)
			}
		}
		for name, c := range map[string]struct {
			a                        inspection.Actor
			plain, restricted, units bool
		}{
			"author": {w.inspector, true, true, true}, "lead": {w.lead, true, true, true}, "colleague": {w.colleague, true, false, true},
			"unit": {w.unit, false, false, true}, "contact": {w.contact, false, false, true}, "chair": {w.chair, false, false, false},
			"outsider": {w.outsider, false, false, false}, "nobody": {inspection.Actor{}, false, false, false},
		} {
			for id, may := range map[string]bool{plain.ID: c.plain, restricted.ID: c.restricted, units.ID: c.units} {
				_, err := w.s.Open(w.Context(), c.a, id, evidence.Thumb, "xem hiện trường")
				if may != (err == nil) || err != nil && inspection.KeyOf(err) != "evidence.error.not_found" {
					t.Errorf("%s, %s: %v", name, id, err)
				}
				if i, err := w.s.Get(w.Context(), c.a, id); err == nil && i.Sketch != may {
					t.Errorf("%s, %s: %+v", name, id, i)
				}
				for _, v := range []evidence.Variant{evidence.Original, evidence.Preview, evidence.Shared, evidence.SharedThumb} {
					if _, err := w.s.Open(w.Context(), c.a, id, v, "xem hiện trường"); inspection.CodeOf(err) != inspection.NotFound {
						t.Errorf("%s opens %s: %v", name, v, err)
					}
				}
			}
			// Its sketch is sent by who declared it; who may send the whole is told so.
			for id, may := range map[string]bool{plain.ID: c.plain, restricted.ID: c.restricted, units.ID: c.units && !c.plain} {
				key := ""
				switch {
				case !may:
					key = "evidence.error.not_found"
				case id == units.ID && name != "unit" || id != units.ID && name != "author":
					key = "evidence.error.sender"
				}
				if err := w.sketch(c.a, id, small); inspection.KeyOf(err) != key {
					t.Errorf("%s sends for %s: %v", name, id, err)
				}
			}
		}
		before := len(w.actions(restricted.ID))
		if _, err := w.s.Open(w.Context(), w.lead, restricted.ID, evidence.Thumb, ""); inspection.KeyOf(err) != "evidence.error.reason_required" {
			t.Error(err)
		}
		w.ahead(w.lead, restricted.ID, "xem hiện trường")
		if got := w.actions(restricted.ID); len(got) != before+1 || got[before] != "evidence.open" {
			t.Error(got)
		}
		// Somebody is found in it: the sketch is behind the same door at once.
		if err := w.s.Classify(w.Context(), w.lead, plain.ID, evidence.Child); err != nil {
			t.Fatal(err)
		}
		if _, err := w.s.Open(w.Context(), w.colleague, plain.ID, evidence.Thumb, "xem hiện trường"); inspection.CodeOf(err) != inspection.NotFound {
			t.Error(err)
		}
	})
}

// TestR2SketchesThatAreRefused: what is too large, no JPEG, broken, or of a file that has
// no picture; and the file is sent as if nothing had been.
func TestR2SketchesThatAreRefused(t *testing.T) {
	noise := image.NewRGBA(image.Rect(0, 0, 1024, 1024))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise.Pix {
		noise.Pix[i] = byte(random.Uint32())
	}
	var rough []byte // as fine as fits
	for quality := 1; ; quality++ {
		var out bytes.Buffer
		if err := jpeg.Encode(&out, noise, &jpeg.Options{Quality: quality}); err != nil {
			t.Fatal(err)
		}
		if out.Len() > evidence.SketchBytes {
			break
		}
		rough = out.Bytes()
	}
	good := photo(320, 240)
	at := bytes.Index(good, []byte{0xff, 0xda})
	bomb := append(bytes.Clone(good[:at]), bytes.Repeat(good[at:len(good)-2], 41)...)
	undrawn := bytes.Clone(good)
	for i := at + 20; i < len(undrawn)-2; i++ {
		undrawn[i] = byte(i) % 0xfe
	}
	each(t, func(w *world) {
		raw := photo(800, 600)
		d := w.declaration(raw)
		w.declare(w.inspector, d)
		send := func(r io.Reader, size int64) error { return w.s.Sketch(w.Context(), w.inspector, d.ID, size, r) }
		for name, c := range map[string]struct {
			raw []byte
			key string
		}{
			"svg": {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), "evidence.error.sketch"}, "nothing": {nil, "evidence.error.sketch"},
			"png": {imagingtest.PNG(imagingtest.Scene(60, 40), imagingtest.Exif{}), "evidence.error.sketch"}, "pdf": {imagingtest.PDF(), "evidence.error.sketch"},
			"heic": {imagingtest.HEIC(), "evidence.error.sketch"}, "huge": {imagingtest.HugeJPEG(50_000, 50_000), "evidence.error.sketch"},
			"wide": {photo(1025, 10), "evidence.error.sketch"}, "cut off": {good[:len(good)/2], "evidence.error.broken"},
			"many scans": {append(bomb, 0xff, 0xd9), "evidence.error.broken"}, "not to be drawn": {undrawn, "evidence.error.broken"},
		} {
			err := send(bytes.NewReader(c.raw), int64(len(c.raw)))
			if inspection.CodeOf(err) != inspection.Invalid || inspection.KeyOf(err) != c.key {
				t.Errorf("%s: %v", name, err)
			}
		}
		large := imagingtest.Heavy(good, evidence.SketchBytes+1)
		w.want(send(iotest.ErrReader(io.ErrClosedPipe), int64(len(large))), inspection.TooLarge, "evidence.error.sketch_too_large") // nothing is read
		w.want(send(bytes.NewReader(large), -1), inspection.TooLarge, "evidence.error.sketch_too_large")
		w.want(send(bytes.NewReader(large), 10), inspection.TooLarge, "evidence.error.sketch_too_large")
		w.want(send(io.MultiReader(bytes.NewReader(good[:100]), iotest.ErrReader(io.ErrUnexpectedEOF)), int64(len(good))), inspection.Invalid, "evidence.error.interrupted")
		for _, kind := range []evidence.Kind{evidence.DocumentScan, evidence.Note} {
			other := w.declaration(raw)
			other.Kind = kind
			w.declare(w.inspector, other)
			w.want(w.sketch(w.inspector, other.ID, good), inspection.Invalid, "evidence.error.sketch_kind")
		}
		w.want(w.sketch(w.inspector, inspection.NewID(), good), inspection.NotFound, "evidence.error.not_found")
		w.want(w.sketch(w.inspector, "../x", good), inspection.NotFound, "evidence.error.not_found")
		if w.sketches() != 0 {
			t.Errorf("%d are kept", w.sketches())
		}
		// What grows when it is drawn anew is kept smaller.
		if err := send(bytes.NewReader(rough), -1); err != nil {
			t.Fatal(err)
		}
		if c := w.ahead(w.inspector, d.ID, ""); c.Width != 320 {
			t.Errorf("%+v", c)
		}
		var kept int
		if err := w.db.Raw("SELECT MAX(LENGTH(image)) FROM evidence_sketches").Scan(&kept).Error; err != nil || kept == 0 || kept > evidence.SketchBytes {
			t.Errorf("%d bytes, %v", kept, err)
		}
		// A screenshot has one too; the file itself is sent as before.
		shot := w.declaration(raw)
		shot.Kind = evidence.Screenshot
		w.declare(w.inspector, shot)
		if err := w.sketch(w.inspector, shot.ID, good); err != nil {
			t.Error(err)
		}
		w.send(w.inspector, shot.ID, raw)
		w.send(w.inspector, d.ID, raw)
		w.spoolEmpty()
	})
}

// TestR2ASketchGoesWhenItsFileIsGivenUpOrNeverComes: and what was declared stays so.
func TestR2ASketchGoesWhenItsFileIsGivenUpOrNeverComes(t *testing.T) {
	each(t, func(w *world) {
		small := photo(200, 100)
		waits := func() string {
			d := w.declaration(photo(800, 600))
			w.declare(w.inspector, d)
			if err := w.sketch(w.inspector, d.ID, small); err != nil {
				t.Fatal(err)
			}
			return d.ID
		}
		lost := waits()
		if err := w.s.GiveUp(w.Context(), w.lead, lost, "Máy tính bảng bị hỏng"); err != nil {
			t.Fatal(err)
		}
		if w.sketches() != 0 || w.get(w.lead, lost).Sketch {
			t.Error("the sketch of a file that was given up is left")
		}
		if err := w.sketch(w.inspector, lost, small); err != nil || w.sketches() != 0 {
			t.Error(err, w.sketches())
		}
		old := waits()
		w.clock.Advance(4 * 24 * time.Hour)
		young := waits()
		if n, err := w.s.DropSketches(w.Context()); err != nil || n != 0 {
			t.Error(n, err)
		}
		w.clock.Advance(4 * 24 * time.Hour)
		if n, err := w.s.DropSketches(w.Context()); err != nil || n != 1 {
			t.Error(n, err)
		}
		if i := w.get(w.lead, old); i.Sketch || i.State != evidence.Declared {
			t.Errorf("%+v", i)
		}
		if i := w.get(w.lead, young); !i.Sketch {
			t.Errorf("%+v", i)
		}
		w.send(w.inspector, old, photo(800, 600))
	})
}

// TestR2ASketchIsInNoBackup: nor in any history.
func TestR2ASketchIsInNoBackup(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db, files(t))
		d := w.declaration(photo(800, 600))
		w.declare(w.inspector, d)
		if err := w.sketch(w.inspector, d.ID, photo(200, 100)); err != nil {
			t.Fatal(err)
		}
		if got := w.actions(d.ID); !slices.Equal(got, []string{"evidence.declare"}) {
			t.Error(got)
		}
		var tables []string
		_, _, err := migrations.Dump(t.Context(), db, func(table string) (io.WriteCloser, error) {
			tables = append(tables, table)
			return nowhere{io.Discard}, nil
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(tables, "evidence_files") || slices.ContainsFunc(tables, func(name string) bool { return strings.Contains(name, "sketch") }) {
			t.Error(tables)
		}
	})
}

type nowhere struct{ io.Writer }

func (nowhere) Close() error { return nil }
