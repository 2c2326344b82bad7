// Package session lives one connection of the socket protocol from its upgrade to its close: hello, catching up, mutations,
// settings, chat, renewal of the token, limits and goodbyes.
//
// # Ordering and delivery
//
// A connection has three goroutines. The reader takes frames, answers sync, cancel and auth at once, and hands the rest to
// the worker, which carries it out in the order of arrival, one at a time. The writer takes frames from the connection's hub
// member and is the only one that writes; it also keeps the clocks. The handler returns when all three have ended.
//
// A mutation that was begun is finished even when the connection is lost; its outcome is stored under its mid and given
// again to the same mid. The worker's line holds 64 frames: what does not fit is refused as busy and costs nothing.
package session
