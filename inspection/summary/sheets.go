package summary

import (
	"math/big"
	"slices"
	"strconv"
	"sync"

	"congvu/inspection/score"

	"gorm.io/gorm"
)

// sheet is what the summary needs of a frozen score.
type sheet struct {
	rated    bool
	total    int64
	grade    string
	list     string // version of the checklist
	asked    []*itemOf
	short    []shortfall
	sections map[string]int64 // share of full marks by section, in hundredths of a per cent
}

// itemOf is an item of a version of a checklist.
type itemOf struct{ key, code, textVI, textEN, section, sectionVI, sectionEN string }

// shortfall is what an item lost: lost/of points, exactly.
type shortfall struct {
	item     *itemOf
	lost, of int64
}

// sheets keeps what was read of frozen scores and published versions of checklists:
// neither ever changes (the database refuses it), so that what one process remembers
// holds for all.
type sheets struct {
	mu    sync.Mutex
	by    map[string]*sheet             // by score
	items map[string]map[string]*itemOf // by version of the checklist and key
}

// manySheets is how many are kept, some 2 KB each; then it begins anew.
const manySheets = 20_000

// of puts their sheets into the checks that have a score.
func (s *sheets) of(tx *gorm.DB, checks []check) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil || len(s.by) > manySheets {
		s.by, s.items = map[string]*sheet{}, map[string]map[string]*itemOf{}
	}
	var missing []string
	for _, c := range checks {
		if c.ScoreID != nil && s.by[*c.ScoreID] == nil {
			missing = append(missing, *c.ScoreID)
		}
	}
	for ids := range slices.Chunk(missing, 500) {
		if err := s.read(tx, ids); err != nil {
			return err
		}
	}
	for i, c := range checks {
		if c.ScoreID != nil {
			checks[i].sheet = s.by[*c.ScoreID]
		}
	}
	return nil
}

func (s *sheets) know(tx *gorm.DB, version string) error {
	if s.items[version] != nil {
		return nil
	}
	var rows []struct{ ItemKey, Code, TextVI, TextEN, Section, SectionVI, SectionEN string }
	if err := tx.Table("checklist_items").Select("item_key, code, text_vi, text_en, section, section_vi, section_en").Where("checklist_id = ?", version).Find(&rows).Error; err != nil {
		return err
	}
	s.items[version] = map[string]*itemOf{}
	for _, r := range rows {
		s.items[version][r.ItemKey] = &itemOf{r.ItemKey, r.Code, r.TextVI, r.TextEN, r.Section, r.SectionVI, r.SectionEN}
	}
	return nil
}

// read reads scores that are not known yet, with their lines.
func (s *sheets) read(tx *gorm.DB, ids []string) error {
	var frozen []struct {
		ID, Grade, ChecklistID string
		Rated                  bool
		Total                  int64
	}
	if err := tx.Table("scores").Select("id, grade, checklist_id, rated, total").Where("id IN ?", ids).Find(&frozen).Error; err != nil {
		return err
	}
	type sum struct {
		earned *big.Rat
		weight int64
	}
	sections := map[string]map[string]*sum{}
	found := map[string]*sheet{}
	for _, f := range frozen {
		if err := s.know(tx, f.ChecklistID); err != nil {
			return err
		}
		found[f.ID], sections[f.ID] = &sheet{rated: f.Rated, total: f.Total, grade: f.Grade, list: f.ChecklistID, sections: map[string]int64{}}, map[string]*sum{}
	}
	rows, err := tx.Table("score_lines").Select("score_id, item_key, section, numerator, denominator, weight").
		Where("score_id IN ? AND applicable", ids).Order("score_id, item_code").Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, key, section, numerator, denominator string
		var weight int64
		if err := rows.Scan(&id, &key, &section, &numerator, &denominator, &weight); err != nil {
			return err
		}
		sheet := found[id]
		item := s.items[sheet.list][key]
		n, err1 := strconv.ParseInt(numerator, 10, 64)
		of, err2 := strconv.ParseInt(denominator, 10, 64)
		if item == nil || err1 != nil || err2 != nil || of <= 0 {
			continue
		}
		sheet.asked = append(sheet.asked, item)
		if n < of {
			sheet.short = append(sheet.short, shortfall{item, weight * (of - n), of})
		}
		by := sections[id][section]
		if by == nil {
			by = &sum{earned: new(big.Rat)}
			sections[id][section] = by
		}
		by.earned.Add(by.earned, big.NewRat(n*weight, of))
		by.weight += weight
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for id, by := range sections {
		for section, sum := range by {
			found[id].sections[section] = int64(score.Round(new(big.Rat).Mul(sum.earned, big.NewRat(100, sum.weight))))
		}
		s.by[id] = found[id]
	}
	return nil
}
