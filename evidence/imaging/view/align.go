package view

import (
	"cmp"
	"math"
	"slices"
)

const (
	// near is how far from where an alignment says, in widths, a point may lie and still
	// bear witness. A camera that is turned does not shift its picture, it draws it
	// anew: towards the edges of a wide lens a similarity is off by some percent.
	near = 0.02
	// placesAcross is how many places a picture's width has; points in one place bear
	// one witness, so that a face or a poster that was carried off does not outvote the
	// room.
	placesAcross = 14
	// different is how far two alignments lay a corner of the picture apart, in widths,
	// to be two.
	different = 0.03
	// patchSide is the square, in widths, that one notice or one machine may fill.
	patchSide = 0.4
)

// align finds the alignment to which points in most places bear witness, the nearer the
// better, and the next best that differs from it. Every two pairs are a proposal; nothing is left to chance.
func align(a, b *picture) []alignment {
	list := pairs(a, b)
	for i := range list {
		p := &list[i]
		p.place = int((p.a.y+a.height/2)*placesAcross)*placesAcross + int((p.a.x+0.5)*placesAcross)
	}
	slices.SortStableFunc(list, func(p, q pair) int { return cmp.Compare(p.place, q.place) })
	first, ok := propose(list, a.height, nil)
	if !ok {
		return nil
	}
	out := []alignment{first}
	if second, ok := propose(list, a.height, &first.t); ok {
		out = append(out, second)
	}
	return out
}

// propose is the best alignment, of those that differ from another, fitted.
func propose(list []pair, height float64, other *Transform) (alignment, bool) {
	best, most := Identity, 0.0
	for i := range list {
		for j := range i {
			t, ok := through(&list[i], &list[j])
			if !ok || other != nil && t.apart(*other, height) < different {
				continue
			}
			if exact, _ := support(list, t); exact > most {
				best, most = t, exact
			}
		}
	}
	if most == 0 {
		return alignment{}, false
	}
	for range 6 {
		best = fit(list, best)
	}
	_, places := support(list, best)
	return alignment{best, list, places}, true
}

// alignment is a proposal and who bears witness to it.
type alignment struct {
	t      Transform
	pairs  []pair
	places int
}

// patch is the square of patchSide widths that holds most witnesses, and how many stand
// outside of it.
func (a alignment) patch() (square, int) {
	var at []*point
	for _, p := range a.pairs {
		if x, y := a.t.at(p.b.x, p.b.y); math.Hypot(x-p.a.x, y-p.a.y) <= near {
			at = append(at, p.a)
		}
	}
	best, least := square{}, len(at)
	for _, left := range at {
		for _, top := range at {
			s := square{left.x, top.y, patchSide}
			outside := 0
			for _, p := range at {
				if !s.holds(p.x, p.y) {
					outside++
				}
			}
			if outside < least {
				best, least = s, outside
			}
		}
	}
	return best, least
}

// square is a part of the first picture, in widths from its centre.
type square struct{ left, top, side float64 }

func (s square) holds(x, y float64) bool {
	return x >= s.left && x <= s.left+s.side && y >= s.top && y <= s.top+s.side
}

// through is the similarity that lays two points of the second picture onto those of the
// first. Not ok where they are so close that it would be a guess, or beyond what is
// looked for, or not of the size that the points were found at.
func through(p, q *pair) (Transform, bool) {
	ax, ay := q.a.x-p.a.x, q.a.y-p.a.y
	bx, by := q.b.x-p.b.x, q.b.y-p.b.y
	bb := bx*bx + by*by
	aa := ax*ax + ay*ay
	if aa < 0.1*0.1 || bb < 0.1*0.1 {
		return Transform{}, false
	}
	// (ax + i·ay) / (bx + i·by)
	re, im := (ax*bx+ay*by)/bb, (ay*bx-ax*by)/bb
	t := Transform{Scale: math.Sqrt(aa / bb), Turn: math.Atan2(im, re) * 180 / math.Pi}
	if !within(t) {
		return Transform{}, false
	}
	for _, k := range [...]*pair{p, q} {
		if r := k.a.size / k.b.size / t.Scale; r > 1.5 || r < 1/1.5 {
			return Transform{}, false
		}
	}
	x, y := t.at(p.b.x, p.b.y)
	t.X, t.Y = p.a.x-x, p.a.y-y
	return t, math.Abs(t.X) < 1 && math.Abs(t.Y) < 1
}

// support adds up, over the places of the first picture, how exactly the best witness of
// each lies where t says, 0 to 1 (with the square of how far it is off); and counts the
// places that have one. The list is in the order of places.
func support(list []pair, t Transform) (exact float64, places int) {
	s, c := math.Sincos(t.Turn * math.Pi / 180)
	s, c = s*t.Scale, c*t.Scale
	at, best := -1, 0.0
	for i := range list {
		p := &list[i]
		dx := c*p.b.x - s*p.b.y + t.X - p.a.x
		dy := s*p.b.x + c*p.b.y + t.Y - p.a.y
		w := 1 - (dx*dx+dy*dy)/(near*near)
		switch {
		case w <= 0:
		case p.place != at:
			at, best = p.place, w
			exact += w
			places++
		case w > best:
			exact += w - best
			best = w
		}
	}
	return exact, places
}

// fit is the similarity of least squares through the pairs that are near t, the nearer
// the weightier (Tukey).
func fit(list []pair, t Transform) Transform {
	var sw, sax, say, sbx, sby float64
	weight := make([]float64, len(list))
	for i := range list {
		p := &list[i]
		x, y := t.at(p.b.x, p.b.y)
		d := ((x-p.a.x)*(x-p.a.x) + (y-p.a.y)*(y-p.a.y)) / (1.5 * 1.5 * near * near)
		if d >= 1 {
			continue
		}
		w := (1 - d) * (1 - d)
		weight[i] = w
		sw += w
		sax += w * p.a.x
		say += w * p.a.y
		sbx += w * p.b.x
		sby += w * p.b.y
	}
	if sw == 0 {
		return t
	}
	sax, say, sbx, sby = sax/sw, say/sw, sbx/sw, sby/sw
	var re, im, bb float64
	for i, w := range weight {
		if w == 0 {
			continue
		}
		ax, ay := list[i].a.x-sax, list[i].a.y-say
		bx, by := list[i].b.x-sbx, list[i].b.y-sby
		re += w * (ax*bx + ay*by)
		im += w * (ay*bx - ax*by)
		bb += w * (bx*bx + by*by)
	}
	if bb == 0 || re == 0 && im == 0 {
		return t
	}
	u := Transform{Scale: math.Hypot(re, im) / bb, Turn: math.Atan2(im, re) * 180 / math.Pi}
	x, y := u.at(sbx, sby)
	u.X, u.Y = sax-x, say-y
	return u
}
