// Package sqlitepool opens an SQLite file the way the program uses it: one connection
// that writes, several that read beside it, and statements that each connection
// compiles once.
//
// SQLite lets one writer in at a time, and those who find the door shut sleep and try
// again while it may long be open. Here they stand in a queue inside the process, each
// let in when the one before has done. Other processes on the same file are waited for
// as the DSN says (busy_timeout).
//
// Brief transactions (BeginTx) that stand in the queue together share a commit: each has a
// savepoint of its own, sees what those before it did, and returns when all of it is on
// disk. One that is undone undoes nothing of the others; a commit that fails is told to
// all. The others have a commit of their own, so that nobody waits for a long one who has
// done.
//
// Invariants: everything that writes goes over the one connection, whole transactions
// too; a read over the others sees what was last committed. Whoever holds a transaction
// must not wait for a write outside of it, nor for anything that somebody who commits holds.
package sqlitepool
