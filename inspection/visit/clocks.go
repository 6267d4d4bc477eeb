package visit

import (
	"cmp"
	"slices"
	"time"

	"congvu/inspection"
)

// Clock is what is odd about the clock of a device that worked on a check; the order of
// its acts is right all the same.
type Clock struct {
	Device  string
	Off     time.Duration // the furthest that it was off the server's; acts are dated with that put right
	Unknown bool          // it had never learned how far: its acts are dated by when they arrived
	SetBack bool          // it went back between two acts
}

// Clocks are the devices of a check whose clock was wrong by more than five minutes or
// was set back, by their ids.
func (v View) Clocks() []Clock {
	at := map[string]*Clock{}
	last := map[source]Operation{}
	ops := slices.Clone(v.Operations)
	slices.SortStableFunc(ops, func(a, b Operation) int { return cmp.Compare(a.Seq, b.Seq) })
	for _, op := range ops {
		if op.Type == OpReport || op.Type == OpCorrect || op.Type == OpConclude {
			continue // made at the office, by the server's clock
		}
		c := at[op.Device]
		if c == nil {
			c = &Clock{Device: op.Device}
			at[op.Device] = c
		}
		if op.OffsetMS != nil {
			if off := time.Duration(*op.OffsetMS) * time.Millisecond; off.Abs() > c.Off.Abs() {
				c.Off = off
			}
		} else if op.At() != op.DeviceAt {
			c.Unknown = true
		}
		before, known := last[op.source()]
		last[op.source()] = op
		if known && op.Boot != "" && op.Boot == before.Boot && op.Seq > before.Seq {
			// Within one start of the device's program its own time runs on evenly.
			if ran, showed := op.ElapsedMS-before.ElapsedMS, int64(op.DeviceAt-before.DeviceAt); showed < ran-trusted.Milliseconds() {
				c.SetBack = true
			}
		}
	}
	var odd []Clock
	for _, c := range at {
		if c.Off.Abs() > trusted || c.Unknown || c.SetBack {
			odd = append(odd, *c)
		}
	}
	slices.SortFunc(odd, func(a, b Clock) int { return cmp.Compare(a.Device, b.Device) })
	return odd
}

// Choice is a conflict that somebody settled.
type Choice struct {
	Subject string // the item's code, or what the register is called
	By      string // the name, as the check's members have it
	At      inspection.Instant
}

// Choices are the conflicts between two devices that were settled on a check, in the order
// in which that was done.
func (v View) Choices() []Choice {
	var list []Choice
	for _, op := range v.Operations {
		if op.Type != OpChoose {
			continue
		}
		c := Choice{Subject: op.about().Register, At: op.At()}
		for _, it := range v.Rules.Items {
			if one, ok := v.State.done[op.about().Operation]; ok && one.about().Item == it.Key {
				c.Subject = it.Code
			}
		}
		for _, m := range v.Members {
			if m.PersonID == op.AuthorID {
				c.By = m.Name
			}
		}
		list = append(list, c)
	}
	return list
}
