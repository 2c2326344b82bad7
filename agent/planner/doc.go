// Package planner is the assistant's model that needs no key: it reads a person's words with closed lists of verbs and the
// grammar of agent/phrase, and answers with the same calls that a language model would make.
//
// A message is cut into clauses; each clause is taken by the first rule that fits it, its dates and marks are read by phrase,
// and the tasks that it names are looked up and resolved. Writes are only made when every clause is settled: where one of
// them leaves open what or which was meant, the turn ends in one question and nothing is changed. What is no request for the
// list is declined in a line.
//
// Nothing is kept between rounds. Each round plans the turn from its start; lists that were read in earlier rounds come from
// the transcript, in order, and the round ends where the transcript does: with the next list to read, with all writes at once,
// or with the reply that their results support.
package planner
