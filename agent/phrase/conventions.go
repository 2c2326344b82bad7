package phrase

import "strconv"

// The conventions that words leave open, in one place. A person's settings override the parts of the day, the first day of the
// week and, by the country of their locale, the order of day and month.

// defaultHours are the clock times, in minutes, of the parts of the day.
var defaultHours = [tonight + 1]int{
	morning: 9 * 60, afternoon: 12 * 60, evening: 19 * 60, night: 22 * 60, lunch: 12 * 60, daytime: 12 * 60,
}

// hours gives the clock times of the parts of the day. Tonight is an hour before the night, and not before the evening.
func (o Options) hours() [tonight + 1]int {
	h := defaultHours
	for _, own := range [...]struct {
		part part
		at   string
	}{{morning, o.Morning}, {afternoon, o.Afternoon}, {evening, o.Evening}, {night, o.Night}} {
		if minutes, ok := clockMinutes(own.at); ok {
			h[own.part] = minutes
		}
	}
	h[tonight] = max(h[evening], h[night]-60)
	return h
}

// clockMinutes reads HH:MM into minutes of the day.
func clockMinutes(s string) (minutes int, ok bool) {
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	h, err := strconv.ParseUint(s[:2], 10, 8)
	m, err2 := strconv.ParseUint(s[3:], 10, 8)
	return int(h*60 + m), err == nil && err2 == nil && h < 24 && m < 60
}

// firstOfDay is the hour, in minutes, from which a bare hour belongs to the morning: 7 to 11 are of the morning, 1 to 6 of the
// afternoon.
const firstOfDay = 7 * 60

// meal is what happens at a known time of the day, so that an hour beside it needs no am or pm.
type meal uint8

const (
	noMeal meal = iota
	rising      // breakfast, waking up
	brunch
	midday // lunch
	dinner // and what else an evening is for
)

// mealtimes are the minutes of the day in which they happen.
var mealtimes = [...]struct{ from, to int }{
	rising: {4 * 60, 11*60 + 59}, brunch: {9 * 60, 14*60 + 59}, midday: {11 * 60, 15*60 + 59}, dinner: {16 * 60, lastMinute},
}

// atMeal chooses between the two halves of the day by a meal that the text names: "dinner at 7" is at 19:00, "breakfast at 6" at
// 06:00. The other half is still offered.
func (p *parser) atMeal(minutes, other int) (chosen, left int) {
	named := noMeal
	for i := range p.toks {
		switch m := p.toks[i].meal; {
		case m == noMeal || m == named || p.toks[i].kind != wordToken:
		case named == noMeal:
			named = m
		default:
			return minutes, other // "lunch or dinner at 7"
		}
	}
	if named == noMeal {
		return minutes, other
	}
	within := func(n int) bool { return mealtimes[named].from <= n && n <= mealtimes[named].to }
	if !within(minutes) && within(other) {
		return other, minutes
	}
	return minutes, other
}
