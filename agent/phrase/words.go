package phrase

import (
	"strings"
	"time"
)

// class is a set of grammatical roles. A word may have several: "second" is an ordinal and a unit.
type class uint64

const (
	isWeekday     class = 1 << iota
	isWeekdays          // a plural: "mondays"
	isWorkdays          // "weekday", "workdays"
	isWeekend           // "weekend", "weekends"
	isMonth             // "may"
	isUnit              // "hours"
	isCard              // "seven"
	isOrd               // "seventh"
	isRef               // "tomorrow": val days from today
	isFixed             // "christmas": val is month*100 + day
	isNext              // "next"
	isThis              // "this"
	isLast              // "last"
	isComing            // "coming"
	isEvery             // "every"
	isOther             // "other", after every
	isFreq              // "weekly": val is the interval of freq
	isTimesPer          // "twice": val times
	isPer               // "per"
	isAgo               // "ago"
	isLater             // "later", "hence"
	isFrom              // "from"
	isNow               // "now"
	isAfter             // "after"
	isBefore            // "before"
	isIn                // "in"
	isWithin            // "within"
	isOn                // "on"
	isAt                // "at"
	isBy                // "by"
	isFor               // "for"
	isDue               // "due"
	isUntil             // "until"
	isThrough           // "through", of a range
	isTo                // "to"
	isStart             // "starting"
	isOf                // "of"
	isThe               // "the"
	isA                 // "a"
	isAnd               // "and"
	isHalf              // "half"
	isQuarter           // "quarter"
	isPast              // "past", after minutes
	isNoon              // "noon": val minutes of the day
	isPart              // "morning"
	isTonight           // "tonight"
	isShade             // "early", "mid", "late"
	isAM                // "am"
	isPM                // "pm"
	isOclock            // "o'clock"
	isAbout             // "about"
	isEnd               // "end"
	isBegin             // "beginning"
	isEndOfDay          // "eod"
	isTimes             // "times", "occurrences"
	isExcept            // "except"
	isVague             // "few", "several"
	isCouple            // "couple"
	isFinish            // "finish", after "after I"
	isRepeat            // "repeats", before a rule
	isDeterminer        // "my"
	isPreposition       // other words that may follow a date
	isOpaque            // a set phrase that holds no date: "black friday"
	isChoice            // "between", "or": what follows is open
)

// temporal are the roles that make a neighbour of a date more likely part of it.
const temporal = isWeekday | isWeekdays | isWorkdays | isWeekend | isMonth | isOrd | isRef | isFixed | isNext | isThis |
	isLast | isEvery | isFreq | isUntil | isStart | isNoon | isPart | isTonight | isOclock | isEndOfDay | isAgo | isLater |
	isFrom | isShade | isAbout | isTimesPer

// connecting are the roles of words that end the phrase before them.
const connecting = isAt | isOn | isIn | isBy | isFor | isTo | isOf | isAnd | isAfter | isBefore | isWithin | isPreposition |
	isDue | isExcept | isThrough | isRepeat

// unit of time. Months and longer ones are counted on the calendar, days and weeks too; shorter ones are instants.
type unit uint8

const (
	second unit = iota + 1
	minute
	hour
	dayUnit
	week
	month
	year
)

// part of the day.
type part uint8

const (
	noPart part = iota
	morning
	afternoon
	evening
	night
	lunch
	daytime
	tonight
)

// mark is a set of smaller roles: around priorities, tags and reminders, and inside some phrases.
type mark uint32

const (
	namesPriority   mark = 1 << iota // "priority"
	beforeTags                       // "tagged"
	opensReminder                    // "remind", of "remind me"
	joinsReminder                    // "to", behind "remind me"
	announces                        // "reminder", before "1h before"
	endsReminder                     // "before", behind "1h"
	reminderSubject                  // "it", behind "1h before"
	polite                           // "please"
	equates                          // "is", of "priority is high"
	accompanies                      // "with", of "with high priority"
	fillsLength                      // "more", of "2 more days"
	endsLength                       // "time", of "in 2 days time"
	saysZero                         // "oh", of "eight oh five"
	saysThousand                     // "thousand"
	countsFromEnd                    // "last"
	beforeDay                        // "business", of "business day"
	leadsFinish                      // "after", of "after I finish"
	finishObject                     // "it", of "after I finish it"
	zoneName                         // "UTC", behind a time
	countedNoun                      // "birthday", of "16th birthday"
	namesDay                         // a preposition that holds the article: "am" of "am 15."
	agoAhead                         // "vor", of "vor 3 Tagen"
	endsLimit                        // "lang", of "6 Wochen lang"
	numbered                         // "chapter": a number behind it is no time
	measures                         // "Prozent": a number before it is no time
)

// word is all that a locale knows about a word.
type word struct {
	is     class
	as     mark
	level  uint8 // of a priority: an index of levels
	day    time.Weekday
	month  time.Month
	unit   unit
	length int // of the unit: a fortnight is 2 weeks
	card   int
	ord    int
	val    int // of a role that has a value
	part   part
	freq   freq
	meal   meal
	plural bool // "mornings", "weekdays"
	weak   bool // also an ordinary word: "may", "sun"
}

func (w *word) any(c class) bool { return w.is&c != 0 }

// The words of tokens that no table has.
var (
	unknown = &word{}
	opaque  = &word{is: isOpaque}
)

// idiom is a run of words that means one thing.
type idiom struct {
	words []string
	word  *word
}

// locale is one language as data.
type locale struct {
	words    map[string]*word
	idioms   map[string][]idiom // by first word
	openings []idiom            // of reminders, the longest first
	fuzzy    []string           // names that are recognised with one typo
	real     map[string]bool    // ordinary words within one edit of such a name
	shades   map[string]map[part]int
	// possessive is the ending of "tomorrow's"; empty where a language has none.
	possessive string
	endings    []string // of inflected words, written with a * in a table
	spellings  *strings.Replacer
	traits
	behind    map[string]behind
	separable []string
	articles  map[string]bool // that fall away with the preposition before them
	signs     map[string]int  // words that tell the language, by weight
}

// traits are what sets the grammar of one language apart from that of another.
type traits struct {
	compound        bool   // "Montagabend" is a weekday and a part of the day
	dotted          bool   // "3." is an ordinal, and 3.4.26 a date
	leads           bool   // a date may stand before the rest: "um 9 Zahnarzt anrufen"
	ordinalInterval bool   // "jeden zweiten Montag" is every other one
	dayFirst        bool   // 3/4 is 3 April
	half            int    // the minutes that "half" adds to the hour behind it: "half seven", "halb sieben"
	letters         string // that tell the language
	infinitive      string // "zu", of "anzurufen" and "zu gießen"
}

// behind gives a word another meaning behind words of some roles: "heute morgen".
type behind struct {
	after class
	as    word
}

// vocabulary is how a language is written down; lists are separated by spaces.
type vocabulary struct {
	weekdays, weekdayPlurals [7]string
	months                   [12]string
	units                    []unitWords
	cardinals                []string // from zero
	tens                     [10]string
	ordinals                 []string // from "zeroth", which may be empty
	ordinalTens              [10]string
	classes                  map[class]string
	refs                     map[int]string
	freqs                    map[string]rule
	parts                    map[part]string
	meals                    map[meal]string
	noons                    map[int]string // by minutes of the day
	fixed                    map[int][]string
	idioms                   map[string]word
	timesPer                 [4]string
	weak, plural, inclusive  string
	fuzzy, real              string
	shades                   map[string]map[part]int
	possessive               string
	marks                    map[mark]string
	levels                   [5]string
	openings                 []string
	tensAnd, oneAnd          string // "und", "ein": of numbers such as "einundzwanzig"
	endings                  string
	spellings                map[string]string // other ways to write a letter: "ae" for "ä"
	behind                   map[string]behind
	articles                 string
	separable                string    // prefixes of verbs that "zu" is put behind
	signs                    [3]string // by weight
	traits
}

type unitWords struct {
	unit   unit
	length int
	words  string
}

// compile indexes a vocabulary.
func compile(v vocabulary) *locale {
	l := &locale{
		words: map[string]*word{}, idioms: map[string][]idiom{}, fuzzy: strings.Fields(v.fuzzy), real: set(v.real),
		shades: v.shades, possessive: v.possessive, endings: strings.Fields(v.endings), traits: v.traits, behind: v.behind,
		separable: strings.Fields(v.separable), articles: set(v.articles), signs: map[string]int{},
	}
	if len(v.spellings) > 0 {
		var pairs []string
		for letter, spelling := range v.spellings {
			pairs = append(pairs, letter, spelling)
		}
		l.spellings = strings.NewReplacer(pairs...)
	}
	l.addNames(v)
	l.addNumbers(v)
	l.addTimes(v)
	for c, words := range v.classes {
		l.add(words, func(w *word) { w.is |= c })
	}
	l.add(v.weak, func(w *word) { w.weak = true })
	l.add(v.plural, func(w *word) { w.plural = true })
	l.add(v.inclusive, func(w *word) { w.val = 1 })
	for words, w := range v.idioms {
		l.addIdiom(words, w)
	}
	l.addMarks(v)
	for weight, words := range v.signs {
		for w := range strings.FieldsSeq(words) {
			l.signs[w] = weight
		}
	}
	return l
}

func (l *locale) addMarks(v vocabulary) {
	for m, words := range v.marks {
		l.add(words, func(w *word) { w.as |= m })
	}
	for level, words := range v.levels {
		l.add(words, func(w *word) { w.level = uint8(level) })
	}
	for _, words := range v.openings {
		fields := strings.Fields(words)
		l.openings = append(l.openings, idiom{words: fields})
		l.add(fields[0], func(w *word) { w.as |= opensReminder })
	}
}

func (l *locale) add(words string, change func(*word)) {
	for s := range strings.FieldsSeq(words) {
		for _, form := range l.forms(s) {
			w := l.words[form]
			if w == nil {
				w = &word{}
				l.words[form] = w
			}
			change(w)
		}
	}
}

// forms gives a word of a table with its endings, in all its spellings.
func (l *locale) forms(s string) []string {
	out := []string{s}
	if stem, ok := strings.CutSuffix(s, "*"); ok && len(stem) > 0 {
		out = out[:0]
		for _, ending := range l.endings {
			out = append(out, stem+ending)
		}
	}
	if l.spellings == nil {
		return out
	}
	for _, form := range out {
		if other := l.spellings.Replace(form); other != form {
			out = append(out, other)
		}
	}
	return out
}

func (l *locale) addIdiom(words string, w word) {
	for _, form := range l.forms(words) {
		fields := strings.Fields(form)
		if len(fields) == 1 {
			l.words[form] = &w
			continue
		}
		l.idioms[fields[0]] = append(l.idioms[fields[0]], idiom{fields, &w})
	}
}

func (l *locale) addNames(v vocabulary) {
	for i := range v.weekdays {
		l.add(v.weekdays[i], func(w *word) { w.is, w.day = w.is|isWeekday, time.Weekday(i) })
		l.add(v.weekdayPlurals[i], func(w *word) { w.is, w.day = w.is|isWeekday|isWeekdays, time.Weekday(i) })
	}
	for i, words := range v.months {
		l.add(words, func(w *word) { w.is, w.month = w.is|isMonth, time.Month(i+1) })
	}
	for n, names := range v.fixed {
		for _, name := range names {
			l.addIdiom(name, word{is: isFixed, val: n, weak: !strings.Contains(name, " ")})
		}
	}
}

func (l *locale) addNumbers(v vocabulary) {
	for i, words := range v.cardinals {
		l.add(words, func(w *word) { w.is, w.card = w.is|isCard, i })
	}
	for i, words := range v.tens {
		l.add(words, func(w *word) { w.is, w.card = w.is|isCard, i*10 })
	}
	l.addJoinedNumbers(v)
	for i, words := range v.ordinals {
		l.add(words, func(w *word) { w.is, w.ord = w.is|isOrd, i })
	}
	for i, words := range v.ordinalTens {
		l.add(words, func(w *word) { w.is, w.ord = w.is|isOrd, i*10 })
	}
	for i, words := range v.timesPer {
		l.add(words, func(w *word) { w.is, w.val = w.is|isTimesPer, i })
	}
}

// addJoinedNumbers adds "einundzwanzig" and "einundzwanzigster".
func (l *locale) addJoinedNumbers(v vocabulary) {
	if v.tensAnd == "" {
		return
	}
	for n := 21; n < 100; n++ {
		unit := v.cardinals[n%10]
		if n%10 == 1 {
			unit = v.oneAnd
		}
		unit, _, _ = strings.Cut(unit, " ")
		if n%10 == 0 || unit == "" {
			continue
		}
		l.add(unit+v.tensAnd+v.tens[n/10], func(w *word) { w.is, w.card = w.is|isCard, n })
		if ordinal := v.ordinalTens[n/10]; ordinal != "" {
			l.add(unit+v.tensAnd+ordinal, func(w *word) { w.is, w.ord = w.is|isOrd, n })
		}
	}
}

func (l *locale) addTimes(v vocabulary) {
	for _, u := range v.units {
		l.add(u.words, func(w *word) { w.is, w.unit, w.length = w.is|isUnit, u.unit, u.length })
	}
	for n, words := range v.refs {
		l.add(words, func(w *word) { w.is, w.val = w.is|isRef, n })
	}
	for words, r := range v.freqs {
		l.add(words, func(w *word) { w.is, w.freq, w.val = w.is|isFreq, r.freq, r.interval })
	}
	for p, words := range v.parts {
		l.add(words, func(w *word) { w.is, w.part = w.is|isPart, p })
	}
	for m, words := range v.meals {
		l.add(words, func(w *word) { w.meal = m })
	}
	for n, words := range v.noons {
		l.add(words, func(w *word) { w.is, w.val = w.is|isNoon, n })
	}
}

func set(words string) map[string]bool {
	m := map[string]bool{}
	for s := range strings.FieldsSeq(words) {
		m[s] = true
	}
	return m
}

// lookup gives the meanings of a lower-case word. A name of a weekday or month with one typo is that name.
func (l *locale) lookup(s string) (w *word, typo bool) {
	if w, ok := l.words[s]; ok {
		return w, false
	}
	if len(s) < 5 || len(s) > 11 || l.real[s] {
		return unknown, false
	}
	for _, name := range l.fuzzy {
		if oneEdit(s, name) || sameLetters(s, name) {
			return l.words[name], true
		}
	}
	return unknown, false
}

// sameLetters reports whether two words differ only in which letters are doubled: "satturday".
func sameLetters(a, b string) bool {
	i, j := 0, 0
	for i < len(a) && j < len(b) && a[i] == b[j] {
		c := a[i]
		for i < len(a) && a[i] == c {
			i++
		}
		for j < len(b) && b[j] == c {
			j++
		}
	}
	return i == len(a) && j == len(b)
}

// oneEdit reports whether one insertion, deletion, substitution or swap of neighbours makes a into b.
func oneEdit(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if i == len(a) {
		return false
	}
	if a[i+1:] == b[i+1:] {
		return true
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

// locales are the languages by tag.
var locales = map[string]*locale{"en": compile(english), "de": compile(german)}

func localeOf(tag string) *locale {
	base, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(tag), "_", "-"), "-")
	if l, ok := locales[base]; ok {
		return l
	}
	return locales["en"]
}
