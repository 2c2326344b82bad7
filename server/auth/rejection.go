package auth

// Reason says why a credential was refused. It is for the metric alone and never reaches the caller of the API.
type Reason string

// The reasons.
const (
	ReasonMissing   Reason = "missing"
	ReasonMalformed Reason = "malformed"
	ReasonIssuer    Reason = "issuer"
	ReasonAlgorithm Reason = "algorithm"
	ReasonKey       Reason = "key"
	ReasonSignature Reason = "signature"
	ReasonExpired   Reason = "expired"
	ReasonEarly     Reason = "early" // nbf or iat in the future
	ReasonAge       Reason = "age"
	ReasonAudience  Reason = "audience"
	ReasonRevoked   Reason = "revoked"
	ReasonPersonal  Reason = "personal" // no such personal access token
	ReasonCode      Reason = "code"     // no such sign-in code
	ReasonSession   Reason = "session"  // no such device session
)

// Reasons lists all reasons.
var Reasons = []Reason{
	ReasonMissing, ReasonMalformed, ReasonIssuer, ReasonAlgorithm, ReasonKey, ReasonSignature, ReasonExpired, ReasonEarly, ReasonAge,
	ReasonAudience, ReasonRevoked, ReasonPersonal, ReasonCode, ReasonSession,
}

// Rejection is the error of every credential that is not believed.
type Rejection struct {
	Reason Reason
	cause  error
}

func (e *Rejection) Error() string {
	text := "credential refused: " + string(e.Reason)
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap gives the cause, which is for the log.
func (e *Rejection) Unwrap() error { return e.cause }

func reject(reason Reason, cause error) error { return &Rejection{Reason: reason, cause: cause} }
