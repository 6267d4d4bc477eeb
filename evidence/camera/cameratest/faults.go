package cameratest

import (
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"time"
)

// quiet keeps broken connections, which are wanted here, out of the log.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// Slow sends a picture in ten pieces over a time.
func Slow(picture []byte, over time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/jpeg")
		for i := range 10 {
			if _, err := w.Write(picture[i*len(picture)/10 : (i+1)*len(picture)/10]); err != nil {
				return
			}
			if http.NewResponseController(w).Flush() != nil {
				return
			}
			select {
			case <-time.After(over / 10):
			case <-r.Context().Done():
				return
			}
		}
	})
}

// Hang never answers.
func Hang() http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
}

// Bytes sends just these.
func Bytes(kind string, raw []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(raw)
	})
}

// Endless sends so many bytes that begin as a JPEG does, announced or not, and tells how
// many went out.
func Endless(bytes int64, announced bool, sent func(int64)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/jpeg")
		if announced {
			w.Header().Set("Content-Length", strconv.FormatInt(bytes, 10))
		}
		piece := make([]byte, 64<<10)
		copy(piece, "\xff\xd8\xff\xe0")
		n := int64(0)
		for n < bytes {
			m, err := w.Write(piece[:min(int64(len(piece)), bytes-n)])
			n += int64(m)
			if err != nil {
				break
			}
			clear(piece[:4])
		}
		sent(n)
	})
}

// RedirectTo sends to another address.
func RedirectTo(address string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, address, http.StatusFound) })
}

// BreakOff announces a whole picture and closes the connection after half of it.
func BreakOff(picture []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/jpeg")
		w.Header().Set("Content-Length", strconv.Itoa(len(picture)))
		_, _ = w.Write(picture[:len(picture)/2])
		panic(http.ErrAbortHandler)
	})
}

// Deaf is a device that takes connections and never says a word, neither in HTTP nor in
// TLS nor in RTSP.
type Deaf struct {
	Address string // host:port
	l       net.Listener
	end     chan struct{}
}

// NewDeaf starts one.
func NewDeaf() (*Deaf, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &Deaf{Address: l.Addr().String(), l: l, end: make(chan struct{})}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				<-d.end
				_ = c.Close()
			}()
		}
	}()
	return d, nil
}

// Close ends it.
func (d *Deaf) Close() {
	_ = d.l.Close()
	close(d.end)
}
