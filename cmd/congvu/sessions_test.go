package main

import (
	"bytes"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"
	"congvu/web"

	"gorm.io/gorm"
)

// as sends a request with a session's token.
func (s *site) as(token string, r *http.Request) answer {
	s.t.Helper()
	if token != "" {
		r.AddCookie(&http.Cookie{Name: "congvu", Value: token})
	}
	rec := httptest.NewRecorder()
	r.Header.Set("X-Forwarded-Proto", "https") // testPeer spoke TLS
	s.ServeHTTP(rec, r)
	return answer{rec.Code, rec.Result().Header, rec.Body.String()}
}

// signIn signs in by the page and returns the new session's cookie.
func (s *site) signIn(username, password string, more ...string) (answer, *http.Cookie) {
	s.t.Helper()
	a := s.form("", "/login", append([]string{"username", username, "password", password}, more...)...)
	for _, line := range a.header["Set-Cookie"] {
		if c, err := http.ParseSetCookie(line); err == nil && strings.HasSuffix(c.Name, "congvu") {
			return a, c
		}
	}
	return a, nil
}

func getting(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }

func formRequest(path string, pairs ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(values(pairs).Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

var seconds = regexp.MustCompile(`(\d+) giây`)

// TestGuessingGetsSlower: after a few wrong passwords each guess has to wait longer, in
// words with the seconds; a name that does not exist is no different.
func TestGuessingGetsSlower(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		tell := func(username string) (told []string, waits []int) {
			for range 9 {
				a, cookie := s.signIn(username, "khong-phai-mat-khau")
				if cookie != nil || a.code != http.StatusUnauthorized && a.code != http.StatusServiceUnavailable {
					t.Fatalf("%s: %d", username, a.code)
				}
				told = append(told, strings.ReplaceAll(masked(a.body), username, "NAME"))
				if m := seconds.FindStringSubmatch(a.body); m != nil {
					n, _ := strconv.Atoi(m[1])
					waits = append(waits, n)
					s.clock.Advance(time.Duration(n) * time.Second)
				}
			}
			return told, waits
		}
		known, waits := tell("thutruong")
		if len(waits) != 2 || waits[0] != 2 || waits[1] != 4 {
			t.Errorf("waits of %v seconds", waits)
		}
		unknown, _ := tell("khongcoai")
		for i := range known {
			if x, y := difference(known[i], unknown[i]); x != y {
				t.Errorf("guess %d tells a name that exists from one that does not: %q, %q", i+1, x, y)
			}
		}
		if !strings.Contains(known[0], "Tên đăng nhập hoặc mật khẩu") {
			t.Errorf("a wrong password is answered by %s", mainOf(known[0]))
		}
		// While it lasts, not even the right password is let in; afterwards it is.
		s.signIn("thutruong", "x")
		if a, cookie := s.signIn("thutruong", demoPassword); cookie != nil || a.code != http.StatusServiceUnavailable {
			t.Errorf("the wait does not hold: %d", a.code)
		}
		s.clock.Advance(time.Minute)
		if _, cookie := s.signIn("thutruong", demoPassword); cookie == nil {
			t.Error("nobody gets in after the wait")
		}
		var rows []string
		s.must(db.Table("sign_in_attempts").Pluck("subject", &rows).Error)
		for _, r := range rows {
			if strings.Contains(r, "thutruong") || strings.Contains(r, "192.0.2") {
				t.Errorf("the table of guesses holds %q", r)
			}
		}
	})
}

// TestSessions: their cookies, their ends, and a first password that must be changed.
func TestSessions(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		a, one := s.signIn("thutruong", demoPassword, "next", "/findings?state=open")
		if a.code != http.StatusSeeOther || a.header.Get("Location") != "/findings?state=open" || one == nil {
			t.Fatalf("signing in: %d %v", a.code, a.header)
		}
		if !one.HttpOnly || one.SameSite != http.SameSiteLaxMode || one.Path != "/" || one.Domain != "" || one.Secure || len(one.Value) < 40 {
			t.Errorf("cookie %+v", one)
		}
		for _, next := range []string{"//evil.example", "https://evil.example/", `/\evil.example`, `\\evil.example`, "/\tx//evil", "javascript:alert(1)", "http:/evil", "/%0d%0aX: y\r\nSet-Cookie: a=b"} {
			a, _ := s.signIn("thutruong", demoPassword, "next", next)
			if to := a.header.Get("Location"); to != "/" {
				t.Errorf("next=%q leads to %q", next, to)
			}
			if back := s.form("", "/language", "lang", "en", "back", next).header.Get("Location"); back != "/" {
				t.Errorf("back=%q leads to %q", next, back)
			}
			if strings.Contains(s.get("", "/login?next="+url.QueryEscape(next)).body, "evil") {
				t.Errorf("next=%q stands on the page", next)
			}
		}
		_, two := s.signIn("thutruong", demoPassword)
		if two == nil || two.Value == one.Value {
			t.Fatal("two sessions share a cookie")
		}
		for name, token := range map[string]string{"none": "", "foreign": "AAAA", "nearly": one.Value[:len(one.Value)-1] + "_", "evil": "' OR 1=1", "long": strings.Repeat("x", 5000)} {
			if a := s.as(token, getting("/findings")); a.code != http.StatusUnauthorized || !strings.Contains(a.body, `name="password"`) {
				t.Errorf("%s cookie: %d", name, a.code)
			}
		}
		if a := s.as(two.Value, formRequest("/logout-everywhere")); a.code != http.StatusSeeOther {
			t.Fatal(a.code)
		}
		for _, c := range []*http.Cookie{one, two} {
			if a := s.as(c.Value, getting("/findings")); a.code != http.StatusUnauthorized {
				t.Errorf("a session goes on after sign-out everywhere: %d", a.code)
			}
		}
		// By itself: after twelve hours without use.
		_, three := s.signIn("thutruong", demoPassword)
		s.clock.Advance(11 * time.Hour)
		if a := s.as(three.Value, getting("/findings")); a.code != http.StatusOK {
			t.Errorf("after eleven hours: %d", a.code)
		}
		s.clock.Advance(12 * time.Hour)
		if a := s.as(three.Value, getting("/findings")); a.code != http.StatusUnauthorized {
			t.Errorf("after twelve idle hours: %d", a.code)
		}

		// A first password opens nothing but its change.
		password, err := s.demo.services.Auth.ResetAs(t.Context(), s.demo.operator(), "truongdoan")
		s.must(err)
		a, first := s.signIn("truongdoan", password)
		if a.header.Get("Location") != "/password" {
			t.Errorf("a first password leads to %q", a.header.Get("Location"))
		}
		for _, r := range s.Routes() {
			if r.Permission != web.SignedIn {
				continue
			}
			path := regexp.MustCompile(`:\w+`).ReplaceAllString(r.Path, inspection.NewID())
			a := s.as(first.Value, httptest.NewRequest(r.Method, path, nil))
			page := !strings.HasPrefix(path, "/api/")
			if page && (a.code != http.StatusSeeOther || a.header.Get("Location") != "/password") || !page && a.code != http.StatusForbidden && a.code < 400 {
				t.Errorf("%s %s with a first password: %d %s", r.Method, r.Path, a.code, a.body)
			}
		}
		if a := s.as(first.Value, getting("/api/v1/today")); a.code != http.StatusForbidden || !strings.Contains(a.body, "mật khẩu") {
			t.Errorf("the API with a first password: %d %s", a.code, a.body)
		}
		_, parallel := s.signIn("truongdoan", password)
		for _, wrong := range [][]string{{"current", "x", "new", "mat-khau-moi-2026", "again", "mat-khau-moi-2026"}, {"current", password, "new", "ngan", "again", "ngan"},
			{"current", password, "new", "mat-khau-moi-2026", "again", "khac"}, {"current", password, "new", password, "again", password}} {
			if a := s.as(first.Value, formRequest("/password", wrong...)); a.code != http.StatusUnprocessableEntity || strings.Contains(a.body, password) || strings.Contains(a.body, "mat-khau-moi") {
				t.Errorf("%v: %d\n%s", wrong, a.code, mainOf(a.body))
			}
		}
		if a := s.as(first.Value, formRequest("/password", "current", password, "new", "mat-khau-moi-2026", "again", "mat-khau-moi-2026")); a.code != http.StatusSeeOther {
			t.Errorf("changing the password: %d\n%s", a.code, mainOf(a.body))
		}
		if a := s.as(first.Value, getting("/visits")); a.code != http.StatusOK {
			t.Errorf("after the change: %d", a.code)
		}
		if a := s.as(parallel.Value, getting("/visits")); a.code != http.StatusUnauthorized {
			t.Errorf("another session outlives the change of the password: %d", a.code)
		}
	})
}

// TestCookiesOverHTTPS: under an https address the cookie is bound to this very host
// and never travels in the clear.
func TestCookiesOverHTTPS(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.SQLite(t))
	at, _ := url.Parse("https://congvu.example.vn")
	server, err := web.New(web.Config{URL: at, Version: "test", Proxies: testPeer}, s.demo.services)
	s.must(err)
	s.Server = server
	_, cookie := s.signIn("chutich", demoPassword)
	if cookie == nil || cookie.Name != "__Host-congvu" || !cookie.Secure || !cookie.HttpOnly || cookie.Path != "/" || cookie.Domain != "" {
		t.Fatalf("%+v", cookie)
	}
	if a := s.as(cookie.Value, getting("/visits")); a.code != http.StatusUnauthorized { // under the name that a plain page could set
		t.Errorf("a cookie without the prefix signs in: %d", a.code)
	}
	r := getting("/visits")
	r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
	if a := s.as("", r); a.code != http.StatusOK || a.header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%d %v", a.code, a.header)
	}
	if lang, err := http.ParseSetCookie(s.form("", "/language", "lang", "en").header.Get("Set-Cookie")); err != nil || !lang.Secure {
		t.Errorf("%+v %v", lang, err)
	}
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// hiddens are the hidden fields of the form that posts to an address.
func hiddens(body, action string) (pairs []string) {
	_, body, _ = strings.Cut(body, `action="`+html.EscapeString(action)+`"`)
	body, _, _ = strings.Cut(body, "</form>")
	for _, m := range hidden.FindAllStringSubmatch(body, -1) {
		pairs = append(pairs, html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	return pairs
}

// TestALongFormSurvivesTheEndOfItsSession: what was typed goes through the sign-in page
// and is sent again, for a plain form and for one with files, which have to be chosen
// again.
func TestALongFormSurvivesTheEndOfItsSession(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		check, _ := s.finished(7)
		long := strings.Repeat("Đã bố trí \"đủ\" người & thay biển <b>. ", 100)
		long = strings.TrimSpace(long[:3600])
		long = strings.ToValidUTF8(long, "")
		s.token("truongdoan")
		s.token("thutruong")
		s.clock.Advance(13 * time.Hour)

		// The report: a plain form.
		path := "/visits/" + check + "/report"
		pairs := []string{"id", inspection.NewID(), "version", s.version("visits", check), "summary", long, "causes", "Nguyên nhân\ndòng hai", "proposals", ""}
		a := s.form("truongdoan", path, pairs...)
		if a.code != http.StatusUnauthorized || !strings.Contains(a.body, "giữ lại") {
			t.Fatalf("%d\n%s", a.code, mainOf(a.body))
		}
		kept := hiddens(a.body, "/login")
		wrong, _ := s.signIn("truongdoan", "sai-mat-khau", kept...) // a slip does not lose it
		again, cookie := s.signIn("truongdoan", demoPassword, hiddens(wrong.body, "/login")...)
		if again.code != http.StatusOK || cookie == nil || !strings.Contains(again.body, "chưa được ghi") {
			t.Fatalf("%d\n%s", again.code, mainOf(again.body))
		}
		if got, want := values(hiddens(again.body, path)).Encode(), values(pairs).Encode(); got != want {
			t.Errorf("kept:\n%s\nwant\n%s", got, want)
		}
		if b := s.as(cookie.Value, formRequest(path, hiddens(again.body, path)...)); b.code != http.StatusSeeOther {
			t.Errorf("sent again: %d\n%s", b.code, mainOf(b.body))
		}
		var payload string
		s.must(db.Table("operations").Where("visit_id = ? AND type = 'report'", check).Pluck("payload", &payload).Error)
		if !strings.Contains(payload, "dòng hai") {
			t.Errorf("reported %q", payload)
		}

		// The unit's form with files, in a session that has ended: all is read, the files are not kept.
		f := s.findings(check)[0]
		path = "/findings/" + f.ID + "/explain"
		id, version := inspection.NewID(), s.version("findings", f.ID)
		big := bytes.Repeat([]byte{7}, maxTestFile*4)
		request := func() *http.Request {
			return multipartForm(path, []upload{{"anh.jpg", big}, {"anh2.jpg", big}}, "id", id, "version", version, "text", long, "x", strings.Repeat("y", 70<<10))
		}
		before := s.counts()
		a = s.send("thutruong", request())
		if a.code != http.StatusUnauthorized || !strings.Contains(a.body, "vui lòng chọn lại") {
			t.Fatalf("%d\n%s", a.code, mainOf(a.body))
		}
		kept = hiddens(a.body, "/login")
		if v := values(kept); len(v["kept"]) != 3 || v.Get("kept_files") != "1" {
			t.Fatalf("kept %d fields, files %q", len(v["kept"]), v.Get("kept_files"))
		}
		// Of somebody who never signed in, a few megabytes are read; the words come first.
		if a := s.send("", request()); a.code != http.StatusUnauthorized && a.code != http.StatusRequestEntityTooLarge {
			t.Errorf("nobody's form: %d", a.code)
		}
		r := request()
		counted := &countingReader{r: r.Body}
		r.Body, r.ContentLength = counted, -1
		if a := s.send("", r); a.code != http.StatusUnauthorized || len(values(hiddens(a.body, "/login"))["kept"]) != 3 || counted.n > 5<<20 {
			t.Errorf("nobody's form in chunks: %d, %d bytes read", a.code, counted.n)
		}
		again, cookie = s.signIn("thutruong", demoPassword, kept...)
		if again.code != http.StatusOK || !strings.Contains(again.body, `enctype="multipart/form-data"`) || !strings.Contains(again.body, `type="file"`) || !strings.Contains(again.body, "vui lòng chọn lại") {
			t.Fatalf("%d\n%s", again.code, mainOf(again.body))
		}
		if after := s.counts(); after["evidence_files"] != before["evidence_files"] || after["explanations"] != before["explanations"] {
			t.Error("something was written without a session")
		}
		if b := s.as(cookie.Value, multipartForm(path, []upload{{"anh.jpg", s.photo()}}, hiddens(again.body, path)...)); b.code != http.StatusSeeOther {
			t.Errorf("sent again: %d\n%s", b.code, mainOf(b.body))
		}
		var text string
		s.must(db.Table("explanations").Where("finding_id = ?", f.ID).Pluck("text", &text).Error)
		if text != strings.TrimSpace(long) {
			t.Errorf("explained %q", text)
		}

		// A password is never carried on.
		a = s.form("thutruong", "/password", "current", "bi-mat-cu", "new", "bi-mat-moi-2026", "again", "bi-mat-moi-2026")
		if strings.Contains(a.body, "bi-mat") {
			t.Error("a password stands on the sign-in page")
		}
	})
}

type countingReader struct {
	r interface{ Read([]byte) (int, error) }
	n int
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

func (c *countingReader) Close() error { return nil }

// TestRightsEndWithTheRole: an open session does not outlive a role that ended
// yesterday, nor membership of a team, nor an account that was disabled.
func TestRightsEndWithTheRole(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		check := s.begin(s.seal(7))
		photo := s.answers(check)
		s.derive()
		note := func() operation { return s.operation(check, visit.OpNote, visit.Note{Item: "A04", Text: "x"}) }
		s.does("thanhvien", note())
		target := s.seal(8)
		yesterday := s.clock.Now().Date().AddDays(-1)
		s.must(db.Model(&org.RoleRow{}).Where("person_id = ?", s.demo.people["thanhvien"]).Update("valid_to", yesterday).Error)
		for path, want := range map[string]int{"/visits/" + check: 404, "/files/" + photo + "/original": 404, "/files/" + photo + "/thumb": 404, "/api/v1/visits/" + check: 404, "/account": 200} {
			if a := s.get("thanhvien", path); a.code != want {
				t.Errorf("%s after the role has ended: %d, want %d", path, a.code, want)
			}
		}
		s.refuses("thanhvien", 404, "", note())
		if strings.Contains(s.get("thanhvien", "/api/v1/today").body, check) || strings.Contains(s.get("thanhvien", "/visits").body, check) {
			t.Error("the check is listed after the role has ended")
		}
		s.refused("a photo by a former member", 404, "", func() answer {
			return s.call("thanhvien", http.MethodPost, "/api/v1/files", fmt.Sprintf(`{"id":%q,"visit":%q,"bytes":5,"sha256":%q,"kind":"PHOTO"}`, inspection.NewID(), check, strings.Repeat("0", 64)))
		})
		// A target that was opened to a former member is not known to them any more.
		if !strings.Contains(s.get("thuky", "/api/v1/today").body, target) {
			t.Error("a member does not know of the target that was opened to them")
		}
		s.must(db.Model(&org.RoleRow{}).Where("person_id = ?", s.demo.people["thuky"]).Update("valid_to", yesterday).Error)
		if strings.Contains(s.get("thuky", "/api/v1/today").body, target) {
			t.Error("a former member knows of a target")
		}
		s.token("chutich")
		s.must(db.Exec("UPDATE accounts SET disabled = ? WHERE username = 'chutich'", true).Error)
		if a := s.get("chutich", "/overview"); a.code != http.StatusUnauthorized {
			t.Errorf("a disabled account reads on: %d", a.code)
		}
	})
}
