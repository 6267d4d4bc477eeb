package camera

import "context"

// Judge looks at a picture that somebody else took off a device, as Take looks at its own.
// Its error is an *Error, or the context's.
func (r *Reader) Judge(ctx context.Context, data []byte) (Still, error) {
	return (&taking{Reader: r}).see(ctx, frame{data: data, at: r.clock.Now()})
}
