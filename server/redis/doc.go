// Package redis lets many processes act as one towards a person: signals between them, who is connected where, and shared limits.
//
// Nothing in Redis is the truth. All of it may be lost at any time (a restart, FLUSHALL, a cut connection) and is made again; while
// Redis is out of reach every process goes on by itself.
//
// # Ordering and delivery
//
// Channels tells a signal to the members of its own process before Publish returns, whether Redis is there or not. The members of other
// processes get it through one queue and one connection, so the signals of one process arrive in the order in which they were
// published, at most once. What did not arrive is noticed:
//
//   - A subscriber that was cut off, or that could not keep up, gets a signal with Lost set once it is subscribed again.
//   - A publisher that was cut off remembers the highest number of each user, and tells it as a Head when it is back. Controls and
//     the ends of turns are kept and told then.
//   - A connection that looks well but carries nothing is found by a probe, which takes the way of every other signal, and replaced.
//
// Deliveries come from a few goroutines, each of which serves a share of the users. A member that blocks holds up its share and no
// more, and what does not fit meanwhile becomes a Lost.
package redis
