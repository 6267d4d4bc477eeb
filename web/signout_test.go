package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"congvu/inspection"
	"congvu/inspection/auth"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// TestWhoSignedOutWithoutANetworkIsSignedOut: the cookie that the tablet app leaves ends
// the session with the next request of the same browser that is anybody's, once, and
// goes with it; a new sign-in is not touched by it, nor is another session.
func TestWhoSignedOutWithoutANetworkIsSignedOut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		sign := func(username string) string {
			t.Helper()
			s, err := w.Auth.SignIn(ctx, auth.SignIn{Username: username, Password: testPassword, Address: "192.0.2.1"})
			w.must(err)
			return s.Token
		}
		ask := func(method, path, form, token, out string) *httptest.ResponseRecorder {
			t.Helper()
			r := httptest.NewRequest(method, path, strings.NewReader(form))
			if strings.HasPrefix(form, "{") {
				r.Header.Set("Content-Type", "application/json")
			} else if form != "" {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			if token != "" {
				r.AddCookie(&http.Cookie{Name: "congvu", Value: token})
			}
			if out != "" {
				r.AddCookie(&http.Cookie{Name: "congvu-out", Value: out})
			}
			return w.ask(inspection.Actor{}, r)
		}
		alive := func(token string) bool {
			t.Helper()
			_, err := w.Auth.Authenticate(ctx, token, "")
			if err != nil && inspection.CodeOf(err) != inspection.Unauthenticated {
				t.Fatal(err)
			}
			return err == nil
		}
		rows := func() (n int64) {
			t.Helper()
			w.must(w.db.Table("history").Where("action = 'auth.sign_out'").Count(&n).Error)
			return n
		}
		// set are the cookies of an answer: - of one that is taken away, else its value.
		set := func(rec *httptest.ResponseRecorder) map[string]string {
			t.Helper()
			all := map[string]string{}
			for _, c := range rec.Result().Cookies() {
				if _, twice := all[c.Name]; twice {
					t.Errorf("%s is set twice", c.Name)
				}
				if all[c.Name] = c.Value; c.MaxAge < 0 {
					all[c.Name] = "-"
				}
				if c.Path != "/" || c.Secure || c.SameSite != http.SameSiteLaxMode {
					t.Errorf("%+v", c)
				}
			}
			return all
		}
		gone := func(rec *httptest.ResponseRecorder) bool {
			t.Helper()
			all := set(rec)
			return len(all) == 2 && all["congvu"] == "-" && all["congvu-out"] == "-"
		}

		// Whatever is asked first, it is answered as to nobody.
		for _, c := range []struct {
			method, path, form string
			code               int
		}{
			{"GET", "/", "", 401}, {"HEAD", "/visits", "", 401}, {"GET", "/login", "", 200}, {"GET", "/files/" + inspection.NewID() + "/thumb", "", 401},
			{"POST", "/language", "lang=vi", 303}, {"POST", "/logout", "", 303}, {"POST", "/logout-everywhere", "", 401}, {"GET", "/nowhere", "", 404},
			{"GET", "/api/v1/session", "", 401}, {"GET", "/api/v1/today", "", 401}, {"GET", "/api/v1/clock", "", 200},
			{"POST", "/api/v1/operations", `{"operations":[]}`, 401}, {"POST", "/api/v1/session/key", `{"device":"x"}`, 401},
			{"PUT", "/api/v1/files/" + inspection.NewID() + "/content", "", 401}, {"DELETE", "/api/v1/session", "", 204},
		} {
			token, other, before := sign("thutruong"), sign("thutruong"), rows()
			rec := ask(c.method, c.path, c.form, token, "1")
			cookies := set(rec)
			delete(cookies, "lang")
			if rec.Code != c.code || len(cookies) != 2 || cookies["congvu"] != "-" || cookies["congvu-out"] != "-" {
				t.Errorf("%s %s: %d, %v", c.method, c.path, rec.Code, cookies)
			}
			if strings.Contains(rec.Body.String(), w.head.Name) {
				t.Errorf("%s %s still names who was signed in", c.method, c.path)
			}
			if alive(token) || !alive(other) || rows() != before+1 {
				t.Errorf("%s %s: alive %v, another session %v, %d rows of history", c.method, c.path, alive(token), alive(other), rows()-before)
			}
			if rec := ask("GET", "/api/v1/session", "", token, "1"); rec.Code != 401 || !gone(rec) || rows() != before+1 { // a second one at the same time
				t.Errorf("again: %d, %d rows", rec.Code, rows()-before)
			}
		}
		if to := ask("POST", "/logout", "", sign("thutruong"), "1").Header().Get("Location"); to != "/login?out=1" {
			t.Error(to)
		}

		// What is the same for everybody ends nothing; another value, and nobody's session, mean nothing.
		token, before := sign("thutruong"), rows()
		for _, path := range []string{"/tablet", "/tablet/", "/tablet/sw.js", "/tablet/x/app.js", "/static/x.css", "/healthz", "/readyz", "/api/v1/openapi.json"} {
			if rec := ask("GET", path, "", token, "1"); rec.Code == 401 || len(set(rec)) > 0 || strings.Contains(rec.Body.String(), w.head.Name) {
				t.Errorf("%s: %d %v", path, rec.Code, rec.Header())
			}
		}
		for _, out := range []string{"", "0", "11", "true"} {
			if rec := ask("GET", "/api/v1/session", "", token, out); rec.Code != 200 || len(set(rec)) > 0 {
				t.Errorf("%q: %d %v", out, rec.Code, rec.Header())
			}
		}
		for _, nobodys := range []string{"", "made-up"} {
			if rec := ask("GET", "/api/v1/session", "", nobodys, "1"); rec.Code != 401 {
				t.Error(rec.Code)
			}
		}
		if !alive(token) || rows() != before {
			t.Errorf("alive %v, %d rows", alive(token), rows()-before)
		}

		// Who signs in is signed in, and the one before is not.
		credentials := url.Values{"username": {"thanhvien"}, "password": {testPassword}}.Encode()
		for path, form := range map[string]string{"/login": credentials, "/api/v1/session": `{"username":"thanhvien","password":"` + testPassword + `"}`} {
			for _, old := range []string{sign("thutruong"), ""} {
				before := rows()
				rec := ask("POST", path, form, old, "1")
				cookies := set(rec)
				if rec.Code >= 400 || len(cookies) != 2 || cookies["congvu-out"] != "-" || cookies["congvu"] == old || !alive(cookies["congvu"]) {
					t.Errorf("%s: %d %v", path, rec.Code, cookies)
				}
				if old != "" && (alive(old) || rows() != before+1) {
					t.Errorf("%s: the one before is alive: %v, %d rows", path, alive(old), rows()-before)
				}
			}
		}
		old := sign("thutruong")
		wrong := url.Values{"username": {"thanhvien"}, "password": {"x"}}.Encode()
		if rec := ask("POST", "/login", wrong, old, "1"); rec.Code != 401 || !gone(rec) || alive(old) {
			t.Errorf("%d %v, alive %v", rec.Code, rec.Header(), alive(old))
		}

		// Over HTTPS both are taken away as they were set.
		at, _ := url.Parse("https://example.test")
		over, err := New(Config{URL: at, Version: "test", Proxies: testPeer}, w.Services)
		w.must(err)
		old = sign("thutruong")
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(&http.Cookie{Name: "__Host-congvu", Value: old})
		r.AddCookie(&http.Cookie{Name: "congvu-out", Value: "1"})
		r.Header.Set("X-Forwarded-Proto", "https")
		rec := httptest.NewRecorder()
		over.ServeHTTP(rec, r)
		var names []string
		for _, c := range rec.Result().Cookies() {
			names = append(names, c.Name)
			if c.MaxAge >= 0 || !c.Secure || c.Path != "/" {
				t.Errorf("%+v", c)
			}
		}
		slices.Sort(names)
		if rec.Code != 401 || !slices.Equal(names, []string{"__Host-congvu", "congvu-out"}) || alive(old) {
			t.Errorf("%d %v, alive %v", rec.Code, names, alive(old))
		}
	})
}
