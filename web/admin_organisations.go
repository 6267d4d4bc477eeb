package web

import (
	"bytes"
	"io"
	"net/http"
	"slices"

	"congvu/evidence/snapshot"
	"congvu/inspection"
	"congvu/inspection/org"

	"github.com/labstack/echo/v4"
)

func reader(raw []byte) io.Reader { return bytes.NewReader(raw) }

type adminOrganisations struct {
	adminBase
	Query, Kind string
	AsOf        inspection.Date
	Lines       []org.OrganisationLine
	Filtered    bool
	Total       int64
	Units       int64
	Next, First string
	Kinds       []org.Kind
	Unit        string // suggested for a new one
}

// adminOrganisationsPage lists the organisations of a day.
func (s *Server) adminOrganisationsPage(c echo.Context) error {
	page, err := s.adminOrganisations(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "admin-organisations", page)
}

func (s *Server) adminOrganisations(c echo.Context) (adminOrganisations, error) {
	page := adminOrganisations{adminBase: s.adminBase(c, "admin.organisations.title"), Query: c.QueryParam("q"), Kind: c.QueryParam("kind"), Unit: c.QueryParam("unit")}
	for _, k := range org.Kinds {
		if k != org.InspectionTeam {
			page.Kinds = append(page.Kinds, k)
		}
	}
	if err := administers(c, org.ManageOrg); err != nil {
		return page, err
	}
	var err error
	if page.AsOf, err = inspection.ParseDate(c.QueryParam("as_of")); err != nil {
		return page, err
	}
	page.Filtered = page.Query != "" || page.Kind != "" || page.AsOf != ""
	if page.AsOf == "" {
		page.AsOf = page.Today()
	}
	ctx, a := c.Request().Context(), actor(c)
	n, err := s.Org.Counts(ctx, a, "")
	if err != nil {
		return page, err
	}
	page.Total, page.Units = n.Organisations, n.Units
	var next string
	page.Lines, next, err = s.Org.Organisations(ctx, a, org.OrganisationFilter{Query: page.Query, Kind: org.Kind(page.Kind), AsOf: page.AsOf}, pageOf(c))
	page.Next, page.First = pagerOf(c, next)
	return page, err
}

func (s *Server) addOrganisation(c echo.Context) error {
	page, err := s.adminOrganisations(c)
	if err != nil {
		return err
	}
	ctx, a := c.Request().Context(), actor(c)
	o := org.Organisation{ID: formID(c), Key: c.FormValue("key"), Kind: org.Kind(c.FormValue("kind")), Name: c.FormValue("name"),
		ValidFrom: inspection.Date(c.FormValue("valid_from")), ValidTo: inspection.Date(c.FormValue("valid_to"))}
	on := o.ValidFrom
	if on == "" {
		on = page.Today()
	}
	unit, err := s.Org.FindUnit(ctx, a, c.FormValue("unit"), on)
	if err != nil {
		err = field(err, "unit")
	} else {
		o.AdminUnitID = unit.ID
		if o.ValidFrom == "" { // it exists as long as its unit
			o.ValidFrom = unit.ValidFrom
		}
		if o.ValidTo == "" {
			o.ValidTo = unit.ValidTo
		}
		if words := c.FormValue("parent"); words != "" {
			var parent org.Organisation
			if parent, err = s.Org.FindOrganisation(ctx, a, words, on); err != nil {
				err = field(err, "parent")
			}
			o.ParentID = &parent.ID
		}
	}
	if err == nil {
		o, err = s.Org.AddOrganisation(ctx, a, o)
	}
	if err != nil {
		return s.refuse(c, &page.adminBase, "add", "admin-organisations", err, func() any { return page })
	}
	return c.Redirect(http.StatusSeeOther, "/admin/organisations/"+o.ID+"?done=admin_saved")
}

type adminOrganisation struct {
	adminBase
	D           org.Detail
	Corrections []org.CorrectionLine
	Relations   []org.Relation
	Kinds       []org.Kind
}

func (s *Server) adminOrganisationPage(c echo.Context) error {
	page, err := s.adminOrganisation(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "admin-organisation", page)
}

func (s *Server) adminOrganisation(c echo.Context) (adminOrganisation, error) {
	page := adminOrganisation{adminBase: s.adminBase(c, "admin.organisation.title"), Relations: []org.Relation{org.Renamed, org.MergedInto, org.SplitInto, org.PartTransferred, org.Dissolved}, Kinds: org.Kinds}
	if err := administers(c, org.ManageOrg); err != nil {
		return page, err
	}
	ctx, a := c.Request().Context(), actor(c)
	var err error
	if page.D, err = s.Org.Detail(ctx, a, c.Param("id")); err != nil {
		return page, err
	}
	page.Title = page.D.Name
	page.Corrections, err = s.Org.Corrections(ctx, a, page.D.ID)
	return page, err
}

// changeOrganisation is one of the forms on the page of an organisation.
func (s *Server) changeOrganisation(c echo.Context) error {
	page, err := s.adminOrganisation(c)
	if err != nil {
		return err
	}
	ctx, a, act := c.Request().Context(), actor(c), c.Param("act")
	back, done := "/admin/organisations/"+page.D.ID, "saved"
	version, err := int64(0), error(nil)
	if act != "desk" {
		if version, err = formVersion(c); err != nil {
			return err
		}
	}
	switch act {
	case "desk":
		d := org.Desk{ID: formID(c), OrganisationID: page.D.ID, Key: c.FormValue("key"), Name: c.FormValue("name"), Address: c.FormValue("address"),
			ValidFrom: inspection.Date(c.FormValue("valid_from")), ValidTo: inspection.Date(c.FormValue("valid_to"))}
		if d.ValidFrom == "" { // it exists as long as its organisation
			d.ValidFrom = page.D.ValidFrom
		}
		if d.ValidTo == "" {
			d.ValidTo = page.D.ValidTo
		}
		if d, err = s.Org.AddDesk(ctx, a, d); err == nil {
			back = "/admin/desks/" + d.ID
		}
	case "correct":
		ch := correction(c, "organisation", page.D.ID, version, "name", "valid_from", "valid_to")
		if err = s.placeAnew(c, page, ch); err == nil {
			err = s.Org.Correct(ctx, a, ch)
		}
		done = "corrected"
	case "end":
		err = s.Org.End(ctx, a, "organisation", page.D.ID, version, inspection.Date(c.FormValue("last")), c.FormValue("reason"))
		done = "ended"
	case "change":
		r := org.Reorganisation{Organisation: page.D.ID, ID: formID(c), Version: version, Relation: org.Relation(c.FormValue("relation")), Name: c.FormValue("name"),
			On: inspection.Date(c.FormValue("on")), LegalAct: c.FormValue("legal_act"), Desks: c.FormValue("desks") == "1"}
		if r.Relation != org.Renamed && r.Relation != org.Dissolved {
			var heir org.Organisation
			if heir, err = s.Org.FindOrganisation(ctx, a, c.FormValue("successor"), r.On); err != nil {
				err = field(err, "successor")
			}
			r.Successor = heir.ID
		}
		if err == nil {
			var heir string
			if heir, err = s.Org.Reorganise(ctx, a, r); err == nil && heir != "" {
				back = "/admin/organisations/" + heir
			}
		}
		done = "changed"
	default:
		return inspection.E(inspection.NotFound, "error.not_found")
	}
	if err != nil {
		return s.refuse(c, &page.adminBase, act, "admin-organisation", err, func() any { return page })
	}
	return c.Redirect(http.StatusSeeOther, back+"?done=admin_"+done)
}

// correction reads a form that puts an entry right.
// given keeps the fields that a form has.
func given(c echo.Context, fields ...string) []string {
	form, err := c.FormParams()
	return slices.DeleteFunc(fields, func(f string) bool { return err != nil || !form.Has(f) })
}

func correction(c echo.Context, kind, id string, version int64, fields ...string) org.Change {
	ch := org.Change{Kind: kind, ID: id, Version: version, Values: map[string]string{}, Reason: c.FormValue("reason")}
	for _, f := range fields {
		ch.Values[f] = c.FormValue(f)
	}
	return ch
}

// placeAnew adds to a correction what kind of organisation it is and where it belongs, as
// far as the form says another than stands.
func (s *Server) placeAnew(c echo.Context, page adminOrganisation, ch org.Change) error {
	ctx, a := c.Request().Context(), actor(c)
	if kind := c.FormValue("kind"); kind != "" {
		ch.Values["kind"] = kind
	}
	on := inspection.Date(ch.Values["valid_from"])
	if on == "" {
		on = page.Today()
	}
	if words := c.FormValue("unit"); words != "" && words != page.D.Unit.Key {
		u, err := s.Org.FindUnit(ctx, a, words, on)
		if err != nil {
			return field(err, "unit")
		}
		ch.Values["admin_unit_id"] = u.ID
	}
	form, err := c.FormParams()
	if err != nil {
		return bodyError(err)
	}
	words, asked := c.FormValue("parent"), form.Has("parent")
	switch {
	case asked && words == "":
		ch.Values["parent_id"] = ""
	case words != "" && words != page.D.Parent.Key:
		o, err := s.Org.FindOrganisation(ctx, a, words, on)
		if err != nil {
			return field(err, "parent")
		}
		ch.Values["parent_id"] = o.ID
	}
	return nil
}

type adminDesk struct {
	adminBase
	D           org.DeskDetail
	Cameras     []snapshot.Camera
	Corrections []org.CorrectionLine
}

// planDot is a camera on the drawing of the room, which is 1000 wide and 700 deep, with the
// entrance at the bottom.
type planDot struct {
	N    int // its number in the list
	Name string
	X, Y int64
}

// Plan is where the cameras hang of which somebody has said it.
func (p adminDesk) Plan() (dots []planDot) {
	for i, c := range p.Cameras {
		if c.InUse(p.Today()) && c.PlanX >= 0 && c.PlanY >= 0 {
			dots = append(dots, planDot{i + 1, c.Name, c.PlanX, 700 - c.PlanY*7/10})
		}
	}
	return dots
}

// YesNo are the answers to whether a post must be staffed.
func (adminDesk) YesNo() []string { return []string{"YES", "NO"} }

func (s *Server) adminDeskPage(c echo.Context) error {
	page, err := s.adminDesk(c, c.Param("id"))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "admin-desk", page)
}

func (s *Server) adminDesk(c echo.Context, id string) (adminDesk, error) {
	page := adminDesk{adminBase: s.adminBase(c, "admin.desk.title")}
	if err := administers(c, org.ManageOrg); err != nil {
		return page, err
	}
	ctx, a := c.Request().Context(), actor(c)
	var err error
	if page.D, err = s.Org.DeskDetail(ctx, a, id); err != nil {
		return page, err
	}
	page.Title = page.D.Name
	ids := []string{id}
	for _, p := range page.D.Posts {
		ids = append(ids, p.ID)
	}
	if page.Cameras, err = s.Snapshots.Cameras(ctx, a, id); err != nil {
		return page, err
	}
	page.Corrections, err = s.Org.Corrections(ctx, a, ids...)
	return page, err
}

// changeDesk is one of the forms on the page of a desk.
func (s *Server) changeDesk(c echo.Context) error {
	page, err := s.adminDesk(c, c.Param("id"))
	if err != nil {
		return err
	}
	ctx, a, act := c.Request().Context(), actor(c), c.Param("act")
	back, done := "/admin/desks/"+page.D.ID, "saved"
	version, err := int64(0), error(nil)
	if act != "post" {
		if version, err = formVersion(c); err != nil {
			return err
		}
	}
	switch act {
	case "post":
		p := org.Post{ID: formID(c), DeskID: page.D.ID, Title: c.FormValue("title"), Field: c.FormValue("field"), Required: c.FormValue("required") == "1",
			ValidFrom: inspection.Date(c.FormValue("valid_from")), ValidTo: inspection.Date(c.FormValue("valid_to"))}
		if p.ValidFrom == "" {
			p.ValidFrom = page.D.ValidFrom
		}
		if p.ValidTo == "" {
			p.ValidTo = page.D.ValidTo
		}
		_, err = s.Org.AddPost(ctx, a, p)
	case "correct":
		err = s.Org.Correct(ctx, a, correction(c, "desk", page.D.ID, version, "name", "address", "valid_from", "valid_to"))
		done = "corrected"
	case "end":
		err = s.Org.End(ctx, a, "desk", page.D.ID, version, inspection.Date(c.FormValue("last")), c.FormValue("reason"))
		done = "ended"
	case "move":
		m := org.Move{Desk: page.D.ID, ID: formID(c), Version: version, From: inspection.Date(c.FormValue("from")), Reason: c.FormValue("reason")}
		var to org.Organisation
		// Any day: one that does not exist yet is told apart from one that nobody knows.
		if to, err = s.Org.FindOrganisation(ctx, a, c.FormValue("organisation"), m.From); inspection.CodeOf(err) == inspection.Invalid {
			to, err = s.Org.FindOrganisation(ctx, a, c.FormValue("organisation"), "")
		}
		if err != nil {
			err = field(err, "organisation")
		} else {
			m.OrganisationID = to.ID
			var moved org.Desk
			if moved, err = s.Org.MoveDesk(ctx, a, m); err == nil {
				back = "/admin/desks/" + moved.ID
			}
		}
		done = "moved"
	default:
		return inspection.E(inspection.NotFound, "error.not_found")
	}
	if err != nil {
		return s.refuse(c, &page.adminBase, act, "admin-desk", err, func() any { return page })
	}
	return c.Redirect(http.StatusSeeOther, back+"?done=admin_"+done)
}

// changePost is one of the forms of a post on the page of its desk.
func (s *Server) changePost(c echo.Context) error {
	if err := administers(c, org.ManageOrg); err != nil {
		return err
	}
	ctx, a, id := c.Request().Context(), actor(c), c.Param("id")
	desk, err := s.Org.PostDesk(ctx, a, id)
	if err != nil {
		return err
	}
	version, err := formVersion(c)
	if err != nil {
		return err
	}
	done := "corrected"
	switch c.Param("act") {
	case "correct":
		err = s.Org.Correct(ctx, a, correction(c, "post", id, version, given(c, "title", "field", "required")...))
	case "end":
		err = s.Org.End(ctx, a, "post", id, version, inspection.Date(c.FormValue("last")), c.FormValue("reason"))
		done = "ended"
	default:
		return inspection.E(inspection.NotFound, "error.not_found")
	}
	if err != nil {
		page, e := s.adminDesk(c, desk)
		if e != nil {
			return e
		}
		return s.refuse(c, &page.adminBase, c.Param("act")+"-"+id, "admin-desk", err, func() any { return page })
	}
	return c.Redirect(http.StatusSeeOther, "/admin/desks/"+desk+"?done=admin_"+done)
}

func (s *Server) registerImport(c echo.Context) (importPage, error) {
	page := importPage{adminBase: s.adminBase(c, "admin.organisations.import"), Back: "/admin/organisations", Action: "/admin/organisations/import", Template: "/admin/organisations/template"}
	page.BackTo, page.Intro = page.T("admin.organisations.title"), page.T("admin.organisations.import_intro")
	page.Columns = page.T("admin.organisations.columns")
	page.Files = []importField{{Name: "sheet", Label: page.T("admin.organisations.sheet")}}
	return page, administers(c, org.ManageOrg)
}

func (s *Server) registerImportPage(c echo.Context) error {
	page, err := s.registerImport(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "admin-import", page)
}

func (s *Server) importRegister(c echo.Context) error {
	page, err := s.registerImport(c)
	if err != nil {
		return err
	}
	return s.importing(c, page, "imported", func(files map[string][]byte, dryRun bool) (imported, error) {
		r, err := s.Org.ImportRegister(c.Request().Context(), actor(c), reader(files["sheet"]), dryRun)
		return reported(r), err
	})
}

// registerTemplate is an empty sheet with one row as an example.
func (s *Server) registerTemplate(c echo.Context) error {
	return exampleSheet(c, "mau-don-vi", org.RegisterTemplate)
}
