package visit

import (
	"slices"

	"congvu/inspection"
	"congvu/inspection/score"
)

// What each operation does to the state. An act that refuses has changed nothing.

func (s *State) checkIn(op Operation) error {
	var p CheckIn
	if err := decode(op.Payload, &p); err != nil {
		return err
	}
	if err := inspection.CheckID(p.Target); err != nil {
		return err
	}
	if p.Location == "" {
		p.Location = "UNKNOWN"
	}
	located := p.Latitude != nil && p.Longitude != nil
	if !slices.Contains([]string{"GIVEN", "DENIED", "UNKNOWN"}, p.Location) || (p.Location == "GIVEN") != located ||
		located && (*p.Latitude < -90 || *p.Latitude > 90 || *p.Longitude < -180 || *p.Longitude > 180) ||
		p.Accuracy != nil && (*p.Accuracy < 0 || *p.Accuracy > 1e7) {
		return inspection.E(inspection.Invalid, "visit.error.location")
	}
	s.CheckIn, s.Phase = p, Inspecting
	return nil
}

func (s *State) cannot(op Operation) error {
	var p CannotInspect
	if err := decode(op.Payload, &p); err != nil {
		return err
	}
	if p.Reason != "CLOSED" && p.Reason != "REFUSED" {
		return inspection.E(inspection.Invalid, "visit.error.cannot_reason").Field("reason", "error.required")
	}
	if err := texts(maxText, "words", &p.Words, "finding", &p.Finding); err != nil {
		return err
	}
	if err := texts(maxLine, "place", &p.Place, "witness", &p.Witness); err != nil {
		return err
	}
	for _, f := range []struct{ name, value string }{{"place", p.Place}, {"witness", p.Witness}} {
		if err := needed(f.name, f.value); err != nil {
			return err
		}
	}
	if p.Reason == "REFUSED" {
		if err := needed("words", p.Words); err != nil {
			return err
		}
	}
	if err := checkFiles("photos", p.Photos, maxPhotos); err != nil {
		return err
	}
	if len(p.Photos) == 0 {
		return inspection.E(inspection.Invalid, "visit.error.door_photo").Field("photos", "visit.error.door_photo")
	}
	if p.Finding != "" && !slices.Contains(severities, score.Severity(p.Severity)) {
		return inspection.E(inspection.Invalid, "visit.error.severity").Field("severity", "visit.error.severity")
	}
	s.Cannot, s.Phase, s.EndedAt = &p, Cannot, op.At()
	return nil
}

func (s *State) answer(rules Rules, op Operation) error {
	var p AnswerItem
	if err := decode(op.Payload, &p); err != nil {
		return err
	}
	it, ok := rules.Item(p.Item)
	if !ok {
		return unknownItem(p.Item)
	}
	if it.Source != score.FromAnswer {
		return inspection.E(inspection.Invalid, "visit.error.computed_item", "item", it.Code)
	}
	if err := p.check(it); err != nil {
		return err
	}
	old := s.Answers[it.Key]
	a := Answer{Value: p.Value, Of: p.Of, Failing: p.Failing, Dossiers: p.Dossiers, NAReason: p.NAReason,
		Note: old.Note, Fixed: old.Fixed, FixedBy: old.FixedBy, FixedAt: old.FixedAt,
		Operation: op.ID, Author: op.AuthorID, At: op.At()}
	short := failed(score.Item{Key: it.Key, Response: it.Response, Source: score.FromAnswer, Target: it.Target, ZeroAt: it.ZeroAt, Weight: 1, Applies: true}, a)
	if rules.Remote && p.Value != "" {
		if err := s.shown(rules, it, short); err != nil {
			return passed(err)
		}
	}
	if !short {
		a.Fixed, a.FixedBy, a.FixedAt = false, "", 0
	} else {
		s.wrong[it.Key] = true
	}
	s.Answers[it.Key] = a
	return nil
}

// check holds an answer against its item: a value of the response type, counts
// within their borders, a reason where it does not apply.
func (p *AnswerItem) check(it Item) error {
	if err := text("na_reason", &p.NAReason, maxLine); err != nil {
		return err
	}
	if p.Value == score.NA {
		if p.NAReason == "" {
			return inspection.E(inspection.Invalid, "visit.error.na_reason", "item", it.Code).Field("na_reason", "error.required")
		}
	} else if p.Value != "" {
		p.NAReason = ""
	}
	allowed := map[score.Response][]score.Value{
		score.YN: {score.Yes, score.No}, score.RATE3: {score.Good, score.Fair3, score.Poor},
		score.CNT: {score.Count}, score.SMP: {score.Count}, score.ATT: {score.Yes, score.No}, score.AUTO: {score.Yes, score.No},
	}[it.Response]
	if p.Value != "" && p.Value != score.NA && !slices.Contains(allowed, p.Value) {
		return inspection.E(inspection.Invalid, "visit.error.answer_value", "item", it.Code).Field("value", "visit.error.answer_value")
	}
	if p.Value != score.Count {
		if p.Of != 0 || p.Failing != 0 || len(p.Dossiers) > 0 {
			return inspection.E(inspection.Invalid, "visit.error.answer_value", "item", it.Code).Field("value", "visit.error.answer_value")
		}
		return nil
	}
	switch {
	case p.Of < 1 || p.Of > maxCount:
		return inspection.E(inspection.Invalid, "visit.error.count_of", "item", it.Code).Field("of", "visit.error.count_of")
	case p.Failing < 0:
		return inspection.E(inspection.Invalid, "visit.error.count_negative", "item", it.Code).Field("failing", "visit.error.count_negative")
	case p.Failing > p.Of:
		return inspection.E(inspection.Invalid, "visit.error.count_beyond", "item", it.Code, "failing", p.Failing, "of", p.Of).
			Field("failing", "visit.error.count_beyond")
	case len(p.Dossiers) > maxDossiers || len(p.Dossiers) > 0 && it.Response != score.SMP:
		return inspection.E(inspection.Invalid, "visit.error.dossiers", "item", it.Code).Field("dossiers", "visit.error.dossiers")
	}
	for i := range p.Dossiers {
		if err := text("dossiers", &p.Dossiers[i], 60); err != nil {
			return err
		}
	}
	return nil
}

func (s *State) correct(rules Rules, op Operation) error {
	var p Correct
	if err := decode(op.Payload, &p); err != nil {
		return err
	}
	it, ok := rules.Item(p.Item)
	if !ok {
		return unknownItem(p.Item)
	}
	if err := p.AnswerItem.check(it); err != nil {
		return err
	}
	if err := text("reason", &p.Reason, maxText); err != nil {
		return err
	}
	if err := needed("reason", p.Reason); err != nil {
		return err
	}
	old := s.Answers[it.Key]
	original := old.Original
	if original == nil {
		original = &old
	}
	s.Answers[it.Key] = Answer{Value: p.Value, Of: p.Of, Failing: p.Failing, Dossiers: p.Dossiers, NAReason: p.NAReason,
		Note: old.Note, Operation: op.ID, Author: op.AuthorID, At: op.At(), Original: original, Reason: p.Reason}
	return nil
}

func (s *State) note(rules Rules, op Operation) error {
	var p Note
	if err := decode(op.Payload, &p); err != nil {
		return err
	}
	if _, ok := rules.Item(p.Item); !ok {
		return unknownItem(p.Item)
	}
	if err := text("text", &p.Text, maxText); err != nil {
		return err
	}
	a := s.Answers[p.Item]
	a.Note = p.Text
	s.Answers[p.Item] = a
	return nil
}

func (s *State) fixed(rules Rules, op Operation) error {
	var p Fixed
	if err := decode(op.Payload, &p); err != nil {
		return err
	}
	it, ok := rules.Item(p.Item)
	if !ok {
		return unknownItem(p.Item)
	}
	a := s.Answers[p.Item]
	if p.Fixed && !s.Failed(rules, it) {
		if s.wrong[it.Key] { // somebody else has found it in order meanwhile
			return nil
		}
		return passed(inspection.E(inspection.Invalid, "visit.error.fixed_without_failure", "item", it.Code))
	}
	a.Fixed, a.FixedBy, a.FixedAt = p.Fixed, op.AuthorID, op.At()
	if !p.Fixed {
		a.FixedBy, a.FixedAt = "", 0
	}
	s.Answers[p.Item] = a
	return nil
}

// declared reads what an operation says of a file. That the size may be and that the
// check takes files is for evidence to say.
func declared(op Operation) (Declared, error) {
	var d Declared
	if err := decode(op.Payload, &d); err != nil {
		return d, err
	}
	if err := inspection.CheckID(d.File); err != nil {
		return d, err
	}
	if !slices.Contains(kinds, d.Kind) {
		return d, inspection.E(inspection.Invalid, "error.invalid").Field("kind", "error.invalid")
	}
	if d.Of != "" && (inspection.CheckID(d.Of) != nil || d.Of == d.File || d.Kind != "PHOTO") {
		return d, inspection.E(inspection.Invalid, "error.invalid").Field("of", "error.invalid")
	}
	return d, text("name", &d.Name, 2000)
}

// draw takes down on which photo a file was drawn; where it hangs already, because
// whoever hung it has a clock that is behind, it is a drawing from now on.
func (s *State) draw(d Declared) {
	s.drawn[d.File] = d.Of
	for key, images := range s.Photos {
		if at := slices.IndexFunc(images, func(i Image) bool { return i.File == d.File }); at >= 0 {
			images = slices.Clone(images)
			images[at].Of = d.Of
			s.Photos[key] = images
		}
	}
}

func (s *State) photo(rules Rules, op Operation) error {
	var p Photo
	if err := decode(op.Payload, &p); err != nil {
		return err
	}
	if err := inspection.CheckID(p.File); err != nil {
		return err
	}
	key := p.Item
	switch {
	case p.Finding != "" && p.Item == "":
		if !slices.Contains(rules.Findings, p.Finding) {
			return inspection.E(inspection.Invalid, "visit.error.unknown_finding")
		}
		key = p.Finding
	case p.Finding == "" && p.Item != "":
		it, ok := rules.Item(p.Item)
		if !ok {
			return unknownItem(p.Item)
		}
		if op.Type == OpPhoto && it.Photo == PhotoNoPeople && !p.NoPeople {
			return inspection.E(inspection.Invalid, "visit.error.no_people", "item", it.Code)
		}
	default:
		return inspection.E(inspection.Invalid, "visit.error.payload")
	}
	images := s.Photos[key]
	at := slices.IndexFunc(images, func(i Image) bool { return i.File == p.File })
	if op.Type == OpPhotoOff {
		if err := text("reason", &p.Reason, maxLine); err != nil {
			return err
		}
		if err := needed("reason", p.Reason); err != nil {
			return err
		}
		if at < 0 {
			if s.gone[key+p.File] { // somebody else has taken it off meanwhile
				return nil
			}
			return passed(inspection.E(inspection.Conflict, "visit.error.photo_gone"))
		}
		s.gone[key+p.File] = true
		s.Photos[key] = slices.Delete(slices.Clone(images), at, at+1)
		return nil
	}
	if at >= 0 {
		return nil
	}
	still, of := s.stillOfFile(p.File)
	if rules.Remote && !of {
		return passed(inspection.E(inspection.Invalid, "visit.error.still_only"))
	}
	if len(images) >= maxPhotos {
		return passed(inspection.E(inspection.Invalid, "visit.error.too_many_files", "max", maxPhotos))
	}
	s.Photos[key] = append(slices.Clone(images), Image{File: p.File, Author: op.AuthorID, At: op.At(), NoPeople: p.NoPeople, After: p.After, Camera: still.Asked.Camera, Of: s.drawn[p.File]})
	return nil
}

func (s *State) attendance(op Operation) error {
	switch op.Type {
	case OpAttendanceBegin:
		var p AttendanceBegin
		if err := decode(op.Payload, &p); err != nil {
			return err
		}
		if len(p.Rows) > maxRows {
			return inspection.E(inspection.Invalid, "visit.error.too_many_rows", "max", maxRows)
		}
		seen := map[string]bool{}
		for i := range p.Rows {
			if err := p.Rows[i].check(); err != nil {
				return err
			}
			if seen[p.Rows[i].ID] {
				return inspection.E(inspection.Invalid, "visit.error.payload")
			}
			seen[p.Rows[i].ID] = true
		}
		if s.CountedAt.IsZero() {
			s.CountedAt, s.Rows = op.At(), p.Rows
			return nil
		}
		for _, h := range s.Heads["attendance"] {
			if s.saw(op, "attendance", h) {
				return passed(inspection.E(inspection.Conflict, "visit.error.count_begun"))
			}
		}
		rows := slices.Clone(s.Rows) // two began without knowing: they count together
		for _, r := range p.Rows {
			if rowOf(rows, r) < 0 {
				rows = append(rows, r)
			}
		}
		s.Rows = rows
		return nil
	case OpAttendanceRow:
		var p Row
		if err := decode(op.Payload, &p); err != nil {
			return err
		}
		if err := p.check(); err != nil {
			return err
		}
		if s.CountedAt.IsZero() {
			return passed(inspection.E(inspection.Conflict, "visit.error.count_not_begun"))
		}
		rows := slices.Clone(s.Rows)
		if at := rowOf(rows, p); at >= 0 {
			p.ID = rows[at].ID
			rows[at] = p
		} else if len(rows) >= maxRows {
			return passed(inspection.E(inspection.Invalid, "visit.error.too_many_rows", "max", maxRows))
		} else {
			rows = append(rows, p)
		}
		s.Rows = rows
		return nil
	}
	var p AttendanceDrop
	if err := decode(op.Payload, &p); err != nil {
		return err
	}
	at := slices.IndexFunc(s.Rows, func(r Row) bool { return r.ID == p.ID })
	if at < 0 && s.gone[p.ID] { // somebody else has taken it out meanwhile
		return nil
	}
	if at < 0 || s.Rows[at].Post != "" {
		return passed(inspection.E(inspection.Invalid, "visit.error.row_of_roster"))
	}
	s.gone[p.ID] = true
	s.Rows = slices.Delete(slices.Clone(s.Rows), at, at+1)
	return nil
}

// rowOf is the place of a row among others: the same row, or the same post of the roster,
// which each tablet knows by an id of its own.
func rowOf(rows []Row, r Row) int {
	return slices.IndexFunc(rows, func(o Row) bool { return o.ID == r.ID || r.Post != "" && o.Post == r.Post })
}

func (s *State) draft(rules Rules, op Operation) error {
	var p Draft
	if err := decode(op.Payload, &p); err != nil {
		return err
	}
	it, ok := rules.Item(p.Item)
	if !ok {
		return unknownItem(p.Item)
	}
	if err := texts(maxText, "text", &p.Text, "remedy", &p.Remedy, "reason", &p.Reason); err != nil {
		return err
	}
	if !slices.Contains(severities, p.Severity) {
		return inspection.E(inspection.Invalid, "visit.error.severity").Field("severity", "visit.error.severity")
	}
	if p.Severity != it.Severity && p.Reason == "" {
		return inspection.E(inspection.Invalid, "visit.error.severity_reason", "item", it.Code).Field("reason", "error.required")
	}
	s.Drafts[it.Key] = p
	return nil
}

func (s *State) verdict(rules Rules, op Operation) error {
	var p Verdict
	if err := decode(op.Payload, &p); err != nil {
		return err
	}
	if !slices.Contains(rules.Findings, p.Finding) {
		return inspection.E(inspection.Invalid, "visit.error.unknown_finding")
	}
	if !slices.Contains(verdicts, p.Verdict) {
		return inspection.E(inspection.Invalid, "visit.error.verdict").Field("verdict", "visit.error.verdict")
	}
	if err := text("text", &p.Text, maxText); err != nil {
		return err
	}
	if p.Verdict != "VERIFIED" {
		if err := needed("text", p.Text); err != nil {
			return err
		}
	}
	s.Verdicts[p.Finding] = p
	return nil
}

func (s *State) minutes(op Operation) error {
	var p Minutes
	if err := decode(op.Payload, &p); err != nil {
		return err
	}
	if err := texts(maxText, "strengths", p.Strengths, "opinion", p.Opinion, "requests", p.Requests,
		"representatives", p.Representatives, "head_absent", p.HeadAbsent, "witnesses", p.Witnesses, "place", p.Place); err != nil {
		return err
	}
	m := &s.Minutes
	for _, f := range []struct {
		from *string
		to   *string
	}{{p.Strengths, &m.Strengths}, {p.Opinion, &m.Opinion}, {p.Requests, &m.Requests}, {p.Representatives, &m.Representatives},
		{p.HeadAbsent, &m.HeadAbsent}, {p.Witnesses, &m.Witnesses}, {p.Place, &m.Place}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	return nil
}

func (s *State) sign(op Operation) error {
	var p Signed
	if err := decode(op.Payload, &p); err != nil {
		return err
	}
	if err := texts(maxLine, "reason", &p.Reason, "witness", &p.Witness); err != nil {
		return err
	}
	if err := checkFiles("scans", p.Scans, maxPhotos); err != nil {
		return err
	}
	if s.Minutes.Representatives == "" {
		return inspection.E(inspection.Invalid, "visit.error.representatives").Field("representatives", "error.required")
	}
	if op.Type == OpSign {
		if len(p.Scans) == 0 {
			return inspection.E(inspection.Invalid, "visit.error.scan").Field("scans", "visit.error.scan")
		}
		if s.Minutes.Opinion == "" {
			return inspection.E(inspection.Invalid, "visit.error.opinion").Field("opinion", "error.required")
		}
		s.Phase = MinutesOK
	} else {
		for _, f := range []struct{ name, value string }{{"reason", p.Reason}, {"witness", p.Witness}} {
			if err := needed(f.name, f.value); err != nil {
				return err
			}
		}
		s.Phase = MinutesNoSig
	}
	s.Signed, s.SignedAt = &p, op.At()
	return nil
}

func unknownItem(key string) error {
	return inspection.E(inspection.Invalid, "visit.error.unknown_item", "item", key)
}
