// Package phrase reads dates, times, repetitions, durations, priorities, tags and reminders in the words of a person.
//
// It is a hand-written lexer and grammar over one table of words per locale. The same text, moment, zone and options
// always give the same result; nothing is read or written outside. When the words do not settle a date, none is given:
// a task without a date is a smaller harm than a task with a wrong one.
//
// The grammar works in four steps. The lexer cuts the text into tokens, gives each its meanings, and masks quoted text,
// addresses and spans that were switched off. The scan collects expressions: runs of pieces such as a day, a clock time or
// a rule. The expressions are merged, at most one day, one time and one rule for a text. What is left becomes the title.
package phrase
