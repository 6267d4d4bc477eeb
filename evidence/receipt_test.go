package evidence

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"congvu/inspection"
)

// TestR1AReceiptIsTheSameForServerAndTablet: testdata/receipt.json is what the tablet's
// own test verifies; here it is shown to be what the server makes.
func TestR1AReceiptIsTheSameForServerAndTablet(t *testing.T) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, ed25519.SeedSize))
	s := &Service{key: key}
	f := file{ID: "0195d3f0-0000-7000-8000-000000000001", VisitID: "0195d3f0-0000-7000-8000-000000000002",
		SHA256: strings.Repeat("0123456789abcdef", 4), Size: 4_194_305, ReceivedAt: inspection.Instant(1_772_413_200_000)}
	receipt, err := s.receipt(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := VerifyReceipt(s.PublicKey(), receipt); err != nil {
		t.Error(err)
	}
	if VerifyReceipt(other.Public().(ed25519.PublicKey), receipt) == nil {
		t.Error("a receipt counts under another key")
	}
	text, err := json.MarshalIndent(map[string]any{"receipt": receipt,
		"key":   base64.StdEncoding.EncodeToString(s.PublicKey()),
		"other": base64.StdEncoding.EncodeToString(other.Public().(ed25519.PublicKey))}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile("testdata/receipt.json")
	if err != nil || string(kept) != string(text)+"\n" {
		t.Errorf("testdata/receipt.json should be (%v):\n%s", err, text)
	}
}
