// Package evidence owns the files that prove something: their declaration, the
// receipt of their bytes, what they hang on (links to check, item, finding, step and
// others), what is derived from them, and who may open which of it.
//
// Adding a file has three steps everywhere: declare (id, bytes, SHA-256, what it
// hangs on), send, receipt.
//
// Invariants:
//   - The original bytes are stored once under their SHA-256 and never changed. They
//     get that key only after size, hash, type, limits and wholeness were checked.
//   - What the law may want gone is kept under a key of its own instead (Deposit), and
//     nothing else can be removed (Remove); the row of what is removed stays.
//   - A declaration becomes RECEIVED only by bytes sent for it, even where the same
//     bytes are stored already because of another check: to know a hash is not to
//     have the photograph.
//   - Nobody outside of the team opens what the team took: they get the newest copy
//     that a member of the team has confirmed for sharing, and until there is one a
//     placeholder (Item without Shared). What a unit sent, the unit and the team open.
//   - What shows people or citizens' papers is RESTRICTED: its author and the team's
//     lead open it, with a reason, each time recorded; everybody else gets the
//     confirmed copy.
//   - History gets a row for every declaration, receipt, link, classification,
//     confirmation, loss, removal and restricted opening, in the same transaction.
//
// It does not know checks, findings or people: Rights, joined by cmd/congvu, tells it
// who somebody is to a check. Package blob keeps the bytes, imaging reads them.
package evidence
