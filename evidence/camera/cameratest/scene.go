package cameratest

import (
	"bytes"
	"image"
	"image/jpeg"
	"math/rand/v2"
)

// Desk is a picture of a desk with a screen, a window and a chair, with the noise of a
// sensor that n seeds: no two n give the same pixels.
func Desk(width, height int, n uint64) *image.YCbCr {
	img := flat(width, height, 150, 124, 130)
	for i, box := range [][5]int{ // in thousandths: left, top, right, bottom, luma
		{50, 80, 330, 480, 225}, {60, 90, 190, 470, 205}, {200, 90, 320, 470, 235}, // window
		{0, 620, 1000, 1000, 95}, {120, 560, 900, 640, 70}, // desk
		{400, 280, 640, 540, 35}, {412, 295, 628, 515, 190}, {500, 540, 540, 570, 30}, // screen
		{700, 380, 860, 900, 60}, {720, 200, 840, 380, 175}, // chair and who sits there
	} {
		paint(img, box, byte(118+4*i))
	}
	grain(img, n, 6)
	return img
}

// Dark is what a camera shows when nothing is to be seen, with its noise and, as cameras
// write it, the time in white at the top.
func Dark(width, height int, n uint64) *image.YCbCr {
	img := flat(width, height, 8, 128, 128)
	grain(img, n, 8)
	paint(img, [5]int{20, 20, 400, 60, 235}, 128)
	return img
}

// Hand is what a camera shows with a hand before its lens: one soft surface.
func Hand(width, height int, n uint64) *image.YCbCr {
	img := flat(width, height, 0, 118, 150)
	for y := range height {
		for x := range width {
			img.Y[y*img.YStride+x] = byte(90 + 30*x/width + 20*y/height)
		}
	}
	grain(img, n, 6)
	return img
}

// JPEG is a picture as a camera sends it.
func JPEG(img image.Image) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 90}); err != nil {
		panic(err) // a buffer takes everything, and the sizes are ours
	}
	return b.Bytes()
}

func flat(width, height int, luma, cb, cr byte) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = luma
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = cb, cr
	}
	return img
}

func paint(img *image.YCbCr, box [5]int, cb byte) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	for y := box[1] * h / 1000; y < box[3]*h/1000; y++ {
		for x := box[0] * w / 1000; x < box[2]*w/1000; x++ {
			img.Y[img.YOffset(x, y)] = byte(box[4])
			img.Cb[img.COffset(x, y)] = cb
		}
	}
}

func grain(img *image.YCbCr, n uint64, most int) {
	r := rand.New(rand.NewPCG(n, 4711))
	for i := range img.Y {
		img.Y[i] = byte(min(255, max(0, int(img.Y[i])+r.IntN(2*most+1)-most)))
	}
}
