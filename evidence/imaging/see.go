package imaging

import (
	"bytes"
	"context"
	"image"
)

// See draws a whole JPEG, PNG or WebP and gives its pixels, as stored and not turned, to
// look, which must not keep them. Codes: as Inspect.
func (w *Work) See(ctx context.Context, raw []byte, look func(image.Image)) (Type, error) {
	r := bytes.NewReader(raw)
	t, width, height, err := w.header(r, r.Size())
	if err != nil {
		return "", err
	}
	if err := w.hold(ctx, width, height); err != nil {
		return "", err
	}
	defer w.release(width, height)
	img, err := decode(r, t)
	if err != nil {
		return "", err
	}
	look(img)
	return t, nil
}
