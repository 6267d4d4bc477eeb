package imaging

import (
	"encoding/binary"
	"io"
)

// Most pictures are sequential JPEGs (ITU-T T.81 §F.2) as phones write them. That such
// a picture is there to its last pixel shows from its entropy-coded data alone:
// whatever can be read to the last block can be drawn. Reading it costs a tenth of
// drawing it.

// sequential tells whether a file is an ordinary sequential JPEG that holds all of its
// blocks and ends where it should. False says nothing: the picture may be of another
// sort, or broken, and the decoder tells which. A test holds that the decoder takes
// whatever is taken here.
func sequential(r io.ReadSeeker) bool {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return false
	}
	s := &sequence{r: r}
	if !s.marker(0xd8) {
		return false
	}
	for {
		m, ok := s.byte()
		if !ok || m != 0xff {
			return false
		}
		if m, ok = s.byte(); !ok {
			return false
		}
		if m == 0xda {
			return s.scan() && s.marker(0xd9)
		}
		body, ok := s.segment()
		if !ok {
			return false
		}
		switch {
		case m == 0xc0 || m == 0xc1:
			ok = s.frame(body)
		case m == 0xc4:
			ok = s.tables(body)
		case m == 0xdb:
			ok = quantised(body)
		case m == 0xdd:
			if ok = len(body) == 2; ok {
				s.interval = int(binary.BigEndian.Uint16(body))
			}
		case m >= 0xe0 && m <= 0xef || m == 0xfe:
		default:
			ok = false
		}
		if !ok {
			return false
		}
	}
}

// sequence reads a sequential JPEG.
type sequence struct {
	r    io.Reader
	buf  [16 << 10]byte
	i, j int
	body []byte

	width, height int
	components    []component
	interval      int // MCUs between restarts, 0: none
	codes         [2][2]*codes

	acc  uint64 // bits of entropy-coded data, the next in the highest
	n    int    // how many
	ends bool   // a marker follows, or nothing
}

type component struct{ id, h, v byte }

// more makes room for at least eight bytes, where there are so many.
func (s *sequence) more() {
	s.j = copy(s.buf[:], s.buf[s.i:s.j])
	s.i = 0
	for s.j < 8 {
		n, err := s.r.Read(s.buf[s.j:])
		s.j += n
		if err != nil {
			return
		}
	}
}

func (s *sequence) byte() (byte, bool) {
	if s.i == s.j {
		if s.more(); s.i == s.j {
			return 0, false
		}
	}
	s.i++
	return s.buf[s.i-1], true
}

func (s *sequence) marker(m byte) bool {
	a, _ := s.byte()
	b, _ := s.byte()
	return a == 0xff && b == m
}

// segment is what follows a marker, without its length.
func (s *sequence) segment() ([]byte, bool) {
	high, _ := s.byte()
	low, ok := s.byte()
	n := int(high)<<8 + int(low) - 2
	if !ok || n < 0 {
		return nil, false
	}
	s.body = s.body[:0]
	for len(s.body) < n {
		if s.i == s.j {
			if s.more(); s.i == s.j {
				return nil, false
			}
		}
		k := min(n-len(s.body), s.j-s.i)
		s.body = append(s.body, s.buf[s.i:s.i+k]...)
		s.i += k
	}
	return s.body, true
}

// frame reads the frame header (§B.2.2): grey or three components, the colours divided
// as the decoder takes them.
func (s *sequence) frame(b []byte) bool {
	if s.components != nil || len(b) != 9 && len(b) != 15 || b[0] != 8 || int(b[5]) != (len(b)-6)/3 {
		return false
	}
	s.height, s.width = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	for b := b[6:]; len(b) > 0; b = b[3:] {
		c := component{b[0], b[1] >> 4, b[1] & 15}
		for _, other := range s.components {
			if other.id == c.id {
				return false
			}
		}
		if !one24(c.h) || !one24(c.v) || b[2] > 3 {
			return false
		}
		s.components = append(s.components, c)
	}
	if len(s.components) == 1 {
		s.components[0].h, s.components[0].v = 1, 1
		return s.width > 0 && s.height > 0
	}
	y, cb, cr := s.components[0], s.components[1], s.components[2]
	return s.width > 0 && s.height > 0 && y.v != 4 && y.h%cb.h == 0 && y.v%cb.v == 0 && cb.h == cr.h && cb.v == cr.v &&
		y.h/cb.h*16+y.v/cb.v != 0x41 && y.h*y.v+2*cb.h*cb.v <= 10
}

func one24(n byte) bool { return n == 1 || n == 2 || n == 4 }

// quantised tells whether quantisation tables are well formed (§B.2.4.1).
func quantised(b []byte) bool {
	for len(b) > 0 {
		n := 65 + 64*int(b[0]>>4)
		if b[0]>>4 > 1 || b[0]&15 > 3 || len(b) < n {
			return false
		}
		b = b[n:]
	}
	return true
}

// codes is a table of Huffman codes. A code that looks longer than quick bits is looked
// up by its length.
type codes struct {
	quick  [1 << quickBits]entry
	last   [17]int // the last code of a length, -1 for none
	first  [17]int
	at     [17]int
	values []byte
	ac     bool
}

const quickBits = 11

// entry is what a code means: how many bits it takes with those of its value, and how
// many coefficients it goes on. Zero is none that is known.
type entry struct{ bits, step uint8 }

// endOfBlock goes on farther than any block reaches.
const endOfBlock = 128

func (c *codes) entry(length int, value byte) entry {
	run, size := value>>4, value&15
	switch {
	case !c.ac:
		if value > 15 {
			return entry{}
		}
		return entry{uint8(length) + value, 1}
	case size > 0 || value == 0xf0:
		return entry{uint8(length) + size, run + 1}
	case value == 0:
		return entry{uint8(length), endOfBlock}
	}
	return entry{} // runs of empty blocks are for progressive pictures
}

// tables reads Huffman tables (§B.2.4.2).
func (s *sequence) tables(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 17 || b[0]&^0x11 != 0 {
			return false
		}
		c := &codes{ac: b[0]>>4 == 1}
		s.codes[b[0]>>4][b[0]&1] = c
		counts := b[1:17]
		total := 0
		for _, n := range counts {
			total += int(n)
		}
		if b = b[17:]; total == 0 || total > 256 || len(b) < total {
			return false
		}
		c.values = append(c.values, b[:total]...)
		b = b[total:]
		code, at := 0, 0
		for length := 1; length <= 16; length++ {
			n := int(counts[length-1])
			c.first[length], c.last[length], c.at[length] = code, code+n-1, at
			if code+n > 1<<length {
				return false
			}
			for ; n > 0; n-- {
				if length <= quickBits {
					e := c.entry(length, c.values[at])
					from := code << (quickBits - length)
					for k := range 1 << (quickBits - length) {
						c.quick[from+k] = e
					}
				}
				code, at = code+1, at+1
			}
			code <<= 1
		}
	}
	return true
}

// slow looks a long code up.
func (c *codes) slow(acc uint64) entry {
	for length := quickBits + 1; length <= 16; length++ {
		if code := int(acc >> (64 - length)); code <= c.last[length] && code >= c.first[length] {
			return c.entry(length, c.values[c.at[length]+code-c.first[length]])
		}
	}
	return entry{}
}

// fill takes bytes of entropy-coded data in, without the zeros stuffed after 0xff.
func (s *sequence) fill() {
	if s.j-s.i < 8 {
		s.more()
	}
	if s.j-s.i >= 8 {
		w := binary.BigEndian.Uint64(s.buf[s.i:])
		if inv := ^w; (inv-0x0101010101010101)&^inv&0x8080808080808080 == 0 { // no byte is 0xff
			k := (64 - s.n) >> 3
			s.acc |= w >> (64 - 8*k) << (64 - 8*k) >> s.n
			s.i += k
			s.n += 8 * k
			return
		}
	}
	for s.n <= 56 && !s.ends {
		if s.j-s.i < 2 {
			if s.more(); s.j-s.i < 2 {
				s.ends = true
				return
			}
		}
		c := s.buf[s.i]
		if c == 0xff {
			if s.buf[s.i+1] != 0 {
				s.ends = true
				return
			}
			s.i++
		}
		s.i++
		s.acc |= uint64(c) << (56 - s.n)
		s.n += 8
	}
}

// aligned tells whether nothing but the bits that fill the last byte stand before the
// next marker, and lets them go.
func (s *sequence) aligned() bool {
	s.fill()
	ok := s.ends && s.n < 8
	s.acc, s.n, s.ends = 0, 0, false
	return ok
}

// scan reads the one scan to the last block (§F.2.2).
func (s *sequence) scan() bool {
	b, ok := s.segment()
	count := len(s.components)
	if !ok || count == 0 || len(b) != 4+2*count || int(b[0]) != count {
		return false
	}
	type part struct {
		blocks int
		dc, ac *codes
	}
	parts := make([]part, count)
	h, v := 1, 1
	for i, c := range s.components {
		td, ta := b[2+2*i]>>4, b[2+2*i]&15
		if b[1+2*i] != c.id || td > 1 || ta > 1 || s.codes[0][td] == nil || s.codes[1][ta] == nil {
			return false
		}
		parts[i] = part{int(c.h) * int(c.v), s.codes[0][td], s.codes[1][ta]}
		if i == 0 {
			h, v = int(c.h), int(c.v)
		}
	}
	mcus := ((s.width + 8*h - 1) / (8 * h)) * ((s.height + 8*v - 1) / (8 * v))
	restart := byte(0xd0)
	for mcu := range mcus {
		if s.interval > 0 && mcu > 0 && mcu%s.interval == 0 {
			if !s.aligned() || !s.marker(restart) {
				return false
			}
			restart = 0xd0 | (restart+1)&7
		}
		for i := range parts {
			for range parts[i].blocks {
				if !s.block(parts[i].dc, parts[i].ac) {
					return false
				}
			}
		}
	}
	return s.aligned()
}

// block reads one block: its first coefficient and those that follow.
func (s *sequence) block(dc, ac *codes) bool {
	acc, n, table := s.acc, s.n, dc // near at hand: this loop is most of the time
	for k := 0; k < 64; {
		if n < 32 {
			s.acc, s.n = acc, n
			s.fill()
			acc, n = s.acc, s.n
		}
		e := table.quick[acc>>(64-quickBits)]
		if e.bits == 0 {
			e = table.slow(acc)
		}
		if int(e.bits) > n || e.bits == 0 {
			return false
		}
		acc <<= e.bits & 63
		n -= int(e.bits)
		k += int(e.step)
		if k > 64 && k < endOfBlock {
			return false
		}
		table = ac
	}
	s.acc, s.n = acc, n
	return true
}
