package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// nonce is what the file beside the database holds. Stamp is written anew to both at each opening: a database with another
// stamp than the file's is not the one that was last opened here, so its history may differ from what clients have seen.
type nonce struct {
	Epoch string `json:"epoch"`
	Stamp string `json:"stamp"`
}

// takeEpoch gives the epoch of the database that c has open: the one before, or a new one after a restore.
func takeEpoch(ctx context.Context, c *conn, path string, newID func() string) (string, error) {
	var identity, stamp string
	if _, err := c.one(ctx, into(&identity), `select value from meta where key = 'identity'`); err != nil {
		return "", err
	}
	if _, err := c.one(ctx, into(&stamp), `select value from meta where key = 'stamp'`); err != nil {
		return "", err
	}
	var n nonce
	switch data, err := os.ReadFile(path); {
	case err == nil && json.Unmarshal(data, &n) == nil && n.Stamp == stamp && n.Epoch != "":
	case err == nil || errors.Is(err, fs.ErrNotExist):
		n.Epoch = newID()
	default:
		return "", err
	}
	n.Stamp = newID()
	if err := replaceFile(path, n); err != nil {
		return "", fmt.Errorf("write epoch: %w", err)
	}
	const put = `insert into meta (key, value) values ('stamp', ?) on conflict (key) do update set value = excluded.value`
	if _, err := c.exec(ctx, put, n.Stamp); err != nil {
		return "", err
	}
	return identity + "." + n.Epoch, nil
}

// forgetEpoch makes the copy at path one that was never opened anywhere.
func forgetEpoch(ctx context.Context, path string) error {
	c, err := dial(ctx, path, false)
	if err != nil {
		return err
	}
	return errors.Join(c.forget(ctx), c.close())
}

// forget takes away what ties the database to the place where it was opened, and leaves it as one file.
func (c *conn) forget(ctx context.Context) error {
	if _, err := c.exec(ctx, `delete from meta where key = 'stamp'`); err != nil {
		return err
	}
	_, err := c.sql.ExecContext(ctx, `pragma journal_mode = delete`)
	return err
}

// replaceFile writes a small file so that a crash leaves the old one or the new one.
func replaceFile(path string, n nonce) error {
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
