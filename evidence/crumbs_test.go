package evidence_test

import (
	"bytes"
	"testing"

	"congvu/evidence"
	"congvu/evidence/imaging/imagingtest"
	"congvu/inspection"
)

// TestR2CrumbsAreNoRows: who sends a file in very many small pieces makes few rows of it,
// and gets the same file.
func TestR2CrumbsAreNoRows(t *testing.T) {
	each(t, func(w *world) {
		w.copies()
		raw := heavy(200_000)
		d := w.declaration(raw)
		w.declare(w.inspector, d)
		most := int64(0)
		for at := int64(0); at < d.Size; {
			n := min(1500, d.Size-at)
			if at > 150_000 {
				n = d.Size - at
			}
			now, r, err := w.s.Resume(w.Context(), w.inspector, d.ID, at, n, bytes.NewReader(raw[at:at+n]))
			if err != nil || now != at+n || (r != nil) != (now == d.Size) {
				t.Fatal(at, now, r, err)
			}
			at, most = now, max(most, w.parts(d.ID))
		}
		if most > 3 {
			t.Errorf("%d rows of 100 crumbs", most)
		}
		if got, err := w.open(w.inspector, d.ID, evidence.Original, ""); err != nil || !bytes.Equal(got, raw) {
			t.Errorf("another file: %d bytes, %v", len(got), err)
		}
	})
}

// TestR2OnePersonParksSoMuchOnly: who begins very many large files is told to end some;
// what was parked stays, others go on, and a file that comes whole is taken.
func TestR2OnePersonParksSoMuchOnly(t *testing.T) {
	each(t, func(w *world) {
		w.copies()
		raw := heavy(300_000)
		full, next, others := w.declaration(raw), w.declaration(raw), w.declaration(raw)
		w.declare(w.inspector, full)
		w.declare(w.inspector, next)
		w.declare(w.colleague, others)
		err := w.db.Exec("INSERT INTO evidence_parts (file_id, place, size, received_at, bytes) VALUES (?, 0, ?, ?, ?)",
			full.ID, int64(512<<20)-10_000, w.clock.Now(), []byte{0xff}).Error
		if err != nil {
			t.Fatal(err)
		}
		half := func(a inspection.Actor, id string, at, n int64) error {
			_, _, err := w.s.Resume(w.Context(), a, id, at, n, bytes.NewReader(raw[at:at+n]))
			return err
		}
		if err := half(w.inspector, next.ID, 0, 9_000); err != nil {
			t.Fatal(err)
		}
		w.want(half(w.inspector, next.ID, 9_000, 9_000), inspection.Full, "evidence.error.parts")
		if at, _, err := w.s.Progress(w.Context(), w.inspector, next.ID); err != nil || at != 9_000 {
			t.Error(at, err)
		}
		if err := half(w.colleague, others.ID, 0, 9_000); err != nil {
			t.Error(err)
		}
		if _, r, err := w.s.Resume(w.Context(), w.inspector, next.ID, 9_000, next.Size-9_000, bytes.NewReader(raw[9_000:])); err != nil || r == nil {
			t.Error(r, err)
		}
		if missing, err := w.awaited(); err != nil || len(missing) != 2 {
			t.Error(missing, err)
		}
	})
}

// TestWhatALyingManifestNamesIsNeverTaken: a file that is not what was declared is not
// received by any way or in any pieces, the check goes on waiting for it, and the right
// bytes are taken afterwards.
func TestWhatALyingManifestNamesIsNeverTaken(t *testing.T) {
	each(t, func(w *world) {
		w.copies()
		raw := heavy(120_000)
		swapped := bytes.Clone(raw)
		swapped[60_000] ^= 1
		for name, lie := range map[string]func(*evidence.Declaration){
			"hash":    func(d *evidence.Declaration) { d.SHA256 = sum([]byte("another")) },
			"smaller": func(d *evidence.Declaration) { d.Size -= 1000 },
			"larger":  func(d *evidence.Declaration) { d.Size += 1000 },
			"swapped": func(d *evidence.Declaration) { d.SHA256 = sum(swapped) },
		} {
			d := w.declaration(raw)
			lie(&d)
			w.declare(w.inspector, d)
			if _, err := w.s.Receive(w.Context(), w.inspector, d.ID, -1, bytes.NewReader(raw)); inspection.CodeOf(err) != inspection.Invalid {
				t.Errorf("%s, whole: %v", name, err)
			}
			var at int64
			for _, n := range []int64{50_000, int64(len(raw)) - 50_000} {
				now, r, err := w.s.Resume(w.Context(), w.inspector, d.ID, at, -1, bytes.NewReader(raw[at:min(at+n, int64(len(raw)))]))
				if r != nil || err != nil && inspection.CodeOf(err) != inspection.Invalid {
					t.Errorf("%s, in pieces: %v %v", name, r, err)
				}
				at = now
			}
			if i := w.get(w.inspector, d.ID); i.State != evidence.Declared || i.SHA256 != d.SHA256 || i.Size != d.Size {
				t.Errorf("%s: %+v", name, i)
			}
			if _, err := w.s.ReceiptOf(w.Context(), w.inspector, d.ID); inspection.KeyOf(err) != "evidence.error.not_received" {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.nothingLeft()
		if missing, err := w.awaited(); err != nil || len(missing) != 4 {
			t.Error(missing, err)
		}
		right := imagingtest.JPEG(imagingtest.Scene(90, 60), imagingtest.Exif{})
		d := w.declaration(right)
		w.declare(w.inspector, d)
		if _, _, err := w.s.Resume(w.Context(), w.inspector, d.ID, 0, d.Size, bytes.NewReader(bytes.Repeat([]byte{0xff}, len(right)))); inspection.CodeOf(err) != inspection.Invalid {
			t.Error(err)
		}
		w.send(w.inspector, d.ID, right)
	})
}
