package rest

import (
	"embed"
	"net/http"
	"path"
)

// chatKitFiles are the optional page that shows the chat in ChatKit's own front end.
//
//go:embed chatkit
var chatKitFiles embed.FS

// chatKitOrigin is where that front end comes from. It can neither be hosted here nor pinned, so the page is off unless a
// domain key is configured, and has a policy of its own.
const chatKitOrigin = "https://cdn.platform.openai.com"

// chatKitPolicy lets the foreign script and its frame in, on this page alone. The script does not keep to Trusted Types.
const chatKitPolicy = "default-src 'none'; script-src 'self' " + chatKitOrigin + "; frame-src " + chatKitOrigin +
	"; style-src 'self' 'unsafe-inline'; connect-src 'self' https://api.openai.com; img-src 'self' data:; font-src 'self'; " +
	"form-action 'none'; frame-ancestors 'none'; base-uri 'none'"

// chatKitRoutes serves the page and its files.
func (s *Server) chatKitRoutes(get func(string, http.HandlerFunc)) {
	serve := func(route, name string) {
		body, err := chatKitFiles.ReadFile(name)
		if err != nil {
			panic(err) // the files are part of the program
		}
		f := newFile(name, body)
		get(route, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", chatKitPolicy)
			f.serve(w, r)
		})
	}
	serve("/chatkit", "chatkit/index.html")
	for _, name := range []string{"page.js", "page.css"} {
		serve("/chatkit/"+name, path.Join("chatkit", name))
	}
	get("/chatkit/settings.json", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, struct {
			DomainKey string `json:"domain_key"`
		}{s.ChatKitDomainKey})
	})
}
