package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"congvu/migrations/dbtest"

	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"sync"
)

// binary builds the program once for all tests of the package.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "congvu-binary")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "congvu")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// stores is a pair of stores to run the program on, as settings.
type stores struct {
	name     string
	settings func(t testing.TB) []string
}

var bothStores = []stores{
	{"sqlite and files", func(t testing.TB) []string { return nil }},
	{"postgres and minio", func(t testing.TB) []string { return append(postgresSettings(t), minioSettings(t)...) }},
}

func postgresSettings(t testing.TB) []string {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		t.Fatal(err)
	}
	return []string{"CONGVU_DATABASE_URL=" + dbtest.PostgresDSN(t), "CONGVU_MASTER_KEY=" + base64.StdEncoding.EncodeToString(key)}
}

func minioSettings(t testing.TB) []string {
	u, err := url.Parse(os.Getenv("CONGVU_TEST_MINIO"))
	if err != nil || u.Host == "" {
		t.Fatal("CONGVU_TEST_MINIO is not set: start the services with `make services-up` or run `make test`")
	}
	secret, _ := u.User.Password()
	return []string{"CONGVU_S3_ENDPOINT=" + u.Host, "CONGVU_S3_TLS=false", "CONGVU_S3_ACCESS_KEY=" + u.User.Username(), "CONGVU_S3_SECRET_KEY=" + secret,
		"CONGVU_S3_BUCKET=story-" + strings.ToLower(base64.RawURLEncoding.EncodeToString([]byte(t.TempDir()[len(t.TempDir())-9:])))[:8] + fmt.Sprint(time.Now().UnixNano()%1e6)}
}

// running is the program in a process of its own.
type running struct {
	base   string
	data   string
	cmd    *exec.Cmd
	log    *os.File
	client *http.Client
}

// start starts a sub-command that serves, on a free port, and waits until it is
// ready.
func start(t testing.TB, sub string, settings []string) *running {
	t.Helper()
	return startAt(t, sub, settings, "http", http.DefaultClient)
}

// startTLS is start for a program that speaks HTTPS with the certificate of a file.
func startTLS(t testing.TB, sub string, settings []string, cert string) *running {
	t.Helper()
	raw, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(raw)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	t.Cleanup(client.CloseIdleConnections)
	return startAt(t, sub, settings, "https", client)
}

func startAt(t testing.TB, sub string, settings []string, scheme string, client *http.Client) *running {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	listener.Close()
	_, port, _ := net.SplitHostPort(addr)
	r := &running{base: scheme + "://localhost:" + port, data: t.TempDir(), client: client}
	if r.log, err = os.Create(filepath.Join(r.data, "program.log")); err != nil {
		t.Fatal(err)
	}
	r.cmd = exec.Command(path, sub)
	r.cmd.Env = append(os.Environ(), append([]string{"CONGVU_ADDR=" + addr, "CONGVU_DATA=" + filepath.Join(r.data, "data"), "CONGVU_URL=" + r.base}, settings...)...)
	r.cmd.Stdout, r.cmd.Stderr = r.log, r.log
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- r.cmd.Wait() }()
	t.Cleanup(func() {
		_ = r.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(30 * time.Second):
			_ = r.cmd.Process.Kill()
			t.Error("the program did not stop within 30 seconds of SIGTERM")
		}
		if t.Failed() {
			raw, _ := os.ReadFile(r.log.Name())
			t.Logf("the program's log:\n%s", tail(string(raw), 40))
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case err := <-done:
			raw, _ := os.ReadFile(r.log.Name())
			done <- err
			t.Fatalf("the program ended: %v\n%s", err, raw)
		case <-ctx.Done():
			t.Fatal("the program is not ready after two minutes")
		case <-ticker.C:
			response, err := client.Get(r.base + "/readyz")
			if err != nil {
				continue
			}
			io.Copy(io.Discard, response.Body)
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return r
			}
		}
	}
}

func tail(s string, lines int) string {
	all := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
