package evidence_test

import (
	"bytes"
	"io"
	"testing"

	"congvu/evidence"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// stopping gives its first bytes, and the rest when they have been put away.
type stopping struct {
	first, rest io.Reader
	put         func() bool
}

func (s *stopping) Read(b []byte) (int, error) {
	if n, err := s.first.Read(b); err == nil {
		return n, nil
	}
	for !s.put() {
	}
	return s.rest.Read(b)
}

// TestR2WhatIsParkedWhileItComesCountsOnce: a crumb of a file is there; the request that
// brings the rest is so slow that what it brought is parked behind the crumb meanwhile.
// The whole is what was declared.
func TestR2WhatIsParkedWhileItComesCountsOnce(t *testing.T) {
	const crumb, before = 10_000, 1_300_000
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db, files(t))
		w.copies()
		raw, d := w.declared(3_000_000)
		at, _, err := w.s.Resume(w.Context(), w.inspector, d.ID, 0, int64(len(raw)), bytes.NewReader(raw[:crumb]))
		if at != crumb {
			t.Fatalf("%d, %v", at, err)
		}
		parked := func() bool {
			var n int64
			if err := w.db.Table("evidence_parts").Where("file_id = ?", d.ID).Select("COALESCE(SUM(size), 0)").Scan(&n).Error; err != nil {
				t.Error(err)
				return true
			}
			return n > crumb
		}
		_, receipt, err := w.s.Resume(w.Context(), w.inspector, d.ID, crumb, int64(len(raw)-crumb), &stopping{first: bytes.NewReader(raw[crumb:before]), rest: bytes.NewReader(raw[before:]), put: parked})
		if err != nil || receipt == nil || receipt.SHA256 != sum(raw) {
			t.Fatalf("%+v, %v", receipt, err)
		}
		if got := w.get(w.inspector, d.ID); got.State != evidence.Received {
			t.Errorf("%+v", got)
		}
	})
}
