package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"congvu/evidence"
	"congvu/evidence/imaging/imagingtest"
	"congvu/inspection"
	"congvu/inspection/visit"
	"congvu/migrations"
	"congvu/migrations/dbtest"
)

// TestR2AFileGoesOnOnTheOtherCopy: tus over HTTP, against the real binary. A connection
// is cut in the middle of a photograph, the rest goes to the other copy, and that copy
// is killed (kill -9) before the last part; and on SQLite and files with one copy that
// is started anew.
func TestR2AFileGoesOnOnTheOtherCopy(t *testing.T) {
	t.Parallel()
	raw := imagingtest.Heavy(imagingtest.JPEG(imagingtest.Scene(640, 480), imagingtest.Exif{}), 4_000_000)
	t.Run("postgres and MinIO", func(t *testing.T) {
		dsn := dbtest.PostgresDSN(t)
		db, err := migrations.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { migrations.Close(db) })
		s := newSiteAt(t, db, earlierToday())
		check := s.begin(s.seal(7))
		settings := append(minioSettings(t), "CONGVU_DATABASE_URL="+dsn, "CONGVU_MASTER_KEY="+base64.StdEncoding.EncodeToString(make([]byte, 32)))
		a, b := start(t, "serve", settings), start(t, "serve", settings)
		resumes(t, check, raw, a, func() *running { return b }, func() *running {
			b.kill(t)
			return a
		})
	})
	t.Run("sqlite and files", func(t *testing.T) {
		a := start(t, "demo", nil)
		lead := session(t, a.base, "truongdoan")
		_, today := lead.do(http.MethodGet, a.base+"/api/v1/today", "", nil)
		var list struct{ Targets []struct{ ID string } }
		if err := json.Unmarshal([]byte(today), &list); err != nil || len(list.Targets) == 0 {
			t.Fatal(today, err)
		}
		check := inspection.NewID()
		now := opOf(check, visit.OpCheckIn, visit.CheckIn{Target: list.Targets[0].ID})
		if code, body := lead.json(http.MethodPost, a.base+"/api/v1/operations", map[string]any{"operations": []operation{now}}); code != http.StatusOK || !strings.Contains(body, `"applied"`) {
			t.Fatal(code, body)
		}
		again := func() *running {
			a.kill(t)
			a = launch{sub: "demo", data: a.data}.start(t)
			return a
		}
		resumes(t, check, raw, a, again, again)
	})
}

// resumes sends a file in three parts, of which the first two are cut off, each to what
// is there then.
func resumes(t *testing.T, check string, raw []byte, first *running, then ...func() *running) {
	t.Helper()
	lead := session(t, first.base, "truongdoan")
	file := inspection.NewID()
	declaration := map[string]any{"id": file, "visit": check, "bytes": len(raw), "sha256": sum(raw), "kind": "PHOTO", "no_people": true}
	if code, body := lead.json(http.MethodPost, first.base+"/api/v1/files", declaration); code != http.StatusCreated {
		t.Fatalf("declare: %d %s", code, body)
	}
	at, p := 0, first
	for i, cut := range []int{len(raw) / 3, len(raw) / 3 * 2} {
		if i > 0 {
			p = then[0]()
		}
		conn := lead.patch(p, file, at, raw[at:cut], len(raw)-at)
		conn.Close()
		until(t, "what arrived being kept", func() bool { return lead.offset(p, file) == cut })
		at = cut
	}
	p = then[1]()
	if got := lead.offset(p, file); got != at {
		t.Fatalf("%d of %d after a copy was killed", got, at)
	}
	conn := lead.patch(p, file, at, raw[at:], len(raw)-at)
	defer conn.Close()
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	told, _ := base64.StdEncoding.DecodeString(answer.Header.Get("Upload-Receipt"))
	var receipt evidence.Receipt
	if err := json.Unmarshal(told, &receipt); err != nil || answer.StatusCode != http.StatusNoContent || answer.Header.Get("Upload-Offset") != strconv.Itoa(len(raw)) ||
		answer.Header.Get("Tus-Resumable") != "1.0.0" || receipt.SHA256 != sum(raw) || receipt.Signature == "" {
		body, _ := io.ReadAll(answer.Body)
		t.Fatalf("%d %v %s, %+v, %v", answer.StatusCode, answer.Header, body, receipt, err)
	}
	code, again := lead.do(http.MethodGet, p.base+"/api/v1/files/"+file+"/receipt", "", nil)
	var second evidence.Receipt
	if err := json.Unmarshal([]byte(again), &second); err != nil || code != http.StatusOK || second != receipt {
		t.Errorf("%d %s", code, again)
	}
	if code, body := lead.do(http.MethodGet, p.base+"/files/"+file+"/original", "", nil); code != http.StatusOK || body != string(raw) {
		t.Errorf("read: %d, %d bytes", code, len(body))
	}
}

// patch sends some bytes of a file from a place on, and announces how many.
func (c *client) patch(p *running, file string, at int, raw []byte, announced int) net.Conn {
	c.t.Helper()
	address, _ := url.Parse(p.base)
	conn, err := net.DialTimeout("tcp", "127.0.0.1:"+address.Port(), 5*time.Second)
	if err != nil {
		c.t.Fatal(err)
	}
	cookie := c.Jar.Cookies(address)[0]
	var head strings.Builder
	fmt.Fprintf(&head, "PATCH /api/v1/files/%s/content HTTP/1.1\r\nHost: %s\r\nCookie: %s=%s\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: %d\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: %d\r\n\r\n",
		file, address.Host, cookie.Name, cookie.Value, at, announced)
	if _, err := conn.Write(append([]byte(head.String()), raw...)); err != nil {
		c.t.Fatal(err)
	}
	return conn
}

// offset is how much of a file the server says that it has.
func (c *client) offset(p *running, file string) int {
	c.t.Helper()
	r, err := http.NewRequest(http.MethodHead, p.base+"/api/v1/files/"+file+"/content", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	a, err := c.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	a.Body.Close()
	n, err := strconv.Atoi(a.Header.Get("Upload-Offset"))
	if err != nil || a.StatusCode != http.StatusNoContent || a.Header.Get("Cache-Control") != "no-store" {
		c.t.Fatalf("%d %v", a.StatusCode, a.Header)
	}
	return n
}
