package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"

	"congvu/evidence/imaging"
	"congvu/inspection"

	"gorm.io/gorm"
)

// Deposit is bytes that are kept and belong to no file yet.
type Deposit struct {
	SHA256 string
	Size   int64 // bytes
	info   imaging.Info
	object string // the key, where they are kept apart
}

// Deposit keeps what the program itself took, such as the still of a camera, before the
// transaction that declares it (DeclareIn) and says that it is there (Arrive): either the
// file comes into being whole, or nothing but bytes that nobody knows of. of is the id of
// the file that they will be where they may have to go some day (Remove): they are kept
// apart from equal bytes of other files then, and of is a new id; empty otherwise. Codes: as
// Fits, and unavailable, full.
func (s *Service) Deposit(ctx context.Context, kind Kind, raw []byte, of string) (Deposit, error) {
	if len(raw) == 0 {
		return Deposit{}, inspection.E(inspection.Invalid, "evidence.error.empty")
	}
	sum := sha256.Sum256(raw)
	d := Deposit{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(raw))}
	var err error
	if d.info, err = s.inspect(ctx, kind, d.Size, bytes.NewReader(raw)); err != nil {
		return Deposit{}, err
	}
	if of != "" {
		d.object = apart(of)
	}
	if err := s.keep(ctx, file{SHA256: d.SHA256, Object: d.object}.key(), bytes.NewReader(raw), d.Size, d.SHA256); err != nil {
		s.discard(ctx, d.object) // it may stand nevertheless: an answer of the store was lost
		return Deposit{}, err
	}
	return d, nil
}

// Discard takes a deposit back that became no file: the caller is sure that no transaction
// named it. What is kept under its hash stays, for others may name it.
func (s *Service) Discard(ctx context.Context, d Deposit) { s.discard(ctx, d.object) }

// Arrive says of a declared file that a deposit is its bytes. For joiners; the caller has
// checked rights. Codes: not_found; invalid where the declaration says other bytes.
func (s *Service) Arrive(tx *gorm.DB, actor inspection.Actor, c inspection.Capacity, id string, d Deposit) error {
	f, err := load(tx, id)
	if err != nil {
		return err
	}
	if f.SHA256 != d.SHA256 || f.Size != d.Size {
		return inspection.E(inspection.Invalid, "evidence.error.hash_differs")
	}
	if d.object != "" && d.object != apart(f.ID) {
		return inspection.E(inspection.Invalid, "evidence.error.declaration")
	}
	f.Object = d.object
	_, err = s.takenIn(tx, actor, c, f, d.info, false)
	return err
}

// Arrived wakes the makers of previews, after the transaction of Arrive.
func (s *Service) Arrived() { s.notify() }
