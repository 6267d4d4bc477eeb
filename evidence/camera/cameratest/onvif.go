package cameratest

import (
	"crypto/sha1" //nolint:gosec // what WS-Security's UsernameToken asks for
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// envelope is read strictly: every name in the namespace that its standard gives it.
type envelope struct {
	XMLName xml.Name `xml:"http://www.w3.org/2003/05/soap-envelope Envelope"`
	Header  struct {
		Security *struct {
			Token struct {
				User     string `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd Username"`
				Password struct {
					Type  string `xml:"Type,attr"`
					Value string `xml:",chardata"`
				} `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd Password"`
				Nonce   string `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd Nonce"`
				Created string `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd Created"`
			} `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd UsernameToken"`
		} `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd Security"`
	} `xml:"http://www.w3.org/2003/05/soap-envelope Header"`
	Body struct {
		Action struct {
			XMLName xml.Name
			Profile string `xml:"ProfileToken"`
			Preset  string `xml:"PresetToken"`
		} `xml:",any"`
	} `xml:"http://www.w3.org/2003/05/soap-envelope Body"`
}

// services says which namespace is spoken at which address.
var services = map[string]string{
	"device_service": "http://www.onvif.org/ver10/device/wsdl",
	"media_service":  "http://www.onvif.org/ver10/media/wsdl",
	"ptz_service":    "http://www.onvif.org/ver20/ptz/wsdl",
}

// Profiles are the tokens of a device's profiles; the second has the stills too.
var Profiles = []string{"main", "sub"}

// Window is how long a proof of a password holds, either way, by the device's clock.
const Window = 5 * time.Minute

func (d *Device) soap(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var e envelope
	if err != nil || xml.Unmarshal(raw, &e) != nil || e.Body.Action.XMLName.Space != services[r.PathValue("service")] {
		d.fault(w, http.StatusBadRequest, "s:Sender", "ter:WellFormed", "not understood")
		return
	}
	action := e.Body.Action.XMLName.Local
	d.mu.Lock()
	d.asked[action]++
	d.bodies[action] = string(raw)
	d.mu.Unlock()
	if (action != "GetSystemDateAndTime" || d.o.ClockIsSecret) && d.o.User != "" && !d.proof(&e) {
		// A device that is careless with what it knows.
		d.fault(w, http.StatusBadRequest, "s:Sender", "ter:NotAuthorized", "Sender not Authorized, not "+d.o.User+" with "+d.o.Password)
		return
	}
	switch action {
	case "GetSystemDateAndTime":
		at := d.Now()
		d.reply(w, action, fmt.Sprintf(`<tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime>`+
			`<tt:Time><tt:Hour>%d</tt:Hour><tt:Minute>%d</tt:Minute><tt:Second>%d</tt:Second></tt:Time><tt:Date><tt:Year>%d</tt:Year><tt:Month>%d</tt:Month><tt:Day>%d</tt:Day></tt:Date>`+
			`</tt:UTCDateTime></tds:SystemDateAndTime>`, at.Hour(), at.Minute(), at.Second(), at.Year(), at.Month(), at.Day()))
	case "GetCapabilities":
		ptz := ""
		if d.o.Preset != "" {
			ptz = "<tt:PTZ><tt:XAddr>" + d.URL + "/onvif/ptz_service</tt:XAddr></tt:PTZ>"
		}
		d.reply(w, action, "<tds:Capabilities><tt:Media><tt:XAddr>"+d.URL+"/onvif/media_service</tt:XAddr></tt:Media>"+ptz+"</tds:Capabilities>")
	case "GetProfiles":
		list := ""
		for _, p := range Profiles {
			list += `<trt:Profiles token="` + p + `" fixed="true"><tt:Name>` + p + `</tt:Name><tt:VideoEncoderConfiguration token="v"><tt:Encoding>H264</tt:Encoding></tt:VideoEncoderConfiguration></trt:Profiles>`
		}
		d.reply(w, action, list)
	case "GetSnapshotUri":
		d.uri(w, action, d.o.SnapshotURI, d.Still())
	case "GetStreamUri":
		d.uri(w, action, d.o.StreamURI, None)
	case "GotoPreset":
		if e.Body.Action.Preset != d.o.Preset {
			d.fault(w, http.StatusBadRequest, "s:Sender", "ter:InvalidArgVal", "no such preset")
			return
		}
		d.mu.Lock()
		d.moving = d.o.Travel
		d.at = "on the way"
		if d.moving == 0 {
			d.at = d.o.Preset
		}
		d.mu.Unlock()
		d.reply(w, action, "")
	case "GetStatus":
		if d.o.SilentPTZ {
			d.mu.Lock()
			d.at = d.o.Preset
			d.mu.Unlock()
			d.fault(w, http.StatusBadRequest, "s:Receiver", "ter:ActionNotSupported", "no status")
			return
		}
		d.mu.Lock()
		state, x := "IDLE", 0.5
		if d.moving > 0 {
			d.moving--
			state, x = "MOVING", 0.5-float64(d.moving)/100
			if d.moving == 0 {
				d.at = d.o.Preset
			}
		}
		d.mu.Unlock()
		d.reply(w, action, fmt.Sprintf(`<tptz:PTZStatus><tt:Position><tt:PanTilt x="%.2f" y="0.1"/><tt:Zoom x="0"/></tt:Position>`+
			`<tt:MoveStatus><tt:PanTilt>%s</tt:PanTilt><tt:Zoom>IDLE</tt:Zoom></tt:MoveStatus></tptz:PTZStatus>`, x, state))
	default:
		d.fault(w, http.StatusInternalServerError, "s:Receiver", "ter:ActionNotSupported", action)
	}
}

func (d *Device) uri(w http.ResponseWriter, action, uri, own string) {
	if uri == "" {
		uri = own
	}
	if uri == None {
		d.fault(w, http.StatusInternalServerError, "s:Receiver", "ter:ActionNotSupported", "no such stream")
		return
	}
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(uri)) // a strings.Builder takes everything
	d.reply(w, action, "<trt:MediaUri><tt:Uri>"+b.String()+"</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect></trt:MediaUri>")
}

// proof holds a UsernameToken against the password, the clock and what was seen before.
func (d *Device) proof(e *envelope) bool {
	if e.Header.Security == nil {
		return false
	}
	t := e.Header.Security.Token
	nonce, err := base64.StdEncoding.DecodeString(t.Nonce)
	if err != nil || len(nonce) < 8 || t.User != d.o.User || !strings.HasSuffix(t.Password.Type, "#PasswordDigest") {
		return false
	}
	created, err := time.Parse(time.RFC3339, t.Created)
	if err != nil || created.Sub(d.Now()).Abs() > Window {
		return false
	}
	sum := sha1.Sum(append(append(nonce, t.Created...), d.o.Password...))
	if base64.StdEncoding.EncodeToString(sum[:]) != t.Password.Value {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	seen := d.proofs[t.Nonce]
	d.proofs[t.Nonce] = true
	return !seen
}

// Said is the last request for an action, as it came.
func (d *Device) Said(action string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.bodies[action]
}

func (d *Device) reply(w http.ResponseWriter, action, inside string) {
	prefix := map[string]string{"GetSystemDateAndTime": "tds", "GetCapabilities": "tds", "GotoPreset": "tptz", "GetStatus": "tptz"}[action]
	if prefix == "" {
		prefix = "trt"
	}
	d.envelope(w, http.StatusOK, "<"+prefix+":"+action+"Response>"+inside+"</"+prefix+":"+action+"Response>")
}

func (d *Device) fault(w http.ResponseWriter, status int, code, subcode, reason string) {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(reason)) // a strings.Builder takes everything
	d.envelope(w, status, "<s:Fault><s:Code><s:Value>"+code+"</s:Value><s:Subcode><s:Value>"+subcode+"</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang=\"en\">"+b.String()+"</s:Text></s:Reason></s:Fault>")
}

func (d *Device) envelope(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/soap+xml; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:ter="http://www.onvif.org/ver10/error" xmlns:tt="http://www.onvif.org/ver10/schema"`+
		` xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:tptz="http://www.onvif.org/ver20/ptz/wsdl"><s:Body>`+body+"</s:Body></s:Envelope>")
}
