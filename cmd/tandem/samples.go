package main

import (
	"context"
	"slices"
	"time"

	"tandem"
)

// sampleUser owns the sample tasks.
const sampleUser tandem.UserID = "sample"

// samples is a store of five tasks in memory, for trying out what a sentence would do. It belongs to one goroutine.
type samples struct {
	now      time.Time
	settings tandem.Settings
	tasks    []tandem.Task
	seq      tandem.Seq
}

// newSamples makes the tasks, with dates relative to now on the clock of the settings' zone.
func newSamples(now time.Time, settings tandem.Settings) (*samples, error) {
	s := &samples{now: now.UTC().Truncate(time.Millisecond), settings: settings}
	today := now.In(settings.Zone())
	day := func(n int) string { return today.AddDate(0, 0, n).Format(time.DateOnly) }
	monthly, err := tandem.ParseRule("FREQ=MONTHLY")
	if err != nil {
		return nil, err
	}
	for _, d := range []tandem.Draft{
		{Title: "Call mom"},
		{Title: "Buy groceries", Due: &tandem.Due{Date: day(0)}, Tags: []string{"shopping"}},
		{Title: "Team meeting", Due: &tandem.Due{Date: day(1), Time: "09:30"}, Priority: tandem.PriorityHigh, Tags: []string{"work"}},
		{Title: "Pay electricity bill", Due: &tandem.Due{Date: day(-1)}, Priority: tandem.PriorityUrgent, Tags: []string{"bills"}, Rule: monthly},
		{Title: "Book dentist appointment"},
	} {
		t, _, err := tandem.NewTask(s.scene(), d)
		if err != nil {
			return nil, err
		}
		s.put(tandem.Cause{Actor: tandem.ActorUser}, t)
	}
	s.put(tandem.Cause{Actor: tandem.ActorUser}, tandem.Complete(s.scene(), s.tasks[4], s.now))
	return s, nil
}

func (s *samples) open() int {
	n := 0
	for _, t := range s.tasks {
		if t.Open() {
			n++
		}
	}
	return n
}

func (s *samples) scene() tandem.Scene {
	return tandem.Scene{
		Now: s.now, User: sampleUser, Settings: s.settings, Twins: map[string][]tandem.Task{}, Series: map[string][]tandem.Task{},
		Past: map[string]*tandem.Task{}, NewID: tandem.NewID,
	}
}

func (s *samples) index(r tandem.TaskRef) int {
	return slices.IndexFunc(s.tasks, func(t tandem.Task) bool { return t.UID == r.UID || r.UID == "" && t.Number == r.Number })
}

// put stores a task and gives how it changed.
func (s *samples) put(cause tandem.Cause, t tandem.Task) tandem.TaskChange {
	var before *tandem.Task
	i := s.index(tandem.TaskRef{UID: t.UID})
	if i >= 0 {
		was := s.tasks[i].Clone()
		before = &was
	} else {
		t.Number = int64(len(s.tasks) + 1)
	}
	tandem.Seal(s.scene(), cause, before, &t, s.seq)
	if i >= 0 {
		s.tasks[i] = t
	} else {
		s.tasks = append(s.tasks, t)
	}
	after := t.Clone()
	return tandem.TaskChange{Before: before, After: &after}
}

// Edit decides and keeps what was decided. There is nothing to take back: the samples have no past.
func (s *samples) Edit(_ context.Context, _ tandem.UserID, e tandem.Edit) (tandem.Outcome, error) {
	sc := s.scene().WithRefs(e.Refs)
	for _, r := range e.Refs {
		var found *tandem.Task
		if i := s.index(r); i >= 0 {
			t := s.tasks[i].Clone()
			found = &t
			if t.Series != nil {
				sc.Series[t.Series.ID] = []tandem.Task{t}
			}
		}
		sc.Tasks = append(sc.Tasks, found)
	}
	for _, title := range e.Twins {
		for _, t := range s.tasks {
			if t.Open() && tandem.Fold(t.Title) == title {
				sc.Twins[title] = append(sc.Twins[title], t)
			}
		}
	}
	plan, err := e.Decide(sc)
	if err != nil {
		return tandem.Outcome{}, err
	}
	return s.commit(e, plan)
}

func (s *samples) commit(e tandem.Edit, plan tandem.Plan) (tandem.Outcome, error) {
	s.seq++
	out := tandem.Outcome{Seq: s.seq, OpID: e.Cause.OpID, Reused: plan.Reused, Warnings: plan.Warnings}
	for _, t := range plan.Tasks {
		out.Changes = append(out.Changes, s.put(e.Cause, t))
	}
	if e.Result == nil {
		return out, nil
	}
	var err error
	out.Result, err = e.Result(out)
	return out, err
}

// List gives a page of the tasks.
func (s *samples) List(_ context.Context, _ tandem.UserID, q tandem.Query) (tandem.Page, error) {
	q = q.Normal()
	var found []tandem.Task
	for _, t := range s.tasks {
		if q.Match(t) {
			found = append(found, t)
		}
	}
	slices.SortStableFunc(found, q.Order)
	page := tandem.Page{Total: len(found)}
	from := min(q.Offset, len(found))
	page.Tasks = found[from:min(from+q.Limit, len(found))]
	return page, nil
}

// Settings gives what the samples are read with.
func (s *samples) Settings(context.Context, tandem.UserID) (tandem.Settings, error) {
	return s.settings, nil
}

// AddApproval is never called: the assistant's policy asks, and not the tools.
func (s *samples) AddApproval(context.Context, tandem.UserID, tandem.Cause, tandem.Approval) error {
	return tandem.NotFound("approval", "", "approval")
}

// Approval knows none.
func (s *samples) Approval(_ context.Context, _ tandem.UserID, id string) (tandem.Approval, error) {
	return tandem.Approval{}, tandem.NotFound("approval_id", id, "approval")
}

// PendingApprovals knows none.
func (s *samples) PendingApprovals(context.Context, tandem.UserID, int64) ([]tandem.Approval, error) {
	return nil, nil
}

// GrantedApproval knows none.
func (s *samples) GrantedApproval(context.Context, tandem.UserID, string, string) (tandem.Approval, bool, error) {
	return tandem.Approval{}, false, nil
}

// DecideApproval knows none.
func (s *samples) DecideApproval(_ context.Context, _ tandem.UserID, _ tandem.Cause, id string, _ bool, _ string) (tandem.Approval, error) {
	return tandem.Approval{}, tandem.NotFound("approval_id", id, "approval")
}
