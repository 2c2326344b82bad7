// Package intake reads the lists of other products: the exports of Todoist and Vikunja, plain CSV, and iCalendar tasks. It makes
// tasks of them and writes nothing; what could not be taken over is told with its line.
package intake
