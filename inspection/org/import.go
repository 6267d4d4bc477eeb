package org

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"regexp"
	"slices"
	"strings"

	"congvu/inspection"
	"congvu/inspection/tablein"

	"gorm.io/gorm"
)

// Report says what an import found and did. Bad lists every line that stops it;
// LeftOut the cells that say "to be confirmed" and were left out.
type Report struct {
	Added, Changed, Same int
	Organisations        int // of Added, in a register; as Desks and Posts
	Desks, Posts         int
	Bad                  []tablein.Problem
	LeftOut              []LeftOut
	Applied              bool
}

// LeftOut is a cell, or with no column a row, that is not a fact yet.
type LeftOut struct {
	File   string
	Line   int
	Column string
}

// UnitsTemplate and LineageTemplate are examples for ImportUnits: two communes of a
// province, of which one went into the other.
const (
	UnitsTemplate = "\ufeffkey,name,unit_type,parent_key,valid_from,valid_to,note\r\n" +
		"vn,Việt Nam,COUNTRY,,,,\r\n" +
		"vn/tinh-mau,Tỉnh Mẫu,PROVINCE,vn,,,\r\n" +
		"vn/tinh-mau/mau-07-cu,Mẫu 07 (cũ),COMMUNE,vn/tinh-mau,,2025-06-30,\r\n" +
		"vn/tinh-mau/mau-07,Mẫu 07,COMMUNE,vn/tinh-mau,2025-07-01,,\r\n"
	LineageTemplate = "\ufeffpredecessor_key,portion,successor_key,relation,legal_act,effective_date\r\n" +
		"vn/tinh-mau/mau-07-cu,WHOLE,vn/tinh-mau/mau-07,MERGED_INTO,Số nghị quyết,2025-07-01\r\n"
)

// unitFact and lineFact are what the checks look at: what the database holds,
// overlaid by what the files say. Line 0 means that the files do not name it.
type unitFact struct {
	key, name, parent, note string
	kind                    UnitType
	from, to                inspection.Date
	line                    int
	stored                  *Unit
}

type lineFact struct {
	predecessor, successor, act string
	relation                    Relation
	portion                     Portion
	date                        inspection.Date
	line                        int
	stored                      *UnitLineage
}

var unitKey = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9]+(-[a-z0-9]+)*)*$`)

// importer carries one import of units and lineage.
type importer struct {
	unitsFile, lineageFile string
	units                  map[string]*unitFact
	lines                  map[string]*lineFact
	report                 Report
}

func (im *importer) bad(file string, line int, key string, params ...any) {
	im.report.Bad = append(im.report.Bad, tablein.Problem{File: file, Line: line, Key: key, Params: inspection.E("", key, params...).Params})
}

// ImportUnits reads administrative units and their lineage together, each as CSV or XLSX, matches rows
// by key, adds what is new and changes what differs; what the files do not name is
// left alone, and the same files a second time change nothing. Every bad row is in
// the report, and then nothing is changed. With dryRun nothing is changed at all.
// Administrators may. Codes: unauthenticated, forbidden, invalid (with the report).
func (s *Service) ImportUnits(ctx context.Context, actor inspection.Actor, unitsCSV, lineageCSV io.Reader, dryRun bool) (Report, error) {
	hash := sha256.New()
	im := &importer{unitsFile: "units.csv", lineageFile: "lineage.csv", units: map[string]*unitFact{}, lines: map[string]*lineFact{}}
	unitRows, bad := tablein.Read(im.unitsFile, io.TeeReader(unitsCSV, hash), []string{"key", "name", "unit_type", "parent_key", "valid_from", "valid_to"}, []string{"note"})
	im.report.Bad = append(im.report.Bad, bad...)
	lineRows, bad := tablein.Read(im.lineageFile, io.TeeReader(lineageCSV, hash), []string{"predecessor_key", "portion", "successor_key", "relation", "legal_act", "effective_date"}, nil)
	im.report.Bad = append(im.report.Bad, bad...)
	err := s.administer(ctx, actor, func(tx *gorm.DB, act Act) error {
		if err := im.load(tx); err != nil {
			return err
		}
		im.readUnits(unitRows)
		im.readLines(lineRows)
		im.checkUnits()
		im.checkLines()
		im.count()
		if len(im.report.Bad) > 0 {
			im.report.Bad = lineRows.Name(unitRows.Name(im.report.Bad))
			im.sort()
			return inspection.E(inspection.Invalid, "org.error.import_bad_rows", "count", len(im.report.Bad))
		}
		if dryRun || im.report.Added+im.report.Changed == 0 {
			return nil
		}
		if err := im.write(tx); err != nil {
			return err
		}
		im.report.Applied = true
		return act.record(tx, "org.units.import", "import", inspection.NewID(), map[string]any{"added": im.report.Added,
			"changed": im.report.Changed, "same": im.report.Same, "sha256": hex.EncodeToString(hash.Sum(nil))})
	})
	return im.report, err
}

// load reads what the database holds.
func (im *importer) load(tx *gorm.DB) error {
	var units []Unit
	if err := tx.Find(&units).Error; err != nil {
		return err
	}
	keys := map[string]string{}
	for _, u := range units {
		keys[u.ID] = u.Key
	}
	for _, u := range units {
		f := &unitFact{key: u.Key, name: u.Name, note: u.Note, kind: u.Type, from: u.ValidFrom, to: u.ValidTo, stored: &u}
		f.parent = keys[deref(u.ParentID)]
		im.units[u.Key] = f
	}
	var lines []UnitLineage
	if err := tx.Find(&lines).Error; err != nil {
		return err
	}
	for _, l := range lines {
		f := &lineFact{predecessor: keys[l.PredecessorID], successor: keys[deref(l.SuccessorID)], act: l.LegalAct,
			relation: l.Relation, portion: l.Portion, date: l.EffectiveDate, stored: &l}
		im.lines[f.id()] = f
	}
	return nil
}

func (f *lineFact) id() string {
	return f.predecessor + "\x00" + f.successor + "\x00" + string(f.date)
}

// date reads a date cell; what is wrong with it is a problem.
func (im *importer) date(file string, r tablein.Row, column string) inspection.Date {
	d, err := inspection.ParseDate(r.Get(column))
	if err != nil {
		im.bad(file, r.Line, "org.error.date", "column", column, "value", r.Get(column))
	}
	return d
}

func (im *importer) leftOut(file string, r tablein.Row, columns ...string) {
	for _, c := range r.LeftOut(columns...) {
		im.report.LeftOut = append(im.report.LeftOut, LeftOut{file, r.Line, c})
	}
}

func (im *importer) readUnits(t tablein.Table) {
	for _, r := range t.Rows {
		im.leftOut(t.File, r, "name", "unit_type", "parent_key", "valid_from", "valid_to")
		// A remark may well say what is still to be confirmed; it is kept as it stands.
		f := &unitFact{key: r.Get("key"), name: r.Get("name"), kind: UnitType(r.Get("unit_type")), parent: r.Get("parent_key"),
			note: r.Raw("note"), from: im.date(t.File, r, "valid_from"), to: im.date(t.File, r, "valid_to"), line: r.Line}
		if !unitKey.MatchString(f.key) || len(f.key) > 200 {
			im.bad(t.File, r.Line, "org.error.unit_key", "key", f.key)
			continue
		}
		if f.name == "" || len([]rune(f.name)) > 200 {
			im.bad(t.File, r.Line, "org.error.name")
		}
		if !slices.Contains(UnitTypes, f.kind) {
			im.bad(t.File, r.Line, "org.error.unit_type", "value", string(f.kind))
		}
		if f.from != "" && f.to != "" && f.to < f.from {
			im.bad(t.File, r.Line, "org.error.dates_reversed")
		}
		old := im.units[f.key]
		if old != nil {
			f.stored = old.stored
		}
		if old != nil && old.line > 0 {
			if !old.same(f) {
				im.bad(t.File, r.Line, "org.error.key_twice", "key", f.key, "line", old.line)
			}
			continue
		}
		im.units[f.key] = f
	}
}

func (f *unitFact) same(g *unitFact) bool {
	return f.name == g.name && f.kind == g.kind && f.parent == g.parent && f.from == g.from && f.to == g.to && f.note == g.note
}

func (im *importer) readLines(t tablein.Table) {
	for _, r := range t.Rows {
		im.leftOut(t.File, r, "predecessor_key", "portion", "successor_key", "relation", "legal_act", "effective_date")
		f := &lineFact{predecessor: r.Get("predecessor_key"), successor: r.Get("successor_key"), act: r.Get("legal_act"),
			relation: Relation(r.Get("relation")), portion: Portion(r.Get("portion")), date: im.date(t.File, r, "effective_date"), line: r.Line}
		old := im.lines[f.id()]
		if old != nil {
			f.stored = old.stored
		}
		if old != nil && old.line > 0 {
			if old.relation != f.relation || old.portion != f.portion || old.act != f.act {
				im.bad(t.File, r.Line, "org.error.lineage_twice", "line", old.line)
			}
			continue
		}
		im.lines[f.id()] = f
	}
}

// checkUnits looks at every unit whose row or whose parent's row is in the file.
func (im *importer) checkUnits() {
	for _, u := range im.units {
		line := u.line
		p := im.units[u.parent]
		if line == 0 && p != nil {
			line = p.line // a parent's new dates may leave a child of the database out
		}
		if line == 0 {
			continue
		}
		switch {
		case u.parent == "" && u.kind != "COUNTRY":
			im.bad(im.unitsFile, line, "org.error.parent_missing")
			continue
		case u.parent == "":
			continue
		case p == nil:
			im.bad(im.unitsFile, line, "org.error.parent_unknown", "key", u.parent)
			continue
		case im.circular(u):
			im.bad(im.unitsFile, line, "org.error.cycle", "key", u.key)
			continue
		}
		from, to := im.period(p)
		if from != "" && (u.from != "" && u.from < from || u.to != "" && u.to < from) ||
			to != "" && (u.to != "" && u.to > to || u.from != "" && u.from > to) {
			im.bad(im.unitsFile, line, "org.error.parent_not_there", "key", u.key, "parent", p.key, "from", from.VN(), "to", to.VN())
		}
	}
}

func (im *importer) circular(u *unitFact) bool {
	seen := map[string]bool{}
	for ; u != nil; u = im.units[u.parent] {
		if seen[u.key] {
			return true
		}
		seen[u.key] = true
	}
	return false
}

// period is when a unit existed: its own borders, an open one bounded by its
// ancestors.
func (im *importer) period(u *unitFact) (from, to inspection.Date) {
	seen := map[string]bool{}
	for ; u != nil && !seen[u.key]; u = im.units[u.parent] {
		seen[u.key] = true
		if u.from > from {
			from = u.from
		}
		if u.to != "" && (to == "" || u.to < to) {
			to = u.to
		}
	}
	return from, to
}

// checkLines looks at every lineage row of the file, and at those of the database
// whose units the file names.
func (im *importer) checkLines() {
	byPredecessor := map[string][]*lineFact{}
	for _, l := range im.lines {
		byPredecessor[l.predecessor+"\x00"+string(l.date)] = append(byPredecessor[l.predecessor+"\x00"+string(l.date)], l)
	}
	for _, l := range im.lines {
		p, s := im.units[l.predecessor], im.units[l.successor]
		file, line := im.lineageFile, l.line
		if line == 0 {
			file = im.unitsFile
			if p != nil && p.line > 0 {
				line = p.line
			} else if s != nil {
				line = s.line
			}
		}
		if line == 0 {
			continue
		}
		if want, ok := portionOf[l.relation]; !ok {
			im.bad(file, line, "org.error.relation", "value", string(l.relation))
		} else if want != l.portion {
			im.bad(file, line, "org.error.portion")
		}
		if l.date == "" {
			im.bad(file, line, "org.error.effective_date")
			continue
		}
		if p == nil {
			im.bad(file, line, "org.error.predecessor_unknown", "key", l.predecessor)
		} else if from, to := im.period(p); !l.date.AddDays(-1).Within(from, to) {
			im.bad(file, line, "org.error.predecessor_not_there", "key", l.predecessor, "date", l.date.AddDays(-1).VN())
		}
		switch {
		case l.successor == "" && l.relation != Dissolved, l.successor != "" && l.relation == Dissolved:
			im.bad(file, line, "org.error.successor_missing")
		case l.successor == "":
		case s == nil:
			im.bad(file, line, "org.error.successor_unknown", "key", l.successor)
		case l.successor == l.predecessor:
			im.bad(file, line, "org.error.successor_self", "key", l.successor)
		default:
			if from, to := im.period(s); !l.date.Within(from, to) {
				im.bad(file, line, "org.error.successor_not_there", "key", l.successor, "date", l.date.VN())
			}
		}
		if l.portion == Whole && l.line > 0 && len(byPredecessor[l.predecessor+"\x00"+string(l.date)]) > 1 {
			im.bad(file, line, "org.error.whole_twice", "key", l.predecessor)
		}
	}
}

func (im *importer) sort() {
	slices.SortStableFunc(im.report.Bad, func(a, b tablein.Problem) int {
		if a.File != b.File {
			return -strings.Compare(a.File, b.File) // units.csv first
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return strings.Compare(a.Key, b.Key)
	})
}

func (f *unitFact) state(parentKey string) (added, changed bool) {
	if f.stored == nil {
		return true, false
	}
	u := f.stored
	return false, u.Name != f.name || u.Type != f.kind || parentKey != f.parent || u.ValidFrom != f.from || u.ValidTo != f.to || u.Note != f.note
}

func (im *importer) count() {
	tally := func(added, changed bool) {
		switch {
		case added:
			im.report.Added++
		case changed:
			im.report.Changed++
		default:
			im.report.Same++
		}
	}
	keys := map[string]string{}
	for _, f := range im.units {
		if f.stored != nil {
			keys[f.stored.ID] = f.key
		}
	}
	for _, f := range im.units {
		if f.line > 0 {
			parent := ""
			if f.stored != nil {
				parent = keys[deref(f.stored.ParentID)]
			}
			tally(f.state(parent))
		}
	}
	for _, l := range im.lines {
		if l.line > 0 {
			tally(l.stored == nil, l.stored != nil && (l.stored.Relation != l.relation || l.stored.Portion != l.portion || l.stored.LegalAct != l.act))
		}
	}
}

// write stores what the files name, parents before children.
func (im *importer) write(tx *gorm.DB) error {
	ids := map[string]string{}
	var store func(f *unitFact) error
	store = func(f *unitFact) error {
		if _, done := ids[f.key]; done {
			return nil
		}
		var parent *string
		if f.parent != "" {
			if err := store(im.units[f.parent]); err != nil {
				return err
			}
			id := ids[f.parent]
			parent = &id
		}
		if f.stored == nil {
			u := Unit{ID: inspection.NewID(), Key: f.key, Name: f.name, Type: f.kind, ParentID: parent, ValidFrom: f.from, ValidTo: f.to,
				Note: f.note, Search: inspection.Fold(f.name), Version: 1}
			ids[f.key] = u.ID
			return tx.Create(&u).Error
		}
		ids[f.key] = f.stored.ID
		if _, changed := f.state(f.parent); f.line == 0 || !changed && deref(f.stored.ParentID) == deref(parent) {
			return nil
		}
		res := tx.Model(&Unit{}).Where("id = ? AND version = ?", f.stored.ID, f.stored.Version).Updates(map[string]any{
			"name": f.name, "unit_type": f.kind, "parent_id": parent, "valid_from": f.from, "valid_to": f.to, "note": f.note,
			"search": inspection.Fold(f.name), "version": f.stored.Version + 1})
		if res.Error == nil && res.RowsAffected == 0 {
			return inspection.E(inspection.Conflict, "org.error.changed_meanwhile")
		}
		return res.Error
	}
	for _, f := range im.units {
		if err := store(f); err != nil {
			return err
		}
	}
	for _, l := range im.lines {
		if l.line == 0 {
			continue
		}
		if l.stored != nil {
			err := tx.Model(&UnitLineage{}).Where("id = ?", l.stored.ID).
				Updates(map[string]any{"relation": l.relation, "portion": l.portion, "legal_act": l.act}).Error
			if err != nil {
				return err
			}
			continue
		}
		row := UnitLineage{ID: inspection.NewID(), PredecessorID: ids[l.predecessor], Relation: l.relation, Portion: l.portion,
			LegalAct: l.act, EffectiveDate: l.date}
		if l.successor != "" {
			id := ids[l.successor]
			row.SuccessorID = &id
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
	}
	return nil
}
