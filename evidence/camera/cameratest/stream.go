package cameratest

import (
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// StreamOptions make a Stream.
type StreamOptions struct {
	User, Password string // by digest, MD5 unless SHA256
	SHA256         bool
	TLS            bool
	Ahead          time.Duration // of its clock
	Silent         bool          // it does not tell its clock
	Phase          time.Duration // where in the film it begins
	Held           <-chan struct{}
	BreakOff       bool   // it closes the connection in the middle of a picture
	Missing        bool   // it has no stream of that name
	RedirectTo     string // it sends to another address
}

// Itself is the address of a stream that sends everybody to itself.
const Itself = "itself"

// Stream is a camera that plays a film over RTSP, again and again, as fast as it was
// filmed.
type Stream struct {
	URL         string
	Fingerprint string // of its certificate, where it has one

	o      StreamOptions
	film   *Film
	server *gortsplib.Server
	stream *gortsplib.ServerStream
	media  *description.Media
	encode func([][]byte) ([]*rtp.Packet, error)
	clock  uint32 // ticks of RTP per frame
	ssrc   uint32

	mu      sync.Mutex
	readers map[*gortsplib.ServerSession]*gortsplib.ServerConn
	end     chan struct{}
	done    chan struct{}
}

// Play starts a camera.
func Play(f *Film, o StreamOptions) (*Stream, error) {
	s := &Stream{o: o, film: f, readers: map[*gortsplib.ServerSession]*gortsplib.ServerConn{}, end: make(chan struct{}), done: make(chan struct{}), clock: uint32(90_000 / f.FPS)}
	s.server = &gortsplib.Server{Handler: s, RTSPAddress: "127.0.0.1:0", DisableRTCPSenderReports: true, WriteQueueSize: 4096, AuthMethods: []auth.VerifyMethod{auth.VerifyMethodDigestMD5}}
	if o.SHA256 {
		s.server.AuthMethods = []auth.VerifyMethod{auth.VerifyMethodDigestSHA256}
	}
	scheme := "rtsp"
	if o.TLS {
		c, err := NewCertificate("127.0.0.1")
		if err != nil {
			return nil, err
		}
		s.Fingerprint, scheme = Fingerprint(c), "rtsps"
		s.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{c}, MinVersion: tls.VersionTLS12}
	}
	s.server.Listen = func(network, at string) (net.Listener, error) {
		l, err := net.Listen(network, at)
		if err == nil {
			s.URL = fmt.Sprintf("%s://%s/stream", scheme, l.Addr())
		}
		return l, err
	}
	var forma format.Format
	if f.Codec == H265 {
		h := &format.H265{PayloadTyp: 96, VPS: f.Sets[0], SPS: f.Sets[1], PPS: f.Sets[2]}
		e, err := h.CreateEncoder()
		if err != nil {
			return nil, err
		}
		forma, s.encode = h, e.Encode
	} else {
		h := &format.H264{PayloadTyp: 96, PacketizationMode: 1, SPS: f.Sets[0], PPS: f.Sets[1]}
		e, err := h.CreateEncoder()
		if err != nil {
			return nil, err
		}
		forma, s.encode = h, e.Encode
	}
	s.media = &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{forma}}
	if err := s.server.Start(); err != nil {
		return nil, err
	}
	s.stream = &gortsplib.ServerStream{Server: s.server, Desc: &description.Session{Medias: []*description.Media{s.media}}}
	if err := s.stream.Initialize(); err != nil {
		s.server.Close()
		return nil, err
	}
	s.ssrc = s.stream.Stats().Medias[s.media].Formats[forma].LocalSSRC
	go s.run()
	return s, nil
}

// Close ends it.
func (s *Stream) Close() {
	close(s.end)
	<-s.done
	s.stream.Close()
	s.server.Close()
}

// run plays. Nothing is packed while nobody looks.
func (s *Stream) run() {
	defer close(s.done)
	if s.o.Held != nil {
		select {
		case <-s.o.Held:
		case <-s.end:
			return
		}
	}
	frame := time.Second / time.Duration(s.film.FPS)
	first := int(s.o.Phase/frame) % len(s.film.Frames)
	began := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := 0; ; n++ {
		timer.Reset(time.Until(began.Add(time.Duration(n) * frame)))
		select {
		case <-timer.C:
		case <-s.end:
			return
		}
		if conns := s.watching(); len(conns) > 0 {
			s.send(s.film.Frames[(first+n)%len(s.film.Frames)], uint32(n)*s.clock, conns)
		}
	}
}

// send sends a frame; with a picture the camera's clock.
func (s *Stream) send(frame [][]byte, ticks uint32, conns []*gortsplib.ServerConn) {
	packets, err := s.encode(frame)
	if err != nil {
		return
	}
	begins := s.film.begins(frame)
	for i, p := range packets {
		if begins && !s.o.Silent && (i == 0 || i == len(packets)-1) { // again before the last: who came between the clock and the picture has the whole picture
			_ = s.stream.WritePacketRTCP(s.media, &rtcp.SenderReport{SSRC: s.ssrc, NTPTime: ntp(time.Now().Add(s.o.Ahead)), RTPTime: ticks})
		}
		if begins && s.o.BreakOff && i == len(packets)/2 {
			for _, c := range conns {
				c.Close()
			}
			return
		}
		p.Timestamp = ticks
		_ = s.stream.WritePacketRTP(s.media, p) // who went away meanwhile misses nothing
	}
}

// ntp is a time in the format of RFC 5905 §6: seconds since 1900 and their fraction.
func ntp(at time.Time) uint64 {
	const from1900 = 2_208_988_800
	return uint64(at.Unix()+from1900)<<32 | uint64(at.Nanosecond())<<32/1_000_000_000
}

func (s *Stream) watching() (out []*gortsplib.ServerConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.readers {
		out = append(out, c)
	}
	return out
}

// Watching is how many look at it now.
func (s *Stream) Watching() int { return len(s.watching()) }

func (s *Stream) enter(c *gortsplib.ServerConn, r *base.Request) (*base.Response, error) {
	switch {
	case s.o.User != "" && !c.VerifyCredentials(r, s.o.User, s.o.Password):
		return &base.Response{StatusCode: base.StatusUnauthorized, StatusMessage: "not " + s.o.User + " with " + s.o.Password}, liberrors.ErrServerAuth{}
	case s.o.RedirectTo == Itself:
		return &base.Response{StatusCode: base.StatusMovedPermanently, Header: base.Header{"Location": {s.URL}}}, nil
	case s.o.RedirectTo != "":
		return &base.Response{StatusCode: base.StatusMovedPermanently, Header: base.Header{"Location": {s.o.RedirectTo}}}, nil
	case s.o.Missing:
		return &base.Response{StatusCode: base.StatusNotFound}, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnDescribe, OnSetup, OnPlay and OnSessionClose are called by the server.
func (s *Stream) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	r, err := s.enter(ctx.Conn, ctx.Request)
	if err != nil || r.StatusCode != base.StatusOK {
		return r, nil, err
	}
	return r, s.stream, nil
}

// OnSetup see OnDescribe.
func (s *Stream) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	r, err := s.enter(ctx.Conn, ctx.Request)
	if err != nil || r.StatusCode != base.StatusOK {
		return r, nil, err
	}
	return r, s.stream, nil
}

// OnPlay see OnDescribe.
func (s *Stream) OnPlay(ctx *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers[ctx.Session] = ctx.Conn
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnSessionClose see OnDescribe.
func (s *Stream) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.readers, ctx.Session)
}
