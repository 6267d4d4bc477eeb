package camera_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"

	"congvu/evidence/camera"
	"congvu/evidence/camera/cameratest"
)

// TestThePasswordIsNotGivenToWhoeverAsksForItOverRTSP: a device of ONVIF names a stream on
// another host, or on its own without TLS, and that one wants basic sign-in.
func TestThePasswordIsNotGivenToWhoeverAsksForItOverRTSP(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "127.0.0.2"} {
		l, err := net.Listen("tcp", host+":0")
		if err != nil {
			t.Fatal(err)
		}
		told := make(chan string, 10)
		go wantsBasic(l, told)
		d := device(t, cameratest.Options{User: user, Password: password, TLS: true, SnapshotURI: cameratest.None, StreamURI: "rtsp://" + l.Addr().String() + "/s"})
		s := onvifSource(d)
		s.Trust = d.Fingerprint
		_, err = reader().Take(t.Context(), s)
		if camera.CauseOf(err) != camera.SignIn {
			t.Errorf("%s: %v", host, err)
		}
		_ = l.Close()
		select {
		case line := <-told:
			t.Errorf("%s was told %q", host, line)
		default:
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	told := make(chan string, 10)
	go wantsBasic(l, told)
	// The registered camera itself, without TLS, may have it: there is nothing better.
	_, _ = reader().Take(t.Context(), camera.Source{Way: camera.RTSP, Address: "rtsp://" + l.Addr().String() + "/s", User: user, Password: password})
	select {
	case <-told:
	default:
		t.Error("the registered camera was not told the password")
	}
}

// wantsBasic answers everything with a wish for basic sign-in, and tells what it was told.
func wantsBasic(l net.Listener, told chan<- string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = c.Close() }()
			lines, seq := bufio.NewScanner(c), ""
			for lines.Scan() {
				line := strings.TrimSpace(lines.Text())
				if v, ok := strings.CutPrefix(line, "CSeq: "); ok {
					seq = v
				}
				if strings.HasPrefix(line, "Authorization:") {
					told <- line
				}
				if line == "" {
					_, _ = fmt.Fprintf(c, "RTSP/1.0 401 Unauthorized\r\nCSeq: %s\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n", seq)
				}
			}
		}()
	}
}
