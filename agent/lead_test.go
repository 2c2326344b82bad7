package agent_test

import "testing"

// A key that is set, changed or taken away while the program runs counts from the next turn on.
func TestLead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	model := func(name string) *actor { return llm([]said{text(name + " is here.")}) }
	steps := []struct {
		lead func()
		want string
	}{
		{func() {}, "The planner is here."},
		{func() { w.svc.Lead(model("The first key")) }, "The first key is here."},
		{func() { w.svc.Lead(model("The second key")) }, "The second key is here."},
		{func() { w.svc.Lead(nil) }, "The planner is here."},
	}
	for _, step := range steps {
		step.lead()
		if got := w.say("Hello", 0).Response; got != step.want {
			t.Errorf("answered %q, want %q", got, step.want)
		}
	}
}
