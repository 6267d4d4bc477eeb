package camera

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/icholy/digest"
)

// maxRedirects on the device itself, for example from http to https.
const maxRedirects = 3

// newClient speaks to the hosts that the device names, each of them dialled by dial. It
// asks no proxy and keeps no cookies.
func (t *taking) newClient() *http.Client {
	return &http.Client{
		CheckRedirect: t.redirect,
		Transport: &http.Transport{
			DialContext:         t.dial,
			TLSClientConfig:     t.trust(""),
			TLSHandshakeTimeout: t.limits.Connect,
			// HTTP/2 is not spoken by cameras, and its frames would have to be bounded too.
			Protocols:              onlyHTTP1,
			MaxResponseHeaderBytes: 32 << 10,
			DisableCompression:     true, // the bytes as they came
		},
	}
}

var onlyHTTP1 = func() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	return p
}()

// redirect follows what stays on the device: same host and port, or from http to https.
func (t *taking) redirect(to *http.Request, via []*http.Request) error {
	from := via[0].URL
	same := to.URL.Scheme == from.Scheme && port(to.URL) == port(from)
	safer := from.Scheme == "http" && to.URL.Scheme == "https"
	switch {
	case !strings.EqualFold(to.URL.Hostname(), from.Hostname()) || !same && !safer || to.URL.User != nil:
		return fail(Redirect, errors.New("it points to another host"))
	case len(via) > maxRedirects:
		return fail(Redirect, errors.New("it points on and on"))
	}
	return nil
}

func port(u *url.URL) string {
	if u.Port() == "" {
		return map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Port()
}

// answer is what came back, read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
	clock  time.Duration // how far the device's clock is ahead of ours, by its Date
	dated  bool
}

// ask sends one request and reads the answer, at most max bytes of it. Where the device
// asks who is there, it is told, by digest if it understands that.
func (t *taking) ask(ctx context.Context, method, address, kind string, body []byte, max int64) (answer, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return answer{}, fail(Protocol, errors.New("the device names an address that is none"))
	}
	u.User, u.Fragment = nil, "" // some devices write the password into what they hand out
	credentials := ""
	for try := 0; ; try++ {
		req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
		if err != nil {
			return answer{}, fail(Protocol, err)
		}
		req.Header.Set("User-Agent", "congvu")
		if kind != "" {
			req.Header.Set("Content-Type", kind)
		}
		if credentials != "" {
			req.Header.Set("Authorization", credentials)
		}
		resp, err := t.client.Do(req)
		if err != nil {
			return answer{}, err
		}
		if resp.StatusCode == http.StatusUnauthorized && t.s.User != "" && try < 2 {
			_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
			_ = resp.Body.Close()
			// A second refusal is a wrong password, unless the device says that its word grew old.
			u = resp.Request.URL
			var again bool
			credentials, again, err = t.sign(resp, method, u, body)
			if err != nil {
				return answer{}, err
			}
			if try == 0 || again {
				continue
			}
			return answer{}, fail(SignIn, errors.New("HTTP 401"))
		}
		return t.read(resp, max)
	}
}

// sign makes the answer to a challenge, and tells whether an earlier one only came late.
func (t *taking) sign(resp *http.Response, method string, u *url.URL, body []byte) (string, bool, error) {
	if c, err := digest.FindChallenge(t.best(resp.Header)); err == nil {
		d, err := digest.Digest(c, digest.Options{
			Method: method, URI: u.RequestURI(), Username: t.s.User, Password: t.s.Password, Count: 1,
			GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
		})
		if err != nil {
			return "", false, fail(SignIn, err)
		}
		return d.String(), c.Stale, nil
	}
	for _, c := range resp.Header.Values("WWW-Authenticate") {
		if scheme, _, _ := strings.Cut(strings.TrimSpace(c), " "); strings.EqualFold(scheme, "Basic") {
			if !t.mayBePlain(u.Hostname(), u.Scheme) {
				return "", false, fail(SignIn, errors.New("another host wants the password in the clear"))
			}
			req := http.Request{Header: http.Header{}}
			req.SetBasicAuth(t.s.User, t.s.Password)
			return req.Header.Get("Authorization"), false, nil
		}
	}
	return "", false, fail(SignIn, errors.New("no way to sign in that is known here"))
}

// best leaves of several digests the one with the better hash, for the device's order
// says nothing.
func (t *taking) best(h http.Header) http.Header {
	for _, c := range h.Values("WWW-Authenticate") {
		if parsed, err := digest.ParseChallenge(c); err == nil && digest.IsDigest(c) && digest.CanDigest(parsed) && strings.HasPrefix(strings.ToUpper(parsed.Algorithm), "SHA-") {
			return http.Header{"Www-Authenticate": {c}}
		}
	}
	return h
}

// read takes in an answer.
func (t *taking) read(resp *http.Response, max int64) (answer, error) {
	defer func() { _ = resp.Body.Close() }()
	a := answer{status: resp.StatusCode, header: resp.Header}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil && told(date) != 0 {
		a.clock, a.dated = date.Sub(t.clock.Now().Time()), true
	}
	if resp.ContentLength > max {
		return a, fail(TooLarge, fmt.Errorf("it announces %d bytes", resp.ContentLength))
	}
	var err error
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, max+1)); err != nil {
		return a, err
	}
	if int64(len(a.body)) > max {
		return a, fail(TooLarge, fmt.Errorf("more than %d bytes", max))
	}
	return a, nil
}

// picture gets a still from an address.
func (t *taking) picture(ctx context.Context, address string) (frame, error) {
	a, err := t.ask(ctx, http.MethodGet, address, "", nil, t.limits.Bytes)
	if err != nil {
		return frame{}, err
	}
	if err := refused(a.status); err != nil {
		return frame{}, err
	}
	if kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type")); strings.HasPrefix(kind, "multipart/") {
		return frame{}, fail(NotAnImage, errors.New("a stream of pictures"))
	}
	f := frame{data: a.body, at: t.clock.Now()}
	if a.dated {
		f.cameraAt = f.at.Add(a.clock)
	}
	return f, nil
}

// refused is what a status says, of HTTP and of RTSP, which has the same.
func refused(status int) error {
	err := fmt.Errorf("status %d", status)
	switch status {
	case http.StatusOK:
		return nil
	case http.StatusUnauthorized, http.StatusForbidden:
		return fail(SignIn, err)
	case http.StatusNotFound, http.StatusGone:
		return fail(NoStill, err)
	default:
		return fail(Protocol, err)
	}
}
