package web

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"congvu/evidence/camera"
	"congvu/evidence/snapshot"
	"congvu/inspection"
	"congvu/inspection/auth"
	"congvu/migrations/dbtest"
)

// TestEveryRouteDeclaresItsPermission walks the routes that there are and the
// permissions that are declared: none without the other, and what is not public is
// closed to nobody.
func TestEveryRouteDeclaresItsPermission(t *testing.T) {
	db := dbtest.SQLite(t)
	clock := inspection.SystemClock{}
	s, err := New(Config{Proxies: testPeer, Version: "test"}, Services{Auth: auth.New(db, clock, auth.Config{Key: make([]byte, 32)}), Clock: clock,
		Snapshots: snapshot.New(db, clock, nil, noChecks{}, camera.New(camera.Options{}), snapshot.Config{})})
	if err != nil {
		t.Fatal(err)
	}
	insert := func(sql string) { // with an account the first start is over
		if err := db.Exec(sql).Error; err != nil {
			t.Fatal(err)
		}
	}
	insert("INSERT INTO people (id, name) VALUES ('p', 'x')")
	insert("INSERT INTO accounts (id, person_id, username, password_hash, created_at) VALUES ('a', 'p', 'x', 'x', 1)")
	there := map[string]bool{}
	open := map[string]bool{}
	for _, r := range s.Routes() {
		there[r.Method+" "+r.Path] = true
		switch r.Permission {
		case Public:
			open[r.Path] = true
		case SignedIn, AnyPassword, ByRelay:
			path := regexp.MustCompile(`:\w+`).ReplaceAllString(r.Path, inspection.NewID())
			rec := httptest.NewRecorder()
			ask := httptest.NewRequest(r.Method, path, strings.NewReader("{}"))
			ask.Header.Set("X-Forwarded-Proto", "https") // testPeer spoke TLS
			s.ServeHTTP(rec, ask)
			if rec.Code != http.StatusUnauthorized {
				t.Errorf("%s %s answers nobody with %d", r.Method, r.Path, rec.Code)
			}
		default:
			t.Errorf("%s %s declares no permission", r.Method, r.Path)
		}
	}
	for declared := range s.permissions {
		if !there[declared] {
			t.Errorf("%s has a permission and no route", declared)
		}
	}
	if len(there) < 60 {
		t.Errorf("%d routes", len(there))
	}
	for _, path := range []string{"/login", "/unsubscribe", "/setup", "/logout", "/language", "/styleguide", "/tablet", "/tablet/", "/tablet/sw.js", "/tablet/*", "/static/*", "/healthz", "/readyz", "/api/v1/session", "/api/v1/clock",
		"/api/v1/openapi.json", "/api/v1/openapi.yaml", "/api/v1/openapi-3.0.json", "/api/v1/openapi-3.0.yaml"} {
		if !open[path] {
			t.Errorf("%s is not public", path)
		}
		delete(open, path)
	}
	for path := range open {
		t.Errorf("%s is public", path)
	}
}

// TestTheAPIDescribesItself: one valid OpenAPI 3.1 document with every operation, its
// security and its problems, that needs nothing from elsewhere.
func TestTheAPIDescribesItself(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	code, body := w.open(inspection.Actor{}, "/api/v1/openapi.json")
	if code != http.StatusOK {
		t.Fatal(code)
	}
	var doc struct {
		OpenAPI string
		Info    struct{ Title, Version, Description string }
		Servers []struct{ URL string }
		Paths   map[string]map[string]struct {
			OperationID string
			Summary     string
			Security    []map[string][]string
			Responses   map[string]struct{ Content map[string]any }
		}
		Components struct {
			Schemas         map[string]any
			SecuritySchemes map[string]struct{ Type, In, Name string }
		}
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || doc.Info.Title == "" || doc.Info.Version == "" || doc.Info.Description == "" || len(doc.Servers) != 1 || doc.Servers[0].URL != "http://example.test" {
		t.Errorf("%s %+v %+v", doc.OpenAPI, doc.Info, doc.Servers)
	}
	if scheme := doc.Components.SecuritySchemes["session"]; scheme.In != "cookie" || scheme.Name == "" {
		t.Errorf("%+v", scheme)
	}
	described := map[string]bool{}
	ids := map[string]bool{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			route := strings.ToUpper(method) + " " + strings.NewReplacer("{", ":", "}", "").Replace(path)
			described[route] = true
			if op.OperationID == "" || ids[op.OperationID] || op.Summary == "" {
				t.Errorf("%s: operation %q, %q", route, op.OperationID, op.Summary)
			}
			ids[op.OperationID] = true
			if (w.permissions[route] != Public) != (len(op.Security) == 1) {
				t.Errorf("%s: permission %q, security %v", route, w.permissions[route], op.Security)
			}
			for _, status := range []string{"401", "404", "422"} {
				if _, ok := op.Responses[status].Content["application/problem+json"]; !ok {
					t.Errorf("%s: no problem for %s: %v", route, status, op.Responses[status])
				}
			}
		}
	}
	for _, r := range w.Routes() {
		if strings.HasPrefix(r.Path, "/api/v1/") && !strings.HasPrefix(r.Path, "/api/v1/openapi") && !described[r.Method+" "+r.Path] {
			t.Errorf("%s %s is not described", r.Method, r.Path)
		}
	}
	for _, ref := range regexp.MustCompile(`"\$ref":"([^"]*)"`).FindAllStringSubmatch(body, -1) {
		name, ok := strings.CutPrefix(ref[1], "#/components/schemas/")
		if !ok || doc.Components.Schemas[name] == nil {
			t.Errorf("%s leads nowhere", ref[1])
		}
	}
	if strings.Contains(body, "$schema") {
		t.Error("answers carry links to schemas")
	}
}

// elsewhere is what would fetch something from another host, or run what is typed.
var (
	elsewhere = regexp.MustCompile(`(src|href|action|url\()\s*=?\s*["']?(https?:)?//|@import|fetch\(['"` + "`" + `]https?:`)
	sinks     = regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|setAttribute\(['"]on|javascript:|setTimeout\(['"]`)
	inline    = regexp.MustCompile(`(?i)<script(?:\s+type="module")?\s*>|\son[a-z]+\s*=\s*["']|javascript:`)
)

// TestNothingComesFromElsewhereOrRunsWhatIsTyped reads every template, style and module
// that is embedded.
func TestNothingComesFromElsewhereOrRunsWhatIsTyped(t *testing.T) {
	files := 0
	err := fs.WalkDir(embedded, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, ".test.js") {
			return err
		}
		raw, err := fs.ReadFile(embedded, name)
		if err != nil {
			return err
		}
		files++
		text := string(raw)
		if m := elsewhere.FindString(text); m != "" {
			t.Errorf("%s fetches from elsewhere: %s", name, m)
		}
		if m := sinks.FindString(text); m != "" {
			t.Errorf("%s could run what is typed: %s", name, m)
		}
		if strings.HasSuffix(name, ".html") {
			if m := inline.FindString(text); m != "" {
				t.Errorf("%s holds a script: %s", name, m)
			}
		}
		return nil
	})
	if err != nil || files < 30 {
		t.Fatal(files, err)
	}
}
