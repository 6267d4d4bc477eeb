package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"congvu/evidence/camera"
	"congvu/evidence/snapshot"
	"congvu/inspection"
	"congvu/inspection/notify"

	"github.com/urfave/cli/v3"
)

// relayCommand stands beside cameras that the server does not reach: it asks the server
// for its jobs, reads the cameras and delivers. It opens no port.
func (m *Main) relayCommand() *cli.Command {
	return &cli.Command{Name: "relay", Usage: "trạm trung chuyển camera: takes stills where the server does not reach the cameras", ArgsUsage: "https://SERVER",
		Action: func(ctx context.Context, c *cli.Command) error {
			config, err := m.config()
			if err != nil {
				return err
			}
			server, err := url.Parse(strings.TrimSuffix(c.Args().First(), "/"))
			if err != nil || server.Host == "" || server.Path != "" || server.Scheme != "https" && (server.Scheme != "http" || !isHere(server.Hostname())) {
				return errors.New("the server's address is missing or is none: congvu relay https://congvu.example.vn (http:// only to this machine)")
			}
			key, err := relayKey(filepath.Join(config.Data, "relay.key"))
			if err != nil {
				return err
			}
			ranges, err := notify.ParsePrefixes(config.CameraRanges)
			if err != nil {
				return err
			}
			if len(ranges) == 0 {
				return errors.New("CONGVU_CAMERA_RANGES is empty: say in which networks the cameras lie, for example 192.168.1.0/24")
			}
			fmt.Fprintf(m.Out, "Khóa công khai của trạm (dán vào trang Trạm trung chuyển camera): %s\n", base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)))
			r := &relay{server: server, key: key, clock: m.Clock, reader: camera.New(camera.Options{Allowed: ranges, Clock: m.Clock}),
				client: &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
			return r.run(ctx)
		}}
}

// relayKey reads the key, or makes it at the first start.
func relayKey(path string) (ed25519.PrivateKey, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		raw, err = makeMaster(path) // 32 random bytes: the seed
	}
	if err != nil {
		return nil, fmt.Errorf("relay key: %w", err)
	}
	seed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(raw)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%s is no key of a relay", path)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

type relay struct {
	server *url.URL
	key    ed25519.PrivateKey
	clock  inspection.Clock
	reader *camera.Reader
	client *http.Client
	ahead  atomic.Int64 // how far the server's clock is ahead, as its answers say, in milliseconds
}

// relayPause is how long a relay waits after a failure, longer each time.
const (
	relayPause    = time.Second
	maxRelayPause = time.Minute
)

func (r *relay) run(ctx context.Context) error {
	var working sync.WaitGroup
	defer working.Wait()
	pause := relayPause
	for ctx.Err() == nil {
		jobs, err := r.jobs(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			slog.Warn("the server gives no jobs", "error", err, "again_in", pause.String())
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			pause = min(2*pause, maxRelayPause)
			continue
		}
		pause = relayPause
		for _, j := range jobs {
			working.Go(func() { r.do(ctx, j) })
		}
	}
	return nil
}

// send sends a signed request. A relay whose clock is wrong learns the server's from the
// refusal and asks again.
func (r *relay) send(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	for try := 0; ; try++ {
		req, err := http.NewRequestWithContext(ctx, method, r.server.String()+path, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		at := strconv.FormatInt(int64(r.clock.Now())+r.ahead.Load(), 10)
		req.Header.Set("Content-Type", "application/octet-stream")
		req.Header.Set("Accept", "application/json")
		req.Header.Set("Relay-Key", base64.StdEncoding.EncodeToString(r.key.Public().(ed25519.PublicKey)))
		req.Header.Set("Relay-Time", at)
		req.Header.Set("Relay-Signature", base64.StdEncoding.EncodeToString(ed25519.Sign(r.key, snapshot.Signed(method, path, at, body))))
		resp, err := r.client.Do(req)
		if err != nil {
			return nil, err
		}
		answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		resp.Body.Close()
		if err != nil {
			return nil, err
		}
		if resp.StatusCode < 300 {
			return answer, nil
		}
		date, err := http.ParseTime(resp.Header.Get("Date"))
		if resp.StatusCode != http.StatusUnauthorized || err != nil || try > 0 {
			return nil, fmt.Errorf("%s: %s", resp.Status, bytes.TrimSpace(answer[:min(len(answer), 300)]))
		}
		r.ahead.Store(date.Sub(r.clock.Now().Time()).Milliseconds())
	}
}

func (r *relay) jobs(ctx context.Context) ([]snapshot.Job, error) {
	raw, err := r.send(ctx, http.MethodPost, "/relay/v1/jobs", nil)
	if err != nil {
		return nil, err
	}
	var jobs []snapshot.Job
	return jobs, json.Unmarshal(raw, &jobs)
}

// deliverFor is how long a relay tries to deliver what it took: after that the server has
// given the job to its next question.
const deliverFor = 40 * time.Second

// do takes one still and delivers it.
func (r *relay) do(ctx context.Context, j snapshot.Job) {
	still, err := r.reader.Take(ctx, j.Source)
	done := time.Now()
	d := snapshot.Delivery{CameraAt: still.CameraAt, Profile: still.Profile, Preset: still.Preset}
	if err != nil {
		d.Cause = camera.CauseOf(err)
		slog.Warn("a camera gave no still", "job", j.ID, "error", err)
	} else {
		done = done.Add(-r.clock.Now().Time().Sub(still.At.Time())) // looking at it took a while
	}
	ctx, cancel := context.WithTimeout(ctx, deliverFor)
	defer cancel()
	for pause := relayPause; ; pause *= 2 {
		d.AgeMS = time.Since(done).Milliseconds()
		line, err := json.Marshal(d)
		if err == nil {
			_, err = r.send(ctx, http.MethodPut, "/relay/v1/jobs/"+j.ID, append(append(line, '\n'), still.Data...))
		}
		if err == nil {
			return
		}
		slog.Warn("a still was not delivered", "job", j.ID, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}
