package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"congvu/evidence/blob"
	"congvu/evidence/imaging"
	"congvu/inspection"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// A file may come in several requests, to any copy of the program: what has arrived of
// it when one breaks off is parked in the database, and the sender goes on behind it.
// Parts are no evidence: only the whole, held against its declaration, is.
const (
	partBytes  = 1 << 20            // so much is parked at once
	crumbBytes = 64 << 10           // a smaller part takes in what comes behind it, so that crumbs are no rows
	slow       = time.Second        // what takes longer is parked while it comes
	parkEvery  = time.Second / 2    // and looked at so often
	parkFor    = 30 * time.Second   // for parking, after the sender has gone
	settles    = time.Second        // what came over a line that broke is parked by then, or the line is not broken
	partsLast  = 7 * 24 * time.Hour // until what nobody finishes is dropped; the declaration stays
	parkedEach = 512 << 20          // bytes that may be parked for one person
)

type part struct {
	FileID     string             `gorm:"column:file_id;primaryKey"`
	Place      int64              `gorm:"column:place;primaryKey;autoIncrement:false"`
	Size       int64              `gorm:"column:size"`
	ReceivedAt inspection.Instant `gorm:"column:received_at"`
	Bytes      []byte             `gorm:"column:bytes"`
}

func (part) TableName() string { return "evidence_parts" }

// Progress is how far a file has come: bytes there, of how many. Where a request brings
// more of it here, its end is waited for, a second at most: who asks has mostly just lost
// the line, and would send again what is still being parked. May: as Receive. Code
// not_found.
func (s *Service) Progress(ctx context.Context, actor inspection.Actor, fileID string) (at, size int64, err error) {
	s.turns.settled(ctx, fileID)
	f, _, err := s.sendable(ctx, actor, fileID)
	if err != nil {
		return 0, 0, err
	}
	if f.State == Received {
		return f.Size, f.Size, nil
	}
	at, err = parked(s.read(ctx), f.ID)
	return at, f.Size, err
}

// ReceiptOf is the receipt of a file that has arrived. May: as Receive. Codes:
// not_found, conflict (evidence.error.not_received) while it has not.
func (s *Service) ReceiptOf(ctx context.Context, actor inspection.Actor, fileID string) (Receipt, error) {
	f, _, err := s.sendable(ctx, actor, fileID)
	if err != nil {
		return Receipt{}, err
	}
	if f.State != Received {
		return Receipt{}, inspection.E(inspection.Conflict, "evidence.error.not_received")
	}
	return s.receipt(f)
}

// Resume takes bytes of a declared file that follow the first at of it; length is what
// the sender announces, -1 when it does not. It tells how many are there afterwards,
// and gives the receipt when that is all of them. What arrives before a request breaks
// off stays, on an error too (invalid, .interrupted). May: as Receive; codes as there,
// and conflict (evidence.error.offset) when another number of bytes is there already. A
// later request for the same file ends an earlier one, whose reader may be an Aborter.
// A whole that is not as declared is dropped, and the file begins anew.
func (s *Service) Resume(ctx context.Context, actor inspection.Actor, fileID string, at, length int64, r io.Reader) (int64, *Receipt, error) {
	f, view, err := s.mine(ctx, actor, fileID)
	if err != nil {
		return 0, nil, err
	}
	if have, err := s.follows(ctx, f, at, length); err != nil { // nobody is ended for that
		return have, nil, err
	}
	done, err := s.turn(ctx, f.ID, r)
	if err != nil {
		return 0, nil, err
	}
	defer done()
	have, err := s.follows(ctx, f, at, length)
	if err != nil {
		return have, nil, err
	}
	if f.State == Received {
		receipt, err := s.receipt(f)
		return have, &receipt, err
	}
	defer s.busy()()
	in, err := s.arriving(f.Size - have)
	if err != nil {
		return have, nil, err
	}
	defer in.leave()
	safe, err := s.arrive(ctx, f, have, in, r)
	now := have + in.n.Load()
	if err != nil || now < f.Size {
		return safe, nil, err
	}
	receipt, err := s.together(ctx, actor, view, f, have, safe > 0, in)
	switch inspection.CodeOf(err) {
	case inspection.Unavailable, inspection.Full, inspection.Internal: // not the sender's doing
		safe, _ = s.park(ctx, f, have, safe, now, in)
	case inspection.Invalid, inspection.TooLarge: // it will never be what was declared
		if safe > 0 {
			if e := s.unpark(s.read(context.WithoutCancel(ctx)), f.ID); e != nil {
				err = e
			}
		}
		safe = 0
	}
	if err != nil {
		return safe, nil, err
	}
	return f.Size, &receipt, nil
}

// follows tells how much of a file is there, and refuses bytes that do not go on from
// there or are more than the rest of it.
func (s *Service) follows(ctx context.Context, f file, at, length int64) (have int64, err error) {
	have = f.Size
	if f.State != Received {
		if have, err = parked(s.read(ctx), f.ID); err != nil {
			return 0, err
		}
	}
	switch left := f.Size - have; {
	case at != have:
		return have, inspection.E(inspection.Conflict, "evidence.error.offset", "at", have)
	case f.State == Received:
	case length > left && have+length > s.work.Limits().Bytes:
		return have, imaging.TooLarge(s.work.Limits())
	case length > left:
		return have, differs(f, have+length)
	}
	return have, nil
}

// Aborter is a reader that can be told to give up.
type Aborter interface{ Abort() }

// turns are the files that are being resumed here, by id.
type turns struct {
	mu  sync.Mutex
	now map[string]*turn
}

type turn struct {
	abort func()
	done  chan struct{}
}

// turn lets one request send a file at a time: who comes later means that the one before
// has lost its line, and waits until what came over it is parked. A browser repeats a
// request whose connection broke by itself, and is then told at once where to go on.
func (s *Service) turn(ctx context.Context, file string, r io.Reader) (func(), error) {
	mine := &turn{abort: func() {}, done: make(chan struct{})}
	if a, ok := r.(Aborter); ok {
		mine.abort = a.Abort
	}
	for {
		s.turns.mu.Lock()
		before := s.turns.now[file]
		if before == nil {
			if s.turns.now == nil {
				s.turns.now = map[string]*turn{}
			}
			s.turns.now[file] = mine
		}
		s.turns.mu.Unlock()
		if before == nil {
			return func() {
				s.turns.mu.Lock()
				delete(s.turns.now, file)
				s.turns.mu.Unlock()
				close(mine.done)
			}, nil
		}
		before.abort()
		select {
		case <-before.done:
		case <-ctx.Done():
			return nil, inspection.E(inspection.Invalid, "evidence.error.interrupted").Because(ctx.Err())
		}
	}
}

// settled waits until nothing is being received of a file here, for a moment.
func (t *turns) settled(ctx context.Context, file string) {
	t.mu.Lock()
	now := t.now[file]
	t.mu.Unlock()
	if now == nil {
		return
	}
	patience := time.NewTimer(settles)
	defer patience.Stop()
	select {
	case <-now.done:
	case <-patience.C:
	case <-ctx.Done():
	}
}

// parked is how much of a file has arrived and waits for the rest.
func parked(tx *gorm.DB, file string) (n int64, err error) {
	err = tx.Model(&part{}).Where("file_id = ?", file).Select("COALESCE(SUM(size), 0)").Scan(&n).Error
	return n, err
}

func (s *Service) unpark(tx *gorm.DB, file string) error {
	return tx.Where("file_id = ?", file).Delete(&part{}).Error
}

// arriving is where bytes are put as they come, in memory or in the spool; what is
// there can be read while more comes.
type arriving struct {
	room  *room
	file  *os.File
	n     atomic.Int64
	limit int64
}

func (s *Service) arriving(limit int64) (*arriving, error) {
	if room := s.room(limit); room != nil {
		return &arriving{room: room, limit: limit}, nil
	}
	file, err := os.CreateTemp(s.spool, "congvu-receive-*")
	if err != nil {
		return nil, storeTrouble(err)
	}
	return &arriving{file: file, limit: limit}, nil
}

func (a *arriving) leave() {
	if a.room != nil {
		a.room.leave()
		return
	}
	a.file.Close()
	os.Remove(a.file.Name())
}

// from reads until nothing comes any more. Nothing may follow the last byte.
func (a *arriving) from(r io.Reader) error {
	buffer := make([]byte, 64<<10)
	for {
		n := a.n.Load()
		into := buffer
		if a.room != nil && n < a.limit {
			into = a.room.b[n:]
		}
		got, err := r.Read(into)
		if n+int64(got) > a.limit {
			return inspection.E(inspection.Invalid, "evidence.error.size_differs", "declared", a.limit, "sent", n+int64(got))
		}
		if a.file != nil {
			if _, err := a.file.WriteAt(into[:got], n); err != nil {
				return storeTrouble(err)
			}
		}
		a.n.Store(n + int64(got))
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return inspection.E(inspection.Invalid, "evidence.error.interrupted").Because(err)
		}
	}
}

// section is what has come from one place to another.
func (a *arriving) section(from, to int64) ([]byte, error) {
	if a.room != nil {
		return a.room.b[from:to], nil
	}
	raw := make([]byte, to-from)
	_, err := a.file.ReadAt(raw, from)
	return raw, err
}

func (a *arriving) reader() io.Reader {
	if a.room != nil {
		return bytes.NewReader(a.room.b)
	}
	return io.NewSectionReader(a.file, 0, a.limit)
}

// arrive lets a request's bytes come in and parks what would be lost with it: all that
// is there when it breaks off or ends too early, and what has come so far while it is
// slow. safe is how many bytes of the file are parked then. The last byte never is, so
// that there is always a request that takes the whole in.
func (s *Service) arrive(ctx context.Context, f file, have int64, in *arriving, r io.Reader) (safe int64, err error) {
	done := make(chan error, 1)
	go func() { done <- in.from(r) }()
	safe = have
	look := time.NewTimer(slow)
	defer look.Stop()
	for last := int64(0); ; {
		select {
		case err := <-done:
			n := have + in.n.Load()
			if n < f.Size || err != nil {
				var trouble error
				if safe, trouble = s.park(ctx, f, have, safe, n, in); err == nil {
					err = trouble
				}
			}
			return safe, err
		case <-look.C:
			n := have + in.n.Load()
			if n > safe && (n == last || n-safe >= partBytes) {
				safe, _ = s.park(ctx, f, have, safe, n, in) // tried again when it ends
			}
			last = n
			look.Reset(parkEvery)
		}
	}
}

// park keeps bytes from one place of the file to another until the rest comes, and tells
// up to where they are kept.
func (s *Service) park(ctx context.Context, f file, have, from, to int64, in *arriving) (int64, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), parkFor)
	defer cancel()
	for to = min(to, f.Size-1); from < to; {
		end := min(from+partBytes, to)
		raw, err := in.section(from-have, end-have)
		if err != nil {
			return from, storeTrouble(err)
		}
		err = s.transaction(ctx, func(tx *gorm.DB) error {
			var now file
			if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Select("id", "state").Where("id = ?", f.ID).Take(&now).Error; err != nil {
				return err
			}
			n, err := parked(tx, f.ID)
			if err != nil {
				return err
			}
			if now.State == Received || n != from { // it came another way meanwhile
				return inspection.E(inspection.Conflict, "evidence.error.offset", "at", n)
			}
			var all int64
			err = tx.Table("evidence_parts p").Joins("JOIN evidence_files f ON f.id = p.file_id").Where("f.declared_by = ?", f.DeclaredBy).
				Select("COALESCE(SUM(p.size), 0)").Scan(&all).Error
			if err != nil {
				return err
			}
			if all+int64(len(raw)) > parkedEach {
				return inspection.E(inspection.Full, "evidence.error.parts")
			}
			return s.lay(tx, part{FileID: f.ID, Place: from, Size: int64(len(raw)), ReceivedAt: s.clock.Now(), Bytes: raw})
		})
		if err != nil {
			return from, err
		}
		from = end
	}
	return from, nil
}

// lay puts a part behind those that a file has.
func (s *Service) lay(tx *gorm.DB, p part) error {
	var last part
	err := tx.Where("file_id = ? AND size < ? AND place + size = ?", p.FileID, crumbBytes, p.Place).Limit(1).Find(&last).Error
	if err != nil {
		return err
	}
	if last.FileID == "" {
		return tx.Create(&p).Error
	}
	return tx.Model(&part{}).Where("file_id = ? AND place = ?", p.FileID, last.Place).Updates(map[string]any{
		"size": last.Size + p.Size, "received_at": p.ReceivedAt, "bytes": slices.Concat(last.Bytes, p.Bytes)}).Error
}

// together puts what was parked before what has just come, and takes the whole in.
func (s *Service) together(ctx context.Context, actor inspection.Actor, view View, f file, have int64, before bool, in *arriving) (Receipt, error) {
	if have == 0 && in.room != nil {
		sound := blob.NewSound(in.room.b)
		if sound.Sum() != f.SHA256 {
			return Receipt{}, inspection.E(inspection.Invalid, "evidence.error.hash_differs")
		}
		return s.whole(ctx, actor, view, f, sound, before)
	}
	sent, err := os.CreateTemp(s.spool, "congvu-receive-*")
	if err != nil {
		return Receipt{}, storeTrouble(err)
	}
	defer func() { sent.Close(); os.Remove(sent.Name()) }()
	h := sha256.New()
	out := io.MultiWriter(sent, h)
	for at := int64(0); at < have; {
		var p part
		if err := s.read(ctx).Where("file_id = ? AND place = ?", f.ID, at).Take(&p).Error; err != nil || p.Size <= 0 {
			return Receipt{}, storeTrouble(err)
		}
		// A crumb may have taken in what this very request has brought since.
		if _, err := out.Write(p.Bytes[:min(p.Size, have-at)]); err != nil {
			return Receipt{}, storeTrouble(err)
		}
		at += p.Size
	}
	if _, err := io.Copy(out, in.reader()); err != nil {
		return Receipt{}, storeTrouble(err)
	}
	if hex.EncodeToString(h.Sum(nil)) != f.SHA256 {
		return Receipt{}, inspection.E(inspection.Invalid, "evidence.error.hash_differs")
	}
	return s.whole(ctx, actor, view, f, sent, true)
}

// DropParts drops what was parked of files that nobody went on sending for a week, and of
// files that came whole by another way, and tells how many parts those were. The
// declarations stay. Any number of copies may do it.
func (s *Service) DropParts(ctx context.Context) (int64, error) {
	done := s.read(ctx).Where("received_at < ? AND file_id NOT IN (SELECT file_id FROM evidence_parts WHERE received_at >= ?)", s.clock.Now().Add(-partsLast), s.clock.Now().Add(-partsLast)).
		Or("file_id IN (SELECT id FROM evidence_files WHERE state = 'RECEIVED')").Delete(&part{})
	return done.RowsAffected, done.Error
}
