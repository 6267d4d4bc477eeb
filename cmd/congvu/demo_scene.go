package main

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"strings"

	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// scene draws a stand-in for a photograph: a board on a wall with a code on it, in
// order or broken. It shows nobody and is stamped as simulated.
func scene(code, day string, broken bool) ([]byte, error) {
	img := image.NewRGBA(image.Rect(0, 0, 960, 720))
	wall, board, paper := color.RGBA{214, 222, 220, 255}, color.RGBA{120, 92, 60, 255}, color.RGBA{250, 250, 244, 255}
	fill := func(r image.Rectangle, c color.Color) {
		draw.Draw(img, r, image.NewUniform(c), image.Point{}, draw.Src)
	}
	fill(img.Bounds(), wall)
	fill(image.Rect(0, 560, 960, 720), color.RGBA{150, 160, 158, 255})
	fill(image.Rect(140, 90, 820, 510), board)
	for row := range 2 {
		for col := range 3 {
			x, y := 180+col*210, 130+row*185
			c := paper
			if broken && row == 1 && col > 0 {
				c = color.RGBA{176, 132, 96, 255} // an empty place on the board
			}
			fill(image.Rect(x, y, x+170, y+150), c)
			for line := range 7 {
				if c == paper {
					fill(image.Rect(x+15, y+20+line*17, x+150-(line*23)%60, y+25+line*17), color.RGBA{110, 116, 120, 255})
				}
			}
		}
	}
	if broken {
		for i := range 170 { // a crossed-out sheet
			fill(image.Rect(180+i, 130+i*150/170, 184+i, 134+i*150/170), color.RGBA{163, 22, 15, 255})
		}
	}
	label(img, strings.ToUpper(code), 40, 40, 4, color.RGBA{11, 90, 94, 255})
	label(img, "DU LIEU MO PHONG  "+day, 40, 640, 3, color.RGBA{60, 40, 0, 255})
	half := image.NewRGBA(image.Rect(0, 0, 640, 480))
	xdraw.ApproxBiLinear.Scale(half, half.Bounds(), img, img.Bounds(), xdraw.Src, nil)
	var b bytes.Buffer
	err := jpeg.Encode(&b, half, &jpeg.Options{Quality: 72})
	return b.Bytes(), err
}

// label writes a text, magnified, at a place.
func label(img *image.RGBA, text string, x, y, times int, c color.Color) {
	face := basicfont.Face7x13
	small := image.NewRGBA(image.Rect(0, 0, 7*len(text), 13))
	d := font.Drawer{Dst: small, Src: image.NewUniform(c), Face: face, Dot: fixed.P(0, 11)}
	d.DrawString(text)
	xdraw.NearestNeighbor.Scale(img, image.Rect(x, y, x+7*len(text)*times, y+13*times), small, small.Bounds(), xdraw.Over, nil)
}
