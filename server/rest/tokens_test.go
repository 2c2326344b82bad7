package rest_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tandem"
	"tandem/server/auth"
	"tandem/server/rest"
	"tandem/server/sqlite"
)

// withTokens starts a server whose tokens are kept in a real store.
func withTokens(t *testing.T) *running {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "tandem.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	row, err := auth.SharedSecret([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	v, err := auth.New(auth.Options{Issuers: []auth.Issuer{row}, Store: db, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, func(o *rest.Options) { o.Verifier, o.Tokens = v, db })
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// noTokens stands for a store where only the routes matter.
type noTokens struct{ rest.Tokens }

type madeToken struct {
	Token string `json:"token"`
	tandem.TokenInfo
}

func (s *running) makeToken(user, body string) madeToken {
	s.t.Helper()
	r := s.call(http.MethodPost, "/api/"+user+"/tokens", s.as(user), body)
	wantStatus(s.t, r, http.StatusCreated)
	var made madeToken
	if err := json.Unmarshal([]byte(r.body), &made); err != nil {
		s.t.Fatal(err)
	}
	return made
}

func (s *running) tokens(user string) (list []tandem.TokenInfo) {
	s.t.Helper()
	r := s.call(http.MethodGet, "/api/"+user+"/tokens", s.as(user), "")
	wantStatus(s.t, r, http.StatusOK)
	var doc struct {
		Tokens []tandem.TokenInfo `json:"tokens"`
	}
	if err := json.Unmarshal([]byte(r.body), &doc); err != nil || doc.Tokens == nil {
		s.t.Fatalf("%s: %v", r.body, err)
	}
	return doc.Tokens
}

func bearerOf(token string) header {
	return header{"Authorization": "Bearer " + token, "Content-Type": "application/json"}
}

func TestTokens_MadeUsedListedRevoked(t *testing.T) {
	s := withTokens(t)
	if n := len(s.tokens("ann")); n != 0 {
		t.Fatalf("%d tokens at first", n)
	}
	made := s.makeToken("ann", `{"name":"Claude","scopes":["tasks:read"],"expires_in":"90d"}`)
	plain := s.makeToken("ann", `{"name":"Cursor"}`)
	if strings.Join(plain.Scopes, " ") != "tasks:read tasks:write" || plain.ExpiresAt != nil {
		t.Errorf("without wishes: %+v", plain)
	}
	if made.ExpiresAt == nil || time.Until(time.Time(*made.ExpiresAt)) < 89*24*time.Hour {
		t.Errorf("ends %v", made.ExpiresAt)
	}
	wantStatus(t, s.call(http.MethodPost, "/mcp", bearerOf(made.Token), `{}`), http.StatusOK)
	list := s.tokens("ann")
	if len(list) != 2 || list[0].ID != made.ID || list[0].LastUsedAt == nil || list[1].LastUsedAt != nil {
		t.Errorf("listed %+v", list)
	}
	if n := len(s.tokens("bob")); n != 0 {
		t.Errorf("bob sees %d tokens", n)
	}
	path := "/api/ann/tokens/" + made.ID
	wantStatus(t, s.call(http.MethodDelete, "/api/bob/tokens/"+made.ID, s.as("bob"), ""), http.StatusNotFound)
	wantStatus(t, s.call(http.MethodDelete, path, s.as("ann"), ""), http.StatusNoContent)
	wantStatus(t, s.call(http.MethodDelete, path, s.as("ann"), ""), http.StatusNotFound)
	wantStatus(t, s.call(http.MethodPost, "/mcp", bearerOf(made.Token), `{}`), http.StatusUnauthorized)
	wantStatus(t, s.call(http.MethodPost, "/mcp", bearerOf(plain.Token), `{}`), http.StatusOK)
	if log := s.log.String(); strings.Contains(log, made.Token) || strings.Contains(log, made.ID) {
		t.Error("the log names a token")
	}
}

// TestTokens_ProgramsHaveNoHandInThem holds a program to what it was given.
func TestTokens_ProgramsHaveNoHandInThem(t *testing.T) {
	s := withTokens(t)
	made := s.makeToken("ann", `{"name":"all","scopes":["tasks:read","tasks:write","tasks:delete"]}`)
	now := time.Now()
	scoped, err := auth.Sign([]byte(secret), auth.Grant{User: "ann", Issued: now, Expires: now.Add(time.Hour), Scopes: []string{"tasks:read"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, h := range map[string]header{"personal token": bearerOf(made.Token), "token with a scope claim": bearerOf(scoped), "another person": s.as("bob")} {
		t.Run(name, func(t *testing.T) {
			wantStatus(t, s.call(http.MethodGet, "/api/ann/tokens", h, ""), http.StatusForbidden)
			wantStatus(t, s.call(http.MethodPost, "/api/ann/tokens", h, `{"name":"more"}`), http.StatusForbidden)
			wantStatus(t, s.call(http.MethodDelete, "/api/ann/tokens/"+made.ID, h, ""), http.StatusForbidden)
		})
	}
	wantStatus(t, s.call(http.MethodGet, "/api/ann/tokens", nil, ""), http.StatusUnauthorized)
	if n := len(s.tokens("ann")); n != 1 {
		t.Errorf("%d tokens, want 1", n)
	}
}

func TestTokens_RefusesWishes(t *testing.T) {
	s := withTokens(t)
	for body, want := range map[string]int{
		`{}`: 422, `{"name":" "}`: 422, `{"name":"` + strings.Repeat("x", 51) + `"}`: 422, `{"name":5}`: 422, `[]`: 422, `{"name":"x","name":"y"}`: 422,
		`{"name":"x","scopes":[]}`: 422, `{"name":"x","scopes":["tasks:fly"]}`: 422, `{"name":"x","expires_in":"soon"}`: 422,
		`{"name":"x","expires_in":"9999d"}`: 422, `{"name":"x","expires_in":"-5s"}`: 422, `{"name":"x","scope":"tasks:read"}`: 422,
		`{"name":"x","user_id":"bob"}`: 403, `{"name":"x","user_id":"ann"}`: 201,
	} {
		r := s.call(http.MethodPost, "/api/ann/tokens", s.as("ann"), body)
		if r.StatusCode != want {
			t.Errorf("%s: %d %s, want %d", body, r.StatusCode, r.body, want)
		}
		for _, field := range []string{"scopes", "expires_in"} {
			if want == 422 && strings.Contains(body, `"`+field+`":`) && !strings.Contains(r.body, `"field":"`+field+`"`) {
				t.Errorf("%s: %s does not name %s", body, r.body, field)
			}
		}
	}
	for i := range 49 {
		s.makeToken("ann", fmt.Sprintf(`{"name":"t%d"}`, i))
	}
	wantStatus(t, s.call(http.MethodPost, "/api/ann/tokens", s.as("ann"), `{"name":"the fifty-first"}`), http.StatusUnprocessableEntity)
	for _, id := range []string{"x", "..", "%2e%2e", tandem.NewID()} {
		wantStatus(t, s.call(http.MethodDelete, "/api/ann/tokens/"+id, s.as("ann"), ""), http.StatusNotFound)
	}
}

// TestTools_Audience holds /mcp, and only it, to accept tokens for the resource.
func TestTools_Audience(t *testing.T) {
	const resource = "https://tandem.example/mcp"
	row := auth.Issuer{Name: "https://auth.example", Audience: []string{"https://auth.example"}, Algorithm: "HS256", Secrets: [][]byte{[]byte(secret)}}
	v, err := auth.New(auth.Options{Issuers: []auth.Issuer{row}, Store: newStore(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, func(o *rest.Options) { o.Verifier, o.PublicURL, o.AnyHost = v, "https://tandem.example", true })
	nowhere := start(t, func(o *rest.Options) { o.Verifier, o.AnyHost = v, true })
	now := time.Now()
	for aud, want := range map[string][2]int{
		"https://auth.example": {200, 200}, resource: {200, 401}, "https://tandem.example": {401, 401}, resource + "/": {401, 401}, "https://other.example/mcp": {401, 401}, "": {401, 401},
	} {
		token, err := auth.Sign([]byte(secret), auth.Grant{User: "ann", Issuer: row.Name, Audience: aud, Issued: now, Expires: now.Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		t.Run("for "+aud, func(t *testing.T) {
			wantStatus(t, s.call(http.MethodPost, "/mcp", bearerOf(token), `{}`), want[0])
			wantStatus(t, s.call(http.MethodPost, "/api/ann/chat", bearerOf(token), `{"message":"hi"}`), want[1])
			// Without a configured address the Host names nothing.
			wantStatus(t, nowhere.call(http.MethodPost, "/mcp", bearerOf(token).with("Host", "tandem.example"), `{}`), want[1])
		})
	}
}
