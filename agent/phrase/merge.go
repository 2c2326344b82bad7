package phrase

// merged is what all expressions of a text amount to.
type merged struct {
	expr
	found    bool
	reminder *expr // the expression behind "remind me"
}

// combine merges expressions: at most one rule, one day, one time.
func (p *parser) combine(all []expr, m *marks) merged {
	var out merged
	var rest []expr
	for i := range all {
		e := &all[i]
		if m.remindAt > 0 && e.pieces[0].lead == m.remindAt {
			out.reminder = e
			continue
		}
		if e.badRule || e.clash {
			return merged{}
		}
		rest = append(rest, *e)
	}
	if p.refused {
		return merged{}
	}
	if len(rest) == 0 && out.reminder != nil {
		rest, out.reminder = []expr{*out.reminder}, nil
	}
	rest = p.firm(rest)
	rest = p.oneRule(rest)
	rest = p.oneDay(rest)
	rest = p.oneTime(rest)
	for i := range rest {
		out.absorb(&rest[i])
		out.found = true
	}
	return out
}

// firm drops days before nouns, unless they are the only day for a time: "a Friday meeting at 5pm".
func (p *parser) firm(all []expr) []expr {
	timed, dated := false, false
	for i := range all {
		_, d := all[i].day()
		timed = timed || all[i].clock.set
		dated = dated || all[i].repeats() || d && !all[i].soft()
	}
	if timed && !dated {
		return all
	}
	return p.keep(all, func(e *expr) bool { return !e.soft() || e.clock.set })
}

// oneRule drops frequencies before nouns that nothing supports, and all rules when there are several.
func (p *parser) oneRule(all []expr) []expr {
	rules, strong := 0, 0
	timed, weekday := false, false
	for i := range all {
		timed = timed || all[i].clock.set || all[i].part.set
		weekday = weekday || all[i].weekday != nil && !all[i].named
		if all[i].repeats() {
			rules++
		}
		if all[i].repeats() && !all[i].rule.weak {
			strong++
		}
	}
	return p.keep(all, func(e *expr) bool {
		switch {
		case !e.repeats():
			return true
		case e.rule.weak && (strong > 0 || rules > 1 || e.rule.free() && !timed && !weekday):
			return false
		case strong > 1:
			p.setReason("there are several repetitions")
			return false
		}
		return true
	})
}

// oneDay chooses among the days of a text: one that lies ahead before one that has passed, a deadline ("by Friday") before
// the others. When that settles nothing, none is taken.
func (p *parser) oneDay(all []expr) []expr {
	const deadline = isBy | isDue | isBefore
	if sameDay(all) {
		return all
	}
	all = p.preferring(all, func(e *expr) bool { d, _ := e.day(); return e.repeats() || d.day >= p.today })
	if sameDay(all) {
		return all
	}
	all = p.preferring(all, func(e *expr) bool { return e.repeats() || e.in&deadline != 0 })
	if sameDay(all) {
		return all
	}
	p.setReason(severalDates)
	return p.keep(all, func(e *expr) bool { return e.repeats() })
}

// preferring drops the days without a quality if there are days with it.
func (p *parser) preferring(all []expr, has func(*expr) bool) []expr {
	some := false
	for i := range all {
		_, dated := all[i].day()
		some = some || dated && !all[i].repeats() && has(&all[i])
	}
	if !some {
		return all
	}
	return p.keep(all, func(e *expr) bool { _, dated := e.day(); return !dated || has(e) })
}

// sameDay reports whether the expressions name at most one day.
func sameDay(all []expr) bool {
	var first *date
	for i := range all {
		d, dated := all[i].day()
		switch {
		case !dated || all[i].repeats() && !all[i].named:
		case first == nil:
			first = &d
		case first.day != d.day || first.moment != nil || d.moment != nil:
			return false
		}
	}
	return true
}

// oneTime drops times of their own when the day or rule has a time, and all of them when there are several.
func (p *parser) oneTime(all []expr) []expr {
	loose, taken := 0, false
	for i := range all {
		_, dated := all[i].day()
		switch {
		case !all[i].timed() && all[i].date.moment == nil:
		case dated || all[i].repeats():
			taken = true
		default:
			loose++
		}
	}
	if loose > 1 && !taken {
		p.setReason("there are several times")
	}
	return p.keep(all, func(e *expr) bool {
		_, dated := e.day()
		return dated || e.repeats() || !taken && loose == 1
	})
}

func (p *parser) keep(all []expr, want func(*expr) bool) []expr {
	var out []expr
	for i := range all {
		if want(&all[i]) {
			out = append(out, all[i])
		}
	}
	return out
}

// absorb adds what f says and e does not.
func (e *expr) absorb(f *expr) {
	e.pieces = append(e.pieces, f.pieces...)
	e.in |= f.in
	if !e.named && f.named {
		e.date, e.named = f.date, true
	}
	if e.weekday == nil {
		e.weekday = f.weekday
	}
	if e.start == nil {
		e.start, e.timedStart = f.start, f.timedStart
	}
	if e.until == nil {
		e.until = f.until
	}
	if !e.clock.set {
		e.clock = f.clock
	}
	if !e.part.set {
		e.part = f.part
	}
	if !e.repeats() {
		e.rule, e.limit = f.rule, f.limit
	}
	e.dayEnd = e.dayEnd || f.dayEnd
}
