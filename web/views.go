package web

import (
	"context"
	"fmt"
	"net/http"

	"congvu/evidence"
	"congvu/evidence/imaging/view"
	"congvu/evidence/snapshot"
	"congvu/inspection"

	"github.com/labstack/echo/v4"
)

// viewsMost bounds how many pictures of each side are compared for one finding.
const viewsMost = 4

// viewPair is a picture from before and one from after, laid upon each other.
type viewPair struct {
	evidence.Views
	Before, After photo
	Camera        string // its name where both are stills of one, empty for photographs
}

// Moved and Other tell what is to be said of the view.
func (p viewPair) Moved() bool { return p.Verdict == view.Moved }

// Other tells that nothing could be aligned.
func (p viewPair) Other() bool { return p.Verdict == view.Other }

// Address is where a picture is.
func (viewPair) Address(s evidence.Shown) string { return "/files/" + s.ID + "/" + string(s.Variant) }

// across is how wide a picture is drawn; heights follow.
const across = 1000

// Down is the height of a picture as it is drawn.
func (viewPair) Down(s evidence.Shown) string { return fmt.Sprintf("%.1f", across*s.Height) }

// Up is where the second picture begins when its centre is the origin.
func (p viewPair) Up() string { return fmt.Sprintf("%.1f", -across*p.Second.Height/2) }

// Lay is the transform of SVG that lays the second picture, its centre in the origin, onto
// the first.
func (p viewPair) Lay() string {
	t := p.Transform
	return fmt.Sprintf("translate(%.2f %.2f) rotate(%.3f) scale(%.4f)", across*(0.5+t.X), across*(p.First.Height/2+t.Y), t.Turn, t.Scale)
}

// beforeAfter parts the pictures that hang on a finding: those from its own check, and
// those of the remedy and of re-inspections.
func beforeAfter(own []photo, visit string) (before, after []photo) {
	for _, p := range own {
		if p.Role == string(evidence.After) || p.Item.Visit != visit {
			after = append(after, p)
		} else {
			before = append(before, p)
		}
	}
	return before, after
}

// comparable are the pictures that can be laid upon others: what this reader sees small,
// without what was drawn on.
func comparable(photos []photo) (out []photo) {
	for _, p := range photos {
		if p.Thumb != "" && !p.Sketch && !p.Document && p.Item.Of == "" && len(out) < viewsMost {
			out = append(out, p)
		}
	}
	return out
}

// viewPairs lays pictures from after onto those from before: a still onto the first one of
// the same camera and preset; a photograph onto the one that it agrees with best, if with
// any.
func (s *Server) viewPairs(ctx context.Context, a inspection.Actor, before, after []photo) ([]viewPair, error) {
	before, after = comparable(before), comparable(after)
	if len(before) == 0 || len(after) == 0 {
		return nil, nil
	}
	var ids []string
	for _, p := range append(append([]photo{}, before...), after...) {
		ids = append(ids, p.ID)
	}
	stills, err := s.Snapshots.OfFiles(ctx, ids...)
	if err != nil {
		return nil, err
	}
	var pairs []viewPair
	for _, late := range after {
		var best *viewPair
		for _, early := range before {
			one, still := stills[early.ID]
			two, again := stills[late.ID]
			if still != again || still && !sameView(one, two) || still && best != nil {
				continue
			}
			v, err := s.Evidence.CompareViews(ctx, a, early.ID, late.ID)
			if inspection.CodeOf(err) == inspection.NotFound { // its small form is not made yet
				continue
			}
			if err != nil {
				return nil, err
			}
			if !still && (v.Verdict == view.Other || best != nil && best.Similarity >= v.Similarity) {
				continue
			}
			best = &viewPair{Views: v, Before: early, After: late}
			if still {
				best.Camera = one.CameraID
			}
		}
		if best != nil {
			pairs = append(pairs, *best)
		}
	}
	return pairs, s.nameCameras(ctx, pairs)
}

// sameView tells whether two stills are of one camera that looked the same way.
func sameView(one, two snapshot.Request) bool {
	return one.CameraID == two.CameraID && one.Preset == two.Preset
}

func (s *Server) nameCameras(ctx context.Context, pairs []viewPair) error {
	for i := range pairs {
		if pairs[i].Camera == "" {
			continue
		}
		name, err := s.Snapshots.NameOf(ctx, pairs[i].Camera)
		if err != nil {
			return err
		}
		pairs[i].Camera = name
	}
	return nil
}

type viewsPage struct {
	Base
	Finding string
	Pairs   []viewPair
	Script  string
}

// findingViews shows how the view has changed between the pictures of a finding. It takes
// up to a quarter of a second for each pair that nobody has asked for yet.
func (s *Server) findingViews(c echo.Context) error {
	ctx, a := c.Request().Context(), actor(c)
	d, err := s.Findings.Get(ctx, a, c.Param("id"))
	if err != nil {
		return err
	}
	own, err := s.photosOn(c, "", evidence.OnFinding, d.ID)
	if err != nil {
		return err
	}
	page := viewsPage{Base: s.base(c, "views.title"), Finding: d.ID, Script: s.asset("views.js")}
	before, after := beforeAfter(own, d.VisitID)
	if page.Pairs, err = s.viewPairs(ctx, a, before, after); err != nil {
		return err
	}
	return s.render(c, http.StatusOK, "views", page)
}
