// Package client speaks tandem.sync.v1 from the other side: it keeps a replica of a person's rows up to date over networks
// that come and go, and carries mutations to the server exactly once. The command line, the tests and the load generator
// use it.
//
// # Ordering and delivery
//
// Frames are applied in the order of arrival, by the goroutine of Run; callbacks run on it too and must not wait for the
// client. A mutation is sent in the order of its making, at most eight without an answer, and again after each reconnect
// until its final answer is there. The server gives the first result to a repeated mid, and the op_id in its arguments
// keeps it single even where the server forgot its mids.
package client
