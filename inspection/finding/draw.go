package finding

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
)

// Which MODERATE findings are re-inspected is drawn, and can be drawn again by whoever
// has the history. When a finding is assigned a seed is made that nobody sees; history
// takes down its SHA-256. When the remedy is accepted, history takes down the seed, and
// what it drew. So nobody knows beforehand which remedy will be looked at, and nobody can
// have chosen the seed by what it draws.

// newSeed makes a seed: 32 random bytes, in hex.
func newSeed() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, or ends the program
	return hex.EncodeToString(b[:])
}

// Lot is what a seed draws for a finding, 0 to 99: the first eight bytes of
// SHA-256(seed ":" id), as a share of 2^64, times 100, rounded down.
func Lot(seed, id string) int {
	sum := sha256.Sum256([]byte(seed + ":" + id))
	n, _ := bits.Mul64(binary.BigEndian.Uint64(sum[:8]), 100)
	return int(n)
}
