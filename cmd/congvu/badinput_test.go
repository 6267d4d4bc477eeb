package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"congvu/evidence"
	"congvu/inspection"
	"congvu/inspection/org"
	"congvu/inspection/visit"
	"congvu/migrations/dbtest"

	"gorm.io/gorm"
)

// TestActsThatAreCutOffAreNotTakenInByHalves: a request that ends anywhere, and one whose
// line breaks anywhere, changes nothing; the whole is taken in afterwards, once.
func TestActsThatAreCutOffAreNotTakenInByHalves(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		check := s.begin(s.seal(7))
		s.token("thanhvien")
		var ops []operation
		for i := range 5 {
			ops = append(ops, s.operation(check, visit.OpNote, visit.Note{Item: "A04", Text: fmt.Sprintf("Quầy số %d: “đóng”", i)}))
		}
		whole, err := json.Marshal(map[string]any{"operations": ops})
		s.must(err)
		before := s.counts()
		for cut := 1; cut < len(whole); cut += 7 {
			for _, rest := range []io.Reader{strings.NewReader(""), brokenOff{}} {
				r := httptest.NewRequest(http.MethodPost, "/api/v1/operations", io.MultiReader(bytes.NewReader(whole[:cut]), rest))
				r.ContentLength = int64(len(whole))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Accept", "application/json")
				if a := s.send("thanhvien", r); a.code != http.StatusBadRequest && a.code != http.StatusUnprocessableEntity || !strings.Contains(a.header.Get("Content-Type"), "problem+json") {
					t.Fatalf("cut after %d of %d bytes: %d %s", cut, len(whole), a.code, a.body)
				}
			}
		}
		for table, n := range s.counts() {
			if n != before[table] {
				t.Errorf("%s: %d rows before, %d after", table, before[table], n)
			}
		}
		for _, want := range []string{"applied", "duplicate"} {
			for _, o := range s.post("thanhvien", ops...) {
				if o.Status != want {
					t.Errorf("%+v, want %s", o, want)
				}
			}
		}
	})
}

// TestActsOfANewerAppAreRefusedInWords: an act, a field or a protocol that this program
// does not know is refused, never taken in without what it said; what came before it
// stands, what follows waits.
func TestActsOfANewerAppAreRefusedInWords(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		check := s.begin(s.seal(7))
		s.token("thanhvien")
		note := func(text string) operation {
			return s.operation(check, visit.OpNote, visit.Note{Item: "A04", Text: text})
		}
		for name, c := range map[string]struct {
			op    operation
			words string
		}{
			"type":            {s.operation(check, "hologram", map[string]any{"item": "A04"}), "hologram"},
			"field":           {s.operation(check, visit.OpNote, map[string]any{"item": "A04", "text": "x", "mood": "good"}), "có thể mới hơn máy chủ"},
			"field of a file": {s.operation(check, visit.OpDeclare, map[string]any{"file": inspection.NewID(), "bytes": 5, "sha256": strings.Repeat("0", 64), "kind": "PHOTO", "depth": 3}), "có thể mới hơn máy chủ"},
			"kind of file":    {s.operation(check, visit.OpDeclare, map[string]any{"file": inspection.NewID(), "bytes": 5, "sha256": strings.Repeat("0", 64), "kind": "FILM"}), ""},
			"value":           {s.operation(check, visit.OpAnswer, map[string]any{"item": "A04", "value": "SOMETIMES"}), ""},
			"several at once": {s.operation(check, visit.OpNote, []any{map[string]any{"item": "A04", "text": "x"}}), "có thể mới hơn máy chủ"},
		} {
			s.refuses("thanhvien", 422, c.words, c.op)
			first, last := note("trước "+name), note("sau "+name)
			out := s.post("thanhvien", first, c.op, last)
			if len(out) != 2 || out[0].Status != "applied" || out[1].Status != "refused" {
				t.Errorf("%s: %+v", name, out)
			}
			if out := s.post("thanhvien", first, last); len(out) != 2 || out[0].Status != "duplicate" || out[1].Status != "applied" {
				t.Errorf("%s, without it: %+v", name, out)
			}
		}
		for name, change := range map[string]func(map[string]any){
			"field":  func(o map[string]any) { o["hue"] = 7 },
			"device": func(o map[string]any) { o["device"] = map[string]any{"id": "x"} },
			"clock":  func(o map[string]any) { o["device_at"] = 1772586000 },
		} {
			raw, err := json.Marshal(note("x"))
			s.must(err)
			var op map[string]any
			s.must(json.Unmarshal(raw, &op))
			change(op)
			s.refused(name, http.StatusUnprocessableEntity, "", func() answer {
				return s.call("thanhvien", http.MethodPost, "/api/v1/operations", map[string]any{"operations": []any{op}})
			})
		}

		// Another version of tus is answered as tus asks, and nothing is read.
		file := s.declares(check, s.photo())
		for _, version := range []string{"0.2.2", "1.1.0", "2.0.0", "x"} {
			for _, method := range []string{http.MethodPatch, http.MethodHead} {
				r := httptest.NewRequest(method, "/api/v1/files/"+file+"/content", strings.NewReader("x"))
				for name, value := range map[string]string{"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0", "Tus-Resumable": version, "Accept": "application/json"} {
					r.Header.Set(name, value)
				}
				if a := s.send("thanhvien", r); a.code != http.StatusPreconditionFailed || a.header.Get("Tus-Version") != "1.0.0" || method == http.MethodPatch && !strings.Contains(a.body, "error.protocol") {
					t.Errorf("%s %s: %d %v %s", method, version, a.code, a.header, a.body)
				}
			}
		}
		s.refused("bytes of another type", http.StatusUnsupportedMediaType, "application/offset+octet-stream", func() answer {
			return s.call("thanhvien", http.MethodPatch, "/api/v1/files/"+file+"/content", "x", "Upload-Offset", "0")
		})
		if at := s.call("thanhvien", http.MethodHead, "/api/v1/files/"+file+"/content", nil).header.Get("Upload-Offset"); at != "0" {
			t.Errorf("%s bytes were read", at)
		}
	})
}

// declares declares a photograph of a check by an operation.
func (s *site) declares(check string, raw []byte) string {
	s.t.Helper()
	id := inspection.NewID()
	s.does("thanhvien", s.operation(check, visit.OpDeclare, visit.Declared{File: id, Bytes: int64(len(raw)), SHA256: sum(raw), Kind: "PHOTO", NoPeople: true}))
	return id
}

// TestWhatAFormerMemberStillHoldsWaitsAndIsNamed: who did something while a member, and
// comes back to the network after the role ended, is refused everything, as if the check
// did not exist; what was declared stays declared, the check waits for it by name, and
// all of it is taken in when the end of the role is put right.
func TestWhatAFormerMemberStillHoldsWaitsAndIsNamed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		check := s.begin(s.seal(7))
		s.answers(check)
		raw, small := s.photo(), s.photo()
		file := s.declares(check, raw)
		sent := s.operation(check, visit.OpNote, visit.Note{Item: "A04", Text: "đã gửi"})
		s.does("thanhvien", sent)
		kept := s.operation(check, visit.OpNote, visit.Note{Item: "A04", Text: "còn trên máy"})
		hangs := s.operation(check, visit.OpPhoto, visit.Photo{Item: "A04", File: file, NoPeople: true})
		half := len(raw) / 2
		patch := func(at int) answer {
			return s.call("thanhvien", http.MethodPatch, "/api/v1/files/"+file+"/content", string(raw[at:]), "Content-Type", "application/offset+octet-stream", "Upload-Offset", fmt.Sprint(at), "Tus-Resumable", "1.0.0")
		}
		if a := s.call("thanhvien", http.MethodPatch, "/api/v1/files/"+file+"/content", string(raw[:half]), "Content-Type", "application/offset+octet-stream", "Upload-Offset", "0"); a.code != http.StatusNoContent {
			t.Fatalf("%d %s", a.code, a.body)
		}

		yesterday := s.clock.Now().Date().AddDays(-1)
		until := func(day inspection.Date) {
			s.must(db.Model(&org.RoleRow{}).Where("person_id = ?", s.demo.people["thanhvien"]).Update("valid_to", day).Error)
		}
		until(yesterday)
		for _, op := range []operation{kept, hangs, sent} {
			s.refuses("thanhvien", 404, "", op)
		}
		content := "/api/v1/files/" + file + "/content"
		for name, send := range map[string]func() answer{
			"the rest":     func() answer { return patch(half) },
			"the whole":    func() answer { return s.call("thanhvien", http.MethodPut, content, string(raw)) },
			"how much":     func() answer { return s.call("thanhvien", http.MethodHead, content, nil) },
			"a look ahead": func() answer { return s.sketch("thanhvien", file, "image/jpeg", int64(len(small)), small) },
			"the receipt":  func() answer { return s.get("thanhvien", "/api/v1/files/"+file+"/receipt") },
			"another photo": func() answer {
				return s.call("thanhvien", http.MethodPost, "/api/v1/files", map[string]any{"id": inspection.NewID(), "visit": check, "bytes": len(raw), "sha256": sum(raw), "kind": "PHOTO"})
			},
		} {
			s.refused(name, http.StatusNotFound, "", send)
		}
		finish := func() problem {
			t.Helper()
			out := s.post("thuky", s.operation(check, visit.OpFinish, struct{}{}))
			if len(out) != 1 || out[0].Problem == nil {
				t.Fatalf("%+v", out)
			}
			return *out[0].Problem
		}
		if p := finish(); p.Status != http.StatusConflict || p.Errors[file] == "" {
			t.Errorf("%+v", p)
		}

		until("")
		for _, want := range []string{"applied", "duplicate"} {
			for _, o := range s.post("thanhvien", kept, hangs) {
				if o.Status != want {
					t.Errorf("%+v, want %s", o, want)
				}
			}
		}
		if o := s.post("thanhvien", sent)[0]; o.Status != "duplicate" {
			t.Errorf("%+v", o)
		}
		if a := patch(half); a.code != http.StatusNoContent || a.header.Get("Upload-Receipt") == "" {
			t.Errorf("%d %s", a.code, a.body)
		}
		s.does("thuky", s.operation(check, visit.OpFinish, struct{}{}))
	})
}

// TestAConcludedCheckTakesNoFiles: neither a new one nor other bytes for one it has.
func TestAConcludedCheckTakesNoFiles(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *gorm.DB) {
		s := newSite(t, db)
		check, photo := s.finished(7)
		s.reports(check)
		s.concludes(check)
		s.token("thanhvien")
		raw := s.photo()
		declare := map[string]any{"id": inspection.NewID(), "visit": check, "bytes": len(raw), "sha256": sum(raw), "kind": "PHOTO"}
		s.refused("a new file", http.StatusConflict, "khép", func() answer { return s.call("thanhvien", http.MethodPost, "/api/v1/files", declare) })
		s.refuses("thanhvien", http.StatusConflict, "khép", s.operation(check, visit.OpDeclare, visit.Declared{File: inspection.NewID(), Bytes: int64(len(raw)), SHA256: sum(raw), Kind: "PHOTO"}))
		first := s.get("thanhvien", "/api/v1/files/"+photo+"/receipt")
		if a := s.call("thanhvien", http.MethodPut, "/api/v1/files/"+photo+"/content", string(raw)); a.code != http.StatusOK || a.body != first.body {
			t.Errorf("%d %s", a.code, a.body)
		}
		var state string
		s.must(db.Table("evidence_files").Where("id = ? AND sha256 <> ?", photo, sum(raw)).Pluck("state", &state).Error)
		if state != string(evidence.Received) {
			t.Error("the photograph was touched")
		}
	})
}
