// Package inproc holds the embedded mode's message roads: the user channels of the hub, the topic bus of the workers, and the
// timer of reminders. Each passes the same port suite as its distributed counterpart.
//
// # Ordering and delivery
//
// Channels deliver a signal to every member before Publish returns, in the order of publication per publisher. A member
// must not block. Nothing is kept for members that are not there: signals are hints.
//
// The Bus delivers at least once. Publish returns only when every group has taken the event or the event is in the dead
// letters, so a publisher that marks after Publish loses nothing when the process dies. A failing handler is tried again up
// to MaxAttempts times. Events of one user are delivered to one group one after the other.
//
// A Timer fires once for each name, at or after its time, unless it was cancelled or moved; where its owner could not take the
// call, again after a while. It keeps nothing over a restart: its owner sets it again from the store.
//
// Faults makes all three lose, repeat and reorder on demand.
package inproc
