package camera

import (
	"encoding/hex"
	"net/url"
	"slices"

	"congvu/inspection"
)

var schemes = map[Way][]string{HTTP: {"http", "https"}, ONVIF: {"http", "https"}, RTSP: {"rtsp", "rtsps"}}

// maxAddress and the others bound what is written into the register, in characters.
const (
	maxAddress = 500
	maxToken   = 100
)

// Check looks at the form of a source. Code invalid, with fields.
func (s Source) Check() error {
	bad := inspection.E(inspection.Invalid, "error.invalid")
	if !slices.Contains(Ways, s.Way) {
		bad.Field("way", "device.error.way")
	}
	u, err := url.Parse(s.Address)
	switch {
	case err != nil || len(s.Address) > maxAddress || u.Host == "" || u.Hostname() == "" || u.Opaque != "" || u.Fragment != "":
		bad.Field("address", "device.error.address")
	case u.User != nil:
		bad.Field("address", "device.error.address_user")
	case !slices.Contains(schemes[s.Way], u.Scheme):
		bad.Field("address", "device.error.scheme")
	}
	for name, value := range map[string]string{"user": s.User, "password": s.Password, "profile": s.Profile, "preset": s.Preset} {
		if clean, ok := inspection.Text(value, maxToken); !ok || clean != value {
			bad.Field(name, "error.text")
		}
	}
	if raw, err := hex.DecodeString(s.Trust); s.Trust != "" && (err != nil || len(raw) != 32) {
		bad.Field("trust", "device.error.trust")
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}
