package minioblob_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"congvu/evidence/blob"
	"congvu/evidence/blob/blobtest"
	"congvu/evidence/blob/minioblob"
)

func TestStore(t *testing.T) {
	for name, variable := range map[string]string{"minio": "CONGVU_TEST_MINIO", "versitygw": "CONGVU_TEST_VERSITYGW"} {
		t.Run(name, func(t *testing.T) {
			blobtest.Run(t, func(t *testing.T) blob.Store { return blobtest.S3(t, variable) })
		})
	}
}

// TestAFullServerIsToldFromAFailingOne: what servers answer when they have no room.
func TestAFullServerIsToldFromAFailingOne(t *testing.T) {
	status, code := 0, ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Method != http.MethodPut {
			return
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
	}))
	t.Cleanup(server.Close)
	store, err := minioblob.Open(t.Context(), minioblob.Config{Endpoint: strings.TrimPrefix(server.URL, "http://"), Bucket: "bucket", Region: "here", AccessKey: "a", SecretKey: "b"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		status int
		code   string
		full   bool
	}{{507, "XMinioStorageFull", true}, {507, "", true}, {400, "XMinioAdminBucketQuotaExceeded", true}, {403, "QuotaExceeded", true}, {403, "AccessDenied", false}, {500, "InternalError", false}} {
		status, code = c.status, c.code
		sum := sha256.Sum256([]byte("bytes"))
		err := store.Put(t.Context(), "o/12345678", strings.NewReader("bytes"), 5, hex.EncodeToString(sum[:]))
		if err == nil || errors.Is(err, blob.ErrFull) != c.full {
			t.Errorf("%d %s: %v", c.status, c.code, err)
		}
	}
}

func TestOpeningTwiceKeepsTheBucket(t *testing.T) {
	for _, variable := range []string{"CONGVU_TEST_MINIO", "CONGVU_TEST_VERSITYGW"} {
		c := blobtest.S3Config(t, variable)
		for range 2 {
			if _, err := minioblob.Open(t.Context(), c); err != nil {
				t.Fatalf("%s: %v", variable, err)
			}
		}
		c.SecretKey = "wrong"
		if _, err := minioblob.Open(t.Context(), c); err == nil {
			t.Fatalf("%s: opened with a wrong secret", variable)
		}
	}
}
