package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/migrations/sqlitepool"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"
)

// The made province: what an office of a province has after years of work.
const (
	provinceUnits  = 126
	provinceYears  = 5
	provinceChecks = 10_000
)

// madeProvince fills an installation with a made-up province of 126 units, each a
// service centre with a desk, and so many checks over five years. The checks of the
// demo, which went through the services, are told again and again at other desks and on
// other days: every row of theirs under new ids, shifted in time. What is older than
// half a year has its findings closed. All is stamped simulated; the same seed, the
// order of the rows, gives the same province for the same day.
func madeProvince(tb testing.TB, m *Main, p *program, checks int) {
	tb.Helper()
	ctx := context.Background()
	if err := m.fillDemo(ctx, p); err != nil {
		tb.Fatal(err)
	}
	d := &demo{Main: m, program: p, today: m.Clock.Now().Date(), clock: inspection.NewManualClock(m.Clock.Now().Time())}
	if err := d.load(ctx); err != nil {
		tb.Fatal(err)
	}
	offices, err := d.moreOffices(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	if err := d.multiply(ctx, offices, checks); err != nil {
		tb.Fatal(err)
	}
}

// workplace is a desk to be checked, with the names that its checks carry.
type workplace struct{ organisation, organisationName, desk, deskName string }

// moreOffices makes the units that the demo has not, and lists all.
func (d *demo) moreOffices(ctx context.Context) ([]workplace, error) {
	var units strings.Builder
	units.WriteString("key,name,unit_type,parent_key,valid_from,valid_to,note\n")
	for i := communes + 1; i <= provinceUnits; i++ {
		fmt.Fprintf(&units, "vn/mau/mau-%02d,Mẫu %02d,COMMUNE,vn/mau,2025-07-01,,\n", i, i)
	}
	none := "predecessor_key,portion,successor_key,relation,legal_act,effective_date\n"
	if _, err := d.services.Org.ImportUnits(ctx, importer(), strings.NewReader(units.String()), strings.NewReader(none), false); err != nil {
		return nil, err
	}
	var offices []workplace
	err := d.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		act := d.operator()
		for i := 1; i <= provinceUnits; i++ {
			key := fmt.Sprintf("mau/%02d", i)
			if i > communes {
				u, err := org.UnitByKey(tx, fmt.Sprintf("vn/mau/mau-%02d", i))
				if err != nil {
					return err
				}
				o, err := d.organisation(tx, act, key, org.ServiceCenterCommune, "Trung tâm Phục vụ hành chính công "+title(u), u, nil)
				if err != nil {
					return err
				}
				desk, err := d.desk(tx, act, key, "Bộ phận Một cửa "+title(u), o)
				if err != nil {
					return err
				}
				if err := posts(tx, act, desk, 4+i%2); err != nil {
					return err
				}
				head, err := org.CreatePerson(tx, act, org.Person{Name: "Giám đốc Trung tâm " + title(u), Position: "Giám đốc", Simulated: true})
				if err != nil {
					return err
				}
				if _, err := org.Grant(tx, act, org.RoleRow{PersonID: head.ID, Role: inspection.UnitHead, OrganisationID: &o.ID}); err != nil {
					return err
				}
			}
			offices = append(offices, workplace{d.organs[key].ID, d.organs[key].Name, d.desks[key].ID, d.desks[key].Name})
		}
		return nil
	})
	return offices, err
}

// tale is a check of the demo with all its rows, its re-inspection included.
type tale struct {
	day    inspection.Date
	from   workplace
	closed bool // concluded, and no finding waits
	rows   map[string][][]cell
}

// cell is a value of a row and what becomes of it in a copy.
type cell struct {
	value  any
	change change
}

type change int

const (
	keeps change = iota
	isID
	holdsIDs
	isDate
	isInstant
	isName
	isSearch
	isNumber // of a document
	isHash   // of the body before it
)

// taleTables are the tables that a check has rows in, each before what refers to it,
// with the condition that finds the rows of the checks ?.
var taleTables = []struct{ name, where string }{
	{"targets", "id IN (SELECT target_id FROM visits WHERE id IN ?)"},
	{"target_openings", "target_id IN (SELECT target_id FROM visits WHERE id IN ?)"},
	{"visits", "id IN ?"},
	{"visit_members", "visit_id IN ?"},
	{"operations", "visit_id IN ?"},
	{"answers", "visit_id IN ?"},
	{"documents", "visit_id IN ?"},
	{"scores", "visit_id IN ?"},
	{"score_lines", "score_id IN (SELECT id FROM scores WHERE visit_id IN ?)"},
	{"score_deductions", "score_id IN (SELECT id FROM scores WHERE visit_id IN ?)"},
	{"findings", "visit_id IN ?"},
	{"visit_findings", "visit_id IN ?"},
	{"target_findings", "target_id IN (SELECT target_id FROM visits WHERE id IN ?)"},
	{"finding_steps", "finding_id IN (SELECT id FROM findings WHERE visit_id IN ?)"},
	{"finding_verifiers", "step_id IN (SELECT s.id FROM finding_steps s JOIN findings f ON f.id = s.finding_id WHERE f.visit_id IN ?)"},
	{"explanations", "finding_id IN (SELECT id FROM findings WHERE visit_id IN ?)"},
	{"extensions", "finding_id IN (SELECT id FROM findings WHERE visit_id IN ?)"},
	{"evidence_files", "visit_id IN ?"},
	{"evidence_links", "file_id IN (SELECT id FROM evidence_files WHERE visit_id IN ?)"},
	{"evidence_derived", "file_id IN (SELECT id FROM evidence_files WHERE visit_id IN ?)"},
	{"history", "visit_id IN ? AND subject_kind = 'visit' AND action <> 'visit.operation'"},
}

var aDate = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)

// columnsOf is the columns of each table, but for those that the database fills.
func readTale(db *gorm.DB, visits []string, columns map[string][]string) (*tale, error) {
	s := &tale{rows: map[string][][]cell{}}
	ids := map[string]bool{}
	raw := map[string][][]any{}
	for _, t := range taleTables {
		rows, err := db.Table(t.name).Where(t.where, visits).Rows()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		names, err := rows.Columns()
		if err != nil {
			return nil, err
		}
		columns[t.name] = names
		for rows.Next() {
			row, into := make([]any, len(names)), make([]any, len(names))
			for i := range row {
				into[i] = &row[i]
			}
			if err := rows.Scan(into...); err != nil {
				return nil, err
			}
			raw[t.name] = append(raw[t.name], row)
			if i := slices.Index(names, "id"); i >= 0 {
				ids[row[i].(string)] = true
			}
		}
		if err := rows.Close(); err != nil {
			return nil, err
		}
	}
	s.closed = true
	for _, t := range taleTables {
		names := columns[t.name]
		for _, row := range raw[t.name] {
			cells := make([]cell, len(row))
			for i, v := range row {
				cells[i] = cell{v, changeOf(t.name, names[i], v, ids)}
				// What points out of the tale (a repeat of another check's finding) is let go.
				if text, ok := v.(string); ok && slices.Contains([]string{"repeat_of", "merged_into"}, names[i]) && !ids[text] {
					cells[i].value = nil
				}
			}
			s.rows[t.name] = append(s.rows[t.name], cells)
			at := func(name string) string { text, _ := row[slices.Index(names, name)].(string); return text }
			switch t.name {
			case "visits":
				if s.day == "" {
					s.day, s.from = inspection.Date(at("day")), workplace{at("organisation_id"), at("organisation_name"), at("desk_id"), at("desk_name")}
				}
				s.closed = s.closed && slices.Contains([]string{"CONCLUDED", "MINUTES_SIGNED"}, at("state"))
			case "findings":
				s.closed = s.closed && !slices.Contains([]string{"RECORDED", "EXPLAINED"}, at("state"))
			}
		}
	}
	return s, nil
}

func changeOf(table, column string, v any, ids map[string]bool) change {
	switch v := v.(type) {
	case int64:
		if v > 1e12 {
			return isInstant
		}
		if table == "documents" && column == "number" {
			return isNumber
		}
	case string:
		switch {
		case ids[v]:
			return isID
		case column == "search":
			return isSearch
		case slices.Contains([]string{"organisation_id", "responsible_id", "desk_id", "organisation_name", "desk_name", "organisation"}, column):
			return isName
		case aDate.MatchString(v) && column != "decision_date":
			return isDate
		case table == "history" && column == "hash":
			return isHash
		case anID.MatchString(v):
			return holdsIDs
		}
	}
	return keeps
}

// copyOf is one telling of a tale.
type copyOf struct {
	*tale
	ids     map[string]bool
	prefix  string // the first 13 characters of its ids: a time of its own
	days    int
	to      workplace
	number  int64
	swap    *strings.Replacer
	folded  *strings.Replacer
	columns map[string][]string
}

func (c *copyOf) id(old string) string { return c.prefix + old[13:] }

func (c *copyOf) row(cells []cell) []any {
	out := make([]any, len(cells))
	for i, cell := range cells {
		out[i] = cell.value
		text, _ := cell.value.(string)
		switch cell.change {
		case isID:
			out[i] = c.id(text)
		case holdsIDs:
			out[i] = c.swap.Replace(anID.ReplaceAllStringFunc(text, func(id string) string {
				if c.ids[id] {
					return c.id(id)
				}
				return id
			}))
		case isDate:
			out[i] = string(inspection.Date(text).AddDays(c.days))
		case isInstant:
			out[i] = cell.value.(int64) + int64(c.days)*24*time.Hour.Milliseconds()
		case isName:
			out[i] = c.swap.Replace(text)
		case isSearch:
			out[i] = c.folded.Replace(text)
		case isNumber:
			out[i] = c.number
		}
	}
	for i, cell := range cells { // of the body as it has become
		if cell.change == isHash {
			h := sha256.Sum256([]byte(out[i-1].(string)))
			out[i] = hex.EncodeToString(h[:])
		}
	}
	return out
}

// multiply tells the checks of the demo again at all offices, oldest first.
func (d *demo) multiply(ctx context.Context, offices []workplace, checks int) error {
	db := d.db.WithContext(ctx)
	var roots []string
	if err := db.Table("visits").Where("reinspects_id IS NULL AND state <> 'IN_PROGRESS'").Order("id").Pluck("id", &roots).Error; err != nil {
		return err
	}
	columns := map[string][]string{}
	var all, closed []*tale
	for _, root := range roots {
		visits := []string{root}
		var again []string
		if err := db.Table("visits").Where("reinspects_id = ?", root).Order("id").Pluck("id", &again).Error; err != nil {
			return err
		}
		s, err := readTale(db, append(visits, again...), columns)
		if err != nil {
			return err
		}
		all = append(all, s)
		if s.closed {
			closed = append(closed, s)
		}
	}
	w, err := newBulk(ctx, d.db, columns)
	if err != nil {
		return err
	}
	last := d.today.AddDays(-3).Time()
	first := last.AddDate(-provinceYears, 0, 0)
	for i := range checks {
		at := first.Add(last.Sub(first) / time.Duration(checks) * time.Duration(i))
		on := inspection.At(at).Date()
		old := on < d.today.AddDays(-120)
		from := all
		if old {
			from = closed
		}
		c := &copyOf{tale: from[i%len(from)], to: offices[(i*37)%len(offices)], number: int64(10_000 + i), columns: columns, ids: map[string]bool{}}
		hex := fmt.Sprintf("%012x", at.UnixMilli()+int64(i))
		c.prefix = hex[:8] + "-" + hex[8:]
		c.days = int(on.Time().Sub(c.day.Time()).Hours() / 24)
		c.swap = strings.NewReplacer(c.from.organisation, c.to.organisation, c.from.organisationName, c.to.organisationName,
			c.from.desk, c.to.desk, c.from.deskName, c.to.deskName)
		c.folded = strings.NewReplacer(inspection.Fold(c.from.organisationName), inspection.Fold(c.to.organisationName),
			inspection.Fold(c.from.deskName), inspection.Fold(c.to.deskName))
		for _, t := range taleTables {
			at := slices.Index(columns[t.name], "id")
			for _, row := range c.rows[t.name] {
				if at >= 0 {
					c.ids[row[at].value.(string)] = true
				}
			}
		}
		for _, t := range taleTables {
			for _, row := range c.rows[t.name] {
				out := c.row(row)
				if t.name == "findings" && old {
					c.settle(out)
				}
				if err := w.add(t.name, out); err != nil {
					return err
				}
			}
		}
	}
	err = w.flush()
	if w.close(); err != nil {
		return err
	}
	if w.postgres {
		return db.Exec("VACUUM ANALYZE").Error
	}
	if err := db.Exec("ANALYZE").Error; err != nil {
		return err
	}
	file := db.ConnPool.(*sqlitepool.Pool)
	file.Readers().SetMaxIdleConns(0) // a connection learns of it when it opens
	file.Readers().SetMaxIdleConns(8)
	return nil
}

// settle closes a finding of long ago that the demo leaves open.
func (c *copyOf) settle(row []any) {
	at := func(name string) int { return slices.Index(c.columns["findings"], name) }
	switch row[at("state")] {
	case "VERIFIED", "WITHDRAWN", "MERGED", "CLOSED_NOT_FIXED":
		return
	}
	row[at("state")] = "VERIFIED"
	recorded := row[at("recorded_at")].(int64)
	row[at("closed_at")] = recorded + 40*24*time.Hour.Milliseconds()
	if row[at("due_on")] != "" {
		row[at("handed_in_on")] = row[at("due_on")]
	}
}

// bulk writes many rows the fastest way that each database has. Nobody else is there.
type bulk struct {
	ctx      context.Context
	columns  map[string][]string
	rows     map[string][][]any
	held     int
	conn     *sql.Conn
	triggers []string
	postgres bool
}

func newBulk(ctx context.Context, db *gorm.DB, columns map[string][]string) (*bulk, error) {
	w := &bulk{ctx: ctx, columns: columns, rows: map[string][][]any{}, postgres: db.Name() == "postgres"}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	if w.conn, err = pool.Conn(ctx); err != nil {
		return nil, err
	}
	if w.postgres {
		return w, w.exec("SET session_replication_role = replica") // the copies refer to each other as their originals do
	}
	if err := w.exec("PRAGMA synchronous = OFF"); err != nil {
		return nil, err
	}
	if err := w.exec("PRAGMA foreign_keys = OFF"); err != nil {
		return nil, err
	}
	rows, err := w.conn.QueryContext(ctx, "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
	if err != nil {
		return nil, err
	}
	var names []string
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return nil, err
		}
		names, w.triggers = append(names, name), append(w.triggers, text)
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := w.exec("DROP TRIGGER " + name); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (w *bulk) exec(statement string) error {
	_, err := w.conn.ExecContext(w.ctx, statement)
	return err
}

func (w *bulk) add(table string, row []any) error {
	w.rows[table] = append(w.rows[table], row)
	if w.held++; w.held < 100_000 {
		return nil
	}
	return w.flush()
}

func (w *bulk) flush() error {
	w.held = 0
	for _, t := range taleTables {
		rows, columns := w.rows[t.name], w.columns[t.name]
		w.rows[t.name] = nil
		if len(rows) == 0 {
			continue
		}
		if t.name == "history" { // its numbers are given by the database
			columns = columns[1:]
			for i := range rows {
				rows[i] = rows[i][1:]
			}
		}
		write := w.insert
		if w.postgres {
			write = w.copy
		}
		if err := write(t.name, columns, rows); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return nil
}

func (w *bulk) copy(table string, columns []string, rows [][]any) error {
	return w.conn.Raw(func(c any) error {
		_, err := c.(*stdlib.Conn).Conn().CopyFrom(w.ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows))
		return err
	})
}

func (w *bulk) insert(table string, columns []string, rows [][]any) error {
	tx, err := w.conn.BeginTx(w.ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	one := "(?" + strings.Repeat(",?", len(columns)-1) + ")"
	for chunk := range slices.Chunk(rows, 50) {
		args := make([]any, 0, len(chunk)*len(columns))
		for _, row := range chunk {
			args = append(args, row...)
		}
		statement := "INSERT INTO " + table + " (" + strings.Join(columns, ",") + ") VALUES " + one + strings.Repeat(","+one, len(chunk)-1)
		if _, err := tx.ExecContext(w.ctx, statement, args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// close leaves the database as it was.
func (w *bulk) close() {
	if w.postgres {
		_ = w.exec("SET session_replication_role = origin")
	} else {
		for _, text := range w.triggers {
			_ = w.exec(text)
		}
		_ = w.exec("PRAGMA foreign_keys = ON")
		_ = w.exec("PRAGMA synchronous = FULL")
		_ = w.exec("PRAGMA wal_checkpoint(TRUNCATE)")
	}
	w.conn.Close()
}
