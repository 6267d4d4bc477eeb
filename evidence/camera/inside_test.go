package camera

import (
	"bytes"
	"errors"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"congvu/evidence/camera/cameratest"
	"congvu/inspection/i18n"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"
)

// TestAFrameThatWasJoinedInItsMiddleIsNotTaken: who comes late sees the last slices of a
// keyframe; the picture that is taken is the next whole one. One packet missing in it, and
// it is the one after.
func TestAFrameThatWasJoinedInItsMiddleIsNotTaken(t *testing.T) {
	f, err := cameratest.Make(t.Context(), cameratest.Shot{Codec: cameratest.H264, Width: 640, Height: 360, FPS: 5, Seconds: 6})
	if err != nil {
		t.Fatal(err)
	}
	h := &format.H264{PayloadTyp: 96, PacketizationMode: 1, SPS: f.Sets[0], PPS: f.Sets[1]}
	encoder, err := h.CreateEncoder()
	if err != nil {
		t.Fatal(err)
	}
	var packets []*rtp.Packet
	var starts []int // where each of the three pictures begins
	for i, frame := range f.Frames {
		list, err := encoder.Encode(frame)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			p.Timestamp = uint32(i) * 18_000
		}
		if i%10 == 0 {
			starts = append(starts, len(packets))
		}
		packets = append(packets, list...)
	}
	for name, c := range map[string]struct {
		from, without int
		want          int
	}{
		"from the beginning":     {0, -1, 0},
		"within the first":       {3, -1, 1},
		"one of the second lost": {3, starts[1] + 3, 2},
	} {
		_, k, err := codecOf(&description.Session{Medias: []*description.Media{{Type: description.MediaTypeVideo, Formats: []format.Format{h}}}})
		if err != nil {
			t.Fatal(err)
		}
		at := 0
		catch := &catcher{codec: k, got: make(chan shot, 1), ntp: func(p *rtp.Packet) (time.Time, bool) { return time.Unix(int64(p.Timestamp), 0), true }}
		for at = c.from; at < len(packets) && len(catch.got) == 0; at++ {
			if at != c.without {
				catch.packet(packets[at])
			}
		}
		if len(catch.got) == 0 {
			t.Errorf("%s: none was taken", name)
			continue
		}
		if s := <-catch.got; s.at.Unix() != int64(c.want)*10*18_000 {
			t.Errorf("%s: the frame at %d", name, s.at.Unix()/18_000)
		}
	}
}

func TestSOAPOfManyKinds(t *testing.T) {
	for name, c := range map[string]struct {
		raw    string
		signIn bool
		ok     bool
	}{
		"SOAP 1.2": {`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code></s:Fault></s:Body></s:Envelope>`, true, true},
		"deeper":   {`<Envelope><Body><Fault><Code><Value>a:Sender</Value><Subcode><Value>ter:X</Value><Subcode><Value>ter:notauthorized</Value></Subcode></Subcode></Code></Fault></Body></Envelope>`, true, true},
		"SOAP 1.1": {`<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault><faultcode>wsse:FailedAuthentication</faultcode><faultstring>no</faultstring></e:Fault></e:Body></e:Envelope>`, true, true},
		"another":  {`<Envelope><Body><Fault><Code><Value>s:Receiver</Value></Code></Fault></Body></Envelope>`, false, true},
		"entities": {`<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><Envelope><Body>&b;</Body></Envelope>`, false, false},
		"no such":  {`<Envelope><Body>&b;</Body></Envelope>`, false, false},
		"latin":    {`<?xml version="1.0" encoding="ISO-8859-1"?><Envelope/>`, false, false},
		"a page":   {`<html/>`, false, false},
		"nothing":  {``, false, false},
		"half":     {`<Envelope><Body>`, false, false},
	} {
		r, err := parse([]byte(c.raw))
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
		if c.ok && (r.Fault == nil || r.Fault.is("NotAuthorized", "FailedAuthentication") != c.signIn) {
			t.Errorf("%s: %+v", name, r.Fault)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><GetSystemDateAndTimeResponse><SystemDateAndTime><UTCDateTime><Time><Hour>1</Hour></Time><Date><Year>2026</Year><Month>2</Month><Day>30</Day></Date></UTCDateTime></SystemDateAndTime></GetSystemDateAndTimeResponse></s:Body></s:Envelope>`))
	f.Add([]byte(`<Envelope><Body><Fault><Code><Value>a:b</Value></Code></Fault><GetProfilesResponse><Profiles token="a"/></GetProfilesResponse></Body></Envelope>`))
	f.Add([]byte(`<!DOCTYPE x><Envelope/>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := parse(raw)
		if err != nil {
			if CauseOf(err) != Protocol {
				t.Error(err)
			}
			return
		}
		if at, ok := r.UTC.time(); ok && (at.Year() < 1 || at.Year() > 9999) {
			t.Error(at)
		}
		if r.Fault != nil && r.Fault.Error() == "" {
			t.Error("a fault without words")
		}
		if bytes.Contains(raw, []byte("<!DOCTYPE")) && bytes.HasPrefix(bytes.TrimSpace(raw), []byte("<!DOCTYPE")) {
			t.Error("a document type went through")
		}
	})
}

// FuzzPackets: a panic while packets are read would end the program, for the library reads
// them in goroutines of its own.
func FuzzPackets(f *testing.F) {
	f.Add(true, []byte{4, 0x65, 0x80, 1, 2, 3, 0x7c, 0x85, 1}, uint16(7))
	f.Add(false, []byte{5, 0x26, 1, 0x80, 1, 2, 4, 0x62, 1, 0x93, 1}, uint16(65535))
	f.Fuzz(func(t *testing.T, avc bool, raw []byte, number uint16) {
		var k format.Format = &format.H265{PayloadTyp: 96}
		if avc {
			k = &format.H264{PayloadTyp: 96, PacketizationMode: 1}
		}
		_, c, err := codecOf(&description.Session{Medias: []*description.Media{{Type: description.MediaTypeVideo, Formats: []format.Format{k}}}})
		if err != nil {
			t.Fatal(err)
		}
		catch := &catcher{codec: c, got: make(chan shot, 1), ntp: func(*rtp.Packet) (time.Time, bool) { return time.Time{}, false }}
		for i := 0; len(raw) > 0; i++ {
			n := min(int(raw[0]&0x3f), len(raw)-1)
			catch.packet(&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: number + uint16(i), Marker: raw[0]&0x40 != 0, Timestamp: uint32(raw[0] >> 7)}, Payload: raw[1 : 1+n]})
			raw = raw[1+n:]
		}
		if len(catch.got) > 0 {
			s := <-catch.got
			if len(c.drawable(s.units)) == 0 {
				t.Error("a frame of nothing")
			}
		}
	})
}

// TestEveryCauseHasItsWords: in the catalogue of both languages, with what to do, and in
// docs/cameras.md.
func TestEveryCauseHasItsWords(t *testing.T) {
	doc, err := os.ReadFile("../../docs/cameras.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Causes {
		for _, lang := range i18n.Langs {
			words := i18n.Words(lang, "device.")
			for _, key := range []string{"device.cause.", "device.help."} {
				if words[key+string(c)] == "" {
					t.Errorf("%s has no %s%s", lang, key, c)
				}
			}
		}
		if !regexp.MustCompile(`(?m)^\| ` + "`" + string(c) + "`" + ` \|`).Match(doc) {
			t.Errorf("docs/cameras.md says nothing of %s", c)
		}
	}
}

func TestCleanLeavesNoSecret(t *testing.T) {
	r := New(Options{})
	for _, password := range []string{"a", "…", `"`, "\x00", "p p", "%41", "é\n", "aXbXa"} {
		s := Source{User: "u" + password, Password: password, Address: "http://h/x?y=" + password}
		x := &taking{Reader: r, s: s, home: &url.URL{Scheme: "http", Host: "h", Path: "/x", RawQuery: "y=z"}}
		for _, text := range []string{"no " + password + password, errors.New(s.User).Error() + ":" + password} {
			if got := x.clean(text); password != "…" && strings.Contains(got, password) {
				t.Errorf("%q stands in %q", password, got)
			}
		}
	}
}
