package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"congvu/evidence"
	"congvu/evidence/imaging"
	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/inspection/visit"

	"github.com/labstack/echo/v4"
)

type photosPage struct {
	Base
	V      visit.View
	Photos []photo
	Stills []stillLine
	Open   int               // pictures that wait to be confirmed
	Items  map[string]string // what each hangs on, in words
	Script string
	At     string // the picture whose covers were refused
	Typed  []boxRow
}

// boxRow is a box to be covered as the form shows it, in per cent.
type boxRow struct{ Left, Top, Width, Height string }

// Boxes are the boxes of a picture: those that were typed and refused, else those that
// stand.
func (p photosPage) Boxes(of photo) (rows []boxRow) {
	if of.ID == p.At {
		return p.Typed
	}
	if of.Item.Shared != nil {
		for _, b := range of.Item.Shared.Boxes {
			rows = append(rows, boxRow{perCent(b.X), perCent(b.Y), perCent(b.W), perCent(b.H)})
		}
	}
	return rows
}

// perCent is a share of a picture's side as the form takes it.
func perCent(share float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(100*share, 'f', 1, 64), ".0")
}

// photosPage is where members of the team confirm what others may see.
func (s *Server) photosPage(c echo.Context) error {
	page, err := s.photos(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "photos", page)
}

func (s *Server) photos(c echo.Context) (photosPage, error) {
	ctx, a := c.Request().Context(), actor(c)
	page := photosPage{Base: s.base(c, "photos.title"), Items: map[string]string{}, Script: s.asset("boxes.js")}
	v, err := s.Visits.Get(ctx, a, c.Param("id"))
	if err != nil {
		return page, err
	}
	page.V = v
	files, err := s.Evidence.ForVisit(ctx, a, v.ID)
	if err != nil {
		return page, err
	}
	for _, f := range files {
		role := evidence.Evidence
		var on []string
		for _, link := range f.On {
			role = link.Role
			if it, ok := v.Item(link.ID); ok && link.Kind == evidence.OnItem {
				on = append(on, it.Code+" – "+it.TextVI)
			}
		}
		page.Items[f.ID] = strings.Join(on, "; ")
		p := photoOf(f, role)
		if p.Confirm && !p.Shared {
			page.Open++
		}
		page.Photos = append(page.Photos, p)
	}
	if v.MayInspect {
		page.Stills, err = s.stills(c, v)
	}
	return page, err
}

// photosAgain shows the page with what was refused, beside the picture where it is of one.
func (s *Server) photosAgain(c echo.Context, err error, file string, form url.Values) error {
	page, e := s.photos(c)
	if e != nil {
		return e
	}
	page.At = file
	for i := range form["left"] {
		at := func(name string) string {
			if i < len(form[name]) {
				return form[name][i]
			}
			return ""
		}
		if row := (boxRow{at("left"), at("top"), at("width"), at("height")}); row != (boxRow{}) {
			page.Typed = append(page.Typed, row)
		}
	}
	return s.formAgain(c, &page.Base, err, func() error { return s.render(c, statuses[toOurs(err).Code], "photos", page) })
}

// confirmPhotos confirms every picture that was ticked as showing nobody and no
// citizen's papers. Each is a confirmation of its own; the first that is refused
// stops the rest, and those before it stand.
func (s *Server) confirmPhotos(c echo.Context) error {
	form, err := c.FormParams()
	if err != nil {
		return err
	}
	if err := s.filesOf(c, form["file"]); err != nil {
		return err
	}
	for _, id := range form["file"] {
		if err := s.Evidence.ConfirmShared(c.Request().Context(), actor(c), id, nil, true); err != nil {
			return s.photosAgain(c, err, "", nil)
		}
	}
	if len(form["file"]) == 0 {
		return s.photosAgain(c, inspection.E(inspection.Invalid, "photos.error.none_ticked"), "", nil)
	}
	return c.Redirect(http.StatusSeeOther, "/visits/"+c.Param("id")+"/photos?done=shared")
}

// filesOf holds that files are of the check in the address, as its reader sees it.
// Code: not_found.
func (s *Server) filesOf(c echo.Context, ids []string) error {
	v, err := s.Visits.Get(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	for _, id := range ids {
		f, err := s.Evidence.Get(c.Request().Context(), actor(c), id)
		if err == nil && f.Visit != v.ID {
			err = inspection.E(inspection.NotFound, "evidence.error.not_found")
		} else if err == nil && !f.Whole {
			err = org.MustNot()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// confirmPhoto confirms the copy of one picture with what is to be covered in it.
func (s *Server) confirmPhoto(c echo.Context) error {
	form, err := c.FormParams()
	if err != nil {
		return err
	}
	if err := s.filesOf(c, []string{c.Param("file")}); err != nil {
		return err
	}
	boxes, err := boxesOf(form)
	if err == nil && len(boxes) == 0 {
		err = inspection.E(inspection.Invalid, "photos.error.no_box")
	}
	if err == nil {
		err = s.Evidence.ConfirmShared(c.Request().Context(), actor(c), c.Param("file"), boxes, false)
	}
	if err != nil {
		return s.photosAgain(c, err, c.Param("file"), form)
	}
	return c.Redirect(http.StatusSeeOther, "/visits/"+c.Param("id")+"/photos?done=shared#file-"+c.Param("file"))
}

// giveUpPhoto ends the waiting for a file that will not come.
func (s *Server) giveUpPhoto(c echo.Context) error {
	if err := s.filesOf(c, []string{c.Param("file")}); err != nil {
		return err
	}
	if err := s.Evidence.GiveUp(c.Request().Context(), actor(c), c.Param("file"), c.FormValue("reason")); err != nil {
		return s.photosAgain(c, err, "", nil)
	}
	return c.Redirect(http.StatusSeeOther, "/visits/"+c.Param("id")+"/photos?done=given_up#file-"+c.Param("file"))
}

// boxesOf reads the boxes to be covered: left, top, width, height in per cent of the
// picture, one entry each per box; boxes without a size are left out.
func boxesOf(form url.Values) ([]imaging.Box, error) {
	var boxes []imaging.Box
	for i := range form["left"] {
		var v [4]float64
		for j, name := range []string{"left", "top", "width", "height"} {
			if i >= len(form[name]) {
				return nil, inspection.E(inspection.Invalid, "error.invalid")
			}
			n, err := parsePercent(form[name][i])
			if err != nil {
				return nil, err
			}
			v[j] = n
		}
		if v[2] > 0 && v[3] > 0 {
			boxes = append(boxes, imaging.Box{X: v[0], Y: v[1], W: min(v[2], 1-v[0]), H: min(v[3], 1-v[1])})
		}
	}
	return boxes, nil
}
