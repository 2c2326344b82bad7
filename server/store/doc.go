// Package store is what the stores have in common and no database needs to be asked for: which tasks a list holds, in which order,
// and where its pages end; the steps of an edit, of a turn, of a change of settings; what a write logs; how an export is written and
// read.
//
// A store (package sqlite, package postgres) brings the statements, in the terms of its own SQL, as methods of its transaction. The
// interfaces that name them stand beside what runs over them. Nothing here writes a statement, and a method of a store is one.
package store
