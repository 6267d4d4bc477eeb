package camera

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// may tells whether an address may be dialled.
func (r *Reader) may(a netip.Addr) bool {
	if a.Zone() != "" {
		return false
	}
	return slices.ContainsFunc(r.allowed, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
}

// Reaches tells whether a source may be dialled, as far as its address says it: of a name
// that is known only when it is looked up.
func (r *Reader) Reaches(s Source) bool {
	u, err := url.Parse(s.Address)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(u.Hostname())
	return err != nil || r.may(a)
}

// dial connects to a host that anybody may have named. A name is looked up once, and the
// address that was held against the ranges is the one that is dialled.
func (t *taking) dial(ctx context.Context, _, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, t.limits.Connect)
	defer cancel()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fail(Protocol, err)
	}
	var addresses []netip.Addr
	if a, err := netip.ParseAddr(host); err == nil {
		addresses = append(addresses, a)
	} else if addresses, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host); err != nil {
		return nil, fail(Unreachable, err)
	}
	addresses = slices.DeleteFunc(addresses, func(a netip.Addr) bool { return !t.may(a) })
	if len(addresses) == 0 {
		return nil, fail(NotAllowed, errors.New("the address lies outside of the allowed ranges"))
	}
	var last error
	for _, a := range addresses {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(a.Unmap().String(), port))
		if err == nil {
			return c, nil
		}
		last = err
	}
	return nil, fail(Unreachable, last)
}

// trust is how a device proves who it is: by the certificate of the register, whatever
// that says of itself, or by the roots.
func (t *taking) trust(host string) *tls.Config {
	c := &tls.Config{ServerName: host, RootCAs: t.roots, MinVersion: tls.VersionTLS12}
	if t.s.Trust != "" {
		c.InsecureSkipVerify = true // the certificate itself is known, see VerifyConnection
		c.VerifyConnection = func(s tls.ConnectionState) error {
			if got := fingerprint(s.PeerCertificates[0]); !strings.EqualFold(got, t.s.Trust) {
				return &Error{Cause: Certificate, Err: errors.New("another certificate than the expected one"), Presented: got}
			}
			return nil
		}
	}
	return c
}

// leashed is a connection that ends with its reading and after so many bytes.
type leashed struct {
	net.Conn
	left atomic.Int64
	stop func() bool
}

// leash ties a connection.
func leash(ctx context.Context, c net.Conn, bytes int64) net.Conn {
	l := &leashed{Conn: c}
	l.left.Store(bytes)
	l.stop = context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	return l
}

// SetDeadline and the other two change nothing: who sets one would put off the end.
func (l *leashed) SetDeadline(time.Time) error { return nil }

// SetReadDeadline see SetDeadline.
func (l *leashed) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline see SetDeadline.
func (l *leashed) SetWriteDeadline(time.Time) error { return nil }

func (l *leashed) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	if l.left.Add(-int64(n)) < 0 {
		return 0, fail(TooLarge, errors.New("more bytes than a stream may have until its first frame"))
	}
	return n, err
}

func (l *leashed) Close() error {
	l.stop()
	return l.Conn.Close()
}
