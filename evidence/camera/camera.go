package camera

import (
	"errors"
	"time"

	"congvu/evidence/imaging"
	"congvu/inspection"
)

// Way is how a still is got from a device.
type Way string

// The ways.
const (
	HTTP  Way = "HTTP"  // an address that answers with a picture
	ONVIF Way = "ONVIF" // the device says where its stills are (ONVIF Media, GetSnapshotUri)
	RTSP  Way = "RTSP"  // one frame of a stream, H.264 or H.265
)

// Ways lists them.
var Ways = []Way{HTTP, ONVIF, RTSP}

// Source is where a still comes from.
type Source struct {
	Way      Way    `json:"way"`
	Address  string `json:"address"` // absolute, without user and password
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
	Profile  string `json:"profile,omitempty"` // ONVIF: token; empty: the first that gives a still
	Preset   string `json:"preset,omitempty"`  // ONVIF: token of the position to go to first; empty: as it stands
	Trust    string `json:"trust,omitempty"`   // SHA-256 of the certificate that is expected, lower-case hex; empty: the system's roots
}

// Look is what a still is at first sight.
type Look string

// The looks.
const (
	Fine    Look = "FINE"
	Black   Look = "BLACK"   // nothing to be seen: no light, or no picture
	Covered Look = "COVERED" // one flat surface
)

// Still is one picture of a device.
type Still struct {
	Data            []byte
	Type            imaging.Type
	Width, Height   int
	Asked           inspection.Instant // by our clock
	At              inspection.Instant // when the frame was there, by our clock
	CameraAt        inspection.Instant // the same by the camera's clock; zero where it does not tell
	Profile, Preset string             // as used
	Look            Look
	Pixels          string // SHA-256 over size and pixels, lower-case hex
}

// Drift is how far the camera's clock is ahead of ours; false where it does not tell.
func (s Still) Drift() (time.Duration, bool) {
	if s.CameraAt.IsZero() {
		return 0, false
	}
	return time.Duration(s.CameraAt-s.At) * time.Millisecond, true
}

// frozenAfter is how long two stills lie apart at least that can tell a frozen picture:
// some devices make a still once a second and give that to everybody.
const frozenAfter = 2 * time.Second

// Shown is what a still showed and when, without the picture.
type Shown struct {
	Pixels       string
	At, CameraAt inspection.Instant
}

// Frozen tells whether the picture stands still while time goes on: no sensor gives the
// same pixels twice.
func Frozen(before Shown, now Still) bool {
	if before.Pixels == "" || before.Pixels != now.Pixels {
		return false
	}
	if !before.CameraAt.IsZero() && !now.CameraAt.IsZero() {
		return now.CameraAt >= before.CameraAt.Add(frozenAfter)
	}
	return now.At >= before.At.Add(frozenAfter)
}

// Cause is why there is no still, or none that shows anything.
type Cause string

// The causes. docs/cameras.md says of each what to do.
const (
	Unreachable Cause = "UNREACHABLE"
	Timeout     Cause = "TIMEOUT"
	SignIn      Cause = "SIGN_IN"
	Certificate Cause = "CERTIFICATE"
	NotAllowed  Cause = "NOT_ALLOWED" // the address lies outside of the allowed ranges
	Redirect    Cause = "REDIRECT"    // to another host
	NotAnImage  Cause = "NOT_AN_IMAGE"
	TooLarge    Cause = "TOO_LARGE"
	BrokenOff   Cause = "BROKEN_OFF" // in the middle of a picture
	NoDecoder   Cause = "NO_DECODER" // ffmpeg is not installed
	Decoder     Cause = "DECODER"    // it failed
	NoStill     Cause = "NO_STILL"   // no profile, preset or stream that serves
	Protocol    Cause = "PROTOCOL"   // it does not speak as it should
	IsBlack     Cause = "BLACK"
	IsCovered   Cause = "COVERED"
	IsFrozen    Cause = "FROZEN"
)

// Causes lists them.
var Causes = []Cause{Unreachable, Timeout, SignIn, Certificate, NotAllowed, Redirect, NotAnImage, TooLarge, BrokenOff, NoDecoder, Decoder, NoStill,
	Protocol, IsBlack, IsCovered, IsFrozen}

// Error is a reading that failed. Err is for the log.
type Error struct {
	Cause     Cause
	Err       error
	Presented string // of a certificate that was refused, its SHA-256 in lower-case hex, to be compared with the device's own
}

func (e *Error) Error() string {
	if e.Err == nil {
		return "camera: " + string(e.Cause)
	}
	return "camera: " + string(e.Cause) + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// CauseOf is the cause of an error; Protocol for one that tells none.
func CauseOf(err error) Cause {
	var e *Error
	if errors.As(err, &e) {
		return e.Cause
	}
	return Protocol
}
