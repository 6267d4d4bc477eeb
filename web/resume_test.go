package web

import (
	"slices"
	"testing"

	"congvu/inspection"
	"congvu/inspection/i18n"
)

// TestWhatIsSentAgainIsShownAsItWasTyped: words and days under the names of their fields,
// and no ids, versions, codes or what only the program compares.
func TestWhatIsSentAgainIsShownAsItWasTyped(t *testing.T) {
	id := inspection.NewID()
	p := resumePage{Base: Base{Lang: i18n.VI}, Kept: []keptField{{"do", "seal"}, {"id", id}, {"version", "3"}, {"request", id}, {"was", "Câu cũ của biên bản"},
		{"summary", "Cơ bản tốt\nHai lỗi"}, {"words-" + id, "Ghi nhận."}, {"decision-" + id, "confirm"}, {"planned_on", "2026-03-05"}, {"to", "ACTIVE"}, {"place", id + "/" + id},
		{"reason", " "}, {"remark", "chữ không rõ ô nào"}, {"confirm", id + "|2026-03-05|08:00"}}}
	want := []typedField{{"Kết quả kiểm tra", "Cơ bản tốt\nHai lỗi"}, {"Lý do trả lời", "Ghi nhận."}, {"Ngày kiểm tra", "05/03/2026"}, {"Nội dung khác", "chữ không rõ ô nào"}}
	if got := p.Typed(); !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}
