package main

import (
	"net/http"
	"strings"
	"testing"

	"congvu/migrations/dbtest"
)

// TestThePhotosPageSaysWhatIsMissing: a confirmation without a cover, with one that is
// none, or of nothing ticked, shows the page again, with what was typed and what to do.
func TestThePhotosPageSaysWhatIsMissing(t *testing.T) {
	s := newSite(t, dbtest.SQLite(t))
	check, file := s.finished(7)
	page := "/visits/" + check + "/photos"
	for _, c := range []struct {
		path, words string
		form        []string
	}{
		{page, "Chưa đánh dấu ảnh nào nên chưa xác nhận gì", nil},
		{page + "/" + file, "Chưa có khung che nào nên chưa xác nhận", nil},
		{page + "/" + file, "Chưa có khung che nào nên chưa xác nhận", []string{"left", "1", "top", "", "width", "", "height", ""}},
		{page + "/" + file, "Khung che không hợp lệ", []string{"left", "nửa", "top", "2", "width", "10", "height", "10"}},
	} {
		a := s.form("truongdoan", c.path, c.form...)
		if a.code != http.StatusUnprocessableEntity || !strings.Contains(a.body, c.words) || !strings.Contains(a.body, "Xác nhận các ảnh đã đánh dấu") {
			t.Errorf("%s %v: %d without %q\n%s", c.path, c.form, a.code, c.words, mainOf(a.body))
		}
		if len(c.form) > 0 && !strings.Contains(a.body, `value="`+c.form[1]+`"`) {
			t.Errorf("%v is no longer there", c.form)
		}
		if strings.Contains(a.body, "Đã xác nhận</span>") {
			t.Error("a copy was confirmed")
		}
	}
	if a := s.form("truongdoan", page+"/"+file, "left", "1", "top", "1", "width", "10", "height", "10"); a.code != http.StatusSeeOther {
		t.Errorf("a cover: %d", a.code)
	}
}
