package postgres

import (
	"context"
	"encoding/json"

	"tandem"
)

// PlainSettings gives the settings that decisions on tasks look at.
func (w *write) PlainSettings(context.Context) (tandem.Settings, error) { return w.plain, nil }

// TasksOf reads the named tasks. What is known stays apart from what a rule may change.
func (w *write) TasksOf(ctx context.Context, refs []tandem.TaskRef) ([]*tandem.Task, error) {
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
		if t != nil {
			byNumber[t.Number] = t
		}
	}
	out := make([]*tandem.Task, len(refs))
	for i, ref := range refs {
		t := byNumber[ref.Number]
		if ref.UID != "" {
			t = w.known[ref.UID]
		}
		if t != nil {
			clone := t.Clone()
			out[i] = &clone
		}
	}
	return out, nil
}

// Twins reads open tasks by their title.
func (w *write) Twins(ctx context.Context, title string, limit int) ([]tandem.Task, error) {
	return list(ctx, w.conn, decodeTask, selectTasks+`and t.status = 0 and t.title = $2 order by t.uid desc limit $3`, w.User, sortKey(title), limit)
}

// FloatingTasks reads the open tasks whose due date has no zone of its own.
func (w *write) FloatingTasks(ctx context.Context) ([]tandem.Task, error) {
	return list(ctx, w.conn, decodeTask, selectTasks+`and t.floating order by t.number`, w.User)
}

// Series reads the open occurrences of series, and the successors of their tasks.
func (w *write) Series(ctx context.Context, of []tandem.Task) ([]tandem.Task, error) {
	series, uids := make([]string, len(of)), make([]string, len(of))
	for i, t := range of {
		series[i], uids[i] = t.Series.ID, t.UID
	}
	return list(ctx, w.conn, decodeTask, selectTasks+`and t.series_id = any ($2::text[]) and (t.status = 0 or t.predecessor = any ($3::text[]))`,
		w.User, series, uids)
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
