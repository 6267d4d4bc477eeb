package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"time"

	"congvu/web"

	"github.com/urfave/cli/v3"
)

func dirFS(path string) fs.FS { return os.DirFS(path) }

func (m *Main) serveCommand() *cli.Command {
	return &cli.Command{Name: "serve", Usage: "serve the pages, the tablet app and the API",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "dev", Usage: "read templates and assets from ./web at each request"}},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			return m.with(ctx, func(p *program) error { return m.serve(ctx, p, cmd.Bool("dev"), false, nil) })
		}}
}

// serve listens and serves until the context ends. listening is called with the
// address once the program answers.
func (m *Main) serve(ctx context.Context, p *program, dev, demo bool, listening func(address string)) error {
	if os.Getenv("GOMAXPROCS") == "" {
		// A call that waits for the disk holds on to one of these for a while, and each
		// photograph waits for the disk four times: with as many as processors some stood idle.
		runtime.GOMAXPROCS(2 * runtime.GOMAXPROCS(0))
	}
	proxies, err := web.ParseProxies(p.config.Proxies)
	if err != nil {
		return err
	}
	config := web.Config{URL: p.config.PublicURL(), Dev: dev, Root: sourceFS("."), Demo: demo,
		MaxBytes: p.config.MaxFileBytes, Version: version, Proxies: proxies}
	var figures *metrics
	if p.config.MetricsAddr != "" {
		if figures, err = newMetrics(p.db, p.services.Evidence); err != nil {
			return err
		}
		config.Observe = figures.observe
	}
	server, err := web.New(config, p.services)
	if err != nil {
		return err
	}
	certificate := &keyPair{cert: p.config.TLSCert, key: p.config.TLSKey}
	p.doctor.own = certificate
	if p.config.TLSCert != "" {
		if _, err := certificate.get(nil); err != nil {
			return fmt.Errorf("CONGVU_TLS_CERT and CONGVU_TLS_KEY: %w", err)
		}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", p.config.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", p.config.Addr, err)
	}
	profiled, err := profile(p.config.CPUProfile)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer profiled()
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	var workers sync.WaitGroup
	if figures != nil {
		at, err := new(net.ListenConfig).Listen(ctx, "tcp", p.config.MetricsAddr)
		if err != nil {
			stop()
			return errors.Join(fmt.Errorf("metrics: listen on %s: %w", p.config.MetricsAddr, err), listener.Close())
		}
		slog.Info("metrics", "address", at.Addr().String())
		workers.Go(func() { figures.serve(work, at) })
	}
	workers.Go(func() { p.services.Evidence.Deriver(max(1, runtime.NumCPU()/2), 5*time.Second).Run(work) })
	workers.Go(func() { p.tidy(work) })
	workers.Go(func() { p.beat(work, m.Clock) })
	workers.Go(func() { p.nightly(work, m.Clock) })
	workers.Go(func() { p.services.Notify.Run(work) })
	workers.Go(func() { p.services.Snapshots.Run(work) })
	defer func() { stop(); workers.Wait() }()
	if err := m.firstStart(ctx, p); err != nil {
		return err
	}
	slog.Info("listening", "address", listener.Addr().String(), "url", p.config.PublicURL().String())
	if listening != nil {
		listening(listener.Addr().String())
	}
	err = server.Run(ctx, &http.Server{}, func(s *http.Server) error {
		if p.config.TLSCert == "" {
			return s.Serve(listener)
		}
		s.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate.get}
		return s.ServeTLS(listener, "", "")
	})
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// firstStart tells the operator how the first account is made, once a start and only
// while there is none.
func (m *Main) firstStart(ctx context.Context, p *program) error {
	open, err := p.services.Auth.SetupOpen(ctx)
	if err != nil || !open {
		return err
	}
	address, code := p.config.PublicURL().JoinPath("setup").String(), p.services.Auth.SetupCode()
	fmt.Fprintf(m.Out, "Chưa có tài khoản nào. Mở %s và nhập mã thiết lập: %s\n", address, code)
	slog.Info("no account yet: open the address and enter the set-up code", "address", address, "code", code)
	return nil
}

// tidy lets assignments that nobody acknowledged in time be taken as acknowledged, and
// drops what nobody finished sending and the bytes of what was removed, every ten minutes; any number of copies may do it.
func (p *program) tidy(ctx context.Context) {
	tick := time.NewTicker(10 * time.Minute)
	defer tick.Stop()
	for {
		if _, err := p.services.Findings.AcknowledgeOverdue(ctx, 200); err != nil && ctx.Err() == nil {
			slog.Error("acknowledging overdue assignments", "error", err)
		}
		if _, err := p.services.Evidence.DropParts(ctx); err != nil && ctx.Err() == nil {
			slog.Error("dropping what nobody finished sending", "error", err)
		}
		if _, err := p.services.Evidence.DropSketches(ctx); err != nil && ctx.Err() == nil {
			slog.Error("dropping the sketches of what never came", "error", err)
		}
		if n, err := p.services.Evidence.DropRemoved(ctx); err != nil && ctx.Err() == nil {
			slog.Error("taking removed files out of the store", "error", err)
		} else if n > 0 {
			slog.Info("removed files have left the store", "files", n)
		}
		if err := p.services.Notify.Tidy(ctx); err != nil && ctx.Err() == nil {
			slog.Error("dropping the old log of webhooks", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
