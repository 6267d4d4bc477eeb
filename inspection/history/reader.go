package history

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Two transactions may commit in another order than they took their numbers in,
// so "all rows after seq N" would miss one that commits late. Readers therefore
// follow a position that is given to rows only after they have committed, by one
// writer at a time.

// lateness is how far behind the newest row an uncommitted one may stand on PostgreSQL:
// rows older than this many numbers are settled and not looked for again. SQLite lets one
// transaction write at a time, from its first number to its commit: none stands behind.
const lateness = 10_000

// settledAtOnce is how many rows get their position in one transaction: the first reader of
// a long history gets on step by step.
const settledAtOnce = 20_000

type head struct {
	One      int   `gorm:"column:one;primaryKey"`
	Position int64 `gorm:"column:position"`
	Settled  int64 `gorm:"column:settled"`
}

func (head) TableName() string { return "history_head" }

type order struct {
	Position int64 `gorm:"column:position;primaryKey"`
	Seq      int64 `gorm:"column:seq"`
}

func (order) TableName() string { return "history_order" }

// Entry is a row with its position, the cursor to go on from.
type Entry struct {
	Position int64 `gorm:"column:position"`
	Row      `gorm:"embedded"`
}

// Reader hands out committed rows in one order that never changes.
type Reader struct{ db *gorm.DB }

// NewReader makes a reader. Any number may read at once, in any process.
func NewReader(db *gorm.DB) *Reader { return &Reader{db: db} }

// After is at most limit rows after a position, 0 for the beginning. Every
// committed row is handed out once, in the same order to every reader.
func (r *Reader) After(ctx context.Context, position int64, limit int) ([]Entry, error) {
	entries, err := r.placed(ctx, position, limit)
	if err != nil || len(entries) == limit { // more of what has its position is still unread
		return entries, err
	}
	if err := r.db.WithContext(ctx).Transaction(settle); err != nil {
		return nil, err
	}
	return r.placed(ctx, position, limit)
}

// placed is the rows that have their position, read field by field: there are many, and
// gorm would look at each field of each anew.
func (r *Reader) placed(ctx context.Context, position int64, limit int) (entries []Entry, err error) {
	rows, err := r.db.WithContext(ctx).Table("history_order").
		Select("history_order.position, history.seq, id, at, actor, role, organisation, team, action, subject_kind, subject_id, visit_id, body, hash").
		Joins("JOIN history ON history.seq = history_order.seq").
		Where("history_order.position > ?", position).
		Order("history_order.position").Limit(limit).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e Entry
		if err := rows.Scan(&e.Position, &e.Seq, &e.ID, &e.At, &e.Actor, &e.Role, &e.Organisation, &e.Team, &e.Action, &e.SubjectKind, &e.SubjectID, &e.VisitID, &e.Body, &e.Hash); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

func settle(tx *gorm.DB) error {
	var h head
	if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("one = 1").Take(&h).Error; err != nil {
		return err
	}
	var seqs []int64
	err := tx.Table("history").
		Where("seq > ? AND NOT EXISTS (SELECT 1 FROM history_order o WHERE o.seq = history.seq)", h.Settled).
		Order("seq").Limit(settledAtOnce).Pluck("seq", &seqs).Error
	if err != nil || len(seqs) == 0 {
		return err
	}
	rows := make([]order, len(seqs))
	for i, seq := range seqs {
		rows[i] = order{Position: h.Position + int64(i) + 1, Seq: seq}
	}
	if err := tx.CreateInBatches(rows, 200).Error; err != nil {
		return err
	}
	settled := seqs[len(seqs)-1]
	if tx.Name() != "sqlite" {
		settled = max(h.Settled, settled-lateness)
	}
	return tx.Model(&head{}).Where("one = 1").
		Updates(map[string]any{"position": h.Position + int64(len(seqs)), "settled": settled}).Error
}
