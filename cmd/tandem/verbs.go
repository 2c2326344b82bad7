package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"tandem"
	"tandem/server/auth"
)

// verbs are what operators may ask of a process that holds the database.
func (b *base) verbs() map[string]verb {
	return map[string]verb{
		"token": reply(b.personalToken), "tokens": b.listTokens, "revoke_token": reply(b.revokeToken), "users": b.listUsers, "export": b.export, "import": b.importRows,
		"delete_user": b.deleteUser, "revoke_user": b.revokeUser, "replay": b.replay,
	}
}

// verbs are what commands of the same data folder may ask of the running server.
func (p *program) verbs() map[string]verb {
	out := map[string]verb{
		"ping":    reply(func(context.Context, any) (string, error) { return "pong", nil }),
		"restore": p.restore,
	}
	for name := range p.current().verbs() {
		out[name] = func(ctx context.Context, args json.RawMessage, body io.Reader, w io.Writer) error {
			return p.current().verbs()[name](ctx, args, body, w)
		}
	}
	return out
}

func (e *embedded) verbs() map[string]verb {
	out := e.base.verbs()
	out["link"] = reply(func(context.Context, any) (string, error) { return e.newLink() })
	out["sign"], out["check"], out["backup"] = reply(e.sign), reply(e.check), e.backup
	return out
}

// restore swaps the database for a copy; connections end with 1012 and come back to the new epoch.
func (p *program) restore(ctx context.Context, args json.RawMessage, _ io.Reader, out io.Writer) error {
	from, err := argsOf[string](args)
	if err != nil {
		return err
	}
	r := restore{from: from, done: make(chan error, 1)}
	select {
	case p.restores <- r:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := <-r.done; err != nil {
		return err
	}
	fmt.Fprintf(out, "The database is now that of %s.\n", from)
	return nil
}

// user reads the id that a command names; empty means the local one.
func (b *base) user(args json.RawMessage) (tandem.UserID, error) {
	name, err := argsOf[string](args)
	if err != nil {
		return "", err
	}
	return b.userOr(name)
}

func (b *base) userOr(name string) (tandem.UserID, error) {
	if name == "" && b.cfg.DatabaseURL == "" {
		return localUser, nil
	}
	if u := tandem.UserID(name); u.Valid() {
		return u, nil
	}
	return "", tandem.Invalid("user", name, "%q is not a user id", name)
}

func (e *embedded) newLink() (string, error) {
	link := e.link()
	if link == "" {
		return "", errors.New("people sign in at the configured issuer; this server prints no links")
	}
	return link, nil
}

// signArgs ask for a short-lived token.
type signArgs struct {
	User   string   `json:"user"`
	Scopes []string `json:"scopes"` // nil: all
}

// sign gives a short-lived token of a user to a command that speaks for them.
func (e *embedded) sign(_ context.Context, in signArgs) (string, error) {
	u, err := e.userOr(in.User)
	if err != nil {
		return "", err
	}
	if in.Scopes != nil {
		if in.Scopes, err = tandem.CleanScopes("scope", in.Scopes); err != nil {
			return "", err
		}
	}
	return e.shortToken(u, in.Scopes)
}

// tokenArgs ask for a token.
type tokenArgs struct {
	User     string   `json:"user"`
	Personal string   `json:"personal"`
	Scopes   []string `json:"scopes"`
	Expires  string   `json:"expires"`
	Revoke   string   `json:"revoke"` // the id or name of one
}

// personalToken makes a personal access token; only its hash is kept.
func (b *base) personalToken(ctx context.Context, in tokenArgs) (string, error) {
	user, err := b.userOr(in.User)
	if err != nil {
		return "", err
	}
	wish := auth.Wish{Name: in.Personal}
	if len(in.Scopes) > 0 {
		if wish.Scopes, err = tandem.CleanScopes("scope", in.Scopes); err != nil {
			return "", err
		}
	}
	if in.Expires != "" {
		if wish.Life, err = tandem.ParseLifetime("expires", in.Expires); err != nil {
			return "", err
		}
	}
	secret, made, err := auth.Mint(wish, time.Now(), tandem.NewID)
	if err != nil {
		return "", err
	}
	_, err = b.store.Set(ctx, user, tandem.SetEdit{Cause: tandem.Cause{Actor: tandem.ActorUser}, AddToken: made})
	return secret, err
}

// listTokens shows the personal access tokens of a user, the newest last.
func (b *base) listTokens(ctx context.Context, args json.RawMessage, _ io.Reader, out io.Writer) error {
	user, err := b.user(args)
	if err != nil {
		return err
	}
	settings, err := b.store.Settings(ctx, user)
	if err != nil {
		return err
	}
	day := func(s *tandem.Stamp, none string) string {
		if s == nil {
			return none
		}
		return time.Time(*s).UTC().Format("2006-01-02 15:04")
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tSCOPES\tLAST USED\tENDS")
	for _, t := range settings.Tokens {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", t.ID, t.Name, strings.Join(t.Scopes, ","), day(t.LastUsedAt, "never"), day(t.ExpiresAt, "never"))
	}
	return table.Flush()
}

// revokeToken ends a personal access token that is named by its id, or by its name where only one has it.
func (b *base) revokeToken(ctx context.Context, in tokenArgs) (string, error) {
	user, err := b.userOr(in.User)
	if err != nil {
		return "", err
	}
	settings, err := b.store.Settings(ctx, user)
	if err != nil {
		return "", err
	}
	var ids []string
	for _, t := range settings.Tokens {
		if t.ID == in.Revoke || t.Name == in.Revoke {
			ids = append(ids, t.ID)
		}
	}
	switch len(ids) {
	case 0:
		return "", tandem.NotFound("revoke", in.Revoke, "token")
	case 1:
	default:
		return "", tandem.Invalid("revoke", in.Revoke, "%d tokens are called %q; name one by its id", len(ids), in.Revoke)
	}
	_, err = b.store.Set(ctx, user, tandem.SetEdit{Cause: tandem.Cause{Actor: tandem.ActorUser}, RevokeToken: ids[0]})
	return ids[0], err
}

func (b *base) listUsers(ctx context.Context, _ json.RawMessage, _ io.Reader, out io.Writer) error {
	users, err := b.store.Users(ctx)
	if err != nil {
		return err
	}
	for _, u := range users {
		fmt.Fprintln(out, u)
	}
	return nil
}

func (b *base) export(ctx context.Context, args json.RawMessage, _ io.Reader, out io.Writer) error {
	user, err := b.user(args)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(out)
	return b.store.Export(ctx, user, func(kind string, row json.RawMessage) error {
		return enc.Encode(exported{kind, row})
	})
}

// exported is one line of an export.
type exported struct {
	Kind string          `json:"kind"`
	Row  json.RawMessage `json:"row"`
}

func (b *base) deleteUser(ctx context.Context, args json.RawMessage, _ io.Reader, out io.Writer) error {
	user, err := b.user(args)
	if err != nil {
		return err
	}
	if err := b.store.DeleteUser(ctx, user); err != nil {
		return err
	}
	if err := b.channels.Publish(ctx, tandem.Signal{User: user, Control: tandem.ControlRevoke}); err != nil {
		return err
	}
	fmt.Fprintf(out, "Everything of %s is erased.\n", user)
	return nil
}

func (b *base) revokeUser(ctx context.Context, args json.RawMessage, _ io.Reader, out io.Writer) error {
	user, err := b.user(args)
	if err != nil {
		return err
	}
	if _, err := b.store.Set(ctx, user, tandem.SetEdit{Cause: tandem.Cause{Actor: tandem.ActorUser}, RevokeAll: true}); err != nil {
		return err
	}
	if err := b.channels.Publish(ctx, tandem.Signal{User: user, Control: tandem.ControlRevoke}); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is signed out everywhere.\n", user)
	return nil
}

func (e *embedded) backup(ctx context.Context, args json.RawMessage, _ io.Reader, out io.Writer) error {
	target, err := argsOf[string](args)
	if err != nil {
		return err
	}
	if err := e.db.Backup(ctx, target); err != nil {
		return err
	}
	fmt.Fprintf(out, "Copied to %s.\n", target)
	return nil
}
