package sqlite

import (
	"context"
	"encoding/json"
	"slices"

	"tandem"
	"tandem/server/store"
)

// Scene reads what the edit asks to look at.
func (w *write) Scene(ctx context.Context, e tandem.Edit) (sc tandem.Scene, err error) {
	settings, err := readSettings(ctx, w.conn, w.User)
	if err != nil {
		return sc, err
	}
	sc = tandem.Scene{Now: w.Now, User: w.User, Settings: settings, NewID: w.NewID}.WithRefs(e.Refs)
	if err := w.loadTasks(ctx, e.Refs, &sc); err != nil {
		return sc, err
	}
	if err := w.loadTwins(ctx, e.Twins, &sc); err != nil {
		return sc, err
	}
	if e.Undo != "" {
		if err := w.loadUndo(ctx, e.Undo, &sc); err != nil {
			return sc, err
		}
	}
	if e.Floating {
		if sc.Float, err = w.FloatingTasks(ctx); err != nil {
			return sc, err
		}
	}
	return sc, w.loadSeries(ctx, &sc)
}

func (w *write) loadTasks(ctx context.Context, refs []tandem.TaskRef, sc *tandem.Scene) error {
	sc.Tasks = make([]*tandem.Task, len(refs))
	for i, ref := range refs {
		t, err := w.taskByRef(ctx, ref)
		if err != nil {
			return err
		}
		sc.Tasks[i] = t
	}
	return nil
}

func (w *write) taskByRef(ctx context.Context, ref tandem.TaskRef) (*tandem.Task, error) {
	if ref.UID != "" {
		return taskByUID(ctx, w.conn, w.User, ref.UID)
	}
	return taskByNumber(ctx, w.conn, w.User, account{w.Account, w.ordinal}, ref.Number)
}

// maxTwins is how many open tasks with one title a decision sees: the newest.
const maxTwins = 20

func (w *write) loadTwins(ctx context.Context, titles []string, sc *tandem.Scene) error {
	sc.Twins = map[string][]tandem.Task{}
	for _, title := range titles {
		if _, seen := sc.Twins[title]; seen {
			continue
		}
		twins, err := list(ctx, w.conn, decodeTask, `
			select v.doc from tasks t join versions v on v.id = t.current
			where t.user_id = ? and t.status = 0 and t.title = ? order by t.uid desc limit ?`, w.User, title, maxTwins)
		if err != nil {
			return err
		}
		sc.Twins[title] = twins
	}
	return nil
}

// FloatingTasks reads the open tasks whose due date has no zone of its own.
func (w *write) FloatingTasks(ctx context.Context) ([]tandem.Task, error) {
	return list(ctx, w.conn, decodeTask, `
		select v.doc from tasks t join versions v on v.id = t.current where t.user_id = ? and t.floating = 1 order by t.id`, w.User)
}

// loadSeries adds, for each series of a loaded task, its open occurrence and the successors of what was loaded.
func (w *write) loadSeries(ctx context.Context, sc *tandem.Scene) error {
	sc.Series = map[string][]tandem.Task{}
	loaded := slices.Clone(sc.Tasks)
	for _, t := range sc.Past {
		loaded = append(loaded, t)
	}
	for _, c := range sc.Undo { // the series that an undo may bring back
		loaded = append(loaded, c.Before)
	}
	seen := map[string]bool{}
	for _, t := range loaded {
		if t == nil || t.Series == nil || seen[t.UID+t.Series.ID] {
			continue
		}
		seen[t.UID+t.Series.ID] = true
		found, err := list(ctx, w.conn, decodeTask, `
			select v.doc from tasks t join versions v on v.id = t.current
			where t.user_id = ?1 and t.series_id = ?2 and (t.status = 0 or t.predecessor = ?3)`, w.User, t.Series.ID, t.UID)
		if err != nil {
			return err
		}
		for _, f := range found {
			if id := t.Series.ID; !slices.ContainsFunc(sc.Series[id], func(o tandem.Task) bool { return o.UID == f.UID }) {
				sc.Series[id] = append(sc.Series[id], f)
			}
		}
	}
	return nil
}

// loadUndo finds what an operation or a turn wrote, the newest first, and the present state of those tasks.
func (w *write) loadUndo(ctx context.Context, name string, sc *tandem.Scene) error {
	changes, err := store.UndoChanges(ctx, w, name)
	if err != nil {
		return err
	}
	sc.Undo, sc.Past = changes, map[string]*tandem.Task{}
	for _, c := range changes {
		if _, seen := sc.Past[c.After.UID]; seen {
			continue
		}
		t, err := taskByUID(ctx, w.conn, w.User, c.After.UID)
		if err != nil {
			return err
		}
		if t != nil {
			sc.Past[c.After.UID] = t
		}
	}
	return nil
}

// LastWrite names the newest turn that wrote in the conversation, or else the newest operation of the caller. What the workers
// write has no caller, and is nobody's last.
func (w *write) LastWrite(ctx context.Context) (turn, op string, err error) {
	if w.Cause.Conversation > 0 {
		_, err = w.one(ctx, into(&turn, &op), `
			select turn_id, op_id from operations where user_id = ? and conversation = ? and conversation > 0 and tasks > 0 order by seq desc limit 1`,
			w.User, w.Cause.Conversation)
		return turn, op, err
	}
	_, err = w.one(ctx, into(&op), `
		select op_id from operations where user_id = ? and caller = ? and caller <> '' and tasks > 0 order by seq desc limit 1`, w.User, w.Cause.Caller)
	return "", op, err
}

// ChangesOfTurn reads what a turn wrote, the newest first.
func (w *write) ChangesOfTurn(ctx context.Context, turn string) ([]tandem.TaskChange, error) {
	return list(ctx, w.conn, decodeChange, `
		select v.doc, p.doc from versions v
		left join versions p on p.user_id = v.user_id and p.task = v.task and p.version = v.version - 1
		where v.user_id = ? and v.turn_id = ? and v.turn_id <> '' order by v.seq desc, v.id desc`, w.User, turn)
}

// ChangesOfOp reads what an operation wrote, the newest first.
func (w *write) ChangesOfOp(ctx context.Context, op string) ([]tandem.TaskChange, error) {
	return list(ctx, w.conn, decodeChange, `
		select v.doc, p.doc from versions v
		left join versions p on p.user_id = v.user_id and p.task = v.task and p.version = v.version - 1
		where v.user_id = ? and v.op_id = ? order by v.seq desc, v.id desc`, w.User, op)
}

func decodeChange(r row) (c tandem.TaskChange, err error) {
	var after, before []byte
	if err := r.Scan(&after, &before); err != nil {
		return c, err
	}
	if err := json.Unmarshal(after, &c.After); err != nil {
		return c, err
	}
	if before != nil {
		err = json.Unmarshal(before, &c.Before)
	}
	return c, err
}
