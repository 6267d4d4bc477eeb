package visit

import (
	"maps"
	"math/big"
	"slices"
	"strings"

	"congvu/inspection"
	"congvu/inspection/score"
)

var one = big.NewRat(1, 1)

// forScore is an item as package score takes it. An item whose answer was
// corrected is scored by the correction, wherever its value came from before.
func (it Item) forScore(a Answer) score.Item {
	s := score.Item{Key: it.Key, Code: it.Code, Section: it.Section, Response: it.Response, Source: it.Source,
		Weight: it.Weight, Target: it.Target, ZeroAt: it.ZeroAt, Applies: it.Applies}
	if a.Original != nil {
		s.Source = score.FromAnswer
		if s.Response != score.RATE3 && a.Value != score.Count {
			s.Response = score.YN
		}
	}
	return s
}

func (a Answer) forScore() score.Answer {
	return score.Answer{Value: a.Value, Compliant: a.Of - a.Failing, Of: a.Of}
}

// failed tells whether one answer falls short of its item. "Đạt" of the three-step
// scale is not a failure, though it does not earn the full mark.
func failed(it score.Item, a Answer) bool {
	if a.Value == "" || a.Value == score.NA || a.Value == score.Fair3 {
		return false
	}
	lines := score.Compute(score.Input{Items: []score.Item{it}, Answers: map[string]score.Answer{it.Key: a.forScore()}}).Items
	return len(lines) == 1 && lines[0].R != nil && lines[0].R.Cmp(one) < 0
}

// Attendance is the sums of the head count, nil before it has begun.
func (s *State) Attendance(rules Rules) *score.Attendance {
	if s.CountedAt.IsZero() {
		return nil
	}
	rows := make([]score.Row, 0, len(s.Rows))
	for _, r := range s.Rows {
		row := score.Row{Required: r.Required, Present: r.Present != nil && *r.Present, Reason: r.Reason,
			Documented: r.Documented, Badge: r.Badge, Dress: r.Dress}
		if m, err := inspection.ParseMinute(r.Arrived); err == nil && row.Present {
			row.Arrived = &m
		}
		rows = append(rows, row)
	}
	sum := score.Summarise(inspection.MinuteOf(s.CountedAt), rules.Hours, rows)
	return &sum
}

// ScoreInput is the check as package score takes it, without what is known only
// at the conclusion.
func (s *State) ScoreInput(rules Rules) score.Input {
	in := score.Input{Answers: map[string]score.Answer{}, Attendance: s.Attendance(rules)}
	for _, it := range rules.Items {
		a := s.Answers[it.Key]
		in.Items = append(in.Items, it.forScore(a))
		if a.Value != "" {
			in.Answers[it.Key] = a.forScore()
		}
	}
	return in
}

// Failed tells whether an item, answered or counted, falls short.
func (s *State) Failed(rules Rules, it Item) bool {
	a := s.Answers[it.Key]
	if it.Source == score.FromAnswer || a.Original != nil {
		return failed(it.forScore(a), a)
	}
	line, counted := s.counted(rules, it)
	return counted && line.R != nil && line.R.Cmp(one) < 0
}

// Assessed tells whether the head count says anything of an item that it answers: counted
// outside the working hours nobody has to be there, and a share of nobody is none.
func (s *State) Assessed(rules Rules, it Item) bool {
	line, counted := s.counted(rules, it)
	return !counted || !line.NA
}

// counted is how an item is scored by the head count, where that is what answers it.
func (s *State) counted(rules Rules, it Item) (score.ItemLine, bool) {
	a := s.Answers[it.Key]
	if it.Source != score.FromAttendance || a.Original != nil || s.CountedAt.IsZero() {
		return score.ItemLine{}, false
	}
	lines := score.Compute(score.Input{Items: []score.Item{it.forScore(a)}, Attendance: s.Attendance(rules)}).Items
	if len(lines) != 1 {
		return score.ItemLine{}, false
	}
	return lines[0], true
}

// What is still open on an item.
const (
	NeedsAnswer     = "ANSWER"
	NeedsPhoto      = "PHOTO"
	NeedsUpload     = "UPLOAD"
	NeedsAttendance = "ATTENDANCE"
	NeedsVerdict    = "VERDICT"
	NeedsChoice     = "CHOICE" // two who did not know of each other said different things
)

// Open is one thing that is missing before a check can be finished. Subject is
// the key of an item, the id of a finding under re-inspection, of a row or of its post.
type Open struct {
	What    string
	Subject string
	Code    string // of the item
	File    string // of an upload
}

// Still lists what is missing before the check can be finished, in the order of
// the checklist. files tells what has become of each: one that was given up is no
// photograph, and nobody waits for it.
func (s *State) Still(rules Rules, files map[string]FileState) []Open {
	var open []Open
	arrived := func(images []Image) (n int) {
		for _, i := range images {
			if files[i.File] == Arrived && i.Of == "" {
				n++
			}
		}
		return n
	}
	for _, id := range rules.Findings {
		if _, ok := s.Verdicts[id]; !ok {
			open = append(open, Open{What: NeedsVerdict, Subject: id})
		}
		if arrived(s.Photos[id]) == 0 {
			open = append(open, Open{What: NeedsPhoto, Subject: id})
		}
	}
	switch {
	case rules.Remote:
		open = append(open, s.remoteOpen(rules, arrived)...)
	case len(rules.Findings) == 0:
		open = append(open, s.attendanceOpen(rules)...)
		for _, it := range rules.Items {
			if !it.Applies {
				continue
			}
			a := s.Answers[it.Key]
			if it.Source == score.FromAnswer && a.Value == "" {
				open = append(open, Open{What: NeedsAnswer, Subject: it.Key, Code: it.Code})
				continue
			}
			needs := it.Photo == PhotoAlways && a.Value != score.NA || it.Photo == PhotoFailure && s.Failed(rules, it)
			if needs && arrived(s.Photos[it.Key]) == 0 {
				open = append(open, Open{What: NeedsPhoto, Subject: it.Key, Code: it.Code})
			}
		}
	}
	for _, register := range slices.Sorted(maps.Keys(s.Conflicts())) {
		kind, subject, _ := strings.Cut(register, "/")
		if kind == "minutes" || kind == "finding" { // they wait until the minutes are signed
			continue
		}
		it, _ := rules.Item(subject)
		open = append(open, Open{What: NeedsChoice, Subject: subject, Code: it.Code})
	}
	keys := make([]string, 0, len(s.Photos))
	for key := range s.Photos {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		it, _ := rules.Item(key)
		for _, image := range s.Photos[key] {
			if state := files[image.File]; state != Arrived && state != GivenUp {
				open = append(open, Open{What: NeedsUpload, Subject: key, Code: it.Code, File: image.File})
			}
		}
	}
	return open
}

func (s *State) attendanceOpen(rules Rules) []Open {
	counted := slices.ContainsFunc(rules.Items, func(it Item) bool { return it.Applies && it.Source == score.FromAttendance })
	if !counted {
		return nil
	}
	if s.CountedAt.IsZero() || len(s.Rows) == 0 {
		return []Open{{What: NeedsAttendance}}
	}
	var open []Open
	for _, r := range s.Rows {
		if r.Present == nil || !*r.Present && r.Required && r.Reason == "" {
			open = append(open, Open{What: NeedsAttendance, Subject: r.ID})
		}
	}
	return open
}

// Drafted is the findings that the failed items draft: default severity and text
// unless the team has said otherwise. Items that the record answers (AUTO) draft
// none: what they count has findings of its own.
func (s *State) Drafted(rules Rules) []Draft {
	var drafts []Draft
	for _, it := range rules.Items {
		if !it.Applies || !s.Failed(rules, it) {
			continue
		}
		d, ok := s.Drafts[it.Key]
		if !ok {
			d = Draft{Item: it.Key, Severity: it.Severity}
		}
		drafts = append(drafts, d)
	}
	return drafts
}
