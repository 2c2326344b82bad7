// Package dapr is the distributed mode's adapter: topics on Kafka, timers by Dapr Jobs, idempotency keys and a cache in Dapr's
// state stores, secrets, and calls from app to app. A process talks to the sidecar beside it through a Client, and the sidecar
// talks back to its Callback.
//
// # Ordering and delivery
//
// Publish keeps the order of a user's events on a topic and reports which are safe on the broker. Delivery is at least once and
// may repeat: a broker, a sidecar or this process may die between the effect and its acknowledgement. A partition is taken
// one event after the other, so events of one user reach a consumer in order; after an acknowledgement was lost the same
// event comes again, and while partitions move two processes can hold one event at once.
//
// An event is never lost by an error. What no one can ever take (not an event, not of its topic, refused by the handler as
// invalid) is published to the topic's dead letters with its reason and then acknowledged. An error of infrastructure is
// retried for ever. Any other error is counted, and sets the event aside after MaxAttempts.
//
// A timer fires at or after its time, at least once. It may fire after it was cancelled or moved, when the cancel came while it
// fired: whoever is called compares the generation in the name with the row.
//
// Keys and the cache may forget everything at any time. Both answer within half a second, or fail open.
package dapr
