//go:build faults

package tandem

// OnFaultPoint is told of each pass of a fault point. It is set before anything else runs.
var OnFaultPoint = func(name string) {}

// FaultPoint names a place at which a death of the process must do no harm, and tells OnFaultPoint that it was passed.
func FaultPoint(name string) { OnFaultPoint(name) }
