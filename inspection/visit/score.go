package visit

import (
	"context"
	"errors"
	"math/big"

	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/inspection/score"

	"gorm.io/gorm"
)

// Frozen is a score as it was frozen, to be explained line by line. Figures are
// hundredths of a point.
type Frozen struct {
	Revision   int64
	Rated      bool
	Raw        int64
	Deductions int64
	Cap        int64
	Total      int64
	Grade      string
	NAWeight   int64
	FrozenAt   inspection.Instant
	Lines      []FrozenLine
	Sections   []FrozenSection
	Deducted   []FrozenDeduction
}

// FrozenLine is what one item earned.
type FrozenLine struct {
	Key, Code, Section, Text string
	Weight                   int64
	Applicable               bool
	Share                    int64 // of full marks, in hundredths of a per cent
	Earned                   int64 // hundredths of a point
	Corrected                bool
}

// FrozenSection is the sum of a section, numerators and denominators added up.
type FrozenSection struct {
	Code, Name string
	Earned     int64
	Weight     int64
	Share      int64 // hundredths of a per cent; -1 where nothing applied
	exact      *big.Rat
}

// FrozenDeduction is one deduction or cap with its reason and the finding behind it.
type FrozenDeduction struct {
	Reason  string
	Finding string
	Points  int64
}

// Score is the newest frozen score of a check, for who may read the check. Before
// the conclusion there is none; a check of another form has none at all. Code:
// not_found.
func (s *Service) Score(ctx context.Context, actor inspection.Actor, id string) (View, *Frozen, error) {
	view, err := s.Get(ctx, actor, id)
	if err != nil {
		return view, nil, err
	}
	tx := s.db.WithContext(ctx)
	var row scoreRow
	err = tx.Where("visit_id = ?", id).Order("revision DESC").Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return view, nil, nil
	}
	if err != nil {
		return view, nil, err
	}
	f := &Frozen{Revision: row.Revision, Rated: row.Rated, Raw: row.Raw, Deductions: row.Deductions, Cap: row.Cap, Total: row.Total,
		Grade: row.Grade, NAWeight: row.NAWeight, FrozenAt: row.FrozenAt}
	var lines []scoreLine
	if err := tx.Where("score_id = ?", row.ID).Order("item_code").Find(&lines).Error; err != nil {
		return view, nil, err
	}
	for _, l := range lines {
		f.add(l, view)
	}
	var deductions []scoreDeduction
	if err := tx.Where("score_id = ?", row.ID).Order("line").Find(&deductions).Error; err != nil {
		return view, nil, err
	}
	for _, d := range deductions {
		f.Deducted = append(f.Deducted, FrozenDeduction{d.Reason, d.Detail, d.Points})
	}
	return view, f, nil
}

func (f *Frozen) add(l scoreLine, view View) {
	it, _ := view.Item(l.ItemKey)
	line := FrozenLine{Key: l.ItemKey, Code: l.ItemCode, Section: l.Section, Text: it.TextVI, Weight: l.Weight, Applicable: l.Applicable,
		Corrected: view.State.Answers[l.ItemKey].Original != nil}
	if len(f.Sections) == 0 || f.Sections[len(f.Sections)-1].Code != l.Section {
		f.Sections = append(f.Sections, FrozenSection{Code: l.Section, Name: it.SectionVI, Share: -1, exact: new(big.Rat)})
	}
	section := &f.Sections[len(f.Sections)-1]
	if r, ok := new(big.Rat).SetString(l.Numerator + "/" + l.Denominator); ok && l.Applicable {
		line.Share = int64(score.Round(new(big.Rat).Mul(r, big.NewRat(100, 1))))
		earned := new(big.Rat).Mul(r, big.NewRat(l.Weight, 1))
		line.Earned = int64(score.Round(earned))
		section.exact.Add(section.exact, earned)
		section.Earned = int64(score.Round(section.exact))
		section.Weight += l.Weight
		section.Share = int64(score.Round(new(big.Rat).Mul(section.exact, big.NewRat(100, section.Weight))))
	}
	f.Lines = append(f.Lines, line)
}

// Register gives a document of a check its number, in one transaction with the
// entry in the register: per issuer (the organisation, or a team with its own seal),
// type and year. The team's lead, deputy or secretary registers minutes and report,
// the person who issued the decision the notice of conclusion. Codes: invalid,
// not_found, forbidden, conflict (registered before, or not yet due).
func (s *Service) Register(ctx context.Context, actor inspection.Actor, id string, kind Kind) (Document, error) {
	var d Document
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		w, err := s.open(tx, actor, id)
		if err != nil {
			return err
		}
		d, err = w.register(kind)
		return err
	})
	return d, err
}

var dueFor = map[Kind]struct {
	action org.Action
	phases []Phase
}{
	MinutesDoc:    {org.FinishVisit, []Phase{Drafting, Cannot, MinutesOK, MinutesNoSig, Reported, Concluded}},
	ReportDoc:     {org.ReportVisit, []Phase{Reported, Concluded}},
	ConclusionDoc: {org.ConcludeVisit, []Phase{Concluded}},
}
