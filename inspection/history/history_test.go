package history_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

func event(action string) history.Event {
	return history.Event{Actor: inspection.Actor{Person: inspection.NewID()}, Action: action, SubjectKind: "visit",
		SubjectID: inspection.NewID(), At: 1_700_000_000_000, Data: map[string]any{"b": 2, "a": "x"}}
}

func TestRowsAreCanonicalSaltedAndHashed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		e := event("visit.check_in")
		for range 2 {
			if err := history.Append(db, e); err != nil {
				t.Fatal(err)
			}
		}
		rows, err := history.OfSubject(db, "visit", e.SubjectID)
		if err != nil || len(rows) != 2 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		if !rows[0].Check() || !rows[1].Check() || rows[0].Hash == rows[1].Hash {
			t.Fatal("hashes do not hold, or two events share one")
		}
		if !strings.HasPrefix(rows[0].Body, `{"action":"visit.check_in","actor":`) || !strings.Contains(rows[0].Body, `"data":{"a":"x","b":2}`) {
			t.Fatalf("not canonical: %s", rows[0].Body)
		}
		rows[0].Body = strings.Replace(rows[0].Body, `"b":2`, `"b":3`, 1)
		if rows[0].Check() {
			t.Fatal("a changed body keeps its hash")
		}
	})
}

func TestHistoryRefusesEveryChange(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		if err := history.Append(db, event("visit.check_in")); err != nil {
			t.Fatal(err)
		}
		attacks := []string{"UPDATE history SET action = 'x'", "DELETE FROM history"}
		if db.Name() == "postgres" {
			attacks = append(attacks, "TRUNCATE history CASCADE",
				"INSERT INTO history (seq, id, at, action, subject_kind, subject_id, body, hash) OVERRIDING SYSTEM VALUE SELECT seq, id, at, 'x', subject_kind, subject_id, body, hash FROM history ON CONFLICT (seq) DO UPDATE SET action = 'x'")
		} else {
			attacks = append(attacks, "INSERT OR REPLACE INTO history (seq, id, at, action, subject_kind, subject_id, body, hash) SELECT seq, id, at, 'x', subject_kind, subject_id, body, hash FROM history",
				"INSERT OR REPLACE INTO history (id, at, action, subject_kind, subject_id, body, hash) SELECT id, at, 'x', subject_kind, subject_id, body, hash FROM history")
		}
		for _, attack := range attacks {
			if err := db.Exec(attack).Error; err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: %v", attack, err)
			}
		}
		var n int64
		db.Table("history").Where("action = 'visit.check_in'").Count(&n)
		if n != 1 {
			t.Fatalf("%d rows left", n)
		}
	})
}

func TestReadersSeeEveryCommittedRowOnceInOneOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		ctx := context.Background()
		reader := history.NewReader(db)
		late := event("late")
		if db.Name() == "postgres" { // SQLite has one writer at a time
			tx := db.Begin()
			if err := history.Append(tx, late); err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback()
			if err := history.Append(db, event("early")); err != nil {
				t.Fatal(err)
			}
			first, err := reader.After(ctx, 0, 10)
			if err != nil || len(first) != 1 || first[0].Action != "early" {
				t.Fatalf("%v %v", first, err)
			}
			if err := tx.Commit().Error; err != nil {
				t.Fatal(err)
			}
		} else {
			for _, a := range []string{"early", "late"} {
				if err := history.Append(db, event(a)); err != nil {
					t.Fatal(err)
				}
			}
		}
		all, err := reader.After(ctx, 0, 10)
		if err != nil || len(all) != 2 || all[0].Action != "early" || all[1].Action != "late" {
			t.Fatalf("%v %v", all, err)
		}
		rest, err := reader.After(ctx, all[1].Position, 10)
		if err != nil || len(rest) != 0 {
			t.Fatalf("%v %v", rest, err)
		}
	})
}

func TestAnEventOfAFailedTransactionIsGone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		boom := errors.New("boom")
		err := db.Transaction(func(tx *gorm.DB) error {
			if err := history.Append(tx, event("x")); err != nil {
				t.Fatal(err)
			}
			return boom
		})
		var n int64
		db.Table("history").Count(&n)
		if !errors.Is(err, boom) || n != 0 {
			t.Fatalf("%v, %d rows", err, n)
		}
	})
}
