package fileblob

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"congvu/evidence/blob"
)

// disk is a store whose folders are synced as the test says, and which were.
type disk struct {
	*Store
	t      *testing.T
	synced []string
	fails  string // the folder whose sync fails
	before func() // what happens before the next sync
}

func newDisk(t *testing.T, dir string) *disk {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	d := &disk{Store: s, t: t}
	s.fsync = func(f *os.File) error {
		if then := d.before; then != nil {
			d.before = nil
			then()
		}
		name, err := filepath.Rel(dir, f.Name())
		if err != nil {
			return err
		}
		if name == d.fails {
			return &os.PathError{Op: "sync", Path: name, Err: syscall.ENOSPC}
		}
		d.synced = append(d.synced, name)
		return f.Sync()
	}
	return d
}

const settledKey, settledText = "o/12345678", "abc"

// again writes, and tells which folders that synced.
func (d *disk) again(write func(*disk) error, want error, synced ...string) {
	d.t.Helper()
	d.synced = nil
	if err := write(d); !errors.Is(err, want) || want == nil && err != nil {
		d.t.Errorf("want %v, got %v", want, err)
	}
	slices.Sort(d.synced)
	if !slices.Equal(d.synced, synced) {
		d.t.Errorf("synced: %v, not %v", d.synced, synced)
	}
}

func settledSum() string {
	h := sha256.Sum256([]byte(settledText))
	return hex.EncodeToString(h[:])
}

func puts(d *disk) error {
	return d.Put(d.t.Context(), settledKey, strings.NewReader(settledText), 3, settledSum())
}

func mends(d *disk) error {
	return d.Mend(d.t.Context(), settledKey, strings.NewReader(settledText), 3, settledSum())
}

// TestWhatIsThereHasBeenSynced: a write whose folder could not be synced has failed; who
// comes next is told that the key is taken when all the folders on the way to it are.
func TestWhatIsThereHasBeenSynced(t *testing.T) {
	all := []string{".", "o", "o/12"}
	for name, write := range map[string]func(*disk) error{"put": puts, "mend": mends} {
		for _, fails := range all {
			t.Run(name+" "+fails, func(t *testing.T) {
				dir := t.TempDir()
				d := newDisk(t, dir)
				d.fails = fails
				for _, w := range []func(*disk) error{write, puts} {
					if err := w(d); !errors.Is(err, blob.ErrFull) {
						t.Errorf("not synced: %v", err)
					}
				}
				d.fails = ""
				d.again(puts, blob.ErrExists, all...)
				d.again(puts, blob.ErrExists, "o/12")
				// Another process does not know what this one did.
				newDisk(t, dir).again(puts, blob.ErrExists, all...)
			})
		}
	}
}

// TestOneOfTwoDoesNotRelyOnTheOther: who finds the key taken by a put that has not synced
// its folder yet does it by itself; so does who puts something else into a folder that is
// being made.
func TestOneOfTwoDoesNotRelyOnTheOther(t *testing.T) {
	d := newDisk(t, t.TempDir())
	d.before = func() { d.again(puts, blob.ErrExists, ".", "o", "o/12") }
	d.again(puts, nil, ".", "o", "o/12", "o/12")

	other := newDisk(t, t.TempDir())
	other.before = func() {
		other.again(func(d *disk) error {
			return d.Put(t.Context(), "o/12999999", strings.NewReader(settledText), 3, settledSum())
		}, nil, ".", "o", "o/12")
	}
	other.again(puts, nil, ".", "o", "o/12", "o/12")
}

// TestAPutSyncsOneFolder: no more than its own, when it did not have to make it.
func TestAPutSyncsOneFolder(t *testing.T) {
	dir := t.TempDir()
	newDisk(t, dir).again(puts, nil, ".", "o", "o/12")
	d := newDisk(t, dir)
	for _, key := range []string{"o/12000001", "o/12000002"} {
		d.again(func(d *disk) error {
			return d.Put(t.Context(), key, strings.NewReader(settledText), 3, settledSum())
		}, nil, "o/12")
	}
}
