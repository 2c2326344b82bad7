// Package store is what the stores have in common and no database needs to be asked for: which tasks a list holds, in which order,
// and where its pages end.
//
// A store (package sqlite, package postgres) brings the statements, in the terms of its own SQL, as the small interfaces that are
// declared beside what runs over them. Nothing here knows a table or writes a statement.
package store
