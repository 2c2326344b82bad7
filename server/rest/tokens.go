package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"tandem"
	"tandem/server/auth"
)

// Tokens keeps personal access tokens.
type Tokens interface {
	// Settings hold the tokens of a user, without their secrets.
	Settings(ctx context.Context, user tandem.UserID) (tandem.Settings, error)
	// Set adds and revokes tokens.
	Set(ctx context.Context, user tandem.UserID, e tandem.SetEdit) (tandem.Outcome, error)
}

const tokensPath = "/api/{user_id}/tokens"

// person gives the owner of the path where they came themselves. A program can neither make tokens nor see or end those of others, or it
// could give itself what it was not given. Otherwise it has answered.
func (s *Server) person(w http.ResponseWriter, r *http.Request) (tandem.UserID, bool) {
	p, ok := s.owner(w, r)
	if ok && (p.Program || p.Scopes != nil) {
		s.fail(w, r, tandem.Forbidden("token", "Tokens are made and revoked by the person, not by a program."))
		ok = false
	}
	return p.User, ok
}

func (s *Server) listTokens(w http.ResponseWriter, r *http.Request) {
	user, ok := s.person(w, r)
	if !ok {
		return
	}
	settings, err := s.Tokens.Settings(r.Context(), user)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Tokens []tandem.TokenInfo `json:"tokens"`
	}{append([]tandem.TokenInfo{}, settings.Tokens...)})
}

// wish reads what token a body asks for.
func wish(body map[string]json.RawMessage) (auth.Wish, error) {
	var out auth.Wish
	for name := range body {
		if !slices.Contains([]string{"name", "scopes", "expires_in", "user_id"}, name) {
			return out, tandem.Invalid(name, nil, "A token has no %s.", name)
		}
	}
	if err := decode(body, "name", &out.Name); err != nil {
		return out, err
	}
	err := decode(body, "scopes", &out.Scopes)
	if err == nil && out.Scopes != nil {
		out.Scopes, err = tandem.CleanScopes("scopes", out.Scopes)
	}
	if err != nil {
		return out, err
	}
	var life string
	if err = decode(body, "expires_in", &life); err == nil && life != "" {
		out.Life, err = tandem.ParseLifetime("expires_in", life)
	}
	return out, err
}

// makeToken answers with the secret, which nobody sees again.
func (s *Server) makeToken(w http.ResponseWriter, r *http.Request) {
	user, ok := s.person(w, r)
	if !ok {
		return
	}
	body, ok := s.object(w, r)
	if !ok {
		return
	}
	var secret string
	var made *tandem.NewToken
	err := checkUser(user, body)
	if err == nil {
		var want auth.Wish
		if want, err = wish(body); err == nil {
			secret, made, err = auth.Mint(want, s.Now(), s.NewID)
		}
	}
	if err == nil {
		_, err = s.Tokens.Set(r.Context(), user, tandem.SetEdit{Cause: tandem.Cause{Actor: tandem.ActorUser, Caller: "http"}, AddToken: made})
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusCreated, struct {
		Token string `json:"token"`
		tandem.TokenInfo
	}{secret, made.Info})
}

// revokeToken ends a token and the connections that were opened with it.
func (s *Server) revokeToken(w http.ResponseWriter, r *http.Request) {
	user, ok := s.person(w, r)
	if !ok {
		return
	}
	id := chi.URLParam(r, "token_id")
	if uid, valid := tandem.ParseUID(id); !valid || uid != id {
		s.fail(w, r, tandem.NotFound("tokens", id, "token"))
		return
	}
	_, err := s.Tokens.Set(r.Context(), user, tandem.SetEdit{Cause: tandem.Cause{Actor: tandem.ActorUser, Caller: "http"}, RevokeToken: id})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}
