// Package finding owns what a check found wrong and what becomes of it: the story
// from the record to its end, the unit's explanations and extensions, steps of the
// remedy, plans for premises, terms, repetition, what is recommended about
// responsibility, and acts on many findings at once.
//
// It knows checks by id only and does not own files: Evidence, joined by cmd/congvu,
// answers the few questions that it has about them. It does not own the score; it
// hands out the facts that the score and the on-time share need.
//
// Invariants: the table in machine.go is the whole of what may happen, and every
// change goes through Next; each change is one transaction of row, step and history
// row; a finding keeps the unit as it was at the check, and apart from that who
// answers now; a due date keeps its start, its number of working days and its
// calendar, and moves to the next working day when its own becomes free (Postpone); who
// submitted never accepts, who accepted never alone verifies; OVERDUE is computed from
// the due date, never stored. An act on many is one act for each finding, with the rights
// that its maker has when it is done, some minutes later. What is assigned to a unit that was split is assigned anew
// by who decides.
package finding
