package store

import "tandem"

// Account is a user's row: what every write reads first and bumps last.
type Account struct {
	Seq           tandem.Seq
	Floor         tandem.Seq
	Numbers       int64    // of tasks that were made
	Conversations int64    // that were made
	Tasks         [3]int64 // by status
}

// Fields lists where its columns go: seq, floor, numbers, conversations, pending, completed, deleted.
func (a *Account) Fields() []any {
	return []any{&a.Seq, &a.Floor, &a.Numbers, &a.Conversations, &a.Tasks[Pending], &a.Tasks[Completed], &a.Tasks[Deleted]}
}
