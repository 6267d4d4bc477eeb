package camera

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtp"
)

// codec is what this package must know of a kind of video: how ffmpeg calls it, how its
// frames come out of packets, and which of them begins a picture.
type codec struct {
	name    string
	format  format.Format
	sets    [][]byte // parameter sets of the description
	decode  func(*rtp.Packet) ([][]byte, error)
	isSet   func(unit []byte) bool // parameters
	isKey   func(unit []byte) bool // a slice of a frame that needs no other
	isFirst func(unit []byte) bool // and is its first
}

// codecOf finds a stream that can be read.
func codecOf(d *description.Session) (*description.Media, *codec, error) {
	var avc *format.H264
	if m := d.FindFormat(&avc); m != nil {
		decoder, err := avc.CreateDecoder()
		if err != nil {
			return nil, nil, fail(NoStill, err)
		}
		sps, pps := avc.SafeParams()
		return m, &codec{name: "h264", format: avc, sets: [][]byte{sps, pps}, decode: decoder.Decode,
			// ITU-T H.264 §7.3.1, table 7-1: types 5, 7 and 8; §7.3.3: first_mb_in_slice is ue(v), 0 is a single 1.
			isSet:   func(u []byte) bool { return u[0]&0x1f == 7 || u[0]&0x1f == 8 },
			isKey:   func(u []byte) bool { return u[0]&0x1f == 5 },
			isFirst: func(u []byte) bool { return len(u) > 1 && u[1]&0x80 != 0 },
		}, nil
	}
	var hevc *format.H265
	if m := d.FindFormat(&hevc); m != nil {
		decoder, err := hevc.CreateDecoder()
		if err != nil {
			return nil, nil, fail(NoStill, err)
		}
		vps, sps, pps := hevc.SafeParams()
		return m, &codec{name: "hevc", format: hevc, sets: [][]byte{vps, sps, pps}, decode: decoder.Decode,
			// ITU-T H.265 §7.4.2.2, table 7-1: 16 to 21 are pictures to begin with, 32 to 34 parameters; §7.3.6.1:
			// first_slice_segment_in_pic_flag.
			isSet:   func(u []byte) bool { return u[0]>>1&0x3f >= 32 && u[0]>>1&0x3f <= 34 },
			isKey:   func(u []byte) bool { return u[0]>>1&0x3f >= 16 && u[0]>>1&0x3f <= 21 },
			isFirst: func(u []byte) bool { return len(u) > 2 && u[2]&0x80 != 0 },
		}, nil
	}
	return nil, nil, fail(NoStill, errors.New("no video in H.264 or H.265"))
}

// whole tells a frame that can be drawn by itself: it needs no other, and begins with its
// first slice.
func (c *codec) whole(frame [][]byte) bool {
	for _, unit := range frame {
		if len(unit) > 0 && c.isKey(unit) {
			return c.isFirst(unit)
		}
	}
	return false
}

// drawable is what of a frame is needed to draw it, behind the parameters of the
// description. What else cameras put there, of their own making too, is not ffmpeg's to
// stumble over.
func (c *codec) drawable(frame [][]byte) (out [][]byte) {
	for _, unit := range slices.Concat(c.sets, frame) {
		if len(unit) > 0 && (c.isSet(unit) || c.isKey(unit)) {
			out = append(out, unit)
		}
	}
	return out
}

// shot is the frame that was waited for.
type shot struct {
	units [][]byte
	at    time.Time // by the camera's clock; zero where it does not tell
}

// catcher takes the first whole frame out of packets.
type catcher struct {
	codec *codec
	ntp   func(*rtp.Packet) (time.Time, bool)
	once  sync.Once
	got   chan shot

	next    uint16 // number of the packet that must come
	begun   bool
	damaged bool
}

func (c *catcher) packet(p *rtp.Packet) {
	if c.begun && p.SequenceNumber != c.next {
		c.damaged = true
	}
	c.begun, c.next = true, p.SequenceNumber+1
	units, err := c.codec.decode(p)
	if err != nil {
		return // more packets, or a frame whose beginning nobody saw
	}
	damaged := c.damaged
	c.damaged = false
	if damaged || !c.codec.whole(units) {
		return
	}
	c.once.Do(func() {
		at, ok := c.ntp(p)
		if !ok {
			at = time.Time{}
		}
		c.got <- shot{units, at}
	})
}

// stream takes the first whole frame out of a stream.
func (t *taking) stream(ctx context.Context, address string) (frame, error) {
	u, err := base.ParseURL(address)
	if err != nil || u.Hostname() == "" {
		return frame{}, fail(Protocol, errors.New("the device names a stream whose address is none"))
	}
	u.User = nil
	plain := t.mayBePlain(u.Hostname(), u.Scheme)
	if t.s.User != "" && (plain || u.Scheme == "rtsp") { // what goes to another host over TLS cannot be looked at
		u.User = url.UserPassword(t.s.User, t.s.Password)
	}
	tcp := gortsplib.ProtocolTCP
	client := &gortsplib.Client{
		Scheme: u.Scheme, Host: u.Host, Protocol: &tcp, UserAgent: "congvu",
		ReadTimeout: t.limits.Whole, WriteTimeout: t.limits.Connect,
		TLSConfig:     t.trust(u.Hostname()),
		DialContext:   t.dialOnly(ctx, u, plain),
		OnPacketsLost: func(uint64) {}, OnDecodeError: func(error) {}, OnTransportSwitch: func(error) {},
	}
	if err := client.Start(); err != nil {
		return frame{}, fail(Protocol, err)
	}
	defer client.Close()

	d, _, err := client.Describe(u)
	if err != nil {
		return frame{}, spoken(err)
	}
	media, c, err := codecOf(d)
	if err != nil {
		return frame{}, err
	}
	// ffmpeg starts while the camera still prepares itself and the frame is on its way.
	drawing, err := t.prepare(ctx, c.name)
	if err != nil {
		return frame{}, err
	}
	defer drawing.stop()
	if _, err := client.Setup(d.BaseURL, media, 0, 0); err != nil {
		return frame{}, spoken(err)
	}
	catch := &catcher{codec: c, got: make(chan shot, 1), ntp: func(p *rtp.Packet) (time.Time, bool) { return client.PacketNTP(media, p) }}
	client.OnPacketRTP(media, c.format, catch.packet)
	if _, err := client.Play(nil); err != nil {
		return frame{}, spoken(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- client.Wait() }()
	var s shot
	select {
	case s = <-catch.got:
	case err := <-ended:
		return frame{}, spoken(err)
	case <-ctx.Done():
		return frame{}, ctx.Err()
	}
	f := frame{at: t.clock.Now(), cameraAt: told(s.at)}
	f.data, f.img, err = drawing.draw(ctx, c.drawable(s.units))
	return f, err
}

// mayBePlain tells whether the password itself may go to a host: to nobody but who stands
// in the register, and not in the clear where that is reached over TLS.
func (t *taking) mayBePlain(host, scheme string) bool {
	secret := func(scheme string) bool { return scheme == "https" || scheme == "rtsps" }
	return strings.EqualFold(host, t.home.Hostname()) && (secret(scheme) || !secret(t.home.Scheme))
}

// guarded is a connection over which the password does not go as it is: the library would
// give it to whoever asks.
type guarded struct{ net.Conn }

func (g guarded) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("Authorization: Basic ")) {
		return 0, fail(SignIn, errors.New("another host wants the password in the clear"))
	}
	return g.Conn.Write(p)
}

// dialOnly dials the host of an address and no other, whatever the device answers; the
// password itself goes there only where plain.
func (t *taking) dialOnly(ctx context.Context, u *base.URL, plain bool) func(context.Context, string, string) (net.Conn, error) {
	port := u.Port()
	if port == "" {
		port = map[string]string{"rtsp": "554", "rtsps": "322"}[u.Scheme] // RFC 2326 §3.2, RFC 7826 §4.2
	}
	host := net.JoinHostPort(u.Hostname(), port)
	dialled := 0
	return func(_ context.Context, network, address string) (net.Conn, error) {
		if dialled++; address != host || dialled > maxRedirects {
			return nil, fail(Redirect, errors.New("it points to another host, or on and on"))
		}
		c, err := t.dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if c = leash(ctx, c, 4*t.limits.Bytes); !plain {
			c = guarded{c}
		}
		return c, nil
	}
}

// spoken gives the errors of the library their causes, where they have one.
func spoken(err error) error {
	var status liberrors.ErrClientBadStatusCode
	if errors.As(err, &status) {
		if err := refused(int(status.Code)); err != nil {
			return err
		}
	}
	var scheme liberrors.ErrClientAuthSetup
	if errors.As(err, &scheme) {
		return fail(SignIn, err)
	}
	return err
}
