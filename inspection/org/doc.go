// Package org owns who exists and where they stand: administrative units and
// organisations with their lineage, desks, posts, people and the roles they hold,
// working calendars, the terms that an office sets (Deadline), who acts for a head for
// some days (Delegation), and the numbers of documents. It gives reminders of terms that
// others keep (GiveReminders), and decides rights: Can and its twin for lists, Scope.
//
// It does not own what is planned, visited or found; a subject of Can is plain
// facts that the owning package fills in.
//
// Invariants: everything is dated with a first and a last day (an empty border is
// open) and nothing is deleted; what changed in the world is a new dated row, what was
// never true is put right in place with a reason (a role given by mistake is void), and
// what it said stays in corrections, also of calendars; nothing that an administrator
// asks for is refused for what is planned; nothing is found by name, only by id or key,
// and homonyms are normal; an open border is bounded by the unit's ancestors; a lineage
// row's predecessor exists on the day before its act takes effect and its successor on
// that day, and what a whole became is recorded once; only WHOLE lineage carries
// anything over, and what it carries is derived on the day of asking (CapacitiesOf),
// never re-pointed; a new name is no other organisation: it keeps calendar and what lies
// below; a document number is given out once per issuer, type and year, without a hole,
// in the transaction that registers the document; the periods of one calendar's hours
// do not overlap, nor the same role of one person in one place; a term that runs keeps
// what it began with; a delegation counts as long as who gave it heads the unit, and
// binds nothing (BindUnit); a reminder is given once for a clock, its due day and its
// mark.
package org
