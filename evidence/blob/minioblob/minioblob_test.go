package minioblob_test

import (
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
