package selfcheck

import (
	"math/big"
	"slices"

	"congvu/inspection/plan"
	"congvu/inspection/score"

	"gorm.io/gorm"
)

// notFull are the forms of checks that look at less than all, or that no team makes
// (domain §7.1).
var notFull = []plan.Form{plan.Reinspection, "SELF", plan.Remote}

var one = big.NewRat(1, 1)

// percentOf is a share of one in hundredths of a per cent.
func percentOf(r *big.Rat) score.Points {
	return score.Round(new(big.Rat).Mul(r, big.NewRat(100, 1)))
}

// Mark is what one side says of an item: R of 0 to 1 (domain §5.2 rule 1), nil where it
// does not apply. Weight is that of the checklist that this side used.
type Mark struct {
	Key, Code, Section string
	Weight             int
	R                  *big.Rat
}

// GapLine is one item: what the unit said, what the check found, in hundredths of a per
// cent of full marks, and the difference, above zero where the unit said more.
type GapLine struct {
	Key, Code, Section string
	Weight             int
	Said, Found, Diff  score.Points
	said, found        *big.Rat
}

// GapSum is the same over several items, numerators and denominators added up.
type GapSum struct {
	Section           string
	Weight, N         int
	Said, Found, Diff score.Points
}

// Gap is how far apart what a unit says of itself and what the check found are. Lines
// are the items that both have marks for; Left are the codes of those that only the check
// has: not asked in a self-inspection, or not applicable on one side.
type Gap struct {
	Whole    GapSum
	Sections []GapSum
	Lines    []GapLine
	Left     []string
}

// Compare compares the two by the identity of the items, each weighed as the check
// weighed it. A difference is that of the two rounded figures, so that a reader can do the
// sum.
func Compare(said, found []Mark) Gap {
	var g Gap
	bySection := map[string][]GapLine{}
	for _, f := range found {
		i := slices.IndexFunc(said, func(s Mark) bool { return s.Key == f.Key })
		if i < 0 || said[i].R == nil || f.R == nil {
			g.Left = append(g.Left, f.Code)
			continue
		}
		l := GapLine{Key: f.Key, Code: f.Code, Section: f.Section, Weight: f.Weight, Said: percentOf(said[i].R), Found: percentOf(f.R), said: said[i].R, found: f.R}
		l.Diff = l.Said - l.Found
		g.Lines = append(g.Lines, l)
		if _, ok := bySection[f.Section]; !ok {
			g.Sections = append(g.Sections, GapSum{Section: f.Section})
		}
		bySection[f.Section] = append(bySection[f.Section], l)
	}
	for i := range g.Sections {
		g.Sections[i] = sum(g.Sections[i].Section, bySection[g.Sections[i].Section])
	}
	g.Whole = sum("", g.Lines)
	return g
}

func sum(section string, lines []GapLine) GapSum {
	s := GapSum{Section: section, N: len(lines)}
	said, found := new(big.Rat), new(big.Rat)
	for _, l := range lines {
		w := big.NewRat(int64(l.Weight), 1)
		s.Weight += l.Weight
		said.Add(said, new(big.Rat).Mul(l.said, w))
		found.Add(found, new(big.Rat).Mul(l.found, w))
	}
	if s.Weight > 0 {
		by := big.NewRat(100, int64(s.Weight))
		s.Said, s.Found = score.Round(said.Mul(said, by)), score.Round(found.Mul(found, by))
		s.Diff = s.Said - s.Found
	}
	return s
}

// marks are what a self-inspection says.
func (p paper) marks() (out []Mark) {
	for _, l := range p.result().Items {
		out = append(out, Mark{Key: l.Key, Code: l.Code, Section: l.Section, Weight: l.Weight, R: l.R})
	}
	return out
}

// marksOf are what a check found, as its newest score was frozen.
func marksOf(tx *gorm.DB, check string) ([]Mark, error) {
	var rows []struct {
		ItemKey, ItemCode, Section string
		Weight                     int
		Applicable                 bool
		Numerator, Denominator     string
	}
	err := tx.Table("score_lines").Select("score_lines.item_key, score_lines.item_code, score_lines.section, score_lines.weight, score_lines.applicable, score_lines.numerator, score_lines.denominator").
		Where("score_id = (SELECT id FROM scores WHERE visit_id = ? ORDER BY revision DESC LIMIT 1)", check).Order("item_code").Find(&rows).Error
	out := make([]Mark, 0, len(rows))
	for _, r := range rows {
		m := Mark{Key: r.ItemKey, Code: r.ItemCode, Section: r.Section, Weight: r.Weight}
		if x, ok := new(big.Rat).SetString(r.Numerator + "/" + r.Denominator); ok && r.Applicable {
			m.R = x
		}
		out = append(out, m)
	}
	return out, err
}

func gapOf(tx *gorm.DB, p paper, check string) (*Gap, error) {
	found, err := marksOf(tx, check)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	g := Compare(p.marks(), found)
	if g.Whole.N == 0 {
		return nil, nil
	}
	return &g, nil
}
