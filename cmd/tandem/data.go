package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rsc.io/qr"

	"tandem"
	"tandem/server/auth"
)

// withServer runs f against the server of the data folder: the one that is running, or one started for the occasion.
func withServer(ctx context.Context, c config, std stdio, f func(context.Context, remote) error) error {
	if r, ok := findRunning(ctx, c.DataDir); ok {
		return f(ctx, r)
	}
	c.Addr = "127.0.0.1:0"
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	up := make(chan struct{})
	ended := make(chan error, 1)
	go func() { ended <- serveEmbedded(ctx, c, std.err, func(*embedded) { close(up) }) }()
	select {
	case err := <-ended:
		return err
	case <-up:
	}
	r, ok := findRunning(ctx, c.DataDir)
	if !ok {
		return errors.New("the server that was started for this command does not answer")
	}
	err := f(ctx, r)
	stop()
	return errors.Join(err, <-ended)
}

// withOperator runs f where the data are: on the Postgres of TANDEM_DATABASE_URL, or through the server of the data folder.
func withOperator(ctx context.Context, c config, std stdio, f func(context.Context, doer) error) error {
	if c.DatabaseURL != "" {
		return onDatabase(ctx, c, std, f)
	}
	return withServer(ctx, c, std, func(ctx context.Context, r remote) error { return f(ctx, r) })
}

// dataCommand parses the flags of a command on the data folder.
func dataCommand(std stdio, name string, args []string, more func(*flag.FlagSet)) (c config, words []string, err error) {
	fs := flags(std, name)
	load := bind(fs)
	if more != nil {
		more(fs)
	}
	if words, err = parse(fs, args); err != nil {
		return c, nil, err
	}
	c, err = load()
	return c, words, err
}

// usage prints how the command is called.
func usage(std stdio, text string) error {
	fmt.Fprintln(std.err, "usage: tandem "+text)
	return errUsage
}

func runLink(ctx context.Context, std stdio, args []string) error {
	var asQR bool
	c, _, err := dataCommand(std, "link", args, func(fs *flag.FlagSet) { fs.BoolVar(&asQR, "qr", false, "also draw the link as a QR code") })
	if err != nil {
		return err
	}
	r, ok := findRunning(ctx, c.DataDir)
	if !ok {
		return errors.New("no server is running on " + c.DataDir + "; start one with `tandem up`")
	}
	link, err := ask[string](ctx, r, "link", nil)
	if err != nil {
		return err
	}
	fmt.Fprintln(std.out, link)
	if asQR {
		return drawQR(std.out, link)
	}
	return nil
}

// drawQR draws two rows of modules a line, dark on light.
func drawQR(w io.Writer, text string) error {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return fmt.Errorf("draw the QR code: %w", err)
	}
	const quiet = 2
	blocks := map[[2]bool]string{{false, false}: "█", {false, true}: "▀", {true, false}: "▄", {true, true}: " "}
	for y := -quiet; y < code.Size+quiet; y += 2 {
		var line strings.Builder
		for x := -quiet; x < code.Size+quiet; x++ {
			line.WriteString(blocks[[2]bool{code.Black(x, y), code.Black(x, y+1)}])
		}
		fmt.Fprintln(w, line.String())
	}
	return nil
}

func runToken(ctx context.Context, std stdio, args []string) error {
	var in tokenArgs
	var ttl time.Duration
	var scopes listFlag
	var list bool
	c, _, err := dataCommand(std, "token", args, func(fs *flag.FlagSet) {
		fs.StringVar(&in.User, "user", "", "id of the user")
		fs.DurationVar(&ttl, "ttl", 15*time.Minute, "how long the token is good for")
		fs.StringVar(&in.Personal, "personal", "", "make a personal access token of this name")
		fs.Var(&scopes, "scope", "scopes of a personal token: tasks:read, tasks:write, tasks:delete")
		fs.StringVar(&in.Expires, "expires", "", "when a personal token ends, such as 12h or 90d")
		fs.BoolVar(&list, "list", false, "list the personal tokens")
		fs.StringVar(&in.Revoke, "revoke", "", "revoke the personal token of this id or name")
	})
	if err != nil {
		return err
	}
	in.Scopes = scopes
	if in.User != "" && !tandem.UserID(in.User).Valid() {
		return tandem.Invalid("user", in.User, "%q is not a user id", in.User)
	}
	switch {
	case list:
		return withOperator(ctx, c, std, func(ctx context.Context, r doer) error {
			return r.do(ctx, "tokens", in.User, nil, std.out)
		})
	case in.Revoke != "":
		return withOperator(ctx, c, std, func(ctx context.Context, r doer) error {
			id, err := ask[string](ctx, r, "revoke_token", in)
			if err == nil {
				fmt.Fprintf(std.out, "The token %s is revoked.\n", id)
			}
			return err
		})
	case in.Personal != "":
		return withOperator(ctx, c, std, func(ctx context.Context, r doer) error {
			token, err := ask[string](ctx, r, "token", in)
			if err == nil {
				fmt.Fprintln(std.out, token)
			}
			return err
		})
	}
	if in.User == "" {
		return usage(std, "token --user ID [--ttl 15m | --personal NAME | --list | --revoke NAME]")
	}
	token, err := signToken(c, tandem.UserID(in.User), ttl)
	if err == nil {
		fmt.Fprintln(std.out, token)
	}
	return err
}

// signToken signs with the configured secret, or with that of the data folder.
func signToken(c config, user tandem.UserID, ttl time.Duration) (string, error) {
	secret, err := secretOf(c)
	if err != nil {
		return "", err
	}
	now := time.Now()
	return auth.Sign(secret, auth.Grant{User: user, Issued: now, Expires: now.Add(ttl)})
}

// listFlag takes a list with commas or by repetition.
type listFlag []string

func (l *listFlag) String() string { return strings.Join(*l, ",") }

// Set adds the elements of v.
func (l *listFlag) Set(v string) error {
	*l = append(*l, strings.Split(v, ",")...)
	return nil
}

func runBackup(ctx context.Context, std stdio, args []string) error {
	c, words, err := dataCommand(std, "backup", args, nil)
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return usage(std, "backup FILE")
	}
	target, err := filepath.Abs(words[0])
	if err != nil {
		return fmt.Errorf("%s is not a file name: %w", words[0], err)
	}
	return withOperator(ctx, c, std, func(ctx context.Context, r doer) error {
		return r.do(ctx, "backup", target, nil, std.out)
	})
}

func runRestore(ctx context.Context, std stdio, args []string) error {
	c, words, err := dataCommand(std, "restore", args, nil)
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return usage(std, "restore FILE")
	}
	source, err := filepath.Abs(words[0])
	if err != nil {
		return fmt.Errorf("%s is not a file name: %w", words[0], err)
	}
	if _, err := os.Stat(source); err != nil {
		return fmt.Errorf("there is no file %s", source)
	}
	return withOperator(ctx, c, std, func(ctx context.Context, r doer) error {
		return r.do(ctx, "restore", source, nil, std.out)
	})
}

func runUser(ctx context.Context, std stdio, args []string) error {
	var user string
	c, words, err := dataCommand(std, "user", args, func(fs *flag.FlagSet) { fs.StringVar(&user, "user", "", "id of the user (default: the local one)") })
	if err != nil {
		return err
	}
	verbs := map[string]string{"list": "users", "export": "export", "delete": "delete_user", "revoke": "revoke_user"}
	if len(words) != 1 || verbs[words[0]] == "" {
		return usage(std, "user list|export|delete|revoke [--user ID]")
	}
	return withOperator(ctx, c, std, func(ctx context.Context, r doer) error {
		return r.do(ctx, verbs[words[0]], user, nil, std.out)
	})
}

func runReplay(ctx context.Context, std stdio, args []string) error {
	var in replayArgs
	c, words, err := dataCommand(std, "replay", args, func(fs *flag.FlagSet) {
		fs.StringVar(&in.User, "user", "", "only events of this user")
		fs.StringVar(&in.Topic, "topic", "", "only events of this topic")
		fs.StringVar(&in.From, "from", "", "only events from this instant on (RFC 3339)")
		fs.StringVar(&in.To, "to", "", "only events up to this instant, and at it (RFC 3339)")
		fs.BoolVar(&in.Dead, "dead", false, "the events that were set aside, not those of the trail")
		fs.BoolVar(&in.DryRun, "dry-run", false, "list the events and publish nothing")
	})
	if err != nil {
		return err
	}
	if len(words) > 0 {
		return usage(std, "replay [--dead] [--dry-run]")
	}
	return withOperator(ctx, c, std, func(ctx context.Context, r doer) error {
		return r.do(ctx, "replay", in, nil, std.out)
	})
}
