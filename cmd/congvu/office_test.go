package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"congvu/inspection"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// waits is for how many days the office of the story lets its units remedy before it
// comes back: the window of a re-inspection opens 10 working days after the acceptance
// (domain §7.2).
const waits = 21

// aheadBinary is the program with a clock that is waits days ahead.
var aheadBinary = sync.OnceValues(func() (string, error) {
	usual, err := binary()
	if err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(usual), "ahead")
	out, err := exec.Command("go", "build", "-tags", "testclock", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// ahead puts the clock of a browser's pages some days ahead, as the server's is.
func (b *browser) ahead(days int) {
	b.t.Helper()
	script := fmt.Sprintf(`(() => { const Real = Date, by = %d * 864e5;
		globalThis.Date = class extends Real { constructor(...a) { a.length ? super(...a) : super(Real.now() + by); } static now() { return Real.now() + by; } }; })()`, days)
	b.run(chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(script).Do(ctx)
		return err
	}))
}

// frontDoor is one address in front of several copies, as any proxy makes it: requests
// go round, and one that finds its copy gone goes to the next.
type frontDoor struct {
	mu     sync.Mutex
	copies []string // addresses
	turn   atomic.Int64
	base   string
}

func (d *frontDoor) set(copies ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.copies = copies
}

func (d *frontDoor) next() (string, int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.copies[int(d.turn.Add(1))%len(d.copies)], len(d.copies)
}

// RoundTrip sends a request to a copy. One that could not be connected to has had
// nothing of the request: the next one gets it.
func (d *frontDoor) RoundTrip(r *http.Request) (*http.Response, error) {
	for tried := 1; ; tried++ {
		addr, all := d.next()
		conn, err := net.DialTimeout("tcp", addr, 2*time.Second)
		if err != nil {
			if tried < 2*all {
				continue
			}
			return nil, err
		}
		conn.Close()
		r.URL.Host = addr
		return http.DefaultTransport.RoundTrip(r)
	}
}

func openFrontDoor(t *testing.T) *frontDoor {
	t.Helper()
	d := &frontDoor{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	d.base = "http://localhost:" + port
	proxy := &httputil.ReverseProxy{Transport: d, FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetXForwarded()
		r.Out.Header.Set("X-Forwarded-Proto", "https") // as if it had spoken TLS
		r.SetURL(&url.URL{Scheme: "http", Host: "copy"})
		r.Out.Host = r.In.Host
	}}
	server := &http.Server{Handler: proxy, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return d
}

// TestTheMainJobFromAnEmptyInstallation: an office that has a server and a spreadsheet
// sets the program up by its pages alone, plans a campaign, and carries one surprise
// check through all eight steps. On PostgreSQL and S3 two copies serve behind one address,
// and one of them is killed and started again while the inspectors answer. Three weeks
// later all copies are started anew, and the finding is inspected again.
func TestTheMainJobFromAnEmptyInstallation(t *testing.T) {
	t.Parallel()
	for _, stores := range bothStores {
		t.Run(stores.name, func(t *testing.T) {
			t.Parallel()
			settings := stores.settings(t)
			door := openFrontDoor(t)
			settings = append(settings, "CONGVU_URL="+door.base, "CONGVU_TRUSTED_PROXIES=127.0.0.1", "CONGVU_TEST_CLOCK_DAYS="+fmt.Sprint(waits))
			several := len(stores.settings(t)) > 0
			folders, addrs := []string{t.TempDir()}, []string{freeAddress(t)}
			var in *newOffice
			if several {
				folders, addrs = append(folders, t.TempDir()), append(addrs, freeAddress(t))
			} else {
				folders[0], in = newOfficeCopy(t)
			}
			copyOf := func(i int, binary func() (string, error)) *running {
				return launch{sub: "serve", settings: settings, binary: binary, addr: addrs[i], data: folders[i]}.start(t)
			}
			var copies []*running
			for i := range addrs {
				copies = append(copies, copyOf(i, nil))
			}
			door.set(addrs...)

			front := *copies[0]
			front.base = door.base
			if several {
				in = setUpByPages(t, &front)
			}
			s := &story{t: t, base: door.base, people: map[string]login{"truongdoan": in.lead, "thuky": in.secretary, "thanhvien": in.inspector, "thanhvien2": in.inspector2,
				"thutruong": in.head, "chutich": in.chair, "noivu": in.homeAffairs, "quantri": in.admin}}
			s.draw()
			s.officePlans(in)
			s.leadChecksIn()
			if several {
				copies[1].kill(t)
			}
			s.inspectorsAnswer()
			if several {
				copies[1] = copyOf(1, nil)
				copies[0].kill(t)
			}
			s.minutesAreSigned()
			if several {
				copies[0] = copyOf(0, nil)
			}
			s.unitExplains()
			s.leadReports()
			s.chairConcludes()
			s.unitRemedies()
			s.leadReviews()

			for i := range copies {
				copies[i].stop(t)
				copies[i] = copyOf(i, aheadBinary)
			}
			s.ahead = waits
			s.lead = s.open("lead-later", office, "truongdoan")
			s.lead.open("/visits/" + s.visit)
			s.reinspects("Mẫu 07", in.inspector2.name)
			s.finding(s.other, "C03")
			s.other.sees("Đã khắc phục")
			s.other.picture("verified")
			s.chair = s.open("chair-later", office, "chutich")
			s.chairReads()

			// Where the copies ran and how, for the administrator; nothing of the check.
			a := s.open("admin-later", office, "quantri")
			a.open("/admin/health")
			a.sees("Chưa có bản sao lưu nào")
			a.everyLook("health")
			if strings.Contains(a.text(), "Mẫu 07") {
				t.Error("the page of health names a unit")
			}
			var rows int
			a.eval(`document.querySelectorAll('table')[1]?.querySelectorAll('tbody tr').length ?? 0`, &rows)
			if rows != len(copies) {
				t.Errorf("%d copies are shown, %d run", rows, len(copies))
			}
		})
	}
}

// officePlans is what home affairs and the lead do before the check, by pages alone.
func (s *story) officePlans(in *newOffice) {
	t := s.t
	b := s.open("home-affairs", office, "noivu")
	b.open("/campaigns")
	b.sees("Chưa có đợt kiểm tra nào")
	b.everyLook("campaigns-empty")
	b.press("Lập đợt kiểm tra")
	today := time.Now().In(inspection.Zone)
	b.fill("#title", "Kiểm tra công vụ đột xuất quý này")
	b.fill("#decision_number", "12/QĐ-UBND")
	b.fill("#decision_date", today.AddDate(0, 0, -3).Format(time.DateOnly))
	b.fill("#from", today.AddDate(0, 0, -2).Format(time.DateOnly))
	b.fill("#to", today.AddDate(0, 0, -5).Format(time.DateOnly))
	b.click(`input[name=signed_by]`)
	b.click(`form[action="/campaigns"] button.primary`)
	b.wait("the mistake is named", `document.querySelector('.wrong #to') !== null`)
	b.everyLook("campaign-form-wrong")
	b.fill("#to", today.AddDate(0, 3, 0).Format(time.DateOnly))
	b.click(`form[action="/campaigns"] button.primary`)
	b.sees("Đã lập đợt kiểm tra")
	b.everyLook("campaign-new")
	b.files("#scan", s.photos["scan"])
	b.click(`form[action$="/scan"] button`)
	b.sees("Đã nhận bản quét")
	b.fill("#name", "Đoàn kiểm tra số 1")
	b.click(`form[action$="/teams"] button`)
	b.sees("Đã lập đoàn")
	b.everyLook("team-empty")
	for _, m := range []struct {
		who  login
		role string
	}{{in.lead, "team_lead"}, {in.secretary, "team_secretary"}, {in.inspector, "inspector"}, {in.inspector2, "inspector"}} {
		b.fill("#q", m.who.name)
		b.click(`form[role=search] button`)
		label := fmt.Sprintf(`[...document.querySelectorAll('label[for^="role-"]')].find(e => e.textContent.includes(%s))`, quote(m.who.name))
		b.wait("the person is found", fmt.Sprintf(`new URLSearchParams(location.search).get('q') === %s && document.readyState === 'complete' && %s !== undefined`, quote(m.who.name), label))
		b.run(chromedp.Evaluate(fmt.Sprintf(`%s.parentElement.querySelector('select').value = %s; 0`, label, quote(m.role)), nil))
		b.click(`form[action$="/members"] button`)
		b.sees("Đã ghi thay đổi")
	}
	b.everyLook("team")
	b.press("Kiểm tra công vụ đột xuất quý này")
	b.press("Mọi đơn vị, quầy")
	b.fill("#q", "mau 0")
	b.click(`form[role=search] button`)
	b.wait("the search", `new URLSearchParams(location.search).get('q') === 'mau 0' && document.readyState === 'complete'`)
	b.sees("Bộ phận Một cửa xã Mẫu 07")
	b.press("Thêm tất cả kết quả tìm được")
	b.sees("Đã ghi thay đổi")
	b.everyLook("campaign-places")
	b.press("Kiểm tra công vụ đột xuất quý này")
	b.sees("Bản quét quyết định")
	b.everyLook("campaign")

	// The lead seals two targets, and cancels one of them with a reason.
	l := s.open("lead-plans", tablet, "truongdoan")
	l.open("/targets")
	l.everyLook("targets-empty")
	for _, desk := range []string{"mau 07", "mau 06"} {
		l.open("/targets")
		l.press("Đưa vào kế hoạch của Đoàn kiểm tra số 1")
		l.fill("#q", desk)
		l.click(`button[value=find]`)
		l.wait("one is found", `document.querySelectorAll('.choices input').length === 1`)
		l.click(`.choices input`)
		for _, m := range []string{in.secretary.name, in.inspector.name} {
			l.run(chromedp.Evaluate(fmt.Sprintf(`[...document.querySelectorAll('label[for^=tell-]')].find(e => e.textContent.includes(%s)).parentElement.querySelector('select').value = 'told'; 0`, quote(m)), nil))
		}
		l.everyLook("target-form")
		l.click(`button[value=seal]`)
		l.wait("an answer", `document.readyState === 'complete' && (document.querySelector('input[name=confirm]') !== null || document.body.innerText.includes('Đã niêm phong vào kế hoạch'))`)
		doubted := false
		if l.run(chromedp.Evaluate(`document.querySelector('input[name=confirm]') !== null`, &doubted)); doubted { // the story is told on a day off
			l.everyLook("target-doubted")
			l.click(`input[name=confirm]`)
			l.click(`button[value=seal]`)
		}
		l.sees("Đã niêm phong vào kế hoạch")
		l.everyLook("target")
	}
	l.click("details summary")
	l.fill("#reason-state", "đơn vị đang chuyển trụ sở")
	l.click(`button[value=CANCELLED]`)
	l.sees("Đã hủy")
	l.sees("đơn vị đang chuyển trụ sở")
	l.everyLook("target-cancelled")
	l.open("/targets")
	l.everyLook("targets")

	// Nobody who was not told knows: not home affairs who planned the campaign, not the chair.
	for _, who := range []string{"noivu", "chutich", "thanhvien2", "quantri"} {
		p := s.open("unaware-"+who, phone, who)
		p.open("/targets")
		p.sees("Chưa có đối tượng nào trong kế hoạch")
		if strings.Contains(p.text(), "Mẫu 07") {
			t.Errorf("%s sees the target", who)
		}
	}
}
