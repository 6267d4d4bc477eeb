package inspection_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport is who may import whom among our own packages, tests apart: for each
// package what it may know directly. "inspection" alone is the vocabulary; a name that
// ends in "/..." stands for everything below. What is not in this table does not exist
// yet, and must be given its line here when it does.
var mayImport = map[string][]string{
	"cmd/congvu": {"..."},
	"web":        {"inspection", "inspection/...", "evidence", "evidence/..."},

	"inspection":           {},
	"inspection/history":   {"inspection"},
	"inspection/i18n":      {"inspection"},
	"inspection/tablein":   {"inspection"},
	"inspection/score":     {"inspection"},
	"inspection/org":       {"inspection", "inspection/history", "inspection/tablein"},
	"inspection/auth":      {"inspection", "inspection/history", "inspection/org"},
	"inspection/checklist": {"inspection", "inspection/history", "inspection/org", "inspection/tablein"},
	"inspection/plan":      {"inspection", "inspection/history", "inspection/checklist", "inspection/org"},
	"inspection/finding":   {"inspection", "inspection/history", "inspection/org"},
	"inspection/visit": {"inspection", "inspection/history", "inspection/checklist", "inspection/plan", "inspection/finding",
		"inspection/score", "inspection/org"},
	"inspection/installation": {"inspection"},
	"inspection/sealed":       {},
	"inspection/seedtest":     {},
	"inspection/inbox":        {"inspection", "inspection/selfcheck", "inspection/finding", "inspection/visit", "inspection/org"},
	"inspection/selfcheck": {"inspection", "inspection/history", "inspection/score", "inspection/checklist", "inspection/org",
		"inspection/plan", "inspection/visit"},
	"inspection/notify": {"inspection", "inspection/history", "inspection/i18n", "inspection/finding", "inspection/visit", "inspection/plan",
		"inspection/org", "inspection/sealed"},
	"inspection/summary": {"inspection", "inspection/history", "inspection/score", "inspection/finding", "inspection/visit",
		"inspection/plan", "inspection/checklist", "inspection/org"},

	"evidence":                     {"inspection", "inspection/history", "evidence/..."},
	"evidence/blob":                {"inspection"},
	"evidence/blob/blobtest":       {"inspection", "evidence/blob", "evidence/blob/minioblob"},
	"evidence/blob/fileblob":       {"inspection", "evidence/blob"},
	"evidence/blob/memblob":        {"inspection", "evidence/blob"},
	"evidence/blob/minioblob":      {"inspection", "evidence/blob"},
	"evidence/camera":              {"inspection", "evidence/imaging"},
	"evidence/camera/cameratest":   {},
	"evidence/imaging":             {"inspection"},
	"evidence/snapshot":            {"inspection", "inspection/history", "inspection/sealed", "evidence", "evidence/camera"},
	"evidence/imaging/imagingtest": {},
	"evidence/imaging/view":        {},

	"migrations":            {"migrations/sqlitepool"},
	"migrations/dbtest":     {"migrations"},
	"migrations/sqlitepool": {},
}

// only says which of our packages may import a library directly; no other may.
var only = map[string][]string{
	"github.com/labstack/echo":    {"web"},
	"github.com/danielgtaylor":    {"web"},
	"github.com/minio/minio-go":   {"evidence/blob/minioblob"},
	"github.com/pressly/goose":    {"migrations"},
	"github.com/libtnb/sqlite":    {"migrations"},
	"modernc.org/sqlite":          {"migrations/sqlitepool"},
	"gorm.io/driver/postgres":     {"migrations"},
	"github.com/caarlos0/env":     {"cmd/congvu"},
	"github.com/urfave/cli":       {"cmd/congvu"},
	"github.com/gowebpki/jcs":     {"inspection/history", "evidence"},
	"golang.org/x/crypto/argon2":  {"inspection/auth"},
	"github.com/xuri/excelize":    {"inspection/tablein"},
	"github.com/prometheus":       {"cmd/congvu"},
	"github.com/wneessen/go-mail": {"inspection/notify"},
	"github.com/bluenviron":       {"evidence/camera", "evidence/camera/cameratest"},
	"github.com/pion":             {"evidence/camera", "evidence/camera/cameratest"},
	"github.com/icholy/digest":    {"evidence/camera", "evidence/camera/cameratest"},
}

const module = "congvu/"

type listed struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

// packages asks the go command for all packages of the module, without their tests.
func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,Standard", "./...")
	cmd.Dir = ".."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func allowed(list []string, name string) bool {
	return slices.ContainsFunc(list, func(a string) bool {
		below, wide := strings.CutSuffix(a, "...")
		return a == name || wide && strings.HasPrefix(name, below)
	})
}

// violations holds the packages against the tables.
func violations(all []listed) (out []string) {
	for _, p := range all {
		name := strings.TrimPrefix(p.ImportPath, module)
		table, known := mayImport[name]
		if !known {
			out = append(out, name+" has no line in the table of imports")
			continue
		}
		for _, imported := range p.Imports {
			if ours, ok := strings.CutPrefix(imported, module); ok {
				if !allowed(table, ours) {
					out = append(out, name+" imports "+ours)
				}
				continue
			}
			for library, by := range only {
				if strings.HasPrefix(imported, library) && !slices.Contains(by, name) {
					out = append(out, name+" imports "+imported)
				}
			}
			if name == "inspection" && strings.Contains(strings.SplitN(imported, "/", 2)[0], ".") {
				out = append(out, name+" imports "+imported+": it knows the standard library only")
			}
		}
	}
	return out
}

func TestImportsFollowTheTable(t *testing.T) {
	all := packages(t)
	if len(all) < 15 {
		t.Fatalf("go list names only %d packages", len(all))
	}
	for _, v := range violations(all) {
		t.Error(v)
	}
}

func TestTheTableOfImportsRefuses(t *testing.T) {
	for _, p := range []listed{
		{ImportPath: "congvu/inspection/visit", Imports: []string{"congvu/evidence"}},
		{ImportPath: "congvu/inspection/plan", Imports: []string{"congvu/inspection/visit"}},
		{ImportPath: "congvu/inspection/finding", Imports: []string{"congvu/inspection/visit"}},
		{ImportPath: "congvu/inspection/score", Imports: []string{"congvu/inspection/org"}},
		{ImportPath: "congvu/evidence", Imports: []string{"congvu/inspection/visit"}},
		{ImportPath: "congvu/inspection/auth", Imports: []string{"github.com/labstack/echo/v4"}},
		{ImportPath: "congvu/migrations", Imports: []string{"congvu/inspection"}},
		{ImportPath: "congvu/inspection", Imports: []string{"gorm.io/gorm"}},
		{ImportPath: "congvu/inspection/utils"},
	} {
		if len(violations([]listed{p})) != 1 {
			t.Errorf("%s may import %v", p.ImportPath, p.Imports)
		}
	}
}

// TestTheTableOfImportsHasNoDeadLines keeps the table to what exists.
func TestTheTableOfImportsHasNoDeadLines(t *testing.T) {
	all := packages(t)
	for name := range mayImport {
		if !slices.ContainsFunc(all, func(p listed) bool { return p.ImportPath == module+name }) {
			t.Errorf("%s stands in the table and is no package", name)
		}
	}
}
