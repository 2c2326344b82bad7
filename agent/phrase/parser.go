package phrase

import (
	"strconv"
	"time"
)

// parser holds one text and the moment in which it is read. Its grammar functions take the index of a token and return the
// index behind what they read; 0 means that they read nothing.
type parser struct {
	text  string
	units offsets
	toks  []token
	lang  *locale
	now   time.Time // in the zone of the reader
	today day
	clock int // minutes of the day, now
	opt   Options
	hours [tonight + 1]int // minutes of the day, by part

	whole     bool // the text is one phrase: weak words count
	repeating bool // the text is a repetition: "mon, wed" is a rule

	refusedTo int  // tokens that look like a date but are none
	refused   bool // and settle that the text has no date
	reason    string
}

func newParser(text string, now time.Time, loc *time.Location, o Options) *parser {
	own := localeOf(o.Locale)
	p := &parser{text: text, units: newOffsets(text), lang: own, now: now.In(loc), opt: o}
	if !o.Settled {
		p.lang = spokenIn(text, own)
	}
	if p.lang != own {
		p.opt.DayFirst = p.opt.DayFirst || p.lang.dayFirst
	}
	p.today = dayOf(p.now.Date())
	p.clock = p.now.Hour()*60 + p.now.Minute()
	p.hours = o.hours()
	p.toks = lex(text, p.lang, p.masked())
	return p
}

// masked gives the stretches that mean nothing.
func (p *parser) masked() []stretch {
	s := append(quotes(p.text), addresses(p.text)...)
	for _, off := range p.opt.Off {
		s = append(s, p.units.bytes(off[0], off[1]))
	}
	return merge(s)
}

var noToken = token{kind: opaqueToken, word: opaque, spaced: true}

// at gives the token at i; beyond the end one that means nothing.
func (p *parser) at(i int) *token {
	if i < 0 || i >= len(p.toks) {
		return &noToken
	}
	return &p.toks[i]
}

func (p *parser) is(i int, c class) bool { return p.at(i).any(c) }

func (p *parser) mark(i int, s string) bool {
	t := p.at(i)
	return t.kind == markToken && t.text == s
}

// glued reports whether token i follows the one before it without a space.
func (p *parser) glued(i int) bool { return i < len(p.toks) && i > 0 && !p.toks[i].spaced }

// skip steps over token i if it has one of the roles.
func (p *parser) skip(i int, c class) int {
	if p.is(i, c) {
		return i + 1
	}
	return i
}

// hyphen steps over a hyphen between two glued words.
func (p *parser) hyphen(i int) int {
	if p.mark(i, "-") && p.glued(i) && p.glued(i+1) {
		return i + 1
	}
	return i
}

// closed reports whether a phrase may end before token i: at the end, before punctuation, a connecting word, or another
// word of time. A plain noun or a number leaves "at 5" open: "at 5 Main Street".
func (p *parser) closed(i int) bool {
	t := p.at(i)
	switch {
	case i >= len(p.toks):
		return true
	case t.kind == opaqueToken:
		return t.spaced
	case t.kind == markToken:
		return p.endsPhrase(i)
	case t.kind == numberToken || !t.spaced:
		return false
	}
	return t.any(connecting|temporal) && !t.any(isUnit&^isOrd)
}

// over is closed, and in a language where a date may stand before what it dates, a plain word ends a phrase too.
func (p *parser) over(i int) bool {
	t := p.at(i)
	return p.closed(i) || p.lang.leads && t.kind == wordToken && t.spaced && !t.any(isUnit) && !p.has(i, measures)
}

// articled reports that "the" was said, or a preposition that holds it.
func (p *parser) articled(i int, in class) bool { return in&isThe != 0 || p.has(i-1, namesDay) }

// endsPhrase reports whether the punctuation at i ends a phrase. "%", "/", a decimal point and the like do not.
func (p *parser) endsPhrase(i int) bool {
	switch p.at(i).text {
	case "%", "/", "*", "°", "$", "€", "£", "_", "+", "=", "\\", "^", "<", ">":
		return false
	case ".", ",", ":", "-", "'":
		return !p.glued(i) || !p.glued(i+1) || p.at(i+1).kind == markToken
	}
	return true
}

// starts reports whether an expression may start at token i: not inside a run of letters and digits ("v1.2", "6358fe").
func (p *parser) starts(i int) bool {
	t, prev := p.at(i), p.at(i-1)
	if i == 0 || t.spaced {
		return true
	}
	if prev.kind != markToken {
		return false
	}
	switch prev.text {
	case "(", "[", ",", ";", ":", "!", "?", "\"", "—", "–", "@", "~", "…", "&":
		return prev.text != ":" || t.kind != numberToken || p.at(i-2).kind != numberToken
	case "/", "-", "+":
		return i == 1 || prev.spaced && (t.kind == wordToken || prev.text != "-")
	}
	return false
}

// refuse notes that the tokens up to next look like a date, but are none, and why. With a reason, no other words of the
// text are a date: half of "Mon-Fri at 9" would be wrong.
func (p *parser) refuse(next int, reason string) {
	p.refusedTo = max(p.refusedTo, next)
	if reason != "" {
		p.refused = true
		p.setReason(reason)
	}
}

// number reads 12, "twelve", "twenty one" or "twenty-one".
func (p *parser) number(i int) (n, next int) {
	t := p.at(i)
	if t.kind == numberToken {
		return t.n, i + 1
	}
	if !t.any(isCard) {
		return 0, 0
	}
	if t.card < 20 || t.card%10 != 0 {
		return t.card, i + 1
	}
	j := p.hyphen(i + 1)
	if u := p.at(j); u.kind == wordToken && u.any(isCard) && 1 <= u.card && u.card <= 9 {
		return t.card + u.card, j + 1
	}
	return t.card, i + 1
}

// ordinal reads "1st", "first", "twenty first" or "twenty-first".
func (p *parser) ordinal(i int) (n, next int) {
	t := p.at(i)
	if t.any(isOrd) {
		return t.ord, i + 1
	}
	if t.kind == wordToken && t.any(isCard) && t.card >= 20 {
		j := p.hyphen(i + 1)
		if u := p.at(j); u.any(isOrd) && 1 <= u.ord && u.ord <= 9 {
			return t.card + u.ord, j + 1
		}
	}
	return 0, 0
}

// yearNumber reads 2016, '16, "nineteen seventy eight" or "two thousand and twenty".
func (p *parser) yearNumber(i int) (y, next int) {
	t := p.at(i)
	switch {
	case t.kind == numberToken && t.digits() == 4 && 1900 <= t.n && t.n < 2200:
		return t.n, i + 1
	case (p.mark(i, "'") || p.mark(i, "’")) && p.glued(i+1) && p.at(i+1).digits() == 2 && p.at(i+1).kind == numberToken:
		return pivot(p.at(i + 1).n), i + 2
	case t.kind != wordToken:
		return 0, 0
	}
	century, j := p.number(i)
	if century == 19 || century == 20 {
		if n, next := p.number(j); next > 0 && p.at(j).kind == wordToken && 10 <= n && n <= 99 {
			return century*100 + n, next
		}
	}
	if century != 2 || !p.has(j, saysThousand) {
		return 0, 0
	}
	if n, next := p.number(p.skip(j+1, isAnd)); next > 0 && p.at(next-1).kind == wordToken && n < 100 {
		return 2000 + n, next
	}
	return 2000, j + 1
}

// pivot gives the century of a year of two digits: 70 to 99 are of the last one, the rest of this one.
func pivot(n int) int {
	if n >= 70 {
		return 1900 + n
	}
	return 2000 + n
}

// decimal reads the 5 of "1.5" behind the point at i.
func (p *parser) decimal(i int) (f float64, next int) {
	if !p.mark(i, ".") || !p.glued(i) || !p.glued(i+1) || p.at(i+1).kind != numberToken || p.at(i+1).digits() > 3 {
		return 0, 0
	}
	f, err := strconv.ParseFloat("0."+p.at(i+1).text, 64)
	if err != nil {
		return 0, 0
	}
	return f, i + 2
}
