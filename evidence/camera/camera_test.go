package camera_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"congvu/evidence/camera"
	"congvu/evidence/camera/cameratest"
	"congvu/evidence/imaging"
	"congvu/evidence/imaging/imagingtest"
	"congvu/inspection"
)

// Who signs in, with a password that every way of writing it down writes differently.
const (
	user     = "camera.quan-ly"
	password = `mật khẩu "R&D" 100%/a+b`
)

// here are the addresses of this machine.
var here = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// reader is patient where it is not told otherwise.
func reader(change ...func(*camera.Options)) *camera.Reader {
	o := camera.Options{Allowed: here}
	patient(&o)
	for _, c := range change {
		c(&o)
	}
	return camera.New(o)
}

// hurried gives up soon, for cameras that are known to hang.
func hurried(o *camera.Options) {
	o.Limits.Whole, o.Limits.Connect = 1500*time.Millisecond, 1500*time.Millisecond
}

// patient waits for machines that do much else meanwhile: what it is used for is not about
// time.
func patient(o *camera.Options) {
	o.Limits.Whole, o.Limits.Connect, o.Limits.Decode = 2*time.Minute, time.Minute, time.Minute
}

func device(t testing.TB, o cameratest.Options) *cameratest.Device {
	t.Helper()
	d, err := cameratest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func stream(t testing.TB, f *cameratest.Film, o cameratest.StreamOptions) *cameratest.Stream {
	t.Helper()
	s, err := cameratest.Play(f, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

var films sync.Map

// film makes each film once a run.
func film(t testing.TB, s cameratest.Shot) *cameratest.Film {
	t.Helper()
	if s.Width == 0 {
		s.Width, s.Height = 640, 360
	}
	if s.Codec == "" {
		s.Codec = cameratest.H264
	}
	once, _ := films.LoadOrStore(s, sync.OnceValues(func() (*cameratest.Film, error) { return cameratest.Make(context.Background(), s) }))
	f, err := once.(func() (*cameratest.Film, error))()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func take(t testing.TB, r *camera.Reader, s camera.Source) camera.Still {
	t.Helper()
	still, err := r.Take(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if still.Asked.IsZero() || still.At < still.Asked || still.Width == 0 || still.Height == 0 || len(still.Pixels) != 64 {
		t.Errorf("asked %v, there %v, %d × %d, %q", still.Asked, still.At, still.Width, still.Height, still.Pixels)
	}
	return still
}

// refuse expects a failure of a cause, and that nothing of it holds a secret.
func refuse(t testing.TB, r *camera.Reader, s camera.Source, want camera.Cause) *camera.Error {
	t.Helper()
	_, err := r.Take(t.Context(), s)
	var e *camera.Error
	if !errors.As(err, &e) {
		t.Fatalf("want %s: %v", want, err)
	}
	if e.Cause != want {
		t.Errorf("want %s: %v", want, err)
	}
	noSecret(t, err)
	return e
}

// noSecret walks everything that an error is made of.
func noSecret(t testing.TB, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
		for _, secret := range []string{password, url.QueryEscape(password), url.PathEscape(password), url.UserPassword(user, password).String(), user, "R&D",
			base64.StdEncoding.EncodeToString([]byte(user + ":" + password)), strings.Trim(fmt.Sprintf("%q", password), `"`)} {
			if strings.Contains(text, secret) {
				t.Errorf("%q stands in %q", secret, text)
			}
		}
	}
	switch u := err.(type) {
	case interface{ Unwrap() error }:
		noSecret(t, u.Unwrap())
	case interface{ Unwrap() []error }:
		for _, err := range u.Unwrap() {
			noSecret(t, err)
		}
	}
}

func httpSource(d *cameratest.Device) camera.Source {
	return camera.Source{Way: camera.HTTP, Address: d.Still(), User: user, Password: password}
}

func onvifSource(d *cameratest.Device) camera.Source {
	return camera.Source{Way: camera.ONVIF, Address: d.Service(), User: user, Password: password}
}

func rtspSource(s *cameratest.Stream) camera.Source {
	return camera.Source{Way: camera.RTSP, Address: s.URL, User: user, Password: password}
}

// HTTP.

func TestHTTPWithoutSignInGivesTheBytesAsTheyCame(t *testing.T) {
	raw := cameratest.JPEG(cameratest.Desk(1280, 720, 1))
	d := device(t, cameratest.Options{Picture: func(string) []byte { return raw }})
	still := take(t, reader(), camera.Source{Way: camera.HTTP, Address: d.Still()})
	if !bytes.Equal(still.Data, raw) || still.Type != imaging.JPEG || still.Width != 1280 || still.Height != 720 || still.Look != camera.Fine {
		t.Errorf("%s, %d × %d, %s", still.Type, still.Width, still.Height, still.Look)
	}
}

func TestHTTPTakesPNG(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, cameratest.Desk(320, 180, 1)); err != nil {
		t.Fatal(err)
	}
	d := device(t, cameratest.Options{Still: cameratest.Bytes("image/png", b.Bytes())})
	if still := take(t, reader(), camera.Source{Way: camera.HTTP, Address: d.Still()}); still.Type != imaging.PNG || still.Look != camera.Fine {
		t.Errorf("%s, %s", still.Type, still.Look)
	}
}

// signIn takes one still of a camera that asks for a password.
func signIn(t *testing.T, a cameratest.Auth, want string) {
	d := device(t, cameratest.Options{Auth: a, User: user, Password: password})
	take(t, reader(), httpSource(d))
	if d.Asked(want) != 1 || d.Asked("/snapshot.jpg") != 2 {
		t.Errorf("signed in %d times by %s, %d requests", d.Asked(want), want, d.Asked("/snapshot.jpg"))
	}
}

func TestHTTPBasic(t *testing.T)        { signIn(t, cameratest.Basic, "basic") }
func TestHTTPDigestMD5(t *testing.T)    { signIn(t, cameratest.DigestMD5, "digest") }
func TestHTTPDigestSHA256(t *testing.T) { signIn(t, cameratest.DigestSHA256, "digest") }

func TestHTTPThatOffersBasicAndDigestGetsDigest(t *testing.T) {
	signIn(t, cameratest.Both, "digest")
}

func TestHTTPThatOffersTwoDigestsGetsTheBetter(t *testing.T) {
	signIn(t, cameratest.DigestMD5+cameratest.DigestSHA256, "digest")
}

func TestWrongPasswordOverHTTP(t *testing.T) {
	for _, a := range []cameratest.Auth{cameratest.Basic, cameratest.DigestMD5, cameratest.DigestSHA256, cameratest.Both} {
		d := device(t, cameratest.Options{Auth: a, User: user, Password: "another"})
		refuse(t, reader(), httpSource(d), camera.SignIn)
		if n := d.Asked("/snapshot.jpg"); n > 2 {
			t.Errorf("%s: asked %d times; cameras lock out who tries on", a, n)
		}
	}
}

func TestNoPasswordWhereOneIsWanted(t *testing.T) {
	d := device(t, cameratest.Options{Auth: cameratest.DigestMD5, User: user, Password: password})
	refuse(t, reader(), camera.Source{Way: camera.HTTP, Address: d.Still()}, camera.SignIn)
}

func TestSlow(t *testing.T) {
	raw := cameratest.JPEG(cameratest.Desk(1280, 720, 1))
	d := device(t, cameratest.Options{Still: cameratest.Slow(raw, time.Second)})
	if still := take(t, reader(), camera.Source{Way: camera.HTTP, Address: d.Still()}); !bytes.Equal(still.Data, raw) {
		t.Error("other bytes")
	}
}

func TestTooSlow(t *testing.T) {
	d := device(t, cameratest.Options{Still: cameratest.Slow(cameratest.JPEG(cameratest.Desk(1280, 720, 1)), 20*time.Second)})
	refuse(t, reader(hurried), httpSource(d), camera.Timeout)
}

func TestHTTPHangsForEver(t *testing.T) {
	d := device(t, cameratest.Options{Still: cameratest.Hang()})
	refuse(t, reader(hurried), httpSource(d), camera.Timeout)
}

// TestDeafHangsForEver: a device that takes the connection and says nothing, in all
// protocols.
func TestDeafHangsForEver(t *testing.T) {
	d, err := cameratest.NewDeaf()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	for scheme, way := range map[string]camera.Way{"http": camera.HTTP, "https": camera.HTTP, "rtsp": camera.RTSP, "rtsps": camera.RTSP} {
		t.Run(scheme, func(t *testing.T) {
			began := time.Now()
			refuse(t, reader(hurried), camera.Source{Way: way, Address: scheme + "://" + d.Address + "/", User: user, Password: password}, camera.Timeout)
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
	t.Run("onvif", func(t *testing.T) {
		refuse(t, reader(hurried), camera.Source{Way: camera.ONVIF, Address: "http://" + d.Address + "/", User: user, Password: password}, camera.Timeout)
	})
}

// TestNobodyWaitsForLong: what is promised where nothing else is asked for.
func TestNobodyWaitsForLong(t *testing.T) {
	l := camera.DefaultLimits
	if l.Whole != 10*time.Second || l.Connect != 3*time.Second || l.Settle >= l.Whole || l.Decode >= l.Whole || l.Bytes != 16<<20 {
		t.Errorf("%+v", l)
	}
}

func TestNobodyThere(t *testing.T) {
	d := device(t, cameratest.Options{})
	d.Close()
	refuse(t, reader(), httpSource(d), camera.Unreachable)
	refuse(t, reader(), onvifSource(d), camera.Unreachable)
	refuse(t, reader(), camera.Source{Way: camera.RTSP, Address: "rtsp" + strings.TrimPrefix(d.URL, "http") + "/"}, camera.Unreachable)
	refuse(t, reader(), camera.Source{Way: camera.HTTP, Address: "http://no-such-camera.invalid/"}, camera.Unreachable)
}

func TestCertificateThatNobodyVouchesFor(t *testing.T) {
	d := device(t, cameratest.Options{TLS: true, Auth: cameratest.Basic, User: user, Password: password})
	e := refuse(t, reader(), httpSource(d), camera.Certificate)
	if e.Presented != d.Fingerprint {
		t.Errorf("it showed %q, its own is %q", e.Presented, d.Fingerprint)
	}
	if n := d.Asked("/snapshot.jpg"); n != 0 {
		t.Errorf("%d requests came through", n)
	}
}

func TestCertificateThatIsExpected(t *testing.T) {
	d := device(t, cameratest.Options{TLS: true, Auth: cameratest.DigestMD5, User: user, Password: password})
	s := httpSource(d)
	s.Trust = d.Fingerprint
	take(t, reader(), s)
}

func TestAnotherCertificateThanExpected(t *testing.T) {
	d := device(t, cameratest.Options{TLS: true, Auth: cameratest.Basic, User: user, Password: password})
	s := httpSource(d)
	s.Trust = strings.Repeat("ab", 32)
	if e := refuse(t, reader(), s, camera.Certificate); e.Presented != d.Fingerprint {
		t.Errorf("it showed %q, its own is %q", e.Presented, d.Fingerprint)
	}
}

func TestBlack(t *testing.T) {
	d := device(t, cameratest.Options{Picture: func(string) []byte { return cameratest.JPEG(cameratest.Dark(1280, 720, 1)) }})
	if still := take(t, reader(), camera.Source{Way: camera.HTTP, Address: d.Still()}); still.Look != camera.Black {
		t.Error(still.Look)
	}
}

func TestCovered(t *testing.T) {
	d := device(t, cameratest.Options{Picture: func(string) []byte { return cameratest.JPEG(cameratest.Hand(1280, 720, 1)) }})
	if still := take(t, reader(), camera.Source{Way: camera.HTTP, Address: d.Still()}); still.Look != camera.Covered {
		t.Error(still.Look)
	}
}

func shown(s camera.Still) camera.Shown {
	return camera.Shown{Pixels: s.Pixels, At: s.At, CameraAt: s.CameraAt}
}

// TestFrozen: the same picture again while the clock goes on, also in other bytes; a
// camera at work never gives the same pixels twice.
func TestFrozen(t *testing.T) {
	clock := inspection.NewManualClock(time.Now())
	r := reader(func(o *camera.Options) { o.Clock = clock })
	raw := cameratest.JPEG(cameratest.Desk(640, 360, 1))
	still := camera.Source{Way: camera.HTTP, Address: device(t, cameratest.Options{Dateless: true, Picture: func(string) []byte { return raw }}).Still()}
	first := take(t, r, still)
	if again := take(t, r, still); camera.Frozen(shown(first), again) {
		t.Error("frozen within the same second")
	}
	clock.Advance(2 * time.Second)
	if again := take(t, r, still); !camera.Frozen(shown(first), again) {
		t.Error("two seconds later it is not frozen")
	}
	alive := camera.Source{Way: camera.HTTP, Address: device(t, cameratest.Options{Dateless: true}).Still()}
	first = take(t, r, alive)
	clock.Advance(2 * time.Second)
	if again := take(t, r, alive); camera.Frozen(shown(first), again) {
		t.Error("a camera at work is frozen")
	}
}

func drift(t *testing.T, s camera.Still, want, within time.Duration) {
	t.Helper()
	if d, ok := s.Drift(); !ok || (d-want).Abs() > within {
		t.Errorf("ahead by %v (%v), want %v", d, ok, want)
	}
}

func TestHTTPClockOffByAnHour(t *testing.T) {
	for _, ahead := range []time.Duration{0, time.Hour, -time.Hour} {
		d := device(t, cameratest.Options{Ahead: ahead})
		drift(t, take(t, reader(), camera.Source{Way: camera.HTTP, Address: d.Still()}), ahead, 2*time.Second)
	}
}

func TestACameraThatDoesNotTellItsClock(t *testing.T) {
	d := device(t, cameratest.Options{Dateless: true})
	if _, ok := take(t, reader(), camera.Source{Way: camera.HTTP, Address: d.Still()}).Drift(); ok {
		t.Error("a drift")
	}
	d = device(t, cameratest.Options{Ahead: time.Until(time.Date(1970, 1, 3, 0, 0, 0, 0, time.UTC))})
	if _, ok := take(t, reader(), camera.Source{Way: camera.HTTP, Address: d.Still()}).Drift(); ok {
		t.Error("a drift against 1970")
	}
}

func TestHTTP4K(t *testing.T) {
	raw := cameratest.JPEG(cameratest.Desk(3840, 2160, 1))
	d := device(t, cameratest.Options{Picture: func(string) []byte { return raw }})
	if still := take(t, reader(), camera.Source{Way: camera.HTTP, Address: d.Still()}); still.Width != 3840 || still.Height != 2160 || still.Look != camera.Fine {
		t.Errorf("%d × %d, %s", still.Width, still.Height, still.Look)
	}
}

func TestGarbage(t *testing.T) {
	for name, raw := range map[string][]byte{
		"nothing": nil, "page": []byte("<html><title>Login</title></html>"), "noise": bytes.Repeat([]byte{0x17, 0xa0, 3}, 50_000),
	} {
		t.Run(name, func(t *testing.T) {
			d := device(t, cameratest.Options{Still: cameratest.Bytes("image/jpeg", raw)})
			refuse(t, reader(), httpSource(d), camera.NotAnImage)
		})
	}
}

func TestAStreamOfPicturesIsNoPicture(t *testing.T) {
	d := device(t, cameratest.Options{Still: cameratest.Bytes("multipart/x-mixed-replace; boundary=b", []byte("--b\r\n"))})
	refuse(t, reader(), httpSource(d), camera.NotAnImage)
}

func Test500MBAnswer(t *testing.T) {
	const whole = 500 << 20
	for _, announced := range []bool{false, true} {
		t.Run(fmt.Sprintf("announced=%v", announced), func(t *testing.T) {
			sent := make(chan int64, 1)
			d := device(t, cameratest.Options{Still: cameratest.Endless(whole, announced, func(n int64) { sent <- n })})
			refuse(t, reader(), httpSource(d), camera.TooLarge)
			// 16 MiB and what the kernel holds of both sides.
			if n := <-sent; n > 64<<20 {
				t.Errorf("%d MB were taken", n>>20)
			}
		})
	}
}

func TestRedirectToAnotherHost(t *testing.T) {
	other := device(t, cameratest.Options{Host: "127.0.0.2"})
	d := device(t, cameratest.Options{Still: cameratest.RedirectTo(other.Still())})
	refuse(t, reader(), httpSource(d), camera.Redirect)
	if n := other.Asked("/snapshot.jpg"); n != 0 {
		t.Errorf("the other host was asked %d times", n)
	}
}

func TestRedirectToAnotherPort(t *testing.T) {
	other := device(t, cameratest.Options{})
	d := device(t, cameratest.Options{Still: cameratest.RedirectTo(other.Still())})
	refuse(t, reader(), httpSource(d), camera.Redirect)
	if n := other.Asked("/snapshot.jpg"); n != 0 {
		t.Errorf("the other port was asked %d times", n)
	}
}

func TestRedirectToItselfForEver(t *testing.T) {
	d := device(t, cameratest.Options{Still: cameratest.RedirectTo("/snapshot.jpg")})
	refuse(t, reader(), httpSource(d), camera.Redirect)
}

func TestAddressOutsideTheRange(t *testing.T) {
	d := device(t, cameratest.Options{})
	for _, allowed := range [][]netip.Prefix{nil, {netip.MustParsePrefix("10.0.0.0/8")}, {netip.MustParsePrefix("127.0.0.2/32")}} {
		r := reader(func(o *camera.Options) { o.Allowed = allowed })
		refuse(t, r, httpSource(d), camera.NotAllowed)
		refuse(t, r, onvifSource(d), camera.NotAllowed)
		refuse(t, r, camera.Source{Way: camera.RTSP, Address: "rtsp" + strings.TrimPrefix(d.URL, "http") + "/"}, camera.NotAllowed)
		mapped := strings.Replace(d.Still(), "127.0.0.1", "[::ffff:127.0.0.1]", 1)
		refuse(t, r, camera.Source{Way: camera.HTTP, Address: mapped}, camera.NotAllowed)
		for address, known := range map[string]bool{d.Still(): true, mapped: true, strings.Replace(d.Still(), "127.0.0.1", "localhost", 1): false} {
			if r.Reaches(camera.Source{Address: address}) == known { // of a name it is known when it is looked up
				t.Errorf("%s: what may be dialled is not known by its address", address)
			}
		}
	}
	if !reader().Reaches(httpSource(d)) {
		t.Error("an address within the ranges is said to lie outside")
	}
	if n := d.Asked("/snapshot.jpg"); n != 0 {
		t.Errorf("asked %d times", n)
	}
}

func TestNameThatLeadsOutsideTheRange(t *testing.T) {
	d := device(t, cameratest.Options{})
	address := strings.Replace(d.Still(), "127.0.0.1", "localhost", 1)
	refuse(t, reader(func(o *camera.Options) { o.Allowed = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }), camera.Source{Way: camera.HTTP, Address: address}, camera.NotAllowed)
	take(t, reader(), camera.Source{Way: camera.HTTP, Address: address}) // the same name where it may be
}

func TestHTTPDisconnectInMidFrame(t *testing.T) {
	d := device(t, cameratest.Options{Still: cameratest.BreakOff(cameratest.JPEG(cameratest.Desk(1280, 720, 1)))})
	refuse(t, reader(), httpSource(d), camera.BrokenOff)
}

func TestHTTPHalfAPicture(t *testing.T) {
	raw := cameratest.JPEG(cameratest.Desk(1280, 720, 1))
	d := device(t, cameratest.Options{Still: cameratest.Bytes("image/jpeg", raw[:len(raw)/2])})
	refuse(t, reader(), httpSource(d), camera.BrokenOff)
}

func TestAStatusHasItsCause(t *testing.T) {
	d := device(t, cameratest.Options{})
	refuse(t, reader(), camera.Source{Way: camera.HTTP, Address: d.URL + "/other"}, camera.NoStill)
}

// TestAPasswordInTheAddressStaysThere: some cameras want it behind the question mark, or
// in the path.
func TestAPasswordInTheAddressStaysThere(t *testing.T) {
	d := device(t, cameratest.Options{})
	d.Close()
	for _, address := range []string{d.Still() + "?user=" + url.QueryEscape(user) + "&pwd=" + url.QueryEscape(password), d.URL + "/user=" + user + "_password=" + url.PathEscape(password)} {
		refuse(t, reader(), camera.Source{Way: camera.HTTP, Address: address}, camera.Unreachable)
	}
}

func TestWhoGivesUpGetsNoCause(t *testing.T) {
	d := device(t, cameratest.Options{Still: cameratest.Hang()})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := reader().Take(ctx, httpSource(d)); err != context.Canceled {
		t.Error(err)
	}
}

func TestASourceThatIsNone(t *testing.T) {
	for _, s := range []camera.Source{{}, {Way: camera.HTTP, Address: "http://a:b@127.0.0.1/"}, {Way: camera.RTSP, Address: "http://127.0.0.1/"}} {
		if _, err := reader().Take(t.Context(), s); inspection.CodeOf(err) != inspection.Invalid {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

// ONVIF.

// post sends what was said once more and tells the status.
func post(t *testing.T, address, body string) int {
	t.Helper()
	resp, err := http.Post(address, "application/soap+xml", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode
}

func TestONVIF(t *testing.T) {
	d := device(t, cameratest.Options{Auth: cameratest.DigestMD5, User: user, Password: password})
	still := take(t, reader(), onvifSource(d))
	if still.Profile != cameratest.Profiles[0] || still.Preset != "" || still.Look != camera.Fine {
		t.Errorf("%q, %q, %s", still.Profile, still.Preset, still.Look)
	}
	drift(t, still, 0, 2*time.Second)
	if strings.Contains(d.Said("GetSystemDateAndTime"), "UsernameToken") || !strings.Contains(d.Said("GetProfiles"), "UsernameToken") {
		t.Error("the clock is asked without signing in, the rest is not")
	}
	if strings.Contains(d.Said("GetProfiles"), "R&amp;D") {
		t.Error("the password was sent")
	}
}

func TestONVIFProfile(t *testing.T) {
	d := device(t, cameratest.Options{User: user, Password: password})
	s := onvifSource(d)
	s.Profile = cameratest.Profiles[1]
	if still := take(t, reader(), s); still.Profile != cameratest.Profiles[1] {
		t.Error(still.Profile)
	}
	s.Profile = "another"
	refuse(t, reader(), s, camera.NoStill)
}

func TestONVIFClockOffByAnHour(t *testing.T) {
	for _, ahead := range []time.Duration{time.Hour, -time.Hour} {
		d := device(t, cameratest.Options{User: user, Password: password, Ahead: ahead, Dateless: true})
		drift(t, take(t, reader(), onvifSource(d)), ahead, 2*time.Second)
	}
}

// TestONVIFClockOf1970: such a clock is no clock, and still the one that the proof of the
// password must agree with.
func TestONVIFClockOf1970(t *testing.T) {
	d := device(t, cameratest.Options{User: user, Password: password, Ahead: time.Until(time.Date(1970, 1, 3, 0, 0, 0, 0, time.UTC))})
	if _, ok := take(t, reader(), onvifSource(d)).Drift(); ok {
		t.Error("a drift against 1970")
	}
}

func TestWrongPasswordOverONVIF(t *testing.T) {
	d := device(t, cameratest.Options{User: user, Password: "another"})
	refuse(t, reader(), onvifSource(d), camera.SignIn)
}

// TestONVIFProofsAreTakenOnce holds the peer of these tests to what it promises.
func TestONVIFProofsAreTakenOnce(t *testing.T) {
	d := device(t, cameratest.Options{User: user, Password: password})
	take(t, reader(), onvifSource(d))
	said := d.Said("GetProfiles")
	if status := post(t, d.URL+"/onvif/media_service", said); status != 400 {
		t.Errorf("the same proof again: %d", status)
	}
}

// TestONVIFProofsGrowOld: a camera that tells its clock only to who signed in, and whose
// clock is wrong, cannot be signed in to; with the right one it can.
func TestONVIFProofsGrowOld(t *testing.T) {
	take(t, reader(), onvifSource(device(t, cameratest.Options{User: user, Password: password, ClockIsSecret: true})))
	refuse(t, reader(), onvifSource(device(t, cameratest.Options{User: user, Password: password, ClockIsSecret: true, Ahead: cameratest.Window + time.Minute})), camera.SignIn)
}

func TestONVIFSnapshotOutsideTheRange(t *testing.T) {
	other := device(t, cameratest.Options{Host: "127.0.0.2"})
	d := device(t, cameratest.Options{User: user, Password: password, SnapshotURI: other.Still()})
	r := reader(func(o *camera.Options) { o.Allowed = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} })
	refuse(t, r, onvifSource(d), camera.NotAllowed)
	if n := other.Asked("/snapshot.jpg"); n != 0 {
		t.Errorf("asked %d times", n)
	}
}

// TestONVIFTellsThePasswordToNobodyElse: a recorder may hand out its camera's address, and
// the camera may ask for the password; in the clear it gets none.
func TestONVIFTellsThePasswordToNobodyElse(t *testing.T) {
	other := device(t, cameratest.Options{Host: "127.0.0.2", Auth: cameratest.Basic, User: user, Password: password})
	d := device(t, cameratest.Options{User: user, Password: password, SnapshotURI: other.Still()})
	refuse(t, reader(), onvifSource(d), camera.SignIn)
	if n := other.Asked("basic"); n != 0 {
		t.Errorf("it was told %d times", n)
	}
	other = device(t, cameratest.Options{Host: "127.0.0.2", Auth: cameratest.DigestMD5, User: user, Password: password})
	d = device(t, cameratest.Options{User: user, Password: password, SnapshotURI: strings.Replace(other.Still(), "http://", "http://admin:admin@", 1)})
	take(t, reader(), onvifSource(d))
}

func TestONVIFPreset(t *testing.T) {
	pictures := map[string][]byte{"cua-1": cameratest.JPEG(cameratest.Desk(640, 360, 7)), "on the way": cameratest.JPEG(cameratest.Desk(640, 360, 8))}
	for name, silent := range map[string]bool{"tells": false, "silent": true} {
		t.Run(name, func(t *testing.T) {
			d := device(t, cameratest.Options{User: user, Password: password, Preset: "cua-1", Travel: 3, SilentPTZ: silent, Picture: func(at string) []byte { return pictures[at] }})
			s := onvifSource(d)
			s.Preset = "cua-1"
			if still := take(t, reader(), s); still.Preset != "cua-1" || !bytes.Equal(still.Data, pictures["cua-1"]) {
				t.Error("taken on the way")
			}
			s.Preset = "cua-2"
			refuse(t, reader(), s, camera.NoStill)
		})
	}
}

func TestONVIFPresetThatIsNeverReached(t *testing.T) {
	d := device(t, cameratest.Options{User: user, Password: password, Preset: "1", Travel: 1000})
	s := onvifSource(d)
	s.Preset = "1"
	refuse(t, reader(func(o *camera.Options) { o.Limits.Settle = time.Second }), s, camera.Timeout)
}

func TestONVIFCameraThatDoesNotTurn(t *testing.T) {
	d := device(t, cameratest.Options{User: user, Password: password})
	s := onvifSource(d)
	s.Preset = "1"
	refuse(t, reader(), s, camera.NoStill)
}

func TestONVIFThatHasOnlyAStream(t *testing.T) {
	v := stream(t, film(t, cameratest.Shot{}), cameratest.StreamOptions{User: user, Password: password, Silent: true})
	d := device(t, cameratest.Options{User: user, Password: password, SnapshotURI: cameratest.None, StreamURI: v.URL, Ahead: time.Hour})
	still := take(t, reader(), onvifSource(d))
	if still.Width != 640 || still.Profile != cameratest.Profiles[0] {
		t.Errorf("%d, %q", still.Width, still.Profile)
	}
	drift(t, still, time.Hour, 2*time.Second)
}

func TestONVIFWithNothing(t *testing.T) {
	d := device(t, cameratest.Options{User: user, Password: password, SnapshotURI: cameratest.None})
	refuse(t, reader(), onvifSource(d), camera.NoStill)
}

func TestAPageIsNoONVIF(t *testing.T) {
	d := device(t, cameratest.Options{Still: cameratest.Bytes("text/html", []byte("<html><body>hello</body></html>"))})
	refuse(t, reader(), camera.Source{Way: camera.ONVIF, Address: d.Still(), User: user, Password: password}, camera.Protocol)
}

// RTSP.

func rtspStill(t *testing.T, c cameratest.Codec, o cameratest.StreamOptions) camera.Still {
	t.Helper()
	still := take(t, reader(), rtspSource(stream(t, film(t, cameratest.Shot{Codec: c}), o)))
	if still.Type != imaging.JPEG || still.Width != 640 || still.Height != 360 || still.Look != camera.Fine {
		t.Errorf("%s, %d × %d, %s", still.Type, still.Width, still.Height, still.Look)
	}
	return still
}

func TestRTSPH264(t *testing.T) { rtspStill(t, cameratest.H264, cameratest.StreamOptions{}) }
func TestRTSPH265(t *testing.T) { rtspStill(t, cameratest.H265, cameratest.StreamOptions{}) }

func TestRTSPH264Digest(t *testing.T) {
	rtspStill(t, cameratest.H264, cameratest.StreamOptions{User: user, Password: password})
}

func TestRTSPH265DigestSHA256(t *testing.T) {
	rtspStill(t, cameratest.H265, cameratest.StreamOptions{User: user, Password: password, SHA256: true})
}

func TestWrongPasswordOverRTSP(t *testing.T) {
	s := stream(t, film(t, cameratest.Shot{}), cameratest.StreamOptions{User: user, Password: "another"})
	refuse(t, reader(), rtspSource(s), camera.SignIn)
	refuse(t, reader(), camera.Source{Way: camera.RTSP, Address: s.URL}, camera.SignIn)
}

func TestRTSPClockOffByAnHour(t *testing.T) {
	for _, ahead := range []time.Duration{0, time.Hour, -time.Hour} {
		drift(t, rtspStill(t, cameratest.H264, cameratest.StreamOptions{Ahead: ahead}), ahead, time.Second)
	}
}

func TestRTSPThatDoesNotTellItsClock(t *testing.T) {
	if _, ok := rtspStill(t, cameratest.H264, cameratest.StreamOptions{Silent: true}).Drift(); ok {
		t.Error("a drift")
	}
}

func TestRTSPBlack(t *testing.T) {
	if still := take(t, reader(), rtspSource(stream(t, film(t, cameratest.Shot{Scene: cameratest.Black}), cameratest.StreamOptions{}))); still.Look != camera.Black {
		t.Error(still.Look)
	}
}

func TestRTSPCovered(t *testing.T) {
	if still := take(t, reader(), rtspSource(stream(t, film(t, cameratest.Shot{Scene: cameratest.Covered}), cameratest.StreamOptions{}))); still.Look != camera.Covered {
		t.Error(still.Look)
	}
}

func TestRTSPFrozen(t *testing.T) {
	clock := inspection.NewManualClock(time.Now())
	r := reader(func(o *camera.Options) { o.Clock = clock })
	f, err := film(t, cameratest.Shot{}).Frozen()
	if err != nil {
		t.Fatal(err)
	}
	s := rtspSource(stream(t, f, cameratest.StreamOptions{Silent: true}))
	first := take(t, r, s)
	clock.Advance(3 * time.Second)
	if again := take(t, r, s); !camera.Frozen(shown(first), again) {
		t.Error("not frozen")
	}
}

func TestRTSP4K(t *testing.T) {
	for _, c := range []cameratest.Codec{cameratest.H264, cameratest.H265} {
		t.Run(string(c), func(t *testing.T) {
			f := film(t, cameratest.Shot{Codec: c, Width: 3840, Height: 2160, FPS: 1, Seconds: 2, Scene: "testsrc2=size={size}:rate={rate}"})
			if still := take(t, reader(), rtspSource(stream(t, f, cameratest.StreamOptions{}))); still.Width != 3840 || still.Height != 2160 || still.Look != camera.Fine {
				t.Errorf("%d × %d, %s", still.Width, still.Height, still.Look)
			}
		})
	}
}

func TestRTSPGarbage(t *testing.T) {
	for _, c := range []cameratest.Codec{cameratest.H264, cameratest.H265} {
		t.Run(string(c), func(t *testing.T) {
			refuse(t, reader(), rtspSource(stream(t, film(t, cameratest.Shot{Codec: c}).Spoilt(), cameratest.StreamOptions{})), camera.Decoder)
		})
	}
}

func TestRTSPStreamThatNeverBegins(t *testing.T) {
	s := stream(t, film(t, cameratest.Shot{}), cameratest.StreamOptions{Held: make(chan struct{})})
	refuse(t, reader(hurried), rtspSource(s), camera.Timeout)
}

func TestRTSPDisconnectInMidFrame(t *testing.T) {
	s := stream(t, film(t, cameratest.Shot{}), cameratest.StreamOptions{BreakOff: true})
	refuse(t, reader(), rtspSource(s), camera.BrokenOff)
}

func TestRTSPWithoutSuchAStream(t *testing.T) {
	s := stream(t, film(t, cameratest.Shot{}), cameratest.StreamOptions{Missing: true})
	refuse(t, reader(), rtspSource(s), camera.NoStill)
}

func TestRTSPRedirectToAnotherHost(t *testing.T) {
	other := device(t, cameratest.Options{Host: "127.0.0.2"})
	s := stream(t, film(t, cameratest.Shot{}), cameratest.StreamOptions{RedirectTo: "rtsp" + strings.TrimPrefix(other.URL, "http") + "/"})
	refuse(t, reader(), rtspSource(s), camera.Redirect)
}

func TestRTSPRedirectToItselfForEver(t *testing.T) {
	s := stream(t, film(t, cameratest.Shot{}), cameratest.StreamOptions{RedirectTo: cameratest.Itself})
	refuse(t, reader(), rtspSource(s), camera.Redirect)
}

func TestRTSPCertificate(t *testing.T) {
	v := stream(t, film(t, cameratest.Shot{}), cameratest.StreamOptions{TLS: true, User: user, Password: password})
	s := rtspSource(v)
	if e := refuse(t, reader(), s, camera.Certificate); e.Presented != v.Fingerprint {
		t.Errorf("it showed %q, its own is %q", e.Presented, v.Fingerprint)
	}
	s.Trust = v.Fingerprint
	take(t, reader(), s)
	s.Trust = strings.Repeat("ab", 32)
	refuse(t, reader(), s, camera.Certificate)
}

// ffmpeg.

func TestFFmpegMissing(t *testing.T) {
	r := reader(func(o *camera.Options) { o.FFmpeg = filepath.Join(t.TempDir(), "ffmpeg") })
	refuse(t, r, rtspSource(stream(t, film(t, cameratest.Shot{}), cameratest.StreamOptions{})), camera.NoDecoder)
	take(t, r, httpSource(device(t, cameratest.Options{}))) // the rest works
}

// script is a program that runs instead of ffmpeg.
func script(t *testing.T, text string) string {
	t.Helper()
	real, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ffmpeg")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+strings.ReplaceAll(text, "FFMPEG", real)+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFFmpegKilled: the real one, killed while it waits for the frame.
func TestFFmpegKilled(t *testing.T) {
	id := filepath.Join(t.TempDir(), "id")
	r := reader(func(o *camera.Options) {
		o.FFmpeg = script(t, "echo $$ > "+id+".new && mv "+id+".new "+id+" && exec FFMPEG \"$@\"")
	})
	held := make(chan struct{})
	s := stream(t, film(t, cameratest.Shot{}), cameratest.StreamOptions{Held: held})
	go func() {
		defer close(held)
		for {
			if raw, err := os.ReadFile(id); err == nil {
				if err := exec.Command("kill", "-9", strings.TrimSpace(string(raw))).Run(); err != nil {
					t.Error(err)
				}
				return
			}
			if t.Context().Err() != nil {
				return
			}
		}
	}()
	refuse(t, r, rtspSource(s), camera.Decoder)
}

func TestFFmpegThatHangs(t *testing.T) {
	r := reader(func(o *camera.Options) { o.FFmpeg, o.Limits.Decode = script(t, "exec sleep 100"), 300*time.Millisecond })
	refuse(t, r, rtspSource(stream(t, film(t, cameratest.Shot{}), cameratest.StreamOptions{})), camera.Decoder)
}

func TestFFmpegThatSaysTooMuch(t *testing.T) {
	r := reader(func(o *camera.Options) { o.FFmpeg = script(t, "cat /dev/zero") })
	refuse(t, r, rtspSource(stream(t, film(t, cameratest.Shot{}), cameratest.StreamOptions{})), camera.TooLarge)
}

func TestFFmpegIsToldNothing(t *testing.T) {
	told := filepath.Join(t.TempDir(), "told")
	t.Setenv("CONGVU_KEY", "secret of the program")
	r := reader(func(o *camera.Options) {
		o.FFmpeg = script(t, "echo \"$@\" > "+told+"; env >> "+told+"; exec FFMPEG \"$@\"")
	})
	take(t, r, rtspSource(stream(t, film(t, cameratest.Shot{}), cameratest.StreamOptions{User: user, Password: password})))
	raw, err := os.ReadFile(told)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"R&D", user, "127.0.0.1", "CONGVU_KEY"} {
		if strings.Contains(string(raw), secret) {
			t.Errorf("%q stands in %s", secret, raw)
		}
	}
}

// The look.

func TestJudge(t *testing.T) {
	still, err := reader().Judge(t.Context(), cameratest.JPEG(cameratest.Hand(640, 360, 1)))
	if err != nil || still.Look != camera.Covered || still.Width != 640 || len(still.Pixels) != 64 {
		t.Errorf("%s, %d, %v", still.Look, still.Width, err)
	}
	raw := cameratest.JPEG(cameratest.Desk(640, 360, 1))
	for want, raw := range map[camera.Cause][]byte{camera.NotAnImage: []byte("hello"), camera.BrokenOff: raw[:len(raw)/2], camera.TooLarge: imagingtest.HugeJPEG(60_000, 60_000)} {
		if _, err := reader().Judge(t.Context(), raw); camera.CauseOf(err) != want {
			t.Errorf("want %s: %v", want, err)
		}
	}
}

func TestAPictureOfTooManyPixels(t *testing.T) {
	d := device(t, cameratest.Options{Still: cameratest.Bytes("image/jpeg", imagingtest.HugeJPEG(30_000, 30_000))})
	refuse(t, reader(), httpSource(d), camera.TooLarge)
}

func TestExamine(t *testing.T) {
	for name, c := range map[string]struct {
		picture image.Image
		want    camera.Look
	}{
		"desk":            {cameratest.Desk(1920, 1080, 1), camera.Fine},
		"small desk":      {cameratest.Desk(352, 240, 1), camera.Fine},
		"dark":            {cameratest.Dark(1920, 1080, 1), camera.Black},
		"hand":            {cameratest.Hand(1920, 1080, 1), camera.Covered},
		"small hand":      {cameratest.Hand(352, 240, 1), camera.Covered},
		"one pixel":       {image.NewGray(image.Rect(0, 0, 1, 1)), camera.Black},
		"part of a desk":  {cameratest.Desk(1920, 1080, 1).SubImage(image.Rect(100, 100, 1801, 901)), camera.Fine},
		"dim desk":        {dim(cameratest.Desk(1920, 1080, 1), 5), camera.Fine},
		"a black picture": {image.NewRGBA(image.Rect(0, 0, 640, 360)), camera.Black},
	} {
		look, pixels := camera.Examine(c.picture)
		if again, same := camera.Examine(c.picture); look != c.want || again != look || same != pixels {
			t.Errorf("%s: %s", name, look)
		}
	}
	_, one := camera.Examine(cameratest.Desk(640, 360, 1))
	if _, two := camera.Examine(cameratest.Desk(640, 360, 2)); one == two {
		t.Error("two frames with different noise have the same pixels")
	}
}

// dim leaves a part of the contrast.
func dim(img *image.YCbCr, part int) *image.YCbCr {
	for i, v := range img.Y {
		img.Y[i] = byte(60 + int(v)/part)
	}
	return img
}
