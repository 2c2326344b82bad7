package session

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem"
)

func fixed() *translation {
	n := 0
	return &translation{
		newID: func() string { n++; return strings.Repeat("0", 7) + string(rune('0'+n)) }, now: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC),
		publicURL: "https://tandem.example/", client: "phone", secrets: map[string]string{},
	}
}

func translate(t *testing.T, patch string) (tandem.SetEdit, *translation) {
	t.Helper()
	tr := fixed()
	edit, err := tr.translate(json.RawMessage(patch))
	if err != nil {
		t.Fatalf("%s: %v", patch, err)
	}
	return edit, tr
}

func decided(t *testing.T, patch string, s tandem.Settings) tandem.Settings {
	t.Helper()
	edit, _ := translate(t, patch)
	out, err := edit.Decide(s)
	if err != nil {
		t.Fatalf("%s: %v", patch, err)
	}
	return out
}

func TestPatch_PlainKeys(t *testing.T) {
	with := func(change func(*tandem.Settings)) tandem.Settings {
		s := tandem.DefaultSettings()
		change(&s)
		return s
	}
	for patch, want := range map[string]tandem.Settings{
		`{"time_zone":"Asia/Karachi"}`:  with(func(s *tandem.Settings) { s.TimeZone = "Asia/Karachi" }),
		`{"time_zone":null}`:            with(func(*tandem.Settings) {}),
		`{"locale":"de-AT"}`:            with(func(s *tandem.Settings) { s.Locale = "de-AT" }),
		`{"week_start":"sunday"}`:       with(func(s *tandem.Settings) { s.WeekStart = "sunday" }),
		`{"autonomy":"always"}`:         with(func(s *tandem.Settings) { s.Autonomy = "always" }),
		`{"words":{"morning":"07:30"}}`: with(func(s *tandem.Settings) { s.Words.Morning = "07:30" }),
		`{"words":{"all_day":null}}`:    with(func(*tandem.Settings) {}),
		`{"words":null}`:                with(func(*tandem.Settings) {}),
		`{"quiet":{"from":"22:00","to":"07:00"}}`: with(func(s *tandem.Settings) {
			s.Quiet = &tandem.QuietHours{From: "22:00", To: "07:00"}
		}),
		`{"quiet":null}`: with(func(*tandem.Settings) {}),
		`{"views":[{"name":"Home","query":"tag:home"}]}`: with(func(s *tandem.Settings) {
			s.Views = []tandem.View{{Name: "Home", Query: "tag:home"}}
		}),
		`{"views":null}`: with(func(*tandem.Settings) {}),
		`{"channels":{"email":{"address":"ann@example.com"}}}`: with(func(s *tandem.Settings) {
			s.Channels.Email = &tandem.Channel{Address: "ann@example.com", On: true}
		}),
		`{"channels":{"webhook":{"url":"https://example.com/x","on":false}}}`: with(func(s *tandem.Settings) {
			s.Channels.Webhook = &tandem.Channel{URL: "https://example.com/x"}
		}),
		`{"channels":null}`: with(func(*tandem.Settings) {}),
	} {
		if diff := cmp.Diff(want, decided(t, patch, tandem.DefaultSettings())); diff != "" {
			t.Errorf("%s: %s", patch, diff)
		}
	}
}

func TestPatch_TouchesWhatItNamesAlone(t *testing.T) {
	s := tandem.DefaultSettings()
	s.TimeZone, s.Words.Evening = "Asia/Karachi", "20:00"
	s.Channels.Email = &tandem.Channel{Address: "ann@example.com", On: true}
	s.Channels.Push = []tandem.PushDevice{{ID: "p", Device: "phone"}}
	want := s
	want.Words.Morning = "08:00"
	want.Channels.Webhook = &tandem.Channel{URL: "https://example.com/x", On: true}
	got := decided(t, `{"words":{"morning":"08:00"},"channels":{"webhook":{"url":"https://example.com/x"}}}`, s)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPatch_RefusalsNameTheField(t *testing.T) {
	long := strings.Repeat("x", 3000)
	for _, tc := range []struct{ patch, field string }{
		{`{}`, "patch"},
		{`{"colour":"red"}`, "colour"},
		{`{"Time_Zone":"UTC"}`, "Time_Zone"},
		{`{"time_zone":7}`, "time_zone"},
		{`{"time_zone":"Mars"}`, "time_zone"},
		{`{"locale":""}`, "locale"},
		{`{"week_start":"friday"}`, "week_start"},
		{`{"autonomy":"never"}`, "autonomy"},
		{`{"words":"early"}`, "words"},
		{`{"words":{"noon":"12:00"}}`, "words.noon"},
		{`{"words":{"morning":8}}`, "words.morning"},
		{`{"words":{"morning":"8:00"}}`, "words.morning"},
		{`{"quiet":{"from":"22:00"}}`, "quiet.to"},
		{`{"quiet":{"from":"25:00","to":"7"}}`, "quiet.from"},
		{`{"quiet":{"from":"22:00","to":"07:00","days":[]}}`, "quiet.days"},
		{`{"views":{}}`, "views"},
		{`{"views":[{"name":"x"}]}`, "views.query"},
		{`{"views":[{"name":"","query":""}]}`, "views"},
		{`{"views":[{"name":"x","query":"","icon":""}]}`, "views.icon"},
		{`{"channels":{"sms":{}}}`, "channels.sms"},
		{`{"channels":{"push":[]}}`, "channels.push"},
		{`{"channels":{"email":{"address":"ann"}}}`, "channels.email.address"},
		{`{"channels":{"email":{"address":"Ann <a@b.example>"}}}`, "channels.email.address"},
		{`{"channels":{"email":{"address":"a@b.example","on":1}}}`, "channels.email.on"},
		{`{"channels":{"webhook":{"url":"http://example.com"}}}`, "channels.webhook.url"},
		{`{"channels":{"webhook":{"url":"https://localhost/x"}}}`, "channels.webhook.url"},
		{`{"channels":{"webhook":{"url":"https://127.0.0.1/x"}}}`, "channels.webhook.url"},
		{`{"channels":{"webhook":{"url":"https://127.1/x"}}}`, "channels.webhook.url"},
		{`{"channels":{"webhook":{"url":"https://[::1]/x"}}}`, "channels.webhook.url"},
		{`{"channels":{"webhook":{"url":"https://[fd00::1]/x"}}}`, "channels.webhook.url"},
		{`{"channels":{"webhook":{"url":"https://10.1.2.3/x"}}}`, "channels.webhook.url"},
		{`{"channels":{"webhook":{"url":"https://a.local./x"}}}`, "channels.webhook.url"},
		{`{"channels":{"webhook":{"url":"https://u:p@example.com"}}}`, "channels.webhook.url"},
		{`{"channels":{"webhook":{"url":"https://example.com/` + long + `"}}}`, "channels.webhook.url"},
		{`{"conversations":{}}`, "conversations"},
		{`{"conversations":[]}`, "conversations"},
		{`{"conversations":{"x":null}}`, "conversations"},
		{`{"conversations":{"01":null}}`, "conversations"},
		{`{"conversations":{"1":{"title":""}}}`, "conversations.1.title"},
		{`{"conversations":{"1":{"name":"x"}}}`, "conversations.1.name"},
		{`{"notices":{"x":null}}`, "notices"},
		{`{"notices":{"01900000-0000-7000-8000-000000000001":1}}`, "notices"},
		{`{"tokens":{}}`, "tokens"},
		{`{"tokens":{"add":{"name":"x"},"revoke":"y"}}`, "tokens"},
		{`{"tokens":{"add":{}}}`, "tokens.add.name"},
		{`{"tokens":{"add":{"name":" "}}}`, "tokens.add.name"},
		{`{"tokens":{"add":{"name":"x","scopes":["all"]}}}`, "tokens.add.scopes"},
		{`{"tokens":{"add":{"name":"x","scopes":[]}}}`, "tokens.add.scopes"},
		{`{"tokens":{"add":{"name":"x","expires_in":"soon"}}}`, "tokens.add.expires_in"},
		{`{"tokens":{"add":{"name":"x","expires_in":-5}}}`, "tokens.add.expires_in"},
		{`{"tokens":{"add":{"name":"x","expires_in":"99999d"}}}`, "tokens.add.expires_in"},
		{`{"tokens":{"add":{"name":"x","hash":"y"}}}`, "tokens.add.hash"},
		{`{"tokens":{"revoke":7}}`, "tokens.revoke"},
		{`{"devices":{"add":"x"}}`, "devices.add"},
		{`{"devices":{"revoke":""}}`, "devices.revoke"},
		{`{"feed":{"new":false}}`, "feed.new"},
		{`{"feed":true}`, "feed"},
		{`{"push":{"add":{"endpoint":"https://push.example/x"}}}`, "push.add.keys"},
		{`{"push":{"add":{"endpoint":"ftp://x","keys":{}}}}`, "push.add.endpoint"},
		{`{"push":{"add":{"endpoint":"https://push.example/x","keys":{"p256dh":"a"}}}}`, "push.add.keys.auth"},
		{`{"revoke":"yes"}`, "revoke"},
		{`{"revoke":true,"zzz":1}`, "zzz"},
		{`{"time_zone":"UTC","week_start":"x"}`, "week_start"},
	} {
		edit, err := fixed().translate(json.RawMessage(tc.patch))
		if err == nil && edit.Decide != nil {
			_, err = edit.Decide(tandem.DefaultSettings())
		}
		e, ok := errors.AsType[*tandem.Error](err)
		if !ok || e.Code != tandem.CodeInvalid || e.Details.Field != tc.field {
			t.Errorf("%.100s: got %+v, want invalid over %s", tc.patch, err, tc.field)
		}
	}
}

func TestPatch_Secrets(t *testing.T) {
	edit, tr := translate(t, `{"tokens":{"add":{"name":"Claude","expires_in":"90d"}},"feed":{"new":true}}`)
	secret, feed := tr.secrets["token"], tr.secrets["feed"]
	if !strings.HasPrefix(secret, "tdm_") || len(secret) != len("tdm_")+43 || edit.AddToken.Hash != hashOf(secret) {
		t.Errorf("the token is %q with hash %q", secret, edit.AddToken.Hash)
	}
	if got := time.Time(*edit.AddToken.Info.ExpiresAt); !got.Equal(tr.now.AddDate(0, 0, 90)) {
		t.Errorf("90d from %v is %v", tr.now, got)
	}
	if diff := cmp.Diff([]string{"tasks:read", "tasks:write"}, edit.AddToken.Info.Scopes); diff != "" {
		t.Errorf("scopes of a token that names none: %s", diff)
	}
	name, found := strings.CutPrefix(feed, "https://tandem.example/feeds/")
	if name, ics := strings.CutSuffix(name, ".ics"); !found || !ics || edit.Feed.Hash != hashOf(name) {
		t.Errorf("the feed is %q with hash %q", feed, edit.Feed.Hash)
	}
	if stored := string(edit.Result); strings.Contains(stored, secret) || strings.Contains(stored, name) {
		t.Errorf("a secret is stored: %s", stored)
	}
	if other, _ := translate(t, `{"tokens":{"add":{"name":"x"}}}`); other.AddToken.Hash == edit.AddToken.Hash {
		t.Error("two tokens have one secret")
	}
}

func TestPatch_TheKeyOfAWebhookIsToldWithIt(t *testing.T) {
	for patch, want := range map[string]string{
		`{"channels":{"webhook":{"url":"https://example.com/x"}}}`: "whk_ann",
		`{"channels":{"webhook":null}}`:                            "",
		`{"channels":{"email":{"address":"ann@example.com"}}}`:     "",
	} {
		tr := fixed()
		tr.webhookKey = "whk_ann"
		edit, err := tr.translate(json.RawMessage(patch))
		if err != nil || tr.secrets["webhook_key"] != want || strings.Contains(string(edit.Result), "whk") {
			t.Errorf("%s: told %q, stored %s, err %v", patch, tr.secrets["webhook_key"], edit.Result, err)
		}
	}
	if _, tr := translate(t, `{"channels":{"webhook":{"url":"https://example.com/x"}}}`); len(tr.secrets) != 0 {
		t.Errorf("where webhooks are not called: %v", tr.secrets)
	}
}

func TestPatch_Lists(t *testing.T) {
	edit, _ := translate(t, `{"conversations":{"3":{"title":" Trip "},"4":null},"notices":{"01900000-0000-7000-8000-00000000000A":null},
		"devices":{"revoke":"d1"},"push":{"remove":"p1"},"revoke":true}`)
	title := "Trip"
	if diff := cmp.Diff(map[int64]*string{3: &title, 4: nil}, edit.Conversations); diff != "" {
		t.Errorf("conversations: %s", diff)
	}
	if diff := cmp.Diff([]string{"01900000-0000-7000-8000-00000000000a"}, edit.Dismiss); diff != "" {
		t.Errorf("notices: %s", diff)
	}
	if edit.RevokeDevice != "d1" || edit.RemovePush != "p1" || !edit.RevokeAll || edit.Decide != nil {
		t.Errorf("the edit is %+v", edit)
	}
	subscription := `{"endpoint":"https://push.example/x","expirationTime":null,"keys":{"p256dh":"a","auth":"b"}}`
	edit, _ = translate(t, `{"push":{"add":`+subscription+`}}`)
	if edit.AddPush == nil || string(edit.AddPush.Subscription) != subscription || edit.AddPush.Device != "phone" {
		t.Errorf("the subscription is %+v", edit.AddPush)
	}
}

func TestPatch_BoundsWhatIsKept(t *testing.T) {
	s := tandem.DefaultSettings()
	s.Tokens = make([]tandem.TokenInfo, maxTokens)
	s.Channels.Push = make([]tandem.PushDevice, maxPush)
	for _, patch := range []string{
		`{"tokens":{"add":{"name":"one more"}}}`,
		`{"push":{"add":{"endpoint":"https://push.example/x","keys":{"p256dh":"a","auth":"b"}}}}`,
	} {
		edit, _ := translate(t, patch)
		if _, err := edit.Decide(s); !errors.Is(err, tandem.ErrInvalid) {
			t.Errorf("%s beyond the bound: %v", patch, err)
		}
	}
}

func TestLifetime(t *testing.T) {
	for text, want := range map[string]time.Duration{
		`"30s"`: 30 * time.Second, `"12h"`: 12 * time.Hour, `"90d"`: 90 * 24 * time.Hour, `3600`: time.Hour, `"1h30m"`: 90 * time.Minute,
	} {
		if got, err := lifetime("expires_in", json.RawMessage(text)); got != want || err != nil {
			t.Errorf("%s is %v, %v, want %v", text, got, err, want)
		}
	}
}
