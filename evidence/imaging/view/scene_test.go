package view

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"testing"

	"congvu/inspection/seedtest"
)

// seeded is a random source, and how often a random test repeats: a thirtieth unless
// CONGVU_LONG is set.
func seeded(t testing.TB, all int) (*rand.Rand, int) {
	t.Helper()
	return seedtest.Source(t, 11), seedtest.Times(all, 30)
}

// some is a number between two.
func some(r *rand.Rand, low, high float64) float64 { return low + (high-low)*r.Float64() }

// canvas is a room as it is drawn: larger than what a camera sees of it.
type canvas struct{ *image.Gray }

const (
	canvasW, canvasH = 1120, 900
	seen             = 700 // of the canvas' width is what the first camera sees
)

func newCanvas() canvas { return canvas{image.NewGray(image.Rect(0, 0, canvasW, canvasH))} }

func clamp(v float64) uint8 { return uint8(min(255, max(0, v+0.5))) }

func (c canvas) rect(x, y, w, h, v float64) {
	for j := max(0, int(y)); j < min(canvasH, int(y+h)); j++ {
		for i := max(0, int(x)); i < min(canvasW, int(x+w)); i++ {
			c.Pix[j*c.Stride+i] = clamp(v)
		}
	}
}

func (c canvas) frame(x, y, w, h, border, outer, inner float64) {
	c.rect(x, y, w, h, outer)
	c.rect(x+border, y+border, w-2*border, h-2*border, inner)
}

func (c canvas) oval(x, y, rx, ry, turn, v float64) {
	s, k := math.Sincos(turn)
	far := max(rx, ry)
	for j := max(0, int(y-far)); j < min(canvasH, int(y+far)+1); j++ {
		for i := max(0, int(x-far)); i < min(canvasW, int(x+far)+1); i++ {
			dx, dy := float64(i)-x, float64(j)-y
			u, w := (dx*k+dy*s)/rx, (dy*k-dx*s)/ry
			if u*u+w*w <= 1 {
				c.Pix[j*c.Stride+i] = clamp(v)
			}
		}
	}
}

func (c canvas) line(x0, y0, x1, y1, thick, v float64) {
	n := int(math.Hypot(x1-x0, y1-y0)) + 1
	for i := range n + 1 {
		f := float64(i) / float64(n)
		c.rect(x0+(x1-x0)*f-thick/2, y0+(y1-y0)*f-thick/2, max(1, thick), max(1, thick), v)
	}
}

// paper is a notice: rows of words, a heading, sometimes a table or a stamp.
func (c canvas) paper(r *rand.Rand, x, y, w, h float64) {
	ground := some(r, 190, 250)
	c.frame(x, y, w, h, 1+r.Float64()*3, some(r, 40, 180), ground)
	ink := some(r, 20, 110)
	c.rect(x+w*0.2, y+h*0.07, w*some(r, 0.4, 0.6), max(2, h*0.05), ink)
	row := some(r, 4, 8)
	for at := y + h*0.2; at < y+h*0.92; at += row {
		for from := x + w*0.1; from < x+w*0.88; {
			word := some(r, 3, 16)
			if r.Float64() < 0.8 {
				c.rect(from, at, min(word, x+w*0.9-from), row*0.45, ink)
			}
			from += word + some(r, 2, 4)
		}
	}
	if r.Float64() < 0.3 {
		c.oval(x+w*0.7, y+h*0.75, w*0.12, w*0.12, 0, ink+60)
	}
}

// light is how a room is lit and what its windows show.
type light struct {
	gamma, gain, slope, window, noise float64
	quality                           int
}

var plain = light{gamma: 1, gain: 1, window: 235, noise: 1, quality: 90}

func someLight(r *rand.Rand) light {
	return light{
		gamma: some(r, 0.6, 1.7), gain: some(r, 0.5, 1.25), slope: some(r, -0.35, 0.35),
		window: some(r, 15, 250), noise: some(r, 1, 7), quality: 60,
	}
}

// room draws a desk's room; the same seed is the same room. What windows show and
// whether what a finding was about is there may differ.
func room(seed uint64, l light, mended bool) canvas {
	r := rand.New(rand.NewPCG(seed, 3))
	c := newCanvas()
	wall := some(r, 110, 215)
	floor := some(r, 70, 190)
	edge := some(r, 0.55, 0.75) * canvasH
	c.rect(0, 0, canvasW, edge, wall)
	c.rect(0, edge, canvasW, canvasH-edge, floor)
	if r.Float64() < 0.6 { // a plinth
		c.rect(0, edge-12, canvasW, 12, wall-50)
	}
	if r.Float64() < 0.6 { // tiles that run away from the camera
		joint := floor + some(r, -45, 45)
		middle := some(r, 300, 800)
		for i := -30; i <= 30; i++ {
			c.line(middle+float64(i)*22, edge, middle+float64(i)*75, canvasH, 1.5, joint)
		}
		for d, y := 9.0, edge; y < canvasH; y, d = y+d, d*1.22 {
			c.rect(0, y, canvasW, 1+d/30, joint)
		}
	}
	for range 1 + r.IntN(3) { // windows
		w, h := some(r, 90, 200), some(r, 120, 240)
		x, y := some(r, 0, canvasW-w), some(r, 20, max(30, edge-h-60))
		bars, down := 1+r.IntN(3), 1+r.IntN(3)
		post := some(r, 50, 230)
		c.rect(x, y, w, h, post)
		pw, ph := (w-8)/float64(bars), (h-8)/float64(down)
		for i := range bars {
			for j := range down {
				c.rect(x+6+float64(i)*pw, y+6+float64(j)*ph, pw-4, ph-4, l.window+float64(j)*3)
			}
		}
	}
	for range 4 + r.IntN(8) { // notices
		w, h := some(r, 35, 110), some(r, 40, 120)
		c.paper(r, some(r, 0, canvasW-w), some(r, 40, edge-40)-h/3, w, h)
	}
	for range 1 + r.IntN(3) { // signs above the desks
		x, y, w := some(r, 50, 800), some(r, 60, edge*0.6), some(r, 120, 330)
		ground, ink := some(r, 30, 220), some(r, 30, 240)
		c.rect(x, y, w, 30, ground)
		for from := x + 8; from < x+w-12; from += some(r, 9, 16) {
			c.rect(from, y+8, 3, some(r, 8, 15), ink)
			c.rect(from, y+some(r, 7, 20), some(r, 4, 8), 3, ink)
		}
	}
	if r.Float64() < 0.7 { // shelves with files
		x, y := some(r, 0, 900), some(r, 120, edge-150)
		for row := range 2 + r.IntN(3) {
			top := y + float64(row)*52
			c.rect(x, top, 220, 50, wall-70)
			for from := x + 3; from < x+214; {
				w := some(r, 6, 15)
				high := some(r, 30, 44)
				c.rect(from, top+46-high, w-1, high, some(r, 20, 240))
				c.rect(from+1, top+46-high*0.6, w-3, 5, some(r, 150, 250))
				from += w
			}
		}
	}
	desk := some(r, 0.5, 0.68) * canvasH // the counter
	top := some(r, 90, 230)
	left, right := some(r, -50, 200), some(r, 850, canvasW+50)
	c.rect(left, desk, right-left, 16, top)
	c.rect(left+8, desk+16, right-left-16, some(r, 110, 170), top-some(r, 30, 70))
	panel := some(r, 60, 180)
	for x := left + 20; x < right-60; x += panel {
		c.frame(x, desk+28, panel-16, 80, 3, top-80, top-some(r, 25, 60))
		if r.Float64() < 0.6 { // number of the desk
			c.rect(x+10, desk-34, 46, 26, some(r, 20, 240))
			c.rect(x+18, desk-28, 8, 14, some(r, 20, 240))
			c.rect(x+34, desk-28, 5, 14, some(r, 20, 240))
		}
		if r.Float64() < 0.6 { // screen
			at := x + some(r, 10, 60)
			c.frame(at, desk-62, 70, 50, 4, some(r, 15, 70), some(r, 60, 200))
			c.rect(at+28, desk-12, 12, 12, 40)
		}
		if r.Float64() < 0.4 {
			c.paper(r, x+some(r, 0, 40), desk+35, 40, 55)
		}
	}
	for range r.IntN(4) { // plants
		x, y := some(r, 40, 1080), some(r, edge-40, edge+120)
		for range 25 {
			a := some(r, math.Pi, 2*math.Pi)
			c.oval(x+30*math.Cos(a), y+45*math.Sin(a), some(r, 12, 26), some(r, 3, 7), a+some(r, -0.5, 0.5), some(r, 30, 130))
		}
		c.rect(x-18, y, 36, 40, some(r, 50, 200))
	}
	for range 2 + r.IntN(5) { // chairs
		x, y, v := some(r, 0, 1050), some(r, edge+20, 800), some(r, 20, 220)
		c.rect(x, y, 52, 44, v)
		c.rect(x-4, y+50, 60, 10, v-20)
		for _, leg := range []float64{0, 46} {
			c.rect(x+leg, y+60, 5, 45, 35)
		}
	}
	for range r.IntN(3) { // cables, pipes
		c.line(some(r, 0, canvasW), 0, some(r, 0, canvasW), edge, some(r, 2, 6), some(r, 30, 200))
	}
	if mended {
		x, y := some(r, 250, 750), some(r, 200, 400)
		c.paper(r, x, y, 130, 100)
	}
	// Grain of walls and wood: value noise at two sizes.
	for _, size := range []int{7, 40} {
		c.grain(r, size, some(r, 3, 10))
	}
	return c
}

func (c canvas) grain(r *rand.Rand, size int, strength float64) {
	w := canvasW/size + 2
	knots := make([]float64, w*(canvasH/size+2))
	for i := range knots {
		knots[i] = r.NormFloat64() * strength
	}
	for y := range canvasH {
		for x := range canvasW {
			i, p, q := y/size*w+x/size, float64(x%size)/float64(size), float64(y%size)/float64(size)
			v := (knots[i]*(1-p)+knots[i+1]*p)*(1-q) + (knots[i+w]*(1-p)+knots[i+w+1]*p)*q
			c.Pix[y*c.Stride+x] = clamp(float64(c.Pix[y*c.Stride+x]) + v)
		}
	}
}

// people stand in the part that the first camera sees until they cover a share of it.
func (c canvas) people(r *rand.Rand, share float64) {
	x0, y0, h := float64(canvasW-seen)/2, canvasH/2-seen*0.375, seen*0.75
	for covered := 0.0; covered < share; {
		size := some(r, 120, 330)
		x, y := x0+seen*r.Float64(), y0+h*some(r, 0.25, 0.7)
		skin, hair, cloth := some(r, 120, 210), some(r, 15, 70), some(r, 20, 240)
		c.oval(x, y+size*0.5, size*0.22, size*0.42, 0, cloth)
		for i := range 8 { // folds, buttons, stripes
			at := y + size*(0.2+0.08*float64(i))
			c.line(x-size*some(r, 0, 0.18), at, x+size*some(r, 0, 0.18), at+some(r, -10, 10), 3, cloth+some(r, -50, 50))
		}
		c.oval(x, y, size*0.11, size*0.14, 0, skin)
		c.oval(x, y-size*0.06, size*0.12, size*0.09, 0, hair)
		c.rect(x-size*0.06, y, size*0.03, 3, 30)
		c.rect(x+size*0.03, y, size*0.03, 3, 30)
		covered += (math.Pi*0.22*0.42 + 0.05) * size * size / (seen * h)
	}
}

// shot is what a camera makes of the room, w by h pixels, when t lays its picture onto
// that of the first.
func (c canvas) shot(r *rand.Rand, t Transform, w, h int, l light) image.Image {
	return c.through(r, func(x, y float64) (float64, float64) { return t.at(x, y) }, w, h, l)
}

// through is a shot by a lens of which at says which point of the room, in widths of the
// first picture from its centre, it shows at a point of its picture.
func (c canvas) through(r *rand.Rand, at func(x, y float64) (float64, float64), w, h int, l light) image.Image {
	out := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			px, py := (float64(x)+0.5)/float64(w)-0.5, (float64(y)+0.5-float64(h)/2)/float64(w)
			u, v := at(px, py)
			value := c.value(canvasW/2+u*seen-0.5, canvasH/2+v*seen-0.5)
			value = 255 * math.Pow(value/255, l.gamma) * l.gain * (1 + l.slope*2*px)
			out.Pix[y*out.Stride+x] = clamp(value + r.NormFloat64()*l.noise)
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, out, &jpeg.Options{Quality: l.quality}); err != nil {
		panic(err)
	}
	img, err := jpeg.Decode(&b)
	if err != nil {
		panic(err)
	}
	return img
}

func (c canvas) value(x, y float64) float64 {
	x, y = min(max(x, 0), canvasW-1.001), min(max(y, 0), canvasH-1.001)
	i, j := int(x), int(y)
	p, q := x-float64(i), y-float64(j)
	k := j*c.Stride + i
	f := func(k int) float64 { return float64(c.Pix[k]) }
	return (f(k)*(1-p)+f(k+1)*p)*(1-q) + (f(k+c.Stride)*(1-p)+f(k+c.Stride+1)*p)*q
}
