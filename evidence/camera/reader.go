package camera

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"

	"congvu/evidence/imaging"
	"congvu/inspection"

	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
)

// Limits bound one reading.
type Limits struct {
	Whole   time.Duration // from being asked to the still
	Connect time.Duration // of it to connect, and again to agree on TLS
	Settle  time.Duration // of it until the camera stands at a preset
	Decode  time.Duration // of it for ffmpeg, from the frame's first byte
	Bytes   int64         // of a picture; a stream may have four times as many until its first frame
	Pixels  int64         // decoded at one moment by all readings together, and of one picture
}

// DefaultLimits: nobody waits longer than ten seconds for a photograph; the largest
// cameras that hang in offices have 12 megapixels (4000 × 3000), of which four fit.
var DefaultLimits = Limits{Whole: 10 * time.Second, Connect: 3 * time.Second, Settle: 6 * time.Second, Decode: 5 * time.Second, Bytes: 16 << 20, Pixels: 50_000_000}

// Options make a Reader; the zero value of a field is its default.
type Options struct {
	Allowed []netip.Prefix   // what may be dialled; empty: nothing
	FFmpeg  string           // the program, by name or absolute path; default: ffmpeg
	Roots   *x509.CertPool   // default: the system's
	Clock   inspection.Clock // default: the machine's
	Limits  Limits
}

// Reader takes stills. It is safe for concurrent use and holds nothing between readings.
type Reader struct {
	allowed []netip.Prefix
	ffmpeg  string
	roots   *x509.CertPool
	clock   inspection.Clock
	limits  Limits
	work    *imaging.Work
	slots   chan struct{} // decoders at work
	early   chan struct{} // decoders that were started before their frame was there
}

// maxEarly bounds the processes that wait for a frame; further ones start when it is there.
const maxEarly = 32

// New makes a Reader.
func New(o Options) *Reader {
	l := o.Limits
	l.Whole = cmp.Or(l.Whole, DefaultLimits.Whole)
	l.Connect = cmp.Or(l.Connect, DefaultLimits.Connect)
	l.Settle = cmp.Or(l.Settle, DefaultLimits.Settle)
	l.Decode = cmp.Or(l.Decode, DefaultLimits.Decode)
	l.Bytes = cmp.Or(l.Bytes, DefaultLimits.Bytes)
	l.Pixels = cmp.Or(l.Pixels, DefaultLimits.Pixels)
	if o.Clock == nil {
		o.Clock = inspection.SystemClock{}
	}
	return &Reader{
		allowed: o.Allowed, ffmpeg: cmp.Or(o.FFmpeg, "ffmpeg"), roots: o.Roots, clock: o.Clock, limits: l,
		work:  imaging.NewWork(imaging.Limits{Bytes: l.Bytes, Pixels: l.Pixels}),
		slots: make(chan struct{}, runtime.GOMAXPROCS(0)), early: make(chan struct{}, maxEarly),
	}
}

// frame is what a way of reading gives.
type frame struct {
	data            []byte
	img             image.Image // its pixels, where they are known already
	at, cameraAt    inspection.Instant
	profile, preset string
}

// taking is one reading.
type taking struct {
	*Reader
	s      Source
	home   *url.URL // the address of the register
	client *http.Client
}

// Take reads one still. Its error is an *Error, an inspection.Error of a source that is
// malformed (invalid), or context.Canceled where the caller gave up.
func (r *Reader) Take(ctx context.Context, s Source) (Still, error) {
	if err := s.Check(); err != nil {
		return Still{}, err
	}
	home, err := url.Parse(s.Address)
	if err != nil {
		return Still{}, err // Check has parsed it
	}
	given := ctx
	ctx, cancel := context.WithTimeout(ctx, r.limits.Whole)
	defer cancel()
	t := &taking{Reader: r, s: s, home: home}
	t.client = t.newClient()
	defer t.client.CloseIdleConnections()

	asked := r.clock.Now()
	still, err := t.take(ctx)
	if err != nil {
		if errors.Is(given.Err(), context.Canceled) {
			return Still{}, context.Canceled
		}
		return Still{}, t.explain(ctx, err)
	}
	still.Asked = asked
	return still, nil
}

func (t *taking) take(ctx context.Context) (Still, error) {
	var f frame
	var err error
	switch t.s.Way {
	case HTTP:
		f, err = t.picture(ctx, t.s.Address)
	case ONVIF:
		f, err = t.device(ctx)
	case RTSP:
		f, err = t.stream(ctx, t.s.Address)
	}
	if err != nil {
		return Still{}, err
	}
	return t.see(ctx, f)
}

// see draws the picture and looks at it.
func (t *taking) see(ctx context.Context, f frame) (Still, error) {
	kind, known := imaging.Sniff(f.data[:min(len(f.data), imaging.SniffLen)])
	if !known || kind != imaging.JPEG && kind != imaging.PNG {
		return Still{}, fail(NotAnImage, errors.New("neither JPEG nor PNG"))
	}
	info, err := t.work.Inspect(ctx, bytes.NewReader(f.data), int64(len(f.data)))
	switch {
	case err != nil && ctx.Err() != nil:
		return Still{}, ctx.Err()
	case inspection.CodeOf(err) == inspection.TooLarge:
		return Still{}, fail(TooLarge, err)
	case err != nil:
		return Still{}, fail(BrokenOff, err)
	}
	still := Still{Data: f.data, Type: kind, Width: info.Width, Height: info.Height, At: f.at, CameraAt: f.cameraAt, Profile: f.profile, Preset: f.preset}
	if f.img != nil {
		still.Look, still.Pixels = Examine(f.img)
	} else if _, err := t.work.See(ctx, f.data, func(img image.Image) { still.Look, still.Pixels = Examine(img) }); err != nil {
		if ctx.Err() != nil {
			return Still{}, ctx.Err()
		}
		return Still{}, fail(NotAnImage, err)
	}
	return still, nil
}

// fail is an error of a cause, from where it is known.
func fail(cause Cause, err error) error { return &Error{Cause: cause, Err: err} }

// explain makes the one error that leaves the package: a cause, and a text that holds no
// secret, whoever wrote it. What it was made of is not given on.
func (t *taking) explain(ctx context.Context, err error) *Error {
	e := &Error{Cause: causeOf(ctx, err)}
	if e.Cause == Certificate {
		e.Presented = presented(err)
	}
	text := err.Error()
	if ours, ok := errors.AsType[*Error](err); ok && ours.Err != nil {
		text = ours.Err.Error()
	} else if outer, ok := errors.AsType[*url.Error](err); ok {
		text = outer.Err.Error() // without the address
	}
	e.Err = errors.New(t.clean(text))
	return e
}

func causeOf(ctx context.Context, err error) Cause {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Cause
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return Certificate
	}
	if timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); ok && timeout.Timeout() || ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return Timeout
	}
	var asked liberrors.ErrClientRequestTimedOut
	var silent liberrors.ErrClientTCPTimeout
	if errors.As(err, &asked) || errors.As(err, &silent) {
		return Timeout
	}
	for _, lost := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, lost) {
			return BrokenOff
		}
	}
	return Protocol
}

// presented is the fingerprint of the certificate that was refused.
func presented(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Presented != "" {
		return e.Presented
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(e.UnverifiedCertificates) > 0 {
		return fingerprint(e.UnverifiedCertificates[0])
	}
	return ""
}

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// maxText bounds what an error says, in characters.
const maxText = 300

// clean takes out of a text what nobody may read: password and user in all the ways in
// which they are written on a wire, and what stands in an address behind the host, where
// some cameras want them.
func (t *taking) clean(text string) string {
	user, password := t.s.User, t.s.Password
	secrets := []string{password, url.QueryEscape(password), url.PathEscape(password), user, url.QueryEscape(user), url.PathEscape(user),
		base64.StdEncoding.EncodeToString([]byte(user + ":" + password)), base64.StdEncoding.EncodeToString([]byte(password)),
		strings.TrimLeft(t.home.RequestURI(), "/"), t.home.RawQuery, strings.TrimLeft(t.home.Path, "/")}
	for _, values := range t.home.Query() {
		secrets = append(secrets, values...)
	}
	// %q and its like write some characters in another way.
	for _, s := range slices.Clone(secrets) {
		quoted := fmt.Sprintf("%q", s)
		secrets = append(secrets, quoted[1:len(quoted)-1])
	}
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var pairs []string
	for _, s := range slices.Compact(secrets) {
		if s != "" {
			pairs = append(pairs, s, "…")
		}
	}
	text = strings.NewReplacer(pairs...).Replace(text)
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > maxText {
		text = string(runes[:maxText]) + "…"
	}
	return text
}

// told is a time that a device tells; zero where it cannot be meant: before 2000 no
// camera of today was built, and one that lost its clock begins at 1970.
func told(at time.Time) inspection.Instant {
	if at.Year() < 2000 || at.Year() > 2100 {
		return 0
	}
	return inspection.At(at)
}
