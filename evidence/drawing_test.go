package evidence_test

import (
	"testing"
	"time"

	"congvu/evidence"
	"congvu/inspection"
)

// TestADrawingNamesThePhotographAndIsNoEvidenceOfTime: a drawing names a photograph of the
// same check, also one that is declared with it; nothing else can be drawn on. However
// late it was made, it is no picture taken after anything.
func TestADrawingNamesThePhotographAndIsNoEvidenceOfTime(t *testing.T) {
	each(t, func(w *world) {
		began := w.clock.Now()
		w.clock.Advance(48 * time.Hour)
		original := w.add(w.inspector, photo(64, 48), nil, onFinding("f1", evidence.After))
		draw := func(of string) evidence.Declaration {
			d := w.declaration(photo(64, 52), onFinding("f1", evidence.After))
			d.Of = of
			return d
		}
		d := draw(original)
		w.declare(w.inspector, d)
		w.declare(w.inspector, d) // the same again is the same
		w.send(w.inspector, d.ID, photo(64, 52))
		if i := w.get(w.inspector, d.ID); i.Of != original || i.State != evidence.Received {
			w.Errorf("%+v", i)
		}
		later, err := w.s.TakenAfter(w.db, []string{original, d.ID}, began)
		if err != nil || len(later) != 1 || later[0] != original {
			w.Errorf("taken later: %v, %v", later, err)
		}
		changed := d
		changed.Of = ""
		w.want(declare(w.s, w.inspector, changed), inspection.Conflict, "evidence.error.other_content")

		both := []evidence.Declaration{w.declaration(photo(64, 53)), draw("")}
		both[1].Of = both[0].ID
		if err := w.s.DeclareIn(w.db, w.inspector, w.visit, both[1], both[0]); err != nil {
			w.Error(err)
		}
		scan := w.declaration(photo(64, 54))
		scan.Kind = evidence.DocumentScan
		w.declare(w.inspector, scan)
		for what, of := range map[string]string{"nothing that is there": inspection.NewID(), "a drawing": d.ID, "a scan": scan.ID, "no id": "../etc"} {
			if err := declare(w.s, w.inspector, draw(of)); inspection.CodeOf(err) != inspection.Invalid {
				w.Errorf("drawn on %s: %v", what, err)
			}
		}
		self := draw("")
		self.Of = self.ID
		w.want(declare(w.s, w.inspector, self), inspection.Invalid, "evidence.error.declaration")
	})
}
