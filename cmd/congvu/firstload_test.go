package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// TestAPartOfTheAppThatDoesNotComeIsFetchedAgain: on the very first start, when one of the
// app's files is lost on the way, the page does not stay empty.
func TestAPartOfTheAppThatDoesNotComeIsFetchedAgain(t *testing.T) {
	t.Parallel()
	program := start(t, "demo", nil)
	to, err := url.Parse(program.base)
	if err != nil {
		t.Fatal(err)
	}
	var lost atomic.Int64
	proxy := httputil.NewSingleHostReverseProxy(to)
	line := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/fold.js") && lost.Add(1) == 1 {
			panic(http.ErrAbortHandler) // the connection breaks
		}
		r.Host = to.Host
		proxy.ServeHTTP(w, r)
	}))
	defer line.Close()
	address, err := url.Parse(line.URL)
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, "http://localhost:"+address.Port(), "first", tablet)
	b.app()
	if lost.Load() < 2 {
		t.Errorf("the lost file was asked for %d times", lost.Load())
	}
}
