package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"tandem"
)

// instant is a store that answers at once, so that a benchmark shows the cost of the tools alone.
type instant struct{ Store }

func BenchmarkBind(b *testing.B) {
	tb := New(Options{Store: instant{}})
	for b.Loop() {
		tb.Bind(Caller{User: "ann", Kind: Program})
	}
}

// Edit answers like an addition of one task.
func (instant) Edit(context.Context, tandem.UserID, tandem.Edit) (tandem.Outcome, error) {
	return tandem.Outcome{Seq: 7, Result: json.RawMessage(`{"success":true,"status":"created","task_id":1,"title":"Pay rent","message":"Added.","seq":7,"op_id":"o"}`)}, nil
}

// BenchmarkTurn binds the tools to a turn and makes its one call.
func BenchmarkTurn(b *testing.B) {
	tb := New(Options{Store: instant{}, Limits: Limits{Writes: 1 << 40}})
	settings := tandem.DefaultSettings()
	b.ReportAllocs()
	for b.Loop() {
		k, err := tb.Client(b.Context(), Caller{User: "ann", Kind: Agent, Settings: &settings})
		if err != nil {
			b.Fatal(err)
		}
		if _, failed, err := k.CallTool(b.Context(), AddTask, json.RawMessage(`{"title":"Pay rent","op_id":"o"}`)); failed || err != nil {
			b.Fatal(failed, err)
		}
		if err := k.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkArguments(b *testing.B) {
	for _, n := range []int{1, 100} {
		items := make([]m, n)
		for i := range items {
			items[i] = m{"title": fmt.Sprintf("Pay rent %d", i), "due": "every month on the 1st at 9am", "reminders": []string{"1h"}, "tags": []string{"home"}}
		}
		raw, err := json.Marshal(m{"items": items})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				a, err := parseArguments(AddTask, raw, specs[AddTask].properties)
				if err != nil {
					b.Fatal(err)
				}
				c := call{Caller: Caller{User: "ann"}, tool: AddTask, args: a, settings: tandem.DefaultSettings(), now: noon}
				if _, err := c.drafts(&operation{call: c}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
