package view

import (
	"image"
	"math"
)

// Verdict says what became of a view.
type Verdict string

// The verdicts.
const (
	// Same: the camera stands and looks as it did, within Still.
	Same Verdict = "SAME"
	// Moved: the same place, seen by a camera that was turned, shifted or zoomed. The
	// second picture is aligned all the same.
	Moved Verdict = "MOVED"
	// Other: no correspondence that could be relied upon. Nothing is aligned.
	Other Verdict = "OTHER"
)

// Still is how far a point of the picture may have gone, as a share of the picture's
// width, for the view to count as the same: 2 %. A dome that is knocked while it is
// dusted or returns to a preset goes less than half of it; a turn by which something at
// the edge leaves or enters the picture is more. It is far above what the method errs by
// (see the tests) and roughly what a person notices when they flip between two pictures.
const Still = 0.02

// What is looked for, and no more. A ghost overlay and a preset keep a picture well
// within; what is beyond is OTHER, since the wider one looks the more false agreement
// one finds.
const (
	MaxTurn    = 20.0 // degrees, either way
	MaxZoom    = 1.6  // and its inverse
	MinOverlap = 0.35 // share of either picture that the other must show too
)

// Transform lays the second picture onto the first. Both are thought as wide as the
// frame that they are shown in (each with its own height, nothing cropped or squeezed)
// and centre upon centre; the second is then scaled and turned about its centre and
// shifted. X and Y are shares of the frame's width W, to the right and downwards; Turn
// is degrees clockwise. In CSS, with the origin in the centre:
//
//	transform: translate(X·W, Y·W) rotate(Turn deg) scale(Scale)
type Transform struct {
	X     float64 `json:"x"`
	Y     float64 `json:"y"`
	Turn  float64 `json:"turn"`
	Scale float64 `json:"scale"`
}

// Identity leaves the second picture where it is.
var Identity = Transform{Scale: 1}

// at is where a point of the second picture comes to lie; both from the centre, in
// widths.
func (t Transform) at(x, y float64) (float64, float64) {
	s, c := math.Sincos(t.Turn * math.Pi / 180)
	return t.Scale*(c*x-s*y) + t.X, t.Scale*(s*x+c*y) + t.Y
}

// inverse is the transform that lays the first onto the second.
func (t Transform) inverse() Transform {
	i := Transform{Turn: -t.Turn, Scale: 1 / t.Scale}
	x, y := i.at(t.X, t.Y)
	i.X, i.Y = -x, -y
	return i
}

// apart is how far apart, in widths, two transforms lay that corner of a picture of the
// given height in widths for which they differ most.
func (t Transform) apart(other Transform, height float64) float64 {
	far := 0.0
	for _, x := range []float64{-0.5, 0.5} {
		for _, y := range []float64{-height / 2, height / 2} {
			u, v := t.at(x, y)
			p, q := other.at(x, y)
			far = max(far, math.Hypot(u-p, v-q))
		}
	}
	return far
}

// shift is how far the corner that goes furthest goes.
func (t Transform) shift(height float64) float64 { return t.apart(Identity, height) }

// Comparison is what two pictures say about the view.
type Comparison struct {
	Verdict Verdict `json:"verdict"`
	// Transform is Identity where the verdict is OTHER.
	Transform Transform `json:"transform"`
	// Similarity, 0 to 100, is the correlation of edges where the aligned pictures
	// overlap: 100 for the same picture, near 0 for two that have nothing to do with
	// each other. Where the verdict is OTHER it is 0: there is nothing to measure on.
	Similarity int `json:"similarity"`
	// Overlap is the share of the first picture that the aligned second covers, 0 to 1.
	Overlap float64 `json:"overlap"`
}

// Agreement that is asked for. Of scenes that have nothing to do with each other, the best
// alignment has witnesses in two places, seldom three, and correlates by 0.05 to 0.15; of
// the same scene half hidden, hardly ever in fewer than six.
const (
	// Points in so many different places of the picture must agree on an alignment, and
	// the edges correlate by so much: few witnesses need good edges, many make do with
	// what another light left of them. Two points make an alignment, any two; the others
	// bear witness.
	fewPlaces, fewFigure   = 6, 0.25
	manyPlaces, manyFigure = 14, 0.12
	// Outside of the patch that holds most of them there must be so many points still, or
	// the edges there must agree by so much.
	fewOutside, outsideFigure = 4, 0.2
	// aloneFigure is the correlation on which pictures laid upon each other as they
	// are count as the same view, even where points do not bear witness: bare walls,
	// repeating patterns.
	aloneFigure = 0.45
	// margin is by how much the correlation must fall when such a pair is shifted by
	// peak widths in any direction. Without it stripes would agree with stripes.
	margin = 0.12
	peak   = 0.04
	// gain is by how much an alignment must correlate better than another, or than none, to
	// be preferred to it.
	gain = 0.03
)

// Compare says what became of the view between two upright pictures, each as
// imaging.Work derives them (preview) or as Reduce made it. It is pure: the same
// pictures give the same answer. It never fails; what is too small, too flat or too long
// and thin to be compared is OTHER.
func Compare(first, second image.Image) Comparison {
	none := Comparison{Verdict: Other, Transform: Identity}
	one, two := Reduce(first), Reduce(second)
	w := min(one.Bounds().Dx(), two.Bounds().Dx())
	a, b := newPicture(one, w), newPicture(two, w)
	if a == nil || b == nil {
		return none
	}
	best, figure, found := Identity, 0.0, false
	for _, p := range align(a, b) {
		if p.places < fewPlaces {
			continue
		}
		t, f := refine(a, b, p.t)
		if !within(t) || f < manyFigure || f < fewFigure && p.places < manyPlaces || !everywhere(a, b, p) {
			continue
		}
		if found && t.apart(best, a.height) > different && math.Abs(f-figure) < gain {
			return none // one of two, and nothing says which
		}
		if !found || f > figure {
			best, figure, found = t, f, true
		}
	}
	// That nothing changed needs no witnesses, and is believed before what is hardly
	// better.
	if !found || best.shift(a.height) > Still {
		t, f := refine(a, b, Identity)
		if t.shift(a.height) <= Still && (found && f > figure-gain || !found && f >= aloneFigure && distinct(a, b, t, f)) {
			best, figure, found = t, f, true
		}
	}
	if !found || best.shift(a.height) > Still && repeats(a, b, best, figure) {
		return none
	}
	overlap := covered(a, b, best)
	if overlap < MinOverlap || covered(b, a, best.inverse()) < MinOverlap {
		return none
	}
	c := Comparison{Verdict: Moved, Transform: best, Similarity: int(math.Round(100 * min(1, max(0, figure)))), Overlap: overlap}
	if best.shift(a.height) <= Still {
		c.Verdict = Same
	}
	return c
}

func within(t Transform) bool {
	return math.Abs(t.Turn) <= MaxTurn && t.Scale <= MaxZoom && t.Scale >= 1/MaxZoom
}

// everywhere says whether more agrees than one thing. The same notice hangs in many
// offices, the same machine stands in them, and they are not the room. Asked before edges
// refine the alignment, for they would find other counters to lie upon.
func everywhere(a, b *picture, p alignment) bool {
	patch, outside := p.patch()
	return outside >= fewOutside || correlate(a, b, p.t, 1, patch) >= outsideFigure
}

// distinct tells an alignment from one among many: shifted a little, the pictures must
// agree clearly less.
func distinct(a, b *picture, t Transform, figure float64) bool {
	for i := range 8 {
		s, c := math.Sincos(float64(i) * math.Pi / 4)
		u := t
		u.X, u.Y = t.X+peak*c, t.Y+peak*s
		if correlate(a, b, u, 2, square{}) > figure-margin {
			return false
		}
	}
	return true
}

// How far the second picture is shifted to see whether it would lie as well elsewhere, in
// widths and by what steps: less than the peak of an alignment is wide.
const (
	farAcross, farDown = 0.5, 0.3
	stride             = peak / 2
)

// repeats says whether a shifted alignment would do as well: a row of counters lies upon
// itself one counter further, and points on it bear witness to that.
func repeats(a, b *picture, t Transform, figure float64) bool {
	other, most := t, -1.0
	for x := -farAcross; x <= farAcross; x += stride {
		for y := -farDown; y <= farDown; y += stride {
			if math.Hypot(x, y) <= peak {
				continue
			}
			u := t
			u.X, u.Y = t.X+x, t.Y+y
			if f := correlate(a, b, u, 4, square{}); f > most {
				other, most = u, f
			}
		}
	}
	u, f := refine(a, b, other)
	return u.apart(t, a.height) > different && f > figure-gain
}
