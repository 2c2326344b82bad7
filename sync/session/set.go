package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"strings"

	"tandem"
	"tandem/sync/wire"
)

// set changes what is the person's own. It shares the line of mids with mutate, and gives ok or the code of the refusal.
func (c *session) set(ctx context.Context, f wire.Set) string {
	if !c.isNext(ctx, f.Mid) {
		return c.notNext(ctx, f.Mid, nil)
	}
	p := c.principal()
	if p.Program {
		return c.settleRefusal(ctx, f.Mid, c.nack(ctx, tandem.Forbidden("set", "Only the person can change settings.")))
	}
	t := translation{newID: c.o.NewID, now: c.o.Now().UTC(), publicURL: c.o.PublicURL, client: c.client, secrets: map[string]string{}}
	if c.o.WebhookKey != nil {
		t.webhookKey = c.o.WebhookKey(p.User)
	}
	edit, err := t.translate(f.Patch)
	if err != nil {
		return c.settleRefusal(ctx, f.Mid, c.nack(ctx, naming(err)))
	}
	edit.Cause = tandem.Cause{Actor: tandem.ActorUser, OpID: c.o.NewID(), Caller: c.client, Client: c.client, Mid: f.Mid}
	out, err := c.o.Settings.Set(ctx, p.User, edit)
	if err != nil {
		return c.settleRefusal(ctx, f.Mid, c.nack(ctx, naming(err)))
	}
	c.last.Store(f.Mid)
	code := c.reply(setAnswer(f.Mid, out, t.secrets))
	if edit.RevokeAll && !out.Replayed {
		c.revokeAll(ctx, p.User)
	}
	return code
}

// naming has the message of an invalid patch name its field: a patch has many.
func naming(err error) error {
	e, ok := errors.AsType[*tandem.Error](err)
	if !ok || e.Code != tandem.CodeInvalid || strings.Contains(e.Message, e.Details.Field) {
		return err
	}
	named := *e
	named.Message = e.Details.Field + ": " + e.Message
	return &named
}

// setAnswer is the ack of a set. Secrets stand in it once: a repeated answer has the stored result, without them.
func setAnswer(mid int64, out tandem.Outcome, secrets map[string]string) wire.ServerFrame {
	if out.Replayed {
		return frameOf(mid, out)
	}
	result := map[string]any{}
	if err := json.Unmarshal(out.Result, &result); err != nil {
		return frameOf(mid, out)
	}
	for name, secret := range secrets {
		result[name] = secret
	}
	b, err := json.Marshal(result)
	if err != nil {
		return frameOf(mid, out)
	}
	return wire.Ack{Mid: mid, Seq: out.Seq, Result: b}
}

// revokeAll has every process end the person's connections. Should the message be lost, tokens older than the change are
// refused at their next use nevertheless.
func (c *session) revokeAll(ctx context.Context, user tandem.UserID) {
	err := c.o.Hub.Publish(ctx, tandem.Signal{User: user, Control: tandem.ControlRevoke})
	if err != nil {
		c.o.Log.WarnContext(ctx, "tell of revocation", "user_id", user, "err", err)
	}
}

// newSecret gives 256 random bits in base64url.
func newSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: it ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// hashOf is the form in which a secret is kept.
func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func resultOf(members map[string]any) json.RawMessage {
	out := map[string]any{"success": true, "status": "updated", "message": "Settings saved."}
	maps.Copy(out, members)
	b, err := json.Marshal(out)
	if err != nil {
		panic(err) // texts and stamps always encode
	}
	return b
}
