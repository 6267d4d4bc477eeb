package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestAUnitInspectsItself walks a self-inspection in Chromium: the head of a unit on a
// phone plans, answers section by section and hands in; the chair sees the share, who has
// not, and how far what a unit said lies from what the next check found.
func TestAUnitInspectsItself(t *testing.T) {
	t.Parallel()
	program := start(t, "demo", nil)
	head := newBrowser(t, program.base, "head", phone)
	head.signIn("thutruong", demoPassword)
	head.open("/self-checks")
	head.sees("Tự kiểm tra công vụ kỳ này")
	head.everyLook("asked")
	head.press("Lập kế hoạch tự kiểm tra")
	head.fill("#responsible", "Phó Giám đốc Trung tâm")
	head.everyLook("plan")
	head.press("Lưu kế hoạch và bắt đầu")
	head.sees("Còn 44/44 mục")
	head.everyLook("begun")
	head.press("A. ")
	for _, s := range []string{"A", "B", "C", "D", "E", "F", "G", "H"} {
		head.wait("section "+s, fmt.Sprintf(`location.pathname.endsWith('/sections/%s') && document.querySelector('form') !== null`, s))
		if s == "A" {
			for name, v := range map[string]string{"required": "4", "badge": "4", "dress": "4"} {
				head.fill("#"+name, v)
			}
		}
		head.eval(`document.querySelectorAll('section[role=group]').forEach(f => { f.querySelector('input[type=radio]')?.click(); const n = f.querySelector('input[name^=n-]'); if (n) n.value = '10'; })`, nil)
		if s == "C" {
			head.eval(`document.querySelector('input[name=v-C04][value=NO]').click()`, nil)
			head.fill("#note-C04", "Mã QR đã phai, không quét được.")
			head.everyLook("section")
		}
		head.click(`button[name=go]`)
	}
	head.sees("Đã trả lời đủ 44 mục")
	head.open(strings.SplitN(head.at(), "?", 2)[0] + "?item=C04#note")
	head.fill("#words", "Mã QR trên bảng niêm yết không quét được.")
	head.fill("#measure", "In lại mã và dán trong tuần.")
	head.fill("#due", "2030-01-15")
	head.press("Ghi tồn tại")
	head.sees("Đã ghi vào danh sách tồn tại")
	head.everyLook("complete")
	head.click("input[name=sure]")
	head.press("Nộp kết quả")
	head.sees("Đã nộp kết quả tự kiểm tra")
	head.sees("97,87") // Σ w is 97 without H03, less A02 (3, nobody absent): 94; C04 weighs 2: 92/94 is 97.87
	head.everyLook("handed-in")

	chair := newBrowser(t, program.base, "chair", office)
	chair.signIn("chutich", demoPassword)
	chair.open("/overview")
	chair.sees("đơn vị đã nộp trong kỳ")
	chair.sees("trung bình cộng, n = ")
	chair.picture("overview")
	chair.open("/self-checks")
	chair.everyLook("rounds")
	chair.press("Tự kiểm tra công vụ kỳ trước")
	chair.sees("10/12")
	chair.sees("83,3 %")
	chair.sees("Chưa nộp: cần nhắc (2)")
	chair.everyLook("round")
	chair.press("xã Mẫu 02")
	chair.sees("Tự đánh giá so với kết quả kiểm tra")
	chair.everyLook("gap")
	chair.press("Mở cuộc kiểm tra")
	chair.sees("Mẫu 02")
}

// at is the path of the page.
func (b *browser) at() (path string) {
	b.t.Helper()
	b.eval(`location.pathname + location.search`, &path)
	return path
}
