package store

import (
	"context"

	"tandem"
)

// Undone finds what operations and turns wrote, the newest first.
type Undone interface {
	// LastWrite names the newest turn that wrote in the conversation, or else the newest operation of the caller. What the workers
	// write has no caller, and is nobody's last.
	LastWrite(ctx context.Context) (turn, op string, err error)
	ChangesOfTurn(ctx context.Context, turn string) ([]tandem.TaskChange, error)
	ChangesOfOp(ctx context.Context, op string) ([]tandem.TaskChange, error)
}

// UndoChanges gives what is to be taken back: of a turn, of an operation, or of the last one. not_found for nothing.
func UndoChanges(ctx context.Context, w Undone, name string) (changes []tandem.TaskChange, err error) {
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
