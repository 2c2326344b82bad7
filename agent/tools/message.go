package tools

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"

	"github.com/mark3labs/mcp-go/mcp"
)

// The library decodes a message before a tool sees its arguments. What follows keeps it from refusing, as broken JSON-RPC, what
// the contract wants answered by the tool.

// hugeNumber hints at a number that no float64 holds.
var hugeNumber = regexp.MustCompile(`[0-9]{300}|[eE]\+?[0-9]{3}`)

// readable rewrites numbers that no float64 holds as objects, which no argument takes: the tool then names the bad value.
func readable(message []byte) []byte {
	if !hugeNumber.Match(message) {
		return message
	}
	out := make([]byte, 0, len(message))
	for len(message) > 0 {
		token := message[:tokenLen(message)]
		message = message[len(token):]
		if c := token[0]; c == '-' || c >= '0' && c <= '9' {
			if _, err := strconv.ParseFloat(string(token), 64); err != nil {
				token = fmt.Appendf(nil, `{"number":%q}`, token)
			}
		}
		out = append(out, token...)
	}
	return out
}

// tokenLen gives the length of the string, the number or else the byte with which the JSON text begins.
func tokenLen(text []byte) int {
	switch c := text[0]; {
	case c == '"':
		for i := 1; i < len(text); i++ {
			switch text[i] {
			case '\\':
				i++
			case '"':
				return i + 1
			}
		}
		return len(text)
	case c == '-' || c >= '0' && c <= '9':
		if n := bytes.IndexFunc(text, func(r rune) bool { return !bytes.ContainsRune([]byte("0123456789+-.eE"), r) }); n >= 0 {
			return n
		}
		return len(text)
	}
	return 1
}

// prepare makes the message of a request readable, and puts its object into the header that the era without sessions wants it
// in, where the client left it to the body. A header that contradicts the body is refused as ever.
func prepare(r *http.Request, modern bool) {
	if r.Body == nil {
		return
	}
	body, err := io.ReadAll(r.Body)
	body = readable(body)
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), r.Body), r.Body} // after an error the rest says the same once more
	var message struct {
		Method mcp.MCPMethod   `json:"method"`
		Params json.RawMessage `json:"params"`
	}
	if !modern || err != nil || r.Header.Get(mcp.HeaderName) != "" || json.Unmarshal(body, &message) != nil {
		return
	}
	if object, ok := mcp.ExtractHeaderName(message.Method, message.Params); ok {
		if value, ok := mcp.EncodeHeaderValue(object); ok {
			r.Header.Set(mcp.HeaderName, value)
		}
	}
}
