package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"congvu/evidence/blob"
	"congvu/inspection"
	"congvu/inspection/score"
	"congvu/inspection/visit"
	"congvu/migrations"

	"golang.org/x/sys/unix"
)

// ownPostgres is a PostgreSQL server of the test, which it may stop and start.
type ownPostgres struct {
	t        *testing.T
	bin, dir string
	port     string
	cmd      *exec.Cmd
	done     chan error
}

// newPostgres makes a server with what is installed on this machine (.ci/env).
func newPostgres(t *testing.T) *ownPostgres {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		t.Fatal("this test stops and starts a PostgreSQL of its own, and none is installed under /usr/lib/postgresql: run .ci/install")
	}
	dir, err := os.MkdirTemp("", "congvu-postgres") // not the test's own folder, which only its user may enter
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(freeAddress(t))
	p := &ownPostgres{t: t, bin: filepath.Dir(found[len(found)-1]), dir: dir, port: port}
	t.Cleanup(func() { p.stop(syscall.SIGQUIT); os.RemoveAll(dir) })
	if who := p.owner(); who != nil {
		if err := os.Chown(dir, int(who.Uid), int(who.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	initdb := p.command("initdb", "-D", dir, "-U", "congvu", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	p.start()
	return p
}

// owner is who PostgreSQL runs as where the test is root's, as it insists on.
func (p *ownPostgres) owner() *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		p.t.Fatal(err)
	}
	uid, _ := strconv.Atoi(who.Uid)
	gid, _ := strconv.Atoi(who.Gid)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func (p *ownPostgres) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, name), args...)
	cmd.Dir, cmd.Env = p.dir, []string{"HOME=/tmp", "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.owner(), Pdeathsig: syscall.SIGQUIT}
	return cmd
}

// start starts it with commits on disk in its own sense: a crash of the server loses
// nothing that it acknowledged.
func (p *ownPostgres) start() {
	p.t.Helper()
	p.cmd = p.command("postgres", "-D", p.dir, "-p", p.port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off")
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.done = make(chan error, 1)
	go func(cmd *exec.Cmd, done chan error) { done <- cmd.Wait() }(p.cmd, p.done)
	until(p.t, "PostgreSQL's start", func() bool {
		db, err := migrations.Open(p.t.Context(), p.dsn())
		if err == nil {
			_ = migrations.Close(db)
		}
		return err == nil
	})
}

// stop ends it: SIGQUIT is "pg_ctl stop -m immediate", SIGINT "-m fast".
func (p *ownPostgres) stop(how syscall.Signal) {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(how)
	<-p.done
	p.cmd = nil
}

func (p *ownPostgres) dsn() string {
	return "postgres://congvu@127.0.0.1:" + p.port + "/postgres?sslmode=disable"
}

// readiness asks readyz.
func (r *running) readiness(t *testing.T) (int, map[string]string) {
	t.Helper()
	response, err := http.Get(r.base + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var said struct{ Signs map[string]string }
	if err := json.NewDecoder(response.Body).Decode(&said); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, said.Signs
}

// says waits until readyz says so of a part, with the status that goes with it.
func (r *running) says(t *testing.T, part, state string) {
	t.Helper()
	want := map[bool]int{true: http.StatusServiceUnavailable, false: http.StatusOK}[state == "bad"]
	until(t, "readyz says "+part+" "+state, func() bool {
		code, signs := r.readiness(t)
		return code == want && strings.Contains(state, signs[part])
	})
}

const (
	wordsAway = "tạm thời chưa phục vụ được"
	wordsFull = "hết chỗ lưu"
)

// TestTheDatabaseRestartsUnderLoad: PostgreSQL is stopped, at once and in order, while
// people work, and started again. Each is told so with a status and words, nobody's act
// is lost or counted twice, and the program goes on by itself.
func TestTheDatabaseRestartsUnderLoad(t *testing.T) {
	postgres := newPostgres(t)
	db, err := migrations.Open(t.Context(), postgres.dsn())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { migrations.Close(db) })
	if err := migrations.Up(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	s := newSiteAt(t, db, earlierToday())
	var targets []string
	for range 3 {
		targets = append(targets, s.seal(7))
	}
	r := start(t, "serve", []string{"CONGVU_DATABASE_URL=" + postgres.dsn(), "CONGVU_MASTER_KEY=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="})
	lead := session(t, r.base, "truongdoan")
	photo := s.safePhotos()
	var workers []*worker
	for _, target := range targets {
		workers = append(workers, begins(t, lead, r.base, target, photo))
	}
	c := atWork(t, workers...)
	for n := range often(2, 20) {
		c.goesOn(30)
		postgres.stop([]syscall.Signal{syscall.SIGQUIT, syscall.SIGINT}[n%2])
		r.says(t, "database", "bad")
		code, page := lead.do(http.MethodGet, r.base+"/visits", "", nil)
		if code != http.StatusServiceUnavailable || !strings.Contains(page, wordsAway) || !strings.Contains(page, "<html") {
			t.Errorf("a page without a database: %d %s", code, mainOf(page))
		}
		if code, page := lead.do(http.MethodPost, r.base+"/login", "application/x-www-form-urlencoded", []byte(url.Values{"username": {"chutich"}, "password": {demoPassword}}.Encode())); code != http.StatusServiceUnavailable || !strings.Contains(page, wordsAway) {
			t.Errorf("signing in without a database: %d %s", code, mainOf(page))
		}
		postgres.start()
		r.says(t, "database", "ok")
	}
	c.goesOn(30)
	c.rest()
	told := c.onlyTold(http.StatusServiceUnavailable, wordsAway)
	if told == 0 {
		t.Error("nobody noticed")
	}
	t.Logf("%d acts, %d answered with 503, seen by the program that ran all the time", c.done, told)
	fresh, err := migrations.Open(t.Context(), postgres.dsn()) // the test's own connections of before are broken
	if err != nil {
		t.Fatal(err)
	}
	defer migrations.Close(fresh)
	c.kept(fresh, fileStore(t, r))
}

func fileStore(t *testing.T, r *running) blob.Store {
	t.Helper()
	store, err := openStore(t.Context(), Config{Data: filepath.Join(r.data, "data")})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// cable is a wire to a server that can be cut, at once or when so many bytes have gone
// to the server, and mended.
type cable struct {
	to    string
	addr  string
	mu    sync.Mutex
	ends  map[net.Conn]bool
	isCut atomic.Bool
	left  atomic.Int64 // bytes until it is cut; negative: for ever
}

func newCable(t *testing.T, to string) *cable {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{to: to, addr: listener.Addr().String(), ends: map[net.Conn]bool{}}
	c.left.Store(-1)
	t.Cleanup(func() { listener.Close(); c.cut() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go c.carry(conn)
		}
	}()
	return c
}

func (c *cable) carry(from net.Conn) {
	defer from.Close()
	if c.isCut.Load() {
		return
	}
	to, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer to.Close()
	c.mu.Lock()
	c.ends[from], c.ends[to] = true, true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.ends, from)
		delete(c.ends, to)
		c.mu.Unlock()
	}()
	go func() {
		_, _ = io.Copy(from, to)
		from.Close()
	}()
	buffer := make([]byte, 8<<10)
	for {
		n, err := from.Read(buffer)
		if left := c.left.Load(); left >= 0 && c.left.Add(int64(-n)) < 0 {
			c.cut()
			return
		}
		if _, e := to.Write(buffer[:n]); err != nil || e != nil {
			return
		}
	}
}

func (c *cable) cut() {
	c.isCut.Store(true)
	c.left.Store(-1)
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.ends {
		conn.Close()
	}
}

func (c *cable) mend() { c.isCut.Store(false) }

// TestTheStoreGoesInMidUpload: the S3 store is gone when half of a photograph has come to
// it. The sender is told, nothing is half there, answers are taken on, and the same
// photograph is taken when the store is back, by the same process.
func TestTheStoreGoesInMidUpload(t *testing.T) {
	for _, database := range []string{"postgres", "sqlite"} {
		t.Run(database, func(t *testing.T) {
			settings := minioSettings(t)
			direct, err := ReadConfig(settings)
			if err != nil {
				t.Fatal(err)
			}
			store, err := openStore(t.Context(), direct)
			if err != nil {
				t.Fatal(err)
			}
			wire := newCable(t, direct.S3Endpoint)
			folder := t.TempDir()
			dsn := filepath.Join(folder, "data", "congvu.db")
			settings = append(settings, "CONGVU_S3_ENDPOINT="+wire.addr)
			if database == "postgres" {
				own := postgresSettings(t)
				settings = append(settings, own...)
				dsn = strings.TrimPrefix(own[0], "CONGVU_DATABASE_URL=")
			}
			db, err := migrations.Open(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { migrations.Close(db) })
			if err := migrations.Up(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			s := newSiteAt(t, db, earlierToday())
			target := s.seal(7)
			r := launch{sub: "serve", settings: settings, data: folder}.start(t)
			lead := session(t, r.base, "truongdoan")
			large := newPicture(1600, 1200, 900_000)
			w := begins(t, lead, r.base, target, large.fresh)
			if !w.photographs(t.Context()) {
				t.Fatalf("%+v", w.failures)
			}

			id := inspection.NewID()
			raw, ok := w.declares(t.Context(), id)
			if !ok {
				t.Fatalf("%+v", w.failures)
			}
			content := r.base + "/api/v1/files/" + id + "/content"
			wire.left.Store(int64(len(raw)) / 2)
			code, body := lead.do(http.MethodPut, content, "application/octet-stream", raw)
			var p problem
			_ = json.Unmarshal([]byte(body), &p)
			if code != http.StatusServiceUnavailable || p.Key != "evidence.error.store" || !strings.Contains(p.Detail, "lưu") {
				t.Errorf("cut in the middle: %d %s", code, body)
			}
			if !wire.isCut.Load() {
				t.Fatal("the wire was not cut")
			}
			if _, err := store.Stat(t.Context(), "o/"+sum(raw)); !errors.Is(err, blob.ErrNotFound) {
				t.Errorf("half a photograph is in the store: %v", err)
			}
			var state string
			s.must(db.Table("evidence_files").Where("id = ?", id).Pluck("state", &state).Error)
			if state != "DECLARED" {
				t.Errorf("the photograph is %s", state)
			}
			r.says(t, "store", "bad")
			for n := 1; n < 8; n++ { // the eighth would be a photograph
				if !w.act(t.Context(), n) {
					t.Fatalf("answers are not taken: %+v", w.failures)
				}
			}
			for earlier := range w.files {
				if code, body := lead.do(http.MethodGet, r.base+"/files/"+earlier+"/original", "", nil); code != http.StatusServiceUnavailable {
					t.Errorf("a photograph without its store: %d %s", code, mainOf(body))
				}
			}
			if left, _ := os.ReadDir(filepath.Join(folder, "data", "spool")); len(left) > 0 {
				t.Errorf("left in the spool: %v", left)
			}

			wire.mend()
			r.says(t, "store", "ok warn")
			if code, body := lead.do(http.MethodPut, content, "application/octet-stream", raw); code != http.StatusOK || !strings.Contains(body, sum(raw)) {
				t.Fatalf("sent again: %d %s", code, body)
			}
			w.files[id] = raw
			for id, raw := range w.files {
				if code, body := lead.do(http.MethodGet, r.base+"/files/"+id+"/original", "", nil); code != http.StatusOK || body != string(raw) {
					t.Errorf("read again: %d, %d bytes", code, len(body))
				}
			}
			// What a preview's maker found gone comes up again after its pause.
			s.must(db.Exec("UPDATE evidence_files SET derive_lease_until = 0 WHERE derive_state = 'PENDING'").Error)
			until(t, "both previews", func() bool {
				var n int64
				s.must(db.Table("evidence_files").Where("derive_state = 'DONE'").Count(&n).Error)
				return n == 2
			})
			(&crew{t: t, workers: []*worker{w}}).kept(db, store)
		})
	}
}

// disk is a file system in memory that can be made full.
type disk struct {
	t   *testing.T
	dir string
}

const roomy = 320 << 20 // more than what readyz asks for; only what is written takes memory

func newDisk(t *testing.T, dir string) *disk {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=700", roomy)); err != nil {
		t.Fatalf("this test needs a small disk of its own and may not mount one (run as root): %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return &disk{t, dir}
}

func (d *disk) size(bytes uint64) error {
	return unix.Mount("tmpfs", d.dir, "tmpfs", unix.MS_REMOUNT, fmt.Sprintf("size=%d", bytes))
}

// fill leaves so many bytes.
func (d *disk) fill(leave uint64) {
	d.t.Helper()
	until(d.t, "filling the disk", func() bool { // what is written meanwhile counts
		var s unix.Statfs_t
		if err := unix.Statfs(d.dir, &s); err != nil {
			d.t.Fatal(err)
		}
		return d.size((s.Blocks-s.Bfree)*uint64(s.Bsize)+leave) == nil
	})
}

func (d *disk) empty() {
	d.t.Helper()
	if err := d.size(roomy); err != nil {
		d.t.Fatal(err)
	}
}

// TestTheDiskIsFull: the disk of the data folder fills up while people work. Each is told
// with 507 and words, what can be read is read, nothing is half written, and when there is
// room again the program goes on by itself. With SQLite everything is on that disk, with
// PostgreSQL the photographs.
func TestTheDiskIsFull(t *testing.T) {
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			folder := t.TempDir()
			d := newDisk(t, filepath.Join(folder, "data"))
			var settings []string
			dsn := filepath.Join(folder, "data", "congvu.db")
			if database == "postgres" {
				settings = postgresSettings(t)
				dsn = strings.TrimPrefix(settings[0], "CONGVU_DATABASE_URL=")
			}
			db, err := migrations.Open(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { migrations.Close(db) })
			if err := migrations.Up(t.Context(), db); err != nil {
				t.Fatal(err)
			}
			s := newSiteAt(t, db, earlierToday())
			targets := []string{s.seal(7), s.seal(7)}
			r := launch{sub: "serve", settings: settings, data: folder}.start(t)
			lead := session(t, r.base, "truongdoan")
			photo := s.safePhotos()
			var workers []*worker
			for _, target := range targets {
				workers = append(workers, begins(t, lead, r.base, target, photo))
			}
			w := begins(t, lead, r.base, s.seal(8), newPicture(1600, 1200, 900_000).fresh)
			id := inspection.NewID()
			raw, ok := w.declares(t.Context(), id)
			if !ok {
				t.Fatalf("%+v", w.failures)
			}
			content := r.base + "/api/v1/files/" + id + "/content"
			for n := range often(1, 20) {
				c := atWork(t, workers...)
				c.goesOn(20)
				d.fill(256 << 10)
				r.says(t, "disk", "bad")
				if n == 0 {
					code, body := lead.do(http.MethodPut, content, "application/octet-stream", raw)
					if code != http.StatusInsufficientStorage || !strings.Contains(body, wordsFull) {
						t.Errorf("a photograph without room: %d %s", code, body)
					}
				}
				d.fill(0)
				c.isTold()
				if database == "sqlite" { // an answer too, when the database's own files are used up
					until(t, "an answer without room", func() bool {
						raw, err := json.Marshal(map[string]any{"operations": []operation{opOf(w.check, visit.OpAnswer, visit.AnswerItem{Item: "A04", Value: score.Yes})}})
						s.must(err)
						code, body := lead.do(http.MethodPost, r.base+"/api/v1/operations", "application/json", raw)
						return code == http.StatusInsufficientStorage && strings.Contains(body, wordsFull)
					})
				}
				for _, page := range []string{"/visits", "/findings", "/visits/" + workers[0].check} {
					if code, body := lead.do(http.MethodGet, r.base+page, "", nil); code != http.StatusOK {
						t.Errorf("%s cannot be read: %d %s", page, code, mainOf(body))
					}
				}
				d.empty()
				r.says(t, "disk", "ok warn")
				c.goesOn(20)
				c.rest()
				c.onlyTold(http.StatusInsufficientStorage, wordsFull)
				c.kept(db, fileStore(t, r))
			}
			if code, body := lead.do(http.MethodPut, content, "application/octet-stream", raw); code != http.StatusOK || !strings.Contains(body, sum(raw)) {
				t.Errorf("sent again: %d %s", code, body)
			}
			if left, _ := os.ReadDir(filepath.Join(folder, "data", "spool")); len(left) > 0 {
				t.Errorf("left in the spool: %v", left)
			}
		})
	}
}

// TestADatabaseThatCannotBeWritten: a program whose user may not write the SQLite file
// says so and ends; with the right to, it starts, and nothing is lost.
func TestADatabaseThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	nobody, err := user.Lookup("nobody")
	if err != nil || os.Getuid() != 0 {
		t.Fatalf("this test starts the program as another user: run as root (%v)", err)
	}
	uid, _ := strconv.Atoi(nobody.Uid)
	gid, _ := strconv.Atoi(nobody.Gid)
	built, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "congvu-readonly") // not the test's own folder, which only its user may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	data := filepath.Join(folder, "data")
	path := filepath.Join(folder, "congvu")
	raw, err := os.ReadFile(built)
	if err == nil {
		err = errors.Join(os.Chmod(folder, 0o755), os.WriteFile(path, raw, 0o755)) //nolint:gosec // another user runs it
	}
	if err != nil {
		t.Fatal(err)
	}
	launch{sub: "serve", data: folder}.start(t).stop(t)
	run := func() (string, error) {
		cmd := exec.Command(path, "migrate")
		cmd.Env = []string{"CONGVU_DATA=" + data, "HOME=/tmp"}
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	own := func(id int) {
		t.Helper()
		for _, name := range []string{"", "congvu.db"} {
			if err := os.Chown(filepath.Join(data, name), id, -1); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(os.Chmod(data, 0o755), os.Chmod(filepath.Join(data, "congvu.db"), 0o644)); err != nil { //nolint:gosec // readable by all is what is tried
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(data, "congvu.db"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := run()
	if err == nil || !strings.Contains(out, "không ghi được") || !strings.Contains(out, data) {
		t.Errorf("%v: %s", err, out)
	}
	if after, err := os.ReadFile(filepath.Join(data, "congvu.db")); err != nil || string(after) != string(before) {
		t.Error("the file has changed")
	}
	own(uid)
	if out, err := run(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	own(0)
	launch{sub: "serve", data: folder}.start(t)
}
