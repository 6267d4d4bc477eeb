package evidence_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"syscall"
	"testing"

	"congvu/evidence"
	"congvu/evidence/blob"
	"congvu/inspection"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// spoilt is a store in which what was put cannot be read to its end, until it is mended.
type spoilt struct {
	blob.Store
	mended bool
	reads  func() // when somebody comes to the bad place
}

type badSector struct {
	io.ReadSeekCloser
	store *spoilt
}

func (b badSector) Read(p []byte) (int, error) {
	if b.store.reads != nil {
		b.store.reads()
	}
	return 0, syscall.EIO
}

func (s *spoilt) Open(ctx context.Context, key string) (io.ReadSeekCloser, blob.Info, error) {
	r, info, err := s.Store.Open(ctx, key)
	if err != nil || s.mended {
		return r, info, err
	}
	return badSector{r, s}, info, nil
}

func (s *spoilt) Mend(ctx context.Context, key string, r io.Reader, size int64, sum string) error {
	err := s.Store.Mend(ctx, key, r, size, sum)
	s.mended = s.mended || err == nil
	return err
}

// TestABadSectorDoesNotKeepOutTheRightBytes: what stands under the key cannot be read; who
// sends the bytes again has them put in its place. Who has gone meanwhile has not: nobody
// knows that anything is wrong.
func TestABadSectorDoesNotKeepOutTheRightBytes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		store := &spoilt{Store: files(t)}
		w := newWorld(t, db, store)
		raw := photo(64, 48)
		w.add(w.inspector, raw, nil)
		d := w.declaration(raw)
		w.declare(w.inspector, d)

		ctx, gone := context.WithCancel(t.Context())
		defer gone()
		store.reads = gone
		if _, err := w.s.Receive(ctx, w.inspector, d.ID, d.Size, bytes.NewReader(raw)); err == nil || store.mended {
			t.Errorf("mended for somebody who has gone: %v", err)
		}
		store.reads = nil
		w.send(w.inspector, d.ID, raw)
		if got, err := w.open(w.inspector, d.ID, evidence.Original, ""); err != nil || !bytes.Equal(got, raw) || !store.mended {
			t.Errorf("%d bytes, mended %v: %v", len(got), store.mended, err)
		}
	})
}

// unsure is a store that has put an object and cannot say so.
type unsure struct{ blob.Store }

func (s unsure) Put(ctx context.Context, key string, r io.Reader, size int64, sum string) error {
	if err := s.Store.Put(ctx, key, r, size, sum); err != nil {
		return err
	}
	return errors.New("the answer was lost")
}

// TestADepositThatFailedLeavesNothing that no row names: neither where the answer was lost
// nor where who asked has gone too.
func TestADepositThatFailedLeavesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		ctx, gone := context.WithCancel(t.Context())
		defer gone()
		lost := newWorld(t, db, unsure{files(t)})
		away := newWorld(t, db, &eager{Store: unsure{files(t)}, n: 1, then: gone})
		for _, w := range []*world{lost, away} {
			d, err := w.s.Deposit(ctx, evidence.CameraSnapshot, photo(64, 48), inspection.NewID())
			if inspection.CodeOf(err) != inspection.Unavailable || d.SHA256 != "" {
				t.Errorf("%+v, %v", d, err)
			}
			w.nothingLeft()
		}
	})
}
