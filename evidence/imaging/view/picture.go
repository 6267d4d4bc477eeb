package view

import (
	"image"
	"image/color"
	"math"
)

// Side is the longest side that pictures are compared at, in pixels: enough for a sign
// on a wall, and little enough that a pair takes a fraction of a second.
const Side = 640

// leastSide is the shortest side in pixels that anything can be told from.
const leastSide = 64

// plane is a picture of one number a pixel.
type plane struct {
	w, h int
	pix  []float32
}

func newPlane(w, h int) *plane { return &plane{w, h, make([]float32, w*h)} }

// Reduce makes the picture that Compare looks at: grey, its longest side at most Side.
// Who may not keep a picture (imaging.Work.See) keeps this one; reducing it again
// changes nothing. Memory does not depend on the picture's size.
func Reduce(img image.Image) *image.Gray {
	if img == nil || img.Bounds().Empty() {
		return image.NewGray(image.Rectangle{})
	}
	b := img.Bounds()
	sw, sh := b.Dx(), b.Dy()
	if g, ok := img.(*image.Gray); ok && max(sw, sh) <= Side {
		return g
	}
	// First whole pixels together, then the rest between neighbours.
	n := max(1, max(sw, sh)/Side)
	p := newPlane(max(1, sw/n), max(1, sh/n))
	row := lightRow(img)
	line := make([]uint8, sw)
	for y := range min(sh, p.h*n) {
		row(b.Min.Y+y, line)
		out := p.pix[y/n*p.w:][:p.w]
		for x, v := range line[:min(sw, p.w*n)] {
			out[x/n] += float32(v)
		}
	}
	k := 1 / float32(min(n, sw)*min(n, sh))
	for i := range p.pix {
		p.pix[i] *= k
	}
	if long := max(sw, sh); long > Side {
		p = p.resize(max(1, (sw*Side+long/2)/long), max(1, (sh*Side+long/2)/long))
	}
	dst := image.NewGray(image.Rect(0, 0, p.w, p.h))
	for i, v := range p.pix {
		dst.Pix[i] = uint8(v + 0.5)
	}
	return dst
}

// lightRow reads the lightness of one row, on white where the picture is transparent.
func lightRow(img image.Image) func(y int, line []uint8) {
	b := img.Bounds()
	switch img := img.(type) {
	case *image.YCbCr:
		return func(y int, line []uint8) { copy(line, img.Y[img.YOffset(b.Min.X, y):]) }
	case *image.Gray:
		return func(y int, line []uint8) { copy(line, img.Pix[img.PixOffset(b.Min.X, y):]) }
	case *image.RGBA:
		return func(y int, line []uint8) {
			pix := img.Pix[img.PixOffset(b.Min.X, y):]
			for x := range line {
				p := pix[4*x:][:4]
				white := uint32(0xff - p[3])
				line[x] = uint8((299*(uint32(p[0])+white) + 587*(uint32(p[1])+white) + 114*(uint32(p[2])+white) + 500) / 1000)
			}
		}
	default:
		return func(y int, line []uint8) {
			for x := range line {
				r, g, bl, a := img.At(b.Min.X+x, y).RGBA()
				white := 0xffff - a
				line[x] = color.GrayModel.Convert(color.RGBA64{uint16(r + white), uint16(g + white), uint16(bl + white), 0xffff}).(color.Gray).Y
			}
		}
	}
}

// resize draws the plane anew between its neighbouring pixels; for less than half the
// size it would leave pixels out.
func (p *plane) resize(w, h int) *plane {
	if w == p.w && h == p.h {
		return p
	}
	out := newPlane(w, h)
	kx, ky := float64(p.w)/float64(w), float64(p.h)/float64(h)
	left, part := make([]int, w), make([]float32, w)
	for x := range w {
		left[x], part[x] = between((float64(x)+0.5)*kx-0.5, p.w)
	}
	for y := range h {
		top, v := between((float64(y)+0.5)*ky-0.5, p.h)
		upper, lower := p.pix[top*p.w:][:p.w], p.pix[min(top+1, p.h-1)*p.w:][:p.w]
		for x := range w {
			l, u := left[x], part[x]
			r := min(l+1, p.w-1)
			out.pix[y*w+x] = (upper[l]*(1-u)+upper[r]*u)*(1-v) + (lower[l]*(1-u)+lower[r]*u)*v
		}
	}
	return out
}

// between is the pixel before x and how far x lies behind it, within n pixels.
func between(x float64, n int) (int, float32) {
	x = min(max(x, 0), float64(n-1))
	i := int(x)
	return i, float32(x - float64(i))
}

// blur takes for each pixel the mean of those at most r away along rows and columns,
// as often as asked; two times are nearly a Gaussian.
func (p *plane) blur(r, times int) *plane {
	in, across := p, newPlane(p.w, p.h)
	out := newPlane(p.w, p.h)
	sums := make([]float64, p.w)
	for range times {
		for y := range p.h {
			mean(across.pix[y*p.w:][:p.w], in.pix[y*p.w:][:p.w], r)
		}
		// The same for all columns at once: row by row is how memory lies.
		clear(sums)
		add := func(y int, sign float64) {
			for x, v := range across.pix[y*p.w:][:p.w] {
				sums[x] += sign * float64(v)
			}
		}
		count := min(r, p.h)
		for y := range count {
			add(y, 1)
		}
		for y := range p.h {
			if y+r < p.h {
				add(y+r, 1)
				count++
			}
			if y-r-1 >= 0 {
				add(y-r-1, -1)
				count--
			}
			k := 1 / float64(count)
			row := out.pix[y*p.w:][:p.w]
			for x, v := range sums {
				row[x] = float32(v * k)
			}
		}
		in = out
	}
	return out
}

// mean writes the means of neighbourhoods of a row.
func mean(out, row []float32, r int) {
	n := len(row)
	count := min(r, n)
	sum := float64(0)
	for _, v := range row[:count] {
		sum += float64(v)
	}
	for i := range n {
		if i+r < n {
			sum += float64(row[i+r])
			count++
		}
		if i-r-1 >= 0 {
			sum -= float64(row[i-r-1])
			count--
		}
		out[i] = float32(sum / float64(count))
	}
}

// slope is how lightness changes to the right and downwards at a pixel within the plane.
func (p *plane) slope(i int) (x, y float32) {
	return (p.pix[i+1] - p.pix[i-1]) / 2, (p.pix[i+p.w] - p.pix[i-p.w]) / 2
}

// picture is what is known of one of the two: in grey, for points to find an alignment by,
// and its edges, to measure it on.
type picture struct {
	height float64 // in widths
	grey   *plane
	edges  edges
}

// newPicture looks at grey drawn w pixels wide. Nil for what cannot be compared.
func newPicture(grey *image.Gray, w int) *picture {
	b := grey.Bounds()
	if min(b.Dx(), b.Dy(), w) < leastSide {
		return nil
	}
	p := newPlane(b.Dx(), b.Dy())
	for y := range p.h {
		for x, v := range grey.Pix[y*grey.Stride:][:p.w] {
			p.pix[y*p.w+x] = float32(v)
		}
	}
	if p.w > w {
		if p.w > 2*w {
			p = p.blur(p.w/w/2, 1)
		}
		p = p.resize(w, max(1, p.h*w/p.w))
	}
	if min(p.w, p.h) < leastSide {
		return nil
	}
	out := &picture{height: float64(b.Dy()) / float64(b.Dx()), grey: p, edges: edgesOf(p)}
	if out.edges.share < leastEdges {
		return nil
	}
	return out
}

// edges are the directions of the lines in a picture, told in a way that light does not
// touch: the slope's direction doubled, so that light on dark is the same line as dark on
// light (a window by day and by night); its strength against what is usual around it, so
// that a lamp counts no more than a notice in the shade; and against what is usual
// nearby, so that two places full of upright lines do not agree by that alone.
type edges struct {
	w, h  int
	u, v  []float32
	share float64 // of the picture that has any lines
}

const (
	// edgesSide is the longest side that edges are measured at.
	edgesSide = Side / 2
	// grain is a slope, in steps of 255 a pixel, that noise and JPEG make too.
	grain = 1.2
	// leastEdges is the share of the picture in which there must be lines.
	leastEdges = 0.005
)

func edgesOf(p *plane) edges {
	if n := (max(p.w, p.h) + edgesSide - 1) / edgesSide; n > 1 {
		p = p.blur(1, 1).resize(max(3, p.w/n), max(3, p.h/n))
	}
	p = p.blur(1, 1)
	e := edges{w: p.w, h: p.h}
	size, u, v := newPlane(p.w, p.h), newPlane(p.w, p.h), newPlane(p.w, p.h)
	lines := 0
	for y := 1; y < p.h-1; y++ {
		for x := 1; x < p.w-1; x++ {
			i := y*p.w + x
			gx, gy := p.slope(i)
			m := float32(math.Hypot(float64(gx), float64(gy)))
			if m > 3*grain {
				lines++
			}
			if m > 0 {
				size.pix[i], u.pix[i], v.pix[i] = m, (gx*gx-gy*gy)/m, 2*gx*gy/m
			}
		}
	}
	e.share = float64(lines) / float64(p.w*p.h)
	usual := size.blur(max(2, max(p.w, p.h)/24), 2)
	for i, m := range usual.pix {
		k := 1 / (m + grain)
		u.pix[i] *= k
		v.pix[i] *= k
	}
	for _, c := range []*plane{u, v} {
		c.pix = c.blur(1, 2).pix
		wide := c.blur(max(2, max(p.w, p.h)/16), 1)
		for i, m := range wide.pix {
			c.pix[i] -= m
		}
	}
	e.u, e.v = u.pix, v.pix
	return e
}

// correlate is the correlation, −1 to 1, of the edges of a and of b laid upon it, where
// they overlap, a hole in a left out; every step-th pixel both ways is looked at. −1 where there is too little
// overlap.
func correlate(a, b *picture, t Transform, step int, hole square) float64 {
	i := t.inverse()
	sin, cos := math.Sincos(i.Turn * math.Pi / 180)
	ea, eb := &a.edges, &b.edges
	// A line turned by an angle turns its doubled direction by twice that.
	s2, c2 := math.Sincos(2 * t.Turn * math.Pi / 180)
	rs, rc := float32(s2), float32(c2)
	wa, wb := float64(ea.w), float64(eb.w)
	dx, dy := i.Scale*cos*wb/wa, i.Scale*sin*wb/wa // of b per pixel of a to the right
	var aa, bb, ab float64
	n, all := 0, 0
	for y := step / 2; y < ea.h; y += step {
		py := (float64(y) + 0.5 - float64(ea.h)/2) / wa
		px := (0.5 + float64(step/2) - wa/2) / wa
		bx, by := i.at(px, py)
		bx, by = bx*wb+wb/2-0.5, by*wb+float64(eb.h)/2-0.5
		for x := step / 2; x < ea.w; x, bx, by = x+step, bx+dx*float64(step), by+dy*float64(step) {
			all++
			if bx < 0 || by < 0 || bx >= float64(eb.w-1) || by >= float64(eb.h-1) {
				continue
			}
			n++
			if hole.side > 0 && hole.holds((float64(x)+0.5)/wa-0.5, py) {
				continue
			}
			l, t := int(bx), int(by)
			p, q := float32(bx-float64(l)), float32(by-float64(t))
			j := t*eb.w + l
			k00, k01, k10, k11 := (1-p)*(1-q), p*(1-q), (1-p)*q, p*q
			u := eb.u[j]*k00 + eb.u[j+1]*k01 + eb.u[j+eb.w]*k10 + eb.u[j+eb.w+1]*k11
			v := eb.v[j]*k00 + eb.v[j+1]*k01 + eb.v[j+eb.w]*k10 + eb.v[j+eb.w+1]*k11
			u, v = rc*u-rs*v, rs*u+rc*v
			au, av := ea.u[y*ea.w+x], ea.v[y*ea.w+x]
			aa += float64(au*au + av*av)
			bb += float64(u*u + v*v)
			ab += float64(au*u + av*v)
		}
	}
	if aa == 0 || bb == 0 || float64(n) < MinOverlap*float64(all) {
		return -1
	}
	return ab / math.Sqrt(aa*bb)
}

// covered is the share of a that b, laid upon it, covers.
func covered(a, b *picture, t Transform) float64 {
	i := t.inverse()
	const n = 64
	in := 0
	for y := range n {
		for x := range n {
			u, v := i.at((float64(x)+0.5)/n-0.5, ((float64(y)+0.5)/n-0.5)*a.height)
			if math.Abs(u) <= 0.5 && math.Abs(v) <= b.height/2 {
				in++
			}
		}
	}
	return float64(in) / (n * n)
}

// refine goes from t, by ever smaller steps, to where the edges agree best, and says how
// well.
func refine(a, b *picture, t Transform) (Transform, float64) {
	best := correlate(a, b, t, 2, square{})
	try := func(u Transform) bool {
		if f := correlate(a, b, u, 2, square{}); f > best {
			t, best = u, f
			return true
		}
		return false
	}
	for step := 0.008; step > 0.0004; step /= 2 {
		for range 4 {
			better := false
			for _, d := range [...]Transform{{X: step}, {Y: step}, {Turn: step * 100}, {Scale: step * 1.5}} {
				for _, k := range [...]float64{1, -1} {
					if try(Transform{X: t.X + k*d.X, Y: t.Y + k*d.Y, Turn: t.Turn + k*d.Turn, Scale: t.Scale * (1 + k*d.Scale)}) {
						better = true
						break
					}
				}
			}
			if !better {
				break
			}
		}
	}
	return t, correlate(a, b, t, 1, square{})
}
