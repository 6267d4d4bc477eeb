package inspection

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"sync"
	"time"
)

// NewID is a UUID version 7 (RFC 9562 §5.7): 48 bits of milliseconds, a counter of 12
// (§6.2, method 1), the rest random. Of two that one process makes the later is the
// greater, so that an order by instant and id is the order in which things were made.
// Whoever creates a thing gives it its id, the tablet included.
func NewID() string { return ids.next(time.Now()) }

// counter gives ids their first 60 bits: milliseconds and a counter, which starts
// anywhere in its lower half, goes up by one in the same millisecond (also when the clock
// was put back) and into the next when it is full.
type counter struct {
	mu   sync.Mutex
	last uint64
}

var ids counter

func (c *counter) next(t time.Time) string {
	var b [16]byte
	if _, err := rand.Read(b[6:]); err != nil {
		panic(err)
	}
	c.mu.Lock()
	if start := uint64(t.UnixMilli())<<12 | uint64(binary.BigEndian.Uint16(b[6:])&0x7ff); start>>12 > c.last>>12 {
		c.last = start
	} else {
		c.last++
	}
	top := c.last
	c.mu.Unlock()
	binary.BigEndian.PutUint32(b[:4], uint32(top>>28))
	binary.BigEndian.PutUint16(b[4:6], uint16(top>>12))
	binary.BigEndian.PutUint16(b[6:8], uint16(top&0xfff|0x7000))
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
