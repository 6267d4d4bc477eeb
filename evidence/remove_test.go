package evidence_test

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"congvu/evidence"
	"congvu/evidence/blob"
	"congvu/inspection"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// eager is a store that lets something happen when the nth object has been put.
type eager struct {
	blob.Store
	n    int
	then func()
}

func (s *eager) Put(ctx context.Context, key string, r io.Reader, size int64, sum string) error {
	err := s.Store.Put(ctx, key, r, size, sum)
	if s.n--; s.n == 0 {
		s.then()
	}
	return err
}

// in lists the keys that a store has.
func (w *world) in() (keys []string) {
	w.Helper()
	for info, err := range w.store.List(w.Context(), "") {
		if err != nil {
			w.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

// apart is a picture that the program took and that may have to go.
func (w *world) apart(raw []byte) string {
	w.Helper()
	d := w.declaration(raw)
	d.Kind = evidence.CameraSnapshot
	deposit, err := w.s.Deposit(w.Context(), d.Kind, raw, d.ID)
	if err != nil {
		w.Fatal(err)
	}
	err = w.db.Transaction(func(tx *gorm.DB) error {
		if err := w.s.DeclareIn(tx, w.lead, w.visit, d); err != nil {
			return err
		}
		return w.s.Arrive(tx, w.lead, inspection.Capacity{}, d.ID, deposit)
	})
	if err != nil {
		w.Fatal(err)
	}
	return d.ID
}

func always(*gorm.DB, []evidence.On) (bool, error) { return true, nil }

// goes removes a file, once.
func (w *world) goes(id string) {
	w.Helper()
	for _, want := range []bool{true, false} {
		if went, err := w.s.Remove(w.Context(), id, "TERM", "a law", always); err != nil || went != want {
			w.Errorf("went: %v %v", went, err)
		}
	}
}

// TestWhatIsMadeWhileItGoesLeavesNothing: a preview that is being made, and a copy that is
// being confirmed, when their file is removed are not kept.
func TestWhatIsMadeWhileItGoesLeavesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		store := &eager{Store: files(t)}
		w := newWorld(t, db, store)
		preview, copied := w.apart(photo(80, 60)), ""
		store.n, store.then = 1, func() { w.goes(preview) }
		if did, err := w.s.Deriver(1, time.Second).Step(t.Context()); err != nil || !did {
			t.Fatal(did, err)
		}
		if got := w.in(); !slices.Equal(got, []string{"s/" + preview}) {
			t.Errorf("beside the original stays %v", got)
		}
		if did, err := w.s.Deriver(1, time.Second).Step(t.Context()); err != nil || did {
			t.Errorf("it is derived again: %v", err)
		}
		copied = w.apart(photo(90, 60))
		store.n, store.then = 1, func() { w.goes(copied) }
		w.want(w.s.ConfirmShared(t.Context(), w.lead, copied, nil, true), inspection.NotFound, "evidence.error.removed")
		if got := w.in(); len(got) != 2 {
			t.Errorf("beside the originals stays %v", got)
		}
		w.clock.Advance(6 * time.Hour)
		if n, err := w.s.DropRemoved(t.Context()); n != 2 || err != nil {
			t.Errorf("%d left: %v", n, err)
		}
		if got := w.in(); len(got) > 0 {
			t.Errorf("in the store stays %v", got)
		}
		var rows int64
		if err := db.Table("evidence_derived").Count(&rows).Error; err != nil || rows > 0 {
			t.Errorf("%d rows of what is not there: %v", rows, err)
		}
		for _, id := range []string{preview, copied} {
			if got := w.actions(id); !slices.Equal(got, []string{"evidence.declare", "evidence.receive", "evidence.remove"}) {
				t.Errorf("history has %v", got)
			}
		}
	})
}

// TestOnlyWhatIsKeptApartIsRemoved: bytes that others may share are not, nor what its joiner
// says is not due; a deposit for one file is not another's.
func TestOnlyWhatIsKeptApartIsRemoved(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		raw := photo(80, 60)
		shared := w.add(w.inspector, raw, nil)
		_, err := w.s.Remove(w.Context(), shared, "TERM", "a law", always)
		w.want(err, inspection.Conflict, "evidence.error.not_apart")
		_, err = w.s.Remove(w.Context(), inspection.NewID(), "TERM", "a law", always)
		w.want(err, inspection.NotFound, "evidence.error.not_found")
		id := w.apart(raw)
		if err := w.s.LinkTo(w.Context(), w.lead, id, item("A04")); err != nil {
			w.Fatal(err)
		}
		var asked []evidence.On
		went, err := w.s.Remove(w.Context(), id, "TERM", "a law", func(_ *gorm.DB, on []evidence.On) (bool, error) { asked = on; return false, nil })
		if err != nil || went || !slices.Equal(asked, []evidence.On{item("A04")}) {
			w.Errorf("%v %v %v", went, err, asked)
		}
		if got, err := w.open(w.lead, id, evidence.Original, ""); err != nil || !slices.Equal(got, raw) {
			w.Errorf("%d bytes, %v", len(got), err)
		}
		d := w.declaration(raw)
		d.Kind = evidence.CameraSnapshot
		deposit, err := w.s.Deposit(w.Context(), d.Kind, raw, inspection.NewID())
		if err != nil {
			w.Fatal(err)
		}
		w.declare(w.lead, d)
		w.want(w.s.Arrive(w.db, w.lead, inspection.Capacity{}, d.ID, deposit), inspection.Invalid, "evidence.error.declaration")
		w.s.Discard(w.Context(), deposit)
		w.goes(id)
		w.clock.Advance(6 * time.Hour)
		if n, err := w.s.DropRemoved(w.Context()); n != 1 || err != nil {
			w.Errorf("%d left: %v", n, err)
		}
		if got := w.in(); !slices.Equal(got, []string{"o/" + sum(raw)}) {
			w.Errorf("in the store stays %v", got)
		}
		if got, err := w.open(w.inspector, shared, evidence.Original, ""); err != nil || !slices.Equal(got, raw) {
			w.Errorf("the photograph of the same bytes: %d, %v", len(got), err)
		}
	})
}
