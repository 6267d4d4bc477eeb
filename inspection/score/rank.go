package score

import (
	"math/big"
	"slices"
	"strings"

	"congvu/inspection"
)

// Cohort is what may be ranked together: one kind of organisation, one version of
// the checklist, one period (domain §5.2 rule 6).
type Cohort struct {
	Kind    string
	Version string
	Period  string
}

// Standing is one score among others.
type Standing struct {
	ID     string
	Cohort Cohort
	Total  Points
	Rated  bool
}

// Ranked is a standing with its place; Rank 0 means not ranked. Of is how many of
// the cohort are ranked.
type Ranked struct {
	Standing
	Rank, Of int
}

// Rank gives places inside each cohort by competition ranking (1, 2, 2, 4). Equal
// scores share a place; the order among them is by id and means nothing.
func Rank(in []Standing) []Ranked {
	out := make([]Ranked, len(in))
	for i, s := range in {
		out[i].Standing = s
	}
	slices.SortFunc(out, func(a, b Ranked) int {
		if c := strings.Compare(a.Cohort.Kind+"\x00"+a.Cohort.Version+"\x00"+a.Cohort.Period,
			b.Cohort.Kind+"\x00"+b.Cohort.Version+"\x00"+b.Cohort.Period); c != 0 {
			return c
		}
		switch {
		case a.Rated != b.Rated && a.Rated:
			return -1
		case a.Rated != b.Rated:
			return 1
		case a.Rated && a.Total > b.Total:
			return -1
		case a.Rated && a.Total < b.Total:
			return 1
		}
		return strings.Compare(a.ID, b.ID)
	})
	for from := 0; from < len(out); {
		to := from
		for to < len(out) && out[to].Cohort == out[from].Cohort && out[to].Rated {
			to++
		}
		for i := from; i < to; i++ {
			out[i].Rank, out[i].Of = i-from+1, to-from
			if i > from && out[i].Total == out[i-1].Total {
				out[i].Rank = out[i-1].Rank
			}
		}
		for to < len(out) && out[to].Cohort == out[from].Cohort {
			to++
		}
		from = to
	}
	return out
}

// Remedy is what the on-time share needs of one finding.
type Remedy struct {
	Due         inspection.Date // the extended one if an extension was granted
	HandedIn    inspection.Date // the submission that was accepted, or waits for review
	Accepted    bool
	InReview    bool
	FixedOnSite bool
}

// Remediation is the on-time share of domain §5.2 rule 7 over the findings that
// fell due in [from, to]. On time: the accepted submission was handed in on or
// before the due date, or the fault was fixed on site. Closed without remedy and
// not accepted is late. A submission that was in time and still waits for review is
// left out: days of review never run against the unit.
func Remediation(fs []Remedy, from, to inspection.Date) Share {
	var s Share
	for _, f := range fs {
		if f.Due == "" || !f.Due.Within(from, to) {
			continue
		}
		inTime := f.HandedIn != "" && f.HandedIn <= f.Due
		switch {
		case f.FixedOnSite, f.Accepted && inTime:
			s.Part++
			s.Of++
		case f.InReview && inTime:
		default:
			s.Of++
		}
	}
	return s
}

// Percent is a share times 100 in hundredths of a percent; false where nothing was
// counted.
func (s Share) Percent() (Points, bool) {
	if s.Of <= 0 {
		return 0, false
	}
	return Round(big.NewRat(100*s.Part, s.Of)), true
}

// Compliance is the chair's index: 0.7 of the score and 0.3 of the remediation
// index. Where no finding fell due it is the score alone.
func Compliance(total Points, remedied Share) Points {
	if remedied.Of <= 0 {
		return total
	}
	x := big.NewRat(7*int64(total), 1000)
	return Round(x.Add(x, big.NewRat(30*remedied.Part, remedied.Of)))
}
