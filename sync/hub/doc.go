// Package hub knows who is connected here. A user with connections has a room; signals that reach the room become frames in the
// queues of its members.
//
// # Ordering and delivery
//
// The log is the truth, a Signal is a hint. A room knows the number up to which its members were told. It tells a signal's
// delta when that is the next one, drops it when it is known, and reads the log when something in between is missing: once,
// however many members there are. Nothing is ever told from a signal alone that the log does not hold.
//
// A member sees contiguous numbers. It gets an ack only when everything up to the ack's number is in front of it in its queue.
//
// A member's queue is bounded. What does not fit is not kept: the deltas of the queue are dropped, and the member is told the
// difference to where it stands as one squashed delta when its connection takes the next frame. Acks that were dropped are
// made again from stored results; a turn whose events were dropped sends its state.
//
// Turn events carry their own numbers. A room follows every running turn, so that a member that joins late or lags gets the
// state and then the events behind it. What a room missed is asked of Turns.
//
// Reading the log, the snapshot and turns is done by the goroutines that call Member.Next and Hub.Join, one at a time for each
// room, so no goroutine is left over when they return. Run compares heads with the database and finds what every signal lost.
package hub
