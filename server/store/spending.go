package store

import "time"

// Day numbers the days in UTC.
func Day(at time.Time) int64 {
	const day = 24 * 60 * 60
	return at.Unix() / day
}
