package store

import (
	"context"

	"tandem"
)

// SceneTx reads what an edit looks at.
type SceneTx interface {
	Base() *Write
	Undone
	// PlainSettings gives the settings that decisions on tasks look at.
	PlainSettings(ctx context.Context) (tandem.Settings, error)
	// TasksOf gives the named tasks in their order, nil where there is none.
	TasksOf(ctx context.Context, refs []tandem.TaskRef) ([]*tandem.Task, error)
	// Twins gives the newest open tasks with a folded title.
	Twins(ctx context.Context, title string, limit int) ([]tandem.Task, error)
	// Series gives the open occurrences of the series of tasks, and the successors of those tasks. All of them are in a series.
	Series(ctx context.Context, of []tandem.Task) ([]tandem.Task, error)
	// FloatingTasks gives the open tasks whose due date has no zone of its own.
	FloatingTasks(ctx context.Context) ([]tandem.Task, error)
}

// maxTwins is how many open tasks with one title a decision sees: the newest.
const maxTwins = 20

// scene reads what the edit asks to look at.
func scene(ctx context.Context, w SceneTx, e tandem.Edit) (sc tandem.Scene, err error) {
	b := w.Base()
	settings, err := w.PlainSettings(ctx)
	if err != nil {
		return sc, err
	}
	sc = tandem.Scene{Now: b.Now, User: b.User, Settings: settings, NewID: b.NewID}.WithRefs(e.Refs)
	if sc.Tasks, err = w.TasksOf(ctx, e.Refs); err != nil {
		return sc, err
	}
	sc.Twins = map[string][]tandem.Task{}
	for _, title := range e.Twins {
		if _, seen := sc.Twins[title]; seen {
			continue
		}
		if sc.Twins[title], err = w.Twins(ctx, title, maxTwins); err != nil {
			return sc, err
		}
	}
	if e.Undo != "" {
		if err := loadUndo(ctx, w, e.Undo, &sc); err != nil {
			return sc, err
		}
	}
	if e.Floating {
		if sc.Float, err = w.FloatingTasks(ctx); err != nil {
			return sc, err
		}
	}
	return sc, loadSeries(ctx, w, &sc)
}

// loadUndo finds what an operation or a turn wrote, the newest first, and the present state of those tasks.
func loadUndo(ctx context.Context, w SceneTx, name string, sc *tandem.Scene) error {
	changes, err := undoChanges(ctx, w, name)
	if err != nil {
		return err
	}
	sc.Undo, sc.Past = changes, map[string]*tandem.Task{}
	var refs []tandem.TaskRef
	named := map[string]bool{}
	for _, c := range changes {
		if !named[c.After.UID] {
			named[c.After.UID] = true
			refs = append(refs, tandem.TaskRef{UID: c.After.UID})
		}
	}
	tasks, err := w.TasksOf(ctx, refs)
	for _, t := range tasks {
		if t != nil {
			sc.Past[t.UID] = t
		}
	}
	return err
}

// loadSeries adds, for each series of a loaded task, its open occurrence and the successors of what was loaded.
func loadSeries(ctx context.Context, w SceneTx, sc *tandem.Scene) error {
	sc.Series = map[string][]tandem.Task{}
	var loaded []tandem.Task
	seen := map[string]bool{}
	add := func(t *tandem.Task) {
		if t != nil && t.Series != nil && !seen[t.UID+t.Series.ID] {
			seen[t.UID+t.Series.ID] = true
			loaded = append(loaded, *t)
		}
	}
	for _, t := range sc.Tasks {
		add(t)
	}
	for _, t := range sc.Past {
		add(t)
	}
	for _, c := range sc.Undo { // the series that an undo may bring back
		add(c.Before)
	}
	if len(loaded) == 0 {
		return nil
	}
	found, err := w.Series(ctx, loaded)
	there := map[string]bool{}
	for _, t := range found {
		if !there[t.UID] {
			there[t.UID] = true
			sc.Series[t.Series.ID] = append(sc.Series[t.Series.ID], t)
		}
	}
	return err
}

// Undone finds what operations and turns wrote, the newest first.
type Undone interface {
	// LastWrite names the newest turn that wrote in the conversation, or else the newest operation of the caller. What the workers
	// write has no caller, and is nobody's last.
	LastWrite(ctx context.Context) (turn, op string, err error)
	ChangesOfTurn(ctx context.Context, turn string) ([]tandem.TaskChange, error)
	ChangesOfOp(ctx context.Context, op string) ([]tandem.TaskChange, error)
}

// undoChanges gives what is to be taken back: of a turn, of an operation, or of the last one. not_found for nothing.
func undoChanges(ctx context.Context, w Undone, name string) (changes []tandem.TaskChange, err error) {
	turn, op := name, name
	if name == "last" {
		if turn, op, err = w.LastWrite(ctx); err != nil {
			return nil, err
		}
	}
	if turn != "" {
		changes, err = w.ChangesOfTurn(ctx, turn)
	}
	if len(changes) == 0 && op != "" && err == nil {
		changes, err = w.ChangesOfOp(ctx, op)
	}
	if err == nil && len(changes) == 0 {
		err = tandem.NotFound("undo", name, "operation to undo:")
	}
	return changes, err
}
