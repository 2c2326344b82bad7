package session

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
)

// Hijack hands on the connection with what was read of it already.
func (c *captured) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(c.ResponseWriter).Hijack()
	c.conn = conn
	return conn, rw, err
}

// refuse answers a request that is not upgraded with a problem document (RFC 9457).
func refuse(w http.ResponseWriter, status int, code, detail string) {
	body, err := json.Marshal(map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail, "code": code,
	})
	if err != nil {
		panic(err) // texts and a number always encode
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}
