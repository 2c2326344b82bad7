package phrase

// piece is a run of tokens that means something; the tokens from lead to from only introduce it.
type piece struct {
	lead, from, to int
	kind           string
}

// expr is one run of pieces: at most one day, one time, one rule.
type expr struct {
	pieces  []piece
	date    date
	named   bool // date is set
	weekday *date
	start   *date
	until   *date
	clock   clock
	part    dayPart
	dayEnd  bool // "end of day"
	rule    repetition
	limit   *length // of a rule: "for 6 weeks"
	in      class   // what introduced the day
	timedStart,
	clash bool
	badRule bool
}

func (e *expr) empty() bool { return len(e.pieces) == 0 }

func (e *expr) dated() bool { return e.named || e.weekday != nil }

func (e *expr) timed() bool { return e.clock.set || e.part.set || e.dayEnd }

// soft reports whether the day stands before a noun.
func (e *expr) soft() bool {
	d, ok := e.day()
	return ok && d.soft && !e.repeats()
}

func (e *expr) repeats() bool { return e.rule.freq != never }

func (e *expr) last() int { return e.pieces[len(e.pieces)-1].to }

// conf is the surety of the least sure piece.
func (e *expr) conf() float64 {
	conf := 0.95
	for _, d := range []*date{&e.date, e.weekday, e.start, e.until} {
		if d != nil && d.conf > 0 {
			conf = min(conf, d.conf)
		}
	}
	return conf
}

// nothing is the expression before its first piece.
var nothing expr

// expression reads the longest run of pieces from token i; next is 0 when there is none.
func (p *parser) expression(i int) (e expr, next int) {
	if k, in := p.introduction(&nothing, i); !p.is(i, isStart) && !p.promising(&nothing, k, in) {
		return e, 0
	}
	return p.pieces(i)
}

func (p *parser) pieces(i int) (e expr, next int) {
	for j := i; ; j = e.last() {
		if !p.component(&e, j) {
			break
		}
	}
	if e.empty() {
		return e, 0
	}
	return e, e.last()
}

// only reads a text that is one expression and nothing else.
func (p *parser) only() (expr, bool) {
	e, next := p.expression(0)
	if next == 0 || e.clash || p.skipEnd(next) != len(p.toks) {
		return e, false
	}
	return e, true
}

// component reads one more piece of e from token j on.
func (p *parser) component(e *expr, j int) bool {
	if next := p.clause(e, j); next > 0 {
		return true
	}
	k, in := p.introduction(e, j)
	if !p.promising(e, k, in) {
		return false
	}
	if !e.empty() {
		in |= nearDate
	}
	next, kind := p.take(e, k, in)
	if next == 0 {
		return false
	}
	lead := j
	if e.soft() {
		lead = k // "notes for tomorrow's call": the noun stays, with what introduces it
	}
	e.pieces = append(e.pieces, piece{lead: lead, from: k, to: next, kind: kind})
	return true
}

// take reads a piece at k: a rule or its days, a day, a time, a part of the day.
func (p *parser) take(e *expr, k int, in class) (next int, kind string) {
	if next, kind := p.takeRule(e, k, in); next > 0 {
		return next, kind
	}
	if next, kind := p.takeRuleDay(e, k, in); next > 0 {
		return next, kind
	}
	if next, kind := p.takeDate(e, k, in); next > 0 || p.refusedTo > k {
		return next, kind
	}
	if next, kind := p.takeClock(e, k, in); next > 0 || p.refusedTo > k {
		return next, kind
	}
	return p.takePart(e, k, in)
}

// beginning are the roles of words that a day, time or rule may begin with.
const beginning = isWeekday | isWorkdays | isWeekend | isMonth | isCard | isOrd | isRef | isFixed | isNext | isThis | isLast |
	isComing | isEvery | isFreq | isTimesPer | isHalf | isQuarter | isVague | isCouple | isNoon | isPart | isTonight |
	isShade | isEnd | isBegin | isEndOfDay | isUnit

// promising is a quick look whether a piece may begin at k at all.
func (p *parser) promising(e *expr, k int, in class) bool {
	t, next := p.at(k), p.at(k+1)
	switch {
	case t.kind == numberToken:
		return in != 0 || !e.empty() || next.kind == markToken || next.is != 0 || p.glued(k+1)
	case t.any(isA) && !t.any(beginning):
		return next.any(isUnit | isCouple | isVague | isHalf | isQuarter)
	}
	return t.any(beginning) || t.text == "+"
}

// introducing are the words that may stand before a date or time without being part of it.
const introducing = isAt | isOn | isIn | isBy | isFor | isDue | isBefore | isAfter | isAbout | isFrom | isThe | isRepeat |
	isWithin | isUntil

// maxIntroduction bounds "due by no later than about the".
const maxIntroduction = 5

// introduction steps over the words and marks before a piece, and gives their roles.
func (p *parser) introduction(e *expr, j int) (k int, in class) {
	in = p.at(j-1).is & (isDeterminer | isLast | isThe | isAbout | isAfter)
	for k = j; k < j+maxIntroduction; k++ {
		t := p.at(k)
		switch {
		case t.kind == markToken && !t.any(introducing|isOf):
			if !p.joins(e, k) {
				return k, in
			}
		case t.any(isAbout) && t.any(isUntil): // "up to" is not "until"
			return k, in
		case p.particle(e, k):
			return k, in
		case t.any(introducing) && !t.any(isA|isUnit|isEvery) && !p.amount(k):
			in |= t.is & introducing
		case t.any(isOf) && !e.empty():
		default:
			return k, in
		}
	}
	return k, in
}

// particle reports that the "in" or "on" at k belongs to the verb before it: "let the plumber in tomorrow", "hand it in by Friday".
func (p *parser) particle(e *expr, k int) bool {
	t, next := p.at(k), p.at(k+1)
	if k == 0 || !e.empty() || p.at(k-1).kind != wordToken || p.at(k-1).any(introducing|isPreposition) {
		return false
	}
	const behind = isAt | isBy | isDue | isBefore | isTonight
	switch {
	case next.any(isUnit | isThrough): // "in at most 2 days"
		return false
	case t.any(isIn) && !t.any(isOn|isThe):
		return next.any(behind|isOn|isRef|isWeekday|isFor) && !next.any(isA|isWeekend) || next.any(isThis) && p.at(k+2).any(isPart)
	}
	return t.any(isOn) && !t.any(isThe) && next.any(behind)
}

// amount reports whether "half past" or the like starts at k, which is a time and no introduction.
func (p *parser) amount(k int) bool { return p.is(k, isQuarter|isHalf) }

// joins reports whether the mark at k may stand between two pieces or before the first.
func (p *parser) joins(e *expr, k int) bool {
	switch t := p.at(k); t.text {
	case "(":
		return true
	case ",", "-", "–", "—", "|":
		return !e.empty()
	case ":":
		return !e.empty() && (p.at(k+1).kind == numberToken || p.is(e.last()-1, isDue)) || p.is(k-1, isDue)
	case ".":
		return p.is(k-1, isMonth) && !e.empty()
	}
	return false
}

// takeRule reads the base of a rule.
func (p *parser) takeRule(e *expr, k int, in class) (int, string) {
	if e.repeats() || e.dated() && in&isEvery == 0 && !p.is(k, isEvery|isFreq|isTimesPer) {
		return 0, ""
	}
	r, next := p.repetitionAt(k, in)
	if next == 0 {
		return 0, ""
	}
	if end := p.finished(next); end > 0 {
		r.completion, next = true, end
	}
	if r.timed.set {
		if e.part.set {
			return 0, ""
		}
		e.part = r.timed
	}
	e.rule = r
	if r.freq == unsupported {
		p.badRule(e)
	}
	return next, KindRecurrence
}

func (p *parser) badRule(e *expr) {
	e.badRule = true
	p.setReason("this repetition is not supported")
}

// takeDate reads a day, or a weekday that must agree with the day.
func (p *parser) takeDate(e *expr, k int, in class) (int, string) {
	if !p.dayMeant(e, k, in) {
		return 0, ""
	}
	d, next := p.anyDate(k, in)
	switch {
	case next == 0 || d.moment != nil && (e.dated() || e.timed()):
		return 0, ""
	case d.bare:
		bare := d
		e.weekday = &bare
	case e.named && e.date.picked:
		picked := e.date
		e.weekday, e.date = &picked, d
	case e.named:
		return 0, ""
	default:
		e.date, e.named = d, true
	}
	e.in |= in
	p.agree(e)
	if m := d.moment; m != nil && !m.instant {
		e.clock = clock{minutes: m.at.Hour()*60 + m.at.Minute(), second: m.at.Second(), set: true}
	}
	return next, KindDue
}

// dayMeant reports whether a day at k would be one more piece of e.
func (p *parser) dayMeant(e *expr, k int, in class) bool {
	if e.named && e.weekday != nil || e.repeats() && e.start != nil || e.named && !p.is(k, isWeekday) && !e.date.picked || e.named && e.date.moment != nil {
		return false
	}
	const another = isBy | isDue | isBefore | isUntil | isFrom | isFor
	if e.weekday != nil && p.is(k, isWeekday) && !e.named || e.dated() && in&another != 0 {
		return false
	}
	if in&isAfter != 0 && !p.is(k, isCard|isA) && p.at(k).kind != numberToken {
		return false // "after Friday" is not Friday
	}
	return in&isAbout == 0 || in&(isIn|isWithin|isAt) != 0 || !p.is(k-1, isPreposition) // "talk about Friday"
}

// agree holds a weekday and a day against each other; where 3/4 may be two days, the weekday decides.
func (p *parser) agree(e *expr) {
	if !e.named || e.weekday == nil || e.date.day.weekday() == e.weekday.day.weekday() {
		return
	}
	for _, other := range e.date.others {
		if other.weekday() == e.weekday.day.weekday() {
			e.date.day, e.date.others = other, nil
			return
		}
	}
	e.clash = true
	p.reason = "the weekday and the date disagree"
}

// takeClock reads a time of day. Several times of a rule are refused.
func (p *parser) takeClock(e *expr, k int, in class) (int, string) {
	if e.clock.set || e.named && e.date.moment != nil {
		return 0, ""
	}
	c, next := p.clockTime(k, in)
	if end := p.moreClocks(k + 1); next == 0 && e.repeats() && in&isAt != 0 && p.at(k).kind == numberToken && end > k+1 {
		p.badRule(e)
		return end, KindDue
	}
	if next == 0 {
		return 0, ""
	}
	if p.has(next, zoneName) && p.at(next).spaced {
		p.refuse(next+1, "a time of another zone is not understood")
		return 0, ""
	}
	e.clock = c
	if n := len(e.pieces); n > 0 && e.start != nil && e.pieces[n-1].kind == kindStart {
		e.timedStart = true
	}
	if end := p.moreClocks(next); e.repeats() && end > next {
		p.badRule(e)
		next = end
	}
	return next, KindDue
}

// moreClocks reads the rest of "10, 12 and 17".
func (p *parser) moreClocks(i int) int {
	for range maxList {
		j := p.listJoint(i)
		if j == i {
			break
		}
		next := 0
		if _, f, k := p.hourMinute(j); f != noForm && (p.closed(k) || f != hourForm) {
			next = k
		}
		if _, k := p.clockTime(j, isAt); k > 0 {
			next = k
		}
		if next == 0 {
			break
		}
		i = next
	}
	return i
}

// takePart reads a part of the day, or its end.
func (p *parser) takePart(e *expr, k int, in class) (int, string) {
	if e.part.set || e.dayEnd || e.named && e.date.moment != nil && e.date.moment.instant {
		return 0, ""
	}
	if p.is(k, isEndOfDay) {
		e.dayEnd = true
		return k + 1, KindDue
	}
	if e.empty() || e.last() != k && in&(isIn|isAt|isBy|isOn|isThe) == 0 && !p.mark(k-1, ",") {
		in &^= nearDate
	}
	d, next := p.partOfDay(k, in)
	if next == 0 {
		return 0, ""
	}
	if len(e.pieces) == 1 {
		d = p.shadeBefore(&e.pieces[0], d)
	}
	e.part = d
	return next, KindDue
}

// shadeBefore takes the "early" of "early tomorrow morning" into the first piece.
func (p *parser) shadeBefore(first *piece, d dayPart) dayPart {
	i := first.lead - 1
	if m, ok := p.lang.shades[p.at(i).text][d.part]; ok && i >= 0 && first.lead == first.from {
		d.minutes = m
		first.lead, first.from = i, i
	}
	return d
}

// maxExpressions bounds the dates and times of a text that are worth reading: with so many, none is meant.
const maxExpressions = 24

// scan collects the expressions of the text.
func (p *parser) scan() []expr {
	var out []expr
	for i := 0; i < len(p.toks); {
		if len(out) == maxExpressions {
			p.refuse(i, severalDates)
			break
		}
		if !p.starts(i) || p.at(i).kind == opaqueToken || p.at(i).kind == markToken && p.at(i+1).kind == markToken {
			i++
			continue
		}
		if p.is(i, isChoice) {
			p.between(i)
		}
		if e, next := p.expression(i); next > 0 {
			out = append(out, e)
			i = next
		} else {
			i++
		}
		i = max(i, p.refusedTo)
	}
	return out
}

// between refuses "between 3 and 5pm".
func (p *parser) between(i int) {
	e, j := p.expression(i + 1)
	if j == 0 {
		_, j = p.number(i + 1)
	}
	if j == 0 || !p.is(j, isAnd) {
		return
	}
	f, next := p.expression(j + 1)
	if _, k := p.dayNumber(j + 1); next == 0 && !e.empty() {
		next = k
	}
	if next > 0 && (!e.empty() || f.timed() || f.dated()) {
		p.refuse(next, "a range is no due date")
	}
}
