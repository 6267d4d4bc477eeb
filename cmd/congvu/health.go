package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math"
	"net"
	"net/url"
	"os"
	"time"

	"congvu/evidence/blob/fileblob"
	"congvu/inspection"
	"congvu/inspection/installation"
	"congvu/migrations"
	"congvu/web"
)

// From when on a sign warns.
const (
	littleSpace  = 5 << 30             // bytes left, where a check brings some 30 MB of photographs
	noSpace      = 200 << 20           // bytes left: not enough for one check and the database's own work
	waitingLong  = 15 * time.Minute    // a small picture that waits longer than this
	oldBackup    = 26 * time.Hour      // a day, and two hours for a slow night
	oldReminders = 30 * time.Hour      // a day, and a morning for a copy that starts late
	clockDrift   = 2 * time.Second     // shown times are to the second
	certificates = 21 * 24 * time.Hour // renewals come a month before the end
	askedAtMost  = 5 * time.Second     // a part that does not answer by then does not answer
)

// doctor looks at every part of the installation.
type doctor struct {
	*program
	clock inspection.Clock
	own   *keyPair // the certificate that is served, if any
}

// health looks at the parts, each on its own: one that fails hides no other.
func (d *doctor) health(ctx context.Context, full bool) []web.Sign {
	ctx, cancel := context.WithTimeout(ctx, askedAtMost)
	defer cancel()
	signs := []web.Sign{{Key: "program", State: web.Well, Say: "ok", Params: inspection.Params{"version": version}}}
	signs = append(signs, d.database(ctx), d.schema(ctx), d.storage(ctx), d.disk())
	jobs := d.jobs(ctx)
	signs = append(signs, jobs, d.reminders(ctx), d.backups(ctx), d.drift(ctx))
	signs = append(signs, d.messages(ctx)...)
	if s, ok := d.certificate(ctx, full); ok {
		signs = append(signs, s)
	}
	return signs
}

// failed is a part that did not answer; why is for the log.
func failed(key string, state web.SignState, err error) web.Sign {
	if !errors.Is(err, context.Canceled) {
		slog.Warn("health", "part", key, "error", err)
	}
	return web.Sign{Key: key, State: state, Say: "failed"}
}

func (d *doctor) database(ctx context.Context) web.Sign {
	before := time.Now()
	var one int
	if err := d.db.WithContext(ctx).Raw("SELECT 1").Scan(&one).Error; err != nil {
		return failed("database", web.Bad, err)
	}
	kind := "SQLite"
	if d.db.Name() == "postgres" {
		kind = "PostgreSQL"
	}
	return web.Sign{Key: "database", State: web.Well, Say: "ok", Params: inspection.Params{"kind": kind, "ms": time.Since(before).Milliseconds()}}
}

func (d *doctor) schema(ctx context.Context) web.Sign {
	s, err := migrations.ReadStatus(ctx, d.db)
	p := inspection.Params{"current": s.Current, "newest": s.Newest}
	switch {
	case errors.Is(err, migrations.ErrNewer):
		return web.Sign{Key: "schema", State: web.Bad, Say: "newer", Params: p}
	case err != nil:
		return failed("schema", web.Bad, err)
	case s.Current < s.Newest:
		return web.Sign{Key: "schema", State: web.Bad, Say: "older", Params: p}
	}
	return web.Sign{Key: "schema", State: web.Well, Say: "ok", Params: p}
}

func (d *doctor) storage(ctx context.Context) web.Sign {
	h, err := d.store.Health(ctx)
	if err != nil {
		return failed("store", web.Bad, err)
	}
	if h.Free < 0 {
		return web.Sign{Key: "store", State: web.Well, Say: "unknown"}
	}
	return space("store", h.Free)
}

// disk is the data folder, where files arrive before they go to the store.
func (d *doctor) disk() web.Sign {
	if err := os.MkdirAll(d.config.Data, 0o700); err != nil {
		return failed("disk", web.Bad, err)
	}
	free, err := fileblob.Free(d.config.Data)
	if err != nil {
		return failed("disk", web.Bad, err)
	}
	return space("disk", free)
}

func space(key string, free int64) web.Sign {
	s := web.Sign{Key: key, State: web.Well, Say: "ok", Params: inspection.Params{"gb": math.Round(float64(free)/(1<<30)*10) / 10}}
	switch {
	case free < noSpace:
		s.State, s.Say = web.Bad, "full"
	case free < littleSpace:
		s.State, s.Say = web.Warn, "little"
	}
	return s
}

func (d *doctor) jobs(ctx context.Context) web.Sign {
	j, err := d.services.Evidence.Jobs(ctx)
	if err != nil {
		return failed("jobs", web.Warn, err)
	}
	overdue, err := d.services.Findings.Unacknowledged(ctx)
	if err != nil {
		return failed("jobs", web.Warn, err)
	}
	s := web.Sign{Key: "jobs", State: web.Well, Say: "ok", Params: inspection.Params{"waiting": j.Waiting, "failed": j.Failed, "coming": j.Coming, "overdue": overdue}}
	if j.Waiting > 0 && j.Oldest < d.clock.Now().Add(-waitingLong) {
		s.State, s.Say = web.Warn, "late"
	} else if j.Failed > 0 {
		s.State, s.Say = web.Warn, "broken"
	}
	return s
}

// reminders is when the daily run last gave them.
func (d *doctor) reminders(ctx context.Context) web.Sign {
	j, ok, err := installation.Daily(ctx, d.db, jobReminders)
	switch {
	case err != nil:
		return failed("reminders", web.Warn, err)
	case !ok:
		return web.Sign{Key: "reminders", State: web.Well, Say: "never"}
	}
	last := max(j.DoneAt, j.LeasedUntil)
	s := web.Sign{Key: "reminders", State: web.Well, Say: "ok", Params: inspection.Params{"at": last.Time().Format("15:04 02/01/2006")}}
	switch {
	case last < d.clock.Now().Add(-oldReminders):
		s.State, s.Say = web.Warn, "late"
	case j.DoneAt.IsZero():
		s.Say = "runs"
	}
	return s
}

// messages is how mail and webhooks go out; of webhooks nothing where there are none.
func (d *doctor) messages(ctx context.Context) []web.Sign {
	h, err := d.services.Notify.ReadHealth(ctx)
	if err != nil {
		return []web.Sign{failed("mail", web.Warn, err)}
	}
	mail := web.Sign{Key: "mail", State: web.Well, Say: "ok", Params: inspection.Params{"waiting": h.Waiting, "refused": h.Refused, "why": ""}}
	switch {
	case !h.Mails:
		mail.Say = "none"
	case h.Trouble != "" && h.Oldest < d.clock.Now().Add(-waitingLong):
		mail.State, mail.Say, mail.Params["why"] = web.Warn, "trouble", h.Trouble
		if h.Trouble == "sign_in" || h.Trouble == "tls" || h.Trouble == "unreachable" {
			mail.Say = h.Trouble
		}
	case h.Refused > 0:
		mail.State, mail.Say = web.Warn, "refused"
	}
	if !h.Tellable {
		return []web.Sign{mail}
	}
	hooks := web.Sign{Key: "webhooks", State: web.Well, Say: "ok", Params: inspection.Params{"n": h.Hooks, "off": h.Off, "failing": h.Failing, "waiting": h.Unsent}}
	switch {
	case h.Off > 0:
		hooks.State, hooks.Say = web.Warn, "off"
	case h.Failing > 0:
		hooks.State, hooks.Say = web.Warn, "failing"
	}
	return []web.Sign{mail, hooks}
}

func (d *doctor) backups(ctx context.Context) web.Sign {
	b, ok, err := installation.LastBackup(ctx, d.db)
	switch {
	case err != nil:
		return failed("backup", web.Warn, err)
	case !ok:
		return web.Sign{Key: "backup", State: web.Warn, Say: "never"}
	}
	s := web.Sign{Key: "backup", State: web.Well, Say: "ok", Params: inspection.Params{"at": b.TakenAt.Time().Format("15:04 02/01/2006"), "objects": b.Objects, "mb": b.Bytes >> 20}}
	if b.TakenAt < d.clock.Now().Add(-oldBackup) {
		s.State, s.Say = web.Warn, "old"
	}
	return s
}

func (d *doctor) drift(ctx context.Context) web.Sign {
	if d.db.Name() != "postgres" {
		return web.Sign{Key: "clock", State: web.Well, Say: "alone"}
	}
	ms, err := installation.Ahead(ctx, d.db, d.clock)
	if err != nil {
		return failed("clock", web.Warn, err)
	}
	s := web.Sign{Key: "clock", State: web.Well, Say: "ok", Params: inspection.Params{"ms": ms}}
	if ms > clockDrift.Milliseconds() || ms < -clockDrift.Milliseconds() {
		s.State, s.Say = web.Warn, "off"
	}
	return s
}

// certificate is the one that people's browsers see: the program's own, or, asked for in
// full, that of the public address. False where there is none to see.
func (d *doctor) certificate(ctx context.Context, full bool) (web.Sign, bool) {
	var until time.Time
	var err error
	switch at := d.config.PublicURL(); {
	case d.own != nil && d.own.cert != "":
		until, err = d.own.expires()
	case at.Scheme == "https" && full:
		until, err = presented(ctx, at)
	default:
		return web.Sign{}, false
	}
	if err != nil {
		return failed("certificate", web.Warn, err), true
	}
	s := web.Sign{Key: "certificate", State: web.Well, Say: "ok", Params: inspection.Params{"on": inspection.DateOf(until)}}
	switch now := d.clock.Now().Time(); {
	case until.Before(now):
		s.State, s.Say = web.Warn, "over"
	case until.Before(now.Add(certificates)):
		s.State, s.Say = web.Warn, "soon"
	}
	return s, true
}

// presented is when the certificate of an address ends. Whether it is trusted is the
// browsers' question: here only its end is read.
func presented(ctx context.Context, at *url.URL) (time.Time, error) {
	host := at.Host
	if at.Port() == "" {
		host = net.JoinHostPort(at.Hostname(), "443")
	}
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, ServerName: at.Hostname()}} //nolint:gosec // nothing is sent over it
	conn, err := dialer.DialContext(ctx, "tcp", host)
	if err != nil {
		return time.Time{}, err
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].NotAfter, nil
}

// beat writes every half minute that this copy runs, until the context ends.
func (p *program) beat(ctx context.Context, clock inspection.Clock) {
	row := installation.Instance{ID: inspection.NewID(), Version: version, StartedAt: clock.Now()}
	tick := time.NewTicker(installation.BeatEvery)
	defer tick.Stop()
	for {
		ahead, err := installation.Ahead(ctx, p.db, clock)
		if err == nil {
			row.Offset = ahead
		}
		row.SeenAt = clock.Now()
		if err := installation.Beat(ctx, p.db, row); err != nil && ctx.Err() == nil {
			slog.Error("writing that this copy runs", "error", err)
		}
		select {
		case <-ctx.Done():
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), askedAtMost)
			defer cancel()
			if err := installation.End(end, p.db, row.ID); err != nil {
				slog.Warn("taking this copy's row out", "error", err)
			}
			return
		case <-tick.C:
		}
	}
}
