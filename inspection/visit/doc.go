// Package visit owns one check of one organisation, mostly at one of its desks,
// on one day: the operations that were done on it, the answers they fold to, the
// attendance table, the minutes, the report, the conclusion and the frozen score.
//
// Everything done on a check is an operation. Operations are kept as they came,
// applied once however often they arrive, and never changed; what they mean is
// computed by one pure function (Fold), and the typed rows in the table answers
// are its projection, never edited by hand. A correction is a new operation; the
// old value stays. A term (of explaining, of the report, of the conclusion) that runs
// out on a day which became free runs on to the next working day (Postpone).
//
// The package does not own findings (package finding, which a check raises in its
// own transaction), the plan (package plan, which a check-in takes a target from)
// or photographs (known by id only; what must be known of them is asked through
// the interface Evidence).
package visit
