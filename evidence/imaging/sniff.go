package imaging

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Type is a media type that is accepted.
type Type string

// The accepted types; everything else is refused, whatever its name says.
const (
	JPEG Type = "image/jpeg"
	PNG  Type = "image/png"
	WebP Type = "image/webp"
	HEIC Type = "image/heic"
	PDF  Type = "application/pdf"
)

// Decodable tells whether pictures can be derived from the type.
func (t Type) Decodable() bool { return t == JPEG || t == PNG || t == WebP }

// Image tells whether the type is a picture.
func (t Type) Image() bool { return t.Decodable() || t == HEIC }

// Extension is the usual end of a file's name, with its dot.
func (t Type) Extension() string {
	switch t {
	case JPEG:
		return ".jpg"
	case PNG:
		return ".png"
	case WebP:
		return ".webp"
	case HEIC:
		return ".heic"
	case PDF:
		return ".pdf"
	}
	return ""
}

// SniffLen is how many first bytes Sniff wants to see.
const SniffLen = 512

var heicBrands = [][]byte{[]byte("heic"), []byte("heix"), []byte("heim"), []byte("heis"), []byte("hevc"), []byte("hevx")}

// Sniff tells the type by the first bytes of a file.
func Sniff(head []byte) (Type, bool) {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		return JPEG, true
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return PNG, true
	case len(head) >= 16 && string(head[:4]) == "RIFF" && string(head[8:15]) == "WEBPVP8":
		return WebP, true
	case bytes.HasPrefix(head, []byte("%PDF-")):
		return PDF, true
	case len(head) >= 16 && string(head[4:8]) == "ftyp":
		// ISO/IEC 14496-12 §4.3: size, "ftyp", major brand, minor version, compatible brands.
		size := int(min(binary.BigEndian.Uint32(head), uint32(len(head))))
		isHEIC := func(brand []byte) bool {
			return slices.ContainsFunc(heicBrands, func(b []byte) bool { return bytes.Equal(b, brand) })
		}
		major := head[8:12]
		if isHEIC(major) {
			return HEIC, true
		}
		if string(major) != "mif1" && string(major) != "msf1" {
			return "", false
		}
		for i := 16; i+4 <= size; i += 4 {
			if isHEIC(head[i : i+4]) {
				return HEIC, true
			}
		}
	}
	return "", false
}
