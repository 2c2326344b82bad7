package sqlite

import (
	"context"
	"encoding/json"

	"tandem"
)

// PlainSettings gives the settings that decisions on tasks look at.
func (w *write) PlainSettings(ctx context.Context) (tandem.Settings, error) {
	return readSettings(ctx, w.conn, w.User)
}

// TasksOf reads the named tasks.
func (w *write) TasksOf(ctx context.Context, refs []tandem.TaskRef) (out []*tandem.Task, err error) {
	out = make([]*tandem.Task, len(refs))
	for i, ref := range refs {
		if ref.UID != "" {
			out[i], err = w.TaskByUID(ctx, ref.UID)
		} else {
			out[i], err = taskByNumber(ctx, w.conn, w.User, account{w.Account, w.ordinal}, ref.Number)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Twins reads open tasks by their title.
func (w *write) Twins(ctx context.Context, title string, limit int) ([]tandem.Task, error) {
	return list(ctx, w.conn, decodeTask, `
		select v.doc from tasks t join versions v on v.id = t.current
		where t.user_id = ? and t.status = 0 and t.title = ? order by t.uid desc limit ?`, w.User, title, limit)
}

// FloatingTasks reads the open tasks whose due date has no zone of its own.
func (w *write) FloatingTasks(ctx context.Context) ([]tandem.Task, error) {
	return list(ctx, w.conn, decodeTask, `
		select v.doc from tasks t join versions v on v.id = t.current where t.user_id = ? and t.floating = 1 order by t.id`, w.User)
}

// Series reads the open occurrences of series, and the successors of their tasks.
func (w *write) Series(ctx context.Context, of []tandem.Task) (out []tandem.Task, err error) {
	for _, t := range of {
		found, err := list(ctx, w.conn, decodeTask, `
			select v.doc from tasks t join versions v on v.id = t.current
			where t.user_id = ?1 and t.series_id = ?2 and (t.status = 0 or t.predecessor = ?3)`, w.User, t.Series.ID, t.UID)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
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
