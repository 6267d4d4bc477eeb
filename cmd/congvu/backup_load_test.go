package main

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"congvu/evidence/imaging/imagingtest"
	"congvu/inspection"
	"congvu/inspection/score"
	"congvu/inspection/visit"
	"congvu/migrations"

	"gorm.io/gorm"
)

// gate lets requests through while it is open, and holds them while it is locked; a
// request that has begun is finished first.
type gate struct {
	sync.RWMutex
	passed atomic.Int64
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	g.RLock()
	defer g.RUnlock()
	g.passed.Add(1)
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(response.Body) // all of it, before the gate may close
	response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(raw))
	return response, err
}

// people of the demo whose pages are held against each other.
var witnesses = []string{"chutich", "truongdoan", "thanhvien", "thutruong", "noivu", "quantri"}

// views are pages by who asked and where, and the sessions that asked.
type views struct {
	clients map[string]*client
	pages   map[[2]string]string
}

// openSessions is how many sessions an administrator sees of somebody: a restore ends them.
var openSessions = regexp.MustCompile(`(Phiên đang mở</dt><dd>)\d+`)

// unread is the number of messages that somebody has not read: what had happened and was
// not collected yet at the backup is told after the restore.
var unread = regexp.MustCompile(` <span class="unread" data-unread>.*?</span></span>`)

var formID = regexp.MustCompile(`name="id" value="[^"]*"`)

func sees(t *testing.T, c *client, base, path string) (int, string) {
	t.Helper()
	code, body := c.do(http.MethodGet, base+path, "", nil)
	return code, openSessions.ReplaceAllString(formID.ReplaceAllString(unread.ReplaceAllString(body, ""), `name="id"`), "$1")
}

// readsAll reads what each witness reaches by links from the lists, so many pages each.
func readsAll(t *testing.T, base string, each int) views {
	t.Helper()
	out := views{map[string]*client{}, map[[2]string]string{}}
	for _, username := range witnesses {
		c := session(t, base, username)
		out.clients[username] = c
		next := []string{"/visits", "/findings", "/units", "/overview", "/campaigns", "/targets", "/reinspections", "/", "/visits?q=mau+07", "/findings?q=niem+yet", "/admin/people", "/admin/organisations", "/admin/checklists"}
		seen := map[string]bool{}
		for n := 0; len(next) > 0 && n < each; {
			path := next[0]
			next = next[1:]
			if at, _, _ := strings.Cut(path, "?"); seen[path] || at == "/admin/health" || at == "/messages" || strings.HasPrefix(path, "/static/") || strings.HasPrefix(path, "/tablet") || strings.HasPrefix(path, "/files/") || strings.HasPrefix(path, "//") {
				continue
			}
			seen[path] = true
			code, body := sees(t, c, base, path)
			if code != http.StatusOK {
				continue
			}
			n++
			out.pages[[2]string{username, path}] = body
			for _, m := range hrefs.FindAllStringSubmatch(body, -1) {
				next = append(next, html.UnescapeString(m[1]))
			}
		}
	}
	return out
}

// sameAs asks for the same pages of another installation, in sessions of its own: those of
// then have ended with the restore.
func (v views) sameAs(t *testing.T, base string) {
	t.Helper()
	differs := 0
	clients := map[string]*client{}
	for username, old := range v.clients {
		if code, _ := old.do(http.MethodGet, base+"/api/v1/session", "", nil); code != http.StatusUnauthorized {
			t.Errorf("the session of %s outlives the restore: %d", username, code)
		}
		clients[username] = session(t, base, username)
	}
	for key, want := range v.pages {
		code, got := sees(t, clients[key[0]], base, key[1])
		if code == http.StatusOK && got == want {
			continue
		}
		if differs++; differs < 5 {
			x, y := difference(want, got)
			t.Errorf("%s %s: %d\n- %s\n+ %s", key[0], key[1], code, x, y)
		}
	}
	if differs > 0 {
		t.Errorf("%d of %d pages differ", differs, len(v.pages))
	}
}

// command runs a sub-command of the program in a process of its own.
func command(t *testing.T, folder string, settings []string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Env = append([]string{"HOME=/tmp", "PATH=" + os.Getenv("PATH"), "CONGVU_DATA=" + filepath.Join(folder, "data")}, settings...)
	return cmd
}

func runs(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args[1:], err, out)
	}
	return string(out)
}

// sheet is a small photograph that no other is like.
func sheet() []byte {
	return (&picture{imagingtest.JPEG(imagingtest.Scene(64, 48), imagingtest.Exif{})}).fresh()
}

// signs makes a whole check with a shortcoming, and signs its minutes, so that its
// findings are written.
func (l *load) signs() string {
	check := l.begin()
	l.finishes(check)
	return check
}

// finishes takes a check that was begun to its signed minutes.
func (l *load) finishes(check string) {
	photo := func(kind string) string {
		raw, id := sheet(), inspection.NewID()
		l.call(http.MethodPost, "/api/v1/files", map[string]any{"id": id, "visit": check, "bytes": len(raw), "sha256": sum(raw), "kind": kind, "no_people": true, "contains": "NOBODY", "captured_at": time.Now()}, nil)
		l.send(id, raw)
		return id
	}
	here := true
	row := visit.Row{ID: inspection.NewID(), Position: "Công chức tiếp nhận", Required: true}
	ops := []operation{opOf(check, visit.OpAttendanceBegin, visit.AttendanceBegin{Rows: []visit.Row{row}})}
	row.Present, row.Badge, row.Dress = &here, true, true
	ops = append(ops, opOf(check, visit.OpAttendanceRow, row))
	failed := false
	for _, it := range l.items {
		fails := false
		if it.Source == string(score.FromAnswer) {
			a := visit.AnswerItem{Item: it.Key, Value: score.Yes}
			switch score.Response(it.Response) {
			case score.RATE3:
				a.Value = score.Good
			case score.CNT, score.SMP:
				a.Value, a.Of = score.Count, 10
			case score.YN:
				if !failed {
					failed, fails = true, true
					a.Value = score.No
				}
			}
			ops = append(ops, opOf(check, visit.OpAnswer, a))
			if fails {
				ops = append(ops, opOf(check, visit.OpNote, visit.Note{Item: it.Key, Text: "Bảng niêm yết đã cũ."}))
			}
		}
		if fails || it.Photo == string(visit.PhotoAlways) {
			ops = append(ops, opOf(check, visit.OpPhoto, visit.Photo{Item: it.Key, File: photo("PHOTO"), NoPeople: true}))
		}
	}
	ops = append(ops, opOf(check, visit.OpFinish, struct{}{}))
	text := func(s string) *string { return &s }
	ops = append(ops, opOf(check, visit.OpMinutes, visit.Minutes{Opinion: text("Thống nhất."), Representatives: text("Giám đốc")}))
	for len(ops) > 0 { // as the tablet posts them
		n := min(20, len(ops))
		l.post(ops[:n]...)
		ops = ops[n:]
	}
	l.post(opOf(check, visit.OpSign, visit.Signed{Scans: []string{photo("DOCUMENT_SCAN")}}))
}

// TestABackupUnderLoad backs a made province up with the real binary while people make
// checks, twice: once with the load held at the very instant of the backup's snapshot, so
// that every page that the restored copy shows can be held against what the original
// showed then, and once with the load going on throughout. Everything that had a receipt
// is there, nothing is half there, and the work goes on on the restored copy.
func TestABackupUnderLoad(t *testing.T) {
	m, c := newInstallation(t, nil)
	if err := fillDemo(c.Data, nil); err != nil {
		t.Fatal(err)
	}
	p, err := m.open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	madeProvince(t, m, p, often(60, provinceChecks))
	for n := -1; n != 0; { // what the program would do by itself under the eyes of the test
		if n, err = p.services.Findings.AcknowledgeOverdue(t.Context(), 1000); err != nil {
			t.Fatal(err)
		}
	}
	// Thousands of copies of the demo's photographs wait for previews: none are made here,
	// those of the photographs that come in are.
	if err := p.db.Exec("UPDATE evidence_files SET derive_state = 'NONE' WHERE derive_state = 'PENDING'").Error; err != nil {
		t.Fatal(err)
	}
	province := filepath.Join(t.TempDir(), "province")
	if _, err := m.backup(t.Context(), p.db, p.store, province); err != nil {
		t.Fatal(err)
	}
	for _, stores := range bothStores {
		t.Run(stores.name, func(t *testing.T) { backupUnderLoad(t, stores.settings, province) })
	}
}

func backupUnderLoad(t *testing.T, stores func(testing.TB) []string, province string) {
	// The key goes with the operator, not with the backup: the restored copy gets the same.
	keyed := func(settings []string) []string {
		return append(slices.DeleteFunc(settings, func(s string) bool { return strings.HasPrefix(s, "CONGVU_MASTER_KEY=") }), "CONGVU_MASTER_KEY=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
	}
	settings, folder := keyed(stores(t)), t.TempDir()
	runs(t, command(t, folder, settings, "restore", province))

	program := launch{sub: "serve", settings: settings, data: folder}.start(t)
	l := loadOn(t, program, settings)
	through := &gate{}
	l.client.Transport = through
	l.plan(3000)
	running := l.begin() // is under way at both backups
	l.post(opOf(running, visit.OpNote, visit.Note{Item: l.items[0].Key, Text: "đang kiểm tra"}))

	var made atomic.Int64
	var checks sync.Map
	stop := make(chan struct{})
	var crew sync.WaitGroup
	rest := sync.OnceFunc(func() { close(stop); crew.Wait() })
	t.Cleanup(rest)
	for range 3 {
		crew.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					t.Errorf("somebody's work failed: %v", r)
				}
			}()
			for {
				select {
				case <-stop:
					return
				default:
				}
				checks.Store(l.signs(), true)
				made.Add(1)
			}
		})
	}
	wait := func(more int64) {
		t.Helper()
		from := made.Load()
		until(t, "more checks", func() bool { return t.Failed() || made.Load() >= from+more })
	}
	wait(3)

	// The instant: nobody writes while the pages are read and the snapshot is taken.
	through.Lock()
	l.settle()
	then := readsAll(t, program.base, often(40, 400))
	exact := filepath.Join(t.TempDir(), "exact")
	begun := time.Now()
	var out bytes.Buffer
	cmd := command(t, folder, settings, "backup", exact)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the snapshot", func() bool { // its view stands before the first file is made
		entries, _ := os.ReadDir(filepath.Join(exact, "tables"))
		return len(entries) > 0
	})
	before := through.passed.Load()
	through.Unlock()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("backup: %v\n%s", err, &out)
	}
	took := time.Since(begun)
	meanwhile := through.passed.Load() - before
	wait(2)

	// And one with nothing held.
	var receipts []string
	l.must(l.db.Raw("SELECT sha256 FROM evidence_files WHERE state = 'RECEIVED'").Scan(&receipts).Error)
	wild := filepath.Join(t.TempDir(), "wild")
	before = through.passed.Load()
	runs(t, command(t, folder, settings, "backup", wild))
	meanwhile += through.passed.Load() - before
	wait(1)
	rest()
	if meanwhile == 0 {
		t.Error("nothing was asked of the program during the backups")
	}
	var finished int64
	l.must(l.db.Table("backups").Where("finished_at > 0").Count(&finished).Error)
	if finished != 2 {
		t.Errorf("%d backups are recorded", finished)
	}
	program.stop(t)

	// Restored elsewhere, every list views as the original did then.
	man, err := readBackup(exact)
	l.must(err)
	other, again := keyed(stores(t)), t.TempDir()
	begun = time.Now()
	runs(t, command(t, again, other, "restore", exact))
	t.Logf("%d checks, %d rows of history, %d objects of %d MB: backup in %.1f s with %d requests meanwhile, restore in %.1f s, %d pages held against each other",
		man.Tables["visits"].Rows, man.Tables["history"].Rows, len(man.Objects), man.bytes()>>20, took.Seconds(), meanwhile, time.Since(begun).Seconds(), len(then.pages))
	restored := launch{sub: "serve", settings: other, data: again}.start(t)
	then.sameAs(t, restored.base)

	// The work goes on: the check that was under way, then its report.
	k := loadOn(t, restored, other)
	k.finishes(running)
	k.plan(1)
	k.signs()
	r, err := http.NewRequest(http.MethodPost, restored.base+"/visits/"+running+"/report", strings.NewReader(url.Values{"id": {inspection.NewID()}, "version": {versionOf(t, k.db, running)}, "summary": {"Cơ bản tốt."}}.Encode()))
	l.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(k.cookie)
	response, err := k.client.Do(r)
	l.must(err)
	response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		t.Errorf("report: %d", response.StatusCode)
	}
	restored.stop(t)

	// The other backup: whole in itself, with every photograph that had a receipt.
	last, once := keyed(stores(t)), t.TempDir()
	runs(t, command(t, once, last, "restore", wild))
	cfg, err := ReadConfig(append([]string{"CONGVU_DATA=" + filepath.Join(once, "data")}, last...))
	l.must(err)
	db, err := migrations.Open(t.Context(), cfg.DSN())
	l.must(err)
	defer migrations.Close(db)
	store, err := openStore(t.Context(), cfg)
	l.must(err)
	var all []string
	checks.Range(func(id, _ any) bool { all = append(all, id.(string)); return true })
	wholeChecks(t, db, store, append(all, running))
	for _, hash := range receipts {
		if _, err := store.Stat(t.Context(), "o/"+hash); err != nil {
			t.Errorf("a photograph with a receipt: %v", err)
		}
	}
}

func (l *load) must(err error) {
	l.b.Helper()
	if err != nil {
		l.b.Fatal(err)
	}
}

func versionOf(t *testing.T, db *gorm.DB, check string) string {
	t.Helper()
	var v int64
	if err := db.Table("visits").Where("id = ?", check).Pluck("version", &v).Error; err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(v)
}
