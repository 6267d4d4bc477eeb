// Package minioblob owns a blob store in a bucket of MinIO or of any other server
// that speaks S3. It uses plain S3 calls only: PUT with If-None-Match, GET with a
// range, HEAD, DELETE, ListObjectsV2, and HEAD or PUT of the bucket.
//
// A put streams: the size is told first and the last byte is sent only when the hash
// is right (blob.Verify), so that a server never has all bytes of a wrong object.
// If-None-Match makes one of several concurrent puts win.
package minioblob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"sync"

	"congvu/evidence/blob"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Config names a bucket. Region may be empty.
type Config struct {
	Endpoint  string // host:port
	Bucket    string
	Region    string
	AccessKey string
	SecretKey string
	TLS       bool
	Transport http.RoundTripper // nil: the library's own
}

// Store keeps objects in a bucket.
type Store struct {
	client *minio.Client
	bucket string
}

var _ blob.Store = (*Store)(nil)

// Open connects and makes the bucket when it is not there.
func Open(ctx context.Context, c Config) (*Store, error) {
	client, err := minio.New(c.Endpoint, &minio.Options{
		Creds:     credentials.NewStaticV4(c.AccessKey, c.SecretKey, ""),
		Secure:    c.TLS,
		Region:    c.Region,
		Transport: c.Transport,
		// Somebody waits for the answer, and asks again by themselves: a server that is gone
		// is told of within a second or two, not ten.
		MaxRetries: 3,
	})
	if err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}
	s := &Store{client: client, bucket: c.Bucket}
	ok, err := client.BucketExists(ctx, c.Bucket)
	if err != nil {
		return nil, fmt.Errorf("s3: bucket %s: %w", c.Bucket, err)
	}
	if !ok {
		err := client.MakeBucket(ctx, c.Bucket, minio.MakeBucketOptions{Region: c.Region})
		if code := minio.ToErrorResponse(err).Code; err != nil && code != minio.BucketAlreadyOwnedByYou && code != minio.BucketAlreadyExists {
			return nil, fmt.Errorf("s3: make bucket %s: %w", c.Bucket, err)
		}
	}
	return s, nil
}

// full are the codes with which servers say that there is no room left: MinIO's, and
// those of quotas.
var full = map[string]bool{"XMinioStorageFull": true, "XMinioAdminBucketQuotaExceeded": true, "QuotaExceeded": true}

// Put implements blob.Store.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, size int64, sum string) error {
	var options minio.PutObjectOptions
	options.SetMatchETagExcept("*")
	return s.put(ctx, key, r, size, sum, options)
}

// Mend implements blob.Store.
func (s *Store) Mend(ctx context.Context, key string, r io.Reader, size int64, sum string) error {
	return s.put(ctx, key, r, size, sum, minio.PutObjectOptions{})
}

func (s *Store) put(ctx context.Context, key string, r io.Reader, size int64, sum string, options minio.PutObjectOptions) error {
	if err := blob.CheckPut(key, size, sum); err != nil {
		return err
	}
	verified := blob.Verify(r, size, sum)
	// What is in memory cannot turn out wrong on the way: its sum is signed as that of the
	// whole payload. Of what is read the last byte may never come, and some servers keep
	// what they have then (versitygw): without TLS it goes in pieces, each with its own
	// signature, of which they miss the last.
	_, options.DisableContentSha256 = verified.(*blob.Sound)
	options.ContentType = "application/octet-stream"
	// The body only reads: what can seek the client would send again by itself, while the
	// first attempt may still be reading.
	body := &keepError{r: verified}
	if size == 0 { // nothing would be read, and so nothing verified
		if _, err := io.ReadAll(body); err != nil {
			return err
		}
	}
	_, err := minio.Core{Client: s.client}.PutObject(ctx, s.bucket, key, body, size, "", sum, options)
	if failed := body.end(); failed != nil {
		return failed
	}
	switch response := minio.ToErrorResponse(err); {
	case err == nil:
		return nil
	case response.StatusCode == http.StatusPreconditionFailed, response.StatusCode == http.StatusConflict,
		response.Code == minio.PreconditionFailed:
		return blob.ErrExists
	case response.StatusCode == http.StatusInsufficientStorage, full[response.Code]:
		return fmt.Errorf("%w: s3: put: %w", blob.ErrFull, err)
	default:
		return fmt.Errorf("s3: put: %w", err)
	}
}

// keepError remembers why reading failed: the client wraps it beyond recognition. Ended,
// it is read no more: an answer may come while the client still sends.
type keepError struct {
	mu    sync.Mutex
	r     io.Reader
	err   error
	ended bool
}

func (k *keepError) Read(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended {
		return 0, errEnded
	}
	n, err := k.r.Read(p)
	if err != nil && err != io.EOF {
		k.err = err
	}
	return n, err
}

var errEnded = errors.New("s3: the put has ended")

// end ends the reading and tells why it had failed, if it had.
func (k *keepError) end() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ended = true
	return k.err
}

func translate(err error) error {
	if response := minio.ToErrorResponse(err); response.Code == minio.NoSuchKey || response.StatusCode == http.StatusNotFound && response.Code != minio.NoSuchBucket {
		return blob.ErrNotFound
	}
	return fmt.Errorf("s3: %w", err)
}

// Open implements blob.Store.
func (s *Store) Open(ctx context.Context, key string) (io.ReadSeekCloser, blob.Info, error) {
	info, err := s.Stat(ctx, key)
	if err != nil {
		return nil, blob.Info{}, err
	}
	object, err := s.client.GetObject(ctx, s.bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, blob.Info{}, translate(err)
	}
	return object, info, nil
}

// Stat implements blob.Store.
func (s *Store) Stat(ctx context.Context, key string) (blob.Info, error) {
	if err := blob.CheckKey(key); err != nil {
		return blob.Info{}, err
	}
	o, err := s.client.StatObject(ctx, s.bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return blob.Info{}, translate(err)
	}
	return blob.Info{Key: key, Size: o.Size}, nil
}

// Delete implements blob.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := blob.CheckKey(key); err != nil {
		return err
	}
	err := s.client.RemoveObject(ctx, s.bucket, key, minio.RemoveObjectOptions{})
	if err == nil {
		return nil
	}
	if err = translate(err); errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	return err
}

// List implements blob.Store.
func (s *Store) List(ctx context.Context, class string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		options := minio.ListObjectsOptions{Recursive: true}
		if class != "" {
			if !blob.CheckClass(class) {
				yield(blob.Info{}, blob.ErrKey)
				return
			}
			options.Prefix = class + "/"
		}
		for o := range s.client.ListObjectsIter(ctx, s.bucket, options) {
			if o.Err != nil {
				yield(blob.Info{}, fmt.Errorf("s3: list: %w", o.Err))
				return
			}
			if blob.CheckKey(o.Key) != nil {
				continue // somebody's object, not ours
			}
			if !yield(blob.Info{Key: o.Key, Size: o.Size}, nil) {
				return
			}
		}
	}
}

// Health implements blob.Store. S3 does not tell how much room is left.
func (s *Store) Health(ctx context.Context) (blob.Health, error) {
	ok, err := s.client.BucketExists(ctx, s.bucket)
	if err == nil && !ok {
		err = errors.New("the bucket is gone")
	}
	if err != nil {
		return blob.Health{}, fmt.Errorf("s3: %w", err)
	}
	return blob.Health{Free: -1}, nil
}
