package camera

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// drawing is an ffmpeg that draws one frame.
type drawing struct {
	r     *Reader
	codec string
	early bool
	cmd   *exec.Cmd // nil: not started yet
	stdin io.WriteCloser
	out   limited // the JPEG
	says  limited
	raw   limited // the pixels that it was made of, as planes of 4:2:0
	tail  *os.File
	read  chan struct{} // raw is whole
	over  bool
}

// prepare starts a decoder, or puts that off where too many wait already.
func (r *Reader) prepare(ctx context.Context, codec string) (*drawing, error) {
	d := &drawing{r: r, codec: codec}
	select {
	case r.early <- struct{}{}:
		d.early = true
	default:
		return d, nil
	}
	if err := d.start(ctx); err != nil {
		d.stop()
		return nil, err
	}
	return d, nil
}

// start runs ffmpeg with nothing but pipes: no environment, no file and no address can be
// named to it, neither here nor by what it reads. What is broken is an error: left to
// itself it paints over what it misses, and that would be no evidence. It gives one JPEG of
// its finest step, in the colours that JPEG is read in (BT.601, full range), and the same
// pixels bare, so that nobody has to decode the JPEG again to look at them.
func (d *drawing) start(ctx context.Context) error {
	d.cmd = exec.CommandContext(ctx, d.r.ffmpeg, "-hide_banner", "-nostdin", "-loglevel", "error", "-max_alloc", "500000000",
		"-filter_threads", "1", "-filter_complex_threads", "1", "-protocol_whitelist", "pipe", "-threads", "1", "-err_detect", "explode",
		"-max_pixels", strconv.FormatInt(d.r.limits.Pixels, 10), "-f", d.codec, "-i", "pipe:0",
		"-filter_complex", "[0:v:0]scale=out_color_matrix=bt601:out_range=pc,format=yuvj420p,split[jpeg][bare]",
		"-map", "[jpeg]", "-frames:v", "1", "-c:v", "mjpeg", "-threads", "1", "-q:v", "2", "-f", "image2pipe", "pipe:1",
		"-map", "[bare]", "-frames:v", "1", "-c:v", "rawvideo", "-threads", "1", "-f", "rawvideo", "pipe:3")
	d.cmd.Env = []string{}
	d.cmd.Dir = "/"
	d.out, d.says, d.raw = limited{max: d.r.limits.Bytes}, limited{max: 4 << 10, quiet: true}, limited{max: 2 * d.r.limits.Pixels}
	d.cmd.Stdout, d.cmd.Stderr = &d.out, &d.says
	d.cmd.WaitDelay = readDelay
	group(d.cmd)
	tail, head, err := os.Pipe()
	if err != nil {
		d.cmd = nil
		return fail(Decoder, err)
	}
	defer func() { _ = head.Close() }()
	d.cmd.ExtraFiles = []*os.File{head}
	if d.stdin, err = d.cmd.StdinPipe(); err == nil {
		err = d.cmd.Start()
	}
	if err != nil {
		d.cmd = nil
		_ = tail.Close()
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
			return fail(NoDecoder, errors.New("ffmpeg is not installed"))
		}
		return fail(Decoder, err)
	}
	d.tail, d.read = tail, make(chan struct{})
	go func() {
		defer close(d.read)
		_, _ = io.Copy(&d.raw, tail) // what is missing is seen by its length
		_ = tail.Close()
	}()
	return nil
}

// readDelay is for what ffmpeg drew to be read when it has ended, on a machine that does
// much else.
const readDelay = 5 * time.Second

// finish waits until it has ended and all is read.
func (d *drawing) finish() error {
	d.over = true
	err := d.cmd.Wait()
	_ = d.tail.SetReadDeadline(time.Now().Add(readDelay)) // no descendant holds the pipe for longer
	<-d.read
	return err
}

// draw gives it one frame, in Annex B of the standards, and takes the JPEG and its pixels.
func (d *drawing) draw(ctx context.Context, units [][]byte) ([]byte, *image.YCbCr, error) {
	select {
	case d.r.slots <- struct{}{}:
		defer func() { <-d.r.slots }()
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	if d.cmd == nil {
		if err := d.start(ctx); err != nil {
			return nil, nil, err
		}
	}
	late := time.AfterFunc(d.r.limits.Decode, func() { _ = d.cmd.Cancel() })
	defer late.Stop()
	var stream bytes.Buffer
	for _, unit := range units {
		stream.Write([]byte{0, 0, 0, 1})
		stream.Write(unit)
	}
	_, _ = stream.WriteTo(d.stdin) // it may have enough before the end; what came of it is seen below
	_ = d.stdin.Close()
	err := d.finish()
	switch {
	case ctx.Err() != nil:
		return nil, nil, ctx.Err()
	case d.out.over || d.raw.over:
		return nil, nil, fail(TooLarge, errors.New("the drawn frame"))
	case err != nil:
		return nil, nil, fail(Decoder, fmt.Errorf("ffmpeg: %w: %q", err, d.says.kept.Bytes()))
	case d.out.kept.Len() == 0:
		return nil, nil, fail(Decoder, fmt.Errorf("ffmpeg drew nothing: %q", d.says.kept.Bytes()))
	}
	img, err := planes(d.out.kept.Bytes(), d.raw.kept.Bytes())
	if err != nil {
		return nil, nil, fail(Decoder, err)
	}
	return d.out.kept.Bytes(), img, nil
}

// planes makes a picture of bare pixels, of the size that the JPEG says.
func planes(drawn, raw []byte) (*image.YCbCr, error) {
	c, err := jpeg.DecodeConfig(bytes.NewReader(drawn))
	if err != nil {
		return nil, err
	}
	cw, ch := (c.Width+1)/2, (c.Height+1)/2
	luma, chroma := c.Width*c.Height, cw*ch
	if luma == 0 || len(raw) != luma+2*chroma {
		return nil, fmt.Errorf("%d bytes of pixels for %d × %d", len(raw), c.Width, c.Height)
	}
	return &image.YCbCr{Y: raw[:luma], Cb: raw[luma : luma+chroma], Cr: raw[luma+chroma:], YStride: c.Width, CStride: cw,
		SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rect(0, 0, c.Width, c.Height)}, nil
}

// stop ends a decoder that is not needed any more.
func (d *drawing) stop() {
	if d.cmd != nil && !d.over {
		_ = d.cmd.Cancel()
		_ = d.stdin.Close()
		_ = d.finish()
	}
	if d.early {
		d.early = false
		<-d.r.early
	}
}

// limited keeps what fits. What does not is an error, or left out quietly. The buffer is
// no part of its face: by its other methods it would be filled past the limit.
type limited struct {
	kept  bytes.Buffer
	max   int64
	quiet bool
	over  bool
}

func (l *limited) Write(b []byte) (int, error) {
	room := l.max - int64(l.kept.Len())
	if int64(len(b)) <= room {
		return l.kept.Write(b)
	}
	l.over = true
	if !l.quiet {
		return 0, errors.New("too many bytes")
	}
	l.kept.Write(b[:room])
	return len(b), nil
}
