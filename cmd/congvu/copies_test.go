package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"congvu/evidence/imaging/imagingtest"
	"congvu/inspection"
	"congvu/inspection/visit"
	"congvu/migrations"
	"congvu/migrations/dbtest"
)

// client is somebody's browser, which goes from copy to copy with one cookie.
type client struct {
	t *testing.T
	http.Client
}

func (c *client) do(method, address, kind string, body []byte) (int, string) {
	c.t.Helper()
	code, answer, err := c.try(method, address, kind, body)
	if err != nil {
		c.t.Fatal(err)
	}
	return code, answer
}

// try is do for a request that may stay without an answer.
func (c *client) try(method, address, kind string, body []byte) (int, string, error) {
	r, err := http.NewRequest(method, address, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	r.Header.Set("X-Forwarded-Proto", "https") // as the door in front of the copies says
	a, err := c.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer a.Body.Close()
	raw, err := io.ReadAll(a.Body)
	return a.StatusCode, string(raw), err
}

func (c *client) json(method, address string, body any) (int, string) {
	c.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.do(method, address, "application/json", raw)
}

// session signs somebody in on a copy.
func session(t *testing.T, base, username string) *client {
	t.Helper()
	jar, _ := cookiejar.New(nil)
	c := &client{t: t, Client: http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	if code, body := c.json(http.MethodPost, base+"/api/v1/session", map[string]string{"username": username, "password": demoPassword}); code != http.StatusOK {
		t.Fatalf("signing in: %d %s", code, body)
	}
	return c
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("%s did not happen within 30 seconds", what)
		case <-ticker.C:
		}
	}
}

// TestTwoCopies runs two copies of the program against one PostgreSQL and one S3
// store: nothing lives in a process. Then one of them is told to stop in the middle of
// an upload, and finishes it.
func TestTwoCopies(t *testing.T) {
	t.Parallel()
	dsn := dbtest.PostgresDSN(t)
	db, err := migrations.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { migrations.Close(db) })
	s := newSiteAt(t, db, earlierToday())
	target := s.seal(7)
	var drafts []string
	for range 6 {
		check := s.begin(s.seal(8))
		s.answers(check)
		s.does("thuky", s.operation(check, visit.OpFinish, struct{}{}))
		drafts = append(drafts, check)
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		t.Fatal(err)
	}
	settings := append(minioSettings(t), "CONGVU_DATABASE_URL="+dsn, "CONGVU_MASTER_KEY="+base64.StdEncoding.EncodeToString(key))
	a, b := start(t, "serve", settings), start(t, "serve", settings)

	// Signed in on one, at work on the other.
	lead := session(t, a.base, "truongdoan")
	check := inspection.NewID()
	now := s.operation(check, visit.OpCheckIn, visit.CheckIn{Target: target, Location: "DENIED"})
	now.DeviceAt = time.Now()
	batch := map[string]any{"operations": []operation{now}}
	for i, base := range []string{b.base, a.base, b.base} { // the same act on both is one
		want := map[bool]string{true: `"applied"`, false: `"duplicate"`}[i == 0]
		if code, body := lead.json(http.MethodPost, base+"/api/v1/operations", batch); code != http.StatusOK || !strings.Contains(body, want) {
			t.Fatalf("check-in: %d %s", code, body)
		}
	}
	if code, body := lead.do(http.MethodGet, a.base+"/api/v1/visits/"+check, "", nil); code != http.StatusOK || !strings.Contains(body, now.ID) {
		t.Errorf("the check on the other copy: %d", code)
	}

	// Declared on one, sent to the other, read on the first; its small picture is made by either.
	raw := s.photo()
	file := inspection.NewID()
	declaration := map[string]any{"id": file, "visit": check, "bytes": len(raw), "sha256": sum(raw), "kind": "PHOTO", "no_people": true}
	if code, body := lead.json(http.MethodPost, a.base+"/api/v1/files", declaration); code != http.StatusCreated {
		t.Fatalf("declare: %d %s", code, body)
	}
	code, receipt := lead.do(http.MethodPut, b.base+"/api/v1/files/"+file+"/content", "application/octet-stream", raw)
	if code != http.StatusOK {
		t.Fatalf("send: %d %s", code, receipt)
	}
	if _, again := lead.do(http.MethodPut, a.base+"/api/v1/files/"+file+"/content", "application/octet-stream", raw); again != receipt {
		t.Errorf("the copies sign different receipts: %s %s", receipt, again)
	}
	if code, body := lead.do(http.MethodGet, a.base+"/files/"+file+"/original", "", nil); code != http.StatusOK || body != string(raw) {
		t.Errorf("read: %d, %d bytes", code, len(body))
	}
	until(t, "a small picture", func() bool {
		code, _ := lead.do(http.MethodGet, a.base+"/files/"+file+"/thumb", "", nil)
		return code == http.StatusOK
	})

	// Numbers of documents, given out by both at once, have no holes.
	var wait sync.WaitGroup
	for i, draft := range drafts {
		for _, base := range [][]string{{a.base, b.base}, {b.base, a.base}}[i%2] {
			wait.Go(func() {
				form := url.Values{"kind": {"BB"}}
				code, body := lead.do(http.MethodPost, base+"/visits/"+draft+"/documents", "application/x-www-form-urlencoded", []byte(form.Encode()))
				if code != http.StatusSeeOther && code != http.StatusConflict {
					t.Errorf("register: %d %s", code, mainOf(body))
				}
			})
		}
	}
	wait.Wait()
	var numbers []int
	s.must(db.Table("documents").Where("kind = 'BB'").Order("number").Pluck("number", &numbers).Error)
	if !slices.Equal(numbers, []int{1, 2, 3, 4, 5, 6}) {
		t.Errorf("numbers %v", numbers)
	}

	// Signed out on one is signed out on the other.
	member := session(t, b.base, "thanhvien")
	if code, _ := member.do(http.MethodPost, a.base+"/logout-everywhere", "application/x-www-form-urlencoded", nil); code != http.StatusSeeOther {
		t.Error(code)
	}
	if code, _ := member.do(http.MethodGet, b.base+"/visits", "", nil); code != http.StatusUnauthorized {
		t.Errorf("signed out on the other copy: %d", code)
	}

	slow := imagingtest.Heavy(s.photo(), 9_000_000) // more than is received in memory
	file = inspection.NewID()
	declaration["id"], declaration["bytes"], declaration["sha256"] = file, len(slow), sum(slow)
	if code, body := lead.json(http.MethodPost, a.base+"/api/v1/files", declaration); code != http.StatusCreated {
		t.Fatalf("declare: %d %s", code, body)
	}
	stopsInTheMiddle(t, a, lead, file, slow)
	if code, body := lead.do(http.MethodGet, b.base+"/files/"+file+"/original", "", nil); code != http.StatusOK || body != string(slow) {
		t.Errorf("what was sent to the copy that stopped: %d, %d bytes", code, len(body))
	}
}

// stopsInTheMiddle sends half of a file, tells the program to stop, sees it take
// nothing new, and sends the rest.
func stopsInTheMiddle(t *testing.T, p *running, who *client, file string, raw []byte) {
	t.Helper()
	at, _ := url.Parse(p.base)
	dial := func() (net.Conn, error) { return net.DialTimeout("tcp", "127.0.0.1:"+at.Port(), time.Second) }
	conn, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cookie := who.Jar.Cookies(at)[0]
	fmt.Fprintf(conn, "PUT /api/v1/files/%s/content HTTP/1.1\r\nHost: %s\r\nCookie: %s=%s\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n", file, at.Host, cookie.Name, cookie.Value, len(raw))
	if _, err := conn.Write(raw[:len(raw)/2]); err != nil {
		t.Fatal(err)
	}
	until(t, "the program's taking the file", func() bool {
		entries, _ := os.ReadDir(filepath.Join(p.data, "data", "spool"))
		return slices.ContainsFunc(entries, func(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), "congvu-receive-") })
	})
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until(t, "its refusing new callers", func() bool {
		fresh, err := dial()
		if err == nil {
			fresh.Close()
		}
		return err != nil
	})
	if _, err := conn.Write(raw[len(raw)/2:]); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("what was begun is not finished: %v", err)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK || !strings.Contains(string(body), sum(raw)) {
		t.Errorf("what was begun ends with %d %s", answer.StatusCode, body)
	}
}
