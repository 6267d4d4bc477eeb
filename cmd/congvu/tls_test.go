package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTheProgramSpeaksHTTPSItself serves with a certificate of its own; a renewed one is
// served without a restart, and a broken renewal leaves the old one.
func TestTheProgramSpeaksHTTPSItself(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key, err := selfMade(dir, []string{"localhost", "127.0.0.1"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := selfMade(dir, []string{"localhost"}, time.Now())
	first := served(t, cert)
	if err != nil || again != cert || !served(t, again).Equal(first) {
		t.Fatal("a certificate that still holds is made anew")
	}
	program := startTLS(t, "serve", []string{"CONGVU_TLS_CERT=" + cert, "CONGVU_TLS_KEY=" + key}, cert)
	said, header := program.fetch(t, "/setup")
	if !strings.Contains(said, "<h1>") || header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%v %s", header, said)
	}
	insecure, err := http.Get(strings.Replace(program.base, "https", "http", 1) + "/setup")
	if err == nil {
		insecure.Body.Close()
		if insecure.StatusCode == http.StatusOK {
			t.Error("the same port speaks plain HTTP too")
		}
	}
	if got := program.presents(t); !got.Equal(first) {
		t.Fatal("another certificate than the one configured")
	}
	if err := os.WriteFile(cert, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := program.presents(t); !got.Equal(first) {
		t.Error("a broken renewal has replaced the certificate")
	}
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	if _, _, err := selfMade(dir, []string{"localhost", "127.0.0.1"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	renewed := served(t, cert)
	if got := program.presents(t); renewed.Equal(first) || !got.Equal(renewed) {
		t.Error("the renewed certificate is not served")
	}
}

func served(t *testing.T, path string) *x509.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(path, strings.TrimSuffix(path, ".crt")+".key")
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf
}

// presents is the certificate that a new connection is shown.
func (r *running) presents(t *testing.T) *x509.Certificate {
	t.Helper()
	c, err := tls.Dial("tcp", strings.TrimPrefix(r.base, "https://"), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the test looks at what is shown
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0]
}

// fetch gets a page of a program that speaks HTTPS with a certificate in a file.
func (r *running) fetch(t *testing.T, path string) (string, http.Header) {
	t.Helper()
	response, err := r.client.Get(r.base + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw), response.Header
}

func TestACertificateOfTheLANHoldsForItsAddresses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, _, err := selfMade(dir, []string{"192.0.2.9", "localhost"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	leaf := served(t, cert)
	if leaf.VerifyHostname("192.0.2.9") != nil || leaf.VerifyHostname("localhost") != nil || leaf.VerifyHostname("192.0.2.8") == nil {
		t.Error("the names of the certificate")
	}
	info, err := os.Stat(filepath.Join(dir, "lan.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	moved, _, err := selfMade(dir, []string{"192.0.2.8"}, time.Now()) // another network
	if err != nil || served(t, moved).VerifyHostname("192.0.2.8") != nil {
		t.Error("the certificate of another network is kept")
	}
	old, _, err := selfMade(dir, []string{"192.0.2.8"}, time.Now().AddDate(0, 11, 20))
	if err != nil || !served(t, old).NotAfter.After(leaf.NotAfter.AddDate(0, 6, 0)) {
		t.Error("a certificate about to end is kept")
	}
	if print, err := fingerprint(old); err != nil || len(print) != 32*3-1 {
		t.Errorf("%q %v", print, err)
	}
}
