package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// keyPair is a certificate and its key on disk, read again when the files change, so
// that a renewed certificate needs no restart.
type keyPair struct {
	cert, key string

	mu     sync.Mutex
	loaded *tls.Certificate
	seen   [2]time.Time // when the files were changed that are loaded
}

// get gives the certificate of a handshake. Files that do not fit together, as in the
// middle of a renewal, leave the one that was loaded before.
func (k *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var now [2]time.Time
	for i, path := range []string{k.cert, k.key} {
		info, err := os.Stat(path)
		if err != nil {
			return k.keep(err)
		}
		now[i] = info.ModTime()
	}
	if k.loaded != nil && now == k.seen {
		return k.loaded, nil
	}
	pair, err := tls.LoadX509KeyPair(k.cert, k.key)
	if err != nil {
		return k.keep(err)
	}
	k.loaded, k.seen = &pair, now
	return k.loaded, nil
}

func (k *keyPair) keep(err error) (*tls.Certificate, error) {
	if k.loaded == nil {
		return nil, err
	}
	slog.Error("the new certificate cannot be read; the old one stays", "error", err)
	return k.loaded, nil
}

// expires is when the certificate that is served ends.
func (k *keyPair) expires() (time.Time, error) {
	pair, err := k.get(nil)
	if err != nil {
		return time.Time{}, err
	}
	return pair.Leaf.NotAfter, nil
}

// selfMade makes a certificate for the addresses of this machine in a folder, or keeps
// the one that is there while it holds for them. It is for trying the demo on a tablet
// in the same network: nobody vouches for it, the browser asks once.
func selfMade(folder string, hosts []string, now time.Time) (cert, key string, err error) {
	cert, key = filepath.Join(folder, "lan.crt"), filepath.Join(folder, "lan.key")
	if pair, err := tls.LoadX509KeyPair(cert, key); err == nil && pair.Leaf.NotAfter.After(now.AddDate(0, 1, 0)) &&
		!slices.ContainsFunc(hosts, func(h string) bool { return pair.Leaf.VerifyHostname(h) != nil }) {
		return cert, key, nil
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return "", "", err
	}
	sheet := x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "congvu demo"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			sheet.IPAddresses = append(sheet.IPAddresses, ip)
		} else {
			sheet.DNSNames = append(sheet.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, &sheet, &sheet, &private.PublicKey, private)
	if err != nil {
		return "", "", err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", err
	}
	if err := os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600); err != nil {
		return "", "", err
	}
	return cert, key, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}

// fingerprint is the SHA-256 of a certificate as browsers show it.
func fingerprint(cert string) (string, error) {
	raw, err := os.ReadFile(cert)
	if err != nil {
		return "", err
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return "", fmt.Errorf("%s holds no certificate", cert)
	}
	var pairs []string
	for _, b := range sha256.Sum256(block.Bytes) {
		pairs = append(pairs, fmt.Sprintf("%02X", b))
	}
	return strings.Join(pairs, ":"), nil
}

// lanAddresses are the IPv4 addresses by which other machines reach this one.
func lanAddresses() ([]string, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			out = append(out, n.IP.String())
		}
	}
	slices.Sort(out)
	return out, nil
}
