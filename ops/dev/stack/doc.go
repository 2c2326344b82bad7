// Package stack starts the real services of the distributed mode without containers: PostgreSQL, PgBouncer, Redis, Apache Kafka, and
// Dapr's runtime, scheduler and sentry. Tests and the commands under ops/dev use it; the product never does.
//
// # Ordering and delivery
//
// A constructor returns when its service has answered a question, not when its process exists. Everything listens on 127.0.0.1, except
// the health and metrics ports of Dapr's control plane, which bind all interfaces in 1.16.0. Ports stay reserved for a component until its owner ends, so
// Start after Stop or Kill comes back on the same ports with the same data.
//
// Whatever was started ends with its owner, and also when this process is killed: the kernel signals the children of a dead parent. Folders
// that a killed process leaves behind are removed by the next one.
package stack
