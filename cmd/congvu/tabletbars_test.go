package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"congvu/evidence/imaging/imagingtest"
)

// many is a count that an issue of its own names: all of it with CONGVU_LONG, else a
// tenth.
func many(n int) int {
	if os.Getenv("CONGVU_LONG") != "" {
		return n
	}
	return max(1, n/10)
}

// photographs makes files of so many bytes that differ, with their hashes.
func photographs(t testing.TB, n, size int) (paths []string, hashes map[string]bool) {
	t.Helper()
	dir := t.TempDir()
	hashes = map[string]bool{}
	for i := range n {
		raw := imagingtest.Heavy(imagingtest.JPEG(imagingtest.Scene(640+i, 480), imagingtest.Exif{}), size)
		path := filepath.Join(dir, fmt.Sprintf("%d.jpg", i))
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(raw)
		paths, hashes[hex.EncodeToString(sum[:])] = append(paths, path), true
	}
	return paths, hashes
}

// receipts are the photographs that the tablet itself calls safe.
func (b *browser) receipts() (n int) {
	b.t.Helper()
	b.awaited(`new Promise(done => { const q = indexedDB.open('congvu'); q.onsuccess = () => { const c = q.result.transaction('receipts').objectStore('receipts').count(); c.onsuccess = () => { q.result.close(); done(c.result); }; }; })`, &n)
	return n
}

// received are the files that the server has of a check: their hashes, each with how
// often, and how many are declared.
func (c *client) received(base, visit string) (hashes map[string]int, declared int) {
	c.t.Helper()
	_, body := c.do(http.MethodGet, base+"/api/v1/visits/"+visit, "", nil)
	var v struct {
		Files      map[string]string
		Operations []struct {
			Type    string
			Payload struct{ File, SHA256 string }
		}
	}
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		c.t.Fatal(err, body)
	}
	hashes = map[string]int{}
	for _, op := range v.Operations {
		if op.Type != "declare" {
			continue
		}
		declared++
		if v.Files[op.Payload.File] == "RECEIVED" {
			hashes[op.Payload.SHA256]++
		}
	}
	return hashes, declared
}

// within waits until something is so, for so long.
func within(t *testing.T, d time.Duration, what string, f func() bool) {
	t.Helper()
	look := time.NewTicker(300 * time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(d); !f(); <-look.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s", what, d)
		}
	}
}

// TestR1NoPhotographIsLost: photographs of 4 MB, taken in handfuls over a line that is
// cut at random bytes, on a browser that is killed again and again. Every one arrives
// once, and none is called safe before.
func TestR1NoPhotographIsLost(t *testing.T) {
	t.Parallel()
	const size = 4_000_000
	photos, cuts, kills := many(100), many(200), many(20)
	seed := uint64(time.Now().UnixNano())
	if given := os.Getenv("CONGVU_TEST_SEED"); given != "" {
		if _, err := fmt.Sscan(given, &seed); err != nil {
			t.Fatal(err)
		}
	}
	random := rand.New(rand.NewPCG(seed, 1))
	t.Logf("%d photographs, %d cuts, %d kills; CONGVU_TEST_SEED=%d plays the same again", photos, cuts, kills, seed)
	paths, hashes := photographs(t, photos, size)
	f, l := onLine(t, nil)
	b := f.b
	b.app()
	b.enter("truongdoan", demoPassword)
	visit := b.checkIn()
	b.installed()
	b.sent()
	between := int64(photos * size / cuts) // bytes, so that the cuts are spread over all that goes up
	l.next = func() int64 { return 1 + random.Int64N(between*3/2) }
	l.breakEvery(l.next())

	taken, killed := 0, 0
	open := func() {
		b = f.reopen()
		b.who = login{username: "truongdoan", password: demoPassword}
		b.open("/tablet/") // asks for the password when the line is down just then
		b.sees("Việc hôm nay")
		b.eval(`location.hash = '#/visit/`+visit+`/C'; 0`, nil)
		b.wait("section C", `document.querySelector('input[data-photo="C03"]') !== null`)
	}
	server := session(t, f.program.base, "truongdoan")
	honest := func() { // what the tablet calls safe is there
		t.Helper()
		safe := b.receipts()
		if got, _ := server.received(f.program.base, visit); len(got) < safe {
			t.Errorf("%d called safe, %d on the server", safe, len(got))
		}
	}
	b.click(`[data-key="rail-C"]`)
	b.wait("section C", `document.querySelector('input[data-photo="C03"]') !== null`)
	for taken < photos || killed < kills {
		if n := min(photos-taken, max(1, photos/kills)); n > 0 {
			b.files(`input[data-photo="C03"]`, paths[taken:taken+n]...)
			taken += n
			b.wait("they are kept", fmt.Sprintf(`document.querySelectorAll('[data-item="C03"] .shot').length === %d`, taken))
		}
		if killed < kills {
			some := min(taken, b.receipts()+random.IntN(3))
			within(t, time.Minute, "some are safe", func() bool { return b.receipts() >= some })
			b.kill()
			killed++
			open()
			honest()
		}
	}
	within(t, time.Duration(photos)*20*time.Second, "all are safe", func() bool { return b.receipts() == photos })
	got, declared := server.received(f.program.base, visit)
	for hash := range hashes {
		if got[hash] != 1 {
			t.Errorf("%s is there %d times", hash, got[hash])
		}
	}
	if declared != photos || len(got) != photos {
		t.Errorf("%d declared, %d there, of %d", declared, len(got), photos)
	}
	t.Logf("%d cuts, %d kills, %d bytes for %d", l.breaks.Load(), killed, l.up.Load(), photos*size)
}

// TestR2SlowLinesThatBreak: photographs of 4 MB over 20 Mbit/s and over 1 Mbit/s, the line
// cut every three seconds. It ends, and hardly anything is sent twice.
func TestR2SlowLinesThatBreak(t *testing.T) {
	t.Parallel()
	const size = 4_000_000
	for _, c := range []struct {
		name   string
		mbit   int64
		photos int
	}{{"20 Mbit", 20, many(100)}, {"1 Mbit", 1, many(10)}} {
		t.Run(c.name, func(t *testing.T) {
			paths, hashes := photographs(t, c.photos, size)
			f, l := onLine(t, nil)
			visit := f.toC03()
			b := f.b
			before := l.up.Load()
			l.rate.Store(c.mbit * 1e6 / 8)
			stop := l.dropEach(t, 3*time.Second)
			b.files(`input[data-photo="C03"]`, paths...)
			within(t, time.Duration(c.photos)*3*time.Second+20*time.Second, "they are kept", func() bool {
				var kept int
				b.eval(`document.querySelectorAll('[data-item="C03"] .shot').length`, &kept)
				return kept == c.photos
			})
			payload := int64(c.photos * size)
			within(t, 3*time.Duration(payload*8/c.mbit/1e6)*time.Second+time.Minute, "all are safe", func() bool { return b.receipts() == c.photos })
			stop()
			sent := l.up.Load() - before
			t.Logf("%d bytes of photographs, %d sent over a line of %d Mbit/s that broke %d times: %.3f", payload, sent, c.mbit, l.breaks.Load(), float64(sent)/float64(payload))
			if l.breaks.Load() < 3 || sent > payload*110/100 {
				t.Errorf("%d breaks, %d bytes sent for %d", l.breaks.Load(), sent, payload)
			}
			if got, _ := session(t, f.program.base, "truongdoan").received(f.program.base, visit); len(got) != len(hashes) {
				t.Errorf("%d of %d are there", len(got), len(hashes))
			}
		})
	}
}
