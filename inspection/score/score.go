package score

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// Points are hundredths of a point: 8093 is 80.93.
type Points int64

// String is the figure with a decimal point and two decimals; pages and documents
// format it themselves with a decimal comma.
func (p Points) String() string {
	sign := ""
	if p < 0 {
		sign, p = "-", -p
	}
	return fmt.Sprintf("%s%d.%02d", sign, p/100, p%100)
}

// Round is an exact figure in hundredths, half up (domain §5.2 rule 5).
func Round(x *big.Rat) Points {
	n := new(big.Int).Mul(x.Num(), big.NewInt(200))
	n.Add(n, x.Denom())
	d := new(big.Int).Mul(x.Denom(), big.NewInt(2))
	q, m := new(big.Int).DivMod(n, d, new(big.Int))
	_ = m // Euclidean division: the floor for a positive divisor
	return Points(q.Int64())
}

// Response is how an item is answered.
type Response string

// The responses of a checklist item.
const (
	YN    Response = "YN"
	RATE3 Response = "RATE3"
	CNT   Response = "CNT"
	SMP   Response = "SMP"
	ATT   Response = "ATT"
	AUTO  Response = "AUTO"
)

// Source tells who answers an item: a person, the attendance table, or the program.
type Source string

// The sources of an answer.
const (
	FromAnswer     Source = "ANSWER"
	FromAttendance Source = "ATTENDANCE"
	FromRecord     Source = "AUTO"
)

// Value is the answer to one item.
type Value string

// The values of an answer. COUNT goes with Compliant and Of; NA is "không áp dụng",
// with a reason that stands elsewhere.
const (
	Yes   Value = "YES"
	No    Value = "NO"
	Good  Value = "GOOD"
	Fair3 Value = "FAIR"
	Poor  Value = "POOR"
	Count Value = "COUNT"
	NA    Value = "NA"
)

// Severity of a finding; the internal scale of domain §7.2.
type Severity string

// The severities.
const (
	Minor    Severity = "MINOR"
	Moderate Severity = "MODERATE"
	Major    Severity = "MAJOR"
	Critical Severity = "CRITICAL"
)

// Item is one item of the checklist version that the check used. Target and
// ZeroAt are shares in ten-thousandths (9900 is 99 %): the full mark stands at
// Target, none at ZeroAt, linear between. Target 0 means 100 %.
type Item struct {
	Key     string
	Code    string
	Section string
	Response
	Source  Source
	Weight  int
	Target  int
	ZeroAt  int
	Applies bool // false: the checklist does not ask this kind of organisation
}

// Answer is the answer to one item as it counts now, corrections applied.
type Answer struct {
	Value         Value
	Compliant, Of int64 // for COUNT: how many comply, of how many
}

// Share is a count of a total; Of 0 means that there is nothing to count.
type Share struct{ Part, Of int64 }

// Finding is what the arithmetic needs of one finding.
type Finding struct {
	ID          string
	Severity    Severity
	Confirmed   bool
	FixedOnSite bool
	Earlier     bool // raised by an earlier check of this unit or a whole predecessor
	OverdueDays int  // working days past due at the conclusion, 0 when not overdue
	Repeat      bool // the same item failed again less than 12 months after it was closed
}

// Input is all that a score depends on.
type Input struct {
	Items       []Item
	Answers     map[string]Answer // by item key
	Attendance  *Attendance       // nil: the head count has not been made
	Remedied    Share             // H03: earlier findings on time, of those that fell due
	Findings    []Finding
	Obstruction bool // obstruction or forged evidence, established by the conclusion
}

// State of a result.
type State string

// The states of a result.
const (
	Rated      State = "RATED"
	Unrated    State = "UNRATED"    // more than 30 of 100 points of weight not applicable
	Incomplete State = "INCOMPLETE" // an item is unanswered
)

// Grade of a rated score.
type Grade string

// The grades of domain §5.2 rule 5.
const (
	Excellent Grade = "EXCELLENT"
	GradeGood Grade = "GOOD"
	GradeFair Grade = "FAIR"
	Average   Grade = "AVERAGE"
	Weak      Grade = "WEAK"
)

// GradeOf is the grade of a rounded score: 90, 80, 70 and 50 are the borders.
func GradeOf(p Points) Grade {
	switch {
	case p >= 9000:
		return Excellent
	case p >= 8000:
		return GradeGood
	case p >= 7000:
		return GradeFair
	case p >= 5000:
		return Average
	}
	return Weak
}

// ItemLine explains one item: R of 0 to 1 times Weight is Earned. An item that is
// not applicable has NA set and no R.
type ItemLine struct {
	Key, Code, Section string
	Weight             int
	NA                 bool
	Missing            bool
	Compliant, Of      int64 // where the answer is a count
	R                  *big.Rat
	Earned             *big.Rat
}

// SectionLine adds up the items of one section. Earned of Weight; the figures of
// several checks are added before they are divided.
type SectionLine struct {
	Section  string
	Earned   *big.Rat
	Weight   int
	NAWeight int
}

// Percent is the section's share of its applicable weight, in hundredths of a
// percent; false where nothing applied.
func (s SectionLine) Percent() (Points, bool) {
	if s.Weight == 0 {
		return 0, false
	}
	return Round(hundredTimes(s.Earned, int64(s.Weight))), true
}

// DeductionKind says why points are taken off.
type DeductionKind string

// The deductions of domain §5.2 rule 3.
const (
	ForRepeat      DeductionKind = "REPEAT"
	ForOverdue     DeductionKind = "OVERDUE"
	ForObstruction DeductionKind = "OBSTRUCTION"
)

// Deduction is one line of what is taken off. Days is the working days overdue.
type Deduction struct {
	Kind    DeductionKind
	Finding string
	Days    int
	Points  Points // as computed
	Counted Points // what is left of it within the limit of its kind and of all
}

// CapReason says why a score is limited.
type CapReason string

// The caps of domain §5.2 rule 4.
const (
	NoCap         CapReason = ""
	CapCritical   CapReason = "CRITICAL"
	CapTwoOverdue CapReason = "TWO_MAJOR_OVERDUE"
)

// Limits of domain §5.2.
const (
	repeatPoints, repeatMax          Points = 200, 600
	overduePoints, overdueMax        Points = 100, 600
	overdueStep                             = 5
	obstructionPoints, deductionsMax Points = 1000, 1500
	criticalCap, twoOverdueCap       Points = 4999, 6999
	naLimit                                 = 30
)

// Result explains a score line by line: Raw less Deducted, at most Cap, is Total.
type Result struct {
	State      State
	Items      []ItemLine
	Sections   []SectionLine
	Missing    []string // codes of the items without an answer
	Earned     *big.Rat // Σ w·r
	Weight     int      // Σ w of the applicable items
	NAWeight   int
	Raw        Points
	Deductions []Deduction
	Deducted   Points
	Cap        Points // 10000 where none applies
	CapReason  CapReason
	CapBy      []string // the findings that bring the cap
	Total      Points
	Grade      Grade // empty unless RATED
}

// Compute is the score of a check (domain §5.2 rules 1 to 5).
func Compute(in Input) Result {
	out := Result{State: Rated, Earned: new(big.Rat), Cap: 10000}
	at := map[string]int{}
	applying := 0
	for _, it := range in.Items {
		if !it.Applies {
			continue
		}
		applying += it.Weight
		i, ok := at[it.Section]
		if !ok {
			i = len(out.Sections)
			at[it.Section] = i
			out.Sections = append(out.Sections, SectionLine{Section: it.Section, Earned: new(big.Rat)})
		}
		line := itemLine(in, it)
		sec := &out.Sections[i]
		switch {
		case line.Missing:
			out.Missing = append(out.Missing, it.Code)
		case line.NA:
			out.NAWeight += it.Weight
			sec.NAWeight += it.Weight
		default:
			out.Weight += it.Weight
			sec.Weight += it.Weight
			out.Earned.Add(out.Earned, line.Earned)
			sec.Earned.Add(sec.Earned, line.Earned)
		}
		out.Items = append(out.Items, line)
	}
	out.deduct(in)
	out.limit(in.Findings)
	if out.Weight > 0 {
		out.Raw = Round(hundredTimes(out.Earned, int64(out.Weight)))
	}
	out.Total = min(max(out.Raw-out.Deducted, 0), out.Cap)
	switch {
	case len(out.Missing) > 0:
		out.State = Incomplete
	case out.NAWeight*100 > naLimit*applying || out.Weight == 0:
		out.State = Unrated
	default:
		out.Grade = GradeOf(out.Total)
	}
	return out
}

func hundredTimes(x *big.Rat, of int64) *big.Rat {
	return new(big.Rat).Mul(x, big.NewRat(100, of))
}

func itemLine(in Input, it Item) ItemLine {
	line := ItemLine{Key: it.Key, Code: it.Code, Section: it.Section, Weight: it.Weight}
	r := mark(in, it, &line)
	if r != nil {
		line.R = r
		line.Earned = new(big.Rat).Mul(r, big.NewRat(int64(it.Weight), 1))
	}
	return line
}

// mark is r of domain §5.2 rule 1, nil for an item that is missing or not applicable.
func mark(in Input, it Item, line *ItemLine) *big.Rat {
	switch it.Source {
	case FromAttendance:
		if in.Attendance == nil {
			line.Missing = true
			return nil
		}
		return attendanceMark(*in.Attendance, it, line)
	case FromRecord:
		if in.Remedied.Of <= 0 {
			line.NA = true
			return nil
		}
		line.Compliant, line.Of = in.Remedied.Part, in.Remedied.Of
		return it.linear(line)
	}
	a, ok := in.Answers[it.Key]
	if !ok {
		line.Missing = true
		return nil
	}
	switch {
	case a.Value == NA:
		line.NA = true
	case a.Value == Yes && it.Response == YN, a.Value == Good && it.Response == RATE3:
		return big.NewRat(1, 1)
	case a.Value == No && it.Response == YN, a.Value == Poor && it.Response == RATE3:
		return new(big.Rat)
	case a.Value == Fair3 && it.Response == RATE3:
		return big.NewRat(1, 2)
	case a.Value == Count && (it.Response == CNT || it.Response == SMP):
		if a.Of <= 0 { // nothing there to count
			line.NA = true
			return nil
		}
		line.Compliant, line.Of = min(max(a.Compliant, 0), a.Of), a.Of
		return it.linear(line)
	default: // an answer of another type of item is none
		line.Missing = true
	}
	return nil
}

// The items that the attendance table answers, by their identity.
const (
	KeyOnTime      = "A01"
	KeyDocumented  = "A02"
	KeyNoUnexcused = "A03"
	KeyBadge       = "B01"
	KeyDress       = "B02"
	KeyRemedied    = "H03"
)

func attendanceMark(t Attendance, it Item, line *ItemLine) *big.Rat {
	switch it.Key {
	case KeyOnTime:
		if t.Required == 0 {
			line.NA = true
			return nil
		}
		line.Compliant, line.Of = int64(t.Required-t.Unexcused-t.Late), int64(t.Required)
		lost := big.NewRat(int64(4*t.Unexcused+t.Late), int64(4*t.Required))
		r := new(big.Rat).Sub(big.NewRat(1, 1), lost)
		if r.Sign() < 0 {
			r.SetInt64(0)
		}
		return r
	case KeyDocumented:
		line.Compliant, line.Of = int64(t.Documented), int64(t.Absent())
	case KeyNoUnexcused:
		line.Compliant, line.Of = int64(t.Required-t.Unexcused), int64(t.Required)
	case KeyBadge:
		line.Compliant, line.Of = int64(t.Badge), int64(t.Seen)
	case KeyDress:
		line.Compliant, line.Of = int64(t.Dress), int64(t.Seen)
	default:
		line.Missing = true
		return nil
	}
	if line.Of == 0 {
		line.NA = true
		return nil
	}
	return it.linear(line)
}

// linear is the share complied with on the line from ZeroAt (0) to Target (1).
func (it Item) linear(line *ItemLine) *big.Rat {
	target, zero := int64(it.Target), int64(it.ZeroAt)
	if target <= 0 {
		target = 10000
	}
	if zero < 0 || zero >= target {
		zero = 0
	}
	r := new(big.Rat).Sub(big.NewRat(line.Compliant, line.Of), big.NewRat(zero, 10000))
	r.Mul(r, big.NewRat(10000, target-zero))
	if r.Sign() < 0 {
		return new(big.Rat)
	}
	if one := big.NewRat(1, 1); r.Cmp(one) > 0 {
		return one
	}
	return r
}

// deduct lists what is taken off, in the order of the findings' ids, so that the
// limits always fall on the same lines.
func (out *Result) deduct(in Input) {
	fs := slices.Clone(in.Findings)
	slices.SortFunc(fs, func(a, b Finding) int { return strings.Compare(a.ID, b.ID) })
	left := map[DeductionKind]Points{ForRepeat: repeatMax, ForOverdue: overdueMax, ForObstruction: obstructionPoints}
	all := deductionsMax
	take := func(d Deduction) {
		d.Counted = min(d.Points, left[d.Kind], all)
		left[d.Kind] -= d.Counted
		all -= d.Counted
		out.Deducted += d.Counted
		out.Deductions = append(out.Deductions, d)
	}
	if in.Obstruction {
		take(Deduction{Kind: ForObstruction, Points: obstructionPoints})
	}
	for _, f := range fs {
		if f.Confirmed && f.Repeat && !f.Earlier {
			take(Deduction{Kind: ForRepeat, Finding: f.ID, Points: repeatPoints})
		}
	}
	for _, f := range fs {
		if f.Confirmed && f.OverdueDays > 0 {
			steps := Points((f.OverdueDays + overdueStep - 1) / overdueStep)
			take(Deduction{Kind: ForOverdue, Finding: f.ID, Days: f.OverdueDays, Points: steps * overduePoints})
		}
	}
}

// limit finds the cap: a CRITICAL finding of this check, or two MAJOR ones overdue.
// Only confirmed findings count, and none that was fixed on site.
func (out *Result) limit(fs []Finding) {
	var critical, overdue []string
	for _, f := range fs {
		if !f.Confirmed || f.FixedOnSite {
			continue
		}
		if f.Severity == Critical && !f.Earlier {
			critical = append(critical, f.ID)
		}
		if f.Severity == Major && f.OverdueDays > 0 {
			overdue = append(overdue, f.ID)
		}
	}
	switch {
	case len(critical) > 0:
		out.Cap, out.CapReason, out.CapBy = criticalCap, CapCritical, critical
	case len(overdue) >= 2:
		out.Cap, out.CapReason, out.CapBy = twoOverdueCap, CapTwoOverdue, overdue
	}
	slices.Sort(out.CapBy)
}
