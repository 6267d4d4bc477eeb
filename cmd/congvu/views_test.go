package main

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"congvu/evidence"
	"congvu/evidence/imaging/imagingtest"
	"congvu/evidence/snapshot"
	"congvu/inspection"
	"congvu/inspection/finding"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// room is a picture of a room that has things in it, by a camera that is turned by degrees
// clockwise and looks so much (of the picture's width) to the right, in another light.
func room(seed uint64, turn, right, light float64) []byte {
	const w, h = 800, 600
	rnd := rand.New(rand.NewPCG(seed, 7))
	whole := image.NewGray(image.Rect(0, 0, 2*w, 2*h))
	draw.Draw(whole, whole.Bounds(), image.NewUniform(color.Gray{170}), image.Point{}, draw.Src)
	for range 500 {
		x, y := rnd.IntN(2*w), rnd.IntN(2*h)
		r := image.Rect(x, y, x+8+rnd.IntN(120), y+6+rnd.IntN(70))
		draw.Draw(whole, r, image.NewUniform(color.Gray{uint8(20 + rnd.IntN(220))}), image.Point{}, draw.Src)
	}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	sin, cos := math.Sincos(turn * math.Pi / 180)
	for y := range h {
		for x := range w {
			u, v := float64(x-w/2), float64(y-h/2)
			g := whole.GrayAt(w+int(math.Round(cos*u-sin*v+right*w)), h+int(math.Round(sin*u+cos*v))).Y
			l := uint8(min(255, max(0, light*float64(g)+float64(rnd.IntN(9)-4))))
			img.SetRGBA(x, y, color.RGBA{l, l, l, 255})
		}
	}
	return imagingtest.JPEG(img, imagingtest.Exif{})
}

// TestR10TheSameFrameAgain: at re-inspection the first still and the new one of the same
// camera lie upon each other, on the finding's page and in the printed minutes, and what
// was turned is said to be; photographs taken by hand as well; other cameras and other
// rooms not. Who may not open a picture is not told of it.
func TestR10TheSameFrameAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		text := func(t string) *string { return &t }
		c, elsewhere := s.camera(7), s.camera(7, func(e *snapshot.Entry) { e.Name = "Camera cửa sau" })
		looks := func(h *hung, raw []byte) {
			h.says(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(raw) })
		}
		looks(c, room(1, 0, 0, 1))
		s.taking()
		check := s.begin(s.seal(7))
		s.answers(check)
		first := s.decided(s.still("thanhvien", check, visit.Snapshot{Camera: c.id, Item: "A04"}))
		elsewhere.says(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
		if none := s.decided(s.still("thanhvien", check, visit.Snapshot{Camera: elsewhere.id, Item: "A04"})); none.State != snapshot.Failed {
			t.Fatalf("%+v", none)
		}
		byHand := s.file("thanhvien", check, room(2, 0, 0, 1), evidence.Photo)
		s.does("thanhvien", s.operation(check, visit.OpPhoto, visit.Photo{Item: "A04", File: byHand, NoPeople: true}))
		s.signs(check)
		s.must(db.Exec("UPDATE findings SET severity = ? WHERE visit_id = ? AND item_code = 'A04'", finding.Major, check).Error) // re-inspected for sure
		s.reports(check)
		s.concludes(check)
		of := func() (f finding.Finding) {
			for _, x := range s.findings(check) {
				if x.ItemCode == "A04" {
					f = x
				}
			}
			return f
		}
		f := of()
		if a := s.acts("thutruong", f, "acknowledge"); a.code != http.StatusSeeOther {
			t.Fatal(a.code, mainOf(a.body))
		}
		if a := s.send("thutruong", multipartForm("/findings/"+f.ID+"/submit", []upload{{"sau.jpg", room(3, 0, 0, 1)}}, "id", inspection.NewID(),
			"version", s.version("findings", f.ID), "text", "Đã bố trí người trực quầy 2.")); a.code != http.StatusSeeOther {
			t.Fatal(a.code, mainOf(a.body))
		}
		if a := s.acts("truongdoan", f, "accept"); a.code != http.StatusSeeOther {
			t.Fatal(a.code, mainOf(a.body))
		}
		if f = of(); f.State != finding.ReinspectDue {
			t.Fatal(f.State)
		}
		s.derive()
		s.says(s.page("truongdoan", "/findings/"+f.ID+"/views"), "Chưa có cặp ảnh nào so sánh được") // the unit's picture shows another room
		s.clock.Set(f.ReinspectFrom.Time().Add(8 * time.Hour))
		s.tokens = map[string]string{}
		s.sent("truongdoan", "/reinspections", "id", inspection.NewID(), "visit", check, "finding", f.ID, "planned_on", string(f.ReinspectFrom), "at", "08:30", "member", s.demo.people["thanhvien2"])
		var target string
		s.must(db.Raw("SELECT id FROM targets WHERE form = 'REINSPECTION' ORDER BY id DESC").Limit(1).Scan(&target).Error)
		again := inspection.NewID()
		s.does("thanhvien2", s.operation(again, visit.OpCheckIn, visit.CheckIn{Target: target, Location: "DENIED"}))
		looks(c, room(1, 4, 0.06, 0.7))
		looks(elsewhere, room(1, 0, 0, 1))
		second := s.decided(s.still("thanhvien2", again, visit.Snapshot{Camera: c.id, Finding: f.ID}))
		other := s.decided(s.still("thanhvien2", again, visit.Snapshot{Camera: elsewhere.id, Finding: f.ID}))
		if second.State != snapshot.Taken || other.State != snapshot.Taken {
			t.Fatalf("%+v %+v", second, other)
		}
		byHandAgain := s.file("thanhvien2", again, room(2, 0, 0.004, 1.1), evidence.Photo)
		s.does("thanhvien2", s.operation(again, visit.OpPhoto, visit.Photo{Finding: f.ID, File: byHandAgain}),
			s.operation(again, visit.OpVerdict, visit.Verdict{Finding: f.ID, Verdict: "VERIFIED", Text: "Đã có người trực."}),
			s.operation(again, visit.OpFinish, struct{}{}), s.operation(again, visit.OpMinutes, visit.Minutes{Opinion: text("Thống nhất."), Representatives: text("Giám đốc")}))
		s.derive()
		s.renames(c, "Camera sau khi đổi tên")

		s.says(s.page("truongdoan", "/findings/"+f.ID), `data-views="/findings/`+f.ID+`/views"`, "Camera cửa sau: ", "không truy cập được lúc")
		for _, path := range []string{"/findings/" + f.ID + "/views", "/visits/" + again + "/minutes"} {
			page := s.page("truongdoan", path)
			cards := strings.Split(page, `aria-labelledby="view-`)[1:]
			if len(cards) != 2 {
				t.Fatalf("%s: %d pairs\n%s", path, len(cards), mainOf(page))
			}
			for _, card := range cards {
				still := strings.Contains(card, first.FileID)
				if still != strings.Contains(card, second.FileID) || still == strings.Contains(card, byHandAgain) || still == strings.Contains(card, byHand) || strings.Contains(card, other.FileID) {
					t.Errorf("%s: who is beside whom: %s", path, card)
				}
				if still {
					s.says(card, "Camera quầy 1", "góc nhìn đã đổi")
				} else {
					s.says(card, "Ảnh chụp tại chỗ", "góc nhìn không đổi")
				}
				if n, err := strconv.Atoi(submatch(card, `Độ giống nhau sau khi căn: (\d+)`)); err != nil || n < 50 || n > 100 {
					t.Errorf("%s: a similarity of %d, %v", path, n, err)
				}
				if turn, err := strconv.ParseFloat(submatch(card, `rotate\(([-0-9.]+)\)`), 64); still && (err != nil || math.Abs(turn-4) > 0.5) {
					t.Errorf("%s: turned back by %v, %v", path, turn, err)
				}
			}
			if wipes := strings.Count(page, "data-wipe"); wipes != map[bool]int{true: 2, false: 0}[strings.HasSuffix(path, "/views")] {
				t.Errorf("%s: %d sliders", path, wipes)
			}
		}
		// What another version of the method said before stays said, on the page and on paper.
		s.must(db.Exec("UPDATE evidence_views SET similarity = 31 WHERE verdict = 'MOVED'").Error)
		for _, path := range []string{"/findings/" + f.ID + "/views", "/visits/" + again + "/minutes"} {
			s.says(s.page("truongdoan", path), "Độ giống nhau sau khi căn: 31")
		}
		if db.Name() == "sqlite" {
			s.slides("/findings/"+f.ID, "/visits/"+again+"/minutes")
		}
		unit := s.page("thutruong", "/findings/"+f.ID+"/views")
		for _, id := range []string{first.FileID, second.FileID, byHand, byHandAgain} {
			if strings.Contains(unit, id) {
				t.Error("the unit is shown a picture that is not shared")
			}
		}
		if a := s.get("quantri", "/findings/"+f.ID+"/views"); a.code != http.StatusNotFound {
			t.Errorf("who administers sees content: %d", a.code)
		}
		// A preview that the store has not: the minutes print, and the other pair is there.
		s.must(db.Exec("UPDATE evidence_derived SET sha256 = ? WHERE kind = 'PREVIEW' AND file_id = ?", strings.Repeat("0", 64), second.FileID).Error)
		for _, path := range []string{"/findings/" + f.ID + "/views", "/visits/" + again + "/minutes"} {
			page := s.page("truongdoan", path)
			if n := strings.Count(page, `aria-labelledby="view-`); n != 1 {
				t.Errorf("%s: %d pairs", path, n)
			}
			s.says(page, "Có cặp ảnh chưa so sánh được lúc này")
		}
	})
}

// slides opens the page of a finding in a browser, as the lead, and wipes from one picture
// to the other; then the minutes.
func (s *site) slides(finding, minutes string) {
	s.t.Helper()
	b := s.seenIn("views", "truongdoan")
	b.open(finding)
	b.sees("góc nhìn đã đổi")
	b.wait("all pictures are there", `document.querySelectorAll('.view').length === 2 && [...document.querySelectorAll('.view svg')].every(e => e.checkVisibility() && e.getBoundingClientRect().height > 50)`)
	b.everyLook("views")
	b.eval(`(e => { e.value = '250'; e.dispatchEvent(new Event('input')); })(document.querySelector('.wipe input'))`, nil)
	var x string
	b.eval(`document.querySelector('.wipe rect').getAttribute('x')`, &x)
	if x != "250" {
		s.t.Errorf("the picture is wiped at %s", x)
	}
	b.open(minutes)
	b.sees("So sánh góc nhìn")
	b.everyLook("views-minutes")
}

func submatch(text, pattern string) string {
	if m := regexp.MustCompile(pattern).FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}
