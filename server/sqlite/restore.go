package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Restore puts a copy of the file from in the place of the store at path, which must not be open. A file that is no sound
// store of this or an earlier version is refused, and leaves the store as it is. The store then has another epoch.
func Restore(ctx context.Context, path, from string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("restore from %s: %w", from, err)
		}
	}()
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	staged := path + ".restoring"
	if err := copyFile(from, staged); err != nil {
		return err
	}
	if err := sound(ctx, staged); err != nil {
		return errors.Join(err, removeStore(staged))
	}
	// The old store's log would be taken for the new one's, so it goes first. A crash in between leaves the old store.
	if err := removeLog(path); err != nil {
		return err
	}
	return os.Rename(staged, path)
}

var errNoStore = errors.New("the file is no copy of a Tandem database")

// sound reports whether the file is a store that Open can take, and leaves it as one file that was never opened anywhere.
func sound(ctx context.Context, path string) error {
	c, err := dial(ctx, path, false)
	if err != nil {
		return errNoStore
	}
	err = soundIn(ctx, c)
	if err == nil {
		err = c.forget(ctx)
	}
	return errors.Join(err, c.close())
}

func soundIn(ctx context.Context, c *conn) error {
	version, err := schemaVersion(ctx, c)
	if err != nil {
		return errNoStore
	}
	if version == 0 || version > len(migrations) {
		return fmt.Errorf("the file has schema version %d; this program knows 1 to %d", version, len(migrations))
	}
	return c.sound(ctx)
}

// sound looks through the pages of the file.
func (c *conn) sound(ctx context.Context) error {
	var verdict string
	if _, err := c.one(ctx, into(&verdict), `pragma quick_check(1)`); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("the file is damaged: %s", verdict)
	}
	return nil
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// removeStore removes a store with its log.
func removeStore(path string) error { return errors.Join(os.Remove(path), removeLog(path)) }

// removeLog removes what SQLite keeps beside a store.
func removeLog(path string) error {
	var errs []error
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
