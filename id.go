package tandem

import "github.com/google/uuid"

// NewID makes a UUIDv7 (RFC 9562): unique, and ordered by time of making.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// ParseUID reads a UUID in its 36-character form and gives it in lower case; false for anything else.
func ParseUID(s string) (string, bool) {
	if len(s) != 36 {
		return "", false
	}
	id, err := uuid.Parse(s)
	return id.String(), err == nil
}
