package rest

import (
	"encoding/json"
	"net/http"

	"tandem/server/auth"
)

// Threads is what the ChatKit protocol reads.
type Threads interface{}

func isChatKit(map[string]json.RawMessage) bool { return false }

func (s *Server) chatKit(http.ResponseWriter, *http.Request, auth.Principal, map[string]json.RawMessage) {
}
