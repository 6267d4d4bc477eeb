package notify

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"crypto/tls"

	"congvu/inspection"
)

// errBlocked is an address that endpoints may not have.
var errBlocked = errors.New("the address is not a public one")

// reserved are what lies within what looks public and is not: special purpose (RFC 6890,
// IANA), addresses that hold others (NAT64 and 6to4 among them), and what a cloud keeps
// for itself. Loopback, private, link-local and multicast addresses know themselves.
var reserved = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"240.0.0.0/4", "168.63.129.16/32", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")

// global is all of IPv6 that is given out; NAT64, unique local and mapped addresses lie
// outside.
var global = netip.MustParsePrefix("2000::/3")

func prefixes(list ...string) (out []netip.Prefix) {
	for _, p := range list {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// ParsePrefixes reads a list of networks, separated by commas.
func ParsePrefixes(list string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// public tells whether an address is one that anybody in the world reaches.
func public(a netip.Addr) bool {
	if a.Zone() != "" {
		return false
	}
	a = a.Unmap()
	switch {
	case !a.IsValid() || !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified():
		return false
	case a.Is6() && !global.Contains(a):
		return false
	}
	return !slices.ContainsFunc(reserved, func(p netip.Prefix) bool { return p.Contains(a) })
}

// may tells whether an endpoint may lie at an address. near are endpoints on this machine,
// by name: then nothing but loopback will do.
func (s *Service) may(a netip.Addr, near bool) bool {
	if near {
		return a.Unmap().IsLoopback()
	}
	return public(a) || slices.ContainsFunc(s.config.Allow, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) && a.Zone() == "" })
}

// near tells an address that names this machine.
func near(u *url.URL) bool {
	if u.Hostname() == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(u.Hostname())
	return err == nil && a.Unmap().IsLoopback()
}

// maxURL is the longest address of an endpoint.
const maxURL = 500

// checkURL takes the address of an endpoint: https, or http to this machine where the
// program is reached from it alone.
func (s *Service) checkURL(text string) (string, error) {
	text = strings.TrimSpace(text)
	u, err := url.Parse(text)
	bad := func(key string) (string, error) {
		return "", inspection.E(inspection.Invalid, key).Field("url", key).Because(err)
	}
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" || len(text) > maxURL ||
		strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return bad("notify.error.url")
	case s.config.Here && near(u) && (u.Scheme == "http" || u.Scheme == "https"):
		return u.String(), nil
	case u.Scheme != "https":
		return bad("notify.error.url_https")
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && !s.may(a, false) || near(u) {
		return bad("notify.error.url_inside")
	}
	return u.String(), nil
}

const hookTime = 10 * time.Second // for an endpoint to answer, all in all

// client speaks to one endpoint. The address that is really dialled is looked at, whatever
// its name said before; nothing is followed, and no proxy asked.
func (s *Service) client(u *url.URL) *http.Client {
	here := s.config.Here && near(u)
	dialer := &net.Dialer{Timeout: hookTime, Resolver: s.config.Resolver, ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !strings.HasPrefix(network, "tcp") || !s.may(to.Addr(), here) {
			return errBlocked
		}
		return nil
	}}
	return &http.Client{
		Timeout:       hookTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{Proxy: nil, DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: s.config.Roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: hookTime, DisableKeepAlives: true, MaxResponseHeaderBytes: 16 << 10, DisableCompression: true},
	}
}
