package fileblob_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"congvu/evidence/blob"
	"congvu/evidence/blob/blobtest"
	"congvu/evidence/blob/fileblob"
)

func open(t *testing.T, dir string) *fileblob.Store {
	t.Helper()
	s, err := fileblob.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStore(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return open(t, t.TempDir()) })
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

func files(t *testing.T, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			list = append(list, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAFailedPutLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if err := s.Put(t.Context(), "o/12345678", strings.NewReader("abc"), 3, sum("abd")); !errors.Is(err, blob.ErrMismatch) {
		t.Fatal(err)
	}
	if left := files(t, dir); len(left) != 0 {
		t.Fatalf("left: %v", left)
	}
}

func TestOldUnfinishedWritesAreSwept(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	old, fresh := filepath.Join(dir, "tmp-writes", "old"), filepath.Join(dir, "tmp-writes", "fresh")
	for _, f := range []string{old, fresh} {
		if err := os.WriteFile(f, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	then := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(old, then, then); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if left := files(t, dir); len(left) != 1 || left[0] != fresh {
		t.Fatalf("left: %v", left)
	}
	for info, err := range s.List(t.Context(), "") {
		t.Errorf("listed: %v %v", info, err)
	}
}

func TestALinkDoesNotLeadOut(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	s := open(t, dir)
	if err := os.WriteFile(filepath.Join(outside, "12345678"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "o"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "o", "12")); err != nil {
		t.Fatal(err)
	}
	if r, _, err := s.Open(t.Context(), "o/12345678"); err == nil {
		r.Close()
		t.Fatal("read a file outside of the folder")
	}
	if err := s.Put(t.Context(), "o/12999999", bytes.NewReader(nil), 0, sum("")); err == nil {
		t.Fatal("wrote outside of the folder")
	}
	if left := files(t, outside); len(left) != 1 {
		t.Fatalf("outside: %v", left)
	}
}
