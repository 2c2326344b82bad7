package rest

import (
	"net/http"
	"strings"
	"time"

	"tandem"
	"tandem/server/auth"
)

// sessionCookie is read by the routes under /auth and by no other.
const sessionCookie = "tandem_session"

// openSession answers POST /auth/session: a sign-in code becomes a device session.
func (s *Server) openSession(w http.ResponseWriter, r *http.Request) {
	if !s.fromOwnPage(w, r) {
		return
	}
	body, ok := s.object(w, r)
	if !ok {
		return
	}
	var code string
	if err := decode(body, "code", &code); err != nil {
		s.fail(w, r, err)
		return
	}
	user, secret, err := s.SignIn.Open(r.Context(), code, deviceName(r.UserAgent()))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.setSession(w, secret)
	writeJSON(w, http.StatusOK, struct {
		UserID tandem.UserID `json:"user_id"`
	}{user})
}

// fetchToken answers POST /auth/token: the device session gives a short-lived token and is replaced.
func (s *Server) fetchToken(w http.ResponseWriter, r *http.Request) {
	if !s.fromOwnPage(w, r) {
		return
	}
	session, err := s.SignIn.Use(r.Context(), sessionOf(r))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.setSession(w, session.Secret)
	writeJSON(w, http.StatusOK, struct {
		Token   string        `json:"token"`
		UserID  tandem.UserID `json:"user_id"`
		Expires tandem.Stamp  `json:"expires_at"`
	}{session.Token, session.User, tandem.Stamp(session.Expires)})
}

// closeSession answers DELETE /auth/session: the device is signed out.
func (s *Server) closeSession(w http.ResponseWriter, r *http.Request) {
	if !s.fromOwnPage(w, r) {
		return
	}
	if secret := sessionOf(r); secret != "" {
		if err := s.SignIn.Close(r.Context(), secret); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	s.setSession(w, "")
	w.WriteHeader(http.StatusNoContent)
}

// fromOwnPage checks the Origin, which a browser sends with every POST and DELETE: the cookie alone proves nothing about who
// caused the request.
func (s *Server) fromOwnPage(w http.ResponseWriter, r *http.Request) bool {
	from, one := originOf(r)
	if one && from != "" && s.ownOrigin(r, from) {
		return true
	}
	s.fail(w, r, tandem.Forbidden("origin", "Only Tandem's own page may sign in here."))
	return false
}

func sessionOf(r *http.Request) string {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// setSession sets the cookie, or takes it away where secret is empty.
func (s *Server) setSession(w http.ResponseWriter, secret string) {
	age := int(auth.SessionTTL / time.Second)
	if secret == "" {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: sessionCookie, Value: secret, Path: "/auth", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: s.public.scheme == "https",
	})
}

// deviceName makes a name such as "Firefox on Linux" of a User-Agent. Order matters: browsers name their ancestors.
func deviceName(agent string) string {
	find := func(def string, names ...[2]string) string {
		for _, n := range names {
			if strings.Contains(agent, n[0]) {
				return n[1]
			}
		}
		return def
	}
	browser := find("A browser", [2]string{"Edg", "Edge"}, [2]string{"OPR/", "Opera"}, [2]string{"Firefox/", "Firefox"},
		[2]string{"Chrome/", "Chrome"}, [2]string{"CriOS/", "Chrome"}, [2]string{"FxiOS/", "Firefox"}, [2]string{"Safari/", "Safari"})
	system := find("", [2]string{"Android", "Android"}, [2]string{"iPhone", "iPhone"}, [2]string{"iPad", "iPad"},
		[2]string{"Windows", "Windows"}, [2]string{"Mac OS X", "Mac"}, [2]string{"CrOS", "ChromeOS"}, [2]string{"Linux", "Linux"})
	if system == "" {
		return browser
	}
	return browser + " on " + system
}
