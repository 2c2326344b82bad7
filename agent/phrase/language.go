package phrase

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// LanguageOf gives the tag of the language of a text: the person's own, unless the words of another one outweigh it by a margin.
// An unknown locale counts as English.
func LanguageOf(text, locale string) string {
	own := localeOf(locale)
	spoken := spokenIn(text, own)
	for tag, l := range locales {
		if l == spoken {
			return tag
		}
	}
	return "en"
}

const (
	// languageMargin is how much the words of another language must outweigh those of the person's own: one that is hardly
	// of any other language, or two small ones.
	languageMargin = 2
	// maxSigns bounds the words that are weighed.
	maxSigns = 60
)

// spokenIn gives the language of a text.
func spokenIn(text string, own *locale) *locale {
	best, most := own, weigh(text, own)+languageMargin-1
	for _, l := range languages {
		if l == own {
			continue
		}
		if n := weigh(text, l); n > most {
			best, most = l, n
		}
	}
	return best
}

// languages are those that are told apart, in a fixed order.
var languages = []*locale{locales["en"], locales["de"]}

// weigh sums up the weights of the words of a text that tell a language.
func weigh(text string, l *locale) int {
	sum, words := 0, 0
	for i := 0; i < len(text) && words < maxSigns; {
		r, size := utf8.DecodeRuneInString(text[i:])
		if !unicode.IsLetter(r) {
			i += size
			continue
		}
		end := wordEnd(text, i)
		w := strings.ToLower(text[i:end])
		if n, ok := l.signs[w]; ok {
			sum += n
		} else if l.letters != "" && strings.ContainsAny(w, l.letters) {
			sum++
		}
		i = max(end, i+size)
		words++
	}
	return sum
}

// plainInfinitive undoes the infinitive of a request: "Mama anzurufen" is to be "Mama anrufen", "die Blumen zu gießen" "die Blumen
// gießen".
func (l *locale) plainInfinitive(title string) string {
	if l.infinitive == "" {
		return title
	}
	at := strings.LastIndexByte(title, ' ')
	head, verb := title[:at+1], title[at+1:]
	if !strings.HasSuffix(verb, "n") {
		return title
	}
	if rest, ok := strings.CutSuffix(head, " "+l.infinitive+" "); ok {
		return rest + " " + verb
	}
	for _, prefix := range l.separable {
		if stem, ok := strings.CutPrefix(verb, prefix+l.infinitive); ok && len(stem) > 2 {
			return head + prefix + stem
		}
	}
	return title
}

// MayOpen is a quick look at the first word of a text: false means that no date, time, length or repetition begins there.
func MayOpen(text string, o Options) bool {
	r, size := utf8.DecodeRuneInString(text)
	if !unicode.IsLetter(r) {
		return size > 0
	}
	l := localeOf(o.Locale)
	first := fold(text[:wordEnd(text, 0)])
	w, _ := l.lookup(first)
	if w.any(introducing|beginning|isStart|isA) || len(l.idioms[first]) > 0 || l.compound && len(first) > minCompound {
		return true
	}
	stem, owned := strings.CutSuffix(first, l.possessive)
	return owned && l.words[stem] != nil
}
