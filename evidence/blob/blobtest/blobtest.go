// Package blobtest owns the suite that every blob store passes, and the way to a
// bucket of the test servers.
package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"congvu/evidence/blob"
	"congvu/evidence/blob/minioblob"
	"congvu/inspection"
)

// S3 opens a fresh bucket on a server of the test run; variable is
// CONGVU_TEST_MINIO or CONGVU_TEST_VERSITYGW. One that is not set fails the test.
func S3(t testing.TB, variable string) blob.Store {
	t.Helper()
	s, err := minioblob.Open(t.Context(), S3Config(t, variable))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// S3Config names a bucket of that server that no other test uses; it is not made
// yet.
func S3Config(t testing.TB, variable string) minioblob.Config {
	t.Helper()
	raw := os.Getenv(variable)
	if raw == "" {
		t.Fatalf("%s is not set: start the services with `make services-up` or run `make test`", variable)
	}
	u, err := url.Parse(raw)
	if err != nil || u.User == nil {
		t.Fatalf("%s is not http://access:secret@host:port", variable)
	}
	secret, _ := u.User.Password()
	return minioblob.Config{Endpoint: u.Host, Bucket: "t-" + inspection.NewID(), AccessKey: u.User.Username(), SecretKey: secret, TLS: u.Scheme == "https"}
}

func sum(raw []byte) string {
	h := sha256.Sum256(raw)
	return hex.EncodeToString(h[:])
}

func noise(n int) []byte {
	raw := make([]byte, n)
	r := rand.NewChaCha8([32]byte([]byte(inspection.NewID()[:32])))
	r.Read(raw)
	return raw
}

// plain hides everything but Read: what comes from a request can do no more.
type plain struct{ io.Reader }

// Run runs the suite on stores that open makes, each empty.
func Run(t *testing.T, open func(t *testing.T) blob.Store) {
	for _, size := range []int{0, 1, 2, 1000, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1 << 20, 40 << 20} {
		t.Run(fmt.Sprintf("round trip of %d bytes", size), func(t *testing.T) { roundTrip(t, open(t), size) })
	}
	t.Run("never overwrites", func(t *testing.T) { neverOverwrites(t, open(t)) })
	t.Run("mends", func(t *testing.T) { mends(t, open(t)) })
	t.Run("refuses what is wrong", func(t *testing.T) { refuses(t, open(t)) })
	t.Run("hostile keys", func(t *testing.T) { hostileKeys(t, open(t)) })
	t.Run("one of many wins", func(t *testing.T) { concurrent(t, open(t)) })
	t.Run("list and delete", func(t *testing.T) { listAndDelete(t, open(t)) })
	t.Run("seeks", func(t *testing.T) { seeks(t, open(t)) })
	t.Run("gives up with its caller", func(t *testing.T) { cancelled(t, open(t)) })
	t.Run("health", func(t *testing.T) {
		h, err := open(t).Health(t.Context())
		if err != nil || h.Free == 0 || h.Free < -1 {
			t.Fatalf("%+v, %v", h, err)
		}
	})
}

func put(t *testing.T, s blob.Store, key string, raw []byte) {
	t.Helper()
	if err := s.Put(t.Context(), key, plain{bytes.NewReader(raw)}, int64(len(raw)), sum(raw)); err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
}

func get(t *testing.T, s blob.Store, key string) []byte {
	t.Helper()
	r, info, err := s.Open(t.Context(), key)
	if err != nil {
		t.Fatalf("open %s: %v", key, err)
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err != nil || int64(len(raw)) != info.Size || info.Key != key {
		t.Fatalf("read %s: %d bytes, %+v, %v", key, len(raw), info, err)
	}
	return raw
}

func absent(t *testing.T, s blob.Store, key string) {
	t.Helper()
	if _, err := s.Stat(t.Context(), key); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("stat of %s: %v", key, err)
	}
	if r, _, err := s.Open(t.Context(), key); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("open of %s: %v", key, err)
		if err == nil {
			r.Close()
		}
	}
	for info, err := range s.List(t.Context(), "") {
		if err != nil || info.Key == key {
			t.Errorf("list shows %+v, %v", info, err)
		}
	}
}

func roundTrip(t *testing.T, s blob.Store, size int) {
	raw := noise(size)
	key := "o/" + sum(raw)
	absent(t, s, key)
	put(t, s, key, raw)
	if !bytes.Equal(get(t, s, key), raw) {
		t.Fatal("other bytes come back")
	}
	info, err := s.Stat(t.Context(), key)
	if err != nil || info != (blob.Info{Key: key, Size: int64(size)}) {
		t.Fatalf("%+v, %v", info, err)
	}
	again := append(bytes.Clone(raw), 1) // what is in memory goes its own way
	sound := blob.NewSound(again)
	if err := s.Put(t.Context(), "o/"+sound.Sum(), sound, int64(len(again)), sound.Sum()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(get(t, s, "o/"+sound.Sum()), again) {
		t.Fatal("other bytes come back from memory")
	}
}

func neverOverwrites(t *testing.T, s blob.Store) {
	first, second := []byte("as it was"), []byte("as somebody would like it")
	put(t, s, "o/taken-key", first)
	for _, raw := range [][]byte{second, first} {
		err := s.Put(t.Context(), "o/taken-key", plain{bytes.NewReader(raw)}, int64(len(raw)), sum(raw))
		if !errors.Is(err, blob.ErrExists) {
			t.Fatalf("second put: %v", err)
		}
	}
	if got := get(t, s, "o/taken-key"); !bytes.Equal(got, first) {
		t.Fatalf("now it is %q", got)
	}
}

// mends: what stands wrong under a key is replaced by what its name says, by that alone,
// and in one step.
func mends(t *testing.T, s blob.Store) {
	raw := noise(300_000)
	key := "o/" + sum(raw)
	cut := raw[:len(raw)-1]
	put(t, s, key, cut)
	for _, wrong := range []io.Reader{bytes.NewReader(cut), breaks{bytes.NewReader(cut)}, bytes.NewReader(append(bytes.Clone(cut), raw[len(cut)]+1))} {
		if err := s.Mend(t.Context(), key, plain{wrong}, int64(len(raw)), sum(raw)); err == nil {
			t.Fatal("mended with what is wrong")
		}
		if !bytes.Equal(get(t, s, key), cut) {
			t.Fatal("a mend that failed changed what stood there")
		}
	}
	for _, right := range []io.Reader{plain{bytes.NewReader(raw)}, blob.NewSound(raw)} {
		if err := s.Mend(t.Context(), key, right, int64(len(raw)), sum(raw)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(get(t, s, key), raw) {
			t.Fatal("not mended")
		}
	}
	other := noise(1000)
	if err := s.Mend(t.Context(), "o/"+sum(other), plain{bytes.NewReader(other)}, int64(len(other)), sum(other)); err != nil { // it went meanwhile
		t.Fatal(err)
	}
	if !bytes.Equal(get(t, s, "o/"+sum(other)), other) {
		t.Fatal("not mended where nothing stands")
	}
	if err := s.Mend(t.Context(), "o/..12345678", bytes.NewReader(raw), int64(len(raw)), sum(raw)); !errors.Is(err, blob.ErrKey) {
		t.Fatal(err)
	}
}

var errBroken = errors.New("the line broke")

type breaks struct {
	r io.Reader
}

func (b breaks) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err == io.EOF {
		err = errBroken
	}
	return n, err
}

func refuses(t *testing.T, s blob.Store) {
	for _, n := range []int{0, 1, 1000, 300_000} {
		raw := noise(n)
		good := sum(raw)
		size := int64(n)
		cases := []struct {
			name string
			r    io.Reader
			size int64
			sum  string
			want error
		}{
			{"another hash", bytes.NewReader(raw), size, sum(append(bytes.Clone(raw), 1)), blob.ErrMismatch},
			{"more bytes than said", io.MultiReader(bytes.NewReader(raw), strings.NewReader("x")), size, good, blob.ErrMismatch},
			{"fewer bytes than said", bytes.NewReader(raw), size + 1, good, blob.ErrMismatch},
			{"far fewer bytes than said", bytes.NewReader(raw), size + 70_000, good, blob.ErrMismatch},
			{"a line that breaks at the end", breaks{bytes.NewReader(raw)}, size, good, errBroken},
			{"a line that breaks in the middle", breaks{bytes.NewReader(raw[:n/2])}, size + 1, good, errBroken},
			{"a negative size", bytes.NewReader(raw), -1, good, blob.ErrMismatch},
			{"a sum in capitals", bytes.NewReader(raw), size, strings.ToUpper(good), blob.ErrMismatch},
			{"no sum", bytes.NewReader(raw), size, "", blob.ErrMismatch},
		}
		for _, c := range cases {
			key := "o/" + good
			if err := s.Put(t.Context(), key, plain{c.r}, c.size, c.sum); !errors.Is(err, c.want) {
				t.Errorf("%d bytes, %s: %v", n, c.name, err)
			}
			absent(t, s, key)
		}
		sound := blob.NewSound(raw)
		for _, wrong := range []struct {
			size int64
			sum  string
		}{{size, sum(append(bytes.Clone(raw), 1))}, {size + 1, good}} {
			if err := s.Put(t.Context(), "o/"+good, sound, wrong.size, wrong.sum); !errors.Is(err, blob.ErrMismatch) {
				t.Errorf("%d bytes in memory, said to be others: %v", n, err)
			}
			absent(t, s, "o/"+good)
		}
		put(t, s, "o/"+good, raw) // and none of it stands in the way of the right bytes
	}
}

func hostileKeys(t *testing.T, s blob.Store) {
	raw := []byte("x")
	for _, key := range []string{
		"", "/", "o", "o/", "/o/12345678", "o//12345678", "o/12345678/", "o/12345678/x", "o/short", "../12345678", "o/../12345678",
		"o/..12345678", "o/.hidden123", "./o/12345678", "o/1234567\x00", "o/ABCDEFGH", "O/12345678", "o\\12345678", "o/1234 5678", "o/12345678\n",
		"o/-12345678", "ở/12345678", "o/đđđđđđđđ", "toolongclass/12345678", "o/" + strings.Repeat("a", 101), strings.Repeat("a", 5000), "C:/12345678", "o/12345678?versionId=x",
	} {
		if err := s.Put(t.Context(), key, bytes.NewReader(raw), 1, sum(raw)); !errors.Is(err, blob.ErrKey) {
			t.Errorf("put %q: %v", key, err)
		}
		if _, _, err := s.Open(t.Context(), key); !errors.Is(err, blob.ErrKey) {
			t.Errorf("open %q: %v", key, err)
		}
		if _, err := s.Stat(t.Context(), key); !errors.Is(err, blob.ErrKey) {
			t.Errorf("stat %q: %v", key, err)
		}
		if err := s.Delete(t.Context(), key); !errors.Is(err, blob.ErrKey) {
			t.Errorf("delete %q: %v", key, err)
		}
	}
	for _, class := range []string{"..", "o/", "/", "O", "../x", "toolongclass"} {
		for _, err := range s.List(t.Context(), class) {
			if !errors.Is(err, blob.ErrKey) {
				t.Errorf("list %q: %v", class, err)
			}
		}
	}
	for info, err := range s.List(t.Context(), "") {
		t.Errorf("left behind: %+v %v", info, err)
	}
}

func concurrent(t *testing.T, s blob.Store) {
	const many = 12
	contents := make([][]byte, many)
	errs := make([]error, many)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range many {
		contents[i] = noise(200_000 + i)
		wg.Go(func() {
			<-start
			errs[i] = s.Put(t.Context(), "o/contested", plain{bytes.NewReader(contents[i])}, int64(len(contents[i])), sum(contents[i]))
		})
	}
	close(start)
	wg.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner < 0:
			winner = i
		case err == nil:
			t.Fatalf("both %d and %d were told that theirs was kept", winner, i)
		case !errors.Is(err, blob.ErrExists):
			t.Errorf("put %d: %v", i, err)
		}
	}
	if winner < 0 {
		t.Fatal("nobody won")
	}
	if !bytes.Equal(get(t, s, "o/contested"), contents[winner]) {
		t.Fatal("the bytes are not the winner's")
	}
}

func listAndDelete(t *testing.T, s blob.Store) {
	want := []string{"d/00000001", "d/00000002", "o/0000000a", "o/0000000b", "o/ff00000c", "ox/0000000d"}
	for _, key := range []string{"o/ff00000c", "d/00000002", "ox/0000000d", "o/0000000a", "d/00000001", "o/0000000b"} {
		put(t, s, key, []byte(key))
	}
	list := func(class string) (keys []string) {
		for info, err := range s.List(t.Context(), class) {
			if err != nil || info.Size != int64(len(info.Key)) {
				t.Fatalf("%+v, %v", info, err)
			}
			keys = append(keys, info.Key)
		}
		return keys
	}
	if got := list(""); !slices.Equal(got, want) {
		t.Fatalf("all: %v", got)
	}
	if got := list("o"); !slices.Equal(got, want[2:5]) {
		t.Fatalf("o: %v", got)
	}
	if got := list("none"); len(got) != 0 {
		t.Fatalf("none: %v", got)
	}
	for range s.List(t.Context(), "") {
		break // a walk may be left at any time
	}
	for range 2 {
		if err := s.Delete(t.Context(), "o/0000000b"); err != nil {
			t.Fatal(err)
		}
	}
	absent(t, s, "o/0000000b")
	put(t, s, "o/0000000b", []byte("new bytes after a lawful delete"))
}

func seeks(t *testing.T, s blob.Store) {
	raw := noise(300_000)
	put(t, s, "o/"+sum(raw), raw)
	r, _, err := s.Open(t.Context(), "o/"+sum(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, at := range []int64{250_000, 0, 299_999, 100_000} {
		if pos, err := r.Seek(at, io.SeekStart); err != nil || pos != at {
			t.Fatalf("seek %d: %d, %v", at, pos, err)
		}
		part := make([]byte, min(5000, 300_000-at))
		if _, err := io.ReadFull(r, part); err != nil || !bytes.Equal(part, raw[at:at+int64(len(part))]) {
			t.Fatalf("read at %d: %v", at, err)
		}
	}
	if end, err := r.Seek(0, io.SeekEnd); err != nil || end != 300_000 {
		t.Fatalf("end at %d, %v", end, err)
	}
}

// stops cancels the context after its first bytes.
type stops struct {
	r      io.Reader
	cancel context.CancelFunc
	n      int
}

func (c *stops) Read(p []byte) (int, error) {
	if c.n++; c.n == 3 {
		c.cancel()
	}
	return c.r.Read(p)
}

func cancelled(t *testing.T, s blob.Store) {
	raw := noise(4 << 20)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := s.Put(ctx, "o/"+sum(raw), &stops{r: bytes.NewReader(raw), cancel: cancel}, int64(len(raw)), sum(raw))
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("put: %v", err)
	}
	absent(t, s, "o/"+sum(raw))
}
