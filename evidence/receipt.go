package evidence

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"

	"github.com/gowebpki/jcs"
)

// Receipt proves that the server holds the bytes of a file. A tablet frees its own
// copy only on one whose signature and hash are right. Signed is the canonical JSON
// (RFC 8785) of all fields but the signature, Ed25519 (RFC 8032).
type Receipt struct {
	File       string `json:"file"`
	Visit      string `json:"visit"`
	SHA256     string `json:"sha256"`
	Size       int64  `json:"size"`
	ReceivedAt string `json:"received_at"` // RFC 3339, +07:00
	Key        string `json:"key"`         // first 16 hex digits of the SHA-256 of the public key
	Signature  string `json:"signature"`   // base64
}

// KeyID is the name of a key in receipts.
func KeyID(key ed25519.PublicKey) string {
	h := sha256.Sum256(key)
	return hex.EncodeToString(h[:8])
}

// PublicKey is the key that receipts are verified with.
func (s *Service) PublicKey() ed25519.PublicKey { return s.key.Public().(ed25519.PublicKey) }

func (r Receipt) signed() ([]byte, error) {
	raw, err := json.Marshal(map[string]any{"file": r.File, "visit": r.Visit, "sha256": r.SHA256, "size": r.Size,
		"received_at": r.ReceivedAt, "key": r.Key, "purpose": "congvu evidence receipt v1"})
	if err != nil {
		return nil, err
	}
	return jcs.Transform(raw)
}

// receipt of a received file: the same each time.
func (s *Service) receipt(f file) (Receipt, error) {
	r := Receipt{File: f.ID, Visit: f.VisitID, SHA256: f.SHA256, Size: f.Size, ReceivedAt: f.ReceivedAt.String(), Key: KeyID(s.PublicKey())}
	text, err := r.signed()
	if err != nil {
		return Receipt{}, err
	}
	r.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(s.key, text))
	return r, nil
}

// VerifyReceipt tells whether a receipt is the server's.
func VerifyReceipt(key ed25519.PublicKey, r Receipt) error {
	signature, err := base64.StdEncoding.DecodeString(r.Signature)
	if err != nil {
		return err
	}
	text, err := r.signed()
	if err != nil {
		return err
	}
	if len(key) != ed25519.PublicKeySize || r.Key != KeyID(key) || !ed25519.Verify(key, text, signature) {
		return errors.New("evidence: the receipt is not signed by this server")
	}
	return nil
}
