package evidence_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"congvu/evidence"
	"congvu/evidence/blob"
	"congvu/evidence/imaging/imagingtest"
	"congvu/inspection"
	"congvu/inspection/seedtest"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// heavy is a picture of at least so many bytes.
func heavy(size int) []byte {
	return imagingtest.Heavy(imagingtest.JPEG(imagingtest.Scene(64, 48), imagingtest.Exif{}), size)
}

// copies are two copies of the program over one database and one store, with the limits
// of an installation.
func (w *world) copies() [2]*evidence.Service {
	w.Helper()
	var both [2]*evidence.Service
	for i := range both {
		var err error
		if both[i], err = evidence.New(w.db, w.clock, w.store, w.rules, evidence.Config{Spool: w.spool, Key: w.key}); err != nil {
			w.Fatal(err)
		}
	}
	w.s = both[0]
	return both
}

// declared declares a file of at least so many bytes.
func (w *world) declared(size int) ([]byte, evidence.Declaration) {
	w.Helper()
	raw := heavy(size)
	d := w.declaration(raw)
	w.declare(w.inspector, d)
	return raw, d
}

func (w *world) parts(id string) (n int64) {
	w.Helper()
	if err := w.db.Table("evidence_parts").Where("file_id = ?", id).Count(&n).Error; err != nil {
		w.Fatal(err)
	}
	return n
}

// TestR2WhatArrivedBeforeACutIsNotSentAgain: cut at any byte, on any copy of the
// program; what the server read of a broken request it has afterwards.
func TestR2WhatArrivedBeforeACutIsNotSentAgain(t *testing.T) {
	cuts := 40
	if os.Getenv("CONGVU_LONG") != "" {
		cuts = 400
	}
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w, random := newWorld(t, db, files(t)), seedtest.Source(t, 0)
		both := w.copies()
		for done := 0; done < cuts; {
			raw := heavy(1000 + random.IntN(3_000_000))
			if done == 0 {
				raw = heavy(9_500_000) // more than is received in memory
			}
			d := w.declaration(raw)
			w.declare(w.inspector, d)
			var at, sent int64
			var receipt *evidence.Receipt
			for receipt == nil {
				s := both[random.IntN(2)]
				have, size, err := s.Progress(w.Context(), w.inspector, d.ID)
				if err != nil || size != d.Size || have > at || at-have > 1<<20 {
					t.Fatalf("%d of %d after %d: %v", have, size, at, err)
				}
				at = have
				rest := raw[at:]
				if done < cuts && random.IntN(4) > 0 {
					rest = rest[:random.IntN(len(rest))]
				}
				var body io.Reader = bytes.NewReader(rest)
				if random.IntN(2) == 0 {
					body = iotest.OneByteReader(io.LimitReader(body, 2000))
					rest = rest[:min(len(rest), 2000)]
				}
				ctx, cancel := context.WithCancel(w.Context())
				cut := len(rest) < len(raw)-int(at)
				if cut { // the line is gone, and with it the request
					body = io.MultiReader(body, gone{cancel})
					done++
				}
				now, r, err := s.Resume(ctx, w.inspector, d.ID, at, int64(len(raw))-at, body)
				cancel()
				sent += int64(len(rest))
				if cut {
					w.want(err, inspection.Invalid, "evidence.error.interrupted")
				} else if err != nil {
					t.Fatal(err)
				}
				if now < at || now > at+int64(len(rest)) || !cut && (r == nil || now != d.Size) {
					t.Fatalf("%d to %d with %d bytes, receipt %v", at, now, len(rest), r)
				}
				at, receipt = min(at+int64(len(rest)), d.Size-1), r
			}
			if sent > int64(len(raw))+int64(done) {
				t.Errorf("%d bytes sent of %d", sent, len(raw))
			}
			if receipt.SHA256 != sum(raw) || w.parts(d.ID) != 0 {
				t.Errorf("%+v, %d parts left", receipt, w.parts(d.ID))
			}
			if got, err := w.open(w.inspector, d.ID, evidence.Original, ""); err != nil || !bytes.Equal(got, raw) {
				t.Errorf("another file: %d bytes, %v", len(got), err)
			}
			again, err := both[1].ReceiptOf(w.Context(), w.inspector, d.ID)
			if err != nil || again != *receipt {
				t.Errorf("%+v, %v", again, err)
			}
			if got := w.actions(d.ID); !slices.Equal(got, []string{"evidence.declare", "evidence.receive"}) {
				t.Error(got)
			}
		}
		w.spoolEmpty()
	})
}

// gone is the end of a line that was cut: the request is over, too.
type gone struct{ cancel context.CancelFunc }

func (g gone) Read([]byte) (int, error) {
	g.cancel()
	return 0, io.ErrUnexpectedEOF
}

// TestR2ASlowFileIsKeptWhileItComes: when the program is killed, or a line hangs without
// breaking, what came before is on another copy.
func TestR2ASlowFileIsKeptWhileItComes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db, files(t))
		both := w.copies()
		raw := heavy(900_000)
		d := w.declaration(raw)
		w.declare(w.inspector, d)
		read, write := io.Pipe()
		hangs := make(chan error, 1)
		go func() {
			_, _, err := both[0].Resume(w.Context(), w.inspector, d.ID, 0, d.Size, read)
			hangs <- err
		}()
		if _, err := write.Write(raw[:500_000]); err != nil {
			t.Fatal(err)
		}
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for at := int64(0); at != 500_000; <-tick.C {
			var err error
			if at, _, err = both[1].Progress(w.Context(), w.inspector, d.ID); err != nil {
				t.Fatal(err)
			}
		}
		_, receipt, err := both[1].Resume(w.Context(), w.inspector, d.ID, 500_000, d.Size-500_000, bytes.NewReader(raw[500_000:]))
		if err != nil || receipt == nil {
			t.Fatal(receipt, err)
		}
		if _, err := write.Write(raw[500_000:600_000]); err != nil { // the first one wakes up
			t.Fatal(err)
		}
		write.CloseWithError(io.ErrUnexpectedEOF)
		w.want(<-hangs, inspection.Invalid, "evidence.error.interrupted")
		if n := w.parts(d.ID); n != 0 {
			t.Errorf("%d parts of a whole file", n)
		}
	})
}

// TestR2WhoAsksAfterACutIsToldWhatIsBeingParked: the sender has lost the line and asks on
// another how much is there, while the program still reads what came over the first.
func TestR2WhoAsksAfterACutIsToldWhatIsBeingParked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db, files(t))
		w.copies()
		raw, d := w.declared(300_000)
		half := len(raw) / 2
		line, sender := io.Pipe()
		over := make(chan error)
		go func() {
			_, _, err := w.s.Resume(t.Context(), w.inspector, d.ID, 0, int64(len(raw)), line)
			over <- err
		}()
		if _, err := sender.Write(raw[:half]); err != nil {
			t.Fatal(err)
		}
		told := make(chan int64)
		go func() {
			at, _, err := w.s.Progress(t.Context(), w.inspector, d.ID)
			if err != nil {
				t.Error(err)
			}
			told <- at
		}()
		waits := func() bool {
			stacks := make([]byte, 1<<20)
			return bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("(*turns).settled"))
		}
		var at int64
		for asked := false; !asked; {
			select {
			case at = <-told:
				t.Fatalf("told %d of %d that have come, while they are being read", at, half)
			default:
				asked = waits()
			}
		}
		sender.CloseWithError(io.ErrUnexpectedEOF)
		if err := <-over; inspection.CodeOf(err) != inspection.Invalid {
			t.Error(err)
		}
		if at = <-told; at != int64(half) {
			t.Errorf("told %d of %d that have come", at, half)
		}
	})
}

// TestR2ALaterRequestEndsTheOneBefore: a line that hangs, and the same request again, as a
// browser repeats it: it is told where to go on, and what came before is not lost.
func TestR2ALaterRequestEndsTheOneBefore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db, files(t))
		w.copies()
		raw, d := w.declared(600_000)
		read, write := io.Pipe()
		first := make(chan error, 1)
		go func() {
			_, _, err := w.s.Resume(w.Context(), w.inspector, d.ID, 0, d.Size, line{read})
			first <- err
		}()
		if _, err := write.Write(raw[:100_000]); err != nil {
			t.Fatal(err)
		}
		at, r, err := w.s.Resume(w.Context(), w.inspector, d.ID, 0, d.Size, bytes.NewReader(raw))
		w.want(err, inspection.Conflict, "evidence.error.offset")
		if at != 100_000 || r != nil {
			t.Fatal(at, r)
		}
		if at, r, err = w.s.Resume(w.Context(), w.inspector, d.ID, at, d.Size-at, bytes.NewReader(raw[at:])); err != nil || r == nil {
			t.Fatal(at, r, err)
		}
		w.want(<-first, inspection.Invalid, "evidence.error.interrupted")

		// Who waits behind one that cannot be ended goes when their own request does.
		other := w.declaration(heavy(300_000))
		w.declare(w.inspector, other)
		stuck, unstick := io.Pipe()
		go func() {
			_, _, err := w.s.Resume(w.Context(), w.inspector, other.ID, 0, other.Size, stuck)
			first <- err
		}()
		if _, err := unstick.Write([]byte{0xff}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(w.Context())
		cancel()
		if _, _, err := w.s.Resume(ctx, w.inspector, other.ID, 0, other.Size, bytes.NewReader(nil)); err == nil {
			t.Error("it did not wait")
		}
		unstick.CloseWithError(io.ErrUnexpectedEOF)
		<-first
	})
}

// TestNobodySpoilsWhatAnotherSends: bytes are put behind others by who declared the file
// only, and what is refused does not end the request under way. The whole may come from
// whoever sees it whole, for it is held against its hash.
func TestNobodySpoilsWhatAnotherSends(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db, files(t))
		w.copies()
		raw, d := w.declared(600_000)
		read, write := io.Pipe()
		type end struct {
			receipt *evidence.Receipt
			err     error
		}
		ended := make(chan end, 1)
		go func() {
			_, r, err := w.s.Resume(w.Context(), w.inspector, d.ID, 0, d.Size, line{read})
			ended <- end{r, err}
		}()
		if _, err := write.Write(raw[:100_000]); err != nil {
			t.Fatal(err)
		}
		for name, a := range map[string]inspection.Actor{"colleague": w.colleague, "lead": w.lead} {
			for _, at := range []int64{0, 100_000} {
				for _, length := range []int64{-1, 1, d.Size - at} {
					if _, r, err := w.s.Resume(w.Context(), a, d.ID, at, length, bytes.NewReader([]byte{0xfe})); r != nil || inspection.CodeOf(err) != inspection.Forbidden || inspection.KeyOf(err) != "evidence.error.sender" {
						t.Errorf("%s at %d: %v, %v", name, at, r, err)
					}
				}
			}
		}
		for _, a := range []inspection.Actor{w.unit, w.chair, w.outsider, {}} {
			_, _, err := w.s.Resume(w.Context(), a, d.ID, 0, d.Size, bytes.NewReader(raw))
			w.want(err, inspection.NotFound, "evidence.error.not_found")
		}
		for _, at := range []int64{-1, 50_000, 150_000, d.Size} { // nor their own, with another offset
			_, _, err := w.s.Resume(w.Context(), w.inspector, d.ID, at, -1, bytes.NewReader(nil))
			w.want(err, inspection.Conflict, "evidence.error.offset")
		}
		if _, err := write.Write(raw[100_000:]); err != nil {
			t.Fatal(err)
		}
		write.Close()
		if e := <-ended; e.err != nil || e.receipt == nil || e.receipt.SHA256 != d.SHA256 {
			t.Fatalf("%+v", e)
		}

		// Of a half-sent one nothing is lost, and a colleague may send the whole.
		other := w.declaration(heavy(400_000))
		w.declare(w.inspector, other)
		if _, _, err := w.s.Resume(w.Context(), w.inspector, other.ID, 0, 1000, bytes.NewReader(heavy(400_000)[:1000])); err != nil {
			t.Fatal(err)
		}
		_, _, err := w.s.Resume(w.Context(), w.colleague, other.ID, 1000, 1, bytes.NewReader([]byte{0xfe}))
		w.want(err, inspection.Forbidden, "evidence.error.sender")
		if at, _, err := w.s.Progress(w.Context(), w.colleague, other.ID); err != nil || at != 1000 {
			t.Error(at, err)
		}
		if _, err := w.s.Receive(w.Context(), w.colleague, other.ID, other.Size, bytes.NewReader(heavy(400_000))); err != nil {
			t.Error(err)
		}
		if got := w.actions(other.ID); !slices.Equal(got, []string{"evidence.declare", "evidence.receive"}) {
			t.Error(got)
		}
	})
}

type line struct{ *io.PipeReader }

func (l line) Abort() { l.CloseWithError(io.ErrUnexpectedEOF) }

// TestResumingRefusesWhatDoesNotFit: out of order, overlapping, too much, from others, or
// not what was declared; and nothing of the first is lost by it.
func TestResumingRefusesWhatDoesNotFit(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db, files(t))
		w.copies()
		raw := heavy(200_000)
		d := w.declaration(raw)
		w.declare(w.inspector, d)
		resume := func(a inspection.Actor, at, length int64, body []byte) error {
			_, _, err := w.s.Resume(w.Context(), a, d.ID, at, length, bytes.NewReader(body))
			return err
		}
		at := func(want int64) {
			t.Helper()
			if at, _, err := w.s.Progress(w.Context(), w.colleague, d.ID); err != nil || at != want {
				t.Errorf("%d, want %d: %v", at, want, err)
			}
		}
		if _, err := w.s.ReceiptOf(w.Context(), w.inspector, d.ID); inspection.KeyOf(err) != "evidence.error.not_received" {
			t.Error(err)
		}
		if err := resume(w.inspector, 0, 50_000, raw[:50_000]); err != nil { // less than all is no mistake
			t.Fatal(err)
		}
		at(50_000)
		w.want(resume(w.inspector, 0, d.Size, raw), inspection.Conflict, "evidence.error.offset")
		w.want(resume(w.inspector, 60_000, 1000, raw[60_000:61_000]), inspection.Conflict, "evidence.error.offset")
		w.want(resume(w.inspector, -1, 1000, raw[:1000]), inspection.Conflict, "evidence.error.offset")
		w.want(resume(w.inspector, 50_000, d.Size-49_999, raw[50_000:]), inspection.Invalid, "evidence.error.size_differs")
		w.want(resume(w.inspector, 50_000, 1<<40, raw[50_000:]), inspection.TooLarge, "evidence.error.too_large")
		for _, a := range []inspection.Actor{w.unit, w.chair, w.outsider, {}} {
			w.want(resume(a, 50_000, d.Size-50_000, raw[50_000:]), inspection.NotFound, "evidence.error.not_found")
			if _, _, err := w.s.Progress(w.Context(), a, d.ID); inspection.CodeOf(err) != inspection.NotFound {
				t.Error(err)
			}
			if _, err := w.s.ReceiptOf(w.Context(), a, d.ID); inspection.CodeOf(err) != inspection.NotFound {
				t.Error(err)
			}
		}
		at(50_000)

		// Another picture behind the same beginning: dropped, and begun anew.
		other := bytes.Clone(raw)
		other[150_000]++
		w.want(resume(w.inspector, 50_000, d.Size-50_000, other[50_000:]), inspection.Invalid, "evidence.error.hash_differs")
		at(0)
		w.nothingLeft()

		// More than was announced.
		w.want(resume(w.inspector, 0, -1, append(bytes.Clone(raw), 1)), inspection.Invalid, "evidence.error.size_differs")
		if err := w.db.Exec("DELETE FROM evidence_parts").Error; err != nil {
			t.Fatal(err)
		}

		// Two at once: one is the file.
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			wg.Go(func() { errs[i] = resume(w.inspector, 0, d.Size, raw) })
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil && inspection.CodeOf(err) != inspection.Conflict {
				t.Error(err)
			}
		}
		at(d.Size)
		if err := resume(w.inspector, d.Size, 0, nil); err != nil { // whole already
			t.Error(err)
		}
		w.want(resume(w.inspector, 0, d.Size, raw), inspection.Conflict, "evidence.error.offset")
		if got := w.actions(d.ID); !slices.Equal(got, []string{"evidence.declare", "evidence.receive"}) {
			t.Error(got)
		}
	})
}

// TestWhatNobodyFinishesIsDroppedAndStaysDeclared.
func TestWhatNobodyFinishesIsDroppedAndStaysDeclared(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db, files(t))
		w.copies()
		raw := heavy(2_500_000)
		half := func() string {
			d := w.declaration(raw)
			w.declare(w.inspector, d)
			if _, _, err := w.s.Resume(w.Context(), w.inspector, d.ID, 0, 2_000_000, bytes.NewReader(raw[:2_000_000])); err != nil {
				t.Fatal(err)
			}
			return d.ID
		}
		old, going := half(), half()
		w.clock.Advance(4 * 24 * time.Hour)
		if _, _, err := w.s.Resume(w.Context(), w.inspector, going, 2_000_000, 1000, bytes.NewReader(raw[2_000_000:2_001_000])); err != nil {
			t.Fatal(err)
		}
		if n, err := w.s.DropParts(w.Context()); err != nil || n != 0 {
			t.Fatal(n, err)
		}
		w.clock.Advance(4 * 24 * time.Hour)
		other := half()
		w.send(w.inspector, other, raw) // whole, by the other way
		if n, err := w.s.DropParts(w.Context()); err != nil || n != 4 || w.parts(old) != 0 || w.parts(going) != 3 || w.parts(other) != 0 {
			t.Fatal(n, err)
		}
		if i := w.get(w.inspector, old); i.State != evidence.Declared {
			t.Error(i.State)
		}
		w.send(w.inspector, old, raw)
		if _, r, err := w.s.Resume(w.Context(), w.inspector, going, 2_001_000, int64(len(raw))-2_001_000, bytes.NewReader(raw[2_001_000:])); err != nil || r == nil {
			t.Error(r, err)
		}
	})
}

// TestAStoreThatFailsAtTheEndCostsNothingTwice: the bytes are parked until it is back.
func TestAStoreThatFailsAtTheEndCostsNothingTwice(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		store := &moody{Store: files(t)}
		w := newWorld(t, db, store)
		w.copies()
		raw := heavy(300_000)
		d := w.declaration(raw)
		w.declare(w.inspector, d)
		store.down = true
		at, r, err := w.s.Resume(w.Context(), w.inspector, d.ID, 0, d.Size, bytes.NewReader(raw))
		if at != d.Size-1 || r != nil || inspection.CodeOf(err) != inspection.Unavailable {
			t.Fatal(at, r, err)
		}
		store.down = false
		at, r, err = w.s.Resume(w.Context(), w.inspector, d.ID, at, 1, bytes.NewReader(raw[at:]))
		if at != d.Size || r == nil || err != nil {
			t.Fatal(at, r, err)
		}
	})
}

type moody struct {
	blob.Store
	down bool
}

func (m *moody) Put(ctx context.Context, key string, r io.Reader, size int64, sum string) error {
	if m.down {
		return errors.New("the store is away")
	}
	return m.Store.Put(ctx, key, r, size, sum)
}
