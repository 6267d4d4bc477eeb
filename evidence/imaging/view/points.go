package view

import (
	"cmp"
	"math"
	"slices"
)

// point is a corner: something that can be told from what is around it in every
// direction.
type point struct {
	x, y  float64 // from the centre, in widths
	size  float64 // of its surroundings that are described, in widths; for comparing
	level int
	look  [looks]float32 // a description of its surroundings, of length 1
}

const (
	levels      = 6    // of size at which corners are looked for
	shrink      = 1.26 // from one to the next
	perLevel    = 260  // corners in the first; less in those that are smaller
	cellsAcross = 8    // so many cells share them out, so that a busy corner does not take all
	reach       = 12   // pixels on each side that are described
	quarters    = 4    // parts of that, each way
	directions  = 6    // of a line in each part
	looks       = quarters * quarters * directions
	faint       = 1.0 // what a corner must be above, in squared steps of 255 a pixel
)

func pointsOf(p *plane) []point {
	var all []point
	width := p.w
	for level := range levels {
		if level > 0 {
			p = p.blur(1, 1).resize(int(float64(p.w)/shrink), int(float64(p.h)/shrink))
		}
		if min(p.w, p.h) < 3*reach {
			break
		}
		all = append(all, pointsAt(p, level, float64(width))...)
	}
	return all
}

// pointsAt finds and describes the corners at one size.
func pointsAt(p *plane, level int, width float64) []point {
	s := p.blur(1, 2)
	size, way := newPlane(p.w, p.h), newPlane(p.w, p.h)
	xx, yy, xy := newPlane(p.w, p.h), newPlane(p.w, p.h), newPlane(p.w, p.h)
	for y := 1; y < p.h-1; y++ {
		for x := 1; x < p.w-1; x++ {
			i := y*p.w + x
			u, v := s.slope(i)
			size.pix[i] = float32(math.Hypot(float64(u), float64(v)))
			way.pix[i] = directions * turned(u, v)
			xx.pix[i], yy.pix[i], xy.pix[i] = u*u, v*v, u*v
		}
	}
	xx, yy, xy = xx.blur(2, 2), yy.blur(2, 2), xy.blur(2, 2)
	corner := newPlane(p.w, p.h)
	for i := range corner.pix {
		a, b, c := float64(xx.pix[i]), float64(yy.pix[i]), float64(xy.pix[i])
		corner.pix[i] = float32((a+b)/2 - math.Sqrt((a-b)*(a-b)/4+c*c))
	}
	type peak struct {
		x, y int
		size float32
	}
	down := max(1, (cellsAcross*p.h+p.w/2)/p.w)
	cells := make([][]peak, cellsAcross*down)
	for y := reach; y < p.h-reach; y++ {
		for x := reach; x < p.w-reach; x++ {
			i := y*p.w + x
			c := corner.pix[i]
			if c < faint || c < corner.pix[i-1] || c <= corner.pix[i+1] || c < corner.pix[i-p.w] || c <= corner.pix[i+p.w] ||
				c < corner.pix[i-p.w-1] || c < corner.pix[i-p.w+1] || c <= corner.pix[i+p.w-1] || c <= corner.pix[i+p.w+1] {
				continue
			}
			k := y*down/p.h*cellsAcross + x*cellsAcross/p.w
			cells[k] = append(cells[k], peak{x, y, c})
		}
	}
	share := int(math.Ceil(perLevel * float64(p.w) / width / float64(len(cells))))
	var out []point
	for _, cell := range cells {
		slices.SortStableFunc(cell, func(a, b peak) int { return cmp.Compare(b.size, a.size) })
		for _, k := range cell[:min(len(cell), share)] {
			i := k.y*p.w + k.x
			x := float64(k.x) + vertex(corner.pix[i-1], corner.pix[i], corner.pix[i+1])
			y := float64(k.y) + vertex(corner.pix[i-p.w], corner.pix[i], corner.pix[i+p.w])
			w := float64(p.w)
			q := point{x: (x + 0.5 - w/2) / w, y: (y + 0.5 - float64(p.h)/2) / w, size: 1 / w, level: level}
			describe(size, way, x, y, &q.look)
			out = append(out, q)
		}
	}
	return out
}

// vertex is where the parabola through three neighbours has its top.
func vertex(a, b, c float32) float64 {
	d := float64(a - 2*b + c)
	if d >= 0 {
		return 0
	}
	return min(0.5, max(-0.5, float64(a-c)/(2*d)))
}

// describe counts the lines around a point by place and direction, as SIFT does (Lowe
// 2004) but without turning to a main direction, for views are hardly turned, and without
// telling light on dark from dark on light.
func describe(size, way *plane, cx, cy float64, look *[looks]float32) {
	x0, y0 := int(math.Round(cx)), int(math.Round(cy))
	for y := max(1, y0-reach); y <= min(size.h-2, y0+reach); y++ {
		iy, py := quarter(float64(y) - cy)
		for x := max(1, x0-reach); x <= min(size.w-2, x0+reach); x++ {
			i := y*size.w + x
			m := size.pix[i] * fade[abs(y-y0)] * fade[abs(x-x0)]
			if m == 0 {
				continue
			}
			ix, px := quarter(float64(x) - cx)
			ia := int(way.pix[i])
			pa := way.pix[i] - float32(ia)
			if ia >= directions {
				ia = 0
			}
			ib := ia + 1
			if ib == directions {
				ib = 0
			}
			for j, wy := range [...]float32{1 - py, py} {
				if iy+j < 0 || iy+j >= quarters {
					continue
				}
				for k, wx := range [...]float32{1 - px, px} {
					if ix+k < 0 || ix+k >= quarters {
						continue
					}
					at := ((iy+j)*quarters + ix + k) * directions
					w := m * wy * wx
					look[at+ia] += w * (1 - pa)
					look[at+ib] += w * pa
				}
			}
		}
	}
	// No line counts for more than a fifth.
	for range 2 {
		sum := float32(0)
		for _, v := range look {
			sum += v * v
		}
		if sum == 0 {
			return
		}
		k := 1 / float32(math.Sqrt(float64(sum)))
		for i := range look {
			look[i] = min(0.25, look[i]*k)
		}
	}
}

// quarter is the part before d, a distance from the point, and how far d lies behind its
// middle.
func quarter(d float64) (int, float32) {
	f := (d/(2*reach)+0.5)*quarters - 0.5
	i := math.Floor(f)
	return int(i), float32(f - i)
}

// turned is the direction of a slope in half turns, 0 to 1, up and down being one; right
// within a third of a degree, which is nothing beside the width of a bin.
func turned(u, v float32) float32 {
	a, b := max(u, -u), max(v, -v)
	most := max(a, b)
	if most == 0 {
		return 0
	}
	z := min(a, b) / most
	t := z * (0.9724 - 0.1919*z*z) / math.Pi
	if b > a {
		t = 0.5 - t
	}
	if (u < 0) != (v < 0) {
		t = 1 - t
	}
	return t
}

// fade is how much less counts what lies so many pixels away.
var fade = func() (out [reach + 1]float32) {
	for i := range out {
		out[i] = float32(math.Exp(-float64(i*i) / (reach * reach)))
	}
	return
}()

func abs(i int) int { return max(i, -i) }

// pair is a point of either picture that may be the same corner.
type pair struct {
	a, b  *point
	doubt float32 // how near the second best came, 0 to 1
	place int     // of a in the first picture; see align
}

const (
	// apart is how far from each other, in widths, two points are different corners.
	apart = 0.03
	// doubtful is how near the second best corner may come to the best, in distance.
	doubtful = 0.88
	// nearLevels is how far the sizes may be from each other at which a corner is found.
	nearLevels = 3
	// maxPairs bounds the work of align, which goes with the cube.
	maxPairs = 300
	// burnt is the band at the top and at the bottom, as a share of the height, in which
	// cameras write their name and the time (imaging's look leaves it out too): what is
	// in it on both pictures, at the same place, bears no witness.
	burnt = 1.0 / 8
)

// pairs finds for each point of a the one of b that looks most like it, keeps those that
// are sure of it, and returns the surest.
func pairs(a, b *picture) []pair {
	of, among := pointsOf(a.grey), pointsOf(b.grey)
	n := len(among)
	if n == 0 {
		return nil
	}
	type best struct {
		at int
		d  float32
	}
	back := make([]best, n) // for each of b the nearest of a
	for j := range back {
		back[j] = best{-1, 9}
	}
	forth := make([]best, len(of))
	ratio := make([]float32, len(of))
	row := make([]float32, n)
	for i := range of {
		p := &of[i]
		first := best{-1, 9}
		for j := range among {
			q := &among[j]
			row[j] = 9
			if d := p.level - q.level; d > nearLevels || d < -nearLevels {
				continue
			}
			d := 2 - 2*dot(&p.look, &q.look)
			row[j] = d
			if d < first.d {
				first = best{j, d}
			}
			if d < back[j].d {
				back[j] = best{i, d}
			}
		}
		forth[i] = first
		if first.at < 0 {
			continue
		}
		f := &among[first.at]
		second := float32(9)
		for j, d := range row {
			if q := &among[j]; d < second && math.Abs(q.x-f.x)+math.Abs(q.y-f.y) > apart {
				second = d
			}
		}
		ratio[i] = float32(math.Sqrt(float64(max(0, first.d) / max(second, 1e-6))))
	}
	var out []pair
	for i, f := range forth {
		if f.at < 0 || back[f.at].at != i || ratio[i] > doubtful {
			continue
		}
		p, q := &of[i], &among[f.at]
		if inBand(p, a.height) && inBand(q, b.height) && math.Abs(p.x-q.x) < 0.01 && math.Abs(p.y/a.height-q.y/b.height) < 0.01 {
			continue
		}
		out = append(out, pair{p, q, ratio[i], 0})
	}
	slices.SortStableFunc(out, func(p, q pair) int { return cmp.Compare(p.doubt, q.doubt) })
	return out[:min(len(out), maxPairs)]
}

func inBand(p *point, height float64) bool { return math.Abs(p.y)/height > 0.5-burnt }

func dot(a, b *[looks]float32) float32 {
	var s0, s1, s2, s3 float32
	for i := 0; i < looks; i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	return s0 + s1 + s2 + s3
}
