package web

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"congvu/inspection"
)

func TestTheClientIsWhomTrustedProxiesName(t *testing.T) {
	proxies, err := ParseProxies(" 10.0.0.0/8, 192.0.2.7 ,fd00::/8")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{config: Config{Proxies: proxies}}
	for _, c := range []struct{ peer, forwarded, want string }{
		{"203.0.113.5:1", "", "203.0.113.5"},
		{"203.0.113.5:1", "198.51.100.1", "203.0.113.5"}, // nobody believes a client
		{"10.1.2.3:1", "198.51.100.1", "198.51.100.1"},
		{"10.1.2.3:1", "1.1.1.1, 198.51.100.1", "198.51.100.1"}, // what stands left of it the client wrote
		{"10.1.2.3:1", "198.51.100.1, 192.0.2.7", "198.51.100.1"},
		{"10.1.2.3:1", "10.9.9.9", "10.9.9.9"},
		{"10.1.2.3:1", "", "10.1.2.3"},
		{"10.1.2.3:1", "garbage", "10.1.2.3"},
		{"[::ffff:10.1.2.3]:1", "198.51.100.1", "198.51.100.1"},
		{"[fd00::1]:1", "[2001:db8::1]", "2001:db8::1"},
		{"192.0.2.8:1", "198.51.100.1", "192.0.2.8"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := s.clientAddress(r); got != c.want {
			t.Errorf("%s forwarding %q: %s, want %s", c.peer, c.forwarded, got, c.want)
		}
	}
	for _, bad := range []string{"x", "10.0.0.0/40", "10.0.0.1-10.0.0.9"} {
		if _, err := ParseProxies(bad); err == nil {
			t.Errorf("%q is read as a proxy", bad)
		}
	}
}

func TestNothingGoesInTheClearOverANetwork(t *testing.T) {
	proxies, err := ParseProxies("192.0.2.7")
	if err != nil {
		t.Fatal(err)
	}
	at, _ := url.Parse("https://congvu.example.test")
	s, err := New(Config{URL: at, Proxies: proxies, Version: "test"}, Services{Clock: inspection.SystemClock{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what, method, path, peer, proto string
		tls                             bool
		code                            int
		to                              string
	}{
		{"a page in the clear is asked for again", "GET", "/static/icon.svg?x=1", "203.0.113.5:1", "", false, http.StatusPermanentRedirect, "https://congvu.example.test/static/icon.svg?x=1"},
		{"a form in the clear is refused", "POST", "/login", "203.0.113.5:1", "", false, http.StatusForbidden, ""},
		{"a client that says it spoke TLS is not believed", "POST", "/login", "203.0.113.5:1", "https", false, http.StatusForbidden, ""},
		{"over TLS", "GET", "/static/icon.svg", "203.0.113.5:1", "", true, http.StatusOK, ""},
		{"from this machine", "GET", "/static/icon.svg", "127.0.0.1:1", "", false, http.StatusOK, ""},
		{"from this machine, the other way", "GET", "/static/icon.svg", "[::1]:1", "", false, http.StatusOK, ""},
		{"through the proxy over TLS", "GET", "/static/icon.svg", "192.0.2.7:1", "https", false, http.StatusOK, ""},
		{"through the proxy that says nothing", "GET", "/static/icon.svg", "192.0.2.7:1", "", false, http.StatusForbidden, ""},
		{"a form through the proxy that says nothing", "POST", "/login", "192.0.2.7:1", " ", false, http.StatusForbidden, ""},
		{"through two proxies, over TLS to the one that is trusted", "GET", "/static/icon.svg", "192.0.2.7:1", "http, https", false, http.StatusOK, ""},
		{"a client that says it spoke TLS to the proxy", "GET", "/static/icon.svg", "192.0.2.7:1", "https, http", false, http.StatusPermanentRedirect, "https://congvu.example.test/static/icon.svg"},
		{"a client that says so, in a form", "POST", "/login", "192.0.2.7:1", "https,http", false, http.StatusForbidden, ""},
		{"machines ask how it is through the proxy that says nothing", "GET", "/healthz", "192.0.2.7:1", "", false, http.StatusOK, ""},
		{"through the proxy in the clear", "GET", "/static/icon.svg", "192.0.2.7:1", "http", false, http.StatusPermanentRedirect, "https://congvu.example.test/static/icon.svg"},
		{"a form through the proxy in the clear", "POST", "/login", "192.0.2.7:1", "http", false, http.StatusForbidden, ""},
		{"machines ask how it is", "GET", "/healthz", "203.0.113.5:1", "", false, http.StatusOK, ""},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(""))
		r.RemoteAddr = c.peer
		r.Host = at.Host
		r.TLS = nil
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		if c.proto != "" {
			r.Header.Set("X-Forwarded-Proto", c.proto)
		}
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, r)
		if rec.Code != c.code || rec.Header().Get("Location") != c.to {
			t.Errorf("%s: %d %s", c.what, rec.Code, rec.Header().Get("Location"))
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/login", nil)
	r.RemoteAddr = "192.0.2.7:1"
	r.Header.Add("X-Forwarded-Proto", "https") // in two lines, as some proxies add theirs
	r.Header.Add("X-Forwarded-Proto", "http")
	rec := httptest.NewRecorder()
	if s.ServeHTTP(rec, r); rec.Code != http.StatusPermanentRedirect {
		t.Errorf("of two lines the last counts: %d", rec.Code)
	}
	r.Header.Del("X-Forwarded-Proto")
	rec = httptest.NewRecorder()
	if s.ServeHTTP(rec, r); !strings.Contains(rec.Body.String(), "X-Forwarded-Proto") { // words for the operator
		t.Error(rec.Body.String())
	}
}
