package installation

import (
	"context"
	"time"

	"congvu/inspection"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// DailyJob is something that is done once a day, by whichever copy of the program comes
// first.
type DailyJob struct {
	Name        string             `gorm:"column:name;primaryKey"`
	Day         inspection.Date    `gorm:"column:day"` // the last day for which it was begun
	LeasedUntil inspection.Instant `gorm:"column:leased_until"`
	Holder      string             `gorm:"column:holder"`
	DoneAt      inspection.Instant `gorm:"column:done_at"` // 0 while it runs, or when it broke off
}

// TableName is the table.
func (DailyJob) TableName() string { return "daily_jobs" }

// lease is how long a copy may work on a part of a daily job before another takes over.
const lease = 2 * time.Minute

// Claim takes a daily job for a day: true for the copy that is to do it now, which calls
// Keep between its parts and Done at the end. A copy that died is followed by another when
// its lease is over; what is done twice then must do no harm.
func Claim(ctx context.Context, db *gorm.DB, name string, day inspection.Date, holder string, now inspection.Instant) (bool, error) {
	tx := db.WithContext(ctx)
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&DailyJob{Name: name}).Error; err != nil {
		return false, err
	}
	res := tx.Model(&DailyJob{}).Where("name = ? AND (day < ? OR day = ? AND done_at = 0 AND leased_until < ?)", name, day, day, now).
		Updates(map[string]any{"day": day, "holder": holder, "leased_until": now.Add(lease), "done_at": 0})
	return res.RowsAffected == 1, res.Error
}

// Keep holds a job on; false when another copy has taken it over meanwhile.
func Keep(ctx context.Context, db *gorm.DB, name string, day inspection.Date, holder string, now inspection.Instant) (bool, error) {
	res := db.WithContext(ctx).Model(&DailyJob{}).Where("name = ? AND day = ? AND holder = ? AND done_at = 0", name, day, holder).Update("leased_until", now.Add(lease))
	return res.RowsAffected == 1, res.Error
}

// Done says that a job is finished for its day.
func Done(ctx context.Context, db *gorm.DB, name string, day inspection.Date, holder string, now inspection.Instant) error {
	return db.WithContext(ctx).Model(&DailyJob{}).Where("name = ? AND day = ? AND holder = ?", name, day, holder).Update("done_at", now).Error
}

// Daily reads a daily job; false where it has never run.
func Daily(ctx context.Context, db *gorm.DB, name string) (DailyJob, bool, error) {
	var rows []DailyJob
	err := db.WithContext(ctx).Where("name = ? AND day <> ''", name).Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return DailyJob{}, false, err
	}
	return rows[0], true, nil
}
