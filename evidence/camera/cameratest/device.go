package cameratest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/md5" //nolint:gosec // what cameras use
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"hash"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/icholy/digest"
)

// Auth is how a device lets somebody in over HTTP.
type Auth string

// The ways.
const (
	Open         Auth = ""
	Basic        Auth = "Basic"
	DigestMD5    Auth = "MD5"
	DigestSHA256 Auth = "SHA-256"
	Both         Auth = "Basic, MD5" // basic named first
)

// Options make a Device.
type Options struct {
	Host           string // an address of this machine; default 127.0.0.1
	Auth           Auth   // of its stills
	User, Password string // also for ONVIF
	TLS            bool
	Ahead          time.Duration // of its clock
	Dateless       bool          // it sends no Date

	// Picture is what the camera shows while it stands at a preset; default a desk, anew
	// each time, of 1280 × 720.
	Picture func(preset string) []byte
	// Still answers instead of the picture, after the sign-in.
	Still http.Handler

	// What it says over ONVIF; see onvif.go.
	SnapshotURI   string // default its own; None: it has no stills
	StreamURI     string
	Preset        string // the only one that it knows
	Travel        int    // how many times it says that it moves
	SilentPTZ     bool   // it does not tell whether it moves
	ClockIsSecret bool   // it tells the time only to who signed in
}

// None is for a thing that a device does not have.
const None = "-"

// Device is a camera that answers stills at /snapshot.jpg and ONVIF at
// /onvif/device_service.
type Device struct {
	URL         string // of the device, without a path
	Fingerprint string // of its certificate, where it has one

	o        Options
	server   *http.Server
	listener net.Listener

	mu     sync.Mutex
	nonces map[string]int    // that it gave, and how often each was used
	proofs map[string]bool   // nonces of WS-Security that it has seen
	asked  map[string]int    // what was asked how often
	bodies map[string]string // what was said last, by action
	moving int
	at     string // the preset that it stands at
	frames uint64
}

// New starts a device.
func New(o Options) (*Device, error) {
	if o.Host == "" {
		o.Host = "127.0.0.1"
	}
	l, err := net.Listen("tcp", net.JoinHostPort(o.Host, "0"))
	if err != nil {
		return nil, err
	}
	d := &Device{URL: "http://" + l.Addr().String(), o: o, nonces: map[string]int{}, proofs: map[string]bool{}, asked: map[string]int{}, bodies: map[string]string{}}
	if o.TLS {
		c, err := NewCertificate(o.Host)
		if err != nil {
			return nil, err
		}
		d.URL, d.Fingerprint = "https://"+l.Addr().String(), Fingerprint(c)
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{c}, MinVersion: tls.VersionTLS12})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/snapshot.jpg", d.still)
	mux.HandleFunc("POST /onvif/{service}", d.soap)
	d.server = &http.Server{Handler: d.dated(mux), ReadHeaderTimeout: 10 * time.Second, ErrorLog: quiet()}
	d.listener = l
	go func() { _ = d.server.Serve(l) }()
	return d, nil
}

// Close ends it, with whoever still waits for an answer. Nobody is let in afterwards: a
// server that has not begun to serve yet does not know its listener.
func (d *Device) Close() {
	_ = d.listener.Close()
	_ = d.server.Close()
}

// Still is the address of its stills, Service that of ONVIF.
func (d *Device) Still() string { return d.URL + "/snapshot.jpg" }

// Service see Still.
func (d *Device) Service() string { return d.URL + "/onvif/device_service" }

// Now is the time by its clock.
func (d *Device) Now() time.Time { return time.Now().Add(d.o.Ahead).UTC() }

// Asked is how often it was asked for something: the path of a still or an ONVIF action.
func (d *Device) Asked(what string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked[what]
}

func (d *Device) count(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked[what]++
}

func (d *Device) dated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", d.Now().Format(http.TimeFormat))
		if d.o.Dateless {
			w.Header()["Date"] = nil
		}
		next.ServeHTTP(w, r)
	})
}

func (d *Device) still(w http.ResponseWriter, r *http.Request) {
	d.count(r.URL.Path)
	if !d.signedIn(w, r) {
		return
	}
	if d.o.Still != nil {
		d.o.Still.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "image/jpeg")
	_, _ = w.Write(d.picture())
}

func (d *Device) picture() []byte {
	d.mu.Lock()
	at, n := d.at, d.frames
	d.frames++
	d.mu.Unlock()
	if d.o.Picture != nil {
		return d.o.Picture(at)
	}
	return JPEG(Desk(1280, 720, n))
}

// realm of all devices.
const realm = "camera"

// signedIn asks for the password where one is wanted (RFC 7617, RFC 7616 with qop=auth).
func (d *Device) signedIn(w http.ResponseWriter, r *http.Request) bool {
	if d.o.Auth == Open {
		return true
	}
	user, password, basic := r.BasicAuth()
	if basic && strings.Contains(string(d.o.Auth), "Basic") && user == d.o.User && password == d.o.Password {
		d.count("basic")
		return true
	}
	if c, err := digest.ParseCredentials(r.Header.Get("Authorization")); err == nil && d.proven(r, c) {
		d.count("digest")
		return true
	}
	if strings.Contains(string(d.o.Auth), "Basic") {
		w.Header().Add("WWW-Authenticate", `Basic realm="`+realm+`"`)
	}
	for _, algorithm := range []Auth{DigestMD5, DigestSHA256} {
		if strings.Contains(string(d.o.Auth), string(algorithm)) {
			nonce := random()
			d.mu.Lock()
			d.nonces[nonce] = 0
			d.mu.Unlock()
			w.Header().Add("WWW-Authenticate", fmt.Sprintf(`Digest realm=%q, qop="auth", algorithm=%s, nonce=%q, opaque="o"`, realm, algorithm, nonce))
		}
	}
	// A device that is careless with what it was sent.
	http.Error(w, "no entry with "+r.Header.Get("Authorization")+" for "+d.o.User+" "+d.o.Password, http.StatusUnauthorized)
	return false
}

func (d *Device) proven(r *http.Request, c *digest.Credentials) bool {
	hashes := map[string]func() hash.Hash{"MD5": md5.New, "SHA-256": sha256.New}
	newHash, known := hashes[c.Algorithm]
	if !known || !strings.Contains(string(d.o.Auth), c.Algorithm) || c.Username != d.o.User || c.Realm != realm || c.QOP != "auth" || c.URI != r.URL.RequestURI() || c.Cnonce == "" {
		return false
	}
	sum := func(s string) string {
		h := newHash()
		h.Write([]byte(s))
		return hex.EncodeToString(h.Sum(nil))
	}
	want := sum(sum(c.Username+":"+realm+":"+d.o.Password) + ":" + c.Nonce + ":" + fmt.Sprintf("%08x", c.Nc) + ":" + c.Cnonce + ":auth:" + sum(r.Method+":"+c.URI))
	if c.Response != want {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	used, given := d.nonces[c.Nonce]
	if !given || c.Nc <= used {
		return false
	}
	d.nonces[c.Nonce] = c.Nc
	return true
}

func random() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// NewCertificate is one that nobody vouches for, as cameras have.
func NewCertificate(host string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return tls.Certificate{}, err
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "camera"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IPAddresses: []net.IP{net.ParseIP(host)},
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, nil
}

// Fingerprint is the SHA-256 of a certificate, lower-case hex.
func Fingerprint(c tls.Certificate) string {
	sum := sha256.Sum256(c.Certificate[0])
	return hex.EncodeToString(sum[:])
}
