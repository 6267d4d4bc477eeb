// Package checklist owns what a check asks: versioned checklists, their items with
// guidance and phrases, and the legal texts that the items rest on.
//
// It does not own the answers (visit) nor the arithmetic (score).
//
// Invariants: a published version never changes, neither its row nor anything that
// belongs to it (triggers refuse it); an item keeps one identity, its key, through
// all versions, whatever its code; the weights of a version add up to 100; a legal
// text is a dated record, and a citation keeps its own words beside the record.
package checklist
