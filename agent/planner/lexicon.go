package planner

// lexicon is what the planner knows of a language.
type lexicon struct {
	talk
	adding
	changes
	questions
	filters
	vocabulary
}

var english = lexicon{englishTalk, englishAdding, englishChanges, englishQuestions, englishFilters, englishWords}

// talk is what people say around requests, and without any.
type talk struct {
	address, polite, trailing, joints, openEnded, management, greeting, thanks, farewell patterns
	approval, refusal, doubt, again, wellbeing, help, calm, regret, question             patterns
	service, own, never                                                                  patterns
}

// adding are the words that ask for new tasks.
type adding struct {
	remind, recall, inform, lateRemind, note, newTask, asTask, keep, schedule  patterns
	attends                                                                    patterns
	alarm, alarmOff, newList, listShould, need, wish, wants, errand, errandNot patterns
	notes, addedTail, belongsTail                                              patterns
}

// changes are the words that ask to change tasks, complete or delete them.
type changes struct {
	undo, correction, mark, complete, completeTail, doneWith, done, reopen, reopenTail  patterns
	remove, removedTail, noLonger, takeOff, unremind, skip, snooze, restore, stopRepeat patterns
	rename, retitle, edit, move, earlier, dueDate, levelOf, raise, lower                patterns
	setAs, levelEnd, tagOn, tagAs, tagOff, noteOn, describe, repeatVerb, clearField     patterns
	thisTime, wholeSeries, anymore                                                      patterns
}

// questions are the words that ask about the list.
type questions struct {
	show, ask, holds, whether, whenIs, planned, next, left, count patterns
	mustI, free, find                                             patterns
}

// filters are the words that say which tasks are meant, besides their names.
type filters struct {
	overdue, undated, pending, finished, trashed, priority, urgent, tagged, all patterns
	relative, period                                                            patterns
}

// vocabulary are words of one kind.
type vocabulary struct {
	determiners map[string]bool
	it, them    map[string]bool // pronouns for one task, and for several

	taskNouns, listNouns, calendarNouns map[string]bool
	eventNouns                          map[string]bool // what questions about appointments name
	meetings                            map[string]bool // what "schedule" makes a task of
	wideNouns                           map[string]bool // nouns that narrow no question: "events", "plans"
	generic                             map[string]bool // words that name no task
	plain                               map[string]bool // words of questions that are not searched for

	foreign    map[string]bool // objects of other services
	hired      map[string]bool // what an assistant would be asked to get
	assistants map[string]bool // how an assistant is spoken to

	frequencies map[string]bool
	parts       map[string]bool // of the day
	edges       map[string]bool // words that open or close a range of dates
	pairs       map[string]bool // two things that are one
	numbers     map[string]int
}

// classes are the words that patterns name in braces.
var classes = map[string]string{
	"{det}":   "a an the my our your this that these those some another any his her their",
	"{my}":    "a an the my our your this that these those all",
	"{task}":  "task todo item reminder entry thing chore errand",
	"{done}":  "done complete completed finished closed off",
	"{level}": "urgent critical high medium normal low top important",
	"{soft}":  "please just also kindly maybe quickly really now then so",
	"{mgmt}": "add mark delete remove complete remind show list move reschedule postpone rename change set make tag untag snooze skip finish tick " +
		"check cross restore undo erase scrap drop put push update reopen",
}
