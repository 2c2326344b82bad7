// Command promql reads PromQL with the parser of Prometheus: a JSON array of queries on standard input, what each asks for on standard output.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Query is what one query asks for.
type Query struct {
	Error     string     `json:"error,omitempty"` // why it is no PromQL
	Selectors []Selector `json:"selectors"`
	Summed    bool       `json:"summed"` // no series leaves it without an aggregation
}

// Selector is one set of series.
type Selector struct {
	Metric   string    `json:"metric"`
	Matchers []Matcher `json:"matchers"`
	By       []string  `json:"by"` // labels that aggregations around it keep
}

// Matcher is a condition on a label.
type Matcher struct {
	Label string `json:"label"`
	Op    string `json:"op"`
	Value string `json:"value"`
}

func main() {
	var queries []string
	if err := json.NewDecoder(os.Stdin).Decode(&queries); err != nil {
		fmt.Fprintln(os.Stderr, "promql:", err)
		os.Exit(1)
	}
	out := make([]Query, len(queries))
	for i, q := range queries {
		out[i] = read(q)
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		fmt.Fprintln(os.Stderr, "promql:", err)
		os.Exit(1)
	}
}

func read(text string) Query {
	expr, err := parser.ParseExpr(text)
	if err != nil {
		return Query{Error: err.Error()}
	}
	q := Query{Summed: true}
	parser.Inspect(expr, func(n parser.Node, path []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			by, summed := around(append(slices.Clone(path), n))
			q.Summed = q.Summed && summed
			q.Selectors = append(q.Selectors, Selector{metric(v), matchers(v), by})
		}
		return nil
	})
	return q
}

// around gives the labels that the aggregations of the path keep, and whether there is one that drops the others.
func around(path []parser.Node) (by []string, summed bool) {
	for i, n := range path {
		switch n := n.(type) {
		case *parser.AggregateExpr:
			if n.Without {
				continue
			}
			summed = true
			by = append(by, n.Grouping...)
		case *parser.BinaryExpr:
			if n.Op.IsSetOperator() && n.Op != parser.LOR && path[i+1] == n.RHS {
				by, summed = nil, true // it only decides which series of the other side remain
			}
			if n.VectorMatching != nil && n.VectorMatching.On {
				by = append(by, n.VectorMatching.MatchingLabels...)
			}
		}
	}
	slices.Sort(by)
	return slices.Compact(by), summed
}

func metric(v *parser.VectorSelector) string {
	for _, m := range v.LabelMatchers {
		if m.Name == labels.MetricName && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return v.Name
}

func matchers(v *parser.VectorSelector) []Matcher {
	out := []Matcher{}
	for _, m := range v.LabelMatchers {
		if m.Name != labels.MetricName {
			out = append(out, Matcher{m.Name, m.Type.String(), m.Value})
		}
	}
	return out
}
