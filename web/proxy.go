package web

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"congvu/inspection"

	"github.com/labstack/echo/v4"
)

// ParseProxies reads the addresses of trusted proxies: IP addresses and ranges, separated
// by commas.
func ParseProxies(list string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range strings.Split(list, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(text); err != nil {
				return nil, errors.New(text + " is neither an IP address nor a range like 10.0.0.0/24")
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// peer is who holds the connection: the client, or the proxy in front of the program.
func peer(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	a, _ := netip.ParseAddr(host)
	return a.Unmap().WithZone("")
}

func (s *Server) trusts(a netip.Addr) bool {
	for _, p := range s.config.Proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// clientAddress is the address of the client, for throttling and the history: of the
// connection, or, through trusted proxies, the last one in X-Forwarded-For that none of
// them has. What a client writes there itself stands further left and counts for nothing.
func (s *Server) clientAddress(r *http.Request) string {
	at := peer(r)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.trusts(at); i-- {
		a, err := netip.ParseAddr(strings.Trim(strings.TrimSpace(hops[i]), "[]"))
		if err != nil {
			break
		}
		at = a.Unmap().WithZone("")
	}
	return at.String()
}

// forwardedProto is what the proxy that holds the connection says of the one before it:
// the last of what stands in X-Forwarded-Proto. What stands left of it others wrote.
func forwardedProto(r *http.Request) string {
	said := strings.Split(strings.Join(r.Header.Values("X-Forwarded-Proto"), ","), ",")
	return strings.ToLower(strings.TrimSpace(said[len(said)-1]))
}

// onlySecure lets nothing through that was sent in the clear over a network: a request
// comes over TLS, from this machine, or from a trusted proxy that says that it came to it
// over TLS; one that says nothing is set up wrongly, and is told so. A page asked for in the clear is asked for again over TLS. Machines that
// only want to know whether the program is well may always ask.
func (s *Server) onlySecure(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		from := peer(r)
		switch {
		case r.TLS != nil, c.Path() == "/healthz", c.Path() == "/readyz":
			return next(c)
		case s.trusts(from):
			switch forwardedProto(r) {
			case "https":
				return next(c)
			case "":
				return inspection.E(inspection.Forbidden, "error.proxy_silent")
			}
		case from.IsLoopback():
			return next(c)
		}
		if s.secure() && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			return c.Redirect(http.StatusPermanentRedirect, s.config.URL.Scheme+"://"+s.config.URL.Host+r.URL.RequestURI())
		}
		return inspection.E(inspection.Forbidden, "error.insecure")
	}
}
