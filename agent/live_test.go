package agent

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tandem"
)

func TestLive_ASlowWatcherGetsTheStateAgain(t *testing.T) {
	l := newLive(tandem.Turn{ID: "t", UserID: "ann", Status: tandem.TurnRunning}, time.Now, func(tandem.Signal) {})
	quick, slow := l.join(), l.join()
	l.take(slow)
	for i := range maxWatched + 10 {
		l.say(fmt.Sprint(i % 10))
		if got := l.take(quick); len(got) != 1 || got[0].Ev != tandem.TurnEvText {
			t.Fatalf("the quick watcher gets %+v", got)
		}
	}
	got := l.take(slow)
	if len(got) != 1 || got[0].Ev != tandem.TurnEvState || len(got[0].Text) != maxWatched+10 || got[0].N != maxWatched+10 {
		t.Fatalf("the slow watcher gets %d events, first %+v", len(got), got[0])
	}
	l.say("!")
	if got := l.take(slow); len(got) != 1 || got[0].D != "!" || got[0].N != maxWatched+11 {
		t.Errorf("behind the state it gets %+v", got)
	}
}

func TestLive_WithdrawTakesBackTextAndFormingCalls(t *testing.T) {
	var told []tandem.TurnEvent
	l := newLive(tandem.Turn{ID: "t"}, time.Now, func(s tandem.Signal) { told = append(told, *s.Turn) })
	l.say("kept")
	l.tool(tandem.TurnTool{ID: "a", Name: addTask, Phase: phaseOK})
	l.withdraw(4)
	if len(told) != 2 {
		t.Errorf("withdrawing nothing tells %+v", told[2:])
	}
	l.write(" lost")
	l.tool(tandem.TurnTool{ID: "b", Name: addTask, Phase: phaseForming})
	l.withdraw(4)
	last := told[len(told)-1]
	if last.Ev != tandem.TurnEvState || last.Text != "kept" || len(last.Tools) != 1 || last.Tools[0].ID != "a" {
		t.Errorf("the state afterwards: %+v", last)
	}
	l.flush()
	if len(told) != int(last.N) || !slices.IsSortedFunc(told, func(a, b tandem.TurnEvent) int { return int(a.N - b.N) }) {
		t.Errorf("events %+v", told)
	}
}
