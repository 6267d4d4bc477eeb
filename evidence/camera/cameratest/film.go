package cameratest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
)

// Codec is how a film is coded.
type Codec string

// The codecs.
const (
	H264 Codec = "h264"
	H265 Codec = "hevc"
)

// Shot says what a film shows.
type Shot struct {
	Codec         Codec
	Width, Height int
	FPS           int    // default 15
	Seconds       int    // default 4; a keyframe every two
	Scene         string // for ffmpeg's lavfi, of the size {size} and the rate {rate}; default Moving
}

// What a film can show.
const (
	Moving  = "testsrc2=size={size}:rate={rate},noise=alls=12:allf=t"
	Black   = "color=black:size={size}:rate={rate},noise=alls=10:allf=t"
	Covered = "color=0x70605a:size={size}:rate={rate},noise=alls=8:allf=t"
)

// Film is coded video, frame by frame.
type Film struct {
	Shot
	Frames [][][]byte // the units of each frame
	Sets   [][]byte   // parameter sets: SPS and PPS, of H.265 VPS before them
}

// Make lets ffmpeg make a film.
func Make(ctx context.Context, s Shot) (*Film, error) {
	if s.FPS == 0 {
		s.FPS = 15
	}
	if s.Seconds == 0 {
		s.Seconds = 4
	}
	if s.Scene == "" {
		s.Scene = Moving
	}
	scene := s.Scene
	for from, to := range map[string]string{"{size}": fmt.Sprintf("%dx%d", s.Width, s.Height), "{rate}": strconv.Itoa(s.FPS)} {
		scene = string(bytes.ReplaceAll([]byte(scene), []byte(from), []byte(to)))
	}
	gop := strconv.Itoa(2 * s.FPS)
	rate := strconv.Itoa(2 * s.Width * s.Height) // 4 Mbit/s for 1920 × 1080, as recorders are set
	args := []string{"-hide_banner", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", scene, "-t", strconv.Itoa(s.Seconds), "-pix_fmt", "yuv420p", "-bf", "0", "-g", gop, "-preset", "ultrafast",
		"-b:v", rate, "-maxrate", rate, "-bufsize", rate}
	if s.Codec == H265 {
		args = append(args, "-c:v", "libx265", "-x265-params", "log-level=none:aud=1:repeat-headers=1:scenecut=0:bframes=0:keyint="+gop+":min-keyint="+gop+":open-gop=0")
	} else {
		args = append(args, "-c:v", "libx264", "-keyint_min", gop, "-sc_threshold", "0", "-x264-params", "aud=1:slices=2")
	}
	var out, says bytes.Buffer
	cmd := exec.CommandContext(ctx, "ffmpeg", append(args, "-f", string(s.Codec), "pipe:1")...)
	cmd.Stdout, cmd.Stderr = &out, &says
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("ffmpeg: %w: %s", err, says.Bytes())
	}
	f := &Film{Shot: s}
	f.cut(out.Bytes())
	want := 2
	if s.Codec == H265 {
		want = 3
	}
	if len(f.Frames) != s.FPS*s.Seconds || len(f.Sets) != want {
		return nil, fmt.Errorf("%d frames and %d parameter sets", len(f.Frames), len(f.Sets))
	}
	return f, nil
}

// cut takes a byte stream of Annex B apart; each frame begins with a delimiter.
func (f *Film) cut(raw []byte) {
	for _, unit := range bytes.Split(raw, []byte{0, 0, 1}) {
		unit = bytes.TrimRight(unit, "\x00") // the fourth zero of the next start code, and padding
		if len(unit) == 0 {
			continue
		}
		kind := f.kind(unit)
		switch {
		case kind == delimiter:
			f.Frames = append(f.Frames, nil)
			continue
		case kind == parameters && len(f.Frames) == 1:
			f.Sets = append(f.Sets, unit)
		}
		if n := len(f.Frames); n > 0 {
			f.Frames[n-1] = append(f.Frames[n-1], unit)
		}
	}
}

type kind int

const (
	other kind = iota
	delimiter
	parameters
	key
)

// kind of a unit: ITU-T H.264 table 7-1, H.265 table 7-1.
func (f *Film) kind(unit []byte) kind {
	if f.Codec == H265 {
		switch n := unit[0] >> 1 & 0x3f; {
		case n == 35:
			return delimiter
		case n >= 32 && n <= 34:
			return parameters
		case n >= 16 && n <= 21:
			return key
		}
		return other
	}
	switch unit[0] & 0x1f {
	case 9:
		return delimiter
	case 7, 8:
		return parameters
	case 5:
		return key
	}
	return other
}

// begins tells whether a frame is a picture by itself.
func (f *Film) begins(frame [][]byte) bool {
	for _, unit := range frame {
		if f.kind(unit) == key {
			return true
		}
	}
	return false
}

// Frozen is the film of a camera whose picture stands still: the same coded picture over
// and over.
func (f *Film) Frozen() (*Film, error) {
	for _, frame := range f.Frames {
		if f.begins(frame) {
			return &Film{Shot: f.Shot, Frames: [][][]byte{frame}, Sets: f.Sets}, nil
		}
	}
	return nil, errors.New("no picture")
}

// Spoilt is the film of a camera whose encoder sends rubbish under the right names.
func (f *Film) Spoilt() *Film {
	out := &Film{Shot: f.Shot, Sets: f.Sets}
	for _, frame := range f.Frames {
		var units [][]byte
		for _, unit := range frame {
			unit = bytes.Clone(unit)
			if k := f.kind(unit); k == key || k == other {
				for i := 3; i < len(unit); i++ {
					unit[i] = byte(i * 167)
				}
				unit = unit[:min(len(unit), 40)]
			}
			units = append(units, unit)
		}
		out.Frames = append(out.Frames, units)
	}
	return out
}
