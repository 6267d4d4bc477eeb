package history

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"congvu/inspection"

	"github.com/gowebpki/jcs"
	"gorm.io/gorm"
)

// Event is what is to be recorded. Data may hold ids, codes, figures and hashes
// of texts (TextHash), nothing that names or describes a person. Visit is the id
// of the check that the event belongs to, empty where it belongs to none.
type Event struct {
	Actor       inspection.Actor
	Capacity    inspection.Capacity
	Action      string
	SubjectKind string
	SubjectID   string
	Visit       string
	At          inspection.Instant
	Data        map[string]any
}

// Row is an event as it is stored.
type Row struct {
	Seq          int64              `gorm:"column:seq;primaryKey;autoIncrement"`
	ID           string             `gorm:"column:id"`
	At           inspection.Instant `gorm:"column:at"`
	Actor        string             `gorm:"column:actor"`
	Role         string             `gorm:"column:role"`
	Organisation string             `gorm:"column:organisation"`
	Team         string             `gorm:"column:team"`
	Action       string             `gorm:"column:action"`
	SubjectKind  string             `gorm:"column:subject_kind"`
	SubjectID    string             `gorm:"column:subject_id"`
	VisitID      string             `gorm:"column:visit_id"`
	Body         string             `gorm:"column:body"`
	Hash         string             `gorm:"column:hash"`
}

// TableName is the table.
func (Row) TableName() string { return "history" }

// Append writes events, in their order, in the caller's transaction. At is required:
// the caller's clock is the one that its own rows carry.
func Append(tx *gorm.DB, events ...Event) error {
	rows := make([]Row, len(events))
	for i, e := range events {
		var err error
		if rows[i], err = e.row(); err != nil {
			return err
		}
	}
	if len(rows) == 0 {
		return nil
	}
	for chunk := range slices.Chunk(rows, 50) { // by hand: every act writes one, and gorm would look at each field of each
		values := make([]any, 0, 12*len(chunk))
		for _, r := range chunk {
			values = append(values, r.ID, r.At, r.Actor, r.Role, r.Organisation, r.Team, r.Action, r.SubjectKind, r.SubjectID, r.VisitID, r.Body, r.Hash)
		}
		const one = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
		err := tx.Exec("INSERT INTO history (id, at, actor, role, organisation, team, action, subject_kind, subject_id, visit_id, body, hash) VALUES "+
			one+strings.Repeat(", "+one, len(chunk)-1), values...).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// body is what a row's hash is of; its fields stand in the order of their names.
type body struct {
	Action       string         `json:"action"`
	Actor        string         `json:"actor"`
	At           string         `json:"at"`
	Data         map[string]any `json:"data"`
	Device       string         `json:"device"`
	ID           string         `json:"id"`
	Organisation string         `json:"organisation"`
	Role         string         `json:"role"`
	Salt         string         `json:"salt"`
	SubjectID    string         `json:"subject_id"`
	SubjectKind  string         `json:"subject_kind"`
	Team         string         `json:"team"`
	Visit        string         `json:"visit"`
}

func (e Event) row() (Row, error) {
	if e.Action == "" || e.SubjectKind == "" || e.SubjectID == "" || e.At.IsZero() {
		return Row{}, fmt.Errorf("history: incomplete event %q on %s %q", e.Action, e.SubjectKind, e.SubjectID)
	}
	salt := make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		return Row{}, err
	}
	row := Row{ID: inspection.NewID(), At: e.At, Actor: e.Actor.Person, Role: string(e.Capacity.Role),
		Organisation: e.Capacity.Organisation, Team: e.Capacity.Team, Action: e.Action,
		SubjectKind: e.SubjectKind, SubjectID: e.SubjectID, VisitID: e.Visit}
	canonical, err := canonical(body{ID: row.ID, At: e.At.String(), Actor: row.Actor, Role: row.Role, Organisation: row.Organisation,
		Team: row.Team, Device: e.Actor.Device, Action: row.Action, SubjectKind: row.SubjectKind, SubjectID: row.SubjectID,
		Visit: row.VisitID, Data: e.Data, Salt: base64.RawStdEncoding.EncodeToString(salt)})
	if err != nil {
		return Row{}, fmt.Errorf("history: %w", err)
	}
	row.Body, row.Hash = canonical, hash(canonical)
	return row, nil
}

// canonical is JSON as RFC 8785 wants it. Go's own is that already for what events are
// made of, ids, codes, whole numbers and lists of them, once nothing is escaped for HTML;
// of everything else it is made.
func canonical(v body) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", err
	}
	raw := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if plain(v.Data) && !bytes.Contains(raw, []byte(`\u`)) {
		return string(raw), nil
	}
	raw, err := jcs.Transform(raw)
	return string(raw), err
}

// plain tells whether Go writes a value as RFC 8785 does: keys in ASCII, whole numbers
// that a double holds, and nothing that writes itself.
func plain(v any) bool {
	const exact = 1 << 53
	switch v := v.(type) {
	case nil, bool:
		return true
	case string:
		return utf8.ValidString(v)
	case int:
		return v <= exact && v >= -exact
	case int64:
		return v <= exact && v >= -exact
	case []string:
		return !slices.ContainsFunc(v, func(s string) bool { return !utf8.ValidString(s) })
	case map[string]any:
		for k, x := range v {
			if !plain(x) || strings.ContainsFunc(k, func(r rune) bool { return r >= utf8.RuneSelf }) {
				return false
			}
		}
		return true
	}
	switch r := reflect.ValueOf(v); r.Kind() { // named strings, such as codes and states
	case reflect.String:
		_, writes := v.(json.Marshaler)
		_, texts := v.(encoding.TextMarshaler)
		return !writes && !texts && utf8.ValidString(r.String())
	}
	return false
}

// Check tells whether the row's hash still fits its body.
func (r Row) Check() bool { return r.Hash == hash(r.Body) }

// TextHash is the SHA-256 of a text in hex: how free text appears in an event.
// The empty text has the empty hash.
func TextHash(s string) string {
	if s == "" {
		return ""
	}
	return hash(s)
}

func hash(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// OfSubject lists the events of one subject, oldest first. The caller has checked
// that its actor may see the subject.
func OfSubject(tx *gorm.DB, kind, id string) ([]Row, error) {
	var rows []Row
	err := tx.Where("subject_kind = ? AND subject_id = ?", kind, id).Order("seq").Find(&rows).Error
	return rows, err
}

// Tables lists a value of every table of the package, for the test that compares
// them with the schema.
func Tables() []any { return []any{Row{}, head{}, order{}} }
