package memblob_test

import (
	"testing"

	"congvu/evidence/blob"
	"congvu/evidence/blob/blobtest"
	"congvu/evidence/blob/memblob"
)

func TestStore(t *testing.T) {
	blobtest.Run(t, func(*testing.T) blob.Store { return memblob.New() })
}
