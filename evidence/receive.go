package evidence

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"congvu/evidence/blob"
	"congvu/evidence/imaging"
	"congvu/inspection"
	"congvu/inspection/history"

	"gorm.io/gorm"
)

// Receive takes the bytes of a declared file; size is what the sender announces, -1
// when it does not. Whoever declared the file, and whoever on the same side sees it
// whole, may send it. After success the same call gives the same receipt without
// reading anything. On any error the declaration stays as it was and can be sent for
// again. Codes: not_found; invalid (.size_differs, .hash_differs, .type, .broken,
// .not_a_picture, .interrupted); too_large; unavailable when the store fails; full when it has no room.
func (s *Service) Receive(ctx context.Context, actor inspection.Actor, fileID string, size int64, r io.Reader) (Receipt, error) {
	f, view, err := s.sendable(ctx, actor, fileID)
	if err != nil {
		return Receipt{}, err
	}
	if f.State == Received {
		return s.receipt(f)
	}
	if size >= 0 && size != f.Size {
		if size > s.work.Limits().Bytes {
			return Receipt{}, imaging.TooLarge(s.work.Limits())
		}
		return Receipt{}, differs(f, size)
	}
	defer s.busy()()
	sent, err := s.take(f, r)
	if err != nil {
		return Receipt{}, err
	}
	defer sent.done()
	return s.whole(ctx, actor, view, f, sent.ReadSeeker, false)
}

// busy tells the makers of previews that something is being received, until it is done.
func (s *Service) busy() (done func()) {
	s.receiving.Add(1)
	return func() {
		s.received.Store(time.Now().UnixNano())
		s.receiving.Add(-1)
	}
}

// sendable loads a file whose bytes the actor may send: whoever declared it, and
// whoever on the same side sees it whole.
func (s *Service) sendable(ctx context.Context, actor inspection.Actor, id string) (file, View, error) {
	f, view, err := s.see(s.read(ctx), actor, id)
	if err == nil && f.DeclaredBy != actor.Person && (view.Side != f.Side || !whole(view, f)) {
		err = notFound()
	}
	return f, view, err
}

// mine loads a file that the actor declared. Code forbidden (evidence.error.sender) for
// others who may send the whole.
func (s *Service) mine(ctx context.Context, actor inspection.Actor, id string) (file, View, error) {
	f, view, err := s.sendable(ctx, actor, id)
	if err == nil && f.DeclaredBy != actor.Person {
		err = inspection.E(inspection.Forbidden, "evidence.error.sender")
	}
	return f, view, err
}

// whole takes in a file of which all bytes are there and are as declared; parked tells
// that some of them were kept as parts.
func (s *Service) whole(ctx context.Context, actor inspection.Actor, view View, f file, sent io.ReadSeeker, parked bool) (Receipt, error) {
	info, err := s.inspect(ctx, f.Kind, f.Size, sent)
	if err != nil {
		return Receipt{}, err
	}
	if _, err := sent.Seek(0, io.SeekStart); err != nil {
		return Receipt{}, err
	}
	if err := s.keep(ctx, f.key(), sent, f.Size, f.SHA256); err != nil {
		return Receipt{}, err
	}
	err = s.transaction(ctx, func(tx *gorm.DB) (err error) {
		f, err = s.takenIn(tx, actor, view.Capacity, f, info, parked)
		return err
	})
	if err != nil {
		return Receipt{}, err
	}
	s.notify()
	return s.receipt(f)
}

// takenIn writes down that the bytes of a declared file are kept.
func (s *Service) takenIn(tx *gorm.DB, actor inspection.Actor, c inspection.Capacity, f file, info imaging.Info, parked bool) (file, error) {
	now, got := s.clock.Now(), f
	got.State, got.ReceivedAt, got.MediaType, got.DeriveState = Received, now, info.Type, DeriveNone
	if info.Type.Decodable() {
		got.DeriveState = DerivePending
	}
	done := tx.Model(&file{}).Where("id = ? AND state <> ?", f.ID, Received).Updates(map[string]any{
		"state": got.State, "received_at": now, "media_type": info.Type, "width": info.Width, "height": info.Height,
		"orientation": info.Orientation, "exif_at": info.TakenAt, "exif_lat": info.Lat, "exif_lng": info.Lng, "derive_state": got.DeriveState, "object": got.Object})
	if done.Error != nil {
		return f, done.Error
	}
	if parked {
		if err := s.unpark(tx, f.ID); err != nil {
			return f, err
		}
	}
	if err := unsketch(tx, f.ID); err != nil {
		return f, err
	}
	if done.RowsAffected == 0 { // somebody sent the same bytes at the same time
		return load(tx, f.ID)
	}
	return got, s.append(tx, actor, c, "evidence.receive", got, now, map[string]any{
		"sha256": got.SHA256, "size": got.Size, "media_type": got.MediaType})
}

// inspect looks at bytes as a file of a kind.
func (s *Service) inspect(ctx context.Context, kind Kind, size int64, r io.ReadSeeker) (imaging.Info, error) {
	info, err := s.work.Inspect(ctx, r, size)
	if err == nil && !info.Type.Image() && kind != DocumentScan && kind != Note {
		err = inspection.E(inspection.Invalid, "evidence.error.not_a_picture")
	}
	return info, err
}

// Fits tells whether bytes that are at hand would be received as a file of a kind, for
// who has them before declaring them. Codes: invalid (evidence.error.type, .broken,
// .not_a_picture, .empty), too_large.
func (s *Service) Fits(ctx context.Context, kind Kind, size int64, r io.ReadSeeker) error {
	if size <= 0 {
		return inspection.E(inspection.Invalid, "evidence.error.empty")
	}
	_, err := s.inspect(ctx, kind, size, r)
	return err
}

// held is bytes that were sent and are as declared, until they are done with.
type held struct {
	io.ReadSeeker
	done func()
}

// What is received in memory, in bytes: files up to the first, all that are being
// received together up to the second. The rest goes through the spool.
const (
	inMemory    = 8 << 20
	allInMemory = 64 << 20
)

// take holds what is sent against the declaration.
func (s *Service) take(f file, r io.Reader) (held, error) {
	in := &keepError{r: io.LimitReader(r, f.Size+1)}
	if room := s.room(f.Size); room != nil {
		h, err := fromMemory(f, in, room.b)
		if err != nil {
			room.leave()
			return held{}, err
		}
		return held{h, room.leave}, nil
	}
	spooled, err := s.spooled(f, in)
	if err != nil {
		return held{}, err
	}
	return held{spooled, func() { spooled.Close(); os.Remove(spooled.Name()) }}, nil
}

// room is memory that something is received in.
type room struct {
	s *Service
	b []byte
}

// room gives memory for so many bytes, nil where there is none.
func (s *Service) room(n int64) *room {
	if n > inMemory || !s.memory.TryAcquire(n) {
		return nil
	}
	r, _ := s.rooms.Get().(*room)
	if r == nil || int64(cap(r.b)) < n {
		r = &room{s, make([]byte, max(n, 512<<10))}
	}
	r.b = r.b[:n]
	return r
}

// leave gives it back.
func (r *room) leave() {
	r.s.memory.Release(int64(len(r.b)))
	r.s.rooms.Put(r)
}

func fromMemory(f file, in *keepError, raw []byte) (*blob.Sound, error) {
	n, err := io.ReadFull(in, raw)
	if err == nil { // nothing may follow
		var more [1]byte
		one, _ := io.ReadFull(in, more[:])
		n += one
	}
	if in.err != nil {
		return nil, inspection.E(inspection.Invalid, "evidence.error.interrupted").Because(in.err)
	}
	if int64(n) != f.Size {
		return nil, differs(f, int64(n))
	}
	sound := blob.NewSound(raw)
	if sound.Sum() != f.SHA256 {
		return nil, inspection.E(inspection.Invalid, "evidence.error.hash_differs")
	}
	return sound, nil
}

func differs(f file, sent int64) error {
	return inspection.E(inspection.Invalid, "evidence.error.size_differs", "declared", f.Size, "sent", sent)
}

func (s *Service) spooled(f file, in *keepError) (_ *os.File, err error) {
	out, err := os.CreateTemp(s.spool, "congvu-receive-*")
	if err != nil {
		return nil, storeTrouble(err)
	}
	defer func() {
		if err != nil {
			out.Close()
			os.Remove(out.Name())
		}
	}()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, h), in)
	switch {
	case in.err != nil:
		return nil, inspection.E(inspection.Invalid, "evidence.error.interrupted").Because(in.err)
	case err != nil:
		return nil, storeTrouble(err)
	case n != f.Size:
		return nil, differs(f, n)
	case hex.EncodeToString(h.Sum(nil)) != f.SHA256:
		return nil, inspection.E(inspection.Invalid, "evidence.error.hash_differs")
	}
	return out, nil
}

// keepError tells the sender's failures from the spool's.
type keepError struct {
	r   io.Reader
	err error
}

func (k *keepError) Read(p []byte) (int, error) {
	n, err := k.r.Read(p)
	if err != nil && err != io.EOF {
		k.err = err
	}
	return n, err
}

// keep puts bytes under a key that is made of their hash, or is theirs alone. What stands
// there already has to be the same: what was cut off or spoilt, or cannot be read any more,
// is put right.
func (s *Service) keep(ctx context.Context, key string, r io.ReadSeeker, size int64, sum string) error {
	err := s.store.Put(ctx, key, r, size, sum)
	if errors.Is(err, blob.ErrExists) {
		err = s.same(ctx, key, r, size, sum)
	}
	if err != nil {
		return storeTrouble(err)
	}
	return nil
}

// same sees to it that what stands under a key is the bytes of a sum.
func (s *Service) same(ctx context.Context, key string, r io.ReadSeeker, size int64, sum string) error {
	stands, err := s.stands(ctx, key, size, sum)
	if err != nil || stands {
		return err
	}
	slog.WarnContext(ctx, "an object is not what its key says; it is put right", "key", key)
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return s.store.Mend(ctx, key, r, size, sum)
}

// stands reads whether an object has so many bytes of that SHA-256.
func (s *Service) stands(ctx context.Context, key string, size int64, sum string) (bool, error) {
	object, info, err := s.store.Open(ctx, key)
	if err != nil {
		return false, err
	}
	defer object.Close()
	if info.Size != size {
		return false, nil
	}
	h := sha256.New()
	n, err := io.Copy(h, object)
	if err != nil && ctx.Err() == nil { // a bad sector, say; of a store in trouble Mend will tell
		slog.ErrorContext(ctx, "an object cannot be read", "key", key, "error", err)
		return false, nil
	}
	return n == size && hex.EncodeToString(h.Sum(nil)) == sum, err
}

// GiveUp ends the waiting for a declared file that will never come (the device was
// lost, say), so that the check can be finished. The team's lead may, with a reason
// of 10 to 1000 characters. The declaration stays, marked LOST, and its bytes are
// still taken when they turn up. Codes: not_found, forbidden, invalid, conflict.
func (s *Service) GiveUp(ctx context.Context, actor inspection.Actor, fileID, reason string) error {
	reason, ok := inspection.Text(reason, 1000)
	if !ok || len([]rune(reason)) < 10 {
		return inspection.E(inspection.Invalid, "evidence.error.reason").Field("reason", "evidence.error.reason")
	}
	return s.transaction(ctx, func(tx *gorm.DB) error {
		f, view, err := s.see(tx, actor, fileID)
		if err != nil {
			return err
		}
		if view.Side != Team || f.Side != Team {
			return notFound()
		}
		if !view.Lead {
			return inspection.E(inspection.Forbidden, "evidence.error.lead_only")
		}
		done := tx.Model(&file{}).Where("id = ? AND state = ?", f.ID, Declared).
			Updates(map[string]any{"state": Lost, "lost_reason": reason})
		if done.Error != nil {
			return done.Error
		}
		if done.RowsAffected == 0 {
			return inspection.E(inspection.Conflict, "evidence.error.not_waiting")
		}
		if err := unsketch(tx, f.ID); err != nil {
			return err
		}
		return s.append(tx, actor, view.Capacity, "evidence.give_up", f, s.clock.Now(),
			map[string]any{"reason": history.TextHash(reason), "sha256": f.SHA256})
	})
}
