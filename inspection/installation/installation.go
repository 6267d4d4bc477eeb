package installation

import (
	"context"
	"time"

	"congvu/inspection"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Instance is a copy of the program that runs or ran.
type Instance struct {
	ID        string             `gorm:"column:id;primaryKey"`
	Version   string             `gorm:"column:version"`
	StartedAt inspection.Instant `gorm:"column:started_at"`
	SeenAt    inspection.Instant `gorm:"column:seen_at"`
	Offset    int64              `gorm:"column:clock_offset"` // milliseconds ahead of the database
}

// TableName is the table.
func (Instance) TableName() string { return "instances" }

// Backup is a backup that was finished.
type Backup struct {
	ID         string             `gorm:"column:id;primaryKey"`
	TakenAt    inspection.Instant `gorm:"column:taken_at"` // the instant that it holds
	FinishedAt inspection.Instant `gorm:"column:finished_at"`
	Objects    int64              `gorm:"column:objects"`
	Bytes      int64              `gorm:"column:bytes"`
}

// TableName is the table.
func (Backup) TableName() string { return "backups" }

// Tables lists the package's table structs, for the test that compares them with the
// migrated schema.
func Tables() []any { return []any{Instance{}, Backup{}, DailyJob{}} }

// BeatEvery is how often a copy writes that it runs; one that has not for three times
// as long does not any more.
const BeatEvery = 30 * time.Second

// forgotten is how long the row of a copy that ended is kept.
const forgotten = 7 * 24 * time.Hour

// Beat writes that a copy runs, and forgets copies that ended long ago.
func Beat(ctx context.Context, db *gorm.DB, i Instance) error {
	return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		err := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "id"}}, DoUpdates: clause.AssignmentColumns([]string{"seen_at", "clock_offset"})}).Create(&i).Error
		if err != nil {
			return err
		}
		return tx.Where("seen_at < ?", i.SeenAt.Add(-forgotten)).Delete(&Instance{}).Error
	})
}

// End takes the row of a copy out that stops in order.
func End(ctx context.Context, db *gorm.DB, id string) error {
	return db.WithContext(ctx).Where("id = ?", id).Delete(&Instance{}).Error
}

// Running lists the copies that run, the oldest first.
func Running(ctx context.Context, db *gorm.DB, now inspection.Instant) ([]Instance, error) {
	var out []Instance
	err := db.WithContext(ctx).Where("seen_at >= ?", now.Add(-3*BeatEvery)).Order("started_at, id").Find(&out).Error
	return out, err
}

// Record keeps that a backup was finished.
func Record(ctx context.Context, db *gorm.DB, b Backup) error {
	return db.WithContext(ctx).Create(&b).Error
}

// LastBackup is the latest backup that was finished; false where there is none.
func LastBackup(ctx context.Context, db *gorm.DB) (Backup, bool, error) {
	var rows []Backup
	err := db.WithContext(ctx).Order("taken_at DESC").Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return Backup{}, false, err
	}
	return rows[0], true, nil
}

// Ahead is by how many milliseconds a clock is ahead of the database's, measured over
// half the way there and back. On SQLite the database has the same clock: it is 0.
func Ahead(ctx context.Context, db *gorm.DB, clock inspection.Clock) (int64, error) {
	if db.Name() != "postgres" {
		return 0, nil
	}
	var there float64
	before := clock.Now()
	err := db.WithContext(ctx).Raw("SELECT EXTRACT(EPOCH FROM clock_timestamp()) * 1000").Scan(&there).Error
	after := clock.Now()
	return (int64(before)+int64(after))/2 - int64(there), err
}
