// Package postgres is the store of many processes: the truth about every user's tasks and conversations in one Postgres
// database, which may lie behind a transaction-mode pooler.
//
// # Isolation
//
// Every statement runs in a transaction that says whose it is (app.user_id), and every table of a person's rows forces row-level
// security by it: a statement that forgot its "where user_id" still meets only one person's rows. The program's roles own
// nothing and cannot bypass it; Open refuses any that could. What is about everyone goes through functions of the role
// tandem_sweep, which give ids and numbers only.
//
// # Ordering and delivery
//
// A write locks its user's row first and commits with that row's next number, together with the change log and the outbox, in
// its last statement. So the numbers of a user are contiguous and commits happen in their order, in whichever process.
// DB.OnCommit is called after COMMIT, one write of a user after the other, before the method that wrote returns.
//
// A write that has begun is not given up when its context ends; one that waits for its turn is. A transaction that lost a race
// is run again, so the rule of an edit may run twice. Where the connection ends between COMMIT and its answer nobody knows
// whether the write is safe: the error is tandem.Unavailable, and a repetition under the same id gives the first result.
package postgres
