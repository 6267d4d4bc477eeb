// Package snapshot owns the cameras over the desks and the stills that are asked of them:
// which camera hangs where and how it is read, who asked for a still and why, what came of
// it, and the relays that stand where the server does not reach.
//
// A still is asked for by an operation of a check and becomes a file of it like any
// photograph; a camera that gives none leaves that in its place, with the cause.
//
// Invariants:
//   - A still, never a stream: one picture a request, and without a request none. A trial
//     by an administrator is shown once and kept nowhere.
//   - No still without the notice to staff (Luật 91/2025/QH15, art. 25.3).
//   - More than Many a check, or later than Window after it was asked for, only with the
//     leave of the team's lead.
//   - Each request is decided once: TAKEN, FAILED, DECLINED or LAPSED, in the transaction
//     that writes it into the check.
//   - What a look from the office took and no finding needs goes after Kept, for good.
//   - User names and passwords of cameras are kept encrypted and shown to nobody.
//
// Package camera reads devices, package evidence keeps files; who may do what, and the
// check itself, are asked through Checks and Register, joined by cmd/congvu.
package snapshot
