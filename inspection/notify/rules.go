package notify

import (
	"strings"

	"congvu/inspection/finding"
	"congvu/inspection/org"
	"congvu/inspection/visit"
)

// Audience is to whom a message goes. The people are those who hold the role on the day
// on which it is made.
type Audience string

// The audiences.
const (
	Unit      Audience = "unit"      // head of the unit that answers now, who acts for them, and named contacts
	Lead      Audience = "lead"      // head and deputies of the team
	Secretary Audience = "secretary" // of the team
	Decider   Audience = "decider"   // who decides
	Chairs    Audience = "chairs"    // of the issuer
)

// Note is one line of the table: who is told, by which key of the catalogue.
type Note struct {
	To         Audience
	Key        string // notify.text.<Key> and notify.subject.<Key>
	Obligation bool   // mail cannot be switched off
	Quiet      bool   // in the program only: a mail would say what another one says
}

// Event is what the table looks at of a row of history. Data as the writers of the
// actions put it; what an action does not have is empty.
type Event struct {
	Action string
	From   string // states
	To     string
	Due    string // yyyy-mm-dd
	Clock  string // which deadline, of remind and escalate
	Mark   string // how many working days from the due day: T-3 … T+10
	Level  org.Level
	Quiet  bool // a later one that is given at the same time tells the same people
	Step   string
	Days   int64 // asked for, of finding.ask_extension
	Long   bool  // and these are more than the head of the team may give
	Again  bool  // of visit.state: the check is a re-inspection, in which nothing is explained
	Remote bool  // of visit.state: the check is a look from the office, whose minutes the unit gives its opinion on
}

// toUnit and its like spell lines of the table.
func toUnit(key string) []Note { return []Note{{To: Unit, Key: key}} }
func owedByUnit(key string) []Note {
	return []Note{{To: Unit, Key: key, Obligation: true}}
}
func toBoth(key string) []Note { return []Note{{To: Unit, Key: key}, {To: Lead, Key: key}} }
func back(key string) []Note {
	return []Note{{To: Unit, Key: key, Obligation: true}, {To: Lead, Key: key}}
}

// table is the whole of who is told of what, apart from clocks. An action that does not
// stand here makes nothing: what is planned, sealed or under way among them.
var table = map[string][]Note{
	"finding.explain":              {{To: Lead, Key: "explain"}, {To: Decider, Key: "explain"}},
	"finding.rule":                 toUnit("rule"),
	"finding.merge":                toUnit("merge"),
	"finding.withdraw":             toUnit("withdraw"),
	"finding.confirm":              {{To: Unit, Key: "confirm", Quiet: true}}, // the assignment follows
	"finding.assign":               owedByUnit("assign"),
	"finding.verify_on_site":       toUnit("verified"),
	"finding.ask_extension":        {{To: Lead, Key: "ask_extension"}}, // see Notes
	"finding.grant_extension":      toUnit("grant_extension"),
	"finding.refuse_extension":     toUnit("refuse_extension"),
	"finding.plan":                 {{To: Lead, Key: "plan"}},
	"finding.progress":             {{To: Lead, Key: "progress"}},
	"finding.submit":               {{To: Lead, Key: "submit"}},
	"finding.return":               owedByUnit("return"),
	"finding.accept":               toUnit("accept"),
	"finding.verify_on_documents":  toUnit("verified"),
	"finding.verdict_verified":     toBoth("verified"),
	"finding.verdict_partial":      back("partial"),
	"finding.verdict_not_remedied": back("not_remedied"),
	"finding.verdict_recurred":     back("recurred"),
	"finding.reopen":               back("reopen"),
	"finding.close_without_remedy": toBoth("close_without_remedy"),
	"finding.hold":                 toBoth("hold"),
	"finding.release":              toBoth("release"),

	"visit.state " + string(visit.MinutesOK):    owedByUnit("minutes"),
	"visit.state " + string(visit.MinutesNoSig): owedByUnit("minutes"),
	"visit.state " + string(visit.Cannot):       owedByUnit("cannot_inspect"),
	"visit.state " + string(visit.Reported):     {{To: Decider, Key: "reported"}},
	"recommendation.make":                       owedByUnit("recommended"),
	"recommendation.withdraw":                   toUnit("recommendation_withdrawn"),
	"recommendation.record":                     {{To: Decider, Key: "recorded"}, {To: Lead, Key: "recorded"}},

	"visit.state " + string(visit.Concluded): {{To: Unit, Key: "concluded"}, {To: Lead, Key: "concluded"}, {To: Secretary, Key: "concluded"}},
}

// clocks are the deadlines of which somebody is reminded, by whose they are. Of those of
// the office the unit is told nothing: when a re-inspection is due is not its to know.
var clocks = map[string]Audience{
	finding.ClockExplain: Unit, finding.ClockInterim: Unit, finding.ClockRemedy: Unit, finding.ClockPremises: Unit, finding.ClockRecord: Unit,
	finding.ClockReview: Lead, visit.ClockReport: Lead, finding.ClockReinspect: Lead,
	visit.ClockConclude: Decider,
}

// heard are the actions of which somebody may be told. Most rows of history are of others.
var heard = func() map[string]bool {
	all := map[string]bool{"finding.remind": true, "visit.remind": true, "recommendation.remind": true,
		"finding.escalate": true, "visit.escalate": true, "recommendation.escalate": true}
	for line := range table {
		action, _, _ := strings.Cut(line, " ")
		all[action] = true
	}
	return all
}()

// Notes is who is to be told of an event. Nothing is looked up: the rules are all here.
func Notes(e Event) []Note {
	switch e.Action {
	case "finding.remind", "visit.remind", "recommendation.remind":
		owner, ok := clocks[e.Clock]
		switch {
		case !ok:
			return nil
		case e.Mark == "T0":
			return []Note{{To: owner, Key: "remind_today", Obligation: true}}
		}
		return []Note{{To: owner, Key: "remind", Obligation: true}}
	case "finding.escalate", "visit.escalate", "recommendation.escalate":
		owner, ok := clocks[e.Clock]
		if !ok || e.Quiet || e.Level != org.TellHeads && e.Level != org.TellChair { // the last one stands in the chair's summary
			return nil
		}
		told := []Note{{To: owner, Key: "escalate", Obligation: true}}
		if owner != Lead {
			told = append(told, Note{To: Lead, Key: "escalate", Obligation: true})
		}
		if e.Level == org.TellChair {
			told = append(told, Note{To: Chairs, Key: "escalate", Obligation: true})
		}
		return told
	case "visit.state":
		if e.Again && (e.To == string(visit.MinutesOK) || e.To == string(visit.MinutesNoSig)) {
			return toUnit("minutes_again")
		}
		if e.Remote && e.To == string(visit.MinutesNoSig) {
			return owedByUnit("minutes_remote")
		}
	case "finding.ask_extension":
		if e.Long {
			return []Note{{To: Chairs, Key: "ask_extension"}}
		}
	}
	return table[e.line()]
}

// Public tells whether an event may be told to programs of others, if its subject is one
// that its unit may know of: what has a line in the table, but nothing of the office's
// own clocks.
func Public(e Event) bool {
	switch e.Action {
	case "finding.remind", "visit.remind", "recommendation.remind", "finding.escalate", "visit.escalate", "recommendation.escalate":
		return clocks[e.Clock] == Unit
	}
	return len(table[e.line()]) > 0
}

// line is the name of an event's line in the table.
func (e Event) line() string {
	if e.Action == "visit.state" {
		return e.Action + " " + e.To
	}
	return e.Action
}
