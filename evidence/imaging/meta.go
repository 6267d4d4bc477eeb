package imaging

import (
	"io"
	"math"
	"strings"
	"time"

	"congvu/inspection"

	"github.com/bep/imagemeta"
)

// Meta is what the camera wrote into the file. It is a claim, not a proof.
type Meta struct {
	Orientation int                // EXIF 1 to 8; 1 when there is none
	TakenAt     inspection.Instant // DateTimeOriginal; without an offset taken as Vietnam's time; 0 when there is none
	Lat, Lng    *float64           // degrees WGS 84; nil when there is none
}

// wanted are the tags that are read, by the name that the library gives them.
var wanted = map[string]bool{"Orientation": true, "DateTimeOriginal": true, "OffsetTimeOriginal": true,
	"GPSLatitude": true, "GPSLatitudeRef": true, "GPSLongitude": true, "GPSLongitudeRef": true}

// readMeta never fails: metadata that cannot be read is metadata that is not there,
// and the photograph counts without it.
func readMeta(r io.ReadSeeker, t Type) (m Meta, width, height int) {
	m.Orientation = 1
	format := map[Type]imagemeta.ImageFormat{JPEG: imagemeta.JPEG, PNG: imagemeta.PNG, WebP: imagemeta.WebP, HEIC: imagemeta.HEIF}[t]
	if format == 0 {
		return m, 0, 0
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return m, 0, 0
	}
	tags := map[string]any{}
	// What was read before something was wrong still counts.
	result, _ := imagemeta.Decode(imagemeta.Options{
		R: r, ImageFormat: format, Sources: imagemeta.EXIF | imagemeta.CONFIG,
		LimitNumTags: 2000, LimitTagSize: 1000,
		ShouldHandleTag: func(tag imagemeta.TagInfo) bool {
			return strings.HasPrefix(tag.Namespace, "IFD0") && (wanted[tag.Tag] || strings.HasSuffix(tag.Tag, "IFD") || tag.Tag == "ExifOffset" || tag.Tag == "GPSInfo")
		},
		HandleTag: func(tag imagemeta.TagInfo) error {
			if _, seen := tags[tag.Tag]; !seen {
				tags[tag.Tag] = tag.Value
			}
			return nil
		},
	})
	if o, ok := number(tags["Orientation"]); ok && o >= 1 && o <= 8 {
		m.Orientation = int(o)
	}
	text := func(name string) string {
		s, _ := tags[name].(string)
		return strings.TrimSpace(strings.Trim(s, "\x00"))
	}
	m.TakenAt = takenAt(text("DateTimeOriginal"), text("OffsetTimeOriginal"))
	lat, ok1 := number(tags["GPSLatitude"])
	lng, ok2 := number(tags["GPSLongitude"])
	if ok1 && ok2 && lat >= 0 && lat <= 90 && lng >= 0 && lng <= 180 && (lat != 0 || lng != 0) {
		if strings.HasPrefix(text("GPSLatitudeRef"), "S") {
			lat = -lat
		}
		if strings.HasPrefix(text("GPSLongitudeRef"), "W") {
			lng = -lng
		}
		m.Lat, m.Lng = &lat, &lng
	}
	if c := result.ImageConfig; c.Width > 0 && c.Height > 0 && c.Width <= math.MaxInt32 && c.Height <= math.MaxInt32 {
		width, height = c.Width, c.Height
	}
	return m, width, height
}

func number(v any) (float64, bool) {
	var f float64
	switch n := v.(type) {
	case float64:
		f = n
	case float32:
		f = float64(n)
	case int:
		f = float64(n)
	case uint8:
		f = float64(n)
	case uint16:
		f = float64(n)
	case uint32:
		f = float64(n)
	case int16:
		f = float64(n)
	case int32:
		f = float64(n)
	case interface{ Float64() float64 }:
		f = n.Float64()
	default:
		return 0, false
	}
	return f, !math.IsNaN(f) && !math.IsInf(f, 0)
}

// takenAt reads EXIF's "2026:03:04 08:15:00" with an offset such as "+07:00".
func takenAt(value, offset string) inspection.Instant {
	zone := inspection.Zone
	if o, err := time.Parse("-07:00", offset); err == nil {
		_, seconds := o.Zone()
		zone = time.FixedZone(offset, seconds)
	}
	t, err := time.ParseInLocation("2006:01:02 15:04:05", value, zone)
	if err != nil || t.Year() < 1990 || t.Year() > 2200 {
		return 0
	}
	return inspection.At(t)
}
