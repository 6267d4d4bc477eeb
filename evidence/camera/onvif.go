package camera

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // what the UsernameToken profile asks for
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// What is said to a device, by ONVIF Core, Media and PTZ (version 1 services, which all
// devices have), and WS-Security UsernameToken Profile 1.0.
const (
	nsSOAP     = "http://www.w3.org/2003/05/soap-envelope"
	nsDevice   = "http://www.onvif.org/ver10/device/wsdl"
	nsMedia    = "http://www.onvif.org/ver10/media/wsdl"
	nsPTZ      = "http://www.onvif.org/ver20/ptz/wsdl"
	nsSchema   = "http://www.onvif.org/ver10/schema"
	nsWSSE     = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	nsWSU      = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
	typeDigest = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
	typeNonce  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
)

const (
	maxSOAP     = 1 << 20 // bytes of an answer; recorders with 64 channels send about 200 KB
	maxProfiles = 4       // that are asked for a still
	pollEvery   = 200 * time.Millisecond
	blindSettle = 2 * time.Second // for a camera that does not tell whether it moves
)

// reply is what is read of any answer; fields that it lacks are empty.
type reply struct {
	XMLName xml.Name
	Fault   *fault     `xml:"Body>Fault"`
	UTC     *timeOfDay `xml:"Body>GetSystemDateAndTimeResponse>SystemDateAndTime>UTCDateTime"`
	Media   string     `xml:"Body>GetCapabilitiesResponse>Capabilities>Media>XAddr"`
	PTZ     string     `xml:"Body>GetCapabilitiesResponse>Capabilities>PTZ>XAddr"`
	Profile []struct {
		Token string    `xml:"token,attr"`
		Video *struct{} `xml:"VideoEncoderConfiguration"`
	} `xml:"Body>GetProfilesResponse>Profiles"`
	Snapshot string `xml:"Body>GetSnapshotUriResponse>MediaUri>Uri"`
	Stream   string `xml:"Body>GetStreamUriResponse>MediaUri>Uri"`
	PTZState *struct {
		Position struct {
			PanTilt struct {
				X string `xml:"x,attr"`
				Y string `xml:"y,attr"`
			} `xml:"PanTilt"`
			Zoom struct {
				X string `xml:"x,attr"`
			} `xml:"Zoom"`
		} `xml:"Position"`
		PanTilt string `xml:"MoveStatus>PanTilt"`
		Zoom    string `xml:"MoveStatus>Zoom"`
	} `xml:"Body>GetStatusResponse>PTZStatus"`
}

type timeOfDay struct {
	Hour   int `xml:"Time>Hour"`
	Minute int `xml:"Time>Minute"`
	Second int `xml:"Time>Second"`
	Year   int `xml:"Date>Year"`
	Month  int `xml:"Date>Month"`
	Day    int `xml:"Date>Day"`
}

// time is false for what no clock shows.
func (d *timeOfDay) time() (time.Time, bool) {
	if d == nil || d.Year < 1 || d.Year > 9999 {
		return time.Time{}, false
	}
	at := time.Date(d.Year, time.Month(d.Month), d.Day, d.Hour, d.Minute, d.Second, 0, time.UTC)
	return at, at.Month() == time.Month(d.Month) && at.Day() == d.Day && at.Hour() == d.Hour && at.Minute() == d.Minute
}

// fault is SOAP's own error, of version 1.2 or of 1.1.
type fault struct {
	Code    string `xml:"Code>Value"`
	Subcode string `xml:"Code>Subcode>Value"`
	Detail  string `xml:"Code>Subcode>Subcode>Value"`
	Reason  string `xml:"Reason>Text"`
	Old     string `xml:"faultcode"`
	Text    string `xml:"faultstring"`
}

// is tells whether one of its codes, which have prefixes that nobody can rely on, is one of
// these.
func (f *fault) is(names ...string) bool {
	for _, code := range []string{f.Code, f.Subcode, f.Detail, f.Old} {
		for _, name := range names {
			if local := strings.TrimSpace(code[strings.LastIndexByte(code, ':')+1:]); strings.EqualFold(local, name) {
				return true
			}
		}
	}
	return false
}

func (f *fault) Error() string {
	return fmt.Sprintf("fault %q %q", cmp.Or(f.Detail, f.Subcode, f.Code, f.Old), cmp.Or(f.Reason, f.Text))
}

// parse reads an answer. No device needs a document type, and entities come with none.
func parse(raw []byte) (*reply, error) {
	d := xml.NewDecoder(bytes.NewReader(raw))
	for {
		token, err := d.RawToken()
		if err != nil {
			return nil, fail(Protocol, errors.New("no SOAP answer"))
		}
		switch token := token.(type) {
		case xml.Directive:
			return nil, fail(Protocol, errors.New("an answer with a document type"))
		case xml.StartElement:
			if token.Name.Local != "Envelope" {
				return nil, fail(Protocol, errors.New("no SOAP answer"))
			}
			r := new(reply)
			d = xml.NewDecoder(bytes.NewReader(raw))
			d.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errors.New("not UTF-8") }
			if err := d.Decode(r); err != nil {
				return nil, fail(Protocol, fmt.Errorf("no SOAP answer: %w", err))
			}
			return r, nil
		}
	}
}

// talk is a conversation with a device.
type talk struct {
	*taking
	ahead time.Duration // how far the device's clock is ahead
	knows bool
}

// text is a text as it stands in an element.
func text(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder takes everything
	return b.String()
}

// security is a header that proves to know the password without telling it, now by the
// device's clock.
func (t *talk) security() string {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails
	created := t.clock.Now().Add(t.ahead).Time().UTC().Format("2006-01-02T15:04:05.000Z")
	sum := sha1.Sum([]byte(string(nonce) + created + t.s.Password))
	return `<Security s:mustUnderstand="1" xmlns="` + nsWSSE + `"><UsernameToken><Username>` + text(t.s.User) +
		`</Username><Password Type="` + typeDigest + `">` + base64.StdEncoding.EncodeToString(sum[:]) +
		`</Password><Nonce EncodingType="` + typeNonce + `">` + base64.StdEncoding.EncodeToString(nonce) +
		`</Nonce><Created xmlns="` + nsWSU + `">` + created + `</Created></UsernameToken></Security>`
}

// call asks a service for one thing; open without signing in.
func (t *talk) call(ctx context.Context, address, namespace, action, inside string, open bool) (*reply, error) {
	security := ""
	if t.s.User != "" && !open {
		security = t.security()
	}
	body := `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="` + nsSOAP + `"><s:Header>` + security + `</s:Header><s:Body><` +
		action + ` xmlns="` + namespace + `">` + inside + `</` + action + `></s:Body></s:Envelope>`
	a, err := t.ask(ctx, http.MethodPost, address, `application/soap+xml; charset=utf-8; action="`+namespace+`/`+action+`"`, []byte(body), maxSOAP)
	if err != nil {
		return nil, err
	}
	r, err := parse(a.body)
	switch {
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		return nil, fail(SignIn, fmt.Errorf("status %d", a.status))
	case err == nil && r.Fault != nil && r.Fault.is("NotAuthorized", "FailedAuthentication", "InvalidSecurity", "InvalidSecurityToken"):
		return nil, fail(SignIn, r.Fault)
	case err == nil && r.Fault != nil:
		return nil, r.Fault
	case a.status != http.StatusOK:
		return nil, refused(a.status)
	case err != nil:
		return nil, err
	}
	return r, nil
}

// lacks makes of a fault, which says that the device has no such thing, NoStill. Other
// errors stay, among them the fault that call has understood.
func lacks(err error) error {
	if f, ok := err.(*fault); ok {
		return fail(NoStill, f)
	}
	return err
}

// device takes a still as a device says: from the address of its stills or, where it has
// none, out of its stream.
func (t *taking) device(ctx context.Context) (frame, error) {
	c := &talk{taking: t}
	home := t.s.Address
	// The clock first, without signing in: the proof of the password holds for a few minutes
	// of it, however wrong it is.
	r, err := c.call(ctx, home, nsDevice, "GetSystemDateAndTime", "", true)
	if err == nil {
		if at, ok := r.UTC.time(); ok {
			c.ahead, c.knows = at.Sub(t.clock.Now().Time()), told(at) != 0
		}
	} else if _, isFault := err.(*fault); !isFault && causeOf(ctx, err) != SignIn {
		return frame{}, err
	}
	if r, err = c.call(ctx, home, nsDevice, "GetCapabilities", "<Category>All</Category>", false); err != nil {
		return frame{}, lacks(err)
	}
	media, ptz := strings.TrimSpace(r.Media), strings.TrimSpace(r.PTZ)
	if media == "" {
		return frame{}, fail(NoStill, errors.New("the device has no media service"))
	}
	if r, err = c.call(ctx, media, nsMedia, "GetProfiles", "", false); err != nil {
		return frame{}, lacks(err)
	}
	var profiles []string
	for _, p := range r.Profile {
		if t.s.Profile == p.Token || t.s.Profile == "" && len(profiles) < maxProfiles {
			profiles = append(profiles, p.Token)
		}
	}
	if len(profiles) == 0 {
		return frame{}, fail(NoStill, errors.New("no such profile"))
	}
	if t.s.Preset != "" {
		if err := c.move(ctx, ptz, profiles[0]); err != nil {
			return frame{}, err
		}
	}
	f, err := c.shoot(ctx, media, profiles)
	if err != nil {
		return frame{}, err
	}
	f.preset = t.s.Preset
	if c.knows { // the device's own word is better than the Date of its web server
		f.cameraAt = f.at.Add(c.ahead)
	}
	return f, nil
}

// shoot tries the profiles for stills, then for streams.
func (t *talk) shoot(ctx context.Context, media string, profiles []string) (frame, error) {
	none := fail(NoStill, errors.New("neither stills nor streams"))
	for _, p := range profiles {
		r, err := t.call(ctx, media, nsMedia, "GetSnapshotUri", "<ProfileToken>"+text(p)+"</ProfileToken>", false)
		if err == nil && strings.TrimSpace(r.Snapshot) == "" {
			continue
		}
		var f frame
		if err == nil {
			if f, err = t.picture(ctx, strings.TrimSpace(r.Snapshot)); err == nil {
				f.profile = p
				return f, nil
			}
		}
		if err = lacks(err); causeOf(ctx, err) != NoStill {
			return frame{}, err
		}
	}
	for _, p := range profiles {
		r, err := t.call(ctx, media, nsMedia, "GetStreamUri", `<StreamSetup><Stream xmlns="`+nsSchema+`">RTP-Unicast</Stream><Transport xmlns="`+nsSchema+
			`"><Protocol>RTSP</Protocol></Transport></StreamSetup><ProfileToken>`+text(p)+"</ProfileToken>", false)
		if err == nil && strings.TrimSpace(r.Stream) == "" {
			continue
		}
		var f frame
		if err == nil {
			if f, err = t.stream(ctx, strings.TrimSpace(r.Stream)); err == nil {
				f.profile = p
				return f, nil
			}
		}
		if err = lacks(err); causeOf(ctx, err) != NoStill {
			return frame{}, err
		}
		none = err
	}
	return frame{}, none
}

// move sends the camera to the preset and waits until it stands: twice in a row the same
// position, not moving.
func (t *talk) move(ctx context.Context, ptz, profile string) error {
	if ptz == "" {
		return fail(NoStill, errors.New("the camera cannot be turned"))
	}
	inside := "<ProfileToken>" + text(profile) + "</ProfileToken>"
	if _, err := t.call(ctx, ptz, nsPTZ, "GotoPreset", inside+"<PresetToken>"+text(t.s.Preset)+"</PresetToken>", false); err != nil {
		return lacks(err)
	}
	ctx, cancel := context.WithTimeout(ctx, t.limits.Settle)
	defer cancel()
	before := ""
	for {
		if err := wait(ctx, pollEvery); err != nil {
			return fail(Timeout, errors.New("the camera is still on its way to the preset"))
		}
		r, err := t.call(ctx, ptz, nsPTZ, "GetStatus", inside, false)
		if _, isFault := err.(*fault); isFault || err == nil && r.PTZState == nil {
			return wait(ctx, blindSettle)
		}
		if err != nil {
			return err
		}
		s := r.PTZState
		now := fmt.Sprintf("%q %q %q", s.Position.PanTilt.X, s.Position.PanTilt.Y, s.Position.Zoom.X)
		if strings.EqualFold(s.PanTilt, "MOVING") || strings.EqualFold(s.Zoom, "MOVING") {
			now = ""
		}
		if now != "" && now == before {
			return nil
		}
		before = now
	}
}

// wait waits, at most as long as its context.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
