package wire

// Subprotocol is the name that both sides agree on at the upgrade.
const Subprotocol = "tandem.sync.v1"

// Version is what hello.ver must be.
const Version = 1

// Limits of frames.
const (
	MaxFrame = 32_768   // bytes of a frame from a client
	MaxDepth = 16       // of nested objects and lists
	MaxSnap  = 64 << 10 // bytes of a snap frame, unless one row alone is larger
)

// HistoryPage is how many messages a history frame holds.
const HistoryPage = 50

// Code says why something was refused.
type Code string

// The codes of nack and err frames.
const (
	CodeBadFrame      Code = "bad_frame"
	CodeTooBig        Code = "too_big"
	CodeRate          Code = "rate"
	CodeBusy          Code = "busy"
	CodeConflict      Code = "conflict"
	CodeMidGap        Code = "mid_gap"
	CodeNotFound      Code = "not_found"
	CodeAmbiguous     Code = "ambiguous"
	CodeInvalid       Code = "invalid"
	CodeForbidden     Code = "forbidden"
	CodeExpired       Code = "expired"
	CodeCancelled     Code = "cancelled"
	CodeLost          Code = "lost"
	CodeInternal      Code = "internal"
	CodeOverload      Code = "overload"
	CodeNeedsApproval Code = "needs_approval"
)

// Codes lists all codes.
var Codes = []Code{
	CodeBadFrame, CodeTooBig, CodeRate, CodeBusy, CodeConflict, CodeMidGap, CodeNotFound, CodeAmbiguous, CodeInvalid,
	CodeForbidden, CodeExpired, CodeCancelled, CodeLost, CodeInternal, CodeOverload, CodeNeedsApproval,
}

// Final reports whether an answer with this code is the last word on a mutation: it uses up the mid.
func (c Code) Final() bool {
	switch c {
	case CodeRate, CodeBusy, CodeOverload, CodeMidGap, CodeInternal:
		return false
	default:
		return true
	}
}

// Close is a close code of a connection.
type Close int

// The close codes. After the terminal ones a client does not connect again by itself.
const (
	CloseNormal   Close = 1000
	CloseTooBig   Close = 1009
	CloseRestart  Close = 1012 // drain, rotation, or a log that does not reach the client any more
	CloseOverload Close = 1013
	CloseToken    Close = 4401 // expired: come back with a new token
	CloseSlow     Close = 4408 // no hello in time, or a write that blocked for too long

	CloseProtocol Close = 4400 // terminal
	CloseRevoked  Close = 4403 // terminal
	CloseVersion  Close = 4426 // terminal
	CloseTooMany  Close = 4429 // terminal
)

// Closes lists all close codes.
var Closes = []Close{
	CloseNormal, CloseTooBig, CloseRestart, CloseOverload, CloseToken, CloseSlow,
	CloseProtocol, CloseRevoked, CloseVersion, CloseTooMany,
}

// Terminal reports whether connecting again is pointless.
func (c Close) Terminal() bool {
	switch c {
	case CloseProtocol, CloseRevoked, CloseVersion, CloseTooMany:
		return true
	default:
		return false
	}
}

// Mode says how a client catches up.
type Mode string

// The modes.
const (
	ModeLive     Mode = "live"     // it is up to date
	ModeDelta    Mode = "delta"    // one squashed delta follows
	ModeSnapshot Mode = "snapshot" // everything follows
)

// Why says why a client gets a snapshot.
type Why string

// The reasons.
const (
	WhyNew     Why = "new"     // it has nothing
	WhyEpoch   Why = "epoch"   // what it has is of another history
	WhyAhead   Why = "ahead"   // it has more than there is
	WhyExpired Why = "expired" // the log does not reach back to it
	WhyCheaper Why = "cheaper" // the difference is more than half of everything
)

// Whys lists all reasons.
var Whys = []Why{WhyNew, WhyEpoch, WhyAhead, WhyExpired, WhyCheaper}

// Ops of a change.
const (
	OpPut = "put"
	OpDel = "del"
)

// ByeCode says why the server ends a connection.
type ByeCode string

// The reasons of bye.
const (
	ByeDrain  ByeCode = "drain"
	ByeRotate ByeCode = "rotate"
	ByeLimit  ByeCode = "limit"
)
