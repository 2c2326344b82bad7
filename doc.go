// Package tandem holds the nouns of the product and the pure rules that decide every change: tasks, wall-clock due dates,
// recurrence, reminders, events, and the log that carries them. It performs no I/O.
//
// A change is an Edit: the store loads the Scene it names, asks the Edit's Decide for a Plan, and commits rows, log and
// events in one transaction with the next number of the user's sequence. Decide sees nothing but the Scene, so the same
// function serves the real call, the dry run and the property test.
package tandem
