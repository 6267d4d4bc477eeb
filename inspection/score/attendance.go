package score

import "congvu/inspection"

// Row is one person of the attendance table: no name, only what is counted.
type Row struct {
	Required   bool
	Present    bool
	Arrived    *inspection.Minute // when the person came, if after the opening; nil: was there
	Reason     Reason             // of an absence
	Documented bool               // a paper proves the reason
	Badge      bool               // of those present
	Dress      bool
}

// Reason of an absence (domain §2.3, attendance table).
type Reason string

// The reasons. UNKNOWN and none make an absence unexcused.
const (
	Leave        Reason = "LEAVE"
	Mission      Reason = "MISSION"
	Meeting      Reason = "MEETING"
	Study        Reason = "STUDY"
	Sick         Reason = "SICK"
	Maternity    Reason = "MATERNITY"
	Compensation Reason = "COMPENSATION"
	Other        Reason = "OTHER"
	Unknown      Reason = "UNKNOWN"
)

// Reasons lists every reason.
var Reasons = []Reason{Leave, Mission, Meeting, Study, Sick, Maternity, Compensation, Other, Unknown}

// Attendance is the head of the attendance table. Required, Present, Late and the
// absences count those who had to be there; Seen, Badge and Dress everyone who was.
type Attendance struct {
	Staff        int // rows in all
	Required     int
	Present      int
	Late         int
	Excused      int
	Unexcused    int
	Documented   int // absences proved by a paper
	Seen         int
	Badge        int
	Dress        int
	OutsideHours bool // the count was made outside the unit's working hours
}

// Absent is how many of those required were missing.
func (a Attendance) Absent() int { return a.Excused + a.Unexcused }

// Summarise judges a head count made at a time against the unit's working hours of
// that day. Late is who came after the session of the count had opened. Outside
// every session nobody has to be there: nobody is required, late or absent.
func Summarise(at inspection.Minute, hours []inspection.Session, rows []Row) Attendance {
	a := Attendance{Staff: len(rows), OutsideHours: true}
	var session inspection.Session
	for _, s := range hours {
		if at >= s.Open && at <= s.Close {
			session, a.OutsideHours = s, false
		}
	}
	for _, r := range rows {
		if r.Present {
			a.Seen++
			if r.Badge {
				a.Badge++
			}
			if r.Dress {
				a.Dress++
			}
		}
		if !r.Required || a.OutsideHours {
			continue
		}
		a.Required++
		switch {
		case r.Present:
			a.Present++
			if r.Arrived != nil && *r.Arrived > session.Open {
				a.Late++
			}
		case r.Reason == "" || r.Reason == Unknown:
			a.Unexcused++
		default:
			a.Excused++
			if r.Documented {
				a.Documented++
			}
		}
	}
	return a
}
