package tandem

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stage is a scene at a fixed moment whose ids count upwards.
func stage(now string) Scene {
	at, err := time.Parse(time.RFC3339, now)
	if err != nil {
		panic(err)
	}
	n := 0
	return Scene{
		Now: at.UTC(), User: "ann", Settings: DefaultSettings(),
		NewID: func() string { n++; return fmt.Sprintf("id-%d", n) },
	}
}

// made gives a task that exists: built and sealed as the store does it.
func made(t *testing.T, sc Scene, d Draft) Task {
	t.Helper()
	task, _, err := NewTask(sc, d)
	if err != nil {
		t.Fatalf("NewTask(%+v): %v", d, err)
	}
	task.Number = 1
	Seal(sc, Cause{Actor: ActorUser, OpID: "op-0"}, nil, &task, 1)
	return task
}

// sealed is the state after an operation of the person, later than all that made the task.
func sealed(sc Scene, before, after Task) Task {
	Seal(sc, Cause{Actor: ActorUser, OpID: "op"}, &before, &after, 9)
	return after
}

func ahead(d time.Duration) ReminderSpec { return ReminderSpec{Before: &d} }

// everyDay is a task due on the 20th that repeats each day.
func everyDay(t *testing.T, sc Scene) Task {
	t.Helper()
	return made(t, sc, Draft{Title: "Daily", Due: &Due{Date: "2026-11-20"}, Rule: rule(t, "FREQ=DAILY")})
}

func TestNewTask_RefusesBadFieldsByName(t *testing.T) {
	for name, tc := range map[string]struct {
		draft Draft
		field string
	}{
		"no title":         {Draft{}, "title"},
		"only joiners":     {Draft{Title: "\u200d\u200b"}, "title"},
		"only fillers":     {Draft{Title: "\u3164 \uffa0"}, "title"},
		"long title":       {Draft{Title: strings.Repeat("é", MaxTitle+1)}, "title"},
		"NUL":              {Draft{Title: "a\x00b"}, "title"},
		"long description": {Draft{Title: "a", Description: strings.Repeat("x", MaxDescription+1)}, "description"},
		"empty tag":        {Draft{Title: "a", Tags: []string{" "}}, "tags"},
		"long tag":         {Draft{Title: "a", Tags: []string{strings.Repeat("x", MaxTag+1)}}, "tags"},
		"impossible day":   {Draft{Title: "a", Due: &Due{Date: "2027-02-29"}}, "due"},
		"reminder, no due": {Draft{Title: "a", Reminders: []ReminderSpec{ahead(time.Hour)}}, "reminders"},
		"reminder in past": {Draft{Title: "a", Reminders: []ReminderSpec{{At: new(time.Unix(0, 0))}}}, "reminders"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := NewTask(stage("2026-11-20T10:00:00Z"), tc.draft)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Code != CodeInvalid || e.Details.Field != tc.field {
				t.Fatalf("got %v, want invalid %s", err, tc.field)
			}
		})
	}
}

func TestNewTask_RecurringWithoutDueStartsAtFirstOccurrence(t *testing.T) {
	sc := stage("2026-11-20T10:00:00Z") // a Friday
	task := made(t, sc, Draft{Title: "Bins", Rule: rule(t, "FREQ=WEEKLY;BYDAY=MO")})
	if task.Due == nil || task.Due.Date != "2026-11-23" {
		t.Fatalf("due %v, want Monday 2026-11-23", task.Due)
	}
	if want := "2026-11-30"; task.NextDue == nil || task.NextDue.Format(time.DateOnly) != want {
		t.Fatalf("next due %v, want %s", task.NextDue, want)
	}
}

func TestNewTask_PastRelativeReminderIsDroppedWithWarning(t *testing.T) {
	sc := stage("2026-11-20T10:00:00Z")
	task, warnings, err := NewTask(sc, Draft{
		Title: "Call", Due: &Due{Date: "2026-11-20", Time: "10:30"},
		Reminders: []ReminderSpec{ahead(time.Hour), ahead(10 * time.Minute)},
	})
	if err != nil || len(task.Reminders) != 1 || len(warnings) != 1 {
		t.Fatalf("reminders %v, warnings %v, err %v; want one kept, one warning", task.Reminders, warnings, err)
	}
}

func TestAmend_AbsentFieldsAreUntouched(t *testing.T) {
	sc := stage("2026-11-20T10:00:00Z")
	task := made(t, sc, Draft{
		Title: "Pay rent", Description: "to the landlord", Priority: PriorityHigh, Tags: []string{"home"},
		Due: &Due{Date: "2026-12-01", Time: "09:00"}, Rule: rule(t, "FREQ=MONTHLY"), Reminders: []ReminderSpec{ahead(time.Hour)},
	})
	after, _, err := Amend(sc, task, Patch{Title: new("Pay the rent")})
	if err != nil {
		t.Fatal(err)
	}
	if got := ChangedFields(&task, &after); !cmp.Equal(got, []string{"title"}) {
		t.Fatalf("changed %v, want title alone", got)
	}
}

func TestAmend_MoveKeepsTheRule(t *testing.T) {
	sc := stage("2031-05-01T10:00:00Z")
	task := made(t, sc, Draft{Title: "Weekly", Due: &Due{Date: "2031-05-05", Time: "09:00"}, Rule: rule(t, "FREQ=WEEKLY;BYDAY=MO")})
	moved, _, err := Amend(sc, task, Patch{Move: &Move{Date: "2031-05-07", Time: "11:00"}})
	if err != nil {
		t.Fatal(err)
	}
	moved = sealed(sc, task, moved)
	if moved.Series.Rule != task.Series.Rule || moved.Due.Date != "2031-05-07" {
		t.Fatalf("after the move: due %v, rule %q", moved.Due, moved.Series.Rule)
	}
	next := nextOf(t, sc, moved)
	if want := (Due{Date: "2031-05-12", Time: "09:00"}); *next.Due != want {
		t.Fatalf("the next occurrence is %v, want %v: the schedule stays", *next.Due, want)
	}
}

func TestAmend_MoveByTimeKeepsTheDate(t *testing.T) {
	sc := stage("2026-11-20T10:00:00Z")
	task := made(t, sc, Draft{Title: "Meeting", Due: &Due{Date: "2026-11-24", Time: "09:00"}})
	moved, _, err := Amend(sc, task, Patch{Move: &Move{Time: "14:00"}})
	if err != nil || *moved.Due != (Due{Date: "2026-11-24", Time: "14:00"}) {
		t.Fatalf("due %v, err %v; want the same day at 14:00", moved.Due, err)
	}
}

func TestAmend_ClearingTheDueDateEndsTheRuleWithAWarning(t *testing.T) {
	sc := stage("2026-11-20T10:00:00Z")
	after, warnings, err := Amend(sc, everyDay(t, sc), Patch{Clear: []string{"due"}})
	if err != nil || after.Due != nil || after.Recurring() || len(warnings) == 0 {
		t.Fatalf("due %v, recurring %v, warnings %v, err %v", after.Due, after.Recurring(), warnings, err)
	}
}

// nextOf completes t now and gives what the recurrence worker would make.
func nextOf(t *testing.T, sc Scene, task Task) Task {
	t.Helper()
	next, ok := Succeed(sc, Complete(sc, task, sc.Now))
	if !ok {
		t.Fatalf("%q has no next occurrence", task.Title)
	}
	return next
}

func TestSucceed_MissedPeriodsAreSkipped(t *testing.T) {
	for name, tc := range map[string]struct{ now, due, clock, want string }{
		"on time":            {"2026-11-20T08:00:00Z", "2026-11-20", "09:00", "2026-11-21"},
		"early":              {"2026-11-17T08:00:00Z", "2026-11-20", "09:00", "2026-11-21"},
		"3 days late":        {"2026-11-20T10:00:00Z", "2026-11-17", "09:00", "2026-11-21"},
		"late, before nine":  {"2026-11-20T08:00:00Z", "2026-11-17", "09:00", "2026-11-20"},
		"late, whole days":   {"2026-11-20T10:00:00Z", "2026-11-17", "", "2026-11-20"},
		"on time, whole day": {"2026-11-20T10:00:00Z", "2026-11-20", "", "2026-11-21"},
	} {
		t.Run(name, func(t *testing.T) {
			task := made(t, stage("2026-11-01T00:00:00Z"), Draft{Title: "Daily", Due: &Due{Date: tc.due, Time: tc.clock}, Rule: rule(t, "FREQ=DAILY")})
			if got := nextOf(t, stage(tc.now), task).Due.Date; got != tc.want {
				t.Fatalf("next due %s, want %s", got, tc.want)
			}
		})
	}
}

func TestSucceed_FromCompletionCountsFromTheCompletion(t *testing.T) {
	task := made(t, stage("2026-11-01T00:00:00Z"), Draft{
		Title: "Water", Due: &Due{Date: "2026-11-10"}, Rule: rule(t, "FREQ=DAILY;INTERVAL=3"), RepeatFrom: FromCompletion,
	})
	if got := nextOf(t, stage("2026-11-20T10:00:00Z"), task).Due.Date; got != "2026-11-23" {
		t.Fatalf("next due %s, want three days after the completion", got)
	}
}

func TestSucceed_TwoCompletionsOnOneDayBothHaveASuccessor(t *testing.T) {
	sc := stage("2026-11-20T10:00:00Z")
	task := made(t, sc, Draft{Title: "Water", Due: &Due{Date: "2026-11-20"}, Rule: rule(t, "FREQ=DAILY"), RepeatFrom: FromCompletion})
	first := nextOf(t, sc, task)
	second := nextOf(t, sc, first)
	if first.Series.Key == second.Series.Key {
		t.Fatalf("both have the key %q: the database would refuse the second", first.Series.Key)
	}
}

func TestSucceed_CountEndsTheSeries(t *testing.T) {
	for _, from := range RepeatFroms {
		t.Run(string(from), func(t *testing.T) {
			sc := stage("2026-11-20T10:00:00Z")
			task := made(t, sc, Draft{Title: "Pill", Due: &Due{Date: "2026-11-20"}, Rule: rule(t, "FREQ=DAILY;COUNT=3"), RepeatFrom: from})
			occurrences := 1
			for next, ok := Succeed(sc, Complete(sc, task, sc.Now)); ok; next, ok = Succeed(sc, Complete(sc, task, sc.Now)) {
				task, occurrences = next, occurrences+1
				if occurrences > 5 {
					t.Fatal("the series does not end")
				}
			}
			if occurrences != 3 {
				t.Fatalf("%d occurrences, want 3", occurrences)
			}
		})
	}
}

func TestReopen_TakesTheUntouchedSuccessorAndCompletingAgainBringsItBack(t *testing.T) {
	sc := stage("2026-11-20T10:00:00Z")
	task := everyDay(t, sc)
	done := sealed(sc, task, Complete(sc, task, sc.Now))
	next, _ := Succeed(sc, done)
	Seal(sc, Cause{Actor: ActorRecurrence, OpID: "op-1"}, nil, &next, 3)

	sc.Series = map[string][]Task{task.Series.ID: {next}}
	after := Reopen(sc, done)
	if len(after) != 2 || !after[0].Open() || after[1].UID != next.UID || after[1].DeletedAt == nil {
		t.Fatalf("reopening gave %d changes; want the task open and its successor gone", len(after))
	}
	sc.Series = map[string][]Task{task.Series.ID: {after[1]}}
	back, ok := Succeed(sc, done)
	if !ok || back.UID != next.UID || !back.Open() {
		t.Fatalf("completing again gave %v %v, want the same successor back", back.UID, ok)
	}
}

func TestReopen_SparesATouchedSuccessor(t *testing.T) {
	sc := stage("2026-11-20T10:00:00Z")
	done := Complete(sc, everyDay(t, sc), sc.Now)
	next, _ := Succeed(sc, done)
	Seal(sc, Cause{Actor: ActorRecurrence, OpID: "op-1"}, nil, &next, 3)
	renamed := next.Clone()
	renamed.Title = "Mine now"
	sc.Series = map[string][]Task{done.Series.ID: {sealed(sc, next, renamed)}}
	if after := Reopen(sc, done); len(after) != 1 {
		t.Fatalf("%d changes, want the reopened task alone", len(after))
	}
}

func TestReopen_TakesTheSuccessorOfASkippedOccurrence(t *testing.T) {
	sc := stage("2026-11-20T10:00:00Z")
	task := everyDay(t, sc)
	after, err := Skip(sc, task)
	if err != nil || len(after) != 2 {
		t.Fatal(after, err)
	}
	skipped, next := sealed(sc, task, after[0]), after[1]
	Seal(sc, Cause{Actor: ActorUser, OpID: "op"}, nil, &next, 9) // the person's own skip made it
	sc.Series = map[string][]Task{task.Series.ID: {next}}
	back := Reopen(sc, skipped)
	if len(back) != 2 || back[1].UID != next.UID || back[1].DeletedAt == nil {
		t.Fatalf("reopening gave %d changes; want the task open and its successor gone", len(back))
	}
	gone := back[1]
	Seal(sc, Cause{Actor: ActorUser, OpID: "op-2"}, &next, &gone, 10)
	sc.Series = map[string][]Task{task.Series.ID: {gone}}
	again, err := Skip(sc, back[0])
	if err != nil || len(again) != 2 || again[1].UID != next.UID || !again[1].Open() {
		t.Fatalf("skipping again gave %+v, %v; want the same successor back", again, err)
	}
	revived := again[1]
	Seal(sc, Cause{Actor: ActorUser, OpID: "op-3"}, &gone, &revived, 11)
	if !untouched(revived) {
		t.Error("a successor that was only withdrawn and brought back counts as touched")
	}
}

func TestRevert_OfASkipKeepsTheSeriesAlive(t *testing.T) {
	sc := stage("2026-11-20T10:00:00Z")
	task := everyDay(t, sc)
	for name, after := range map[string][]Task{"delete": Delete(sc, task, false), "skip": must(Skip(sc, task))} {
		closed, next := sealed(sc, task, after[0]), after[1]
		Seal(sc, Cause{Actor: ActorUser, OpID: "op"}, nil, &next, 9)
		sc.Undo = []TaskChange{{Before: &task, After: &closed}, {After: &next}}
		sc.Past = map[string]*Task{task.UID: &closed, next.UID: &next}
		sc.Series = map[string][]Task{task.Series.ID: {next}}
		tasks, _ := Revert(sc)
		if len(tasks) != 2 || !tasks[0].Open() || tasks[1].DeletedAt == nil {
			t.Fatalf("%s: reverted to %+v", name, tasks)
		}
		sc.Series = map[string][]Task{task.Series.ID: {tasks[1]}}
		if back, ok := Succeed(sc, Complete(sc, tasks[0], sc.Now)); !ok || back.UID != next.UID {
			t.Errorf("%s: completing after the undo gave %v %v, want the successor back", name, back.UID, ok)
		}

		renamed := next.Clone()
		renamed.Title = "Mine now"
		Seal(sc, Cause{Actor: ActorUser, OpID: "op-2"}, &next, &renamed, 10)
		sc.Past[next.UID], sc.Series = &renamed, map[string][]Task{task.Series.ID: {renamed}}
		tasks, warnings := Revert(sc)
		if kept := tasks[len(tasks)-1]; kept.UID == next.UID && kept.DeletedAt != nil || len(warnings) != 1 {
			t.Errorf("%s: a touched successor went: %+v, %v", name, tasks, warnings)
		}
	}
}

// must gives the value of a call that cannot fail here.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestDelete_OneOccurrenceGoesOnAndRestoresAsPlain(t *testing.T) {
	sc := stage("2026-11-20T10:00:00Z")
	task := everyDay(t, sc)
	after := Delete(sc, task, false)
	if len(after) != 2 || after[0].DeletedAt == nil || after[1].Due.Date != "2026-11-21" {
		t.Fatalf("deleting one occurrence gave %+v", after)
	}
	sc.Series = map[string][]Task{task.Series.ID: {after[1]}}
	back, ok := Restore(sc, after[0])
	if !ok || back.Recurring() || !back.Open() {
		t.Fatalf("restored: open %v, recurring %v; want a plain open task", back.Open(), back.Recurring())
	}
}

func TestDelete_WholeSeriesEndsIt(t *testing.T) {
	sc := stage("2026-11-20T10:00:00Z")
	if after := Delete(sc, everyDay(t, sc), true); len(after) != 1 || after[0].DeletedAt == nil {
		t.Fatalf("deleting the series gave %+v, want the one task gone and no next", after)
	}
}

func TestStopSeries_CompletesWithoutANext(t *testing.T) {
	sc := stage("2026-11-20T10:00:00Z")
	done, err := StopSeries(sc, everyDay(t, sc), sc.Now)
	if err != nil || done.CompletedAt == nil {
		t.Fatalf("completed %v, err %v", done.CompletedAt, err)
	}
	if _, ok := Succeed(sc, done); ok {
		t.Fatal("a stopped series has a next occurrence")
	}
}

func TestSkip_ClosesThisAndMakesTheNext(t *testing.T) {
	sc := stage("2026-11-20T10:00:00Z")
	after, err := Skip(sc, everyDay(t, sc))
	if err != nil || len(after) != 2 || !after[0].Skipped || after[0].Status() != StatusCompleted || after[1].Due.Date != "2026-11-21" {
		t.Fatalf("skip gave %+v, %v", after, err)
	}
	if _, ok := Succeed(sc, after[0]); ok {
		t.Fatal("the worker would make the next one a second time")
	}
}

func TestFire_OnlyTheStandingPromise(t *testing.T) {
	sc := stage("2026-11-20T10:00:00Z")
	task := made(t, sc, Draft{Title: "Call", Due: &Due{Date: "2026-11-20", Time: "12:00"}, Reminders: []ReminderSpec{ahead(time.Hour)}})
	r := task.Reminders[0]
	due := stage("2026-11-20T11:00:00Z")
	for name, tc := range map[string]struct {
		sc   Scene
		task Task
		gen  int64
		want bool
	}{
		"due":             {due, task, r.Generation, true},
		"too early":       {sc, task, r.Generation, false},
		"other promise":   {due, task, r.Generation + 1, false},
		"completed":       {due, Complete(due, task, due.Now), r.Generation, false},
		"deleted":         {due, Delete(due, task, false)[0], r.Generation, false},
		"within 50 ms":    {stage("2026-11-20T10:59:59.960Z"), task, r.Generation, true},
		"before the 50ms": {stage("2026-11-20T10:59:59.900Z"), task, r.Generation, false},
	} {
		t.Run(name, func(t *testing.T) {
			if _, got := Fire(tc.sc, tc.task, r.ID, tc.gen); got != tc.want {
				t.Fatalf("fired %v, want %v", got, tc.want)
			}
		})
	}
}

func TestRevert_OnlyWhatStillHolds(t *testing.T) {
	sc := stage("2026-11-20T10:00:00Z")
	one := made(t, sc, Draft{Title: "One", Priority: PriorityLow})
	two, _, _ := Amend(sc, one, Patch{Title: new("Two"), Priority: new(PriorityHigh)})
	two = sealed(sc, one, two)
	three, _, _ := Amend(sc, two, Patch{Title: new("Three")})
	three = sealed(sc, two, three)

	sc.Undo = []TaskChange{{Before: &one, After: &two}}
	sc.Past = map[string]*Task{one.UID: &three}
	tasks, warnings := Revert(sc)
	if len(tasks) != 1 || tasks[0].Title != "Three" || tasks[0].Priority != PriorityLow {
		t.Fatalf("reverted to %+v, want the title kept and the priority back", tasks)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "title") {
		t.Fatalf("warnings %v, want the title named", warnings)
	}
}

func TestRevert_OfAnAddGoesToTheTrash(t *testing.T) {
	sc := stage("2026-11-20T10:00:00Z")
	task := made(t, sc, Draft{Title: "One"})
	sc.Undo, sc.Past = []TaskChange{{After: &task}}, map[string]*Task{task.UID: &task}
	tasks, _ := Revert(sc)
	if len(tasks) != 1 || tasks[0].DeletedAt == nil {
		t.Fatalf("got %+v, want the task in the trash", tasks)
	}
}

func TestSeal_NamesTheOriginOfEachChangedField(t *testing.T) {
	sc := stage("2026-11-20T10:00:00Z")
	task := made(t, sc, Draft{Title: "One"})
	after, _, _ := Amend(sc, task, Patch{Priority: new(PriorityHigh)})
	if !Seal(sc, Cause{Actor: ActorAgent, OpID: "op-9", TurnID: "turn"}, &task, &after, 7) {
		t.Fatal("nothing changed")
	}
	if got := after.Origins["priority"]; got.OpID != "op-9" || got.Seq != 7 || got.Actor != ActorAgent {
		t.Fatalf("origin of priority %+v", got)
	}
	if got := after.Origins["title"]; got.OpID != "op-0" {
		t.Fatalf("origin of title %+v, want the first operation's", got)
	}
	same := after.Clone()
	if Seal(sc, Cause{OpID: "op-10"}, &after, &same, 8) {
		t.Fatal("an unchanged task counts as changed")
	}
}

func TestFollow_RemindersOfAFloatingTaskMoveWithTheZone(t *testing.T) {
	sc := stage("2031-05-01T10:00:00Z")
	at := sc.Now.Add(time.Hour)
	task := made(t, sc, Draft{
		Title: "Call", Due: &Due{Date: "2031-05-02", Time: "09:00"}, Reminders: []ReminderSpec{ahead(time.Hour), {At: &at}},
	})
	sc.Settings.TimeZone = "Asia/Tokyo"
	moved := Follow(sc, task)
	if got, want := moved.Reminders[0].At, time.Date(2031, 5, 1, 23, 0, 0, 0, time.UTC); !got.Equal(want) || moved.Reminders[0].Generation != 2 {
		t.Fatalf("an hour before nine in Tokyo is %v (generation %d), want %v", got, moved.Reminders[0].Generation, want)
	}
	if !cmp.Equal(moved.Reminders[1], task.Reminders[1]) {
		t.Fatalf("the absolute reminder became %+v", moved.Reminders[1])
	}
	zoned := task.Clone()
	zoned.Due.TimeZone = "Europe/Berlin"
	if got := Follow(sc, zoned); !cmp.Equal(got, zoned) {
		t.Fatalf("a task with a zone of its own followed its user: %+v", got)
	}
}

func TestNewTask_KeepsTextAsItWasWritten(t *testing.T) {
	flood := "a" + strings.Repeat("\u0301", MaxTitle-1)
	for _, title := range []string{"Cafe\u0301", "Café", "5 \u212b", flood} {
		task := made(t, stage("2026-11-20T10:00:00Z"), Draft{Title: title, Description: title, Tags: []string{title[:4]}})
		if task.Title != title || task.Description != title || task.Tags[0] != title[:4] {
			t.Errorf("%q became %q, %q, %q", title, task.Title, task.Description, task.Tags)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0m", 10 * time.Second: "10s", 90 * time.Second: "90s", 90 * time.Minute: "90m", 2 * time.Hour: "2h",
		24 * time.Hour: "1d", 36 * time.Hour: "36h", 14 * 24 * time.Hour: "2w",
	} {
		if got := FormatDuration(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
}
