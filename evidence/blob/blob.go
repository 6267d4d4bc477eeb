package blob

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
)

// The errors of a store; anything else means that the store itself is in trouble.
var (
	ErrKey      = errors.New("blob: not a key")
	ErrNotFound = errors.New("blob: no such key")
	ErrExists   = errors.New("blob: the key is taken")
	ErrMismatch = errors.New("blob: size or SHA-256 is not what was announced")
	ErrFull     = errors.New("blob: no room left")
)

// Info is what a store knows of an object.
type Info struct {
	Key  string
	Size int64 // bytes
}

// Health is the state of a store: bytes that can still be written, -1 where the
// store does not tell.
type Health struct{ Free int64 }

// Store keeps objects under keys. Safe for concurrent use.
type Store interface {
	// Put writes an object of exactly size bytes whose SHA-256 is sum (64 lower-case
	// hex digits). ErrExists when the key is taken: what stands there stays, and lasts like
	// what was put. On any other error nothing but that object may stand under the key: it
	// does where all was written and the store could not say whether it lasts. Once it has
	// returned nobody reads r any more.
	Put(ctx context.Context, key string, r io.Reader, size int64, sum string) error

	// Mend is Put for a key under which something else stands than the object of that sum,
	// as who calls it has seen: it is replaced in one step. What a server kept of an upload
	// that broke off, or a disk lost later, does not keep out the right bytes for ever.
	Mend(ctx context.Context, key string, r io.Reader, size int64, sum string) error

	// Open opens an object for reading and seeking. ErrNotFound.
	Open(ctx context.Context, key string) (io.ReadSeekCloser, Info, error)

	// Stat tells an object's size without its bytes. ErrNotFound.
	Stat(ctx context.Context, key string) (Info, error)

	// Delete removes an object, for derived objects and for retention. Deleting what
	// is not there is no error.
	Delete(ctx context.Context, key string) error

	// List walks the objects of a class ("o"), or all for "", in the order of their keys.
	List(ctx context.Context, class string) iter.Seq2[Info, error]

	// Health asks whether the store can be written to, and how much room is left.
	Health(ctx context.Context) (Health, error)
}

// CheckKey refuses every key that is not class/name: a class of one to eight
// letters a-z, and a name of 8 to 100 of a-z, 0-9 and '-' that begins with neither
// '-' nor anything a file system gives a meaning to.
func CheckKey(key string) error {
	class, name, ok := cut(key)
	if !ok || !CheckClass(class) || len(name) < 8 || len(name) > 100 || name[0] == '-' {
		return fmt.Errorf("%w: %.120q", ErrKey, key)
	}
	for i := range len(name) {
		if c := name[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return fmt.Errorf("%w: %.120q", ErrKey, key)
		}
	}
	return nil
}

// CheckClass tells whether a text is a class of keys.
func CheckClass(class string) bool {
	if len(class) < 1 || len(class) > 8 {
		return false
	}
	for i := range len(class) {
		if class[i] < 'a' || class[i] > 'z' {
			return false
		}
	}
	return true
}

func cut(key string) (class, name string, ok bool) {
	for i := range min(len(key), 9) {
		if key[i] == '/' {
			return key[:i], key[i+1:], true
		}
	}
	return "", "", false
}

// CheckSum tells whether a text is a SHA-256 in lower-case hex.
func CheckSum(sum string) bool {
	if len(sum) != 64 {
		return false
	}
	for i := range len(sum) {
		if c := sum[i]; !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}

// CheckPut refuses what no store has to try: a bad key, a negative size, a sum that
// is none.
func CheckPut(key string, size int64, sum string) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	if size < 0 || !CheckSum(sum) {
		return fmt.Errorf("%w: %d bytes, sum %.70q", ErrMismatch, size, sum)
	}
	return nil
}

// Sound is bytes in memory with their SHA-256, which Verify need not take again. Who has
// made one changes the bytes no more.
type Sound struct {
	*bytes.Reader
	sum string
}

// NewSound takes the SHA-256 of bytes.
func NewSound(raw []byte) *Sound {
	h := sha256.Sum256(raw)
	return &Sound{bytes.NewReader(raw), hex.EncodeToString(h[:])}
}

// Sum is the SHA-256 in lower-case hex.
func (s *Sound) Sum() string { return s.sum }

// Verify wraps a reader so that its last byte comes out only when all size bytes
// have been read, nothing follows them and their SHA-256 is sum; otherwise the read
// fails with ErrMismatch. A server that was told the size never gets a whole wrong
// object.
func Verify(r io.Reader, size int64, sum string) io.Reader {
	if s, ok := r.(*Sound); ok && s.Size() == size && s.sum == sum {
		_, _ = s.Seek(0, io.SeekStart) // never fails
		return s
	}
	return &verifier{r: bufio.NewReaderSize(r, 64<<10), left: size, size: size, sum: sum, h: sha256.New()}
}

type verifier struct {
	r    *bufio.Reader
	left int64
	size int64
	sum  string
	h    hash.Hash
	err  error
}

func (v *verifier) Read(p []byte) (int, error) {
	if v.err != nil {
		return 0, v.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if v.left > 1 {
		n, err := v.r.Read(p[:min(int64(len(p)), v.left-1)])
		v.h.Write(p[:n])
		v.left -= int64(n)
		if err == io.EOF {
			err = fmt.Errorf("%w: %d of %d bytes missing", ErrMismatch, v.left, v.size)
		}
		v.err = err
		return n, err
	}
	n := 0
	if v.left == 1 {
		c, err := v.r.ReadByte()
		if err != nil {
			if err == io.EOF {
				err = fmt.Errorf("%w: 1 of %d bytes missing", ErrMismatch, v.size)
			}
			v.err = err
			return 0, err
		}
		p[0], n = c, 1
		v.h.Write(p[:1])
	}
	switch _, err := v.r.ReadByte(); {
	case err == nil:
		v.err = fmt.Errorf("%w: more than %d bytes", ErrMismatch, v.size)
	case err != io.EOF:
		v.err = err
	case hex.EncodeToString(v.h.Sum(nil)) != v.sum:
		v.err = fmt.Errorf("%w: another SHA-256", ErrMismatch)
	default:
		v.err, v.left = io.EOF, 0
		return n, io.EOF
	}
	return 0, v.err
}
