package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/notify"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// collect makes the messages of all that has happened.
func (w *world) collect() {
	w.t.Helper()
	for did := true; did; {
		var err error
		did, err = w.Notify.Collect(ctx)
		w.must(err)
	}
}

func TestMessagesAreReadAndMarked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		if body := w.sees(w.head, "/messages"); !strings.Contains(body, "Chưa có tin báo nào") || strings.Contains(body, "data-unread") {
			t.Errorf("without any:\n%s", body)
		}
		first := w.raise("A04", "Thiếu người trực", finding.Moderate, finding.Assigned)
		w.raise("B03", "Không biển tên", finding.Moderate, finding.Assigned)
		w.collect()
		body := w.sees(w.head, "/messages")
		if strings.Count(body, `name="message"`) != 4 || !strings.Contains(body, `href="/findings/`+first.ID+`"`) || !strings.Contains(body, "data-unread>4<") {
			t.Errorf("four are expected, two confirmed and two assigned:\n%s", body)
		}
		if strings.Contains(body, "Thiếu người trực") {
			t.Error("a message says what was found")
		}
		if body := w.sees(w.lead, "/findings"); strings.Contains(body, "data-unread") {
			t.Error("the lead has something unread")
		}
		id := regexp.MustCompile(`name="message" value="([^"]+)"`).FindStringSubmatch(body)[1]
		if r := w.post(w.otherHead, "/messages/read", url.Values{"message": {id}}); r.Code != http.StatusSeeOther {
			t.Errorf("another's: %d", r.Code)
		}
		if !strings.Contains(w.sees(w.head, "/account"), "data-unread>4<") {
			t.Error("another has marked it")
		}
		w.post(w.head, "/messages/read", url.Values{"message": {id}})
		if !strings.Contains(w.sees(w.head, "/findings"), "data-unread>3<") {
			t.Error("marking one does not count")
		}
		until := regexp.MustCompile(`name="until" value="([^"]+)"`).FindStringSubmatch(body)[1]
		w.post(w.head, "/messages/read", url.Values{"until": {until}})
		body = w.sees(w.head, "/messages")
		if strings.Contains(body, "data-unread") || strings.Contains(body, `name="message"`) || !strings.Contains(body, "Đã đọc") {
			t.Errorf("after marking all:\n%s", body)
		}
		for _, form := range []url.Values{{"message": {"x"}}, {"until": {"x"}}, {}} {
			if r := w.post(w.head, "/messages/read", form); r.Code != http.StatusUnprocessableEntity {
				t.Errorf("%v: %d", form, r.Code)
			}
		}
		if code, _ := w.open(w.head, "/messages?after=x"); code != http.StatusUnprocessableEntity {
			t.Errorf("a made-up cursor: %d", code)
		}
		r := httptest.NewRequest(http.MethodGet, "/messages", nil)
		r.AddCookie(&http.Cookie{Name: "lang", Value: "en"})
		if body := w.ask(w.head, r).Body.String(); !strings.Contains(body, "is assigned, to be remedied by") {
			t.Errorf("in English:\n%s", body)
		}
	})
}

func TestAPersonSaysWhereMailGoes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		if r := w.post(w.head, "/account/contact", url.Values{"email": {"khong phai"}, "language": {"vi"}, "version": {"0"}}); r.Code != http.StatusUnprocessableEntity ||
			!strings.Contains(r.Body.String(), `value="khong phai"`) || !strings.Contains(r.Body.String(), "không đúng dạng") {
			t.Errorf("no address: %d\n%s", r.Code, r.Body)
		}
		if r := w.post(w.head, "/account/contact", url.Values{"email": {"giamdoc@mau.gov.vn"}, "language": {"en"}, "wants": {"1"}, "version": {"0"}}); r.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", r.Code, r.Body)
		}
		if body := w.sees(w.head, "/account?done=contact"); !strings.Contains(body, `value="giamdoc@mau.gov.vn"`) || !strings.Contains(body, "Đã lưu địa chỉ thư") {
			t.Errorf("%s", body)
		}
		if code, _ := w.open(w.head, "/admin/people/"+w.head.Person); code == http.StatusOK {
			t.Error("a head administers")
		}
		if body := w.sees(w.sysadmin, "/admin/people/"+w.head.Person); !strings.Contains(body, "giamdoc@mau.gov.vn") {
			t.Error("the administrator does not see it")
		}
		if r := w.post(w.sysadmin, "/admin/people/"+w.head.Person+"/contact", url.Values{"email": {"moi@mau.gov.vn"}, "language": {"vi"}, "wants": {"1"}, "version": {"1"}}); r.Code != http.StatusSeeOther {
			t.Errorf("%d %s", r.Code, r.Body)
		}
		w.must(db.Model(&notify.Contact{}).Where("person_id = ?", w.head.Person).Updates(map[string]any{"refused_at": w.clock.Now(), "refused_code": "smtp-550"}).Error)
		if body := w.sees(w.head, "/account"); !strings.Contains(body, "bị từ chối") || !strings.Contains(body, "smtp-550") || !strings.Contains(body, "moi@mau.gov.vn") {
			t.Errorf("a refused mailbox is not told of:\n%s", body)
		}
	})
}

// TestALinkEndsMail: opening it asks, sending its form does it, with the button or with
// the one click of a mail program, which knows no session.
func TestALinkEndsMail(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		w.must(w.Notify.SetContact(ctx, w.head, w.head.Person, notify.ContactInput{Email: "a@b.vn", Language: "vi", Wants: true}))
		mac := hmac.New(sha256.New, make([]byte, 32))
		fmt.Fprintf(mac, "unsubscribe\n%s", w.head.Person)
		link := "/unsubscribe?" + url.Values{"p": {w.head.Person}, "t": {base64.RawURLEncoding.EncodeToString(mac.Sum(nil))}}.Encode()
		wants := func() bool {
			c, err := w.Notify.ContactOf(ctx, w.head, w.head.Person)
			w.must(err)
			return c.Wants
		}
		nobody := inspection.Actor{}
		if body := w.sees(nobody, link); !strings.Contains(body, `action="/unsubscribe"`) || !wants() {
			t.Error("opening the link does something")
		}
		for _, bad := range []string{"/unsubscribe", link + "x", "/unsubscribe?p=" + w.lead.Person + "&" + link[strings.Index(link, "t="):]} {
			if code, _ := w.open(nobody, bad); code != http.StatusNotFound {
				t.Errorf("%s: %d", bad, code)
			}
		}
		r := httptest.NewRequest(http.MethodPost, link, strings.NewReader("List-Unsubscribe=One-Click"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if rec := w.ask(nobody, r); rec.Code != http.StatusOK || wants() {
			t.Errorf("one click: %d, wants %v", rec.Code, wants())
		}
		w.must(w.Notify.SetContact(ctx, w.head, w.head.Person, notify.ContactInput{Email: "a@b.vn", Language: "vi", Wants: true, Version: 2}))
		u, _ := url.Parse(link)
		if rec := w.post(nobody, "/unsubscribe", u.Query()); rec.Code != http.StatusOK || wants() {
			t.Errorf("the button: %d, wants %v", rec.Code, wants())
		}
	})
}

func TestAnAdministratorKeepsWebhooks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		w := newWorld(t, db)
		came := 0
		end := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { came++ }))
		defer end.Close()
		for _, who := range []inspection.Actor{w.head, w.lead, w.chair} {
			if code, _ := w.open(who, "/admin/webhooks"); code != http.StatusForbidden {
				t.Errorf("%s: %d", who.Name, code)
			}
			if r := w.post(who, "/admin/webhooks", url.Values{"id": {inspection.NewID()}, "url": {end.URL}}); r.Code != http.StatusForbidden {
				t.Errorf("%s: %d", who.Name, r.Code)
			}
		}
		if r := w.post(w.sysadmin, "/admin/webhooks", url.Values{"id": {inspection.NewID()}, "url": {"https://10.0.0.1/"}}); r.Code != http.StatusUnprocessableEntity || !strings.Contains(r.Body.String(), "mạng nội bộ") ||
			!strings.Contains(r.Body.String(), `value="https://10.0.0.1/"`) {
			t.Errorf("an internal address: %d\n%s", r.Code, r.Body)
		}
		id := inspection.NewID()
		added := w.post(w.sysadmin, "/admin/webhooks", url.Values{"id": {id}, "url": {end.URL}})
		secret := regexp.MustCompile(`whsec_[A-Za-z0-9+/=]+`)
		shown := secret.FindString(strings.ReplaceAll(added.Body.String(), "&#43;", "+"))
		if added.Code != http.StatusOK || shown == "" {
			t.Fatalf("%d\n%s", added.Code, added.Body)
		}
		path := "/admin/webhooks/" + id
		if body := w.sees(w.sysadmin, path); secret.MatchString(body) || !strings.Contains(body, "Chưa gửi gì") {
			t.Error("the secret is shown twice")
		}
		act := func(name string, more ...string) *httptest.ResponseRecorder {
			t.Helper()
			hook, err := w.Notify.Webhook(ctx, w.sysadmin, id)
			w.must(err)
			return w.post(w.sysadmin, path+"/"+name, url.Values{"version": {fmt.Sprint(hook.Version)}, "id": {inspection.NewID()}})
		}
		if r := act("test"); r.Code != http.StatusSeeOther {
			t.Errorf("test: %d %s", r.Code, r.Body)
		}
		_, err := w.Notify.CallWebhook(ctx)
		w.must(err)
		body := w.sees(w.sysadmin, path)
		delivery := regexp.MustCompile(`/deliveries/([^"]+)"`).FindStringSubmatch(body)
		if came != 1 || delivery == nil || !strings.Contains(body, "đã nhận") {
			t.Fatalf("%d came:\n%s", came, body)
		}
		if r := w.post(w.head, path+"/deliveries/"+delivery[1], nil); r.Code != http.StatusForbidden {
			t.Errorf("a head sends again: %d", r.Code)
		}
		if r := w.post(w.sysadmin, path+"/deliveries/"+delivery[1], nil); r.Code != http.StatusSeeOther {
			t.Errorf("send again: %d", r.Code)
		}
		_, err = w.Notify.CallWebhook(ctx)
		w.must(err)
		if came != 2 {
			t.Errorf("%d came", came)
		}
		rotated := act("rotate")
		if again := secret.FindString(strings.ReplaceAll(rotated.Body.String(), "&#43;", "+")); again == "" || again == shown {
			t.Error("no new secret")
		}
		for _, name := range []string{"pause", "resume"} {
			if r := act(name); r.Code != http.StatusSeeOther {
				t.Errorf("%s: %d", name, r.Code)
			}
		}
		if r := w.post(w.sysadmin, path+"/pause", url.Values{"version": {"1"}}); r.Code != http.StatusConflict {
			t.Errorf("an old version: %d", r.Code)
		}
		act("remove")
		if code, _ := w.open(w.sysadmin, path); code != http.StatusNotFound {
			t.Errorf("after its removal: %d", code)
		}
	})
}
