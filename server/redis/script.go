package redis

import (
	"context"
	_ "embed" // the scripts
	"errors"

	goredis "github.com/redis/go-redis/v9"
)

var (
	//go:embed beat.lua
	beatLua string
	//go:embed people.lua
	peopleLua string
	//go:embed seats.lua
	seatsLua string
	//go:embed bucket.lua
	bucketLua string
	//go:embed window.lua
	windowLua string

	beatScript   = goredis.NewScript(beatLua)
	peopleScript = goredis.NewScript(peopleLua)
	seatsScript  = goredis.NewScript(seatsLua)
	bucketScript = goredis.NewScript(bucketLua)
	windowScript = goredis.NewScript(windowLua)
)

// call is one run of a script.
type call struct {
	key  string
	args []any
}

// many runs a script for many keys in one exchange.
func (c *Client) many(ctx context.Context, script *goredis.Script, calls []call) ([]*goredis.Cmd, error) {
	cmds, err := c.pipe(ctx, script, calls)
	if !goredis.HasErrorPrefix(err, "NOSCRIPT") {
		return cmds, err
	}
	if err := script.Load(ctx, c.rdb).Err(); err != nil {
		return nil, err
	}
	return c.pipe(ctx, script, calls)
}

func (c *Client) pipe(ctx context.Context, script *goredis.Script, calls []call) ([]*goredis.Cmd, error) {
	cmds := make([]*goredis.Cmd, 0, len(calls))
	_, err := c.rdb.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for _, one := range calls {
			cmds = append(cmds, script.EvalSha(ctx, p, []string{one.key}, one.args...))
		}
		return nil
	})
	return cmds, err
}

// number runs a script that somebody waits for, and gives its number.
func (c *Client) number(ctx context.Context, script *goredis.Script, one call) (n int64, err error) {
	err = c.ask(ctx, func(ctx context.Context) error {
		n, err = script.Run(ctx, c.rdb, []string{one.key}, one.args...).Int64()
		if errors.Is(err, goredis.Nil) {
			return nil
		}
		return err
	})
	return n, err
}
