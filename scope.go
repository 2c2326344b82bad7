package tandem

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The scopes of a token.
const (
	ScopeRead   = "tasks:read"
	ScopeWrite  = "tasks:write"
	ScopeDelete = "tasks:delete"
)

// Scopes lists all scopes, DefaultScopes those of a personal access token that names none.
var (
	Scopes        = []string{ScopeRead, ScopeWrite, ScopeDelete}
	DefaultScopes = []string{ScopeRead, ScopeWrite}
)

// CleanScopes gives the scopes once each, in the order named. Errors name the field.
func CleanScopes(field string, named []string) ([]string, error) {
	out := []string{}
	for _, s := range named {
		if !slices.Contains(Scopes, s) {
			return nil, NotOneOf(field, s, Scopes)
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return nil, Invalid(field, nil, "%s needs at least one scope.", field)
	}
	return out, nil
}

// maxLifetime bounds the life of a personal access token that ends at all.
const maxLifetime = 10 * 366 * 24 * time.Hour

// ParseLifetime reads how long a token is to live, in whole seconds: 30s, 12h or 90d. Errors name the field.
func ParseLifetime(field, text string) (time.Duration, error) {
	plain := text
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			plain = strconv.FormatUint(n*24, 10) + "h"
		}
	}
	d, err := time.ParseDuration(plain)
	if err != nil || d < time.Second || d > maxLifetime || math.Mod(d.Seconds(), 1) != 0 {
		return 0, Invalid(field, text, "%q is not a duration such as 30s, 12h or 90d, of at most ten years.", text)
	}
	return d, nil
}
