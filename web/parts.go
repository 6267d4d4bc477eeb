package web

import (
	"fmt"

	"congvu/evidence"
	"congvu/inspection"
	"congvu/inspection/finding"
)

// soonDays is from how many working days left on a clock warns.
const soonDays = 3

// dueClock is what the clock of a finding says to a reader: in few words, then
// exactly. Class is late, soon, good or empty.
type dueClock struct{ Class, Big, Detail string }

// Clock puts the time of a finding into words.
func (b Base) Clock(l finding.Line) dueClock {
	due := b.Moment(l.DueAt)
	switch {
	case l.State == finding.Verified:
		return dueClock{"good", b.Of("finding.state", l.State), b.T("findings.clock.closed", "on", l.ClosedAt.Date())}
	case l.State.Terminal():
		return dueClock{"", b.Of("finding.state", l.State), b.T("findings.clock.closed", "on", l.ClosedAt.Date())}
	case l.OnHold:
		return dueClock{"", b.T("findings.clock.hold"), b.T("findings.clock.hold_since", "on", l.HeldOn)}
	case l.InReview():
		c := dueClock{"", b.Of("finding.state", l.State), b.T("findings.clock.handed_in", "on", l.HandedInOn)}
		if l.Overdue {
			c.Detail = b.T("findings.clock.handed_in_late", "on", l.HandedInOn, "n", l.OverdueDays)
		}
		return c
	case l.Overdue && l.OverdueDays == 0:
		return dueClock{"late", b.T("findings.clock.late_now"), b.T("findings.clock.was_due", "at", due)}
	case l.Overdue:
		return dueClock{"late", b.T("findings.clock.late", "n", l.OverdueDays), b.T("findings.clock.was_due", "at", due)}
	case l.HasDue && l.Left <= 0:
		return dueClock{"soon", b.T("findings.clock.today"), b.T("findings.clock.until", "at", due)}
	case l.HasDue && l.Left <= soonDays:
		return dueClock{"soon", b.T("findings.clock.left", "n", l.Left), b.T("findings.clock.until", "at", due)}
	case l.HasDue:
		return dueClock{"", b.T("findings.clock.left", "n", l.Left), b.T("findings.clock.until", "at", due)}
	case l.State == finding.Recorded && l.ExplainDue != "" && b.Now.Date() > l.ExplainDue:
		return dueClock{"", b.T("findings.clock.explain_over"), b.T("findings.clock.explain_late")}
	case l.State == finding.Recorded && l.ExplainDue != "":
		return dueClock{"soon", b.T("findings.clock.explain", "on", b.Day(l.ExplainDue)), b.T("findings.clock.explain_hint")}
	}
	return dueClock{"", b.Of("finding.state", l.State), b.T("findings.clock.no_due")}
}

// Day is a day with its weekday: thứ Tư 25/11/2026.
func (b Base) Day(d inspection.Date) string {
	if d == "" {
		return ""
	}
	return b.Of("findings.weekday", int(d.Weekday())) + " " + d.VN()
}

// Moment is an hour of a day with its weekday: 17:00 thứ Tư 25/11/2026.
func (b Base) Moment(i inspection.Instant) string {
	if i.IsZero() {
		return ""
	}
	return i.Time().Format("15:04") + " " + b.Day(i.Date())
}

// SeverityClass is the class of a severity's tag; the tag always holds its word.
func (Base) SeverityClass(s any) string {
	switch finding.Severity(fmt.Sprint(s)) {
	case finding.Critical, finding.Major:
		return "late"
	case finding.Moderate:
		return "soon"
	}
	return "plain"
}

// StateClass is the class of a state's tag.
func (Base) StateClass(s finding.State) string {
	switch s {
	case finding.Verified:
		return "good"
	case finding.Submitted, finding.Accepted, finding.ReinspectDue:
		return "soon"
	}
	return "plain"
}

// Flags are the flags of a finding, as codes of finding.flag.
func (Base) Flags(l finding.Line) []string {
	var out []string
	for _, f := range []struct {
		is   bool
		code string
	}{{l.Overdue, "OVERDUE"}, {l.OnHold, "ON_HOLD"}, {!l.EscalatedAt.IsZero(), "ESCALATED"}, {l.Reopened, "REOPENED"},
		{l.RepeatOf != nil, "REPEAT"}, {l.FixedOnSite, "FIXED_ON_SITE"}} {
		if f.is {
			out = append(out, f.code)
		}
	}
	return out
}

// OnItem is the key of the checklist item that a picture hangs on, empty for none.
func (p photo) OnItem() string {
	for _, on := range p.Item.On {
		if on.Kind == evidence.OnItem {
			return on.ID
		}
	}
	return ""
}

// Lost tells that a declared file was given up.
func (p photo) Lost() bool { return p.Item.State == evidence.Lost }

// Pending tells that the small picture is still being made.
func (p photo) Pending() bool { return p.Item.DeriveState == evidence.DerivePending }
