// Package camera takes one still off one device: over HTTP, by ONVIF, or out of an RTSP
// stream. It knows no check, no desk and no database; package snapshot decides whether a
// still may be taken, and keeps it.
//
// Invariants:
//   - Only addresses within the allowed ranges are dialled, whoever names them: the
//     register, a name server, a redirect or the device itself.
//   - Every reading ends: bounded in time and bytes, and one that hangs holds up no other.
//   - What the camera sent over HTTP is given on as it came; of a stream one frame, drawn
//     by ffmpeg, is.
//   - No error, whatever it wraps, holds a password, a user name or an address with them.
package camera
