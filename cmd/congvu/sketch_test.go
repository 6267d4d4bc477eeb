package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"congvu/evidence"
	"congvu/evidence/imaging/imagingtest"
	"congvu/inspection"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// sketch sends a small picture ahead of a file.
func (s *site) sketch(username, id, kind string, length int64, raw []byte) answer {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodPut, "/api/v1/files/"+id+"/sketch", bytes.NewReader(raw))
	r.ContentLength = length
	r.Header.Set("Accept", "application/json")
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	return s.send(username, r)
}

// TestR2TheOfficeSeesTheSceneBeforeThePhotoHasCome: on the page of the check and at the
// thumbnail's address, for the team alone; the next look shows the photograph.
func TestR2TheOfficeSeesTheSceneBeforeThePhotoHasCome(t *testing.T) {
	const words = "Xem trước – ảnh gốc đang được gửi"
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		check := s.begin(s.seal(7))
		raw, id := imagingtest.JPEG(imagingtest.Scene(800, 600), imagingtest.Exif{}), inspection.NewID()
		s.does("thanhvien",
			s.operation(check, visit.OpDeclare, visit.Declared{File: id, Bytes: int64(len(raw)), SHA256: sum(raw), Kind: "PHOTO"}),
			s.operation(check, visit.OpPhoto, visit.Photo{Item: "A04", File: id, NoPeople: true}))
		page, thumb := "/visits/"+check+"/photos", "/files/"+id+"/thumb"
		if a := s.get("thuky", page); a.code != http.StatusOK || strings.Contains(a.body, words) || strings.Contains(a.body, thumb) {
			t.Errorf("a look ahead at nothing: %d", a.code)
		}
		small := imagingtest.JPEG(imagingtest.Scene(480, 360), imagingtest.Exif{Orientation: 6, Lat: 20.9, Lng: 105.7})
		for range 2 {
			if a := s.sketch("thanhvien", id, "image/jpeg", int64(len(small)), small); a.code != http.StatusNoContent || a.body != "" {
				t.Fatalf("%d %s", a.code, a.body)
			}
		}
		if a := s.get("thuky", page); !strings.Contains(a.body, words) || !strings.Contains(a.body, `src="`+thumb+`"`) {
			t.Errorf("the page does not show it:\n%s", mainOf(a.body))
		}
		if a := s.get("truongdoan", "/api/v1/files/"+id); !strings.Contains(a.body, `"variants":["thumb"]`) || !strings.Contains(a.body, `"DECLARED"`) {
			t.Error(a.body)
		}
		a := s.get("truongdoan", thumb)
		if a.code != http.StatusOK || a.header.Get("Content-Type") != "image/jpeg" || a.header.Get("Cache-Control") != "no-store" ||
			a.header.Get("X-Content-Type-Options") != "nosniff" || strings.Contains(a.body, "Exif") || a.body == string(small) {
			t.Errorf("%d %v", a.code, a.header)
		}
		for _, who := range []string{"thutruong", "daumoi", "chutich", "noivu", "quantri", "truongdoan2"} {
			if a := s.get(who, thumb); a.code != http.StatusNotFound {
				t.Errorf("%s: %d", who, a.code)
			}
			if a := s.sketch(who, id, "image/jpeg", int64(len(small)), small); a.code != http.StatusNotFound {
				t.Errorf("%s sends: %d", who, a.code)
			}
		}
		if a := s.get("truongdoan", "/visits/"+check+"/minutes"); a.code != http.StatusOK || strings.Contains(a.body, thumb) || !strings.Contains(a.body, "(chưa nhận)") {
			t.Errorf("the minutes speak of what has not come: %d", a.code)
		}

		if a := s.call("thanhvien", http.MethodPut, "/api/v1/files/"+id+"/content", string(raw)); a.code != http.StatusOK {
			t.Fatalf("%d %s", a.code, a.body)
		}
		if a := s.get("thuky", page); strings.Contains(a.body, words) || !strings.Contains(a.body, "/files/"+id+"/original") {
			t.Errorf("the photograph has come:\n%s", mainOf(a.body))
		}
		if a := s.sketch("thanhvien", id, "image/jpeg", int64(len(small)), small); a.code != http.StatusNoContent {
			t.Errorf("late: %d %s", a.code, a.body)
		}
		s.derive()
		if again := s.get("truongdoan", thumb); again.code != http.StatusOK || again.body == a.body || again.header.Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%d %v", again.code, again.header)
		}
	})
}

// TestR2ASketchThatIsNoneIsRefusedInWords: over HTTP, and the file can be sent all the same.
func TestR2ASketchThatIsNoneIsRefusedInWords(t *testing.T) {
	s := newSite(t, dbtest.SQLite(t))
	check := s.begin(s.seal(7))
	declare := func(kind evidence.Kind) string {
		raw, id := s.photo(), inspection.NewID()
		s.does("thanhvien", s.operation(check, visit.OpDeclare, visit.Declared{File: id, Bytes: int64(len(raw)), SHA256: sum(raw), Kind: string(kind)}))
		return id
	}
	id, scan, good := declare(evidence.Photo), declare(evidence.DocumentScan), s.photo()
	large := imagingtest.Heavy(good, evidence.SketchBytes+1)
	far := imagingtest.Heavy(good, 2<<20)
	for name, c := range map[string]struct {
		id, kind string
		length   int64
		raw      []byte
		status   int
		words    string
	}{
		"png":              {id, "image/jpeg", -1, imagingtest.PNG(imagingtest.Scene(30, 20), imagingtest.Exif{}), 422, "phải là ảnh JPEG"},
		"called a png":     {id, "image/png", int64(len(good)), good, 415, "image/jpeg"},
		"called nothing":   {id, "", int64(len(good)), good, 415, "image/jpeg"},
		"called nonsense":  {id, "image/jpeg; x", int64(len(good)), good, 415, "image/jpeg"},
		"page":             {id, "image/jpeg", -1, []byte("<!doctype html><script>alert(1)</script>"), 422, "phải là ảnh JPEG"},
		"cut off":          {id, "image/jpeg", -1, good[:len(good)/2], 422, "cắt cụt"},
		"huge":             {id, "image/jpeg", -1, imagingtest.HugeJPEG(50_000, 50_000), 422, "1024"},
		"large":            {id, "image/jpeg", int64(len(large)), large, 413, "128 KB"},
		"large in chunks":  {id, "image/jpeg", -1, large, 413, "128 KB"},
		"far too large":    {id, "image/jpeg", int64(len(far)), far, 413, "1 MB"},
		"far in chunks":    {id, "image/jpeg", -1, far, 413, "128 KB"},
		"of a scan":        {scan, "image/jpeg", int64(len(good)), good, 422, "ảnh màn hình"},
		"of no file":       {inspection.NewID(), "image/jpeg", int64(len(good)), good, 404, "Không tìm thấy"},
		"of no file's id":  {"x", "image/jpeg", int64(len(good)), good, 404, "Không tìm thấy"},
		"nothing was sent": {id, "image/jpeg", 0, nil, 422, "phải là ảnh JPEG"},
	} {
		s.refused(name, c.status, c.words, func() answer {
			a := s.sketch("thanhvien", c.id, c.kind, c.length, c.raw)
			if !strings.HasPrefix(a.header.Get("Content-Type"), "application/problem+json") {
				t.Errorf("%s: %s", name, a.header.Get("Content-Type"))
			}
			return a
		})
	}
	if a := s.sketch("", id, "image/jpeg", int64(len(good)), good); a.code != http.StatusUnauthorized {
		t.Errorf("nobody: %d", a.code)
	}
}
