package web

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"congvu/inspection"
	"congvu/migrations/dbtest"
)

// TestTheTabletIsServedWhole: the worker names one version and every file of it; each is
// there, the same packed or not, under no other hash; the shell is asked for again by its
// tag. While the program is developed there is no worker and every hash is served.
func TestTheTabletIsServedWhole(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	get := func(path string, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		return w.ask(inspection.Actor{}, r)
	}
	worker := get("/tablet/sw.js")
	if worker.Code != http.StatusOK || worker.Header().Get("Cache-Control") != "no-cache" || !strings.HasPrefix(worker.Header().Get("Content-Type"), "text/javascript") {
		t.Fatalf("%d %v", worker.Code, worker.Header())
	}
	first, _, _ := strings.Cut(worker.Body.String(), "\n")
	var about struct {
		Version, Protocol string
		Files             []string
	}
	if err := json.Unmarshal([]byte(strings.TrimSuffix(strings.TrimPrefix(first, "self.CONGVU = "), ";")), &about); err != nil {
		t.Fatal(err, first)
	}
	if about.Version != w.Server.tablet.hash || about.Protocol != tabletProtocol || len(about.Files) < 20 {
		t.Errorf("%+v", about)
	}
	shell := get("/tablet/")
	for _, want := range []string{`data-version="` + about.Version + `"`, `data-protocol="` + tabletProtocol + `"`, "/tablet/" + about.Version + "/app.js"} {
		if !strings.Contains(shell.Body.String(), want) {
			t.Errorf("the shell lacks %s", want)
		}
	}
	named := map[string]bool{}
	for _, path := range about.Files {
		named[path] = true
		plain, packed := get(path), get(path, "Accept-Encoding", "br, gzip")
		if plain.Code != http.StatusOK || packed.Code != http.StatusOK || plain.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s: %d, packed %d", path, plain.Code, packed.Code)
			continue
		}
		if packed.Header().Get("Content-Encoding") == "gzip" {
			r, err := gzip.NewReader(packed.Body)
			if err != nil {
				t.Fatal(path, err)
			}
			whole, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(whole, plain.Body.Bytes()) {
				t.Errorf("%s is another when it is packed: %v", path, err)
			}
		} else if path != "/static/icon.svg" {
			t.Errorf("%s is not packed", path)
		}
		if strings.HasPrefix(path, "/tablet/") {
			if other := get(strings.Replace(path, about.Version, "0123456789abcdef", 1)); other.Code != http.StatusNotFound {
				t.Errorf("%s is served under another hash: %d", path, other.Code)
			}
		}
	}
	// What a module or the shell asks for is among the files.
	for path := range named {
		for line := range strings.Lines(get(path).Body.String()) {
			if _, from, ok := strings.Cut(line, " from './"); ok && strings.HasSuffix(path, ".js") {
				name, _, _ := strings.Cut(from, "'")
				if !named["/tablet/"+about.Version+"/"+name] {
					t.Errorf("%s needs %s, which is not there without a network", path, name)
				}
			}
		}
	}
	for _, path := range []string{"/sw.js", "/shell.html", "/vault.test.js"} {
		if code := get("/tablet/" + about.Version + path).Code; code != http.StatusNotFound {
			t.Errorf("%s: %d", path, code)
		}
	}
	tag := shell.Header().Get("ETag")
	if again := get("/tablet/", "If-None-Match", tag); tag == "" || again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("%q: %d, %d bytes", tag, again.Code, again.Body.Len())
	}
	if english := get("/tablet/", "If-None-Match", tag, "Cookie", "lang=en"); english.Code != http.StatusOK || english.Header().Get("ETag") == tag {
		t.Errorf("in another language: %d", english.Code)
	}
	packed := get("/tablet/", "Accept-Encoding", "gzip")
	r, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if whole, err := io.ReadAll(r); err != nil || string(whole) != shell.Body.String() {
		t.Errorf("the shell is another when it is packed: %v", err)
	}

	w.Server.config.Dev = true
	if dev := get("/tablet/"); !strings.Contains(dev.Body.String(), `data-version=""`) {
		t.Error("the program under development registers a worker")
	}
	if dev := get("/tablet/0123456789abcdef/app.js", "Accept-Encoding", "gzip"); dev.Code != http.StatusOK || dev.Header().Get("Content-Encoding") != "" {
		t.Errorf("%d %v", dev.Code, dev.Header())
	}
}
