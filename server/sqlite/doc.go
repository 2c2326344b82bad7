// Package sqlite is the embedded store: one file, one process, the truth about every user's tasks and conversations.
//
// # Ordering and delivery
//
// There is one writer. A write runs under its lock from BEGIN IMMEDIATE to COMMIT, so the numbers of a user are contiguous and
// commits happen in their order. DB.OnCommit is called after COMMIT and outside of the lock, one write after the other, before the
// method that wrote returns: whoever acknowledges a write can rely on its delta being out. Readers work on snapshots of their
// own and never wait for the writer.
//
// A write that has begun is not given up when its context ends; one that waits for the lock is.
package sqlite
