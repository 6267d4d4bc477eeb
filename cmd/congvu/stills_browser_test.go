package main

import (
	"strings"
	"testing"
)

// TestR9OneTapOnTheTablet: one tap beside an item brings a still of the desk's camera to the
// tablet within the check; without a network the request waits on the tablet and is sent
// when the server is back, and a camera that gives nothing leaves that in its place.
func TestR9OneTapOnTheTablet(t *testing.T) {
	t.Parallel()
	f := &field{t: t, profile: newProfile(t), launch: launch{sub: "demo", addr: freeAddress(t), data: t.TempDir(), settings: []string{"CONGVU_CAMERA_RANGES=" + hereOnly.String()}}}
	f.program = f.launch.start(t)
	f.base = f.program.base
	f.launch.sub = "serve" // the demo's camera goes with it
	f.b = browserIn(t, f.profile, f.base, "tablet-stills", tablet)
	b, visit := f.b, f.toC03()
	b.click(`[data-still="C03"]`)
	b.wait("a still is there", `[...document.querySelectorAll('#item-C03 figcaption')].some(c => c.textContent.includes('Camera quầy 1'))`)
	b.wait("its picture is drawn", `[...document.querySelectorAll('#item-C03 .shot img')].some(i => i.complete && i.naturalWidth > 0)`)
	b.picture("still")
	b.axe()
	var op struct{ Outcome, File, Author string }
	b.awaited(`fetch('/api/v1/visits/`+visit+`').then(r => r.json()).then(v => { const o = v.operations.find(o => o.type === 'still'); return { Outcome: o.payload.outcome, File: o.payload.file, Author: v.files[o.payload.file] }; })`, &op)
	if op.Outcome != "TAKEN" || op.Author != "RECEIVED" {
		t.Errorf("%+v", op)
	}

	f.away()
	b.click(`[data-still="C03"]`)
	b.sees("Chờ mạng; máy chủ sẽ lấy ảnh khi nhận được yêu cầu")
	b.picture("still-offline")
	f.back()
	b.wait("the camera that gives none stands in its place", `document.querySelector('#item-C03 [data-still-outcome="FAILED"]') !== null`)
	var words string
	b.eval(`document.querySelector('#item-C03 [data-still-outcome="FAILED"]').textContent`, &words)
	if !strings.Contains(words, "Camera không truy cập được lúc ") {
		t.Errorf("%q", words)
	}
	b.picture("still-failed")
	b.axe()
	b.open("/visits/" + visit + "/photos")
	b.sees("Ảnh từ camera của quầy")
	b.everyLook("stills-office")
}

// TestCamerasAreEnteredByPages: an administrator enters a camera, tries it, and sees its
// frame and its clock; a relay by its key.
func TestCamerasAreEnteredByPages(t *testing.T) {
	t.Parallel()
	p := start(t, "demo", nil)
	b := newBrowser(t, p.base, "cameras", [2]int64{1280, 900})
	b.signIn("quantri", demoPassword)
	var desk string
	b.awaited(`fetch('/admin/organisations?q=mau+07').then(r => r.text()).then(t => (t.match(/\/admin\/organisations\/[0-9a-f-]{36}/) ?? [''])[0])`, &desk)
	b.open(desk)
	b.eval(`[...document.querySelectorAll('a')].map(a => a.getAttribute('href')).find(h => h?.startsWith('/admin/desks/')) ?? ''`, &desk)
	b.open(desk)
	b.sees("Camera quầy 1")
	b.wait("where it hangs", `document.querySelectorAll(".plan circle").length === 1`)
	b.everyLook("desk-cameras")
	b.click(`a[href$="/cameras/new"]`)
	b.sees("Thêm camera")
	b.everyLook("camera-new")
	b.open(desk)
	b.click(`a[href^="/admin/cameras/"]`)
	b.sees("Thử camera")
	b.press("Thử camera")
	b.wait("a frame is shown", `(i => i?.complete && i.naturalWidth > 0)(document.querySelector('img.frame'))`)
	b.sees("Khung hình này không được lưu.")
	b.everyLook("camera-try")
	b.open("/admin/relays")
	b.fill(`[name="name"]`, "Đầu ghi xã Mẫu 07")
	b.fill(`[name="key"]`, "abc")
	b.press("Thêm trạm")
	b.sees("Khóa công khai là 44 ký tự")
	b.fill(`[name="key"]`, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	b.press("Thêm trạm")
	b.sees("Đã ghi nhận trạm trung chuyển")
	b.everyLook("relays")
}
