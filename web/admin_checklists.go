package web

import (
	"net/http"

	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/org"

	"github.com/labstack/echo/v4"
)

// builtInChecklist names the checklist that the program carries.
var builtInChecklist = checklist.Title{Key: "cong-vu", VI: "Bảng kiểm tra công vụ tại Bộ phận Một cửa"}

type adminChecklists struct {
	adminBase
	Versions []checklist.Checklist
}

// adminChecklistsPage lists the versions of all checklists.
func (s *Server) adminChecklistsPage(c echo.Context) error {
	page, err := s.adminChecklists(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "admin-checklists", page)
}

func (s *Server) adminChecklists(c echo.Context) (adminChecklists, error) {
	page := adminChecklists{adminBase: s.adminBase(c, "admin.checklists.title")}
	if err := administers(c, org.ManageChecklist); err != nil {
		return page, err
	}
	var err error
	page.Versions, err = s.Checklists.List(c.Request().Context(), actor(c))
	return page, err
}

// addBuiltInChecklist loads the 45 items that the program carries as a draft.
func (s *Server) addBuiltInChecklist(c echo.Context) error {
	page, err := s.adminChecklists(c)
	if err != nil {
		return err
	}
	v, _, err := s.Checklists.Import(c.Request().Context(), actor(c), builtInChecklist,
		checklist.Files{Checklist: checklist.Seed("checklist.csv"), Bases: checklist.Seed("bases.csv"), Guidance: checklist.Seed("guidance.csv")}, false)
	if err != nil {
		return s.refuse(c, &page.adminBase, "builtin", "admin-checklists", err, func() any { return page })
	}
	return c.Redirect(http.StatusSeeOther, "/admin/checklists/"+v.ID+"?done=admin_draft")
}

// sectionLine is a section of a checklist with the sum of its weights.
type sectionLine struct {
	Code, VI, EN string
	Items        []checklist.Item
	Weight       int64
}

type adminChecklist struct {
	adminBase
	V      checklist.Version
	Parts  []sectionLine
	Weight int64
}

func (s *Server) adminChecklistPage(c echo.Context) error {
	page, err := s.adminChecklist(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "admin-checklist", page)
}

func (s *Server) adminChecklist(c echo.Context) (adminChecklist, error) {
	page := adminChecklist{adminBase: s.adminBase(c, "admin.checklist.title")}
	if err := administers(c, org.ManageChecklist); err != nil {
		return page, err
	}
	var err error
	if page.V, err = s.Checklists.Get(c.Request().Context(), actor(c), c.Param("id")); err != nil {
		return page, err
	}
	page.Title = page.Either(page.V.TitleVI, page.V.TitleEN)
	for _, it := range page.V.Items {
		if n := len(page.Parts); n == 0 || page.Parts[n-1].Code != it.Section {
			page.Parts = append(page.Parts, sectionLine{Code: it.Section, VI: it.SectionVI, EN: it.SectionEN})
		}
		last := &page.Parts[len(page.Parts)-1]
		last.Items = append(last.Items, it)
		last.Weight += it.Weight
		page.Weight += it.Weight
	}
	return page, nil
}

// publishChecklist makes a draft final.
func (s *Server) publishChecklist(c echo.Context) error {
	page, err := s.adminChecklist(c)
	if err != nil {
		return err
	}
	version, err := formVersion(c)
	if err != nil {
		return err
	}
	if c.FormValue("sure") != "1" {
		err = inspection.E(inspection.Invalid, "admin.error.sure").Field("sure", "admin.error.sure")
	} else {
		err = s.Checklists.Publish(c.Request().Context(), actor(c), page.V.ID, version)
	}
	if err != nil {
		return s.refuse(c, &page.adminBase, "publish", "admin-checklist", err, func() any { return page })
	}
	return c.Redirect(http.StatusSeeOther, "/admin/checklists/"+page.V.ID+"?done=admin_published")
}

func (s *Server) checklistImport(c echo.Context) (importPage, error) {
	page := importPage{adminBase: s.adminBase(c, "admin.checklists.import"), Back: "/admin/checklists", Action: "/admin/checklists/import"}
	page.BackTo, page.Intro, page.Columns = page.T("admin.checklists.title"), page.T("admin.checklists.import_intro"), page.T("admin.checklists.columns")
	page.Files = []importField{{Name: "checklist", Label: "checklist.csv"}, {Name: "bases", Label: "bases.csv"}, {Name: "guidance", Label: "guidance.csv", Optional: true}}
	page.Title2 = builtInChecklist.VI
	if t := c.FormValue("title"); t != "" {
		page.Title2 = t
	}
	return page, administers(c, org.ManageChecklist)
}

func (s *Server) checklistImportPage(c echo.Context) error {
	page, err := s.checklistImport(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "admin-import", page)
}

func (s *Server) importChecklist(c echo.Context) error {
	page, err := s.checklistImport(c)
	if err != nil {
		return err
	}
	return s.importing(c, page, "draft", func(files map[string][]byte, dryRun bool) (imported, error) {
		in := checklist.Files{Checklist: reader(files["checklist"]), Bases: reader(files["bases"])}
		if files["guidance"] != nil {
			in.Guidance = reader(files["guidance"])
		}
		_, r, err := s.Checklists.Import(c.Request().Context(), actor(c), checklist.Title{Key: builtInChecklist.Key, VI: page.Title2}, in, dryRun)
		out := imported{added: r.Items, leftOut: len(r.LeftOut), bad: r.Bad}
		if r.Unchanged {
			out.added, out.same = 0, r.Items
		}
		return out, err
	})
}
