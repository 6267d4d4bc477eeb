package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/inspection/history"
	"congvu/migrations"

	"github.com/chromedp/chromedp"
	"github.com/emersion/go-smtp"
)

// letters is a mail server on this machine that takes everything.
type letters struct{ got chan string }

func (l letters) NewSession(*smtp.Conn) (smtp.Session, error) { return l, nil }
func (l letters) Mail(string, *smtp.MailOptions) error        { return nil }
func (l letters) Rcpt(string, *smtp.RcptOptions) error        { return nil }
func (l letters) Reset()                                      {}
func (l letters) Logout() error                               { return nil }
func (l letters) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	l.got <- string(raw)
	return err
}

// TestAPersonIsToldInTheProgramAndByMail: the head of a unit reads messages on a phone,
// marks them and gives an address; what happens next comes by mail. The administrator sets
// a webhook up and sees in its log that it was called.
func TestAPersonIsToldInTheProgramAndByMail(t *testing.T) {
	t.Parallel()
	box := letters{make(chan string, 100)}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(box)
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	program := start(t, "demo", []string{"CONGVU_SMTP_ADDR=" + listener.Addr().String(), "CONGVU_SMTP_TLS=none", "CONGVU_SMTP_FROM=Kiểm tra công vụ <congvu@example.vn>"})

	head := newBrowser(t, program.base, "head", phone)
	head.signIn("thutruong2", demoPassword)
	unread := `document.querySelector('[data-unread]')`
	deadline := time.Now().Add(time.Minute)
	for told := false; !told; { // the program collects from time to time
		head.open("/messages")
		if head.eval(unread+` !== null && document.querySelectorAll('.message.new').length > 3`, &told); !told && time.Now().After(deadline) {
			t.Fatalf("nobody is told of what the demo holds:\n%s", head.text())
		}
	}
	head.everyLook("messages")
	var before, after int
	head.eval(`document.querySelectorAll('.message.new').length`, &before)
	head.click(".message.new form button")
	head.wait("one is marked", fmt.Sprintf(`document.querySelectorAll('.message.new').length === %d`, before-1))
	head.press("Đánh dấu tất cả đã đọc")
	head.wait("all are marked", `document.querySelector('[data-unread]') === null && document.querySelector('.message.new') === null`)
	head.eval(`document.querySelectorAll('.message').length`, &after)
	if after < before {
		t.Errorf("%d messages were there, %d are left", before, after)
	}
	head.everyLook("messages-read")
	head.click(".message a")
	head.wait("the message leads somewhere", `location.pathname.startsWith('/findings/') || location.pathname.startsWith('/visits/')`)

	head.open("/account")
	head.fill("#email", "giam doc")
	head.eval(`document.querySelector('form[action="/account/contact"]').setAttribute('novalidate', '')`, nil)
	head.press("Lưu")
	head.sees("không đúng dạng")
	head.everyLook("account-wrong")
	head.fill("#email", "giamdoc@mau.gov.vn")
	head.press("Lưu")
	head.sees("Đã lưu địa chỉ thư")
	head.everyLook("account")

	hooks := make(chan http.Header, 100)
	end := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hooks <- r.Header }))
	defer end.Close()
	admin := newBrowser(t, program.base, "admin", office)
	admin.signIn("quantri", demoPassword)
	admin.open("/admin/webhooks")
	admin.everyLook("webhooks-empty")
	admin.fill("#add-url", "https://192.168.1.1/nhan")
	admin.press("Thêm và xem khóa ký")
	admin.sees("mạng nội bộ")
	admin.everyLook("webhooks-wrong")
	admin.fill("#add-url", end.URL+"/nhan")
	admin.press("Thêm và xem khóa ký")
	admin.sees("whsec_")
	admin.everyLook("webhook-secret")
	admin.open("/admin/webhooks")
	admin.press("/nhan")
	admin.press("Gửi thử")
	within := time.After(time.Minute)
	select {
	case h := <-hooks:
		if !strings.HasPrefix(h.Get("Webhook-Signature"), "v1,") {
			t.Errorf("%v", h)
		}
	case <-within:
		t.Fatal("the endpoint is not called")
	}
	for logged := false; !logged; {
		admin.run(chromedp.Reload())
		admin.eval(`[...document.querySelectorAll('td .tag')].some(e => e.innerText.includes('đã nhận'))`, &logged)
	}
	admin.everyLook("webhook-log")
	admin.open("/admin/health")
	admin.sees("Báo cho phần mềm khác")
	admin.everyLook("health")

	// The day before a remedy is due: whoever owns the clock writes it into history.
	db, err := migrations.Open(t.Context(), filepath.Join(program.data, "data", "congvu.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer migrations.Close(db)
	var id string
	err = db.Raw(`SELECT f.id FROM findings f JOIN person_roles r ON r.organisation_id = f.responsible_id AND r.role = 'unit_head' JOIN accounts a ON a.person_id = r.person_id
		WHERE a.username = 'thutruong2' ORDER BY f.id LIMIT 1`).Scan(&id).Error
	if err != nil || id == "" {
		t.Fatalf("no finding of the unit: %v", err)
	}
	err = history.Append(db, history.Event{At: inspection.SystemClock{}.Now(), Action: "finding.remind", SubjectKind: "finding", SubjectID: id,
		Data: map[string]any{"clock": "remedy", "mark": "T-1", "due": "2026-12-01"}})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case raw := <-box.got:
		if !strings.Contains(raw, "\nTo:") || !strings.Contains(raw, "giamdoc@mau.gov.vn") || !strings.Contains(raw, "Message-ID: <") {
			t.Errorf("%s", raw)
		}
	case <-time.After(time.Minute):
		t.Fatal("no mail came")
	}
	head.open("/messages")
	head.sees("Sắp đến hạn khắc phục tồn tại")
	head.everyLook("messages-again")
}
