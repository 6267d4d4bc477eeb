package checklist

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/inspection/tablein"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

var ctx = context.Background()

var (
	admin  = inspection.Actor{Person: "00000000-0000-7000-8000-000000000001", Capacities: []inspection.Capacity{{Role: inspection.HomeAffairs}}}
	member = inspection.Actor{Person: "00000000-0000-7000-8000-000000000002", Capacities: []inspection.Capacity{{Role: inspection.Inspector}}}
	title  = Title{"cong-vu", "Danh mục kiểm tra công vụ", "Public-service inspection checklist"}
)

func service(db *gorm.DB) *Service {
	return New(db, inspection.NewManualClock(time.Date(2026, 3, 2, 8, 0, 0, 0, inspection.Zone)))
}

func seedFiles() Files {
	return Files{Seed("checklist.csv"), Seed("bases.csv"), Seed("guidance.csv")}
}

func text(r io.Reader) string {
	raw, _ := io.ReadAll(r)
	return string(raw)
}

func TestSeed(t *testing.T) {
	c := read(seedFiles())
	if len(c.report.Bad) > 0 || c.report.Items != 45 || c.report.Bases != 20 {
		t.Fatalf("%+v", c.report)
	}
	var sections []string
	sum := map[string]int64{}
	for _, it := range c.items {
		if !slices.Contains(sections, it.Section) {
			sections = append(sections, it.Section)
		}
		sum[it.Section] += it.Weight
		if it.GuidanceVI == "" || it.GuidanceEN == "" || len(it.Phrases) < 2 || it.TextEN == "" {
			t.Errorf("%s: guidance or phrases are missing", it.Code)
		}
		for _, p := range it.Phrases {
			if p.TextEN == "" {
				t.Errorf("%s: %q has no English", it.Code, p.TextVI)
			}
		}
		if (it.Response == "CNT") != (it.CountLabelVI != "") || (it.CountLabelVI != "") != (it.CountLabelEN != "") {
			t.Errorf("%s: count label %q %q", it.Code, it.CountLabelVI, it.CountLabelEN)
		}
		if !it.Applies(org.ServiceCenterCommune) {
			t.Errorf("%s does not apply", it.Code)
		}
	}
	// Domain §2.3: the weights of the sections.
	want := map[string]int64{"A": 20, "B": 14, "C": 14, "D": 22, "E": 10, "F": 8, "G": 6, "H": 6}
	for s, w := range want {
		if sum[s] != w {
			t.Errorf("section %s weighs %d, want %d", s, sum[s], w)
		}
	}
	if len(sections) != 8 {
		t.Error(sections)
	}
	at := func(code string) Item {
		return c.items[slices.IndexFunc(c.items, func(it Item) bool { return it.Code == code })]
	}
	if d := at("D03"); d.Target != 9900 || d.ZeroAt != 9000 {
		t.Errorf("D03: %d %d", d.Target, d.ZeroAt)
	}
	b := at("B01").Bases
	if len(b) != 3 || *b[0].BasisID != "L80" || b[0].Locator != "điểm a khoản 2 Điều 13" {
		t.Errorf("%+v", b)
	}
	if b := at("A06").Bases; b[1].BasisID != nil || b[1].Text != "Quyết định về giờ làm việc của địa phương" {
		t.Errorf("a basis without a record keeps its words: %+v", b)
	}
	if b := c.citations("NĐ 30/2020 art 5; TT 01/2021/TT-TTCP art 4"); *b[0].BasisID != "N30" || b[0].Locator != "art 5" || b[1].BasisID != nil {
		t.Errorf("%+v", b)
	}
}

func TestImportPublishAndNextVersion(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := service(db)
		if _, r, err := s.Import(ctx, admin, title, seedFiles(), true); err != nil || r.Applied || r.Items != 45 {
			t.Fatalf("dry run: %+v %v", r, err)
		}
		one, r, err := s.Import(ctx, admin, title, seedFiles(), false)
		if err != nil || !r.Applied || one.Number != 1 {
			t.Fatalf("%+v %v", r, err)
		}
		if again, r, err := s.Import(ctx, admin, title, seedFiles(), false); err != nil || !r.Unchanged || r.Applied || again.ID != one.ID {
			t.Fatalf("again: %+v %v", r, err)
		}
		if _, err := s.Get(ctx, member, one.ID); inspection.CodeOf(err) != inspection.NotFound {
			t.Error("a draft is not for everybody:", err)
		}
		if _, err := s.Current(ctx, member, title.Key); inspection.CodeOf(err) != inspection.NotFound {
			t.Error(err)
		}
		if err := s.Publish(ctx, member, one.ID, one.Version); inspection.CodeOf(err) != inspection.Forbidden {
			t.Error(err)
		}
		if err := s.Publish(ctx, admin, one.ID, one.Version+1); inspection.CodeOf(err) != inspection.Conflict {
			t.Error("another version than the one seen:", err)
		}
		if err := s.Publish(ctx, admin, one.ID, one.Version); err != nil {
			t.Fatal(err)
		}
		if err := s.Publish(ctx, admin, one.ID, one.Version+1); inspection.KeyOf(err) != "checklist.error.published" {
			t.Error(err)
		}
		v, err := s.Current(ctx, member, title.Key)
		if err != nil || v.ID != one.ID || len(v.Items) != 45 || v.Items[0].Code != "A01" || len(v.Items[0].Bases) != 4 || len(v.Items[0].Phrases) != 3 {
			t.Fatalf("%d items, %v", len(v.Items), err)
		}
		if got := v.Items[0].Bases[0].String(); got != "Luật 80/2025/QH15 khoản 2 Điều 7" {
			t.Error(got)
		}
		if b := v.Items[0].Bases[0].Basis; b.InForce("2025-06-30") || !b.InForce("2025-07-01") {
			t.Error("a basis is in force from its day on")
		}
		// The next version: another code and text, the same identity.
		files := seedFiles()
		files.Checklist = strings.NewReader(strings.Replace(text(files.Checklist), "A05,A05,", "A05,A15,", 1))
		two, r, err := s.Import(ctx, admin, title, files, false)
		if err != nil || !r.Applied || two.Number != 2 || two.ID == one.ID {
			t.Fatalf("%+v %+v %v", two, r, err)
		}
		files = seedFiles()
		files.Checklist = strings.NewReader(strings.Replace(text(files.Checklist), "A05,A05,", "A05,A25,", 1))
		draft, _, err := s.Import(ctx, admin, title, files, false)
		if err != nil || draft.ID != two.ID || draft.Version != two.Version+1 {
			t.Fatalf("a draft is replaced: %+v %v", draft, err)
		}
		w, err := s.Get(ctx, admin, two.ID)
		if err != nil || len(w.Items) != 45 || w.Items[4].Key != v.Items[4].Key || w.Items[4].Code != "A25" || v.Items[4].Code != "A05" {
			t.Fatalf("%+v %v", w.Items[4], err)
		}
		if list, err := s.List(ctx, member); err != nil || len(list) != 1 {
			t.Error(list, err)
		}
		if list, err := s.List(ctx, admin); err != nil || len(list) != 2 || list[0].Number != 2 {
			t.Error(list, err)
		}
		if current, err := s.Current(ctx, member, title.Key); err != nil || current.ID != one.ID {
			t.Error("the draft is not current:", err)
		}
	})
}

func TestPublishedNeverChanges(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := service(db)
		one, _, err := s.Import(ctx, admin, title, seedFiles(), false)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Publish(ctx, admin, one.ID, one.Version); err != nil {
			t.Fatal(err)
		}
		other, _, err := s.Import(ctx, admin, Title{"khac", "Danh mục khác", ""}, seedFiles(), false)
		if err != nil {
			t.Fatal(err)
		}
		attacks := []string{
			"UPDATE checklists SET title_vi = 'x' WHERE state = 'PUBLISHED'",
			"UPDATE checklists SET state = 'DRAFT' WHERE state = 'PUBLISHED'",
			"DELETE FROM checklists WHERE state = 'PUBLISHED'",
			"UPDATE checklist_items SET weight = 1 WHERE checklist_id = '" + one.ID + "'",
			"UPDATE checklist_items SET checklist_id = '" + other.ID + "', item_key = 'z', code = 'Z99' WHERE code = 'A01' AND checklist_id = '" + one.ID + "'",
			"UPDATE checklist_items SET checklist_id = '" + one.ID + "', item_key = 'z', code = 'Z99' WHERE code = 'A01' AND checklist_id = '" + other.ID + "'",
			"DELETE FROM checklist_items WHERE checklist_id = '" + one.ID + "'",
			"INSERT INTO checklist_items (id, checklist_id, position, item_key, code, section, section_vi, text_vi, response, source, photo, severity, weight) SELECT 'x', checklist_id, 99, 'z', 'Z99', section, section_vi, text_vi, response, source, photo, severity, weight FROM checklist_items WHERE checklist_id = '" + one.ID + "' AND code = 'A01'",
			"UPDATE item_bases SET citation = 'x' WHERE item_id IN (SELECT id FROM checklist_items WHERE checklist_id = '" + one.ID + "')",
			"DELETE FROM item_phrases WHERE item_id IN (SELECT id FROM checklist_items WHERE checklist_id = '" + one.ID + "')",
			"INSERT INTO item_phrases (item_id, position, text_vi) SELECT id, 9, 'x' FROM checklist_items WHERE checklist_id = '" + one.ID + "' AND code = 'A01'",
		}
		quiet := db.Session(&gorm.Session{Logger: logger.Discard})
		never := "a published checklist never changes"
		if db.Name() == "postgres" {
			for _, table := range []string{"checklists", "checklist_items", "item_phrases", "item_bases"} {
				if err := quiet.Exec("TRUNCATE " + table + " CASCADE").Error; err == nil || !strings.Contains(err.Error(), "append-only") {
					t.Errorf("TRUNCATE %s: %v", table, err)
				}
			}
		} else {
			attacks = append(attacks,
				"INSERT OR REPLACE INTO checklists (id, key, number, title_vi, created_at) VALUES ('"+one.ID+"', 'k', 9, 'x', 1)",
				"INSERT OR REPLACE INTO checklists (id, key, number, title_vi, created_at) VALUES ('new', 'cong-vu', 1, 'x', 1)",
				"INSERT OR REPLACE INTO item_phrases (item_id, position, text_vi) SELECT id, 1, 'x' FROM checklist_items WHERE checklist_id = '"+one.ID+"' AND code = 'A01'",
				"INSERT OR REPLACE INTO checklist_items (id, checklist_id, position, item_key, code, section, section_vi, text_vi, response, source, photo, severity, weight) SELECT id, '"+other.ID+"', 99, 'z', 'Z99', section, section_vi, text_vi, response, source, photo, severity, weight FROM checklist_items WHERE checklist_id = '"+one.ID+"' AND code = 'A01'")
		}
		for _, attack := range attacks {
			if err := quiet.Exec(attack).Error; err == nil || !strings.Contains(err.Error(), never) {
				t.Errorf("%s: %v", attack, err)
			}
		}
		if v, err := Load(db, one.ID); err != nil || len(v.Items) != 45 || v.TitleVI != title.VI {
			t.Fatal(err)
		}
		if err := db.Exec("UPDATE checklist_items SET guidance_vi = 'x' WHERE checklist_id = ?", other.ID).Error; err != nil {
			t.Error("a draft may change:", err)
		}
	})
}

func TestImportNamesEveryBadRow(t *testing.T) {
	db := dbtest.SQLite(t)
	s := service(db)
	list, bases := text(Seed("checklist.csv")), text(Seed("bases.csv"))
	lines := strings.Split(list, "\n")
	change := func(old, new string) string {
		if !strings.Contains(list, old) {
			t.Fatalf("%q is not there", old)
		}
		return strings.Replace(list, old, new, 1)
	}
	for _, c := range []struct {
		name, list, bases, key string
		file                   string
		line                   int
	}{
		{"weights", change("NONE,,,MODERATE,3", "NONE,,,MODERATE,4"), bases, "checklist.error.weights", checklistFile, 0},
		{"no weight", change("PEOPLE,MAJOR,6,", "PEOPLE,MAJOR,,"), bases, "checklist.error.weight", checklistFile, 2},
		{"half a weight", change("PEOPLE,MAJOR,6,", "PEOPLE,MAJOR,6.5,"), bases, "checklist.error.weight", checklistFile, 2},
		{"severity", change("PEOPLE,MAJOR,6,", "PEOPLE,HUGE,6,"), bases, "checklist.error.value", checklistFile, 2},
		{"response", change(",ATT,ATTENDANCE,ALWAYS", ",MAYBE,ATTENDANCE,ALWAYS"), bases, "checklist.error.value", checklistFile, 2},
		{"source", change(",AUTO,AUTO,NONE", ",AUTO,ANSWER,NONE"), bases, "checklist.error.source", checklistFile, 45},
		{"target", change("0.99,0.90", "0.90,0.99"), bases, "checklist.error.target", checklistFile, 23},
		{"target above all", change("0.99,0.90", "1.01,0.90"), bases, "checklist.error.target", checklistFile, 23},
		{"applies to nobody", change("QD188 (tuần làm việc 40 giờ),ATT,ATTENDANCE,ALWAYS,\"Ảnh toàn cảnh phòng, che mặt người\",PEOPLE,MAJOR,6,,,,,ALL", "QD188,ATT,ATTENDANCE,ALWAYS,x,PEOPLE,MAJOR,6,,,,,NOBODY"), bases, "checklist.error.value", checklistFile, 2},
		{"code twice", list + strings.Replace(lines[1], "A01,A01", "A99,A01", 1) + "\n", bases, "checklist.error.twice", checklistFile, 47},
		{"key twice", list + strings.Replace(lines[1], "A01,A01", "A01,A99", 1) + "\n", bases, "checklist.error.twice", checklistFile, 47},
		{"no basis", change("A02,A02,A", "A02,A02,A") + "x,H09,H,Trách nhiệm người đứng đầu,,Nội dung,,,YN,ANSWER,NONE,,,MINOR,1,,,,,ALL\n", bases, "checklist.error.no_basis", checklistFile, 47},
		{"section torn apart", list + strings.Replace(lines[1], "A01,A01", "A99,A99", 1) + "\n", bases, "checklist.error.section", checklistFile, 47},
		{"formula", change("Có bảng phân công", "=Có bảng phân công"), bases, "csv.error.formula", checklistFile, 6},
		{"basis replaced by none", list, strings.Replace(bases, ",L80,general", ",L99,general", 1), "checklist.error.basis_unknown", basesFile, 3},
		{"basis date", list, strings.Replace(bases, "2025-06-24", "2025-06-31", 1), "checklist.error.date", basesFile, 2},
		{"basis twice", list, bases + "L80,x,,y,,,,\n", "checklist.error.twice", basesFile, 22},
		{"encoding", list, bases + "X,\xe2m,,y,,,,\n", "csv.error.encoding", basesFile, 22},
	} {
		_, r, err := s.Import(ctx, admin, title, Files{strings.NewReader(c.list), strings.NewReader(c.bases), nil}, false)
		if inspection.CodeOf(err) != inspection.Invalid || !slices.ContainsFunc(r.Bad, func(b tablein.Problem) bool { return b.Key == c.key && b.File == c.file && b.Line == c.line }) || r.Applied {
			t.Errorf("%s: %v %+v", c.name, err, r.Bad)
		}
	}
	var n int64
	if db.Model(&Checklist{}).Count(&n); n != 0 {
		t.Fatal("something was written")
	}
	g := "key,guidance_vi\nA01,x\nZ01,y\nA01,z\n"
	_, r, _ := s.Import(ctx, admin, title, Files{Seed("checklist.csv"), Seed("bases.csv"), strings.NewReader(g)}, true)
	if len(r.Bad) != 2 || r.Bad[0].Line != 3 || r.Bad[1].Line != 4 {
		t.Errorf("%+v", r.Bad)
	}
	if _, _, err := s.Import(ctx, member, title, seedFiles(), true); inspection.CodeOf(err) != inspection.Forbidden {
		t.Error(err)
	}
	if _, _, err := s.Import(ctx, inspection.Actor{}, title, seedFiles(), true); inspection.CodeOf(err) != inspection.Unauthenticated {
		t.Error(err)
	}
}

// A text that is not yet confirmed keeps what is known and lists nothing twice; a
// changed register changes the record, the citation stays.
func TestRegisterOfTexts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := service(db)
		if _, _, err := s.Import(ctx, admin, title, seedFiles(), false); err != nil {
			t.Fatal(err)
		}
		basis := func(code string) (b Basis) { db.Where("code = ?", code).Take(&b); return b }
		if b := basis("LTL"); b.Confirmed || b.Note != "general knowledge" {
			t.Errorf("%+v", b)
		}
		if b := basis("N356"); !b.Confirmed || b.Date != "" {
			t.Errorf("%+v", b)
		}
		files := seedFiles()
		files.Bases = strings.NewReader(strings.Replace(text(files.Bases), "2018-12-27,,,yes", "2018-12-27,2027-01-31,,yes", 1))
		if _, r, err := s.Import(ctx, admin, title, files, false); err != nil || !r.Unchanged {
			t.Fatalf("%+v %v", r, err)
		}
		if b := basis("Q1847"); b.EffectiveTo != "2027-01-31" || b.Version != 2 {
			t.Errorf("%+v", b)
		}
	})
}
