package web

import (
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/checklist"
	"congvu/inspection/i18n"
	"congvu/inspection/score"
	"congvu/inspection/visit"
)

// TestWhatTheHeadCountDoesNotAssessIsNotMetOnPaper: counted outside the working hours,
// or where nobody was absent, an item is not assessed; what only the conclusion computes
// is not either. The minutes say so and count none of them among those that are met.
func TestWhatTheHeadCountDoesNotAssessIsNotMetOnPaper(t *testing.T) {
	t.Parallel()
	yes := true
	var v visit.View
	for _, it := range []struct{ key, source string }{{"A01", "ATTENDANCE"}, {"A02", "ATTENDANCE"}, {"A03", "ATTENDANCE"}, {"B01", "ATTENDANCE"}, {"H03", "AUTO"}} {
		v.Checklist.Items = append(v.Checklist.Items, checklist.Item{Key: it.key, Code: it.key, Section: "A", Response: "CNT", Source: it.source, Target: 10000})
		v.Rules.Items = append(v.Rules.Items, visit.Item{Key: it.key, Code: it.key, Section: "A", Response: score.CNT, Source: score.Source(it.source), Target: 10000, Weight: 1, Applies: true})
	}
	v.Rules.Hours = []inspection.Session{{Open: 450, Close: 690}}
	for _, c := range []struct {
		hour int
		of   int
		want []string
	}{
		{12, 1, []string{"Không đánh giá (kiểm đếm ngoài giờ)", "Không đánh giá (kiểm đếm ngoài giờ)", "Không đánh giá (kiểm đếm ngoài giờ)", "Đạt (theo kiểm đếm)", "Tính khi kết luận"}},
		{9, 3, []string{"Đạt (theo kiểm đếm)", "Không đánh giá (không phát sinh)", "Đạt (theo kiểm đếm)", "Đạt (theo kiểm đếm)", "Tính khi kết luận"}},
	} {
		v.State = &visit.State{CountedAt: inspection.At(time.Date(2026, 3, 4, c.hour, 0, 0, 0, inspection.Zone)), Rows: []visit.Row{{ID: "1", Required: true, Present: &yes, Badge: true}}}
		page := minutesPage{Base: Base{Lang: i18n.VI}, V: v}
		page.sections()
		if len(page.Sections) != 1 || page.Sections[0].Passed != c.of || page.Sections[0].Of != c.of {
			t.Fatalf("counted at %d: %+v", c.hour, page.Sections)
		}
		for i, row := range page.Sections[0].Items {
			if row.Value != c.want[i] {
				t.Errorf("counted at %d, %s: %s", c.hour, row.Code, row.Value)
			}
		}
	}
}
