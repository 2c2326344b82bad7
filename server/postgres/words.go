package postgres

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"

	"tandem"
	"tandem/server/store"
)

// The search index. The operators of full-text search are not leakproof, so row-level security keeps them from driving a plan: a
// GIN index would be passed over, and every task of the user be looked at. Comparisons of text are leakproof. Hence the table
// words, where a B-tree finds what begins with a searched word, and each row tells which tasks of a chunk hold its word. The
// column tasks.words, a tsvector, then says which of the candidates hold a phrase.
//
// A few thousand tasks are looked through in a few milliseconds that way. Behind the first chunk there are rows for the beginnings of
// words and for pairs of words as well, so that a letter meets few rows and a phrase few candidates. Most people have one chunk.

// chunkBits is the room of a chunk of tasks: the places of a word in it are at most placesBytes, so that a row stays small.
const chunkBits = 12

// firstChunkEnd is the first number behind the first chunk.
const firstChunkEnd = 1 << chunkBits

// maxWord bounds an indexed word in bytes, as a B-tree does. A search for as long a word is verified.
const maxWord = 100

// letterOf gives the row of all words that begin with the same character as the word. It sorts before every word.
func letterOf(word string) string {
	_, n := utf8.DecodeRuneInString(word)
	return "#" + word[:n]
}

// pairOf gives the row of two words that stand side by side. It sorts before every word.
func pairOf(first, second string) string { return " " + indexed(first) + " " + indexed(second) }

// indexed gives a word as the index keeps it.
func indexed(word string) string { return cut(word, maxWord) }

// cut shortens a text to at most so many bytes, between characters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// maxSortKey is the room that a B-tree leaves for a title. Only a title whose characters unfold into many is longer.
const maxSortKey = 1500

// sortKey is what titles are ordered by.
func sortKey(title string) string { return cut(tandem.Fold(title), maxSortKey) }

// index is what a write changes of the user's index. It is kept for the end of the write, when each row is written once.
type index struct {
	facets map[int64]store.Facet      // by number
	words  map[posting]map[int64]bool // by place in the chunk: whether the word stands there now
}

// indexTask notes the change of a task; before or after is nil where there is no task.
func (w *write) indexTask(number int64, before, after *tandem.Task) {
	if before == nil || after == nil || store.FacetOf(*before) != store.FacetOf(*after) {
		w.setFacet(number, after)
	}
	w.setWords(number, before, after)
}

// saveIndex writes what indexTask noted.
func (w *write) saveIndex(ctx context.Context) error {
	w.saveFacets()
	return w.saveWords(ctx)
}

// posting names a row of the index.
type posting struct {
	word  string
	chunk int32
}

func (w *write) setWords(number int64, before, after *tandem.Task) {
	old, now := texts(before), texts(after)
	for part := range now {
		if old[part] == now[part] {
			continue
		}
		had, has := wordSet(number, old[part]), wordSet(number, now[part])
		for word := range had {
			if !has[word] {
				w.setWord(word, number, part, false)
			}
		}
		for word := range has {
			if !had[word] {
				w.setWord(word, number, part, true)
			}
		}
	}
}

func texts(t *tandem.Task) [2]string {
	if t == nil {
		return [2]string{}
	}
	return [2]string{t.Title, t.Description}
}

// wordSet gives the rows of the index that a text of a task stands in.
func wordSet(number int64, text string) map[string]bool {
	set := map[string]bool{}
	before := ""
	for _, word := range tandem.Words(text) {
		set[indexed(word)] = true
		if number >= firstChunkEnd {
			set[letterOf(word)] = true
			if before != "" {
				set[pairOf(before, word)] = true
			}
			before = word
		}
	}
	return set
}

func (w *write) setWord(word string, number int64, part int, present bool) {
	if w.index.words == nil {
		w.index.words = map[posting]map[int64]bool{}
	}
	p := posting{word, int32(number >> chunkBits)}
	places := w.index.words[p]
	if places == nil {
		places = map[int64]bool{}
		w.index.words[p] = places
	}
	places[number&(1<<chunkBits-1)<<1|int64(part)] = present
}

// saveWords writes the rows of the index that changed, in an order that is the same for every write.
func (w *write) saveWords(ctx context.Context) error {
	if len(w.index.words) == 0 {
		return nil
	}
	changed := slices.SortedFunc(maps.Keys(w.index.words), func(a, b posting) int {
		return cmp.Or(strings.Compare(a.word, b.word), cmp.Compare(a.chunk, b.chunk))
	})
	sets, err := w.readPostings(ctx, changed)
	if err != nil {
		return err
	}
	var full, empty postings
	for _, p := range changed {
		set, there := sets[p]
		if !there {
			set = &store.Bitset{}
		}
		for place, present := range w.index.words[p] {
			set.Put(place, present)
		}
		if places := placesOf(set); places != nil {
			full.add(p, places)
		} else if there {
			empty.add(p, nil)
		}
	}
	w.savePostings(full, empty)
	return nil
}

// postings are rows of the index, column by column.
type postings struct {
	words  []string
	chunks []int32
	hits   [][]byte
}

func (l *postings) add(p posting, hits []byte) {
	l.words, l.chunks, l.hits = append(l.words, p.word), append(l.chunks, p.chunk), append(l.hits, hits)
}

func (w *write) readPostings(ctx context.Context, wanted []posting) (map[posting]*store.Bitset, error) {
	var keys postings
	for _, p := range wanted {
		keys.add(p, nil)
	}
	sets := make(map[posting]*store.Bitset, len(wanted))
	_, err := list(ctx, w.conn, func(r row) (struct{}, error) {
		var p posting
		var hits []byte
		err := r.Scan(&p.word, &p.chunk, &hits)
		set := &store.Bitset{}
		addPlaces(set, 0, hits)
		sets[p] = set
		return struct{}{}, err
	}, `
		select w.word, w.chunk, w.hits from unnest($2::text[], $3::integer[]) as k (word, chunk)
		join words w on w.word = k.word and w.chunk = k.chunk where w.user_id = $1`, w.User, keys.words, keys.chunks)
	return sets, err
}

func (w *write) savePostings(full, empty postings) {
	if len(full.words) > 0 {
		w.later(nil, `
			insert into words (user_id, word, chunk, hits) select $1, k.word, k.chunk, k.hits
			from unnest($2::text[], $3::integer[], $4::bytea[]) as k (word, chunk, hits)
			on conflict (user_id, word, chunk) do update set hits = excluded.hits`, w.User, full.words, full.chunks, full.hits)
	}
	if len(empty.words) > 0 {
		w.later(nil, `
			delete from words w using unnest($2::text[], $3::integer[]) as k (word, chunk)
			where w.user_id = $1 and w.word = k.word and w.chunk = k.chunk`, w.User, empty.words, empty.chunks)
	}
}

// What a tsvector can hold.
const (
	maxOccurrences = 255
	maxPosition    = 16_000
)

// vectorOf gives the words of a task with their places: of the title with the weight A, of the description with B, and nothing
// between the two that is next to both. Null where a tsvector cannot hold it exactly; such a task is looked at itself.
func vectorOf(t tandem.Task) pgtype.TSVector {
	places := map[string][]pgtype.TSVectorPosition{}
	at := uint16(0)
	for part, text := range texts(&t) {
		at++ // a gap, so that no phrase spans the two
		for _, word := range tandem.Words(text) {
			if word = indexed(word); len(places[word]) >= maxOccurrences || at >= maxPosition {
				return pgtype.TSVector{}
			}
			at++
			places[word] = append(places[word], pgtype.TSVectorPosition{Position: at, Weight: weights[part]})
		}
	}
	v := pgtype.TSVector{Valid: true, Lexemes: make([]pgtype.TSVectorLexeme, 0, len(places))}
	for _, word := range slices.Sorted(maps.Keys(places)) {
		v.Lexemes = append(v.Lexemes, pgtype.TSVectorLexeme{Word: word, Positions: places[word]})
	}
	return v
}

var weights = [2]pgtype.TSVectorWeight{pgtype.TSVectorWeightA, pgtype.TSVectorWeightB}

// phraseQuery writes a term as a tsquery on one part of a task: words in a row, the last one at its beginning.
func phraseQuery(term tandem.Term, part int) string {
	weight := string(rune(weights[part]))
	var b strings.Builder
	for i, word := range term {
		if i > 0 {
			b.WriteString(" <-> ")
		}
		b.WriteString("'" + word + "':") // letters and digits only
		if i == len(term)-1 {
			b.WriteByte('*')
		}
		b.WriteString(weight)
	}
	return b.String()
}
