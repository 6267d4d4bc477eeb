package main

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"congvu/inspection"
	"congvu/migrations"
)

// A country's follow-up, all of it one chair's: so many findings, of which so many wait.
const (
	followUpAll   = 1_000_000
	followUpOpen  = 50_000
	followUpTeams = 100
)

// madeFollowUp fills an installation with findings over five years at 126 units and by 100
// teams, all under one issuer and one decision maker, which is more than anybody has.
func madeFollowUp(b *testing.B, d *demo, all, open int) {
	b.Helper()
	ctx := context.Background()
	check := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	offices, err := d.moreOffices(ctx)
	check(err)
	rows, err := d.db.Table("findings").Where("state = 'VERIFIED'").Order("id").Limit(1).Rows()
	check(err)
	columns, err := rows.Columns()
	check(err)
	template, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range template {
		into[i] = &template[i]
	}
	if !rows.Next() {
		b.Fatal("no finding to copy")
	}
	check(rows.Scan(into...))
	check(rows.Close())
	w, err := newBulk(ctx, d.db, map[string][]string{"findings": columns})
	check(err)
	defer w.close()
	at := func(name string) int { return slices.Index(columns, name) }
	teams := []any{template[at("team_id")]}
	for len(teams) < followUpTeams {
		teams = append(teams, inspection.NewID())
	}
	states := []string{"IN_REMEDIATION", "IN_REMEDIATION", "IN_REMEDIATION", "IN_REMEDIATION", "IN_REMEDIATION", "ASSIGNED", "SUBMITTED", "REINSPECT_DUE", "ACCEPTED", "RECORDED"}
	severities := []string{"MINOR", "MODERATE", "MINOR", "MAJOR", "MODERATE", "MINOR", "CRITICAL"}
	items := []string{"A01", "B03", "C03", "D01", "E02", "F02", "G01", "H04"}
	none := map[string]any{"handed_in_on": "", "submitted_by": nil, "review_due": "", "accepted_at": 0, "accepted_by": nil, "reinspect_from": "", "reinspect_due": "", "closed_at": 0,
		"drawn": false, "explain_due": "", "acknowledge_due": "", "interim_due": "", "escalated_at": 0}
	for i := range all {
		row := slices.Clone(template)
		set := func(name string, v any) { row[at(name)] = v }
		o := offices[i%len(offices)]
		age := 1 + i*5*365/all
		recorded := d.today.AddDays(-age)
		set("id", inspection.NewID())
		set("team_id", teams[(i/len(offices))%len(teams)])
		set("organisation_id", o.organisation)
		set("responsible_id", o.organisation)
		set("organisation_name", o.organisationName)
		set("desk_id", o.desk)
		set("desk_name", o.deskName)
		set("severity", severities[i%len(severities)])
		set("item_key", items[i%len(items)])
		set("item_code", items[i%len(items)])
		set("section", items[i%len(items)][:1])
		set("recorded_at", int64(inspection.At(recorded.Time())))
		set("due_on", string(recorded.AddDays(20)))
		set("closed_at", int64(inspection.At(recorded.AddDays(30).Time())))
		if i%(all/open) == 0 {
			for name, v := range none {
				set(name, v)
			}
			n := i / (all / open)
			state, due := states[n%len(states)], string(d.today.AddDays(n%121-60))
			set("state", state)
			set("due_on", due)
			switch state {
			case "ASSIGNED":
				set("acknowledge_due", string(d.today.AddDays(1)))
			case "SUBMITTED":
				set("review_due", due)
				set("handed_in_on", due)
			case "REINSPECT_DUE":
				set("reinspect_due", due)
				set("handed_in_on", due)
			case "ACCEPTED":
				set("severity", "MINOR")
				set("handed_in_on", due)
				set("accepted_by", template[at("accepted_by")])
			case "RECORDED":
				set("explain_due", due)
				set("due_on", "")
			}
		}
		w.rows["findings"] = append(w.rows["findings"], row)
		if len(w.rows["findings"]) == 50_000 || i == all-1 {
			write := w.insert
			if w.postgres {
				write = w.copy
			}
			check(write("findings", columns, w.rows["findings"]))
			w.rows["findings"] = nil
		}
	}
}

// BenchmarkFollowUp is the day's page of a head, a lead and a chair, and the daily run,
// with a million findings of which 50,000 wait.
func BenchmarkFollowUp(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent)) // as the program runs
	for _, database := range databases {
		b.Run(database, func(b *testing.B) {
			d, server := bench(b, database)
			madeFollowUp(b, d, followUpAll, followUpOpen)
			if err := migrations.Up(context.Background(), d.db); err != nil { // statistics, as a start makes them
				b.Fatal(err)
			}
			for _, who := range []struct{ name, username string }{{"head", "thutruong2"}, {"lead", "truongdoan"}, {"chair", "chutich"}} {
				b.Run("inbox/"+who.name, func(b *testing.B) {
					page := seenPage{path: "/inbox", cookie: signedIn(b, server, who.username)}
					var took []time.Duration
					for b.Loop() {
						for range 200 { // of a few, the 95th percentile would be the first
							begun := time.Now()
							if code, _ := page.get(server); code != http.StatusOK {
								b.Fatal(code)
							}
							took = append(took, time.Since(begun))
						}
					}
					report(b, took)
				})
			}
			for _, night := range []struct {
				name string
				day  int
			}{{"first", 0}, {"next", 1}} { // the first tells everything that has gathered
				b.Run("night/"+night.name, func(b *testing.B) {
					clock := inspection.NewManualClock(d.today.AddDays(night.day).Time().Add(7 * time.Hour))
					at := *d.program
					services, err := build(d.db, d.program.store, clock, Keys{Sessions: make([]byte, 32), Setup: make([]byte, 32), Receipts: make([]byte, 32), Devices: make([]byte, 32)}, d.program.config)
					if err != nil {
						b.Fatal(err)
					}
					at.services = services
					given, begun := 0, time.Now()
					for b.Loop() {
						n, err := at.remind(context.Background(), fmt.Sprint("bench ", night.day), clock)
						if err != nil {
							b.Fatal(err)
						}
						if given == 0 {
							given = n
							b.ReportMetric(time.Since(begun).Seconds(), "night-s")
							b.ReportMetric(float64(n), "reminders")
						}
					}
				})
			}
		})
	}
}
