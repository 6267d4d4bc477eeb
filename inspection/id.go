package inspection

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// NewID is a UUID version 7 (RFC 9562 §5.7): 48 bits of milliseconds, the rest
// random. Whoever creates a thing gives it its id, the tablet included.
func NewID() string { return newID(time.Now()) }

func newID(t time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(t.UnixMilli())<<16)
	if _, err := rand.Read(b[6:]); err != nil {
		panic(err)
	}
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	var out [36]byte
	hex.Encode(out[:8], b[:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:], b[10:])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// CheckID refuses what is not a UUID in its 36 lower-case characters: an id that
// comes from outside never reaches a query or a path otherwise. Code: invalid.
func CheckID(id string) error {
	if len(id) != 36 {
		return E(Invalid, "error.id")
	}
	for i := range len(id) {
		c := id[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return E(Invalid, "error.id")
			}
			continue
		}
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return E(Invalid, "error.id")
		}
	}
	return nil
}
