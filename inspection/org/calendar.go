package org

import (
	"slices"
	"time"

	"congvu/inspection"
)

// Week is a pattern of hours that holds in a period (summer, winter): the sessions
// of each weekday, indexed by time.Weekday.
type Week struct {
	From, To inspection.Date
	Days     [7][]inspection.Session
}

// DayKind says what a special day is.
type DayKind string

// The kinds of a special day.
const (
	Holiday       DayKind = "HOLIDAY"
	MakeUpWorking DayKind = "MAKE_UP_WORKING_DAY"
)

// Layer is the calendar of one unit or organisation.
type Layer struct {
	ID    string
	Weeks []Week
	Days  map[inspection.Date]DayKind
}

// since is a layer that counts from a day on.
func (l Layer) since(d inspection.Date) Layer {
	if d == "" {
		return l
	}
	out := Layer{ID: l.ID, Days: map[inspection.Date]DayKind{}}
	for _, w := range l.Weeks {
		if w.To == "" || w.To >= d {
			w.From = max(w.From, d)
			out.Weeks = append(out.Weeks, w)
		}
	}
	for day, kind := range l.Days {
		if day >= d {
			out.Days[day] = kind
		}
	}
	return out
}

// Calendar is a working calendar as a plain value: layers from the nearest (the
// organisation, its administrative unit) to the root of the tree. The nearest layer
// that has hours for a day gives them; special days are a union in which the
// nearest layer wins.
type Calendar struct{ Layers []Layer }

// ID names the calendar that decides: the nearest layer's id, empty for none. It is
// kept beside a due date.
func (c Calendar) ID() string {
	if len(c.Layers) == 0 {
		return ""
	}
	return c.Layers[0].ID
}

// Hours are the sessions of a day, none on a day off. A make-up working day whose
// weekday is free has the hours of the first working weekday from Monday.
func (c Calendar) Hours(d inspection.Date) []inspection.Session {
	kind := c.kind(d)
	if kind == Holiday {
		return nil
	}
	week, ok := c.week(d)
	if !ok {
		return nil
	}
	hours := week.Days[d.Weekday()]
	if len(hours) == 0 && kind == MakeUpWorking {
		for w := time.Monday; w <= time.Saturday; w++ {
			if len(week.Days[w]) > 0 {
				return week.Days[w]
			}
		}
	}
	return hours
}

// kind is what special day a day is, as the nearest layer that names it has it.
func (c Calendar) kind(d inspection.Date) DayKind {
	for _, l := range c.Layers {
		if k, ok := l.Days[d]; ok {
			return k
		}
	}
	return ""
}

// week is the pattern that holds on a day: of the nearest layer that has one, the
// one that began last.
func (c Calendar) week(d inspection.Date) (Week, bool) {
	for _, l := range c.Layers {
		best := -1
		for i, w := range l.Weeks {
			if d.Within(w.From, w.To) && (best < 0 || w.From >= l.Weeks[best].From) {
				best = i
			}
		}
		if best >= 0 {
			return l.Weeks[best], true
		}
	}
	return Week{}, false
}

// IsWorkingDay tells whether anybody works on a day.
func (c Calendar) IsWorkingDay(d inspection.Date) bool { return len(c.Hours(d)) > 0 }

// closedAfter is how many days without work end the search: no unit is closed for a
// year, so the calendar has no hours there.
const closedAfter = 366

// AddWorkingDays is the n-th working day after the start day, which does not count.
// With n = 0 it is the start day, or the next working day if that is free; what is
// due is due at its closing hour (DueAt). Code: conflict, where the calendar has no
// working day within a year.
func AddWorkingDays(c Calendar, start inspection.Date, n int) (inspection.Date, error) {
	d, idle := start, 0
	if n <= 0 {
		n = 1
		d = d.AddDays(-1)
	}
	for n > 0 {
		d = d.AddDays(1)
		if c.IsWorkingDay(d) {
			n, idle = n-1, 0
		} else if idle++; idle > closedAfter {
			return "", inspection.E(inspection.Conflict, "org.error.calendar_closed", "date", start.VN())
		}
	}
	return d, nil
}

// WorkingDaysBetween counts the working days after from, up to and with to;
// negative where to lies before from. Between an open border and a day there are none.
func WorkingDaysBetween(c Calendar, from, to inspection.Date) int {
	if from == "" || to == "" {
		return 0
	}
	if to < from {
		return -WorkingDaysBetween(c, to, from)
	}
	n := 0
	for d := from.AddDays(1); d <= to; d = d.AddDays(1) {
		if c.IsWorkingDay(d) {
			n++
		}
	}
	return n
}

// Left is how many working days are left on a day until something is due: 0 on the
// due day itself, negative the working days that went by since.
func Left(c Calendar, today, due inspection.Date) int { return WorkingDaysBetween(c, today, due) }

// DueDay is the day on which what was to be done by a day is due: that day, or the next
// working day where nobody works on it (domain: terms). A calendar without a working day
// within a year leaves it as it is.
func DueDay(c Calendar, d inspection.Date) inspection.Date {
	for next, idle := d, 0; idle <= closedAfter; next, idle = next.AddDays(1), idle+1 {
		if c.IsWorkingDay(next) {
			return next
		}
	}
	return d
}

// DueAt is the closing hour of the day on which something is due (DueDay); its midnight
// where the calendar has no hours.
func DueAt(c Calendar, d inspection.Date) inspection.Instant {
	d = DueDay(c, d)
	hours := c.Hours(d)
	if len(hours) == 0 {
		return inspection.At(d.AddDays(1).Time())
	}
	last := slices.MaxFunc(hours, func(a, b inspection.Session) int { return int(a.Close - b.Close) })
	return inspection.At(d.Time().Add(time.Duration(last.Close) * time.Minute))
}
