package rest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tandem"
)

// FuzzPathUser holds the id that is read from a path against a decoder of its own: exactly one unescape, byte for byte.
func FuzzPathUser(f *testing.F) {
	for _, s := range []string{"ann", "%61nn", "an%256e", "ann%2Fbob", "..", "%2e%2e", "a%00b", "ann%40example.com", "ann;x=1", "%zz", "a//b", "ä", "%C3%A4", `0%2F"`, "0%2F "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, segment string) {
		if strings.ContainsAny(segment, "?#") {
			return
		}
		u, err := url.ParseRequestURI("/api/" + segment + "/chat")
		if err != nil {
			return
		}
		got := pathUser(&http.Request{URL: u})
		first, _, _ := strings.Cut(segment, "/")
		want, ok := unescapeOnce(first)
		if tandem.UserID(got).Valid() && (!ok || got != want) {
			t.Fatalf("the path segment %q gives the user %q, want %q", first, got, want)
		}
		if tandem.UserID(want).Valid() && ok && got != want {
			t.Fatalf("the path segment %q gives %q, want the user %q", first, got, want)
		}
	})
}

func unescapeOnce(s string) (string, bool) {
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out = append(out, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		hi, lo := strings.IndexByte("0123456789abcdef", s[i+1]|0x20), strings.IndexByte("0123456789abcdef", s[i+2]|0x20)
		if hi < 0 || lo < 0 {
			return "", false
		}
		out = append(out, byte(hi<<4|lo))
		i += 2
	}
	return string(out), true
}
