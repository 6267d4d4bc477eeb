package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"sort"
	"strings"

	"congvu/inspection"
	"congvu/inspection/i18n"

	"github.com/labstack/echo/v4"
)

// tabletProtocol counts the changes after which an earlier version of the app can no
// longer stand for a later one: what it keeps on the tablet and how it sends it. A new
// version takes over unsent work of the same protocol only.
const tabletProtocol = "2"

// tabletFiles is the tablet app: its files live under one content hash that is
// computed from the embedded files at start, and never change under it.
type tabletFiles struct {
	hash     string
	styles   string            // address of the shared style sheet
	precache []string          // what the app needs without a network, as addresses
	packed   map[string][]byte // by name under web, compressed with gzip
	worker   []byte
	shell    *template.Template
}

// officeOnly are files under static that the app does not use.
var officeOnly = map[string]bool{"static/boxes.js": true, "static/conclusion.js": true, "static/upload.js": true}

func loadTablet(fsys fs.FS) (*tabletFiles, error) {
	h := sha256.New()
	t := &tabletFiles{packed: map[string][]byte{}}
	var names []string
	for _, root := range []string{"tablet", "static"} {
		err := fs.WalkDir(fsys, root, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(name, ".test.js") {
				return err
			}
			raw, err := fs.ReadFile(fsys, name)
			if err != nil {
				return err
			}
			fmt.Fprintf(h, "%s %d\n%s", name, len(raw), raw)
			if name == "tablet/sw.js" {
				t.worker = raw
				return nil
			}
			if name != "tablet/shell.html" {
				names = append(names, name)
				t.packed[name] = pack(raw)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	t.hash = hex.EncodeToString(h.Sum(nil))[:16]
	t.styles = "/tablet/" + t.hash + "/static/style.css"
	sort.Strings(names)
	for _, name := range names {
		if !officeOnly[name] {
			t.precache = append(t.precache, "/tablet/"+t.hash+"/"+strings.TrimPrefix(name, "tablet/"))
		}
	}
	t.precache = append(t.precache, "/static/icon.svg")
	about, err := json.Marshal(map[string]any{"version": t.hash, "protocol": tabletProtocol, "files": t.precache})
	if err != nil {
		return nil, err
	}
	t.worker = fmt.Appendf(nil, "self.CONGVU = %s;\n%s", about, t.worker)
	raw, err := fs.ReadFile(fsys, "tablet/shell.html")
	if err != nil {
		return nil, err
	}
	t.shell, err = template.New("shell").Parse(string(raw))
	return t, err
}

func pack(raw []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = w.Write(raw)
	_ = w.Close()
	return b.Bytes()
}

// packs tells whether who asks takes gzip.
func packs(c echo.Context) bool {
	c.Response().Header().Add("Vary", "Accept-Encoding")
	for part := range strings.SplitSeq(c.Request().Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(name, "gzip") && strings.ReplaceAll(q, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

func (s *Server) tabletRedirect(c echo.Context) error {
	return c.Redirect(http.StatusMovedPermanently, "/tablet/")
}

// tabletShell is the one page of the app. The words come with it.
func (s *Server) tabletShell(c echo.Context) error {
	t, version := s.tablet, s.tablet.hash
	if s.config.Dev {
		var err error
		if t, err = loadTablet(s.files); err != nil {
			return err
		}
		version = "" // no worker keeps what changes under the running program
	}
	lang := language(c.Request())
	words := i18n.Words(lang, "tablet.", "page.", "visit.", "error.", "role.", "form.", "plan.", "evidence.", "finding.", "checklist.", "severity.", "auth.", "login.", "device.cause.", "snapshot.error.reason")
	var b bytes.Buffer
	if err := t.shell.Execute(&b, map[string]any{"Lang": lang, "Hash": t.hash, "Version": version, "Protocol": tabletProtocol, "Styles": t.styles, "Words": words,
		"Opening": i18n.T(lang, "tablet.loading", nil), "Again": i18n.T(lang, "tablet.again", nil)}); err != nil {
		return err
	}
	header := c.Response().Header()
	header.Set("Cache-Control", "no-cache")
	header.Add("Vary", "Cookie") // the language
	sum := sha256.Sum256(b.Bytes())
	tag := `W/"` + hex.EncodeToString(sum[:8]) + `"`
	header.Set("ETag", tag)
	if c.Request().Header.Get("If-None-Match") == tag {
		return c.NoContent(http.StatusNotModified)
	}
	if packs(c) {
		header.Set("Content-Encoding", "gzip")
		return c.HTMLBlob(http.StatusOK, pack(b.Bytes()))
	}
	return c.HTMLBlob(http.StatusOK, b.Bytes())
}

// tabletWorker is the part of the app that serves it without a network. The browser
// asks for it anew each time, and finds another version when the files are others.
func (s *Server) tabletWorker(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-cache")
	return c.Blob(http.StatusOK, "text/javascript; charset=utf-8", s.tablet.worker)
}

// tabletFile serves /tablet/<hash>/… as immutable; another hash is not found, so
// that two versions never mix.
func (s *Server) tabletFile(c echo.Context) error {
	hash, name, _ := strings.Cut(c.Param("*"), "/")
	// With -dev every hash is served: the files change under the running program.
	if hash != s.tablet.hash && !s.config.Dev || strings.HasSuffix(name, ".html") || strings.HasSuffix(name, ".test.js") || name == "sw.js" {
		return inspection.E(inspection.NotFound, "error.not_found")
	}
	name = path.Clean("/" + name)
	if !strings.HasPrefix(name, "/static/") {
		name = "/tablet" + name
	}
	if packed, ok := s.tablet.packed[name[1:]]; ok && !s.config.Dev && packs(c) {
		c.Response().Header().Set("Content-Encoding", "gzip")
		c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		return c.Blob(http.StatusOK, kindOf(name), packed)
	}
	return s.serveFile(c, name[1:], true)
}

// asset is the address of a file under static, with the content hash in it.
func (s *Server) asset(name string) string { return "/tablet/" + s.tablet.hash + "/static/" + name }
