package inspection

import (
	"fmt"
	"slices"
	"time"
)

// Zone is the time of Vietnam, +07:00 the whole year (no daylight saving).
var Zone = time.FixedZone("+07", 7*3600)

// Instant is a point in time as milliseconds since 1970-01-01T00:00:00Z. Both
// databases keep it as a 64-bit integer, so that it sorts and compares alike in
// both. Zero means "not yet".
type Instant int64

// At makes an instant of a time.
func At(t time.Time) Instant {
	if t.IsZero() {
		return 0
	}
	return Instant(t.UnixMilli())
}

// Time is the instant in Vietnam's zone; the zero time for the zero instant.
func (i Instant) Time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(i)).In(Zone)
}

// IsZero tells "not yet".
func (i Instant) IsZero() bool { return i == 0 }

// Date is the day of the instant in Vietnam.
func (i Instant) Date() Date { return DateOf(i.Time()) }

// Add moves the instant.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d.Milliseconds()) }

// String is RFC 3339 with +07:00, empty for zero.
func (i Instant) String() string {
	if i == 0 {
		return ""
	}
	return i.Time().Format("2006-01-02T15:04:05.000Z07:00")
}

// Date is a day as yyyy-mm-dd. An empty date means "open": no beginning or no
// end. Dates compare as strings.
type Date string

// DateOf is the day of a time in Vietnam.
func DateOf(t time.Time) Date {
	if t.IsZero() {
		return ""
	}
	return Date(t.In(Zone).Format(time.DateOnly))
}

// ParseDate reads yyyy-mm-dd; the empty text is the empty date. It refuses days
// that no calendar has. Code: invalid.
func ParseDate(s string) (Date, error) {
	if s == "" {
		return "", nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1900 || t.Year() > 2200 {
		return "", E(Invalid, "error.date", "value", s).Because(err)
	}
	return Date(s), nil
}

// Time is midnight in Vietnam at the start of the day.
func (d Date) Time() time.Time {
	t, err := time.ParseInLocation(time.DateOnly, string(d), Zone)
	if err != nil {
		return time.Time{}
	}
	return t
}

// AddDays moves by calendar days.
func (d Date) AddDays(n int) Date { return DateOf(d.Time().AddDate(0, 0, n)) }

// Weekday of the day.
func (d Date) Weekday() time.Weekday { return d.Time().Weekday() }

// VN is dd/MM/yyyy, as people in Vietnam write it.
func (d Date) VN() string {
	if d == "" {
		return ""
	}
	return d.Time().Format("02/01/2006")
}

// Within tells whether the day lies in [from, to], where an empty border is open.
func (d Date) Within(from, to Date) bool {
	return (from == "" || d >= from) && (to == "" || d <= to)
}

// Session is one sitting of a working day; at Close it is over.
type Session struct{ Open, Close Minute }

// Within tells whether an instant lies in one of the sittings of its day.
func Within(day []Session, at Instant) bool {
	m := MinuteOf(at)
	return slices.ContainsFunc(day, func(s Session) bool { return m >= s.Open && m < s.Close })
}

// Minute is a time of day as minutes after midnight in Vietnam.
type Minute int

// ParseMinute reads hh:mm. Code: invalid.
func ParseMinute(s string) (Minute, error) {
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, E(Invalid, "error.time_of_day", "value", s).Because(err)
	}
	return Minute(t.Hour()*60 + t.Minute()), nil
}

// MinuteOf is the time of day of an instant in Vietnam.
func MinuteOf(i Instant) Minute {
	t := i.Time()
	return Minute(t.Hour()*60 + t.Minute())
}

// String is hh:mm.
func (m Minute) String() string { return fmt.Sprintf("%02d:%02d", int(m)/60, int(m)%60) }

// Clock tells the time. Programs use SystemClock, tests a ManualClock.
type Clock interface{ Now() Instant }

// SystemClock is the machine's clock.
type SystemClock struct{}

// Now is the machine's time.
func (SystemClock) Now() Instant { return At(time.Now()) }
