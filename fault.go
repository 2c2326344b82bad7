//go:build !faults

package tandem

// FaultPoint names a place at which a death of the process must do no harm. It does nothing; built with the tag faults, a program may
// die there. specs/faults.md lists the names.
func FaultPoint(string) {}
