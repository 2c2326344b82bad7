package phrase

import (
	"math"
	"time"
)

// length is a stretch of time: calendar months and days, and seconds.
type length struct {
	months, days int
	seconds      int64
	timed        bool // hours or less were named
	subMinute    bool // seconds were named
}

func (l length) negative() length {
	return length{-l.months, -l.days, -l.seconds, l.timed, l.subMinute}
}

func (l length) plus(m length) length {
	return length{l.months + m.months, l.days + m.days, l.seconds + m.seconds, l.timed || m.timed, l.subMinute || m.subMinute}
}

// short reports less than an hour: too little to leave out the seconds of now.
func (l length) short() bool {
	return l.months == 0 && l.days == 0 && l.seconds != 0 && -3600 < l.seconds && l.seconds < 3600
}

// duration gives the length as a duration; false when months are counted.
func (l length) duration() (time.Duration, bool) {
	return time.Duration(l.days)*24*time.Hour + time.Duration(l.seconds)*time.Second, l.months == 0
}

// maxQuantity bounds the number before a unit: "2000 days" is no distance that a task has.
const maxQuantity = 999

// lengthOf gives q units. Parts of a day become hours, parts of a year months; a part of a month is refused.
func lengthOf(q float64, u unit, count int) (length, bool) {
	q *= float64(count)
	whole := q == math.Trunc(q)
	switch {
	case q > 10*maxQuantity:
		return length{}, false
	case u == second:
		return length{seconds: int64(q), timed: true, subMinute: true}, whole
	case u == minute:
		return length{seconds: int64(math.Round(q * 60)), timed: true}, true
	case u == hour:
		return length{seconds: int64(math.Round(q * 3600)), timed: true}, true
	case u == week:
		return lengthOf(q*7, dayUnit, 1)
	case u == dayUnit && !whole:
		return lengthOf(q*24, hour, 1)
	case u == dayUnit:
		return length{days: int(q)}, true
	case u == year:
		return lengthOf(q*12, month, 1)
	}
	return length{months: int(q)}, whole
}

// length reads "2 hours", "1d, 2hr and 5min", "an hour and a half", "half an hour". Each part has a smaller unit than the one
// before it.
func (p *parser) length(i int) (l length, next int) {
	l, u, next := p.oneLength(i)
	for next > 0 && u > second {
		one, smaller, k := p.oneLength(p.lengthJoint(next))
		if k == 0 || smaller >= u {
			break
		}
		l, u, next = l.plus(one), smaller, k
	}
	return l, next
}

// lengthJoint steps over "and" or a comma between two lengths.
func (p *parser) lengthJoint(i int) int {
	if p.mark(i, ",") {
		i++
	}
	return p.skip(i, isAnd)
}

func (p *parser) oneLength(i int) (l length, of unit, next int) {
	q, u, next := p.measured(i)
	if next == 0 {
		return length{}, 0, 0
	}
	if half, k := p.andAHalf(next); k > 0 {
		q, next = q+half, k
	}
	l, ok := lengthOf(q, u.unit, u.length)
	if !ok || q > maxQuantity || u.unit == 0 {
		return length{}, 0, 0
	}
	return l, u.unit, next
}

// measured reads a quantity and its unit.
func (p *parser) measured(i int) (q float64, u *token, next int) {
	q, next, ofUnit := p.quantity(i)
	if next == 0 {
		return 0, nil, 0
	}
	j := p.skip(next, isComing) // "two upcoming days"
	if p.has(j, fillsLength) {
		j++
	}
	j = p.hyphen(j)
	if ofUnit {
		j = p.skip(p.skip(j, isOf), isA)
	}
	if p.mark(j, "'") && p.at(next-1).kind == numberToken && p.glued(j) {
		return q, &token{word: &word{unit: minute, length: 1}}, j + 1
	}
	u = p.at(j)
	if !u.any(isUnit) || len(u.text) == 1 && p.at(j-1).kind != numberToken {
		return 0, nil, 0
	}
	return q, u, j + 1
}

// quantity reads the number before a unit. The third result reports that "of a" or "an" may follow: "half an hour".
func (p *parser) quantity(i int) (q float64, next int, ofUnit bool) {
	t := p.at(i)
	if m, j := p.quarters(i); j > 0 && p.is(j, isOf) {
		return float64(m) / 60, j, true
	}
	switch {
	case t.any(isHalf):
		return 0.5 + float64(t.card), i + 1, t.card == 0
	case t.any(isA) && p.is(i+1, isHalf):
		return 0.5, i + 2, true
	case t.any(isA) && p.is(i+1, isCouple), t.any(isCouple):
		j := p.skip(i, isA) + 1
		return 2, j, p.is(j, isOf)
	case t.any(isA) && p.is(i+1, isVague), t.any(isVague):
		return 3, p.skip(i, isA) + 1, false
	case t.any(isA) && t.kind == wordToken:
		return 1, i + 1, false
	case t.kind == numberToken:
		return p.digits(i)
	}
	n, next := p.number(i)
	return float64(n), next, false
}

// quarters reads "a quarter" or "three quarters" of an hour, in minutes.
func (p *parser) quarters(i int) (minutes, next int) {
	n := 1
	j := p.skip(i, isA)
	if p.at(i).card == 3 {
		n, j = 3, p.hyphen(i+1)
	}
	if !p.is(j, isQuarter) {
		return 0, 0
	}
	return max(n, p.at(j).val) * 15, j + 1
}

// digits reads 2, 1.5, 1/2 and 1 1/2.
func (p *parser) digits(i int) (q float64, next int, ofUnit bool) {
	n := float64(p.at(i).n)
	if f, k := p.decimal(i + 1); k > 0 {
		return n + f, k, false
	}
	if f, k := p.fraction(i); k > 0 {
		return f, k, true
	}
	if f, k := p.fraction(i + 1); k > 0 && p.at(i+1).spaced {
		return n + f, k, false
	}
	return n, i + 1, false
}

func (p *parser) fraction(i int) (f float64, next int) {
	a, b := p.at(i), p.at(i+2)
	if a.kind != numberToken || b.kind != numberToken || !p.mark(i+1, "/") || !p.glued(i+1) || !p.glued(i+2) {
		return 0, 0
	}
	if a.n < 1 || a.n >= b.n || b.n > 4 {
		return 0, 0
	}
	return float64(a.n) / float64(b.n), i + 3
}

// andAHalf reads the end of "an hour and a half".
func (p *parser) andAHalf(i int) (half float64, next int) {
	if p.is(i, isAnd) && p.is(i+1, isA) && p.is(i+2, isHalf) && !p.is(i+3, isA|isUnit) {
		return 0.5, i + 3
	}
	return 0, 0
}

// ParseDuration reads a text that is nothing but a length of time: "1h", "30m", "2 days", "an hour and a half", "1w". Months
// and years have no fixed length and are refused, as is a length of zero.
func ParseDuration(text string) (time.Duration, bool) { return ParseDurationWith(text, Options{}) }

// ParseDurationWith is ParseDuration in the language of a person.
func ParseDurationWith(text string, o Options) (time.Duration, bool) {
	p := newParser(text, time.Unix(0, 0), time.UTC, o)
	l, next := p.length(p.skip(0, isFor|isIn))
	if next == 0 || p.skipEnd(next) != len(p.toks) {
		return 0, false
	}
	d, ok := l.duration()
	return d, ok && d > 0
}

// skipEnd steps over punctuation that ends a text.
func (p *parser) skipEnd(i int) int {
	for p.mark(i, ".") || p.mark(i, "!") || p.mark(i, ",") || p.mark(i, "?") || p.mark(i, ";") {
		i++
	}
	return i
}
