package evidence

import (
	"congvu/inspection"

	"gorm.io/gorm"
)

// Side is on which side of a check somebody stands.
type Side string

// The sides. Files come from the first two; Office is whoever else may look: the
// decision maker, the chair and those who work for them.
const (
	Team   Side = "TEAM"
	Unit   Side = "UNIT"
	Office Side = "OFFICE"
)

// Sight is how much of a file somebody may see.
type Sight int

// The sights, each with what stands before it.
const (
	SeeNothing    Sight = iota // the file does not exist for them
	SeeShared                  // the copy confirmed for sharing, or a placeholder
	SeeAll                     // original, preview and thumbnail of what is not restricted
	SeeRestricted              // of what is restricted too, with a reason
)

// Facts are what Rights needs to know of a file.
type Facts struct {
	Visit        string
	Team         string // as the visit was when the file was declared
	Organisation string // the inspected one
	Side         Side   // who sent it
	Mine         bool   // the asking person declared it
	Told         bool   // it hangs on something that the unit is told of: the check itself, a finding, step, explanation or the minutes
}

// View is what Rights answers about somebody and a file.
type View struct {
	Sight    Sight
	Side     Side // where the person stands
	Lead     bool // leads the team
	Capacity inspection.Capacity
}

// Grant is the leave to add a file to a check, with the facts of the check.
type Grant struct {
	Side         Side // Team or Unit
	Team         string
	Organisation string
	Decision     string // number of the decision under which the file is taken
	Capacity     inspection.Capacity
	NoFiles      bool // people send none for it: what there is the program took itself
}

// Rights tells who somebody is to a check. Its methods run in the caller's
// transaction.
type Rights interface {
	// Add tells whether the actor may add a file to a check, hung on these subjects.
	// Code not_found for a check that does not exist for the actor or that takes no
	// file from them; conflict for one that takes none any more.
	Add(tx *gorm.DB, actor inspection.Actor, visit string, on []Subject) (Grant, error)

	// See tells how much of a file the actor may see. The zero View is no error. A file
	// that is Told is shown to more people; who sees it without that sees it as well.
	See(tx *gorm.DB, actor inspection.Actor, f Facts) (View, error)
}
