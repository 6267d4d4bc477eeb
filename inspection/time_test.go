package inspection_test

import (
	"testing"
	"time"

	"congvu/inspection"
)

func TestASittingIsOverAtItsClose(t *testing.T) {
	day := []inspection.Session{{Open: 7 * 60, Close: 11*60 + 30}, {Open: 13 * 60, Close: 17 * 60}}
	for at, want := range map[string]bool{"06:59:59": false, "07:00:00": true, "11:29:59": true, "11:30:00": false, "12:59:59": false, "13:00:00": true, "16:59:59": true, "17:00:00": false} {
		when, err := time.ParseInLocation("2006-01-02 15:04:05", "2026-01-05 "+at, inspection.Zone)
		if err != nil {
			t.Fatal(err)
		}
		if inspection.Within(day, inspection.At(when.UTC())) != want {
			t.Errorf("at %s: want %v", at, want)
		}
	}
	if inspection.Within(nil, inspection.At(time.Now())) {
		t.Error("within hours on a day off")
	}
}
