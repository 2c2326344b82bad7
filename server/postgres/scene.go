package postgres

import (
	"context"
	"encoding/json"
	"slices"

	"tandem"
	"tandem/server/store"
)

// Scene reads what the edit asks to look at.
func (w *write) Scene(ctx context.Context, e tandem.Edit) (sc tandem.Scene, err error) {
	sc = tandem.Scene{Now: w.Now, User: w.User, Settings: w.plain, NewID: w.NewID}.WithRefs(e.Refs)
	if sc.Tasks, err = w.loadTasks(ctx, e.Refs); err != nil {
		return sc, err
	}
	if sc.Twins, err = w.loadTwins(ctx, e.Twins); err != nil {
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

// loadTasks gives the named tasks in their order, nil where there is none.
func (w *write) loadTasks(ctx context.Context, refs []tandem.TaskRef) ([]*tandem.Task, error) {
	var uids []string
	var numbers []int64
	for _, ref := range refs {
		if ref.UID != "" {
			uids = append(uids, ref.UID)
		} else {
			numbers = append(numbers, ref.Number)
		}
	}
	if len(uids) > 0 {
		if err := w.load(ctx, selectTasks+`and t.uid = any ($2::text[])`, uids); err != nil {
			return nil, err
		}
	}
	if len(numbers) > 0 {
		if err := w.load(ctx, selectTasks+`and t.number = any ($2::bigint[])`, numbers); err != nil {
			return nil, err
		}
	}
	byNumber := map[int64]*tandem.Task{}
	for _, t := range w.known {
		byNumber[t.Number] = t
	}
	out := make([]*tandem.Task, len(refs))
	for i, ref := range refs {
		t := byNumber[ref.Number]
		if ref.UID != "" {
			t = w.known[ref.UID]
		}
		out[i] = copied(t)
	}
	return out, nil
}

// copied keeps what is known apart from what a rule may change.
func copied(t *tandem.Task) *tandem.Task {
	if t == nil {
		return nil
	}
	clone := t.Clone()
	return &clone
}

// maxTwins is how many open tasks with one title a decision sees: the newest.
const maxTwins = 20

func (w *write) loadTwins(ctx context.Context, titles []string) (map[string][]tandem.Task, error) {
	all := map[string][]tandem.Task{}
	for _, title := range titles {
		if _, seen := all[title]; seen {
			continue
		}
		twins, err := list(ctx, w.conn, decodeTask, selectTasks+`and t.status = 0 and t.title = $2 order by t.uid desc limit $3`,
			w.User, sortKey(title), maxTwins)
		if err != nil {
			return nil, err
		}
		all[title] = twins
	}
	return all, nil
}

// FloatingTasks reads the open tasks whose due date has no zone of its own.
func (w *write) FloatingTasks(ctx context.Context) ([]tandem.Task, error) {
	return list(ctx, w.conn, decodeTask, selectTasks+`and t.floating order by t.number`, w.User)
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
	var series, uids []string
	for _, t := range loaded {
		if t != nil && t.Series != nil {
			series, uids = append(series, t.Series.ID), append(uids, t.UID)
		}
	}
	if len(series) == 0 {
		return nil
	}
	found, err := list(ctx, w.conn, decodeTask, selectTasks+`and t.series_id = any ($2::text[]) and (t.status = 0 or t.predecessor = any ($3::text[]))`,
		w.User, series, uids)
	for _, t := range found {
		sc.Series[t.Series.ID] = append(sc.Series[t.Series.ID], t)
	}
	return err
}

// loadUndo finds what an operation or a turn wrote, the newest first, and the present state of those tasks.
func (w *write) loadUndo(ctx context.Context, name string, sc *tandem.Scene) error {
	changes, err := store.UndoChanges(ctx, w, name)
	if err != nil {
		return err
	}
	uids := make([]string, len(changes))
	for i, c := range changes {
		uids[i] = c.After.UID
	}
	if err := w.load(ctx, selectTasks+`and t.uid = any ($2::text[])`, uids); err != nil {
		return err
	}
	sc.Undo, sc.Past = changes, map[string]*tandem.Task{}
	for _, uid := range uids {
		if t := w.known[uid]; t != nil {
			sc.Past[uid] = copied(t)
		}
	}
	return nil
}

// LastWrite names the newest turn that wrote in the conversation, or else the newest operation of the caller. What the workers
// write has no caller, and is nobody's last.
func (w *write) LastWrite(ctx context.Context) (turn, op string, err error) {
	if w.Cause.Conversation > 0 {
		_, err = w.one(ctx, into(&turn, &op), `
			select turn_id, op_id from operations where user_id = $1 and conversation = $2 and tasks > 0 order by seq desc limit 1`,
			w.User, w.Cause.Conversation)
		return turn, op, err
	}
	_, err = w.one(ctx, into(&op), `
		select op_id from operations where user_id = $1 and caller = $2 and caller <> '' and tasks > 0 order by seq desc limit 1`,
		w.User, w.Cause.Caller)
	return "", op, err
}

// ChangesOfTurn reads what a turn wrote, the newest first.
func (w *write) ChangesOfTurn(ctx context.Context, turn string) ([]tandem.TaskChange, error) {
	return list(ctx, w.conn, decodeChange, `
		select v.doc, p.doc from versions v
		left join versions p on p.user_id = v.user_id and p.task = v.task and p.version = v.version - 1
		where v.user_id = $1 and v.turn_id = $2 and v.turn_id <> '' order by v.seq desc, v.id desc`, w.User, turn)
}

// ChangesOfOp reads what an operation wrote, the newest first.
func (w *write) ChangesOfOp(ctx context.Context, op string) ([]tandem.TaskChange, error) {
	return list(ctx, w.conn, decodeChange, `
		select v.doc, p.doc from versions v
		left join versions p on p.user_id = v.user_id and p.task = v.task and p.version = v.version - 1
		where v.user_id = $1 and v.op_id = $2 order by v.seq desc, v.id desc`, w.User, op)
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
