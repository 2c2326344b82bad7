// Package telemetry counts and logs. Metrics are in a registry of their own, with closed label sets, each combination there
// from the start; the core packages know it only as structs of funcs that the wiring fills.
package telemetry
