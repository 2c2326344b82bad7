package tandem

import "time"

// How long each kind of row is kept. Stores purge by this table and by nothing else; conversations stay until they are deleted.
const (
	KeepVersions    = 30 * 24 * time.Hour // outdated states of a task: undo, Activity and as_of
	KeepTrash       = 30 * 24 * time.Hour // deleted tasks
	KeepResults     = 30 * 24 * time.Hour // results of op_id, mid and turns; answered approvals
	KeepNotices     = 30 * 24 * time.Hour
	KeepDeadLetters = 30 * 24 * time.Hour
	KeepInbox       = 7 * 24 * time.Hour // longer than a topic keeps its events
	KeepLog         = 7 * 24 * time.Hour // and never less than the last KeepLogNumbers
	KeepLogNumbers  = 1000
	KeepAudit       = 400 * 24 * time.Hour
	KeepClients     = 400 * 24 * time.Hour // the last mid of a socket client: it may come back after a long holiday
)
