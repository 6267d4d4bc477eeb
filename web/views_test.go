package web

import (
	"fmt"
	"strings"
	"testing"

	"congvu/evidence/snapshot"
)

// TestWhichPicturesAreCompared: stills with the first of their camera and preset only,
// however many photographs there are beside them; the newest photographs, not those that
// the unit sent before.
func TestWhichPicturesAreCompared(t *testing.T) {
	photos := func(ids string) (out []photo) {
		for id := range strings.FieldsSeq(ids) {
			out = append(out, photo{ID: id})
		}
		return out
	}
	stills := map[string]snapshot.Request{}
	for i, id := range strings.Fields("s2 s1 other-preset other-camera again again-preset again-nowhere") {
		stills[id] = snapshot.Request{CameraID: "c", Preset: "1", TakenAt: 100}
		r := stills[id]
		switch {
		case id == "s1": // taken before s2, came later
			r.TakenAt = 50
		case strings.HasSuffix(id, "-preset"):
			r.Preset = "2"
		case id == "other-camera":
			r.CameraID = "d"
		case id == "again-nowhere":
			r.CameraID = "e"
		case i > 1:
			r.TakenAt = 200
		}
		stills[id] = r
	}
	var got []string
	for _, c := range viewChoices(photos("a b c d e s2 s1 other-preset other-camera"), photos("u1 u2 u3 u4 again again-preset again-nowhere r1"), stills) {
		var early []string
		for _, p := range c.early {
			early = append(early, p.ID)
		}
		got = append(got, fmt.Sprint(c.late.ID, early, c.camera != ""))
	}
	want := "u2[a b c d] false, u3[a b c d] false, u4[a b c d] false, again[s1] true, again-preset[other-preset] true, r1[a b c d] false"
	if got := strings.Join(got, ", "); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if len(viewChoices(photos("s1"), photos("r1"), stills)) != 0 {
		t.Error("a photograph is laid onto a still")
	}
}
