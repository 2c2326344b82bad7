package planner

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tandem/agent"
)

// readPlans reads a table of testdata: what is said, an arrow, and what is done about it, with semicolons between the calls.
func readPlans(tb testing.TB, file string) []sentence {
	tb.Helper()
	table, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	var rows []sentence
	for line := range strings.Lines(string(table)) {
		text, want, ok := strings.Cut(strings.TrimSpace(line), " => ")
		if !ok {
			tb.Fatalf("%s: %q has no arrow", file, line)
		}
		rows = append(rows, sentence{strings.ReplaceAll(text, `\n`, "\n"), strings.ReplaceAll(want, " ; ", "\n")})
	}
	return rows
}

// TestStream_Tables plays the tables of testdata over the household.
func TestStream_Tables(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("tables: %v, %v", files, err)
	}
	for _, file := range files {
		check(t, scene{tasks: household()}, readPlans(t, file))
	}
}

func TestStream_GermanFollowsTheConversation(t *testing.T) {
	tasks := household()
	check(t, scene{tasks: tasks, focus: mentions(tasks, 2, 1), shown: mentions(tasks, 1, 2, 3, 4)}, []sentence{
		{"markiere es als erledigt", `complete_task {"task_id":2}`},
		{"lösche das bitte", `delete_task {"task_id":2}`},
		{"lösche die zweite", `delete_task {"task_id":2}`},
		{"verschiebe es auf Freitag", `update_task {"task_id":2,"move_due":"2026-03-06"}`},
		{"nein, Freitag", `update_task {"task_id":2,"move_due":"2026-03-06"}`},
		{"ich meinte morgen um 17 Uhr", `update_task {"task_id":2,"move_due":"2026-03-05T17:00"}`},
		{"nein, am Freitag um halb zehn", `update_task {"task_id":2,"move_due":"2026-03-06T09:30"}`},
		{"ich meinte Hafermilch kaufen", `update_task {"task_id":2,"title":"Hafermilch kaufen"}`},
	})
}

func TestStream_GermanAnswersCompleteARequest(t *testing.T) {
	for _, c := range []struct{ said, asked, answer, want string }{
		{"Lösche das", "Welche Aufgabe soll ich löschen?", "Aufgabe 2", `delete_task {"task_id":2}`},
		{"Verschiebe Aufgabe 3", "Wann soll sie fällig sein?", "am Freitag", `update_task {"task_id":3,"move_due":"2026-03-06"}`},
		{"Erinnere mich morgen", "Woran soll ich dich erinnern?", "an den Müll", `add_task {"title":"Müll","due":"2026-03-05","reminders":["0m"],"on_duplicate":"ask"}`},
		{"Erstelle eine Liste", "Es gibt eine Liste und Tags zum Ordnen. Was soll ich hinzufügen?", "Milch und Eier", `add_task {"items":[{"title":"Milch"},{"title":"Eier"}],"on_duplicate":"ask"}`},
		{"Lösche das", "Welche Aufgabe soll ich löschen?", "vergiss es", "say Es wartet nichts"},
	} {
		check(t, scene{tasks: household(), before: earlier(c.said, "", c.asked)}, []sentence{{c.answer, c.want}})
	}
}

// The language of the settings decides where the words of a message do not.
func TestStream_TheSettingsDecideTheLanguage(t *testing.T) {
	for locale, want := range map[string]string{"en": "Add \"Bericht\" as a task?", "de": "\"Bericht\" als Aufgabe hinzufügen?"} {
		set := settings()
		set.Locale = locale
		r := agent.Request{Now: now, Zone: berlin, Settings: set, Messages: []agent.Message{{Role: agent.RoleUser, Text: "Bericht"}}}
		for ev, err := range New().Stream(t.Context(), r) {
			if err != nil || ev.Question == nil || ev.Question.Text != want {
				t.Errorf("%s: got %+v, %v, want %q", locale, ev.Question, err, want)
			}
		}
	}
}

// Every sentence that the planner says has a German one.
func TestSay_TheCatalogueIsWhole(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		tree, err := parser.ParseFile(gotoken.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 || strings.HasSuffix(file, "_test.go") {
				return true
			}
			name := ""
			switch f := call.Fun.(type) {
			case *ast.Ident:
				name = f.Name
			case *ast.SelectorExpr:
				name = f.Sel.Name
			}
			lit, ok := call.Args[0].(*ast.BasicLit)
			if name != "ask" && name != "say" || !ok {
				return true
			}
			seen++
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			if own := germanReplies[text]; own == "" && text != "You have no " {
				t.Errorf("%s: there is no German for %q", file, text)
			} else if strings.Count(own, "%") != strings.Count(text, "%") && text != "You have no " {
				t.Errorf("%s: %q has other places to fill than %q", file, own, text)
			}
			return true
		})
	}
	if seen < 60 {
		t.Errorf("only %d sentences were found", seen)
	}
}

func TestTongue_Read(t *testing.T) {
	p := &planning{tongue: tongues["de"]}
	for text, want := range map[string]string{
		"Hake Aufgabe 3 ab und füge Milch hinzu": "complete task 3 and add milch",
		"Aufgabe 3 bitte löschen":                "delete task 3 please",
		"Kannst du Milch auf die Liste setzen?":  "can you put milch to the list ?",
		"Milch kaufen":                           "errand milch",
		"Benenne Aufgabe 1 um in Oma":            "rename task 1 to oma",
		"Erinnere mich daran, Milch zu kaufen":   "remind me to , milch to kaufen",
		"bis 31. Juli. Danke":                    "by 31. juli . thanks",
		"Verschiebe Aufgabe 3. Dann lösche 4":    "move task 3 . and then delete 4",
	} {
		var words []string
		for _, tok := range p.lex(text) {
			word := tok.word
			if tok.kind == numberToken {
				word = text[tok.from:tok.to]
			}
			words = append(words, word)
		}
		if got := strings.Join(words, " "); got != want {
			t.Errorf("%q is read as %q, want %q", text, got, want)
		}
	}
}
