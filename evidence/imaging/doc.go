// Package imaging owns what is asked of the bytes of a file that somebody sends:
// what they are (by content, never by name), whether they are whole and within
// limits, what the camera wrote into them, and the pictures derived from them.
//
// Invariants: nothing is decoded before its header has been held against the limits
// (a picture of 50,000 × 50,000 pixels costs no memory); the pixels decoded at any
// moment in the process are bounded (Work); whatever is derived carries no metadata
// of the original; a box that is burnt in covers the pixels themselves.
//
// HEIC and PDF are recognised, bounded and stored as they are. HEIC is not decoded:
// the decoders that need no C are other projects' native code inside a WebAssembly
// module, which nobody here could audit; a tablet or phone that sends JPEG, as iOS
// does for a web page that asks for it, loses nothing. Colours are taken as sRGB.
//
// It knows no file's owner, name or place: that is evidence. Errors are
// inspection.Error with keys evidence.error.*.
package imaging
