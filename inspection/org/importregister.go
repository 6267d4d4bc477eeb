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

// RegisterTemplate is an empty sheet for ImportRegister: its headings and two posts of
// one desk as an example.
const RegisterTemplate = "\ufeffma_don_vi,ten,loai,don_vi_hanh_chinh,don_vi_cap_tren,tu_ngay,den_ngay,ma_quay,ten_quay,dia_chi,vi_tri,linh_vuc,bat_buoc\r\n" +
	"mau/07,Trung tâm Phục vụ hành chính công xã Mẫu 07,Trung tâm Phục vụ hành chính công cấp xã,xã Mẫu 07,,01/07/2025,,mau/07/quay-1,Bộ phận Một cửa xã Mẫu 07,Thôn 1,Công chức tiếp nhận,\"Hộ tịch, chứng thực\",x\r\n" +
	"mau/07,,,,,,,mau/07/quay-1,Bộ phận Một cửa xã Mẫu 07,,Công chức tiếp nhận,Đất đai,\r\n"

var (
	registerRequired = []string{"ma_don_vi", "ten", "loai", "don_vi_hanh_chinh"}
	registerOptional = []string{"don_vi_cap_tren", "tu_ngay", "den_ngay", "ma_quay", "ten_quay", "dia_chi", "vi_tri", "linh_vuc", "bat_buoc"}

	// registerHeads are the headings that people write for the columns.
	registerHeads = map[string]string{
		"ma don vi": "ma_don_vi", "ma": "ma_don_vi", "ma co quan": "ma_don_vi", "key": "ma_don_vi", "code": "ma_don_vi",
		"ten": "ten", "ten don vi": "ten", "ten co quan": "ten", "co quan": "ten", "don vi": "ten", "name": "ten", "organisation": "ten", "organization": "ten",
		"loai": "loai", "loai co quan": "loai", "loai don vi": "loai", "kind": "loai", "type": "loai",
		"don vi hanh chinh": "don_vi_hanh_chinh", "ma don vi hanh chinh": "don_vi_hanh_chinh", "dia ban": "don_vi_hanh_chinh", "unit": "don_vi_hanh_chinh", "unit key": "don_vi_hanh_chinh", "admin unit": "don_vi_hanh_chinh",
		"don vi cap tren": "don_vi_cap_tren", "ma don vi cap tren": "don_vi_cap_tren", "cap tren": "don_vi_cap_tren", "parent": "don_vi_cap_tren", "parent key": "don_vi_cap_tren",
		"tu ngay": "tu_ngay", "hoat dong tu ngay": "tu_ngay", "valid from": "tu_ngay", "from": "tu_ngay",
		"den ngay": "den_ngay", "valid to": "den_ngay", "to": "den_ngay",
		"ma quay": "ma_quay", "desk key": "ma_quay", "ten quay": "ten_quay", "quay": "ten_quay", "bo phan mot cua": "ten_quay", "desk": "ten_quay", "desk name": "ten_quay",
		"dia chi": "dia_chi", "address": "dia_chi", "vi tri": "vi_tri", "chuc danh": "vi_tri", "post": "vi_tri", "title": "vi_tri",
		"linh vuc": "linh_vuc", "field": "linh_vuc", "bat buoc": "bat_buoc", "required": "bat_buoc",
	}

	// registerKinds are the words that people write for kinds, in their search form,
	// beside the codes.
	registerKinds = map[string]Kind{
		"uy ban nhan dan": PeoplesCommittee, "ubnd": PeoplesCommittee, "van phong uy ban nhan dan": PCOfficeKind, "van phong ubnd": PCOfficeKind, "van phong hdnd va ubnd": PCOfficeKind,
		"so ban nganh": Department, "so": Department, "so nganh": Department, "phong chuyen mon cap xa": CommuneDivision, "phong chuyen mon": CommuneDivision,
		"trung tam phuc vu hanh chinh cong cap tinh": ServiceCenterProv, "trung tam phuc vu hanh chinh cong mot cap": ServiceCenterOneLevel,
		"chi nhanh trung tam phuc vu hanh chinh cong": ServiceCenterBranch, "chi nhanh": ServiceCenterBranch,
		"trung tam phuc vu hanh chinh cong cap xa": ServiceCenterCommune, "trung tam phuc vu hanh chinh cong": ServiceCenterCommune, "bo phan mot cua": ServiceCenterCommune,
		"diem tiep nhan": ReceptionPoint, "co quan nganh doc": VerticalAgency,
	}
	yesWords = map[string]bool{"": false, "x": true, "co": true, "1": true, "true": true, "yes": true, "khong": false, "0": false, "false": false, "no": false}
	slugBad  = regexp.MustCompile(`[^a-z0-9]+`)
)

type organisationFact struct {
	Organisation
	parent string // key
	line   int    // 0: the file does not name it
	fresh  bool
}

type deskFact struct {
	Desk
	organisation string // key
	line         int
	fresh        bool
}

type postFact struct {
	Post
	desk string // key
	line int
}

// register carries one import of organisations, desks and posts.
type register struct {
	importer
	file          string
	units         []Unit
	periods       map[string][2]inspection.Date // of units, by id
	organisations map[string]*organisationFact
	desks         map[string]*deskFact
	posts         map[[3]string]*postFact // by desk, title, field
	fresh         []*postFact
	order         []string // keys of new organisations as the file names them
	deskOrder     []string
}

// ImportRegister reads organisations, their desks and posts from one sheet, CSV or XLSX
// (see RegisterTemplate; headings may be Vietnamese or English): a row names an
// organisation, or a desk of one named above, or a post at a desk. Days are yyyy-mm-dd or
// dd/mm/yyyy; where none is given a thing exists as long as what it hangs on. It adds what
// is new and leaves alone what is there and says the same; what differs from what is there
// is a bad row, because a name or a date is only put right with a reason. Every bad row is
// in the report, and then nothing is changed. With dryRun nothing is changed at all.
// Administrators may. Codes: unauthenticated, forbidden, invalid (with the report).
func (s *Service) ImportRegister(ctx context.Context, actor inspection.Actor, sheet io.Reader, dryRun bool) (r Report, err error) {
	hash := sha256.New()
	im := &register{file: "don-vi.csv", periods: map[string][2]inspection.Date{}, organisations: map[string]*organisationFact{}, desks: map[string]*deskFact{}, posts: map[[3]string]*postFact{}}
	table, bad := tablein.ReadAs(im.file, io.TeeReader(sheet, hash), registerRequired, registerOptional, registerHeads)
	im.report.Bad = bad
	defer func() { r.Organisations, r.Desks, r.Posts = len(im.order), len(im.deskOrder), len(im.fresh) }()
	err = s.administer(ctx, actor, func(tx *gorm.DB, act Act) error {
		if err := im.load(tx); err != nil {
			return err
		}
		for _, r := range table.Rows {
			im.row(r)
		}
		im.parents()
		if len(im.report.Bad) > 0 {
			im.report.Bad = table.Name(im.report.Bad)
			im.sort()
			return inspection.E(inspection.Invalid, "org.error.import_bad_rows", "count", len(im.report.Bad))
		}
		if dryRun || im.report.Added == 0 {
			return nil
		}
		if err := im.write(tx); err != nil {
			return err
		}
		im.report.Applied = true
		return act.record(tx, "org.register.import", "import", inspection.NewID(), map[string]any{"organisations": len(im.order), "desks": len(im.deskOrder),
			"posts": len(im.fresh), "same": im.report.Same, "sha256": hex.EncodeToString(hash.Sum(nil))})
	})
	im.report.Applied = im.report.Applied && err == nil
	return im.report, err
}

func (im *register) load(tx *gorm.DB) error {
	if err := tx.Find(&im.units).Error; err != nil {
		return err
	}
	byID := map[string]Unit{}
	for _, u := range im.units {
		byID[u.ID] = u
	}
	for _, u := range im.units {
		from, to, n := u.ValidFrom, u.ValidTo, 0
		for p, ok := byID[deref(u.ParentID)]; ok && n < 10; p, ok = byID[deref(p.ParentID)] {
			from, to = narrow(from, to, p.ValidFrom, p.ValidTo)
			n++
		}
		im.periods[u.ID] = [2]inspection.Date{from, to}
	}
	var organisations []Organisation
	if err := tx.Find(&organisations).Error; err != nil {
		return err
	}
	keys := map[string]string{}
	for _, o := range organisations {
		keys[o.ID] = o.Key
	}
	for _, o := range organisations {
		im.organisations[o.Key] = &organisationFact{Organisation: o, parent: keys[deref(o.ParentID)]}
	}
	var desks []Desk
	if err := tx.Find(&desks).Error; err != nil {
		return err
	}
	deskKeys := map[string]string{}
	for _, d := range desks {
		deskKeys[d.ID] = d.Key
		im.desks[d.Key] = &deskFact{Desk: d, organisation: keys[d.OrganisationID]}
	}
	var posts []Post
	if err := tx.Find(&posts).Error; err != nil {
		return err
	}
	for _, p := range posts {
		im.posts[[3]string{deskKeys[p.DeskID], p.Title, p.Field}] = &postFact{Post: p, desk: deskKeys[p.DeskID]}
	}
	return nil
}

func (im *register) wrong(r tablein.Row, key string, params ...any) {
	im.bad(im.file, r.Line, key, params...)
}

// day reads yyyy-mm-dd or dd/mm/yyyy.
func (im *register) day(r tablein.Row, column string) inspection.Date {
	cell := r.Get(column)
	if parts := strings.FieldsFunc(cell, func(c rune) bool { return c == '/' || c == '.' }); len(parts) == 3 {
		pad := func(s string) string { return strings.Repeat("0", max(0, 2-len(s))) + s }
		cell = parts[2] + "-" + pad(parts[1]) + "-" + pad(parts[0])
	}
	d, err := inspection.ParseDate(cell)
	if err != nil {
		im.wrong(r, "org.error.import_date", "column", column, "value", r.Get(column))
	}
	return d
}

func (im *register) row(r tablein.Row) {
	im.leftOut(im.file, r, slices.Concat(registerRequired, registerOptional)...)
	key := strings.ToLower(r.Get("ma_don_vi"))
	if !unitKey.MatchString(key) || len(key) > 200 {
		im.wrong(r, "org.error.unit_key", "key", key)
		return
	}
	before := len(im.report.Bad)
	o := im.organisation(r, key)
	if o == nil || len(im.report.Bad) > before {
		return
	}
	name := r.Get("ten_quay")
	if name == "" {
		for _, column := range []string{"ma_quay", "dia_chi", "vi_tri", "linh_vuc"} {
			if r.Get(column) != "" {
				im.wrong(r, "org.error.import_no_desk", "column", column)
				return
			}
		}
		return
	}
	d := im.desk(r, o, name)
	if d == nil {
		return
	}
	title := r.Get("vi_tri")
	if title == "" {
		return
	}
	required, known := yesWords[inspection.Fold(r.Get("bat_buoc"))]
	if !known {
		im.wrong(r, "org.error.import_yes", "value", r.Get("bat_buoc"))
		return
	}
	id := [3]string{d.Key, title, r.Get("linh_vuc")}
	if old, ok := im.posts[id]; ok {
		switch {
		case old.line > 0:
			im.wrong(r, "org.error.import_post_twice", "line", old.line)
		case old.Required != required:
			im.wrong(r, "org.error.import_differs", "key", title, "column", "bat_buoc")
		default:
			old.line = r.Line
			im.report.Same++
		}
		return
	}
	if len([]rune(title)) > 300 || len([]rune(id[2])) > 300 {
		im.wrong(r, "org.error.name")
		return
	}
	p := &postFact{Post: Post{ID: inspection.NewID(), Title: title, Field: id[2], Required: required, ValidFrom: d.ValidFrom, ValidTo: d.ValidTo,
		Search: inspection.Fold(title + " " + id[2]), Version: 1}, desk: d.Key, line: r.Line}
	im.posts[id] = p
	im.fresh = append(im.fresh, p)
	im.report.Added++
}

// organisation is the one that a row names: of the database, of a row above, or new.
// Nil where it cannot be told.
func (im *register) organisation(r tablein.Row, key string) *organisationFact {
	name, kind, unit := r.Get("ten"), r.Get("loai"), r.Get("don_vi_hanh_chinh")
	from, to := im.day(r, "tu_ngay"), im.day(r, "den_ngay")
	parent := strings.ToLower(r.Get("don_vi_cap_tren"))
	old := im.organisations[key]
	if old != nil { // blank cells say: as it stands
		differs := func(column string, is bool) bool {
			if is {
				im.wrong(r, "org.error.import_differs", "key", key, "column", column)
			}
			return is
		}
		k, okKind := kindOf(kind)
		u, okUnit := im.unit(unit, old.ValidFrom)
		bad := differs("ten", name != "" && name != old.Name) || differs("loai", kind != "" && (!okKind || k != old.Kind)) ||
			differs("don_vi_hanh_chinh", unit != "" && (okUnit != "" || u.ID != old.AdminUnitID)) || differs("don_vi_cap_tren", parent != "" && parent != old.parent) ||
			differs("tu_ngay", from != "" && from != old.ValidFrom) || differs("den_ngay", to != "" && to != old.ValidTo)
		if bad {
			return nil
		}
		if old.line == 0 {
			im.report.Same++
		}
		old.line = max(old.line, r.Line)
		return old
	}
	k, ok := kindOf(kind)
	if !ok || k == InspectionTeam {
		im.wrong(r, "org.error.import_kind", "value", kind)
	}
	if name == "" || len([]rune(name)) > 300 {
		im.wrong(r, "org.error.name")
	}
	u, problem := im.unit(unit, from)
	if problem != "" {
		im.wrong(r, problem, "value", unit)
		return nil
	}
	period := im.periods[u.ID]
	if from == "" {
		from = period[0]
	}
	if to == "" {
		to = period[1]
	}
	switch {
	case from != "" && to != "" && to < from:
		im.wrong(r, "org.error.dates_reversed")
	case !inside(from, to, period[0], period[1]):
		im.wrong(r, "org.error.import_outside", "name", u.Name, "from", border(period[0]), "to", border(period[1]))
	}
	o := &organisationFact{Organisation: Organisation{ID: inspection.NewID(), Key: key, Kind: k, Name: name, AdminUnitID: u.ID, ValidFrom: from, ValidTo: to,
		Search: inspection.Fold(name), Version: 1}, parent: parent, line: r.Line, fresh: true}
	im.organisations[key] = o
	im.order = append(im.order, key)
	im.report.Added++
	return o
}

func kindOf(words string) (Kind, bool) {
	if slices.Contains(Kinds, Kind(strings.ToUpper(words))) {
		return Kind(strings.ToUpper(words)), true
	}
	k, ok := registerKinds[inspection.Fold(words)]
	return k, ok
}

// unit is the administrative unit that a cell means: its key, or the name of the only one
// of that name, and of that type where it says one, that exists on the day (an empty day: that has not ended). Else the key of
// the reason why not.
func (im *register) unit(words string, on inspection.Date) (Unit, string) {
	if words == "" {
		return Unit{}, "org.error.import_unit"
	}
	folded := inspection.Fold(words)
	var found []Unit
	for _, u := range im.units {
		if u.Key == words {
			return u, ""
		}
		period := im.periods[u.ID]
		there := period[1] == ""
		if on != "" {
			there = on.Within(period[0], period[1])
		}
		if whole, bare := u.names(folded); there && (whole || bare) {
			found = append(found, u)
		}
	}
	switch len(found) {
	case 0:
		return Unit{}, "org.error.import_unit"
	case 1:
		return found[0], ""
	}
	return Unit{}, "org.error.import_unit_many"
}

// desk is the one that a row names. Nil where it cannot be told.
func (im *register) desk(r tablein.Row, o *organisationFact, name string) *deskFact {
	key := strings.ToLower(r.Get("ma_quay"))
	if key == "" {
		key = o.Key + "/" + strings.Trim(slugBad.ReplaceAllString(inspection.Fold(name), "-"), "-")
	}
	if !unitKey.MatchString(key) || len(key) > 200 {
		im.wrong(r, "org.error.unit_key", "key", key)
		return nil
	}
	if old := im.desks[key]; old != nil {
		for column, is := range map[string]bool{"ma_don_vi": old.organisation != o.Key, "ten_quay": name != old.Name, "dia_chi": r.Get("dia_chi") != "" && r.Get("dia_chi") != old.Address} {
			if is {
				im.wrong(r, "org.error.import_differs", "key", key, "column", column)
				return nil
			}
		}
		if old.line == 0 {
			im.report.Same++
		}
		old.line = max(old.line, r.Line)
		return old
	}
	if len([]rune(name)) > 300 || len([]rune(r.Get("dia_chi"))) > 300 {
		im.wrong(r, "org.error.name")
		return nil
	}
	d := &deskFact{Desk: Desk{ID: inspection.NewID(), OrganisationID: o.ID, Key: key, Name: name, Address: r.Get("dia_chi"), ValidFrom: o.ValidFrom, ValidTo: o.ValidTo,
		Search: inspection.Fold(name), Version: 1}, organisation: o.Key, line: r.Line, fresh: true}
	im.desks[key] = d
	im.deskOrder = append(im.deskOrder, key)
	im.report.Added++
	return d
}

// parents looks at what every new organisation is below: a parent may stand further down.
func (im *register) parents() {
	for _, key := range im.order {
		o := im.organisations[key]
		if o.parent == "" {
			continue
		}
		p := im.organisations[o.parent]
		switch {
		case p == nil:
			im.bad(im.file, o.line, "org.error.parent_unknown", "key", o.parent)
			continue
		case o.ValidFrom != "" && !o.ValidFrom.Within(p.ValidFrom, p.ValidTo):
			im.bad(im.file, o.line, "org.error.import_outside", "name", p.Name, "from", border(p.ValidFrom), "to", border(p.ValidTo))
		}
		o.ParentID = &p.ID
		up := p
		for n := 0; up != nil && up != o && n <= len(im.order); n++ {
			up = im.organisations[up.parent]
		}
		if up == o {
			im.bad(im.file, o.line, "org.error.cycle", "key", key)
		}
	}
}

// write stores what is new, parents before children.
func (im *register) write(tx *gorm.DB) error {
	var organisations []Organisation
	done := map[string]bool{}
	var add func(key string)
	add = func(key string) {
		o := im.organisations[key]
		if o == nil || !o.fresh || done[key] {
			return
		}
		done[key] = true
		add(o.parent)
		organisations = append(organisations, o.Organisation)
	}
	for _, key := range im.order {
		add(key)
	}
	var desks []Desk
	for _, key := range im.deskOrder {
		desks = append(desks, im.desks[key].Desk)
	}
	var posts []Post
	for _, p := range im.fresh {
		p.DeskID = im.desks[p.desk].ID
		posts = append(posts, p.Post)
	}
	if err := createAll(tx, organisations); err != nil {
		return err
	}
	if err := createAll(tx, desks); err != nil {
		return err
	}
	return createAll(tx, posts)
}

// createAll writes rows in portions that both databases take.
func createAll[T any](tx *gorm.DB, rows []T) error {
	for part := range slices.Chunk(rows, 500) {
		if err := create(tx, &part); err != nil {
			return err
		}
	}
	return nil
}
