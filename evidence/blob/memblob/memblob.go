// Package memblob owns a blob store in memory, for tests and for trying things out.
package memblob

import (
	"bytes"
	"context"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"congvu/evidence/blob"
)

// Store keeps objects until the process ends.
type Store struct {
	mu      sync.RWMutex
	objects map[string][]byte
}

var _ blob.Store = (*Store)(nil)

// New makes an empty store.
func New() *Store { return &Store{objects: map[string][]byte{}} }

// Put implements blob.Store.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, size int64, sum string) error {
	return s.put(ctx, key, r, size, sum, false)
}

// Mend implements blob.Store.
func (s *Store) Mend(ctx context.Context, key string, r io.Reader, size int64, sum string) error {
	return s.put(ctx, key, r, size, sum, true)
}

func (s *Store) put(ctx context.Context, key string, r io.Reader, size int64, sum string, replace bool) error {
	if err := blob.CheckPut(key, size, sum); err != nil {
		return err
	}
	if _, err := s.Stat(ctx, key); err == nil && !replace {
		return blob.ErrExists
	}
	raw, err := io.ReadAll(blob.Verify(r, size, sum))
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.objects[key]; ok && !replace {
		return blob.ErrExists
	}
	s.objects[key] = raw
	return nil
}

type reader struct{ *bytes.Reader }

func (reader) Close() error { return nil }

// Open implements blob.Store.
func (s *Store) Open(_ context.Context, key string) (io.ReadSeekCloser, blob.Info, error) {
	if err := blob.CheckKey(key); err != nil {
		return nil, blob.Info{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	raw, ok := s.objects[key]
	if !ok {
		return nil, blob.Info{}, blob.ErrNotFound
	}
	return reader{bytes.NewReader(raw)}, blob.Info{Key: key, Size: int64(len(raw))}, nil
}

// Stat implements blob.Store.
func (s *Store) Stat(_ context.Context, key string) (blob.Info, error) {
	if err := blob.CheckKey(key); err != nil {
		return blob.Info{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	raw, ok := s.objects[key]
	if !ok {
		return blob.Info{}, blob.ErrNotFound
	}
	return blob.Info{Key: key, Size: int64(len(raw))}, nil
}

// Delete implements blob.Store.
func (s *Store) Delete(_ context.Context, key string) error {
	if err := blob.CheckKey(key); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, key)
	return nil
}

// List implements blob.Store.
func (s *Store) List(_ context.Context, class string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		if class != "" && !blob.CheckClass(class) {
			yield(blob.Info{}, blob.ErrKey)
			return
		}
		s.mu.RLock()
		keys := slices.Sorted(maps.Keys(s.objects))
		s.mu.RUnlock()
		for _, key := range keys {
			if class != "" && !strings.HasPrefix(key, class+"/") {
				continue
			}
			s.mu.RLock()
			raw, ok := s.objects[key]
			s.mu.RUnlock()
			if ok && !yield(blob.Info{Key: key, Size: int64(len(raw))}, nil) {
				return
			}
		}
	}
}

// Health implements blob.Store.
func (s *Store) Health(context.Context) (blob.Health, error) { return blob.Health{Free: -1}, nil }
