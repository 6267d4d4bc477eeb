// Package history owns the append-only event rows: one row per change of state,
// operation, decision, view of what is restricted, and export, written in the
// transaction of what it records. The row is the event: messages, webhooks and
// the ledger read rows by cursor, and nothing is written twice.
//
// Invariants: a row is never changed or deleted (triggers refuse it); its body is
// canonical JSON (RFC 8785) that carries a random salt, and its hash is the
// SHA-256 of that text; it holds ids, codes, figures and hashes of texts, never a
// name or free text.
//
// It does not own who may see an event: the packages that own the subject decide.
package history
