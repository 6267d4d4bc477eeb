package migrations_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"congvu/evidence"
	"congvu/evidence/snapshot"
	"congvu/inspection/auth"
	"congvu/inspection/checklist"
	"congvu/inspection/finding"
	"congvu/inspection/history"
	"congvu/inspection/installation"
	"congvu/inspection/notify"
	"congvu/inspection/org"
	"congvu/inspection/plan"
	"congvu/inspection/selfcheck"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"
)

// structs is every struct that stands for a table, of every package that has some.
func structs() []any {
	return slices.Concat(history.Tables(), org.Tables(), auth.Tables(), checklist.Tables(), plan.Tables(), visit.Tables(), selfcheck.Tables(),
		finding.Tables(), evidence.Tables(), installation.Tables(), notify.Tables(), snapshot.Tables())
}

// column is what is compared: its name, its rough type, and whether it may be NULL.
type column struct {
	table, name, kind string
	null              bool
}

func (c column) String() string {
	s := c.table + "." + c.name + " " + c.kind
	if c.null {
		s += " NULL"
	}
	return s
}

// fields are the columns that a struct speaks of. A pointer may be NULL, nothing else.
func fields(t *testing.T, v any) (string, []column) {
	t.Helper()
	s, err := schema.Parse(v, &sync.Map{}, schema.NamingStrategy{})
	if err != nil {
		t.Fatalf("%T: %v", v, err)
	}
	var out []column
	for _, f := range s.Fields {
		if f.DBName == "" {
			continue
		}
		if f.TagSettings["COLUMN"] == "" {
			t.Errorf("%s.%s names no column", s.Table, f.Name)
		}
		c := column{table: s.Table, name: f.DBName, null: f.FieldType.Kind() == reflect.Pointer}
		switch f.IndirectFieldType.Kind() {
		case reflect.String:
			c.kind = "text"
		case reflect.Int, reflect.Int64:
			c.kind = "integer"
		case reflect.Bool:
			c.kind = "boolean"
		case reflect.Float64:
			c.kind = "real"
		case reflect.Slice:
			c.kind = "bytes"
		default:
			c.kind = f.IndirectFieldType.String()
		}
		out = append(out, c)
	}
	return s.Table, out
}

// rough maps the types of both dialects onto those of the structs.
var rough = map[string]string{"text": "text", "integer": "integer", "bigint": "integer", "boolean": "boolean", "real": "real",
	"double precision": "real", "blob": "bytes", "bytea": "bytes"}

// columns reads the migrated schema.
func columns(t *testing.T, db *gorm.DB) map[string][]column {
	t.Helper()
	query := `SELECT m.name AS tab, p.name AS name, lower(p.type) AS kind, p."notnull" = 0 AND p.pk = 0 AS null_ok
		FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'`
	if db.Name() == "postgres" {
		query = `SELECT table_name AS tab, column_name AS name, data_type AS kind, is_nullable = 'YES' AS null_ok
			FROM information_schema.columns WHERE table_schema = current_schema()`
	}
	var rows []struct {
		Tab, Name, Kind string
		NullOk          bool
	}
	if err := db.Raw(query).Scan(&rows).Error; err != nil {
		t.Fatal(err)
	}
	out := map[string][]column{}
	for _, r := range rows {
		if strings.HasPrefix(r.Tab, "goose_") {
			continue
		}
		kind, ok := rough[r.Kind]
		if !ok {
			kind = "(" + r.Kind + ")"
		}
		out[r.Tab] = append(out[r.Tab], column{r.Tab, r.Name, kind, r.NullOk})
	}
	return out
}

func drift(want, have []column) (out []string) {
	at := func(list []column, name string) (column, bool) {
		i := slices.IndexFunc(list, func(c column) bool { return c.name == name })
		if i < 0 {
			return column{}, false
		}
		return list[i], true
	}
	for _, w := range want {
		switch h, ok := at(have, w.name); {
		case !ok:
			out = append(out, fmt.Sprintf("%s.%s is a field without a column", w.table, w.name))
		case h != w:
			out = append(out, fmt.Sprintf("the struct says %s, the schema %s", w, h))
		}
	}
	for _, h := range have {
		if _, ok := at(want, h.name); !ok {
			out = append(out, fmt.Sprintf("%s.%s is a column without a field", h.table, h.name))
		}
	}
	return out
}

func TestStructsAndSchemaAgree(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		have := columns(t, db)
		if len(have) < 30 {
			t.Fatalf("only %d tables", len(have))
		}
		known := map[string]bool{}
		for _, v := range structs() {
			table, want := fields(t, v)
			if known[table] {
				t.Errorf("%s has two structs", table)
			}
			known[table] = true
			if len(have[table]) == 0 {
				t.Errorf("%s is a struct without a table", table)
				continue
			}
			for _, d := range drift(want, have[table]) {
				t.Error(d)
			}
		}
		for table := range have {
			if !known[table] {
				t.Errorf("%s is a table without a struct", table)
			}
		}
	})
}

type wrong struct {
	ID     string  `gorm:"column:id;primaryKey"`
	At     int64   `gorm:"column:at"`
	Reason *string `gorm:"column:reason"`
	Extra  string  `gorm:"column:extra"`
}

func (wrong) TableName() string { return "wrong" }

// TestDriftIsSeen holds the comparison itself to account: a type, a NULL, a field and a
// column too many.
func TestDriftIsSeen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		if err := db.Exec("CREATE TABLE wrong (id TEXT PRIMARY KEY, at TEXT NOT NULL, reason TEXT NOT NULL, more TEXT NOT NULL)").Error; err != nil {
			t.Fatal(err)
		}
		table, want := fields(t, wrong{})
		if got := drift(want, columns(t, db)[table]); len(got) != 4 {
			t.Fatalf("%q", got)
		}
	})
}
