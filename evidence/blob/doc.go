// Package blob owns the contract of a store of bytes: Store, what it promises, and
// the errors it answers with. The stores themselves are fileblob, memblob and
// minioblob; blobtest is the suite that each of them passes.
//
// Invariants of every store: a key is written once and its bytes never change; a
// put whose size or hash is wrong, or whose reader fails, leaves nothing under the
// key; of several concurrent puts of one key exactly one succeeds.
//
// It does not know what the bytes are or who may see them: that is evidence.
package blob
