package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// table holds what was measured: subject → measure → one value for each round.
type table struct {
	plan  plan
	cells map[string]map[string][]float64
	order []string // of the measures, as they came
}

func (t *table) add(subject, measure string, v float64) {
	if t.cells[subject] == nil {
		t.cells[subject] = map[string][]float64{}
	}
	if !slices.Contains(t.order, measure) {
		t.order = append(t.order, measure)
	}
	t.cells[subject][measure] = append(t.cells[subject][measure], v)
}

// print prints the medians, and how tandem compares with the others: the median of the rounds' ratios, for the two values of one
// round were measured under the same load.
func (t *table) print(out io.Writer) {
	fmt.Fprintf(out, "%d users with %d devices each; %d rounds; medians\n\n", t.plan.users, t.plan.devices, t.plan.rounds)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer w.Flush()
	fmt.Fprintln(w, "\t"+strings.Join(t.plan.subjects, "\t")+"\t"+strings.Join(t.pairs(), "\t")+"\t")
	for _, measure := range t.order {
		row := []string{measure}
		for _, s := range t.plan.subjects {
			row = append(row, fmt.Sprintf("%.4g", median(t.cells[s][measure])))
		}
		for _, pair := range t.pairs() {
			a, b, _ := strings.Cut(pair, "/")
			row = append(row, ratio(t.cells[a][measure], t.cells[b][measure]))
		}
		fmt.Fprintln(w, strings.Join(row, "\t")+"\t")
	}
}

// pairs names the ratios: each way to run the hub beside its like.
func (t *table) pairs() (out []string) {
	for _, p := range [][2]string{{nameTandem, nameCentrifuge}, {nameTandem, nameLoop}, {nameAlone, nameLoop}} {
		if slices.Contains(t.plan.subjects, p[0]) && slices.Contains(t.plan.subjects, p[1]) {
			out = append(out, p[0]+"/"+p[1])
		}
	}
	return out
}

func ratio(a, b []float64) string {
	var all []float64
	for i := range min(len(a), len(b)) {
		if b[i] != 0 {
			all = append(all, a[i]/b[i])
		}
	}
	if len(all) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", median(all))
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
