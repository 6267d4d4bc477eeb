package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"congvu/inspection"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// TestThePageOfACheckNamesAWrongClockAndWhatWasChosen: what arrives of a tablet whose
// clock was three hours behind, and of two that differed.
func TestThePageOfACheckNamesAWrongClockAndWhatWasChosen(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		check := s.begin(s.seal(7))
		one, two := inspection.NewID(), inspection.NewID()
		post := func(who, device, more, kind, payload, id string) {
			t.Helper()
			at := s.clock.Now().Time().Format("2006-01-02T15:04:05Z07:00")
			a := s.call(who, http.MethodPost, "/api/v1/operations", fmt.Sprintf(`{"operations":[{"id":%q,"visit":%q,"device":%q,"device_at":%q,"seq":1%s,"type":%q,"payload":%s}]}`,
				id, check, device, at, more, kind, payload))
			if a.code != http.StatusOK || !strings.Contains(a.body, `"applied"`) {
				t.Fatal(a.code, a.body)
			}
		}
		if page := s.get("truongdoan", "/visits/"+check).body; strings.Contains(page, "Đồng hồ") || strings.Contains(page, "đã chọn") {
			t.Error("a check without oddities shows some")
		}
		post("thanhvien", "may-a-c0de", `,"offset_ms":10800000`, "answer", `{"item":"A04","value":"NO"}`, one)
		post("thuky", "may-b-beef", "", "answer", `{"item":"A04","value":"YES"}`, two)
		post("truongdoan", "may-c", "", "choose", fmt.Sprintf(`{"register":"answer/A04","operation":%q,"over":[%q]}`, one, two), inspection.NewID())
		page := s.get("truongdoan", "/visits/"+check).body
		for _, want := range []string{"Máy c0de: chậm 3 giờ 0 phút so với máy chủ.", "1 chỗ hai máy ghi khác nhau, đã chọn", "<strong>A04</strong>", "Trưởng đoàn số 1"} {
			if !strings.Contains(page, want) {
				t.Errorf("the page does not say %q", want)
			}
		}
	})
}
