// Package cameratest makes cameras that are real to whoever reads them: servers on this
// machine that speak HTTP with sign-in, ONVIF with WS-Security and RTSP, and that fail in
// the ways in which cameras do. For tests, benchmarks and the demo.
//
// It checks what it is sent by itself and not with the code that it tests: digests are
// computed here again, and a proof of a password is held against the camera's own clock
// and taken once. It owns no registered camera and knows no check.
package cameratest
