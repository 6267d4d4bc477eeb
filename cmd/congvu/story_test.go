package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestTheMainJobInEightSteps runs the whole story of one surprise check in Chromium
// against the built program: from arrival at the desk to the chair's screen, each
// role on its own device size, on both pairs of stores.
func TestTheMainJobInEightSteps(t *testing.T) {
	t.Parallel()
	for _, s := range bothStores {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s := &story{t: t, base: start(t, "demo", s.settings(t)).base}
			s.draw()
			s.leadChecksIn()
			s.inspectorsAnswer()
			s.minutesAreSigned()
			s.unitExplains()
			s.leadReports()
			s.chairConcludes()
			s.unitRemedies()
			s.leadReviews()
			s.otherMemberReinspects()
			s.chairReads()
		})
	}
}

type story struct {
	t      *testing.T
	base   string
	people map[string]login  // who signs in for a user name of the demo, where it is not the demo
	ahead  int               // days that the clocks are ahead
	photos map[string]string // files by name
	lead   *browser
	member *browser
	scribe *browser
	other  *browser
	unit   *browser
	chair  *browser
	visit  string
}

const (
	deskHere  = "Bộ phận Một cửa xã Mẫu 07"
	deskOther = "Mẫu 09"
)

// draw makes the pictures that the people of the story take.
func (s *story) draw() {
	s.photos = map[string]string{}
	dir := s.t.TempDir()
	for _, name := range []string{"board", "before", "after", "scan", "paper", "again"} {
		raw, err := scene(name, "01/01/2026", name == "before")
		if err != nil {
			s.t.Fatal(err)
		}
		s.photos[name] = filepath.Join(dir, name+".jpg")
		if err := os.WriteFile(s.photos[name], raw, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *story) open(name string, size [2]int64, username string) *browser {
	s.t.Helper()
	b := newBrowser(s.t, s.base, name, size)
	if s.ahead > 0 {
		b.ahead(s.ahead)
	}
	who, ok := s.people[username]
	if !ok {
		who = login{username, username, demoPassword}
	}
	b.signIn(who.username, who.password)
	return b
}

// 1. The lead signs in on a tablet, sees today's visits and nothing of other teams,
// and checks in at the desk.
func (s *story) leadChecksIn() {
	b := s.open("lead", tablet, "truongdoan")
	s.lead = b
	b.open("/tablet/")
	b.sees(deskHere)
	b.picture("today")
	b.anywhere()
	if strings.Contains(b.text(), deskOther) {
		s.t.Error("the lead sees a target of another team")
	}
	b.pressIn(deskHere, "button")
	b.sees("12/QĐ-UBND")
	b.picture("check-in")
	b.press("Đã xuất trình, bắt đầu")
	b.wait("the check opens", `location.hash.startsWith('#/visit/') && document.querySelector('.rail') !== null`)
	b.eval(`location.hash.split('/')[2]`, &s.visit)
	b.picture("visit")
	b.anywhere()
}

// 2. An inspector works through the 45 items.
func (s *story) inspectorsAnswer() {
	b := s.open("member", tablet, "thanhvien")
	s.member = b
	b.open("/tablet/")
	b.sees(deskHere)
	b.click(fmt.Sprintf(`a[href="#/visit/%s"]`, s.visit))
	b.wait("the check opens", `document.querySelector('.rail') !== null`)
	b.press("Bắt đầu kiểm đếm")
	b.wait("the table", `document.querySelector('[data-key=begin]') !== null`)
	b.click(`[data-key=begin]`)
	b.wait("the rows", `document.querySelectorAll('.person').length > 0`)
	var rows int
	b.eval(`document.querySelectorAll('.person').length`, &rows)
	for i := range rows {
		b.click(fmt.Sprintf(`[data-row="%d"] [data-value=present]`, i))
	}
	b.wait("all counted", `[...document.querySelectorAll('.person')].every(p => p.querySelector('[data-value=present]').getAttribute('aria-pressed') === 'true')`)
	b.picture("attendance")
	b.anywhere()
	b.press("Xong, về bảng kiểm")
	for _, section := range []string{"A", "B", "C", "D", "E", "F", "G", "H"} {
		b.click(fmt.Sprintf(`[data-key="rail-%s"]`, section))
		b.wait("the section", fmt.Sprintf(`document.querySelector('.items h2')?.textContent.startsWith('%s.')`, section))
		s.section(b)
		if section == "C" {
			b.picture("section-C")
			b.anywhere()
		}
	}
	b.sent()
	b.picture("answered")
}

// sent waits until the tablet has nothing left that the server has not confirmed.
func (b *browser) sent() {
	b.t.Helper()
	b.wait("everything sent", `document.querySelector('.sync')?.classList.contains('good') === true`)
}

// section answers every item of the section on the screen, some of them as failing.
func (s *story) section(b *browser) {
	s.t.Helper()
	var items []struct{ Key, Kind string }
	b.eval(`[...document.querySelectorAll('[data-item]')].map(e => ({Key: e.dataset.item,
		Kind: e.querySelector('[data-value=YES]') ? 'YN' : e.querySelector('[data-value=GOOD]') ? 'RATE3' : e.querySelector('[data-count=of]') ? 'COUNT' : ''}))`, &items)
	for _, it := range items {
		at := fmt.Sprintf(`[data-item="%s"] `, it.Key)
		switch it.Kind {
		case "YN":
			value := "YES"
			if it.Key == "C04" {
				value = "NO"
			}
			b.click(at + fmt.Sprintf("[data-value=%s]", value))
			b.wait("answered", fmt.Sprintf(`document.querySelector('%s[data-value=%s]').getAttribute('aria-pressed') === 'true'`, at, value))
		case "RATE3":
			b.click(at + "[data-value=GOOD]")
			b.wait("answered", fmt.Sprintf(`document.querySelector('%s[data-value=GOOD]').getAttribute('aria-pressed') === 'true'`, at))
		case "COUNT":
			failing := map[string]string{"C03": "2", "B03": "1"}[it.Key]
			if failing == "" {
				failing = "0"
			}
			b.fill(at+"[data-count=of]", "10")
			b.fill(at+"[data-count=failing]", failing)
			b.wait("counted", fmt.Sprintf(`document.querySelector('%s[data-count=failing]').value === '%s'`, at, failing))
		}
		var hint string
		b.eval(fmt.Sprintf(`[...document.querySelectorAll('%s .hint')].map(e => e.textContent).join(' ')`, at), &hint)
		failed := it.Key == "C03" || it.Key == "C04" || it.Key == "B03"
		if strings.Contains(hint, "Ảnh bắt buộc.") || failed {
			name := "board"
			if failed {
				name = "before"
			}
			b.files(at+`input[data-photo="`+it.Key+`"]`, s.photos[name])
			b.wait("photo shown", fmt.Sprintf(`document.querySelectorAll('%s.shot').length > 0`, at))
		}
		switch it.Key {
		case "C03":
			b.fill("#note-C03", "Bảng phí niêm yết đã hết hiệu lực từ 01/7.")
		case "B03":
			b.click(`[data-fixed="B03"]`)
			b.wait("marked", `document.querySelector('input[data-photo="B03-after"]') !== null`)
			b.files(`input[data-photo="B03-after"]`, s.photos["after"])
		case "A07":
			b.files(`input[data-photo="A07"]`, s.photos["board"])
			b.sees("Trong ảnh có người không?")
			b.picture("nobody")
			b.press("Không có ai, lưu ảnh")
			b.wait("kept", `document.querySelectorAll('[data-item="A07"] .shot').length === 1`)
		}
	}
}

// 3. The secretary finishes; the minutes are drawn up, the unit's opinion is written
// in, they are signed on paper and scanned back.
func (s *story) minutesAreSigned() {
	b := s.open("scribe", tablet, "thuky")
	s.scribe = b
	b.open("/tablet/#/visit/" + s.visit)
	b.wait("complete", `document.querySelector('[data-key=finish]') !== null && !document.querySelector('[data-key=finish]').disabled`)
	b.click("[data-key=finish]")
	b.click("dialog .primary")
	b.wait("minutes", `document.querySelector('#m-representatives') !== null`)
	b.fill("#m-representatives", "Giám đốc Trung tâm Phục vụ hành chính công xã Mẫu 07")
	b.fill("#m-strengths", "Bố trí đủ quầy, hướng dẫn tận tình.")
	b.click("[data-key=agree]")
	b.wait("opinion", `document.querySelector('#m-opinion').value.length > 0`)
	b.picture("minutes-form")
	b.anywhere()
	b.files(`input[data-photo="scan"]`, s.photos["scan"])
	b.wait("scan safe", `document.querySelector('.shot .good') !== null && !document.querySelector('[data-key=sign]').disabled`)
	b.click("[data-key=sign]")
	b.click("dialog .primary")
	b.sees("Biên bản đã khép")
	b.sent()
	b.picture("signed")
	b.open("/visits/" + s.visit + "/minutes")
	b.sees("BIÊN BẢN KIỂM TRA")
	b.picture("minutes-paper")
	b.anywhere()

	b.open("/visits/" + s.visit + "/photos")
	b.wait("previews", `[...document.querySelectorAll('article')].every(a => !a.querySelector('.placeholder'))`)
	b.eval(`for (const box of document.querySelectorAll('input[name=file]')) box.checked = true; 0`, nil)
	b.picture("photos-ticked")
	b.press("Xác nhận các ảnh đã đánh dấu")
	b.sees("Đã xác nhận bản sao")
	b.wait("all confirmed", `document.querySelector('.tag.soon') === null`)
	b.picture("photos")
	b.anywhere()
}

// The unit's head sees the recorded findings, and nothing else, and explains one.
func (s *story) unitExplains() {
	b := s.open("unit", phone, "thutruong")
	s.unit = b
	b.open("/findings")
	b.sees("Bảng phí niêm yết đã hết hiệu lực")
	b.picture("inbox-recorded")
	b.anywhere()
	if strings.Contains(b.text(), "Mẫu 02") {
		s.t.Error("the unit sees findings of another")
	}
	s.finding(b, "C04")
	b.picture("finding-recorded")
	b.anywhere()
	b.fill(`form[action$="/explain"] textarea[name=text]`, "Mã QR đã được in lại và dán ngay trong buổi sáng.")
	b.files(`form[action$="/explain"] input[type=file]`, s.photos["paper"])
	b.click(`form[action$="/explain"] button[type=submit]`)
	b.sees("Mã QR đã được in lại")
	b.picture("explained")
}

// finding opens the page of the finding of this check on an item.
func (s *story) finding(b *browser, code string) {
	s.t.Helper()
	b.open("/visits/" + s.visit)
	b.pressIn(code, "a")
	b.wait("the finding", `location.pathname.startsWith('/findings/')`)
}

// 4. The lead reports …
func (s *story) leadReports() {
	b := s.lead
	b.open("/visits/" + s.visit)
	b.picture("visit-page")
	b.anywhere()
	b.press("Báo cáo kết quả")
	b.fill("#summary", "Đơn vị chấp hành tốt giờ giấc; còn ba tồn tại về niêm yết và biển tên.")
	b.picture("report")
	b.anywhere()
	b.click(`form[action$="/report"] button[type=submit]`)
	b.sees("Đã gửi báo cáo kết quả")
	b.click(`form[action$="/documents"] button`)
	b.sees("/BB-ĐKT")
}

// … and the person who issued the decision concludes: each explanation answered, one
// finding withdrawn, the score frozen.
func (s *story) chairConcludes() {
	b := s.open("chair", office, "chutich")
	s.chair = b
	b.open("/visits/" + s.visit)
	b.press("Kết luận")
	b.wait("the form, all of it", `document.querySelector('form[action$="/conclusion"] #text') !== null`) // what is read on it stands on the page before too
	b.sees("Mã QR đã được in lại")
	b.picture("conclusion")
	b.anywhere()
	b.run(chromedp.Evaluate(`for (const section of document.querySelectorAll('section.card')) {
		const head = section.querySelector('h2')?.textContent ?? '';
		const withdraw = head.startsWith('C04');
		section.querySelector('input[value=' + (withdraw ? 'withdraw' : 'confirm') + ']')?.click();
		if (withdraw) section.querySelector('textarea[name^=reason-]').value = 'Mã QR quét được khi thử lại trên hai máy.';
		section.querySelector('input[name^=ruling-][value=ACCEPTED]')?.click();
		const words = section.querySelector('textarea[name^=words-]'); if (words) words.value = 'Giải trình có cơ sở.';
	} document.querySelector('#text').value = 'Yêu cầu thay bảng phí đúng hạn.'; 0`, nil))
	b.click(`form[action$="/conclusion"] button[type=submit]`)
	b.sees("Đã kết luận")
	b.press("Xem cách tính từng dòng")
	b.sees("Điểm theo mục")
	b.sees("đã đính chính")
	b.picture("score")
	b.anywhere()
}

// 5. The unit's head acknowledges and reports the remedy with an after-photo.
func (s *story) unitRemedies() {
	b := s.unit
	s.finding(b, "C03")
	b.picture("finding-assigned")
	b.click(`form[action$="/acknowledge"] button[type=submit]`)
	b.wait("acknowledged", `document.querySelector('form[action$="/submit"]') !== null`)
	s.submit(b, "Đã thay toàn bộ bảng phí theo quyết định mới.", "after")
	b.picture("submitted")
	b.anywhere()
}

func (s *story) submit(b *browser, text, photo string) {
	s.t.Helper()
	b.fill(`form[action$="/submit"] textarea[name=text]`, text)
	b.files(`form[action$="/submit"] input[type=file]`, s.photos[photo])
	b.click(`form[action$="/submit"] button[type=submit]`)
	b.wait("submitted", `document.querySelector('form[action$="/submit"]') === null`)
	b.sees(text)
}

// 6. The lead sees before and after side by side, returns once with a reason, then
// accepts; what was put right on the spot another member's lead verifies.
func (s *story) leadReviews() {
	b := s.lead
	s.finding(b, "C03")
	b.picture("before-after")
	b.anywhere()
	b.fill(`form[action$="/return"] textarea`, "Ảnh chưa rõ ngày áp dụng; vui lòng chụp lại cận cảnh.")
	b.run(chromedp.Evaluate(`for (const box of document.querySelectorAll('form[action$="/return"] input[type=checkbox]')) box.checked = true; 0`, nil))
	b.click(`form[action$="/return"] button[type=submit]`)
	b.sees("Ảnh chưa rõ ngày áp dụng")
	s.finding(s.unit, "C03")
	s.unit.sees("Ảnh chưa rõ ngày áp dụng")
	s.submit(s.unit, "Đã chụp lại cận cảnh, thấy rõ ngày áp dụng.", "again")
	s.finding(b, "C03")
	b.click(`form[action$="/accept"] button[type=submit]`)
	b.wait("accepted", `document.querySelector('form[action$="/accept"]') === null`)
	b.sees("tái kiểm tra")
	s.finding(b, "B03")
	b.click(`form[action$="/verify_on_site"] button[type=submit]`)
	b.wait("verified", `document.querySelector('form[action$="/verify_on_site"]') === null`)
	b.picture("verified-on-site")
}

// 7. A re-inspection, limited to accepted findings of an earlier check, by another
// member.
func (s *story) otherMemberReinspects() {
	s.lead.open("/visits?q=mau+03")
	s.lead.press("Bộ phận Một cửa xã Mẫu 03")
	s.reinspects("Mẫu 03", "(B)")
	m := s.other
	m.open("/findings?q=qua+han+tren+he+thong")
	m.sees("Đã khắc phục")
	m.picture("verified")
}

// reinspects plans the re-inspection from the page of the check that the lead has open,
// and carries it out as the other member.
func (s *story) reinspects(place, member string) {
	s.t.Helper()
	b := s.lead
	b.press("Lập cuộc tái kiểm tra")
	b.wait("the form", `document.querySelector('input[name=planned_on]') !== null`)
	b.picture("reinspection")
	b.anywhere()
	b.run(chromedp.Evaluate(`for (const box of document.querySelectorAll('input[name=finding]')) box.checked = true;
		document.querySelector('input[name=planned_on]').value = new Date(Date.now() + 7 * 3600e3).toISOString().slice(0, 10); 0`, nil))
	b.run(chromedp.Evaluate(`(() => { const o = [...document.querySelectorAll('select[name=member] option, select[name=leads] option, input[name=member], input[name=leads]')].find(o => (o.textContent || o.closest('label').textContent).includes(`+quote(member)+`)); if (o.tagName === 'OPTION') o.selected = true; else o.checked = true; })()`, nil))
	b.click(`form[action="/reinspections"] button[type=submit]`)
	b.sees("giữ kín")

	m := s.open("other", tablet, "thanhvien2")
	s.other = m
	m.open("/tablet/")
	m.sees(place)
	m.pressIn(place, "button")
	m.press("Đã xuất trình, bắt đầu")
	m.wait("the findings", `document.querySelectorAll('[data-finding]').length > 0`)
	m.picture("reinspect")
	m.anywhere()
	var ids []string
	m.eval(`[...document.querySelectorAll('[data-finding]')].map(e => e.dataset.finding)`, &ids)
	for _, id := range ids {
		m.click(fmt.Sprintf(`[data-finding="%s"] [data-value=VERIFIED]`, id))
		m.files(fmt.Sprintf(`input[data-photo="%s"]`, id), s.photos["again"])
	}
	m.wait("complete", `document.querySelector('[data-key=finish]') !== null && !document.querySelector('[data-key=finish]').disabled`)
	m.click("[data-key=finish]")
	m.click("dialog .primary")
	m.wait("minutes", `document.querySelector('#m-representatives') !== null`)
	m.fill("#m-representatives", "Phó Giám đốc Trung tâm")
	m.click("[data-key=refuse]")
	m.fill("#refuse-reason", "Không nêu lý do.")
	m.fill("#refuse-witness", "Công chức phường được mời chứng kiến")
	m.click("dialog .primary")
	m.sees("Biên bản đã khép")
	m.sent()
}

// 8. The chair reads one page, and each figure leads to what it counts.
func (s *story) chairReads() {
	b := s.chair
	b.open("/overview")
	b.sees("bộ phận đã kiểm tra")
	b.sees(deskHere)
	b.picture("overview")
	b.anywhere()
	if s.people != nil { // a real office begins with what it has done itself
		return
	}
	b.click(`a[href="/findings?overdue=1"]`)
	b.wait("the overdue findings", `location.pathname === '/findings'`)
	b.picture("overdue")
	b.anywhere()

	h := s.open("hanoi", office, "chutich.hanoi")
	h.open("/overview")
	h.sees("19")
	h.sees("Chương Mỹ")
	h.picture("recorded")

	u := s.open("units", office, "quantri")
	u.open("/units?as_of=2024-03-31&q=chuong+my")
	u.sees("33 Bộ phận Một cửa")
	u.picture("units")
	u.anywhere()
}
