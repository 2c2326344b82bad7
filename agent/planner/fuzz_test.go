package planner

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"tandem/agent"
)

// No text makes the planner panic, loop, write without being able to say what, or say nothing.
func FuzzStream(f *testing.F) {
	for _, text := range []string{
		"add milk, eggs and bread to my list", "delete everything tagged work", "complete 1-99999999999", "move it to friday; undo", "no, @5 \"Dentist\"",
		"add:\n- a\n- b", "remind me 1h before task 3", "„nicht“ 'x' “", "#", "@", "1 2 3", "a\x00b", "\u202e", "every every every", "if not, add it",
		"take the off", "on my list", "to to to do do list list", "\xff\xfe",
		"Hake 3 ab und füge Milch hinzu", "bis 31. Juli löschen", "Aufgabe 3 um in X umbenennen", "was steht heute an", "und dann löschen, bitte", "mit fertig bin ich",
	} {
		f.Add(text)
	}
	tasks := household()
	s := scene{tasks: tasks, focus: mentions(tasks, 2, 1), shown: mentions(tasks, 1, 2, 3)}
	f.Fuzz(func(t *testing.T, text string) {
		if utf8.RuneCountInString(text) > 4000 {
			return
		}
		h := s.ask(t, text)
		if h.question == nil && strings.TrimSpace(h.text) == "" {
			t.Errorf("%q is answered with nothing", text)
		}
		if h.question != nil && len(h.writes()) > 0 && h.question.Tool != addTask {
			t.Errorf("%q asks after it wrote %v", text, h.writes())
		}
		for _, c := range h.calls {
			_, args, _ := strings.Cut(c, " ")
			if !json.Valid([]byte(args)) {
				t.Errorf("%q: arguments %s", text, args)
			}
		}
	})
}

// What is in quotes is a name: no word of it becomes a date, a tag, a number or another request.
func FuzzStream_QuotedWordsAreAName(f *testing.F) {
	for _, text := range []string{"Call mom tonight", "delete task 3", "milk, eggs and bread", "#work !high tomorrow", "and then add gin", "to friday"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, name string) {
		name = strings.TrimSpace(name)
		if strings.ContainsAny(name, "\"“”„«»‹›`\n\r\t") || !utf8.ValidString(name) || len(name) < 3 || len(name) > 100 || strings.Contains(name, "  ") {
			return
		}
		want, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		h := scene{tasks: household()}.ask(t, `change task 1 to "`+name+`"`)
		if len(h.calls) != 1 || h.calls[0] != `update_task {"task_id":1,"title":`+string(want)+`}` {
			t.Errorf("got %v for the title %q", h.calls, name)
		}
	})
}

func BenchmarkStream(b *testing.B) {
	texts := map[string]string{
		"add":   "remind me to call the dentist tomorrow at 9am, high priority #health",
		"query": "what do I have to do next week",
		"other": "how long should i cook a turkey that weighs ten pounds",
		"long":  strings.Repeat("move the meeting to friday and add milk to my list, ", 76)[:3950],
		"moves": strings.Repeat("move this or that or those at 1 or 2 or 3 or 4 or 5 or 6 or 7 or 8; ", 58),
		"words": strings.Repeat("every 1 ", 499),
	}
	for name, text := range texts {
		b.Run(name, func(b *testing.B) {
			r := agent.Request{Now: now, Zone: berlin, Settings: settings(), Messages: []agent.Message{{Role: agent.RoleUser, Text: text}}}
			for b.Loop() {
				for _, err := range New().Stream(b.Context(), r) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
