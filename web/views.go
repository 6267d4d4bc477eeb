package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"congvu/evidence"
	"congvu/evidence/imaging/view"
	"congvu/evidence/snapshot"
	"congvu/inspection"

	"github.com/labstack/echo/v4"
)

// How many photographs of each side are compared for one finding, how many stills, and
// after how many failures nothing more is tried, for the store is down.
const (
	viewsMost    = 4
	stillsMost   = 12
	failuresMost = 3
)

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
		if p.Thumb != "" && !p.Sketch && !p.Document && p.Item.Of == "" {
			out = append(out, p)
		}
	}
	return out
}

// viewChoice is a picture from after and those from before that it may be laid onto.
type viewChoice struct {
	late   photo
	early  []photo
	camera string // the id of the one whose stills they are, empty for photographs
}

// viewChoices finds what is to be compared. A still goes with the first one of the same
// camera and preset, whatever became of that one, and with no other; a photograph with
// photographs, of which the first from before and the last from after are taken.
func viewChoices(before, after []photo, stills map[string]snapshot.Request) (out []viewChoice) {
	first := map[[2]string]photo{}
	var byHand []photo
	for _, p := range before {
		r, still := stills[p.ID]
		if !still {
			byHand = append(byHand, p)
			continue
		}
		view := [2]string{r.CameraID, r.Preset}
		if there, ok := first[view]; !ok || r.TakenAt < stills[there.ID].TakenAt {
			first[view] = p
		}
	}
	byHand = byHand[:min(len(byHand), viewsMost)]
	photos, seen := 0, 0
	for _, late := range slices.Backward(after) {
		if r, still := stills[late.ID]; still {
			if early, ok := first[[2]string{r.CameraID, r.Preset}]; ok && seen < stillsMost {
				out, seen = append(out, viewChoice{late, []photo{early}, r.CameraID}), seen+1
			}
		} else if len(byHand) > 0 && photos < viewsMost {
			out, photos = append(out, viewChoice{late: late, early: byHand}), photos+1
		}
	}
	slices.Reverse(out)
	return out
}

// viewPairs lays pictures from after onto those from before (viewChoices): a photograph
// onto the one that it agrees with best, if with any. Missed is why a pair could not be
// compared, where one could not: the others are there. Comparing ends with patience.
func (s *Server) viewPairs(ctx, patience context.Context, a inspection.Actor, before, after []photo) (pairs []viewPair, missed, err error) {
	before, after = comparable(before), comparable(after)
	if len(before) == 0 || len(after) == 0 {
		return nil, nil, nil
	}
	var ids []string
	for _, p := range slices.Concat(before, after) {
		ids = append(ids, p.ID)
	}
	stills, err := s.Snapshots.OfFiles(ctx, ids...)
	if err != nil {
		return nil, nil, err
	}
	failures := 0
	for _, choice := range viewChoices(before, after, stills) {
		var best *viewPair
		for _, early := range choice.early {
			if failures >= failuresMost {
				break
			}
			v, err := s.Evidence.CompareViews(patience, a, early.ID, choice.late.ID)
			switch code := inspection.CodeOf(err); {
			case err == nil:
			case code == inspection.NotFound || code == inspection.Invalid || code == inspection.TooLarge: // its small form is not made yet, or broken
				continue
			default:
				failures++
				missed = err
				continue
			}
			if choice.camera == "" && (v.Verdict == view.Other || best != nil && best.Similarity >= v.Similarity) {
				continue
			}
			best = &viewPair{Views: v, Before: early, After: choice.late}
		}
		if best == nil {
			continue
		}
		best.Camera = stills[choice.late.ID].Camera
		pairs = append(pairs, *best)
	}
	if missed != nil {
		slog.Warn("comparing views", "error", missed.Error())
	}
	return pairs, missed, nil
}

type viewsPage struct {
	Base
	Finding string
	Pairs   []viewPair
	Missed  bool // some pair could not be compared
	Script  string
}

// findingViews shows how the view has changed between the pictures of a finding. It takes
// up to a third of a second for each pair that nobody has asked for yet.
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
	pairs, missed, err := s.viewPairs(ctx, ctx, a, before, after)
	if err != nil {
		return err
	}
	if len(pairs) == 0 && missed != nil {
		return missed
	}
	page.Pairs, page.Missed = pairs, missed != nil
	return s.render(c, http.StatusOK, "views", page)
}
