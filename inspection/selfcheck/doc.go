// Package selfcheck owns self-inspection (tự kiểm tra, form SELF): what an office asks of
// its units, each unit's plan, what it says of itself on the items of a checklist, what it
// found short in itself and does about it, and how far that lies from what the next check
// finds.
//
// It does not own checks by a team (visit), their findings, scores and ranks: a
// self-inspection has no team, no sealed target, no minutes of two sides, no finding that
// the office follows up, and never a grade. It has no photographs either: files hang on
// checks, with rights of their own, and what a unit says of itself is no evidence. The
// arithmetic is score's; items that the program answers from its own records (H03) are
// not asked.
//
// Invariants: what was handed in never changes, neither its answers nor its count; a
// correction is a new revision with a reason, and the one that stands is the newest that
// was handed in; a unit has one self-inspection for a request; nothing is handed in with
// an item open; what is short in a unit belongs to all revisions and is marked done at any
// time. Before it is handed in nobody outside the unit sees more than that it is not. Who
// is in a team of inspectors does not read what a unit says of itself until a check by
// that team after it is concluded, in whatever other capacity they ask: what they look
// for must not be told them by who is looked at. The comparison is with what was said
// last before the check began, so that nothing can be put right after it.
package selfcheck
