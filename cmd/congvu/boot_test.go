package main

import (
	"context"
	"flag"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"congvu/migrations"
	"congvu/migrations/dbtest"

	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"sync"
	"sync/atomic"
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

// demoData is a folder with what `congvu demo` makes on its first start, made once by
// the program for all tests that begin with it on SQLite and files.
var demoData = sync.OnceValues(func() (folder string, err error) {
	path, err := binary()
	if err != nil {
		return "", err
	}
	addr, err := unused()
	if err != nil {
		return "", err
	}
	folder = filepath.Join(filepath.Dir(path), "demo")
	cmd := exec.Command(path, "demo")
	cmd.Env = append(os.Environ(), "CONGVU_ADDR="+addr, "CONGVU_DATA="+folder)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	deadline := time.Now().Add(2 * time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if response, err := http.Get("http://" + addr + "/readyz"); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Now().After(deadline) {
			_ = cmd.Process.Kill()
			return "", errors.New("the demo is not ready after two minutes")
		}
		<-tick.C
	}
	db, err := migrations.Open(context.Background(), filepath.Join(folder, "congvu.db"))
	if err != nil {
		return "", err
	}
	defer migrations.Close(db)
	for left := int64(1); left > 0; <-tick.C { // what a demo that has run for a while has: every preview
		if err := db.Table("evidence_files").Where("state = 'RECEIVED' AND derive_state = 'PENDING'").Count(&left).Error; err != nil {
			return "", err
		}
		if time.Now().After(deadline) {
			_ = cmd.Process.Kill()
			return "", errors.New("the demo's previews are not made after two minutes")
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return "", err
	}
	return folder, cmd.Wait()
})

// fillDemo puts the demo's data where a demo on SQLite and files is to start.
func fillDemo(data string, settings []string) error {
	for _, s := range settings {
		if strings.HasPrefix(s, "CONGVU_DATABASE_URL=") || strings.HasPrefix(s, "CONGVU_S3_") {
			return nil
		}
	}
	if _, err := os.Stat(data); err == nil {
		return nil
	}
	folder, err := demoData()
	if err != nil {
		return err
	}
	return exec.Command("cp", "-a", folder, data).Run()
}

// sideBySide is how many tests run at once where the command line does not say: most wait
// for a browser, a timer or a process. Those that keep the processors busy for as long as
// they last (people at work while something happens) are not parallel: beside others they
// would last longer, and so would the others.
const sideBySide = "3"

func TestMain(m *testing.M) {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if !said {
		_ = flag.Set("test.parallel", sideBySide)
	}
	slog.SetDefault(slog.New(slog.DiscardHandler)) // what programs in this process log; see site.listens
	code := m.Run()
	closeChromium()
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	for _, dir := range measured {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// measured are the folders of benchmarks.
var measured []string

// folder is one for a test, or for a benchmark. Those of benchmarks go when all have run:
// for a minute after thousands of files were deleted ext4 passes over their inodes, one by
// one, and the disk is told of the room; what is measured next would pay for that.
func folder(t testing.TB) string {
	t.Helper()
	if _, ok := t.(*testing.B); !ok {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("", "congvu-bench-*")
	if err != nil {
		t.Fatal(err)
	}
	measured = append(measured, dir)
	return dir
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

	stopped chan error // filled when the process has ended
}

// kill ends the process at once, as a power cut would.
func (r *running) kill(t testing.TB) {
	t.Helper()
	r.end(t, syscall.SIGKILL)
}

// stop asks the process to end and waits until it has.
func (r *running) stop(t testing.TB) {
	t.Helper()
	r.end(t, syscall.SIGTERM)
}

func (r *running) end(t testing.TB, how syscall.Signal) {
	t.Helper()
	if err := r.cmd.Process.Signal(how); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-r.stopped:
		r.stopped <- err
	case <-time.After(30 * time.Second):
		t.Fatalf("the program goes on 30 seconds after %v", how)
	}
}

// start starts a sub-command that serves, on a free port, and waits until it is
// ready.
func start(t testing.TB, sub string, settings []string) *running {
	t.Helper()
	return launch{sub: sub, settings: settings}.start(t)
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
	return launch{sub: sub, settings: settings, scheme: "https", client: client}.start(t)
}

// launch is how a program is started; what is empty is usual.
type launch struct {
	sub      string
	settings []string
	scheme   string // http
	client   *http.Client
	binary   func() (string, error)
	addr     string // a free port
	data     string // a folder of its own
}

// handed counts the addresses that unused gave.
var handed atomic.Int32

// unused is an address that nobody listens on, and that nobody gets by chance before it is
// listened on, or while who listens on it is down: it lies below the ports that Linux gives
// to who asks for any (ip_local_port_range, from 32768), and is given once.
func unused() (string, error) {
	const first, many = 11000, 8000
	for range many {
		addr := fmt.Sprintf("127.0.0.1:%d", first+(os.Getpid()*37+int(handed.Add(1)))%many)
		if listener, err := net.Listen("tcp", addr); err == nil {
			return addr, listener.Close()
		}
	}
	return "", errors.New("no port is free")
}

// freeAddress is unused, for a test.
func freeAddress(t testing.TB) string {
	t.Helper()
	addr, err := unused()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// start starts the program and waits until it is ready.
func (l launch) start(t testing.TB) *running {
	t.Helper()
	if l.scheme == "" {
		l.scheme = "http"
	}
	if l.client == nil {
		l.client = http.DefaultClient
	}
	if l.binary == nil {
		l.binary = binary
	}
	if l.addr == "" {
		l.addr = freeAddress(t)
	}
	if l.data == "" {
		l.data = folder(t)
	}
	path, err := l.binary()
	if err != nil {
		t.Fatal(err)
	}
	if l.sub == "demo" {
		if err := fillDemo(filepath.Join(l.data, "data"), l.settings); err != nil {
			t.Fatal(err)
		}
	}
	addr, settings, client := l.addr, l.settings, l.client
	_, port, _ := net.SplitHostPort(addr)
	r := &running{base: l.scheme + "://localhost:" + port, data: l.data, client: client}
	if r.log, err = os.OpenFile(filepath.Join(r.data, "program.log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600); err != nil {
		t.Fatal(err)
	}
	r.cmd = exec.Command(path, l.sub)
	r.cmd.Env = append(os.Environ(), append([]string{"CONGVU_ADDR=" + addr, "CONGVU_DATA=" + filepath.Join(r.data, "data"), "CONGVU_URL=" + r.base}, settings...)...)
	r.cmd.Stdout, r.cmd.Stderr = r.log, r.log
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- r.cmd.Wait() }()
	r.stopped = done
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
			t.Logf("the program's log:\n%s", tail(string(raw), 10))
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

// tail is the end of a program's log, without what tells nothing of a failure: files of
// the pages, and devices that ask whether they are signed in.
func tail(log string, lines int) string {
	var told []string
	for line := range strings.Lines(log) {
		if dull := strings.Contains(line, "route=/static/") || strings.Contains(line, "route=/tablet/") || strings.Contains(line, "route=/api/v1/session status=401"); !dull {
			told = append(told, line)
		}
	}
	return strings.Join(told[max(0, len(told)-lines):], "")
}
