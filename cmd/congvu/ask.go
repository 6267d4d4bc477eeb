package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/urfave/cli/v3"
)

// healthCommand asks the copy of the program that serves on this machine how it is: for
// container engines, which have no other tool inside.
func (m *Main) healthCommand() *cli.Command {
	return &cli.Command{Name: "health", Usage: "ask the program that serves here how it is; fails unless it is ready",
		Action: func(ctx context.Context, _ *cli.Command) error {
			c, err := m.config()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
			defer cancel()
			said, err := c.ask(ctx)
			if said != "" {
				fmt.Fprintln(m.Out, said)
			}
			return err
		}}
}

// ask reads readyz of the program that listens on the configured address.
func (c Config) ask(ctx context.Context) (string, error) {
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return "", err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return "", err
	}
	// It is this machine's own program: by what name its certificate calls it is no matter here.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New("not ready: " + response.Status)
	}
	return string(raw), err
}
