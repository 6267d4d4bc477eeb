package main

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"congvu/evidence"
	"congvu/migrations"
	"congvu/migrations/dbtest"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
)

// The dumps of released schemas, each of an installation with demo data, in
// testdata/upgrade: NNNN is the schema's version. A new release adds its own and changes
// none; see CONTRIBUTING.
var released = []string{"0009", "0013", "0016", "0024", "0025", "0026"}

// TestEveryReleasedSchemaIsUpgraded loads the dump of each released schema, with its
// data, into an empty database of its kind, and has the program of today serve it: every
// row of then is there, and people go on where they were.
func TestEveryReleasedSchemaIsUpgraded(t *testing.T) {
	t.Parallel()
	for _, version := range released {
		for _, kind := range []string{"sqlite", "postgres"} {
			t.Run(version+" "+kind, func(t *testing.T) {
				t.Parallel()
				script := unzipped(t, filepath.Join("testdata", "upgrade", version+"."+kind+".sql.gz"))
				folder := t.TempDir()
				settings := []string{}
				var dsn string
				if kind == "sqlite" {
					if err := os.MkdirAll(filepath.Join(folder, "data"), 0o700); err != nil {
						t.Fatal(err)
					}
					dsn = filepath.Join(folder, "data", "congvu.db")
				} else {
					dsn = dbtest.EmptyPostgresDSN(t)
					key := make([]byte, 32)
					if _, err := rand.Read(key); err != nil {
						t.Fatal(err)
					}
					settings = append(settings, "CONGVU_DATABASE_URL="+dsn, "CONGVU_MASTER_KEY="+base64.StdEncoding.EncodeToString(key))
				}
				loadDump(t, dsn, kind, script)
				db, err := migrations.Open(t.Context(), dsn)
				if err != nil {
					t.Fatal(err)
				}
				before := contents(t, db, nil)
				if before["visits"].rows < 10 || before["history"].rows < 1000 || before["findings"].rows < 20 {
					t.Fatalf("the dump holds too little to prove anything: %v", before)
				}
				if status, err := migrations.ReadStatus(t.Context(), db); err != nil || fmt.Sprintf("%04d", status.Current) != version {
					t.Fatalf("%+v %v", status, err)
				}
				objects, err := evidence.Objects(db) // a backup before the upgrade asks for them
				if err != nil || len(objects) == 0 {
					t.Fatalf("%d objects: %v", len(objects), err)
				}
				if err := migrations.Up(t.Context(), db); err != nil {
					t.Fatal(err)
				}
				if now, err := evidence.Objects(db); err != nil || !slices.Equal(now, objects) {
					t.Errorf("%d objects of %d: %v", len(now), len(objects), err)
				}
				for table, is := range contents(t, db, before) {
					if was := before[table]; is != was {
						t.Errorf("%s: %d rows %s before, %d rows %s after", table, was.rows, was.hash, is.rows, is.hash)
					}
				}
				var moved int64 // campaigns whose signer is not who decided them then
				if err := db.Table("campaigns").Where("COALESCE(signed_by, '') <> COALESCE(decided_by, '')").Count(&moved).Error; err != nil || moved != 0 {
					t.Errorf("%d campaigns without their signer, %v", moved, err)
				}
				if err := migrations.Close(db); err != nil {
					t.Fatal(err)
				}

				program := launch{sub: "serve", settings: settings, data: folder}.start(t)
				for username, pages := range map[string][]string{
					"chutich":    {"/overview", "/visits?state=CONCLUDED", "/findings", "/campaigns"},
					"truongdoan": {"/visits", "/findings", "/targets", "/campaigns", "/api/v1/today"},
					"noivu":      {"/campaigns", "/overview", "/units"},
					"thutruong2": {"/findings", "/visits"},
					"quantri":    {"/admin", "/admin/organisations", "/admin/people", "/admin/health"},
				} {
					who := session(t, program.base, username)
					for _, page := range pages {
						if code, body := who.do(http.MethodGet, program.base+page, "", nil); code != http.StatusOK || len(body) < 200 {
							t.Errorf("%s %s: %d", username, page, code)
						}
					}
				}
				who := session(t, program.base, "chutich")
				_, list := who.do(http.MethodGet, program.base+"/campaigns?q=cong+vu+dot+xuat", "", nil)
				if !strings.Contains(list, "Kiểm tra công vụ đột xuất") || !strings.Contains(list, "Đang thực hiện") {
					t.Error("the campaign of then is not among the campaigns of today")
				}
			})
		}
	}
}

// ofRelease gives a test a database of a released schema with its data, of each kind.
func ofRelease(t *testing.T, schema string, test func(t *testing.T, db *gorm.DB)) {
	t.Helper()
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			dsn := filepath.Join(t.TempDir(), "congvu.db")
			if kind == "postgres" {
				dsn = dbtest.EmptyPostgresDSN(t)
			}
			loadDump(t, dsn, kind, unzipped(t, filepath.Join("testdata", "upgrade", schema+"."+kind+".sql.gz")))
			db, err := migrations.Open(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer migrations.Close(db)
			test(t, db)
		})
	}
}

// TestAnUpgradeKeepsWhoSignedACampaignThatWasHandedOver: the schema 0013 had one column
// for who signed and who decides.
func TestAnUpgradeKeepsWhoSignedACampaignThatWasHandedOver(t *testing.T) {
	t.Parallel()
	ofRelease(t, "0013", func(t *testing.T, db *gorm.DB) {
		do := func(sql string, values ...any) {
			t.Helper()
			if err := db.Exec(sql, values...).Error; err != nil {
				t.Fatal(err)
			}
		}
		for id, name := range map[string]string{"signer": "Người ký", "later": "Người kế nhiệm", "twin-1": "Trùng tên", "twin-2": "Trùng tên"} {
			do("INSERT INTO people (id, name) VALUES (?, ?)", id, name)
		}
		handed := func(id, was string) {
			do("INSERT INTO plan_changes (id, subject_kind, subject_id, field, was, became, reason, changed_by, changed_at) VALUES (?, 'campaign', ?, 'decided_by', ?, 'Người kế nhiệm', 'nghỉ hưu', 'x', 5)", "1-"+id, id, was)
			do("INSERT INTO plan_changes (id, subject_kind, subject_id, field, was, became, reason, changed_by, changed_at) VALUES (?, 'campaign', ?, 'decided_by', 'Trùng tên', 'x', 'x', 'x', 9)", "2-"+id, id)
		}
		want := map[string]string{"made": "signer", "imported": "signer", "namesakes": "later", "kept": "later"}
		for id := range want {
			do("INSERT INTO campaigns (id, title, issuer_id, decision_number, decision_date, decided_by, period_from, period_to, created_at) SELECT ?, 'x', MIN(id), '1/QĐ', '2026-01-01', 'later', '2026-01-01', '2026-12-31', 1 FROM organisations", id)
		}
		do("INSERT INTO history (id, at, action, subject_kind, subject_id, body, hash) VALUES ('e', 1, 'campaign.create', 'campaign', 'made', ?, 'x')",
			`{"action":"campaign.create","data":{"decided_by":"signer","decision":"1/QĐ"}}`)
		handed("made", "Trùng tên") // history says more than a name
		handed("imported", "Người ký")
		handed("namesakes", "Trùng tên")
		if err := migrations.Up(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		for id, signer := range want {
			var row struct{ SignedBy, DecidedBy string }
			if err := db.Table("campaigns").Where("id = ?", id).Take(&row).Error; err != nil || row.SignedBy != signer || row.DecidedBy != "later" {
				t.Errorf("%s: %+v, want %s; %v", id, row, signer, err)
			}
		}
	})
}

// TestAnUpgradeGivesStillsTheNameOfTheirCamera: the schema 0026 knew it from the register
// alone.
func TestAnUpgradeGivesStillsTheNameOfTheirCamera(t *testing.T) {
	t.Parallel()
	ofRelease(t, "0026", func(t *testing.T, db *gorm.DB) {
		err := db.Exec(`INSERT INTO camera_snapshots (id, visit_id, camera_id, subject_kind, subject_id, asked_by, asked_at, arrived_at, state)
			SELECT c.id, (SELECT MIN(id) FROM visits), c.id, 'item', 'A04', (SELECT MIN(id) FROM people), 1, 1, 'FAILED' FROM cameras c`).Error
		if err != nil {
			t.Fatal(err)
		}
		if err := migrations.Up(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		var named, all int64
		if err := db.Table("camera_snapshots").Count(&all).Error; err != nil || all == 0 {
			t.Fatal(all, err)
		}
		if err := db.Table("camera_snapshots s").Joins("JOIN cameras c ON c.id = s.camera_id").Where("s.camera_name = c.name AND c.name <> ''").Count(&named).Error; err != nil || named != all {
			t.Errorf("%d of %d stills have the name of their camera: %v", named, all, err)
		}
	})
}

func unzipped(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// loadDump runs a dump in an empty database, as its own tools would.
func loadDump(t *testing.T, dsn, kind, script string) {
	t.Helper()
	if kind == "postgres" {
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		if _, err := conn.PgConn().Exec(t.Context(), script).ReadAll(); err != nil {
			t.Fatal(err)
		}
		return
	}
	db, err := migrations.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer migrations.Close(db)
	pool, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pool.Conn(t.Context()) // one connection: the script begins with a PRAGMA
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), script); err != nil {
		t.Fatal(err)
	}
}

// content is a table in short.
type content struct {
	rows    int
	hash    string
	columns string
}

// contents is every table in short: of the columns that there are, or of those that
// there were before.
func contents(t *testing.T, db *gorm.DB, before map[string]content) map[string]content {
	t.Helper()
	tables, err := db.Migrator().GetTables()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]content{}
	for _, table := range tables {
		if strings.HasPrefix(table, "goose_") || strings.HasPrefix(table, "sqlite_") {
			continue
		}
		was, known := before[table]
		if before != nil && !known {
			continue // new since
		}
		if !known {
			kinds, err := db.Migrator().ColumnTypes(table)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, k := range kinds {
				names = append(names, `"`+k.Name()+`"`)
			}
			slices.Sort(names)
			was.columns = strings.Join(names, ", ")
		}
		rows, err := db.Raw("SELECT " + was.columns + " FROM " + table).Rows()
		if err != nil {
			t.Fatalf("%s: %v", table, err)
		}
		c := content{columns: was.columns}
		var lines []string
		for rows.Next() {
			lines = append(lines, line(t, rows))
			c.rows++
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
		slices.Sort(lines)
		sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
		c.hash = hex.EncodeToString(sum[:8])
		out[table] = c
	}
	return out
}

func line(t *testing.T, rows *sql.Rows) string {
	t.Helper()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values, at := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		at[i] = &values[i]
	}
	if err := rows.Scan(at...); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, v := range values {
		if raw, ok := v.([]byte); ok {
			v = string(raw)
		}
		fmt.Fprintf(&b, "%v|", v)
	}
	return b.String()
}
