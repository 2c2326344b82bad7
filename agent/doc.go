// Package agent runs the turns of the assistant: it lets a model and the tools talk within budgets, tells every device what
// happens while it happens, and asks the person before it does what the person's words do not ask for.
//
// A turn belongs to the server. Start stores it and returns; Run works on it, also on turns of processes that died; Watch,
// Wait and Cancel may be called from any process.
//
// # Ordering and delivery
//
// The events of a turn are numbered without a hole and handed to Publish in that order, from one process at a time: the
// holder of the lease. Publish is a hint like every signal. A state event replaces all before it; its number may be any
// number above the last, and it is what a watcher gets that joined late or fell behind, and what all get when another process
// took the turn over. The done event comes after the reply is committed.
//
// A call is saved with its arguments and op_id before it runs, so that a process that takes the turn over runs it under the
// same op_id and gets the first result. The model is never asked again for what a recorded call already answers.
package agent
