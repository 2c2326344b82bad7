package store

// Marks weigh the tasks of a user by number: 0 is out of the list, more is a better match.
type Marks struct {
	weight []uint8
	count  [256]int // tasks of each weight above 0
	total  int
}

// NewMarks gives marks for so many numbers, all of them out.
func NewMarks(numbers int64) *Marks { return &Marks{weight: make([]uint8, numbers+1)} }

// Of gives the weight of a number; 0 for one that is not marked.
func (m *Marks) Of(number int64) int {
	if number >= int64(len(m.weight)) {
		return 0
	}
	return int(m.weight[number])
}

// Fit marks those of the tasks from first on whose facet fits.
func (m *Marks) Fit(first int64, facets []Facet, fits *Fits) {
	for i, f := range facets {
		if n := first + int64(i); fits[f] && n < int64(len(m.weight)) {
			m.weight[n] = 1
		}
	}
}

// keep unmarks what is not in the set.
func (m *Marks) keep(set *Bitset) {
	for n, w := range m.weight {
		if w > 0 && !set.Has(int64(n)) {
			m.weight[n] = 0
		}
	}
}

// maxRank bounds a weight. No search comes near it: it has at most 32 terms, of at most 3 each.
const maxRank = 250

// Drop unmarks the tasks that were hit: twice their number, or that plus one.
func (m *Marks) Drop(hits *Bitset) {
	hits.Each(func(n int64) { m.weight[n>>1] = 0 })
}

// Weigh weighs the marked tasks by the hits of each term: twice the number of a task for its title, which counts 2, and that plus
// one for its description. Tasks without a hit are unmarked.
func (m *Marks) Weigh(terms []*Bitset) {
	rank := make([]uint8, len(m.weight))
	for _, hits := range terms {
		hits.Each(func(n int64) { rank[n>>1] += min(2-uint8(n&1), maxRank-rank[n>>1]) })
	}
	for i := range m.weight {
		m.weight[i] *= rank[i]
	}
}

// tally counts the weights once the marks are complete.
func (m *Marks) tally() {
	for _, w := range m.weight {
		m.count[w]++
	}
	m.total = len(m.weight) - m.count[0]
	m.count[0] = 0
}

// levels lists the weights that occur, the highest first.
func (m *Marks) levels() []int {
	var out []int
	for w := len(m.count) - 1; w > 0; w-- {
		if m.count[w] > 0 {
			out = append(out, w)
		}
	}
	return out
}

// numbers gives the marked numbers whose weight is wanted.
func (m *Marks) numbers(wanted func(weight int) bool) []int64 {
	out := []int64{}
	for number, w := range m.weight {
		if w > 0 && wanted(int(w)) {
			out = append(out, int64(number))
		}
	}
	return out
}
