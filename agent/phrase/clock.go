package phrase

// clock is a time of day.
type clock struct {
	minutes, second int
	twelve          bool // an hour from 1 to 12 that may be of either half of the day
	early           bool // "am" was said
	midnight        bool
	set             bool
}

// dayPart is a part of the day that words name.
type dayPart struct {
	part    part
	minutes int
	last    bool // "last night"
	sticky  bool // "this", "tonight": it never leaves today
	set     bool
}

// form is how the digits of a time were written.
type form uint8

const (
	noForm     form = iota
	hourForm        // 5
	colonForm       // 5:30
	dotForm         // 5.30
	letterForm      // 15h30, 15h
	packedForm      // 530
	spokenForm      // five thirty
)

const lastMinute = 24*60 - 1

// clockTime reads a time of day, or the start of a range of times. in holds the roles of the words before it.
func (p *parser) clockTime(i int, in class) (clock, int) {
	spoken := p.at(i).kind == wordToken && in&isFrom == 0 // "ten to five" is no range
	c, next := clock{}, 0
	if spoken {
		c, next = p.minutesFrom(i, in)
	}
	if next == 0 {
		c, next = p.clockRange(i, in)
	}
	if next == 0 {
		c, next = p.oneClock(i, in)
	}
	if next == 0 {
		return clock{}, 0
	}
	t := p.at(next)
	if t.any(isAbout) && !t.any(isPreposition) && t.kind == wordToken {
		next++
	}
	c.set = true
	return c, next
}

func (p *parser) clockAt(i int) bool {
	_, next := p.clockTime(p.skip(i, isAt), p.at(i).is)
	return next > 0
}

// clockNear reports whether a clock time stands on either side of the tokens from i to next.
func (p *parser) clockNear(i, next int) bool {
	if p.clockAt(p.comma(next)) {
		return true
	}
	j := i - 1
	for p.is(j, isOn|isThe) || p.mark(j, ",") {
		j--
	}
	_, hour := p.number(j)
	return hour > 0 || p.at(j).any(isAM|isPM|isNoon|isOclock)
}

func (p *parser) oneClock(i int, in class) (clock, int) {
	t := p.at(i)
	if t.any(isNoon) {
		const naming = isAt | isBy | isBefore | isUntil | isAfter | isOn | isAbout | isDue | nearDate
		meant := in&naming != 0 || i == 0 || p.closed(i+1) // not "the midnight train"
		return clock{minutes: t.val, midnight: t.val == 0}, found(meant, i+1)
	}
	if c, next := p.minutesFrom(i, in); next > 0 {
		return c, next
	}
	if c, next := p.halfHour(i); next > 0 && (p.lang.half < 0 || in&isAt != 0) {
		return c, next
	}
	c, f, next := p.hourMinute(i)
	if f == noForm {
		return clock{}, 0
	}
	if n := p.at(next); n.any(isNoon) && c.minutes == 12*60 {
		return clock{minutes: n.val, midnight: n.val == 0}, next + 1
	}
	if p.is(next, isOclock) {
		if c, end := p.halved(c, f, next+1); end > 0 {
			return c, end
		}
		if m := p.at(next + 1); f == hourForm && m.kind == numberToken && m.digits() == 2 && m.n < 60 && p.over(next+2) { // "9 Uhr 30"
			c.minutes += m.n
			return c, next + 2
		}
		return c, next + 1
	}
	if c, end := p.halved(c, f, next); end > 0 {
		return c, end
	}
	if p.meridiemClash(c, f, next) {
		p.refuse(next+1, "")
		return clock{}, 0
	}
	return c, found(p.clockMeant(f, next, in), next)
}

// clockMeant reports whether digits or words without am or pm are a time of day.
func (p *parser) clockMeant(f form, next int, in class) bool {
	at := in&isAt != 0
	prefixed := at || in&(isBy|isBefore|isUntil|isAfter|isAbout|nearDate) != 0
	if p.glued(next) && p.at(next).kind != markToken {
		return f == hourForm && p.is(next, isAbout)
	}
	switch f {
	case noForm, hourForm:
		return p.bareHourMeant(next, in)
	case colonForm:
		return p.closed(next) || p.at(next).kind != markToken && p.at(next).spaced
	case letterForm:
		return p.at(next-1).kind == numberToken && p.at(next-2).any(isUnit) || prefixed
	case spokenForm:
		return (prefixed || in&isFor != 0) && p.over(next) || p.partFollows(next)
	case dotForm:
		return at && p.over(next)
	case packedForm:
		return in&(isAt|isAbout) != 0 && p.over(next) && !p.is(next, isOf)
	}
	return false
}

// bareHourMeant reports whether an hour alone is a time of day: "at 5", "by 6", "8 tonight".
func (p *parser) bareHourMeant(next int, in class) bool {
	at := in&isAt != 0
	if in == 0 && p.has(next-2, numbered) {
		return false // "chapter 3 tonight"
	}
	digits := p.at(next-1).kind == numberToken && p.at(next-3).kind != numberToken
	bare := at || digits && in&(isBy|isBefore|isUntil|isAfter) != 0 && in&(isThe|isIn) == 0
	return bare && p.closedHour(next, at) || p.partFollows(next)
}

// closedHour is closed for a bare hour; at the start of a text a verb may follow it ("At 5 call mom").
func (p *parser) closedHour(next int, at bool) bool {
	t := p.at(next)
	if p.is(next, isOf) || p.rangeOfNumbers(next) || p.is(next, isChoice) && p.is(next+1, isCard) || p.is(next, isChoice) && p.at(next+1).kind == numberToken || p.is(next, isAnd) && p.at(next+1).kind == numberToken {
		return false
	}
	if p.closed(next) {
		return !t.any(isUnit) || t.any(isOrd)
	}
	if at && p.over(next) {
		return true
	}
	return at && next == 2 && t.kind == wordToken && t.spaced && !t.any(isUnit) && t.text[len(t.text)-1] != 's'
}

// rangeOfNumbers recognises the "- 10.1" of "at 10 - 10.1".
func (p *parser) rangeOfNumbers(i int) bool {
	return p.is(i, isThrough) && p.at(i+1).kind == numberToken
}

// partFollows reports whether a part of the day follows a bare hour: "8 tonight", "8 in the evening".
func (p *parser) partFollows(i int) bool {
	i = p.comma(i)
	t := p.at(i)
	switch {
	case t.any(isTonight), t.any(isPart) && t.part == lunch:
		return true
	case t.any(isThis):
		return p.is(i+1, isPart)
	case t.any(isIn):
		j := p.skip(i+1, isThe)
		return p.is(p.skip(j, isShade), isPart)
	case t.any(isAt):
		return p.at(i+1).part == night
	}
	return false
}

// hourMinute reads the digits or words of a time.
func (p *parser) hourMinute(i int) (clock, form, int) {
	t := p.at(i)
	if t.kind == wordToken {
		return p.spokenHour(i)
	}
	if t.kind != numberToken {
		return clock{}, noForm, 0
	}
	if t.digits() > 2 {
		return p.packed(i)
	}
	if t.n > 23 {
		return clock{}, noForm, 0
	}
	next, m := i+1, p.at(i+2)
	f := hourForm
	switch sep := p.at(next); {
	case !p.glued(next):
	case sep.text == ":" && p.twoDigits(i+2):
		f = colonForm
	case sep.text == "." && p.twoDigits(i+2):
		f = dotForm
	case sep.text == "h" && p.twoDigits(i+2):
		f = letterForm
	case sep.text == "h":
		return clock{minutes: t.n * 60}, letterForm, i + 2
	}
	if f == hourForm {
		return twelve(t, 0), f, next
	}
	if m.n > 59 {
		return clock{}, noForm, 0
	}
	c := twelve(t, m.n)
	c.twelve = c.twelve && f != letterForm
	if f == colonForm && p.mark(i+3, ":") && p.glued(i+3) && p.twoDigits(i+4) && p.at(i+4).n < 60 {
		c.second = p.at(i + 4).n
		return c, f, i + 5
	}
	return c, f, i + 3
}

func (p *parser) twoDigits(i int) bool {
	t := p.at(i)
	return t.kind == numberToken && t.digits() == 2 && p.glued(i)
}

// twelve makes a clock of an hour that was written; a leading zero means a clock of 24 hours.
func twelve(hour *token, m int) clock {
	padded := hour.kind == numberToken && hour.text[0] == '0'
	return clock{minutes: hour.n*60 + m, twelve: 1 <= hour.n && hour.n <= 12 && !padded}
}

// packed reads 330 and 1030.
func (p *parser) packed(i int) (clock, form, int) {
	t := p.at(i)
	h, m := t.n/100, t.n%100
	if t.digits() > 4 || h > 23 || m > 59 {
		return clock{}, noForm, 0
	}
	return clock{minutes: h*60 + m, twelve: 1 <= h && h <= 12 && t.text[0] != '0'}, packedForm, i + 1
}

// spokenHour reads "seven" and "eight forty".
func (p *parser) spokenHour(i int) (clock, form, int) {
	h := p.at(i)
	if !h.any(isCard) {
		return clock{}, noForm, 0
	}
	n, j := h.card, i+1
	if n > 12 && n%10 == 0 {
		n, j = p.number(i)
	}
	if n > 23 {
		return clock{}, noForm, 0
	}
	c := clock{minutes: n * 60, twelve: 1 <= n && n <= 12}
	m, k := p.number(j)
	if p.has(j, saysZero) {
		m, k = p.number(j + 1)
	} else if m < 10 {
		k = 0
	}
	if k == 0 || m > 59 || p.at(j).kind != wordToken {
		return c, hourForm, j
	}
	c.minutes += m
	return c, spokenForm, k
}

// halved applies an am or pm at i.
func (p *parser) halved(c clock, f form, i int) (clock, int) {
	pm, next := p.meridiem(i)
	if next == 0 || f == letterForm {
		return clock{}, 0
	}
	h := c.minutes / 60
	switch {
	case h > 12 && (!pm || f == hourForm), h == 0 && pm:
		return clock{}, 0
	case pm && h < 12:
		c.minutes += 12 * 60
	case !pm && h == 12:
		c.minutes -= 12 * 60
	}
	c.twelve, c.early = false, !pm
	return c, next
}

// meridiemClash recognises "14PM".
func (p *parser) meridiemClash(c clock, f form, i int) bool {
	_, next := p.meridiem(i)
	return next > 0 && f == hourForm && c.minutes > 12*60
}

// meridiem reads "am", "p.m.", "p m", "in the AM", and a lone letter that is glued to a number ("3p").
func (p *parser) meridiem(i int) (pm bool, next int) {
	t := p.at(i)
	if t.any(isIn) && p.is(i+1, isThe) {
		if u := p.at(i + 2); u.any(isAM|isPM) && len(u.text) == 2 {
			return u.any(isPM), i + 3
		}
	}
	if t.kind != wordToken || !t.any(isAM|isPM) {
		return false, 0
	}
	pm = t.any(isPM)
	if len(t.text) > 1 {
		return pm, i + 1
	}
	j := i + 1
	if p.mark(j, ".") && p.glued(j) {
		j++
	}
	if p.at(j).text == "m" {
		if p.mark(j+1, ".") && p.glued(j+1) {
			return pm, j + 2
		}
		return pm, j + 1
	}
	return pm, found(p.glued(i) && p.at(i-1).kind == numberToken && !p.glued(i+1) || p.mark(i+1, ".") && p.glued(i), i+1)
}

// halfHour reads "half seven", which is 7:30, and "halb sieben", which is 6:30; also "dreiviertel sieben", 6:45.
func (p *parser) halfHour(i int) (clock, int) {
	shift := p.lang.half
	switch t := p.at(i); {
	case t.any(isQuarter) && t.val == 3 && shift < 0:
		shift = -15
	case !t.any(isHalf) || t.card > 0 || t.kind != wordToken:
		return clock{}, 0
	}
	c, next := p.hourAfter(i + 1)
	if next == 0 || c.minutes%60 != 0 || p.is(next, isUnit) {
		return clock{}, 0
	}
	c.minutes = (c.minutes + shift + 24*60) % (24 * 60)
	if c.minutes < 60 {
		c.minutes += 12 * 60 // "halb eins"
	}
	return c, next
}

// minutesFrom reads "quarter past eight", "10 past 9", "twenty after 3pm", "a quarter to seven", "half past 3".
func (p *parser) minutesFrom(i int, in class) (clock, int) {
	m, sure, j := p.minutesBefore(i)
	if j == 0 {
		return clock{}, 0
	}
	t := p.at(j)
	if !t.any(isPast | isTo) {
		return clock{}, 0
	}
	c, next := p.hourAfter(j + 1)
	if next == 0 && p.lang.half < 0 {
		c, next = p.halfHour(j + 1) // "fünf vor halb neun"
	}
	if next == 0 {
		return clock{}, 0
	}
	sure = sure || p.partFollows(next) || t.any(isPast) && !t.any(isAfter) || !c.twelve || in&(isAt|isBy) != 0 && in&isFrom == 0
	if !sure || m%5 != 0 && t.any(isTo) && p.at(i).kind == numberToken && !p.is(j-1, isUnit) {
		return clock{}, 0
	}
	if t.any(isTo) {
		m = -m
	}
	c.minutes = (c.minutes + m + 24*60) % (24 * 60)
	c.twelve = c.twelve && c.minutes >= 60
	return c, next
}

// minutesBefore reads the minutes of "ten past": sure when they name a unit.
func (p *parser) minutesBefore(i int) (m int, sure bool, next int) {
	if m, j := p.quarters(i); j > 0 {
		return m, true, j
	}
	if p.is(i, isHalf) {
		return 30, true, i + 1
	}
	n, j := p.number(i)
	if j == 0 || n < 1 || n > 59 {
		return 0, false, 0
	}
	if p.at(j).unit == minute && len(p.at(j).text) > 1 {
		return n, true, j + 1
	}
	return n, false, j
}

// hourAfter reads the hour of "ten past": "3pm", "eight", "five thirty", "noon".
func (p *parser) hourAfter(i int) (clock, int) {
	if t := p.at(i); t.any(isNoon) {
		return clock{minutes: t.val}, i + 1
	}
	c, f, next := p.hourMinute(i)
	if f == noForm || f == dotForm || f == packedForm || f == letterForm {
		return clock{}, 0
	}
	if h, end := p.halved(c, f, next); end > 0 {
		return h, end
	}
	if p.is(next, isOclock) {
		return c, next + 1
	}
	return c, found(p.over(next), next)
}

// clockRange reads "3-5pm", "from 10 to 11:30", "9:00 - 10:00": its start, which takes am or pm from its end.
func (p *parser) clockRange(i int, in class) (clock, int) {
	a, f, j := p.hourMinute(i)
	if f == noForm || f == spokenForm {
		return clock{}, 0
	}
	start, k := p.halved(a, f, j)
	if k > 0 {
		j = k
	} else {
		start = a
	}
	if !p.is(j, isThrough) {
		return clock{}, 0
	}
	b, g, next := p.hourMinute(j + 1)
	if g == noForm {
		return clock{}, 0
	}
	end, last := p.halved(b, g, next)
	switch {
	case last > 0:
		next = last
	case p.is(next, isOclock):
		return start, next + 1
	case p.partFollows(next), f == colonForm && g == colonForm || k > 0 && p.closed(next) || in&(isFrom|isAt) != 0 && (f == colonForm || g == colonForm):
		return start, next
	default:
		return clock{}, 0
	}
	if k == 0 && start.twelve {
		start = startOf(start, end)
	}
	return start, found(k > 0 || start.minutes < end.minutes, next)
}

// startOf puts the start of a range into the half of the day that comes before its end.
func startOf(start, end clock) clock {
	h := start.minutes % (12 * 60)
	start.twelve = false
	start.minutes = h
	if h+12*60 < end.minutes {
		start.minutes = h + 12*60
	}
	return start
}

// partOfDay reads "in the morning", "this evening", "tonight", "mid-afternoon"; a bare "morning" needs a day beside it.
func (p *parser) partOfDay(i int, in class) (dayPart, int) {
	t := p.at(i)
	if t.any(isTonight) {
		return dayPart{part: night, minutes: p.hours[tonight], sticky: true, set: true}, i + 1
	}
	if t.any(isLast) && p.is(i+1, isPart) && (p.at(i+1).part == night || p.at(i+1).part == evening) { // "last night"
		d := p.part(p.at(i + 1))
		d.last, d.sticky = true, true
		return d, i + 2
	}
	this := t.any(isThis)
	j := p.skip(i, isThis)
	shade := ""
	if p.is(j, isShade) {
		shade, j = p.at(j).text, p.hyphen(j+1)
	}
	w := p.at(j)
	if !w.any(isPart) || w.kind != wordToken {
		return dayPart{}, 0
	}
	d := dayPart{part: w.part, minutes: p.hours[w.part], sticky: this, set: true}
	if m, ok := p.lang.shades[shade][w.part]; ok {
		d.minutes = m
	} else if shade != "" {
		return dayPart{}, 0
	}
	return d, found(this || p.partMeant(w, j+1, in), j+1)
}

func (p *parser) partMeant(w *token, next int, in class) bool {
	if in&(isDeterminer|isLast) != 0 {
		return false
	}
	switch {
	case in&isIn != 0 && p.over(next), in&nearDate != 0 && w.part != daytime, p.whole:
		return true
	case in&(isAt|isBy) != 0 && in&isThe == 0:
		return p.closed(next) && (w.part == night || w.part == lunch || in&isBy != 0)
	case len(p.toks) == next && next <= 3 && in == 0 && next > 1:
		return true // "mid afternoon"
	}
	if p.is(next, isOf) {
		_, end := p.anyDate(p.skip(next+1, isThe), isOn|isThe)
		return end > 0
	}
	named := w.part == night && p.at(next-2).kind == wordToken && p.at(next-2).is == 0 // "movie night at 8"
	return !named && (p.is(next, isAt) && p.clockAt(next) || p.clockAt(next) && p.at(next).kind == numberToken)
}

// time settles a clock time with the part of the day beside it: minutes of the day, the days to add for the small hours of
// a night, and the other half of the day where the words leave it open (-1 otherwise).
func (c clock) time(d dayPart) (minutes int, shift day, other int) {
	if !c.set {
		return d.minutes, 0, -1
	}
	late := d.set && (d.part == night || d.part == evening)
	if !c.twelve {
		if late && c.minutes < 6*60 {
			return c.minutes, 1, -1
		}
		return c.minutes, 0, -1
	}
	h := c.minutes % (12 * 60)
	switch {
	case !d.set:
		if h < firstOfDay {
			return h + 12*60, 0, h
		}
		return h, 0, h + 12*60
	case d.part == morning && h >= 60, d.part == lunch && h >= 10*60:
		return h, 0, -1
	case late && h < 60, d.part == night && h < 6*60:
		return h, 1, -1
	}
	return h + 12*60, 0, -1
}
