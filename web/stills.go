package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"congvu/evidence"
	"congvu/evidence/snapshot"
	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/visit"

	"github.com/labstack/echo/v4"
)

// stillLine is a still that was asked for, on a page.
type stillLine struct {
	snapshot.Line
	On        string // the item, in words
	By        string // who asked
	MayDecide bool
}

// DriftOf is by how much a camera's clock differed, in words.
func (b Base) DriftOf(r snapshot.Line) string {
	d, known := r.Drift()
	return b.driftWords(d, known)
}

// Clocks tells whether there is a clock of the camera to speak of.
func (l stillLine) Clocks() bool { return l.State == snapshot.Taken }

// Late tells whether the server learned of it later than it was asked for.
func (l stillLine) Late() bool { return l.ArrivedAt > l.AskedAt.Add(time.Minute) }

// Class is the class of the tag of its state.
func (l stillLine) Class() string {
	switch {
	case l.State == snapshot.Taken && l.Cause == "":
		return "good"
	case l.State == snapshot.Asked || l.State == snapshot.Waiting:
		return "soon"
	}
	return "late"
}

// stills lists what was asked of cameras in a check, for those who may read it.
func (s *Server) stills(c echo.Context, v visit.View) ([]stillLine, error) {
	lines, err := s.Snapshots.Lines(c.Request().Context(), v.ID)
	if err != nil {
		return nil, err
	}
	out := make([]stillLine, len(lines))
	for i, l := range lines {
		out[i] = stillLine{Line: l, MayDecide: v.MayFinish && l.State == snapshot.Asked}
		if it, ok := v.Item(l.SubjectID); ok {
			out[i].On = it.Code + " – " + it.TextVI
		}
		if at := slices.IndexFunc(v.Members, func(m visit.Member) bool { return m.PersonID == l.AskedBy }); at >= 0 {
			out[i].By = v.Members[at].Name
		}
	}
	return out, nil
}

// findingStills names the cameras on the pictures of a finding, and what a look from the
// office was said to show, and lists what cameras did not give for it: of its item in its
// own check, and of itself in the re-inspections that its story tells of.
func (s *Server) findingStills(ctx context.Context, a inspection.Actor, d finding.Detail, photos []photo) (failed []stillLine, err error) {
	visits := []string{d.VisitID}
	for _, st := range d.Steps {
		if st.VisitID != nil && !slices.Contains(visits, *st.VisitID) {
			visits = append(visits, *st.VisitID)
		}
	}
	for _, id := range visits {
		lines, err := s.Snapshots.Lines(ctx, id)
		if err != nil {
			return nil, err
		}
		var judged map[string]visit.Judged
		if slices.ContainsFunc(lines, func(l snapshot.Line) bool { return l.SubjectKind == string(evidence.OnVisit) }) { // a look
			v, err := s.Visits.Get(ctx, a, id)
			switch {
			case err == nil:
				judged = v.State.Judged
			case inspection.CodeOf(err) != inspection.NotFound:
				return nil, err
			}
		}
		for _, l := range lines {
			if l.State == snapshot.Failed && (l.SubjectID == d.ID || id == d.VisitID && l.SubjectID == d.ItemKey) {
				failed = append(failed, stillLine{Line: l})
			}
			if at := slices.IndexFunc(photos, func(p photo) bool { return l.FileID != "" && p.ID == l.FileID }); at >= 0 {
				photos[at].Camera = l.Camera
				if j, ok := judged[l.ID]; ok {
					photos[at].Judged = &j
				}
			}
		}
	}
	return failed, nil
}

// decideStill gives leave for a still, or none, with a reason.
func (s *Server) decideStill(c echo.Context) error {
	leave := c.FormValue("leave") == "1"
	if err := s.Snapshots.Decide(c.Request().Context(), actor(c), c.Param("request"), leave, c.FormValue("reason")); err != nil {
		if c.FormValue("back") == "look" {
			return s.lookAgain(c, err, "leave-"+c.Param("request"))
		}
		return err
	}
	if c.FormValue("back") == "look" {
		return c.Redirect(http.StatusSeeOther, "/visits/"+c.Param("id")+"/look?done=still_decided#still-"+c.Param("request"))
	}
	return c.Redirect(http.StatusSeeOther, "/visits/"+c.Param("id")+"/photos?done=still_decided#stills")
}
