package web

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"

	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/i18n"
	"congvu/inspection/org"
	"congvu/inspection/tablein"

	"github.com/labstack/echo/v4"
)

// adminBase is what the pages of administration share: several forms on a page, of which
// the one that was refused shows what was typed and what is wrong with it.
type adminBase struct {
	Base
	Form string     // an id for a form that makes something
	Open string     // the form that was refused
	Sent url.Values // what was typed into it
}

// Value is what a field of a form shows: what was typed, else what stands.
func (p adminBase) Value(form, name string, standing any) string {
	if p.Open == form {
		return p.Sent.Get(name)
	}
	if standing == nil {
		return ""
	}
	return str(standing)
}

func str(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case inspection.Date:
		return string(v)
	case inspection.Minute:
		return v.String()
	}
	return ""
}

// Said is what a field said, days and codes as people write them.
func (p adminBase) Said(field, value string) string {
	switch {
	case strings.HasPrefix(field, "valid_"):
		return inspection.Date(value).VN()
	case field == "kind", field == "unit_type":
		return p.Of("org."+field, value)
	case field == "required":
		return p.Of("admin.required", value)
	case field == "day":
		day, rest, _ := strings.Cut(value, " ")
		if kind, name, ok := strings.Cut(rest, " "); ok {
			return day + ", " + p.Of("admin.day", kind) + ": " + name
		}
	case field == "void":
		return p.Of("role", value)
	}
	return value
}

// WrongIn is what is wrong with a field of one form.
func (p adminBase) WrongIn(form, field string) string {
	if p.Open != form {
		return ""
	}
	return p.Wrong(field)
}

// adminSection is a page of administration in the row of links.
type adminSection struct{ Href, Key string }

// Sections are the pages of administration that the reader may open.
func (p adminBase) Sections() []adminSection {
	if _, ok := org.Can(p.Actor, org.ManageOrg, org.Subject{}); !ok {
		return []adminSection{{"/admin/checklists", "checklists"}, {"/admin/deadlines", "deadlines"}}
	}
	return []adminSection{{"/admin", "home"}, {"/admin/units", "units"}, {"/admin/organisations", "organisations"}, {"/admin/calendars", "calendars"},
		{"/admin/deadlines", "deadlines"}, {"/admin/checklists", "checklists"}, {"/admin/people", "people"}, {"/admin/relays", "relays"}, {"/admin/webhooks", "webhooks"}, {"/admin/health", "health"}}
}

// Today is the day that forms suggest.
func (p adminBase) Today() inspection.Date { return p.Now.Date() }

func (s *Server) adminBase(c echo.Context, title string) adminBase {
	return adminBase{Base: s.base(c, title), Form: inspection.NewID()}
}

// refuse draws a page again whose form was refused, with what was typed; the form keeps
// its id, so that it stays one act.
func (s *Server) refuse(c echo.Context, page *adminBase, form, template string, err error, draw func() any) error {
	page.Open, page.Sent = form, c.Request().PostForm
	if f := c.Request().MultipartForm; f != nil {
		page.Sent = f.Value
	}
	if id := formID(c); inspection.CheckID(id) == nil {
		page.Form = id
	}
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], template, draw()) })
}

// administers refuses everybody but administrators, before anything is looked up.
func administers(c echo.Context, action org.Action) error {
	if _, ok := org.Can(actor(c), action, org.Subject{}); !ok {
		return org.MustNot()
	}
	return nil
}

// adminStep is one thing that an installation needs, in order.
type adminStep struct {
	Key  string
	N    int64
	More int64 // a second figure: posts, holidays
	Done bool
	Lack int64 // organisations without working hours
	Next bool  // the first that is not done
	Href string
}

type adminHome struct {
	adminBase
	Steps []adminStep
	Left  int
}

// adminPage is the administrator's home: what the installation still needs.
func (s *Server) adminPage(c echo.Context) error {
	if err := administers(c, org.ManageOrg); err != nil {
		return err
	}
	ctx, a := c.Request().Context(), actor(c)
	page := adminHome{adminBase: s.adminBase(c, "admin.title")}
	n, err := s.Org.Counts(ctx, a, page.Today())
	if err != nil {
		return err
	}
	all, err := s.Org.Counts(ctx, a, "") // those that have ended too, as their page lists them
	if err != nil {
		return err
	}
	idle, err := s.Org.WithoutHours(ctx, a, page.Today())
	if err != nil {
		return err
	}
	people, err := s.Auth.CountPeople(ctx, a, page.Today())
	if err != nil {
		return err
	}
	lists, err := s.Checklists.List(ctx, a)
	if err != nil {
		return err
	}
	published := int64(0)
	for _, l := range lists {
		if l.State == checklist.Published {
			published++
		}
	}
	page.Steps = []adminStep{
		{Key: "units", N: n.Units, More: all.Units, Done: n.Units > 0, Href: "/admin/units"},
		{Key: "organisations", N: n.Organisations, Done: n.Organisations > 0, Href: "/admin/organisations"},
		{Key: "desks", N: n.Desks, More: n.Posts, Done: n.Desks > 0 && n.Posts > 0, Href: "/admin/organisations"},
		{Key: "calendar", N: n.Hours, More: n.Holidays, Done: n.Hours > 0 && n.Holidays > 0 && idle == 0, Lack: idle, Href: "/admin/calendars"},
		{Key: "checklist", N: published, Done: published > 0, Href: "/admin/checklists"},
		{Key: "people", N: people, Done: people > 0, Href: "/admin/people"},
	}
	for i := range page.Steps {
		if !page.Steps[i].Done {
			page.Steps[i].Next = page.Left == 0
			page.Left++
		}
	}
	return s.render(c, http.StatusOK, "admin", page)
}

// maxImport is how large the files of one import page may be, all together: tens of
// thousands of rows, and the preview can still carry them.
const maxImport = 2 << 20

// importField is a file that an import takes. Kept is its content, carried through the
// preview so that it need not be chosen again.
type importField struct {
	Name, Label, Kept string
	Optional          bool
	Chosen            string // the file's name where it was chosen
	Template          string // address of an example
}

type importPage struct {
	adminBase
	Back, BackTo string // where the import belongs: its address and words
	Action       string
	Intro        string
	Template     string // address of an empty sheet
	Columns      string
	Files        []importField
	Stage        string // empty, "bad" or "good": what the check said
	Added        int
	Changed      int
	Same         int
	Of           [3]int // of Added: organisations, desks, posts
	Bad          []tablein.Problem
	LeftOut      int
	Title2       string // a text field of its own: the title of a checklist
}

// Words is a problem of a file in the reader's language.
func (p importPage) Words(b tablein.Problem) string { return i18n.T(p.Lang, b.Key, b.Params) }

// Nothing tells that the files say what is there already.
func (p importPage) Nothing() bool { return p.Added+p.Changed == 0 }

// imported is what an import found.
type imported struct {
	added, changed, same, leftOut int
	of                            [3]int
	bad                           []tablein.Problem
}

func reported(r org.Report) imported {
	return imported{r.Added, r.Changed, r.Same, len(r.LeftOut), [3]int{r.Organisations, r.Desks, r.Posts}, r.Bad}
}

// contents are the files of an import as they were chosen now or checked before.
func (p *importPage) contents(c echo.Context) (map[string][]byte, error) {
	out := map[string][]byte{}
	whole := 0
	for i, f := range p.Files {
		raw, err := fileContent(c, f.Name)
		if err != nil {
			return nil, err
		}
		if whole += len(raw); whole > maxImport {
			return nil, tooLarge(maxImport)
		}
		if len(raw) == 0 {
			if !f.Optional {
				return nil, inspection.E(inspection.Invalid, "admin.error.file").Field(f.Name, "admin.error.file")
			}
			continue
		}
		out[f.Name] = raw
		p.Files[i].Chosen = chosenName(c, f.Name)
		p.Files[i].Kept = base64.StdEncoding.EncodeToString(raw)
	}
	return out, nil
}

// chosenName is how a file is called where it was chosen, without folders.
func chosenName(c echo.Context, name string) string {
	if m := c.Request().MultipartForm; m != nil && len(m.File[name]) > 0 {
		if called, ok := inspection.Text(m.File[name][0].Filename, 200); ok {
			return called
		}
	}
	return ""
}

// called names a problem's file as its owner does.
func (p importPage) called(b tablein.Problem) tablein.Problem {
	for _, f := range p.Files {
		if f.Chosen != "" && (len(p.Files) == 1 || f.Label == b.File) {
			b.File = f.Chosen
		}
	}
	return b
}

func fileContent(c echo.Context, name string) ([]byte, error) {
	if m := c.Request().MultipartForm; m != nil && len(m.File[name]) > 0 && m.File[name][0].Size > 0 {
		if m.File[name][0].Size > maxImport {
			return nil, tooLarge(maxImport)
		}
		f, err := m.File[name][0].Open()
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return io.ReadAll(f)
	}
	raw, err := base64.StdEncoding.DecodeString(c.FormValue(name + "_kept"))
	if err != nil {
		return nil, inspection.E(inspection.Invalid, "admin.error.file").Field(name, "admin.error.file")
	}
	return raw, nil
}

// importing checks the files of an import, and applies them where that is what the form
// asks for; a check names every bad row and changes nothing.
func (s *Server) importing(c echo.Context, page importPage, done string, run func(files map[string][]byte, dryRun bool) (imported, error)) error {
	files, err := page.contents(c)
	apply := c.FormValue("step") == "apply"
	var found imported
	if err == nil {
		found, err = run(files, !apply)
	}
	if err == nil && apply {
		return c.Redirect(http.StatusSeeOther, page.Back+"?done=admin_"+done)
	}
	if err != nil && len(found.bad) == 0 {
		return s.refuse(c, &page.adminBase, "import", "admin-import", err, func() any { return page })
	}
	page.Added, page.Changed, page.Same, page.LeftOut, page.Bad = found.added, found.changed, found.same, found.leftOut, nil
	page.Of = found.of
	for _, b := range found.bad {
		page.Bad = append(page.Bad, page.called(b))
	}
	page.Stage = "good"
	status := http.StatusOK
	if len(found.bad) > 0 {
		page.Stage, status = "bad", http.StatusUnprocessableEntity
		for i := range page.Files {
			page.Files[i].Kept = "" // what is wrong is put right in the file
		}
	}
	return s.render(c, status, "admin-import", page)
}

// adminUnits lists the administrative units of a day.
type adminUnits struct {
	adminBase
	Query string
	Units []org.Unit
	Total int64
	Next  string
	First string
	Types []org.UnitType
}

func (s *Server) adminUnitsPage(c echo.Context) error {
	page, err := s.adminUnits(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "admin-units", page)
}

func (s *Server) adminUnits(c echo.Context) (adminUnits, error) {
	page := adminUnits{adminBase: s.adminBase(c, "admin.units.title"), Query: c.QueryParam("q"), Types: org.UnitTypes}
	if err := administers(c, org.ManageOrg); err != nil {
		return page, err
	}
	ctx, a := c.Request().Context(), actor(c)
	n, err := s.Org.Counts(ctx, a, "")
	if err != nil {
		return page, err
	}
	page.Total = n.Units
	var next string
	page.Units, next, err = s.Org.SearchUnits(ctx, a, page.Query, "", pageOf(c))
	page.Next, page.First = pagerOf(c, next)
	return page, err
}

// addBuiltIn loads the catalogue that the program carries: units and their lineage, and
// for the whole country holidays and, where none are entered, working hours.
func (s *Server) addBuiltIn(c echo.Context) error {
	if err := administers(c, org.ManageOrg); err != nil {
		return err
	}
	ctx, a := c.Request().Context(), actor(c)
	_, err := s.Org.ImportUnits(ctx, a, org.Seed("units.csv"), org.Seed("lineage.csv"), false)
	if err == nil {
		_, err = s.Org.ImportHolidays(ctx, a, "vn", org.Seed("holidays.csv"), false)
	}
	if err == nil {
		err = s.builtInHours(c)
	}
	if err != nil {
		page, e := s.adminUnits(c)
		if e != nil {
			return e
		}
		return s.refuse(c, &page.adminBase, "builtin", "admin-units", err, func() any { return page })
	}
	return c.Redirect(http.StatusSeeOther, "/admin/units?done=admin_builtin")
}

func (s *Server) builtInHours(c echo.Context) error {
	ctx, a := c.Request().Context(), actor(c)
	country, err := s.Org.FindUnit(ctx, a, "vn", "")
	if err != nil {
		return err
	}
	own, err := s.Org.OwnCalendar(ctx, a, country.ID)
	if err != nil || len(own.Weeks) > 0 {
		return err
	}
	_, err = s.Org.ImportHours(ctx, a, "vn", org.Seed("hours.csv"), false)
	return err
}

func (s *Server) addUnit(c echo.Context) error {
	page, err := s.adminUnits(c)
	if err != nil {
		return err
	}
	ctx, a := c.Request().Context(), actor(c)
	u := org.Unit{ID: formID(c), Key: c.FormValue("key"), Name: c.FormValue("name"), Type: org.UnitType(c.FormValue("type")),
		ValidFrom: inspection.Date(c.FormValue("valid_from")), ValidTo: inspection.Date(c.FormValue("valid_to"))}
	if words := c.FormValue("parent"); words != "" {
		on := u.ValidFrom
		if on == "" {
			on = page.Today()
		}
		var parent org.Unit
		if parent, err = s.Org.FindUnit(ctx, a, words, on); err == nil {
			u.ParentID = &parent.ID
		} else {
			err = field(err, "parent")
		}
	}
	if err == nil {
		_, err = s.Org.AddUnit(ctx, a, u)
	}
	if err != nil {
		return s.refuse(c, &page.adminBase, "add", "admin-units", err, func() any { return page })
	}
	return c.Redirect(http.StatusSeeOther, "/admin/units?done=admin_saved&q="+url.QueryEscape(u.Name))
}

type adminUnit struct {
	adminBase
	U           org.Unit
	Parent      org.Unit // zero: none
	Corrections []org.CorrectionLine
	Types       []org.UnitType
}

func (s *Server) adminUnitPage(c echo.Context) error {
	page, err := s.adminUnit(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "admin-unit", page)
}

func (s *Server) adminUnit(c echo.Context) (adminUnit, error) {
	page := adminUnit{adminBase: s.adminBase(c, "admin.units.title"), Types: org.UnitTypes}
	if err := administers(c, org.ManageOrg); err != nil {
		return page, err
	}
	ctx, a := c.Request().Context(), actor(c)
	var err error
	if page.U, page.Parent, err = s.Org.Unit(ctx, a, c.Param("id")); err != nil {
		return page, err
	}
	page.Title = page.U.Name
	page.Corrections, err = s.Org.Corrections(ctx, a, page.U.ID)
	return page, err
}

// correctUnit puts a wrong entry of a unit right.
func (s *Server) correctUnit(c echo.Context) error {
	page, err := s.adminUnit(c)
	if err != nil {
		return err
	}
	version, err := formVersion(c)
	if err != nil {
		return err
	}
	if err := s.Org.Correct(c.Request().Context(), actor(c), correction(c, "unit", page.U.ID, version, given(c, "name", "unit_type", "valid_from", "valid_to")...)); err != nil {
		return s.refuse(c, &page.adminBase, "correct", "admin-unit", err, func() any { return page })
	}
	return c.Redirect(http.StatusSeeOther, "/admin/units/"+page.U.ID+"?done=admin_corrected")
}

// field says which field of a form an error belongs to.
func field(err error, name string) error {
	e := toOurs(err)
	if e.Code != inspection.Invalid || len(e.Fields) > 0 {
		return err
	}
	out := *e
	if strings.HasPrefix(e.Key, "org.error.choose") { // long, and stands at the field
		out.Key = "error.invalid"
	}
	return (&out).Field(name, e.Key)
}

func (s *Server) unitsImport(c echo.Context) (importPage, error) {
	page := importPage{adminBase: s.adminBase(c, "admin.units.import"), Back: "/admin/units", Action: "/admin/units/import"}
	page.BackTo, page.Intro, page.Columns = page.T("admin.units.title"), page.T("admin.units.import_intro"), "units.csv: key, name, unit_type, parent_key, valid_from, valid_to, note · lineage.csv: predecessor_key, portion, successor_key, relation, legal_act, effective_date"
	page.Files = []importField{{Name: "units", Label: "units.csv", Template: "/admin/units/template"}, {Name: "lineage", Label: "lineage.csv", Optional: true, Template: "/admin/units/lineage-template"}}
	return page, administers(c, org.ManageOrg)
}

func (s *Server) unitsImportPage(c echo.Context) error {
	page, err := s.unitsImport(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "admin-import", page)
}

// unitsTemplate and lineageTemplate are examples of the two files.
func (s *Server) unitsTemplate(c echo.Context) error {
	return exampleSheet(c, "units", org.UnitsTemplate)
}

func (s *Server) lineageTemplate(c echo.Context) error {
	return exampleSheet(c, "lineage", org.LineageTemplate)
}

// exampleSheet sends a template in the form that the address ends in.
func exampleSheet(c echo.Context, name, content string) error {
	if err := administers(c, org.ManageOrg); err != nil {
		return err
	}
	raw, ext, kind := []byte(content), ".csv", "text/csv; charset=utf-8"
	if strings.HasSuffix(c.Path(), ".xlsx") {
		var err error
		if raw, err = tablein.Spreadsheet(content); err != nil {
			return err
		}
		ext, kind = ".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	c.Response().Header().Set("Content-Disposition", `attachment; filename="`+name+ext+`"`)
	return c.Blob(http.StatusOK, kind, raw)
}

const emptyLineage = "predecessor_key,portion,successor_key,relation,legal_act,effective_date\n"

func (s *Server) importUnits(c echo.Context) error {
	page, err := s.unitsImport(c)
	if err != nil {
		return err
	}
	return s.importing(c, page, "imported", func(files map[string][]byte, dryRun bool) (imported, error) {
		lineage := files["lineage"]
		if lineage == nil {
			lineage = []byte(emptyLineage)
		}
		r, err := s.Org.ImportUnits(c.Request().Context(), actor(c), reader(files["units"]), reader(lineage), dryRun)
		return reported(r), err
	})
}
