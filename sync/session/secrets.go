package session

import (
	"encoding/json"
	"net/mail"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"tandem"
)

// Bounds of what a person may make.
const (
	maxTokens  = 50
	maxPush    = 20
	maxAddress = 254  // of an e-mail address, RFC 5321
	maxURL     = 2000 // bytes
)

// tokens makes or revokes a personal access token.
func (t *translation) tokens(field string, raw json.RawMessage) error {
	verb, raw, err := oneOf(field, raw, "add", "revoke")
	if err != nil {
		return err
	}
	if verb == "revoke" {
		t.edit.RevokeToken, err = id(field+".revoke", raw)
		return err
	}
	members, err := object(field+".add", raw, "name", "scopes", "expires_in")
	if err != nil {
		return err
	}
	info := tandem.TokenInfo{ID: t.newID(), Scopes: tandem.DefaultScopes, CreatedAt: tandem.Stamp(t.now)}
	if info.Name, err = label(field+".add.name", members["name"]); err != nil {
		return err
	}
	if raw, ok := members["scopes"]; ok && !isNull(raw) {
		if info.Scopes, err = scopeList(field+".add.scopes", raw); err != nil {
			return err
		}
	}
	if raw, ok := members["expires_in"]; ok && !isNull(raw) {
		life, err := lifetime(field+".add.expires_in", raw)
		if err != nil {
			return err
		}
		expires := tandem.Stamp(t.now.Add(life))
		info.ExpiresAt = &expires
	}
	secret := "tdm_" + newSecret()
	t.edit.AddToken = &tandem.NewToken{Info: info, Hash: hashOf(secret)}
	t.secrets["token"] = secret
	t.result["token_id"], t.result["name"], t.result["scopes"], t.result["expires_at"] = info.ID, info.Name, info.Scopes, info.ExpiresAt
	t.atMost(field, maxTokens, func(s tandem.Settings) int { return len(s.Tokens) })
	return nil
}

// atMost refuses one more where there are as many as there may be.
func (t *translation) atMost(field string, most int, count func(tandem.Settings) int) {
	t.checks = append(t.checks, func(s tandem.Settings) error {
		if count(s) >= most {
			return tandem.Invalid(field, count(s), "There can be at most %d %s.", most, field)
		}
		return nil
	})
}

func scopeList(field string, raw json.RawMessage) ([]string, error) {
	entries, err := list(field, raw)
	if err != nil {
		return nil, err
	}
	named := make([]string, len(entries))
	for i, raw := range entries {
		if named[i], err = text(field, raw); err != nil {
			return nil, err
		}
	}
	return tandem.CleanScopes(field, named)
}

// lifetime reads 30s, 12h or 90d, or a number of seconds.
func lifetime(field string, raw json.RawMessage) (time.Duration, error) {
	s, err := text(field, raw)
	if err != nil {
		s = string(raw) + "s"
	}
	return tandem.ParseLifetime(field, s)
}

// feed makes a new secret address of the calendar feed, which ends the old one, or removes it.
func (t *translation) feed(field string, raw json.RawMessage) error {
	if isNull(raw) {
		t.edit.Feed = &tandem.FeedEdit{}
		return nil
	}
	_, raw, err := oneOf(field, raw, "new")
	if err != nil {
		return err
	}
	if string(raw) != "true" {
		return tandem.Invalid(field+".new", string(raw), "%s.new takes true.", field)
	}
	secret := newSecret()
	t.edit.Feed = &tandem.FeedEdit{Hash: hashOf(secret)}
	t.secrets["feed"] = strings.TrimSuffix(t.publicURL, "/") + "/feeds/" + secret + ".ics"
	return nil
}

// push takes or removes a browser's web-push subscription.
func (t *translation) push(field string, raw json.RawMessage) error {
	verb, raw, err := oneOf(field, raw, "add", "remove")
	if err != nil {
		return err
	}
	if verb == "remove" {
		t.edit.RemovePush, err = id(field+".remove", raw)
		return err
	}
	members, err := object(field+".add", raw, "endpoint", "expirationTime", "keys")
	if err != nil {
		return err
	}
	if _, err = address(field+".add.endpoint", members["endpoint"]); err != nil {
		return err
	}
	keys, err := object(field+".add.keys", members["keys"], "p256dh", "auth")
	if err != nil {
		return err
	}
	for _, key := range []string{"p256dh", "auth"} {
		if s, err := text(field+".add.keys."+key, keys[key]); err != nil || s == "" || len(s) > 128 {
			return tandem.Invalid(field+".add.keys."+key, nil, "%s.add.keys.%s must be a key.", field, key)
		}
	}
	device := tandem.PushDevice{ID: t.newID(), Device: t.client}
	t.edit.AddPush = &tandem.PushSubscription{PushDevice: device, Subscription: raw}
	t.result["push_id"] = device.ID
	t.atMost(field, maxPush, func(s tandem.Settings) int { return len(s.Channels.Push) })
	return nil
}

// channels sets the outside addresses that are named; null removes one.
func (t *translation) channels(field string, raw json.RawMessage) error {
	if isNull(raw) {
		raw = json.RawMessage(`{"email":null,"webhook":null}`)
	}
	members, err := object(field, raw, "email", "webhook")
	if err != nil {
		return err
	}
	if raw, ok := members["email"]; ok {
		c, err := channel(field+".email", raw, "address", mailbox)
		if err != nil {
			return err
		}
		t.plain = append(t.plain, func(s *tandem.Settings) { s.Channels.Email = c })
	}
	if raw, ok := members["webhook"]; ok {
		c, err := channel(field+".webhook", raw, "url", address)
		if err != nil {
			return err
		}
		if c != nil && t.webhookKey != "" {
			t.secrets["webhook_key"] = t.webhookKey
		}
		t.plain = append(t.plain, func(s *tandem.Settings) { s.Channels.Webhook = c })
	}
	return nil
}

// channel reads one outside address; it is on unless it says otherwise.
func channel(field string, raw json.RawMessage, key string, read func(string, json.RawMessage) (string, error)) (*tandem.Channel, error) {
	if isNull(raw) {
		return nil, nil
	}
	members, err := object(field, raw, key, "on")
	if err != nil {
		return nil, err
	}
	to, err := read(field+"."+key, members[key])
	if err != nil {
		return nil, err
	}
	c := tandem.Channel{On: true}
	if key == "url" {
		c.URL = to
	} else {
		c.Address = to
	}
	if raw, ok := members["on"]; ok && json.Unmarshal(raw, &c.On) != nil {
		return nil, tandem.Invalid(field+".on", string(raw), "%s.on must be true or false.", field)
	}
	return &c, nil
}

func mailbox(field string, raw json.RawMessage) (string, error) {
	s, err := text(field, raw)
	if err != nil {
		return "", err
	}
	m, err := mail.ParseAddress(s)
	if err != nil || m.Address != s || len(s) > maxAddress {
		return "", tandem.Invalid(field, s, "%s must be an e-mail address such as ann@example.com.", field)
	}
	return s, nil
}

// address reads a public https address. Where its name leads is checked again whenever it is dialled.
func address(field string, raw json.RawMessage) (string, error) {
	s, err := text(field, raw)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(s)
	if err != nil || len(s) > maxURL || u.Scheme != "https" || u.User != nil || !public(u.Hostname()) {
		return "", tandem.Invalid(field, s, "%s must be a public https address.", field)
	}
	return s, nil
}

// public refuses hosts that are this machine or a private network by their very form.
func public(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsGlobalUnicast() && !ip.IsPrivate()
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if last := host[strings.LastIndexByte(host, '.')+1:]; strings.HasPrefix(last, "0x") || strings.Trim(last, "0123456789") == "" {
		return false // a resolver may read it as the number of an address: 127.1, 0x7f.1
	}
	return strings.Contains(host, ".") && !strings.HasSuffix(host, ".localhost") && !strings.HasSuffix(host, ".local")
}
