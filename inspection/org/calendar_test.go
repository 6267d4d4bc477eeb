package org

import (
	"math/rand/v2"
	"testing"
	"time"

	"congvu/inspection"
)

func at(h, m int) inspection.Minute { return inspection.Minute(h*60 + m) }

func fiveDays(from, to inspection.Date, open inspection.Minute) Week {
	w := Week{From: from, To: to}
	for d := time.Monday; d <= time.Friday; d++ {
		w.Days[d] = []inspection.Session{{Open: open, Close: at(11, 30)}, {Open: at(13, 30), Close: at(17, 0)}}
	}
	return w
}

// national is the seed's root calendar with the holidays as announced.
func national() Calendar {
	days := map[inspection.Date]DayKind{}
	for _, d := range []inspection.Date{"2024-02-08", "2024-02-09", "2024-02-12", "2024-02-13", "2024-02-14", "2024-04-29",
		"2024-04-30", "2024-05-01", "2026-01-01", "2026-01-02", "2026-02-16", "2026-02-17", "2026-02-18", "2026-02-19", "2026-02-20"} {
		days[d] = Holiday
	}
	days["2024-05-04"], days["2026-01-10"] = MakeUpWorking, MakeUpWorking
	return Calendar{[]Layer{{ID: "vn", Weeks: []Week{fiveDays("", "", at(7, 30))}, Days: days}}}
}

func TestAddWorkingDays(t *testing.T) {
	for _, c := range []struct {
		name  string
		start inspection.Date
		n     int
		want  inspection.Date
	}{
		{"inside a week", "2026-03-02", 3, "2026-03-05"},
		{"over a weekend", "2026-03-05", 2, "2026-03-09"},
		{"from a Saturday", "2026-03-07", 1, "2026-03-09"},
		{"none: the day itself", "2026-03-05", 0, "2026-03-05"},
		{"none on a Sunday: the next working day", "2026-03-08", 0, "2026-03-09"},
		{"Tết inside", "2026-02-12", 10, "2026-03-05"}, // 13.2, then five days and two weekends off, 23–27.2, 2–5.3
		{"Tết 2024", "2024-02-07", 1, "2024-02-15"},
		{"make-up Saturday counts", "2024-05-03", 1, "2024-05-04"},
		{"over a make-up Saturday", "2024-05-03", 2, "2024-05-06"},
		{"year border", "2025-12-31", 1, "2026-01-05"},
		{"year border and make-up", "2025-12-30", 7, "2026-01-10"},
	} {
		got, err := AddWorkingDays(national(), c.start, c.n)
		if err != nil || got != c.want {
			t.Errorf("%s: %s + %d = %s, want %s (%v)", c.name, c.start, c.n, got, c.want, err)
		}
	}
}

// Counting back what was added gives the same number, whatever the days.
func TestCountingBack(t *testing.T) {
	cal, rnd := national(), rand.New(rand.NewPCG(1, 2))
	for range 500 {
		start := inspection.Date("2023-11-20").AddDays(rnd.IntN(900))
		n := 1 + rnd.IntN(40)
		due, err := AddWorkingDays(cal, start, n)
		if err != nil {
			t.Fatal(err)
		}
		if !cal.IsWorkingDay(due) {
			t.Fatalf("due on a day off: %s", due)
		}
		if got := WorkingDaysBetween(cal, start, due); got != n {
			t.Fatalf("%s + %d = %s, counted %d", start, n, due, got)
		}
		if got := WorkingDaysBetween(cal, due, start); got != -n {
			t.Fatalf("backwards %d", got)
		}
	}
}

func TestLeft(t *testing.T) {
	cal := national()
	for today, want := range map[inspection.Date]int{"2026-02-13": 2, "2026-02-20": 2, "2026-02-23": 1, "2026-02-24": 0, "2026-02-25": -1, "2026-03-03": -5} {
		if got := Left(cal, today, "2026-02-24"); got != want {
			t.Errorf("%s: %d left, want %d", today, got, want)
		}
	}
}

func TestHoursByDateAndLayer(t *testing.T) {
	cal := national()
	province := Layer{ID: "province", Weeks: []Week{fiveDays("2026-04-15", "2026-10-14", at(7, 0)), fiveDays("2026-10-15", "", at(7, 30))},
		Days: map[inspection.Date]DayKind{"2026-02-16": MakeUpWorking, "2026-06-01": Holiday}}
	cal.Layers = append([]Layer{province}, cal.Layers...)
	for day, open := range map[inspection.Date]inspection.Minute{
		"2026-04-14": at(7, 30), // the nation's
		"2026-04-15": at(7, 0), "2026-10-14": at(7, 0), "2026-10-15": at(7, 30),
	} {
		if h := cal.Hours(day); len(h) != 2 || h[0].Open != open {
			t.Errorf("%s: %v", day, h)
		}
	}
	if cal.IsWorkingDay("2026-06-01") {
		t.Error("the province's holiday holds")
	}
	if !cal.IsWorkingDay("2026-02-16") {
		t.Error("the nearest layer's word on a day wins")
	}
	if cal.IsWorkingDay("2026-02-17") {
		t.Error("the nation's holidays hold too")
	}
	if cal.ID() != "province" {
		t.Error(cal.ID())
	}
	if h := cal.Hours("2026-01-10"); len(h) != 2 || h[0].Open != at(7, 30) {
		t.Errorf("a make-up Saturday has a Monday's hours: %v", h)
	}
}

func TestDueAt(t *testing.T) {
	if got := DueAt(national(), "2026-03-05").String(); got != "2026-03-05T17:00:00.000+07:00" {
		t.Error(got)
	}
	if got := DueAt(national(), "2026-03-08").String(); got != "2026-03-09T17:00:00.000+07:00" { // a Sunday: on the next working day
		t.Error(got)
	}
	if got := DueAt(Calendar{}, "2026-03-08").String(); got != "2026-03-09T00:00:00.000+07:00" {
		t.Error(got)
	}
}

func TestClosedCalendar(t *testing.T) {
	for name, c := range map[string]Calendar{
		"no layers": {}, "no hours": {[]Layer{{ID: "x", Weeks: []Week{{}}}}},
		"hours that ended": {[]Layer{{ID: "x", Weeks: []Week{fiveDays("", "2020-12-31", at(8, 0))}}}},
	} {
		if d, err := AddWorkingDays(c, "2026-01-01", 1); inspection.KeyOf(err) != "org.error.calendar_closed" {
			t.Errorf("%s: %s %v", name, d, err)
		}
	}
}

func TestThereAreNoWorkingDaysToAnOpenBorder(t *testing.T) {
	if n := WorkingDaysBetween(Calendar{}, "", "2026-11-20"); n != 0 {
		t.Error(n)
	}
	if n := WorkingDaysBetween(Calendar{}, "2026-11-20", ""); n != 0 {
		t.Error(n)
	}
}
