package evidence_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"congvu/evidence"
	"congvu/evidence/blob"
	"congvu/evidence/imaging"
	"congvu/inspection"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// troubled is a store whose reads can be disturbed.
type troubled struct {
	blob.Store
	down  atomic.Bool // answers nothing
	cut   atomic.Bool // gives only the first half
	opens sync.Map    // key: *atomic.Int64
}

func (s *troubled) Open(ctx context.Context, key string) (io.ReadSeekCloser, blob.Info, error) {
	n, _ := s.opens.LoadOrStore(key, &atomic.Int64{})
	n.(*atomic.Int64).Add(1)
	if s.down.Load() {
		return nil, blob.Info{}, errors.New("connection refused")
	}
	r, info, err := s.Store.Open(ctx, key)
	if err != nil || !s.cut.Load() {
		return r, info, err
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, info.Size/2))
	return half{bytes.NewReader(raw)}, info, err
}

func (s *troubled) Put(ctx context.Context, key string, r io.Reader, size int64, sum string) error {
	if s.down.Load() {
		return errors.New("connection refused")
	}
	return s.Store.Put(ctx, key, r, size, sum)
}

func (s *troubled) Health(ctx context.Context) (blob.Health, error) {
	if s.down.Load() {
		return blob.Health{}, errors.New("connection refused")
	}
	return s.Store.Health(ctx)
}

type half struct{ *bytes.Reader }

func (half) Close() error { return nil }

func TestWhatCannotBeDerivedIsGivenUpAfterThreeTries(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		store := &troubled{Store: files(t)}
		w := newWorld(t, db, store)
		id := w.add(w.inspector, photo(400, 300), nil)
		d := w.s.Deriver(1, time.Hour)
		store.cut.Store(true)
		for try := 1; try <= 3; try++ {
			if did, err := d.Step(t.Context()); !did || inspection.KeyOf(err) != "evidence.error.broken" {
				t.Fatalf("try %d: %v, %v", try, did, err)
			}
			if did, err := d.Step(t.Context()); did || err != nil {
				t.Fatalf("tried again at once: %v", err)
			}
			want := evidence.DerivePending
			if try == 3 {
				want = evidence.DeriveFailed
			}
			if i := w.get(w.lead, id); i.DeriveState != want {
				t.Fatalf("after try %d: %s", try, i.DeriveState)
			}
			w.clock.Advance(time.Minute)
		}
		if did, err := d.Step(t.Context()); did || err != nil {
			t.Fatalf("a fourth try: %v", err)
		}
		if _, err := w.open(w.lead, id, evidence.Preview, ""); inspection.KeyOf(err) != "evidence.error.not_derived" {
			t.Fatal(err)
		}
	})
}

func TestAStoreThatIsDownCostsNoTry(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		store := &troubled{Store: files(t)}
		w := newWorld(t, db, store)
		raw := photo(400, 300)
		id := w.add(w.inspector, raw, nil)
		waiting := w.declaration(photo(401, 300))
		w.declare(w.inspector, waiting)
		d := w.s.Deriver(1, time.Hour)
		store.down.Store(true)
		for range 5 {
			if did, err := d.Step(t.Context()); !did || inspection.CodeOf(err) != inspection.Unavailable {
				t.Fatalf("%v, %v", did, err)
			}
			w.clock.Advance(time.Minute)
		}
		if _, err := w.s.Health(t.Context()); inspection.CodeOf(err) != inspection.Unavailable {
			t.Fatal(err)
		}
		_, err := w.s.Receive(t.Context(), w.inspector, waiting.ID, waiting.Size, bytes.NewReader(photo(401, 300)))
		w.want(err, inspection.Unavailable, "evidence.error.store")
		if _, err := w.open(w.inspector, id, evidence.Original, ""); inspection.CodeOf(err) != inspection.Unavailable {
			t.Fatal(err)
		}
		w.want(w.s.ConfirmShared(t.Context(), w.inspector, id, nil, true), inspection.Unavailable, "evidence.error.store")
		store.down.Store(false)
		w.send(w.inspector, waiting.ID, photo(401, 300))
		for range 2 {
			if did, err := d.Step(t.Context()); !did || err != nil {
				t.Fatalf("%v, %v", did, err)
			}
		}
		if i := w.get(w.lead, id); i.DeriveState != evidence.DeriveDone || !i.Has() {
			t.Fatal(i.DeriveState)
		}
		w.spoolEmpty()
	})
}

func TestAProcessThatDiesWhileDerivingIsNoLoop(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db, files(t))
		id := w.add(w.inspector, photo(400, 300), nil)
		// As a process leaves it that took the lease for the third time and died.
		if err := db.Exec("UPDATE evidence_files SET derive_attempts = 3, derive_lease_until = ?", w.clock.Now().Add(time.Minute)).Error; err != nil {
			t.Fatal(err)
		}
		d := w.s.Deriver(1, time.Hour)
		if did, err := d.Step(t.Context()); did || err != nil {
			t.Fatal("took a file that another process holds")
		}
		w.clock.Advance(time.Hour)
		if did, err := d.Step(t.Context()); did || err != nil {
			t.Fatalf("%v, %v", did, err)
		}
		if i := w.get(w.lead, id); i.DeriveState != evidence.DeriveFailed {
			t.Fatal(i.DeriveState)
		}
	})
}

// TestTwoCopiesShareTheWork runs two services with two workers each on one database
// and one store.
func TestTwoCopiesShareTheWork(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		store := &troubled{Store: files(t)}
		w := newWorld(t, db, store)
		second, err := evidence.New(db, w.clock, store, w.rules, evidence.Config{Limits: limits, Spool: w.spool, Key: w.key})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		for _, s := range []*evidence.Service{w.s, second} {
			wg.Go(func() { s.Deriver(2, 20*time.Millisecond).Run(ctx) })
		}
		const many = 12
		var keys []string
		for i := range many {
			raw := photo(300+i, 200)
			w.add(w.inspector, raw, nil)
			keys = append(keys, "o/"+sum(raw))
		}
		deadline, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		poll := time.NewTicker(20 * time.Millisecond)
		defer poll.Stop()
		for done := int64(0); done < many; {
			select {
			case <-deadline.Done():
				t.Fatalf("%d of %d derived", done, many)
			case <-poll.C:
			}
			if err := db.Table("evidence_files").Where("derive_state = 'DONE'").Count(&done).Error; err != nil {
				t.Fatal(err)
			}
		}
		for _, key := range keys {
			if n, ok := store.opens.Load(key); !ok || n.(*atomic.Int64).Load() != 1 {
				t.Errorf("%s was not read once", key)
			}
		}
		var rows int64
		db.Table("evidence_derived").Count(&rows)
		if rows != 2*many {
			t.Errorf("%d derived rows", rows)
		}
	})
}

func TestAReceiptWakesTheDeriver(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t), files(t))
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() { w.s.Deriver(1, 24*time.Hour).Run(ctx); close(stopped) }()
	id := w.add(w.inspector, photo(400, 300), nil)
	deadline, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for w.get(w.lead, id).DeriveState != evidence.DeriveDone {
		select {
		case <-deadline.Done():
			t.Fatal("the deriver sleeps on")
		case <-poll.C:
		}
	}
	cancel()
	<-stopped
}

func BenchmarkReceive12Megapixels(b *testing.B) {
	work := imaging.NewWork(imaging.DefaultLimits)
	raw := photo(4000, 3000)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := work.Inspect(context.Background(), bytes.NewReader(raw), int64(len(raw))); err != nil {
			b.Fatal(err)
		}
	}
}
