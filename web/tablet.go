package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
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

// tabletFiles is the tablet app: its files live under one content hash that is
// computed from the embedded files at start, and never change under it.
type tabletFiles struct {
	hash     string
	styles   string // address of the shared style sheet
	precache []string
	shell    *template.Template
}

func loadTablet(fsys fs.FS) (*tabletFiles, error) {
	h := sha256.New()
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
			names = append(names, name)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	t := &tabletFiles{hash: hex.EncodeToString(h.Sum(nil))[:16]}
	t.styles = "/tablet/" + t.hash + "/static/style.css"
	sort.Strings(names)
	for _, name := range names {
		if name != "tablet/shell.html" {
			t.precache = append(t.precache, "/tablet/"+t.hash+"/"+strings.TrimPrefix(name, "tablet/"))
		}
	}
	raw, err := fs.ReadFile(fsys, "tablet/shell.html")
	if err != nil {
		return nil, err
	}
	t.shell, err = template.New("shell").Parse(string(raw))
	return t, err
}

func (s *Server) tabletRedirect(c echo.Context) error {
	return c.Redirect(http.StatusMovedPermanently, "/tablet/")
}

// tabletShell is the one page of the app. The words come with it.
func (s *Server) tabletShell(c echo.Context) error {
	t := s.tablet
	if s.config.Dev {
		var err error
		if t, err = loadTablet(s.files); err != nil {
			return err
		}
	}
	lang := language(c.Request())
	words := i18n.Words(lang, "tablet.", "page.", "visit.", "error.", "role.", "form.", "plan.", "evidence.", "finding.", "checklist.", "severity.", "auth.", "login.")
	var b bytes.Buffer
	if err := t.shell.Execute(&b, map[string]any{"Lang": lang, "Hash": t.hash, "Styles": t.styles, "Words": words}); err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-cache")
	return c.HTMLBlob(http.StatusOK, b.Bytes())
}

// tabletFile serves /tablet/<hash>/… as immutable; another hash is not found, so
// that two versions never mix.
func (s *Server) tabletFile(c echo.Context) error {
	hash, name, _ := strings.Cut(c.Param("*"), "/")
	// With -dev every hash is served: the files change under the running program.
	if hash != s.tablet.hash && !s.config.Dev || strings.HasSuffix(name, ".html") || strings.HasSuffix(name, ".test.js") {
		return inspection.E(inspection.NotFound, "error.not_found")
	}
	name = path.Clean("/" + name)
	if strings.HasPrefix(name, "/static/") {
		return s.serveFile(c, name[1:], true)
	}
	return s.serveFile(c, "tablet"+name, true)
}

// asset is the address of a file under static, with the content hash in it.
func (s *Server) asset(name string) string { return "/tablet/" + s.tablet.hash + "/static/" + name }
