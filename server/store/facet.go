package store

import (
	"slices"

	"tandem"
)

// The statuses as the stores keep them.
const (
	Pending = iota
	Completed
	Deleted
)

// StatusOf gives the status of a task as the stores keep it.
func StatusOf(t tandem.Task) int { return t.Status().Rank() }

// statuses lists what the query's status means.
func statuses(q tandem.Query) []int {
	switch q.Status {
	case tandem.StatusOnlyPending:
		return []int{Pending}
	case tandem.StatusOnlyCompleted:
		return []int{Completed}
	case tandem.StatusOnlyDeleted:
		return []int{Deleted}
	default:
		return []int{Pending, Completed}
	}
}

// Floating reports a task whose due date goes with its person from zone to zone.
func Floating(t tandem.Task) bool { return t.Open() && t.Due != nil && t.Due.TimeZone == "" }

// Facet is what lists ask of every task, in a byte: bits 0 and 1 its status plus one, 2 and 3 its priority, 4 whether it has a due
// date. 0: there is no such task. The stores keep the facets of a user in rows of many, by number.
type Facet = byte

const facetDated Facet = 1 << 4

// FacetOf gives the facet of a task.
func FacetOf(t tandem.Task) Facet {
	f := Facet(StatusOf(t)+1) | Facet(t.Priority.Rank())<<2
	if t.DueAt != nil {
		f |= facetDated
	}
	return f
}

// Fits tells of each facet whether a query takes it.
type Fits [256]bool

func fitting(q tandem.Query) *Fits {
	var fits Fits
	of := statuses(q)
	for b := range fits {
		status, rank := b&3-1, b>>2&3
		fits[b] = slices.Contains(of, status) && (!q.NoDue || Facet(b)&facetDated == 0) &&
			(len(q.Priority) == 0 || slices.Contains(q.Priority, tandem.Priorities[rank]))
	}
	return &fits
}
