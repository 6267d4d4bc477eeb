package score

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"congvu/inspection"
)

func item(key string, r Response, w int) Item {
	return Item{Key: key, Code: key, Section: key[:1], Response: r, Source: FromAnswer, Weight: w, Applies: true}
}

// The worked example of domain §5.2: 78.50 of 97, one repeat, six working days late.
func TestWorkedExample(t *testing.T) {
	in := Input{
		Items: []Item{
			{Key: KeyDocumented, Code: "A02", Section: "A", Response: ATT, Source: FromAttendance, Weight: 3, Applies: true},
			item("C01", YN, 78), item("C02", YN, 18), item("F02", RATE3, 1),
		},
		Attendance: &Attendance{Required: 5, Present: 5, Seen: 5},
		Answers:    map[string]Answer{"C01": {Value: Yes}, "C02": {Value: No}, "F02": {Value: Fair3}},
		Findings: []Finding{
			{ID: "r", Severity: Minor, Confirmed: true, Repeat: true},
			{ID: "o", Severity: Moderate, Confirmed: true, Earlier: true, OverdueDays: 6},
		},
	}
	got := Compute(in)
	if got.Earned.Cmp(big.NewRat(157, 2)) != 0 || got.Weight != 97 || got.NAWeight != 3 {
		t.Fatalf("earned %v of %d, not applicable %d", got.Earned, got.Weight, got.NAWeight)
	}
	if got.Raw != 8093 || got.Deducted != 400 || got.Total != 7693 || got.Grade != GradeFair || got.State != Rated {
		t.Fatalf("raw %v deducted %v total %v %s %s", got.Raw, got.Deducted, got.Total, got.Grade, got.State)
	}
	if got.Total.String() != "76.93" {
		t.Fatal(got.Total)
	}
}

func TestMarks(t *testing.T) {
	d03 := item("D03", CNT, 5)
	d03.Target, d03.ZeroAt = 9900, 9000
	eighty := item("X", SMP, 1)
	eighty.Target = 8000
	for _, c := range []struct {
		name string
		it   Item
		a    Answer
		want *big.Rat
	}{
		{"yes", item("Y", YN, 1), Answer{Value: Yes}, big.NewRat(1, 1)},
		{"no", item("Y", YN, 1), Answer{Value: No}, new(big.Rat)},
		{"good", item("Y", RATE3, 1), Answer{Value: Good}, big.NewRat(1, 1)},
		{"fair", item("Y", RATE3, 1), Answer{Value: Fair3}, big.NewRat(1, 2)},
		{"poor", item("Y", RATE3, 1), Answer{Value: Poor}, new(big.Rat)},
		{"count", item("Y", CNT, 1), Answer{Value: Count, Compliant: 2, Of: 3}, big.NewRat(2, 3)},
		{"more than all", item("Y", CNT, 1), Answer{Value: Count, Compliant: 4, Of: 3}, big.NewRat(1, 1)},
		{"nothing to count", item("Y", CNT, 1), Answer{Value: Count}, nil},
		{"not applicable", item("Y", YN, 1), Answer{Value: NA}, nil},
		{"another type of answer", item("Y", YN, 1), Answer{Value: Good}, nil},
		{"target 80", eighty, Answer{Value: Count, Compliant: 4, Of: 10}, big.NewRat(1, 2)},
		{"above target", eighty, Answer{Value: Count, Compliant: 9, Of: 10}, big.NewRat(1, 1)},
		{"D03 at 99 %", d03, Answer{Value: Count, Compliant: 99, Of: 100}, big.NewRat(1, 1)},
		{"D03 at 90 %", d03, Answer{Value: Count, Compliant: 90, Of: 100}, new(big.Rat)},
		{"D03 below", d03, Answer{Value: Count, Compliant: 1, Of: 100}, new(big.Rat)},
		{"D03 between", d03, Answer{Value: Count, Compliant: 96, Of: 100}, big.NewRat(2, 3)},
		{"D03 of 28,000 with 280 late", d03, Answer{Value: Count, Compliant: 27720, Of: 28000}, big.NewRat(1, 1)},
	} {
		got := Compute(Input{Items: []Item{c.it}, Answers: map[string]Answer{c.it.Key: c.a}}).Items[0]
		switch {
		case c.want == nil && got.R == nil:
		case c.want == nil || got.R == nil || got.R.Cmp(c.want) != 0:
			t.Errorf("%s: %v, want %v", c.name, got.R, c.want)
		}
	}
}

func attendanceItem(key string) Item {
	return Item{Key: key, Code: key, Section: "A", Response: ATT, Source: FromAttendance, Weight: 6, Target: 10000, Applies: true}
}

func TestAttendanceMarks(t *testing.T) {
	// 24 of 81 present at 11:25: all others without reason but 5, of which 4 with a paper.
	a := Attendance{Required: 81, Present: 24, Late: 4, Excused: 5, Unexcused: 52, Documented: 4, Seen: 24, Badge: 18, Dress: 24}
	for key, want := range map[string]*big.Rat{
		KeyOnTime: big.NewRat(81*4-52*4-4, 81*4), KeyDocumented: big.NewRat(4, 57), KeyNoUnexcused: big.NewRat(29, 81),
		KeyBadge: big.NewRat(3, 4), KeyDress: big.NewRat(1, 1),
	} {
		got := Compute(Input{Items: []Item{attendanceItem(key)}, Attendance: &a}).Items[0]
		if got.R == nil || got.R.Cmp(want) != 0 {
			t.Errorf("%s: %v, want %v", key, got.R, want)
		}
	}
	full := Attendance{Required: 5, Present: 5, Seen: 5, Badge: 5, Dress: 5}
	if got := Compute(Input{Items: []Item{attendanceItem(KeyDocumented)}, Attendance: &full}).Items[0]; !got.NA {
		t.Error("nobody absent: documents do not apply")
	}
	if got := Compute(Input{Items: []Item{attendanceItem(KeyOnTime)}}); got.State != Incomplete || got.Grade != "" {
		t.Error("without a head count the result is incomplete", got.State)
	}
	none := Attendance{}
	for _, key := range []string{KeyOnTime, KeyDocumented, KeyNoUnexcused, KeyBadge, KeyDress} {
		if got := Compute(Input{Items: []Item{attendanceItem(key)}, Attendance: &none}).Items[0]; !got.NA {
			t.Errorf("%s with nobody required", key)
		}
	}
}

func TestRemediedItem(t *testing.T) {
	it := Item{Key: KeyRemedied, Code: "H03", Section: "H", Response: AUTO, Source: FromRecord, Weight: 3, Applies: true}
	if got := Compute(Input{Items: []Item{it}}).Items[0]; !got.NA {
		t.Error("no earlier finding fell due: not applicable")
	}
	got := Compute(Input{Items: []Item{it}, Remedied: Share{3, 4}}).Items[0]
	if got.R.Cmp(big.NewRat(3, 4)) != 0 {
		t.Error(got.R)
	}
}

func TestGradeBorders(t *testing.T) {
	for _, c := range []struct {
		x    string
		want Grade
		as   Points
	}{
		{"89.995", Excellent, 9000}, {"89.9949999", GradeGood, 8999}, {"80", GradeGood, 8000}, {"79.995", GradeGood, 8000},
		{"79.994", GradeFair, 7999}, {"70", GradeFair, 7000}, {"69.99", Average, 6999}, {"50", Average, 5000},
		{"49.995", Average, 5000}, {"49.99", Weak, 4999}, {"0", Weak, 0}, {"100", Excellent, 10000},
	} {
		x, _ := new(big.Rat).SetString(c.x)
		if p := Round(x); p != c.as || GradeOf(p) != c.want {
			t.Errorf("%s: %v %s", c.x, p, GradeOf(p))
		}
	}
}

func TestUnrated(t *testing.T) {
	in := Input{Items: []Item{item("A1", YN, 69), item("B1", YN, 31)}, Answers: map[string]Answer{"A1": {Value: Yes}, "B1": {Value: NA}}}
	if got := Compute(in); got.State != Unrated || got.Grade != "" {
		t.Fatalf("31 points not applicable: %s %s", got.State, got.Grade)
	}
	in.Items[0].Weight, in.Items[1].Weight = 70, 30
	if got := Compute(in); got.State != Rated || got.Total != 10000 {
		t.Fatalf("30 points not applicable: %s %v", got.State, got.Total)
	}
	in.Items[1].Applies = false
	if got := Compute(in); got.NAWeight != 0 || len(got.Items) != 1 {
		t.Fatal("an item that does not apply to the kind is not asked")
	}
	if got := Compute(Input{}); got.State != Unrated {
		t.Fatal("nothing was checked:", got.State)
	}
}

func TestDeductionsAndCaps(t *testing.T) {
	one := []Item{item("A1", YN, 100)}
	yes := map[string]Answer{"A1": {Value: Yes}}
	conf := func(id string, s Severity) Finding { return Finding{ID: id, Severity: s, Confirmed: true} }
	rep := func(id string) Finding { f := conf(id, Minor); f.Repeat = true; return f }
	late := func(id string, s Severity, d int) Finding {
		f := conf(id, s)
		f.Earlier, f.OverdueDays = true, d
		return f
	}
	fixed := conf("x", Critical)
	fixed.FixedOnSite = true
	unconfirmed := Finding{ID: "u", Severity: Critical, Repeat: true, OverdueDays: 9}
	earlier := conf("e", Critical)
	earlier.Earlier = true
	for _, c := range []struct {
		name   string
		fs     []Finding
		obs    bool
		ded    Points
		total  Points
		reason CapReason
	}{
		{"none", nil, false, 0, 10000, NoCap},
		{"one repeat", []Finding{rep("a")}, false, 200, 9800, NoCap},
		{"four repeats", []Finding{rep("a"), rep("b"), rep("c"), rep("d")}, false, 600, 9400, NoCap},
		{"overdue 1 day", []Finding{late("a", Minor, 1)}, false, 100, 9900, NoCap},
		{"overdue 5 days", []Finding{late("a", Minor, 5)}, false, 100, 9900, NoCap},
		{"overdue 6 days", []Finding{late("a", Minor, 6)}, false, 200, 9800, NoCap},
		{"overdue 100 days", []Finding{late("a", Minor, 100)}, false, 600, 9400, NoCap},
		{"obstruction", nil, true, 1000, 9000, NoCap},
		{"all at once", []Finding{rep("a"), rep("b"), rep("c"), late("d", Minor, 90)}, true, 1500, 8500, NoCap},
		{"critical", []Finding{conf("a", Critical)}, false, 0, 4999, CapCritical},
		{"critical fixed on site", []Finding{fixed}, false, 0, 10000, NoCap},
		{"critical unconfirmed", []Finding{unconfirmed}, false, 0, 10000, NoCap},
		{"critical of an earlier check", []Finding{earlier}, false, 0, 10000, NoCap},
		{"one major overdue", []Finding{late("a", Major, 1)}, false, 100, 9900, NoCap},
		{"two major overdue", []Finding{late("a", Major, 1), late("b", Major, 1)}, false, 200, 6999, CapTwoOverdue},
	} {
		got := Compute(Input{Items: one, Answers: yes, Findings: c.fs, Obstruction: c.obs})
		if got.Deducted != c.ded || got.Total != c.total || got.CapReason != c.reason {
			t.Errorf("%s: deducted %v total %v cap %q", c.name, got.Deducted, got.Total, got.CapReason)
		}
		var sum Points
		for _, d := range got.Deductions {
			sum += d.Counted
		}
		if sum != got.Deducted {
			t.Errorf("%s: lines add up to %v of %v", c.name, sum, got.Deducted)
		}
	}
}

// Whatever is answered, the score stays in bounds, its lines add up, and a better
// answer never lowers it.
func TestProperties(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	values := map[Response][]Value{YN: {No, Yes}, RATE3: {Poor, Fair3, Good}}
	for range 2000 {
		in := Input{Answers: map[string]Answer{}, Remedied: Share{int64(rnd.IntN(4)), 4}, Obstruction: rnd.IntN(9) == 0}
		for i := range 3 + rnd.IntN(12) {
			it := item(fmt.Sprintf("%c%02d", 'A'+rnd.IntN(4), i), []Response{YN, RATE3, CNT, SMP}[rnd.IntN(4)], 1+rnd.IntN(9))
			it.Target, it.ZeroAt = []int{0, 10000, 9900, 8000}[rnd.IntN(4)], []int{0, 5000}[rnd.IntN(2)]
			in.Items = append(in.Items, it)
			a := Answer{Value: NA}
			switch {
			case rnd.IntN(8) == 0:
			case it.Response == YN || it.Response == RATE3:
				v := values[it.Response]
				a.Value = v[rnd.IntN(len(v))]
			default:
				of := int64(1 + rnd.IntN(40))
				a = Answer{Value: Count, Of: of, Compliant: rnd.Int64N(of + 1)}
			}
			in.Answers[it.Key] = a
		}
		for i := range rnd.IntN(5) {
			in.Findings = append(in.Findings, Finding{ID: fmt.Sprint(i), Severity: []Severity{Minor, Moderate, Major, Critical}[rnd.IntN(4)],
				Confirmed: rnd.IntN(2) == 0, FixedOnSite: rnd.IntN(3) == 0, Earlier: rnd.IntN(2) == 0, OverdueDays: rnd.IntN(30), Repeat: rnd.IntN(2) == 0})
		}
		got := Compute(in)
		if got.Total < 0 || got.Total > got.Cap || got.Raw > 10000 || got.Raw < 0 || got.Deducted > 1500 || got.Total > got.Raw {
			t.Fatalf("out of bounds: %+v", got)
		}
		earned, weight := new(big.Rat), 0
		for _, s := range got.Sections {
			earned.Add(earned, s.Earned)
			weight += s.Weight
		}
		if earned.Cmp(got.Earned) != 0 || weight != got.Weight {
			t.Fatal("sections do not add up")
		}
		better := in.Items[rnd.IntN(len(in.Items))]
		a := in.Answers[better.Key]
		switch {
		case a.Value == No:
			a.Value = Yes
		case a.Value == Poor:
			a.Value = Fair3
		case a.Value == Fair3:
			a.Value = Good
		case a.Value == Count && a.Compliant < a.Of:
			a.Compliant++
		default:
			continue
		}
		in.Answers[better.Key] = a
		if after := Compute(in); after.Total < got.Total || after.Raw < got.Raw {
			t.Fatalf("a better answer to %s lowered %v to %v", better.Key, got.Total, after.Total)
		}
	}
}

func minute(s string) inspection.Minute {
	m, err := inspection.ParseMinute(s)
	if err != nil {
		panic(err)
	}
	return m
}

func TestSummarise(t *testing.T) {
	hours := []inspection.Session{{Open: minute("07:00"), Close: minute("11:30")}, {Open: minute("13:30"), Close: minute("17:00")}}
	early, late, noon := minute("06:55"), minute("07:10"), minute("13:31")
	rows := []Row{
		{Required: true, Present: true, Arrived: &early, Badge: true, Dress: true},
		{Required: true, Present: true, Arrived: &late, Dress: true},
		{Required: true, Present: true, Badge: true, Dress: true},
		{Required: true, Reason: Leave, Documented: true},
		{Required: true, Reason: Unknown, Documented: true},
		{Required: false, Present: true, Badge: true},
	}
	got := Summarise(minute("07:15"), hours, rows)
	want := Attendance{Staff: 6, Required: 5, Present: 3, Late: 1, Excused: 1, Unexcused: 1, Documented: 1, Seen: 4, Badge: 3, Dress: 3}
	if got != want {
		t.Fatalf("%+v", got)
	}
	if got := Summarise(minute("12:00"), hours, rows); !got.OutsideHours || got.Required != 0 || got.Seen != 4 {
		t.Fatalf("at noon nobody has to be there: %+v", got)
	}
	if got := Summarise(minute("06:59"), hours, rows); !got.OutsideHours {
		t.Fatal("before opening")
	}
	rows[0].Arrived = &noon
	if got := Summarise(minute("16:30"), hours, rows); got.Late != 1 {
		t.Fatalf("late in the afternoon session: %+v", got)
	}
	if got := Summarise(minute("08:00"), nil, rows); !got.OutsideHours {
		t.Fatal("a day off")
	}
}

func TestRank(t *testing.T) {
	c, d := Cohort{"SERVICE_CENTER_COMMUNE", "v1", "2026"}, Cohort{"SERVICE_CENTER_COMMUNE", "v2", "2026"}
	in := []Standing{
		{"a", c, 9000, true}, {"b", c, 8500, true}, {"c", c, 8500, true}, {"d", c, 7000, true}, {"e", c, 9900, false},
		{"f", d, 100, true},
	}
	got := map[string]int{}
	for _, r := range Rank(in) {
		got[r.ID] = r.Rank
		if r.Cohort == c && r.Rated && r.Of != 4 {
			t.Errorf("%s is one of %d", r.ID, r.Of)
		}
	}
	for id, want := range map[string]int{"a": 1, "b": 2, "c": 2, "d": 4, "e": 0, "f": 1} {
		if got[id] != want {
			t.Errorf("%s has rank %d, want %d", id, got[id], want)
		}
	}
}

func TestRemediation(t *testing.T) {
	const due = inspection.Date("2026-03-10")
	fs := []Remedy{
		{Due: due, HandedIn: due, Accepted: true},
		{Due: due, HandedIn: "2026-03-11", Accepted: true},
		{Due: due, FixedOnSite: true},
		{Due: due},                                                  // not handed in
		{Due: due, HandedIn: "2026-03-09", InReview: true},          // waits: left out
		{Due: due, HandedIn: "2026-03-11", InReview: true},          // late already
		{Due: due, HandedIn: "2026-03-09"},                          // closed without remedy
		{Due: "2026-04-01", HandedIn: "2026-03-01", Accepted: true}, // not yet due
		{HandedIn: "2026-03-01", Accepted: true},                    // no due date
	}
	got := Remediation(fs, "", "2026-03-31")
	if got != (Share{2, 6}) {
		t.Fatalf("%+v", got)
	}
	if p, ok := got.Percent(); !ok || p != 3333 {
		t.Fatal(p)
	}
	if p, _ := (Share{49, 53}).Percent(); p != 9245 {
		t.Fatal("49 of 53 tasks:", p)
	}
	if _, ok := (Share{}).Percent(); ok {
		t.Fatal("nothing due has no percentage")
	}
	if got := Compliance(7693, Share{1, 2}); got != 6885 { // 53.851 + 15
		t.Fatal(got)
	}
	if Compliance(7693, Share{}) != 7693 {
		t.Fatal("without due findings the index is the score")
	}
}
