// Package fileblob owns a blob store in a folder of files.
//
// An object is written to a temporary name, synced, given its final name by a hard
// link (which, unlike a rename, never replaces anything), and its folder is synced:
// after a power cut a key holds all of its bytes or does not exist. Who is told that a key
// is taken may rely on it as well: the folder is synced once more before. All access goes
// through os.Root, so that no key and no symbolic link leads out of the folder. The
// file system must know hard links.
//
// Layout: class/first two characters of the name/name; tmp-writes/ holds what is being
// written.
package fileblob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"strings"
	"sync"
	"syscall"
	"time"

	"congvu/evidence/blob"
	"congvu/inspection"
)

// The folder of unfinished writes; its "-" keeps it apart from every class of keys.
const temporary = "tmp-writes"

// abandoned is the age after which an unfinished write belongs to no living process.
const abandoned = 24 * time.Hour

// Store keeps objects in a folder.
type Store struct {
	root    *os.Root
	dir     string
	fsync   func(*os.File) error // of a folder
	folders sync.Map             // class/xx: false where this process made it, true where it has synced those above since
}

var _ blob.Store = (*Store)(nil)

// Open opens the folder, making it when it is not there, and clears away unfinished
// writes more than a day old.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{root: root, dir: dir, fsync: (*os.File).Sync}
	if err := root.MkdirAll(temporary, 0o700); err != nil {
		root.Close()
		return nil, err
	}
	if err := s.sweep(); err != nil {
		root.Close()
		return nil, err
	}
	return s, nil
}

// Close lets go of the folder.
func (s *Store) Close() error { return s.root.Close() }

func (s *Store) sweep() error {
	entries, err := fs.ReadDir(s.root.FS(), temporary)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > abandoned {
			s.root.Remove(path.Join(temporary, e.Name()))
		}
	}
	return nil
}

func place(key string) string {
	class, name, _ := strings.Cut(key, "/")
	return path.Join(class, name[:2], name)
}

// Put implements blob.Store.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, size int64, sum string) error {
	if err := blob.CheckPut(key, size, sum); err != nil {
		return err
	}
	final := place(key)
	if _, err := s.root.Lstat(final); err == nil {
		return s.exists(path.Dir(final))
	}
	tmp, err := s.write(ctx, r, size, sum)
	if err != nil {
		return err
	}
	defer s.root.Remove(tmp)
	err = s.root.Link(tmp, final)
	if errors.Is(err, fs.ErrNotExist) { // the first one in its folder
		if err := s.mkdir(path.Dir(final)); err != nil {
			return noRoom(err)
		}
		err = s.root.Link(tmp, final)
	}
	if errors.Is(err, fs.ErrExist) {
		return s.exists(path.Dir(final))
	}
	if err != nil {
		return noRoom(err)
	}
	return noRoom(s.settle(path.Dir(final), false))
}

// exists tells that a key is taken, for good: whoever took it may not have synced its
// folder yet, or may have failed to.
func (s *Store) exists(dir string) error {
	if err := s.settle(dir, true); err != nil {
		return noRoom(err)
	}
	return blob.ErrExists
}

// Mend implements blob.Store.
func (s *Store) Mend(ctx context.Context, key string, r io.Reader, size int64, sum string) error {
	if err := blob.CheckPut(key, size, sum); err != nil {
		return err
	}
	final := place(key)
	tmp, err := s.write(ctx, r, size, sum)
	if err != nil {
		return err
	}
	err = s.mkdir(path.Dir(final))
	if err == nil {
		err = s.root.Rename(tmp, final)
	}
	if err != nil {
		s.root.Remove(tmp)
		return noRoom(err)
	}
	return noRoom(s.settle(path.Dir(final), false))
}

// write has bytes on the disk under a temporary name; on an error nothing is left of it.
func (s *Store) write(ctx context.Context, r io.Reader, size int64, sum string) (tmp string, err error) {
	tmp = path.Join(temporary, inspection.NewID())
	f, err := s.root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return "", noRoom(err)
	}
	_, err = io.Copy(f, source(ctx, r, size, sum))
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		s.root.Remove(tmp)
		return "", noRoom(err)
	}
	return tmp, nil
}

// noRoom tells that the disk is full, where that is the cause.
func noRoom(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		err = fmt.Errorf("%w: %w", blob.ErrFull, err)
	}
	return err
}

// source is what is to be written, verified as it is read. What is in memory goes in one
// piece; a long copy ends when its caller has gone.
func source(ctx context.Context, r io.Reader, size int64, sum string) io.Reader {
	verified := blob.Verify(r, size, sum)
	if _, sound := verified.(*blob.Sound); sound {
		return verified
	}
	return &withContext{ctx, verified}
}

// mkdir makes class/xx, which settle syncs.
func (s *Store) mkdir(dir string) error {
	s.folders.Store(dir, false) // before it is there: whoever links into it first has to sync it
	return s.root.MkdirAll(dir, 0o700)
}

// settle syncs class/xx, and the folders above it where this process made it and has not
// synced them since; where it does not know whether anybody did, too, if others says so.
func (s *Store) settle(dir string, others bool) error {
	if err := s.sync(dir); err != nil {
		return err
	}
	above, here := s.folders.Load(dir)
	if above == true || !here && !others {
		return nil
	}
	if err := s.sync(path.Dir(dir)); err != nil {
		return err
	}
	if err := s.sync("."); err != nil {
		return err
	}
	s.folders.Store(dir, true)
	return nil
}

func (s *Store) sync(dir string) error {
	d, err := s.root.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := s.fsync(d); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}

// withContext ends a long copy when its caller has gone.
type withContext struct {
	ctx context.Context
	r   io.Reader
}

func (w *withContext) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(p)
}

func notFound(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return blob.ErrNotFound
	}
	return err
}

// Open implements blob.Store.
func (s *Store) Open(_ context.Context, key string) (io.ReadSeekCloser, blob.Info, error) {
	if err := blob.CheckKey(key); err != nil {
		return nil, blob.Info{}, err
	}
	f, err := s.root.Open(place(key))
	if err != nil {
		return nil, blob.Info{}, notFound(err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, blob.Info{}, err
	}
	return f, blob.Info{Key: key, Size: info.Size()}, nil
}

// Stat implements blob.Store.
func (s *Store) Stat(_ context.Context, key string) (blob.Info, error) {
	if err := blob.CheckKey(key); err != nil {
		return blob.Info{}, err
	}
	info, err := s.root.Stat(place(key))
	if err != nil {
		return blob.Info{}, notFound(err)
	}
	return blob.Info{Key: key, Size: info.Size()}, nil
}

// Delete implements blob.Store.
func (s *Store) Delete(_ context.Context, key string) error {
	if err := blob.CheckKey(key); err != nil {
		return err
	}
	err := s.root.Remove(place(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.sync(path.Dir(place(key)))
}

// List implements blob.Store.
func (s *Store) List(ctx context.Context, class string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		start := "."
		if class != "" {
			if start = class; !blob.CheckClass(class) {
				yield(blob.Info{}, blob.ErrKey)
				return
			}
		}
		err := fs.WalkDir(s.root.FS(), start, func(p string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
			if d.IsDir() {
				if p == temporary {
					return fs.SkipDir
				}
				return nil
			}
			dir, name := path.Split(p)
			key := path.Join(path.Dir(path.Clean(dir)), name)
			if blob.CheckKey(key) != nil || place(key) != p {
				return nil // somebody's file, not ours
			}
			info, err := d.Info()
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			if !yield(blob.Info{Key: key, Size: info.Size()}, nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield(blob.Info{}, err)
		}
	}
}

// Health implements blob.Store: it writes and removes an empty file.
func (s *Store) Health(context.Context) (blob.Health, error) {
	probe := path.Join(temporary, inspection.NewID())
	f, err := s.root.OpenFile(probe, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return blob.Health{}, err
	}
	f.Close()
	if err := s.root.Remove(probe); err != nil {
		return blob.Health{}, err
	}
	free, err := Free(s.dir)
	return blob.Health{Free: free}, err
}
