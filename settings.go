package tandem

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Settings are a person's own choices. Empty fields mean the default.
type Settings struct {
	TimeZone  string       `json:"time_zone"` // IANA; default UTC
	Locale    string       `json:"locale"`
	WeekStart string       `json:"week_start"` // monday, sunday or saturday
	Words     DayWords     `json:"words"`
	Quiet     *QuietHours  `json:"quiet"`
	Autonomy  string       `json:"autonomy"` // risky or always: when the assistant asks
	Views     []View       `json:"views"`
	Channels  Channels     `json:"channels"`
	Feed      *Feed        `json:"feed"`
	Tokens    []TokenInfo  `json:"tokens"`
	Devices   []DeviceInfo `json:"devices"`
}

// DayWords are the clock times, HH:MM, that words of the day stand for. AllDay is where "before" counts from on a whole day.
type DayWords struct {
	Morning   string `json:"morning"`
	Afternoon string `json:"afternoon"`
	Evening   string `json:"evening"`
	Night     string `json:"night"`
	AllDay    string `json:"all_day"`
}

// QuietHours hold notifications back between two local clock times.
type QuietHours struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// View is a saved query.
type View struct {
	Name  string `json:"name"`
	Query string `json:"query"`
}

// Channels say where reminders go besides the open page.
type Channels struct {
	Email   *Channel     `json:"email"`
	Webhook *Channel     `json:"webhook"`
	Push    []PushDevice `json:"push"`
}

// Channel is one outside address for reminders.
type Channel struct {
	Address string `json:"address,omitempty"`
	URL     string `json:"url,omitempty"`
	On      bool   `json:"on"`
}

// PushDevice is a browser that takes web push.
type PushDevice struct {
	ID     string `json:"id"`
	Device string `json:"device"`
}

// Feed says that a calendar feed exists; its address is shown once.
type Feed struct {
	CreatedAt Stamp `json:"created_at"`
}

// TokenInfo is a personal access token without its secret.
type TokenInfo struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Scopes     []string `json:"scopes"`
	CreatedAt  Stamp    `json:"created_at"`
	LastUsedAt *Stamp   `json:"last_used_at"`
	ExpiresAt  *Stamp   `json:"expires_at"`
}

// DeviceInfo is a signed-in browser.
type DeviceInfo struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	LastSeenAt Stamp  `json:"last_seen_at"`
}

// DefaultSettings are what a new user has.
func DefaultSettings() Settings {
	return Settings{
		TimeZone: "UTC", Locale: "en", WeekStart: "monday", Autonomy: "risky",
		Words: DayWords{Morning: "09:00", Afternoon: "12:00", Evening: "19:00", Night: "22:00", AllDay: "09:00"},
		Views: []View{}, Channels: Channels{Push: []PushDevice{}}, Tokens: []TokenInfo{}, Devices: []DeviceInfo{},
	}
}

// Zone gives the person's time zone.
func (s Settings) Zone() *time.Location {
	if loc, err := LoadZone(s.TimeZone); err == nil {
		return loc
	}
	return time.UTC
}

// FirstWeekday gives the weekday that starts a week.
func (s Settings) FirstWeekday() time.Weekday {
	switch s.WeekStart {
	case "sunday":
		return time.Sunday
	case "saturday":
		return time.Saturday
	default:
		return time.Monday
	}
}

var clockForm = regexp.MustCompile(`^([01]\d|2[0-3]):[0-5]\d$`)

// Bounds of what a person may keep in settings.
const (
	maxViews   = 50
	maxViewLen = 500
)

// Validate checks every field; the error names the first bad one.
func (s Settings) Validate() error {
	if _, err := LoadZone(s.TimeZone); err != nil {
		return Invalid("time_zone", s.TimeZone, "%q is not a time zone; use an IANA name such as Europe/Berlin.", s.TimeZone)
	}
	if n := len(s.Locale); n == 0 || n > 35 || strings.ContainsFunc(s.Locale, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return Invalid("locale", s.Locale, "A locale is a language tag such as en or de-AT.")
	}
	if weeks := []string{"monday", "sunday", "saturday"}; !slices.Contains(weeks, s.WeekStart) {
		return NotOneOf("week_start", s.WeekStart, weeks)
	}
	if modes := []string{"risky", "always"}; !slices.Contains(modes, s.Autonomy) {
		return NotOneOf("autonomy", s.Autonomy, modes)
	}
	clocks := []struct{ field, value string }{
		{"words.morning", s.Words.Morning},
		{"words.afternoon", s.Words.Afternoon},
		{"words.evening", s.Words.Evening},
		{"words.night", s.Words.Night},
		{"words.all_day", s.Words.AllDay},
	}
	if s.Quiet != nil {
		clocks = append(clocks, struct{ field, value string }{"quiet.from", s.Quiet.From}, struct{ field, value string }{"quiet.to", s.Quiet.To})
	}
	for _, c := range clocks {
		if !clockForm.MatchString(c.value) {
			return Invalid(c.field, c.value, "%s must be a clock time such as 09:00.", c.field)
		}
	}
	return s.validateViews()
}

func (s Settings) validateViews() error {
	if len(s.Views) > maxViews {
		return Invalid("views", len(s.Views), "There can be at most %d saved views.", maxViews)
	}
	for _, v := range s.Views {
		if !visible(v.Name) || utf8.RuneCountInString(v.Name) > MaxTag || utf8.RuneCountInString(v.Query) > maxViewLen {
			return Invalid("views", v.Name, "A saved view has a name of 1 to %d characters and a query of at most %d.", MaxTag, maxViewLen)
		}
	}
	return nil
}

// SetEdit is one atomic change of what is a person's own: settings, conversations, notices, tokens, devices, feed, push.
type SetEdit struct {
	Cause Cause
	// Decide gives the new plain settings; nil leaves them. Open floating tasks follow a change of zone in the same write.
	Decide        func(Settings) (Settings, error)
	Conversations map[int64]*string // new titles; nil deletes the conversation with its messages
	Dismiss       []string          // ids of notices
	AddToken      *NewToken
	RevokeToken   string
	RevokeDevice  string
	Feed          *FeedEdit
	AddPush       *PushSubscription
	RemovePush    string
	RevokeAll     bool // ends JWTs issued before now, device sessions and personal tokens
	// Result is stored as the outcome of Cause.Mid; it never holds a secret.
	Result json.RawMessage
}

// NewToken is a personal access token to be kept by its hash.
type NewToken struct {
	Info TokenInfo
	Hash string // hex SHA-256 of the secret
}

// FeedEdit makes a feed with a secret's hash, or removes it where Hash is empty.
type FeedEdit struct {
	Hash string
}

// PushSubscription is a browser's web-push address with its keys, kept as the browser gave it.
type PushSubscription struct {
	PushDevice
	Subscription json.RawMessage
}
