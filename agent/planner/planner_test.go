package planner

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tandem"
	"tandem/agent"
)

// sentence is what a person says and what the planner does about it: the calls, one a line, or "ask", or "ask " and the call
// that a yes or a choice would make, or "say" and the beginning of a reply without any call.
type sentence struct{ text, want string }

func check(t *testing.T, s scene, sentences []sentence) {
	t.Helper()
	for _, c := range sentences {
		t.Run(c.text, func(t *testing.T) {
			got := s.ask(t, c.text).String()
			if word, start, said := strings.Cut(c.want, " "); word == "say" && said {
				if !strings.HasPrefix(got, c.want) {
					t.Errorf("got %s, want a reply that starts with %q", got, start)
				}
				return
			}
			if diff := cmp.Diff(strings.TrimSpace(c.want), got); diff != "" {
				t.Errorf("wrong plan (-want +got):\n%s", diff)
			}
		})
	}
}

func (h heard) String() string {
	switch {
	case h.question != nil && len(h.writes()) > 0:
		return "a question after a write: " + h.question.Text
	case h.question != nil:
		return "ask " + h.question.Tool + " " + string(h.question.Args)
	case len(h.writes()) == 0 && strings.HasSuffix(h.text, "?"):
		return "ask"
	case len(h.calls) == 0:
		return "say " + h.text
	}
	return strings.Join(h.calls, "\n")
}

func TestStream_MandatedSentences(t *testing.T) {
	tasks := household()[:5]
	check(t, scene{tasks: tasks}, []sentence{
		{"Add a task to buy groceries", `add_task {"title":"Buy groceries","on_duplicate":"ask"}`},
		{"I need to remember to pay bills", `add_task {"title":"Pay bills","on_duplicate":"ask"}`},
		{"Show me all my tasks", `list_tasks {"status":"all"}`},
		{"What's pending?", `list_tasks {"status":"pending"}`},
		{"What have I completed?", `list_tasks {"status":"completed"}`},
		{"Mark task 3 as complete", `complete_task {"task_id":3}`},
		{"Delete the meeting task", `list_tasks {"status":"pending","search":"meeting"}` + "\n" + `delete_task {"task_id":3}`},
		{"Change task 1 to 'Call mom tonight'", `update_task {"task_id":1,"title":"Call mom tonight"}`},
		{"Reschedule my morning meetings to 2 PM", `list_tasks {"status":"pending","search":"meeting"}` + "\n" + `update_task {"task_id":3,"move_due":"14:00"}`},
	})
}

func TestStream_APluralMeansEveryMatch(t *testing.T) {
	tasks := append(household(), task(8, "Sales meeting", "2026-03-06T11:59"), task(9, "Meet Ann", "2026-03-06T09:00"), task(10, "Night meeting", "2026-03-06"))
	check(t, scene{tasks: tasks}, []sentence{
		{
			"Reschedule my morning meetings to 2 PM",
			`list_tasks {"status":"pending","search":"meeting"}` + "\n" + `update_task {"ids":[3,8],"move_due":"14:00"}`,
		},
		{
			"delete all meetings tomorrow",
			`list_tasks {"status":"pending","search":"meeting"}` + "\n" + `delete_task {"ids":[3,6]}`,
		},
		{
			"complete everything tagged work",
			`list_tasks {"status":"pending","tags":["work"],"limit":100}` + "\n" + `complete_task {"ids":[3,6]}`,
		},
		{"complete the meeting", `ask complete_task {}`},
		{"move the groceries to friday", `list_tasks {"status":"pending","search":"grocer"}` + "\n" + `update_task {"task_id":2,"move_due":"2026-03-06"}`},
	})
}

func TestStream_Adds(t *testing.T) {
	check(t, scene{tasks: household()}, []sentence{
		{"add milk, eggs and bread to my list", `add_task {"items":[{"title":"Milk"},{"title":"Eggs"},{"title":"Bread"}],"on_duplicate":"ask"}`},
		{"put milk and eggs on the shopping list for tomorrow", `add_task {"items":[{"title":"Milk","due":"2026-03-05"},{"title":"Eggs","due":"2026-03-05"}],"on_duplicate":"ask"}`},
		{"add mac and cheese to the grocery list", `add_task {"title":"Mac and cheese","on_duplicate":"ask"}`},
		{"buy milk, eggs and bread", `add_task {"title":"Buy milk, eggs and bread","on_duplicate":"ask"}`},
		{
			"add tasks: call the bank, pay rent tomorrow and buy stamps",
			`add_task {"items":[{"title":"Call the bank"},{"title":"Pay rent","due":"2026-03-05"},{"title":"Buy stamps"}],"on_duplicate":"ask"}`,
		},
		{"Add these:\n- milk\n- 2. Advent candles\n3. \"call mom tomorrow\"", `add_task {"items":[{"title":"Milk"},{"title":"Advent candles"},{"title":"call mom tomorrow"}],"on_duplicate":"ask"}`},
		{
			"remind me to call the dentist tomorrow at 9am, high priority #health",
			`add_task {"title":"Call the dentist","priority":"high","tags":["health"],"due":"2026-03-05T09:00","reminders":["0m"],"on_duplicate":"ask"}`,
		},
		{"remind me tomorrow to water the plants", `add_task {"title":"Water the plants","due":"2026-03-05","reminders":["0m"],"on_duplicate":"ask"}`},
		{"set a daily reminder to take medicine", `add_task {"title":"Take medicine","due":"2026-03-04","recurrence":"FREQ=DAILY","reminders":["0m"],"on_duplicate":"ask"}`},
		{"set a reminder for 5 to pick up the kids", `add_task {"title":"Pick up the kids","due":"2026-03-04T17:00","reminders":["0m"],"on_duplicate":"ask"}`},
		{"I want to do laundry at 8 pm, create a reminder", `add_task {"title":"Do laundry","due":"2026-03-04T20:00","reminders":["0m"],"on_duplicate":"ask"}`},
		{"don't let me forget to lock the door", `add_task {"title":"Lock the door","on_duplicate":"ask"}`},
		{"note to self: ask Ann about the lease", `add_task {"title":"Ask Ann about the lease","on_duplicate":"ask"}`},
		{"can you please add apples to my list?", `add_task {"title":"Apples","on_duplicate":"ask"}`},
		{"the list should also have two loaves of bread", `add_task {"title":"Two loaves of bread","on_duplicate":"ask"}`},
		{"I need bananas on the list too", `add_task {"title":"Bananas","on_duplicate":"ask"}`},
		{"I need eggs; add them to my list", `add_task {"title":"Eggs","on_duplicate":"ask"}`},
		{"I have to pay the rent on the 1st of every month", `add_task {"title":"Pay the rent","due":"2026-04-01","recurrence":"FREQ=MONTHLY;BYMONTHDAY=1","on_duplicate":"ask"}`},
		{"call the plumber on friday at 3pm", `add_task {"title":"Call the plumber","due":"2026-03-06T15:00","on_duplicate":"ask"}`},
		{"schedule a lunch with Brent on wednesday at noon", `add_task {"title":"Lunch with Brent","due":"2026-03-11T12:00","on_duplicate":"ask"}`},
		{`add "Read 'Call mom' tomorrow" to my list`, `add_task {"title":"Read 'Call mom' tomorrow","on_duplicate":"ask"}`},
		{"add a task to paint the fence with the note ask Bob for brushes", `add_task {"title":"Paint the fence","description":"ask Bob for brushes","on_duplicate":"ask"}`},
		{"every friday, remind me to water the plants", `add_task {"title":"Water the plants","due":"2026-03-06","recurrence":"FREQ=WEEKLY;BYDAY=FR","reminders":["0m"],"on_duplicate":"ask"}`},
		{"add a task: call Bob tomorrow at 10 and remind me an hour before", `add_task {"title":"Call Bob","due":"2026-03-05T10:00","reminders":["1h"],"on_duplicate":"ask"}`},
		{"add an urgent task to file the taxes", `add_task {"title":"File the taxes","priority":"urgent","on_duplicate":"ask"}`},
		{"schedule the dentist for friday at 9am", `list_tasks {"status":"pending","search":"dentist"}` + "\n" + `add_task {"title":"The dentist","due":"2026-03-06T09:00","on_duplicate":"ask"}`},
		{"remind me to check the oven in 90 seconds", `add_task {"title":"Check the oven","due":"2026-03-04T10:01:30","reminders":["0m"],"on_duplicate":"ask"}`},
		{"add call bob today at 9am", `add_task {"title":"Call bob","due":"2026-03-04T09:00","on_duplicate":"ask"}`},
		{"remind me to call bob today at 9am", `add_task {"title":"Call bob","due":"2026-03-04T09:00","reminders":["0m"],"on_duplicate":"ask"}`},
		{"add milk tomorrow\nand eggs", `add_task {"items":[{"title":"Milk","due":"2026-03-05"},{"title":"Eggs"}],"on_duplicate":"ask"}`},
		{"add milk to my list\nand water\nand two loaves of bread", `add_task {"items":[{"title":"Milk"},{"title":"Water"},{"title":"Two loaves of bread"}],"on_duplicate":"ask"}`},
		{"add milk\nand complete 1", `complete_task {"task_id":1}` + "\n" + `add_task {"title":"Milk","on_duplicate":"ask"}`},
		{"add walking the dog as a task", `add_task {"title":"Walking the dog","on_duplicate":"ask"}`},
	})
}

func TestStream_AddsThatAreNotClearAreAsked(t *testing.T) {
	check(t, scene{tasks: household()}, []sentence{
		{"add a task", "ask"},
		{"add this to the list", "ask"},
		{"remind me", "ask"},
		{"create a new list", "ask"},
		{"add paying the rent yesterday to my list", `ask add_task {"title":"Paying the rent","due":"2026-03-03","on_duplicate":"ask"}`},
		{"add call bob 2 hours ago", `ask add_task {"title":"Call bob","due":"2026-03-04T08:00","on_duplicate":"ask"}`},
		{"set an alarm for 7am", `ask add_task {"title":"Alarm","due":"2026-03-05T07:00","reminders":["0m"],"on_duplicate":"ask"}`},
		{"add a task to file the report on Monday the 10th of March", "ask"},
		{"dentist on friday", `ask add_task {"title":"Dentist","due":"2026-03-06","on_duplicate":"ask"}`},
		{"sharpen the knives", `ask add_task {"title":"Sharpen the knives","on_duplicate":"ask"}`},
		{"please call mom", `ask add_task {"title":"Call mom","on_duplicate":"ask"}`},
		{"alexa, buy a television", `ask add_task {"title":"Buy a television","on_duplicate":"ask"}`},
		{"call the bank and ask why", `ask add_task {"title":"Call the bank and ask why","on_duplicate":"ask"}`},
	})
}

func TestStream_Completes(t *testing.T) {
	mom := `list_tasks {"status":"pending","search":"call mom"}` + "\n"
	check(t, scene{tasks: household()}, []sentence{
		{"complete 1", `complete_task {"task_id":1}`},
		{"tasks 1, 2 and 4 are done", `complete_task {"ids":[1,2,4]}`},
		{"finish 1-3", `complete_task {"ids":[1,2,3]}`},
		{"tick off #2", `complete_task {"task_id":2}`},
		{`complete @2 "Buy groceries"`, `complete_task {"task_id":2}`},
		{"mark Call mom as done", mom + `complete_task {"task_id":1}`},
		{`check off "call mom"`, mom + `complete_task {"task_id":1}`},
		{"I'm done with call mom", mom + `complete_task {"task_id":1}`},
		{"I finished the groceries", `list_tasks {"status":"pending","search":"grocer"}` + "\n" + `complete_task {"task_id":2}`},
		{"complte the groceries", `list_tasks {"status":"pending","search":"grocer"}` + "\n" + `complete_task {"task_id":2}`},
		{"cross call mom off my list", mom + `complete_task {"task_id":1}`},
		{"complete the overdue ones", `list_tasks {"status":"pending","due_date_filter":"overdue","limit":100}` + "\n" + `complete_task {"task_id":4}`},
		{"skip the electricity bill this month", `list_tasks {"status":"pending","search":"electricit bill"}` + "\n" + `complete_task {"task_id":4,"skip_occurrence":true}`},
		{"reopen the dentist appointment", `list_tasks {"status":"completed","search":"dentist appointment"}` + "\n" + `complete_task {"task_id":5,"undo":true}`},
		{"mark 5 as not done", `complete_task {"task_id":5,"undo":true}`},
		{"complete the spaceship", "ask"},
		{"complete it", "ask"},
		{"complete the dentist appointment", "ask"},
		{"is the report done?", "say I can only"},
	})
}

func TestStream_Deletes(t *testing.T) {
	check(t, scene{tasks: household()}, []sentence{
		{"delete task 1", `delete_task {"task_id":1}`},
		{"get rid of the groceries", `list_tasks {"status":"pending","search":"grocer"}` + "\n" + `delete_task {"task_id":2}`},
		{"take call mom off my list", `list_tasks {"status":"pending","search":"call mom"}` + "\n" + `delete_task {"task_id":1}`},
		{"on my list, remove call mom", `list_tasks {"status":"pending","search":"call mom"}` + "\n" + `delete_task {"task_id":1}`},
		{"delete the whole series of the electricity bill", `list_tasks {"status":"pending","search":"electricit bill"}` + "\n" + `delete_task {"task_id":4,"scope":"series"}`},
		{"I don't need the groceries anymore, remove them", `list_tasks {"status":"pending","search":"grocer"}` + "\n" + `delete_task {"task_id":2}`},
		{"delete the dentist appointment", `list_tasks {"status":"pending","search":"dentist appointment"}` + "\n" + `list_tasks {"status":"completed","search":"dentist appointment"}` + "\n" + `delete_task {"task_id":5}`},
		{"clear my list", `list_tasks {"status":"pending","limit":100}` + "\n" + `delete_task {"ids":[1,2,3,4,6]}`},
		{"delete the meeting", `ask delete_task {}`},
		{"delete the meeting with bob", `ask delete_task {}`},
		{"delete everything on my calendar", "ask"},
		{"delete the spaceship", "ask"},
		{"delete the call", `list_tasks {"status":"pending","search":"call"}` + "\n" + `delete_task {"task_id":1}`},
		{"delete tomorrow's team meeting", `list_tasks {"status":"pending","search":"team meeting"}` + "\n" + `delete_task {"task_id":3}`},
		{"delete the team meeting on friday", "ask"},
		{"delete all tasks due before today", `list_tasks {"status":"pending","due_to":"2026-03-03","limit":100}` + "\n" + `delete_task {"task_id":4}`},
		{"delete all work tasks", `list_tasks {"status":"pending","search":"work"}` + "\n" + `list_tasks {"status":"pending","tags":["work"],"limit":100}` + "\n" + `delete_task {"ids":[3,6]}`},
		{"don't delete task 1", "say Very well"},
		{"please do not delete the team meeting", "say Very well"},
		{"can I delete task 1?", "say "},
		{"should I delete task 1?", "say "},
		{"what happens if I delete task 1", "say "},
		{"why did you delete task 1", "say "},
		{"cancel my flight reservation", "say I can only"},
		{"delete the contact uncle john", "say I can only"},
		{"restore the old report", `list_tasks {"status":"deleted","search":"old report"}` + "\n" + `update_task {"task_id":7,"restore":true}`},
	})
}

func TestStream_Changes(t *testing.T) {
	groceries := `list_tasks {"status":"pending","search":"grocer"}` + "\n"
	check(t, scene{tasks: household()}, []sentence{
		{"rename task 1 to Call dad", `update_task {"task_id":1,"title":"Call dad"}`},
		{`change the title of the groceries to "buy food on friday"`, groceries + `update_task {"task_id":2,"title":"buy food on friday"}`},
		{"change task 3 to friday", `update_task {"task_id":3,"move_due":"2026-03-06"}`},
		{"change task 3 to buy oat milk", `update_task {"task_id":3,"title":"Buy oat milk"}`},
		{"move task 3 to tomorrow at 10", `update_task {"task_id":3,"move_due":"2026-03-05T10:00"}`},
		{"postpone the groceries by a week", groceries + `update_task {"task_id":2,"move_due":"1w"}`},
		{"push task 3 back an hour", `update_task {"task_id":3,"move_due":"1h"}`},
		{"bring task 3 forward by a day", `update_task {"task_id":3,"move_due":"-1d"}`},
		{"move task 3 forward by a day", "ask"},
		{"reschedule task 3", "ask"},
		{"set call mom to tomorrow", `list_tasks {"status":"pending","search":"call mom"}` + "\n" + `update_task {"task_id":1,"move_due":"2026-03-05"}`},
		{"change the time of task 3 to 11", `update_task {"task_id":3,"move_due":"11:00"}`},
		{"lower the priority of task 3", `update_task {"task_id":3,"priority":"low"}`},
		{"don't remind me of task 3", `update_task {"task_id":3,"clear":["reminders"]}`},
		{"make the groceries due friday", groceries + `update_task {"task_id":2,"move_due":"2026-03-06"}`},
		{"set the due date of task 1 to next monday", `update_task {"task_id":1,"move_due":"2026-03-09"}`},
		{"task 1 is due tomorrow", `update_task {"task_id":1,"move_due":"2026-03-05"}`},
		{"reschedule all overdue tasks to today", `list_tasks {"status":"pending","due_date_filter":"overdue","limit":100}` + "\n" + `update_task {"task_id":4,"move_due":"2026-03-04"}`},
		{"remove the due date from task 2", `update_task {"task_id":2,"clear":["due"]}`},
		{"make task 2 urgent", `update_task {"task_id":2,"priority":"urgent"}`},
		{"set the priority of the groceries to high", groceries + `update_task {"task_id":2,"priority":"high"}`},
		{"prioritize task 2", `update_task {"task_id":2,"priority":"high"}`},
		{"tag task 1 with home and family", `update_task {"task_id":1,"tags_add":["home","family"]}`},
		{"add #home to the groceries", groceries + `update_task {"task_id":2,"tags_add":["home"]}`},
		{"remove the tag shopping from the groceries", groceries + `update_task {"task_id":2,"tags_remove":["shopping"]}`},
		{"add a note to task 3: bring the slides", `update_task {"task_id":3,"description":"bring the slides"}`},
		{`set the description of task 1 to "her new number"`, `update_task {"task_id":1,"description":"her new number"}`},
		{"repeat task 3 every monday", `update_task {"task_id":3,"recurrence":"FREQ=WEEKLY;BYDAY=MO"}`},
		{"make task 3 weekly", `update_task {"task_id":3,"recurrence":"FREQ=WEEKLY"}`},
		{"stop repeating the electricity bill", `list_tasks {"status":"pending","search":"electricit bill"}` + "\n" + `update_task {"task_id":4,"clear":["recurrence"]}`},
		{"snooze task 3", `update_task {"task_id":3,"snooze":"1h"}`},
		{"snooze task 3 until tomorrow at 8am", `update_task {"task_id":3,"snooze":"2026-03-05T08:00"}`},
		{"remind me of task 3 an hour before", `update_task {"task_id":3,"reminders":["1h"]}`},
		{"remind me 30 minutes before the team meeting", `list_tasks {"status":"pending","search":"team meeting"}` + "\n" + `update_task {"task_id":3,"reminders":["30m"]}`},
		{"undo", `update_task {"undo":"last"}`},
		{"take that back please", `update_task {"undo":"last"}`},
	})
}

func TestStream_Asks(t *testing.T) {
	check(t, scene{tasks: household()}, []sentence{
		{"what's on my list", `list_tasks {"status":"pending"}`},
		{"list all tasks", `list_tasks {"status":"all"}`},
		{"what's due today?", `list_tasks {"status":"pending","due_date_filter":"today","sort_by":"due_date"}`},
		{"what do I have to do this week", `list_tasks {"status":"pending","due_date_filter":"this_week","sort_by":"due_date"}`},
		{"what am I doing next week", `list_tasks {"status":"pending","due_from":"2026-03-09","due_to":"2026-03-15","sort_by":"due_date"}`},
		{"tasks due before friday", `list_tasks {"status":"pending","due_to":"2026-03-05","sort_by":"due_date"}`},
		{"what's due after tomorrow?", `list_tasks {"status":"pending","due_from":"2026-03-06","sort_by":"due_date"}`},
		{"and tomorrow?", `list_tasks {"status":"pending","due_date_filter":"tomorrow","sort_by":"due_date"}`},
		{"what about today?", `list_tasks {"status":"pending","due_date_filter":"today","sort_by":"due_date"}`},
		{"show me task 3", `list_tasks {"ids":[3]}`},
		{"when is the electricity bill due?", `list_tasks {"status":"pending","search":"electricit bill"}`},
		{"check if I have a meeting tomorrow", `list_tasks {"status":"pending","search":"meeting","due_date_filter":"tomorrow"}`},
		{"what did I finish yesterday", `list_tasks {"status":"completed","limit":100}`},
		{"search for milk", `list_tasks {"status":"pending","search":"milk"}`},
		{"find milk", `list_tasks {"status":"pending","search":"milk"}`},
		{"can you find the electricity bill?", `list_tasks {"status":"pending","search":"electricit bill"}`},
		{"find a recipe", "say I can only"},
		{"find a doctor", "say I can only"},
		{"anything overdue?", `list_tasks {"status":"pending","due_date_filter":"overdue"}`},
		{"show my high priority tasks", `list_tasks {"status":"pending","priority":"high"}`},
		{"show #bills", `list_tasks {"status":"pending","tags":["bills"]}`},
		{"find tasks about the dentist", `list_tasks {"status":"pending","search":"dentist"}`},
		{"is milk on my shopping list", `list_tasks {"status":"pending","search":"milk"}`},
		{"do I have to buy milk?", `list_tasks {"status":"pending","search":"buy milk"}`},
		{"when is my next meeting", `list_tasks {"status":"pending","search":"meeting"}`},
		{"how many tasks do I have?", `list_tasks {"status":"pending"}`},
		{"show tasks without a due date", `list_tasks {"status":"pending","due_date_filter":"none"}`},
		{"sort my tasks by priority", `list_tasks {"status":"pending","sort_by":"priority","sort_order":"desc"}`},
		{"what's next", `list_tasks {"status":"pending","sort_by":"due_date","limit":3}`},
		{"remind me what I have to do today", `list_tasks {"status":"pending","due_date_filter":"today","sort_by":"due_date"}`},
	})
}

func TestStream_OutOfScopeIsDeclined(t *testing.T) {
	for _, text := range []string{
		"What is the capital of France?", "play some jazz tomorrow at 9", "Book me a flight to Rome on Friday", "transfer 100 dollars to savings",
		"how do I change a tire", "tell me a joke", "turn on the lights at 7", "what time is it in Tokyo", "who won the game", "call me Bob from now on",
		"set the volume to 4", "my phone was stolen", "could you call me a taxi", "what does a todo list cost", "add my wife to the account",
		"remember how I like my coffee?", "move to the next song", "i need to know the weather tomorrow", "make me a list of good books", "???", "...",
	} {
		h := scene{tasks: household()}.ask(t, text)
		if len(h.writes()) > 0 {
			t.Errorf("%q writes: %v", text, h.calls)
		}
		if h.question != nil && h.question.Tool != addTask {
			t.Errorf("%q asks about %s %s", text, h.question.Tool, h.question.Args)
		}
	}
	check(t, scene{tasks: household()}, []sentence{
		{"What is the capital of France?", "say I can only help with your task list."},
		{"play some jazz tomorrow at 9", "say I can only help with your task list."},
		{"Book me a flight to Rome on Friday", "say I can only help with your task list."},
	})
}

func TestStream_SmallTalk(t *testing.T) {
	check(t, scene{tasks: household()}, []sentence{
		{"hello", "say Hello."},
		{"Hi there, how are you?", "say "},
		{"thanks a lot!", "say You are welcome."},
		{"bye", "say Goodbye."},
		{"yes", "say There is nothing waiting"},
		{"no, that is wrong", "say There is nothing waiting"},
		{"never mind", "say There is nothing waiting"},
		{"maybe", "say "},
		{"can you repeat that", "say There is nothing to repeat"},
		{"help", "say I keep your task list."},
		{"", "say I keep your task list."},
		{"complete 1, thanks", `complete_task {"task_id":1}`},
	})
}

func TestStream_SeveralRequests(t *testing.T) {
	check(t, scene{tasks: household()}, []sentence{
		{
			"Mark task 1 as complete and then add milk, eggs and bread to my list",
			`complete_task {"task_id":1}` + "\n" + `add_task {"items":[{"title":"Milk"},{"title":"Eggs"},{"title":"Bread"}],"on_duplicate":"ask"}`,
		},
		{"complete 1 and delete 2", `list_tasks {"ids":[1,2],"limit":100}` + "\n" + `complete_task {"task_id":1}` + "\n" + `delete_task {"task_id":2}`},
		{"complete 1 and delete 99", "ask"},
		{"buy milk; pay rent", `add_task {"items":[{"title":"Buy milk"},{"title":"Pay rent"}],"on_duplicate":"ask"}`},
		{"complete 1 and show me my tasks", `complete_task {"task_id":1}` + "\n" + `list_tasks {"status":"pending"}`},
		{"postpone task 3 to friday and make it high priority", `list_tasks {"ids":[3,3],"limit":100}` + "\n" + `update_task {"task_id":3,"move_due":"2026-03-06"}` + "\n" + `update_task {"task_id":3,"priority":"high"}`},
		{"complete the spaceship and then add milk", "ask"},
		{"delete the meeting and add milk", `ask delete_task {}`},
		{"remind me to update the docs and change the password", `add_task {"title":"Update the docs and change the password","on_duplicate":"ask"}`},
		{"My card was stolen. Call my bank", `ask add_task {"title":"Call my bank","on_duplicate":"ask"}`},
		{"is milk on my list? if not, add it", `list_tasks {"status":"pending","search":"milk"}` + "\n" + `add_task {"title":"Milk","on_duplicate":"ask"}`},
		{"are groceries on my list? if not, add them", `list_tasks {"status":"pending","search":"grocer"}`},
	})
}

func TestStream_FollowsTheConversation(t *testing.T) {
	tasks := household()
	s := scene{tasks: tasks, focus: mentions(tasks, 2, 1), shown: mentions(tasks, 1, 2, 3, 4)}
	check(t, s, []sentence{
		{"mark it as complete", `complete_task {"task_id":2}`},
		{"delete that", `delete_task {"task_id":2}`},
		{"complete the second one", `complete_task {"task_id":2}`},
		{"delete the last one", `delete_task {"task_id":4}`},
		{"complete the ninth one", "ask"},
		{"complete all of them", `complete_task {"ids":[1,2,3,4]}`},
		{"move it to friday", `update_task {"task_id":2,"move_due":"2026-03-06"}`},
		{"make it urgent", `update_task {"task_id":2,"priority":"urgent"}`},
		{"snooze it", `update_task {"task_id":2,"snooze":"1h"}`},
		{"no, Friday", `update_task {"task_id":2,"move_due":"2026-03-06"}`},
		{"I meant tomorrow at 5pm", `update_task {"task_id":2,"move_due":"2026-03-05T17:00"}`},
		{"actually, make it 17:30", `update_task {"task_id":2,"move_due":"17:30"}`},
		{"sorry, every monday", `update_task {"task_id":2,"recurrence":"FREQ=WEEKLY;BYDAY=MO"}`},
		{"no, high priority", `update_task {"task_id":2,"priority":"high"}`},
		{"I meant buy oat milk", `update_task {"task_id":2,"title":"Buy oat milk"}`},
		{"no, that's wrong", "say "},
	})
	check(t, scene{tasks: tasks, focus: mentions(tasks, 2, 1)}, []sentence{
		{"complete both", `complete_task {"ids":[2,1]}`},
	})
	check(t, scene{tasks: tasks}, []sentence{
		{"no, Friday", "say There is no task yet"}, {"delete it", "ask"}, {"complete both", "ask"},
	})
}

// What answers a question of the planner completes the words before it.
func TestStream_AnswersCompleteARequest(t *testing.T) {
	for _, c := range []struct{ said, asked, answer, want string }{
		{"delete it", "Which task shall I delete?", "task 2", `delete_task {"task_id":2}`},
		{"complete the spaceship", `I found no task like "the spaceship". Which one shall I complete?`, "call mom", `list_tasks {"status":"pending","search":"call mom"}` + "\n" + `complete_task {"task_id":1}`},
		{"delete task 99", "There is no task 99. Which task do you mean?", "I meant 2", `delete_task {"task_id":2}`},
		{"move the meeting to friday", "Which one do you mean: a or b?", "the design meeting", `list_tasks {"status":"pending","search":"design meeting"}` + "\n" + `update_task {"task_id":6,"move_due":"2026-03-06"}`},
		{"reschedule task 3", "When shall it be due?", "friday", `update_task {"task_id":3,"move_due":"2026-03-06"}`},
		{"remind me tomorrow", "What shall I remind you of?", "to call Bob", `add_task {"title":"Call Bob","due":"2026-03-05","reminders":["0m"],"on_duplicate":"ask"}`},
		{"add a task", "What shall the task be?", "paint the fence", `add_task {"title":"Paint the fence","on_duplicate":"ask"}`},
		{"create a new list", "There is one list, and tags to group it. What shall I add?", "milk and eggs", `add_task {"items":[{"title":"Milk"},{"title":"Eggs"}],"on_duplicate":"ask"}`},
		{"make task 1 repeat", "How often shall it repeat?", "every sunday", `update_task {"task_id":1,"recurrence":"FREQ=WEEKLY;BYDAY=SU"}`},
		{"change the priority of task 1", "Which priority: low, medium, high or urgent?", "high", `update_task {"task_id":1,"priority":"high"}`},
		// something else was said instead
		{"delete it", "Which task shall I delete?", "show my tasks", `list_tasks {"status":"pending"}`},
		{"delete it", "Which task shall I delete?", "never mind", "say There is nothing waiting"},
		{"delete it", "Which task shall I delete?", "what is the capital of France?", "say I can only"},
		{"delete it", "Deleted it.", "paint the fence", `ask add_task {"title":"Paint the fence","on_duplicate":"ask"}`},
		{"add a task", "What shall the task be?", "play some jazz", "say I can only"},
	} {
		check(t, scene{tasks: household(), before: earlier(c.said, "", c.asked)}, []sentence{{c.answer, c.want}})
	}
}

func TestStream_ThemAreTheTasksOfTheTurnBefore(t *testing.T) {
	added := `{"success":true,"status":"created","tasks":[{"task_id":2,"title":"Milk"},{"task_id":3,"title":"Eggs"},{"task_id":4,"title":"Bread"}]}`
	s := scene{tasks: household(), focus: mentions(household(), 1), shown: mentions(household(), 1, 2), before: earlier("add milk, eggs and bread", added, "Added them.")}
	check(t, s, []sentence{
		{"delete them", `delete_task {"ids":[2,3,4]}`},
		{"complete the third one", `complete_task {"task_id":4}`},
		{"I meant task 2", "ask"},
	})
}

// A twin is a question that a yes answers with a second task.
func TestStream_ATwinIsAskedAbout(t *testing.T) {
	s := scene{refuse: map[string]string{addTask: `{"success":false,"error":"ambiguous","message":"There is one.","details":{"candidates":[{"task_id":8,"uid":"u","title":"Buy milk"}]}}`}}
	h := s.ask(t, "add buy milk to my list")
	if h.question == nil || h.question.Tool != addTask || len(h.question.Candidates) > 0 || !strings.Contains(h.question.Text, "Buy milk") {
		t.Fatalf("question: %+v", h.question)
	}
	if want := `{"title":"Buy milk","on_duplicate":"create"}`; string(h.question.Args) != want {
		t.Errorf("a yes would add %s, want %s", h.question.Args, want)
	}
}

func TestStream_AChoiceNamesTheCandidates(t *testing.T) {
	h := scene{tasks: household()}.ask(t, "move the meeting to friday")
	if h.question == nil {
		t.Fatalf("no question but %v", h.calls)
	}
	want := agent.Question{
		Tool: updateTask, Args: json.RawMessage(`{"move_due":"2026-03-06"}`), Candidates: mentions(household(), 3, 6),
		Text: `Which one do you mean: "Team meeting" (3, Thu 5 Mar 2026, 09:30) or "Design meeting" (6, Thu 5 Mar 2026, 16:00)?`,
	}
	if diff := cmp.Diff(want, *h.question); diff != "" {
		t.Errorf("wrong question (-want +got):\n%s", diff)
	}
}

func TestStream_RepliesNameDates(t *testing.T) {
	tasks := household()
	for text, want := range map[string]string{
		"remind me to call Bob tomorrow at 9am": `Added "Call Bob" (100) for Thu 5 Mar 2026, 09:00.`,
		"move task 3 to friday":                 `Changed "Team meeting" (3) for Thu 5 Mar 2026, 09:30, high priority, #work.`,
		"what's overdue":                        "You have 1 overdue task:\n4: Pay electricity bill, Tue 3 Mar 2026, urgent priority, #bills",
		"how many tasks do i have":              "You have 5 pending tasks.",
		"what have i completed":                 "You have 1 completed task:\n5: Book dentist appointment, done",
		"do i have tasks tagged holidays":       "You have no pending tasks tagged #holidays.",
		"complete 1 and play jazz":              "Completed it.\nThe rest I cannot do: I only keep your task list.",
	} {
		if got := (scene{tasks: tasks}).ask(t, text).text; got != want {
			t.Errorf("%q is answered %q, want %q", text, got, want)
		}
	}
}

func TestStream_AListIsCutAtTwenty(t *testing.T) {
	var tasks []tandem.Task
	for n := range int64(60) {
		tasks = append(tasks, task(n+1, "Chore", "2026-03-04", tags("chores")))
	}
	got := scene{tasks: tasks}.ask(t, "show my tasks").text
	if lines := strings.Split(got, "\n"); len(lines) != 22 || lines[21] != "and 40 more" {
		t.Errorf("%d lines, the last %q; want a head, 20 tasks and the rest counted", len(lines), lines[len(lines)-1])
	}
}

// A long result is cut on its way to a model; the planner reads on until it has all that a bulk change is about.
func TestStream_ReadsOnWhereAListWasCut(t *testing.T) {
	var tasks []tandem.Task
	for n := range int64(60) {
		tasks = append(tasks, task(n+1, "Sweep", "", tags("chores")))
	}
	h := scene{tasks: tasks, cut: 40}.ask(t, "complete everything tagged chores")
	if len(h.calls) != 3 || !strings.Contains(h.calls[1], `"offset":40`) || !strings.Contains(h.calls[2], ",60]") {
		t.Errorf("calls: %v; want two lists and one call with all sixty", h.calls)
	}
}

// The same transcript gives the same step, whatever was asked before.
func TestStream_ReplaysFromTheTranscript(t *testing.T) {
	s := scene{tasks: household()}
	r := agent.Request{
		Now: now, Zone: berlin, Settings: settings(),
		Messages: []agent.Message{
			{Role: agent.RoleUser, Text: "show my tasks"},
			{Role: agent.RoleAssistant, Calls: []agent.Call{{ID: "old", Tool: listTasks}}},
			{Role: agent.RoleTool, CallID: "old", Name: listTasks, Result: json.RawMessage(`{"success":true,"tasks":[],"total_count":0}`)},
			{Role: agent.RoleAssistant, Text: "You have no tasks."},
			{Role: agent.RoleUser, Text: "complete the groceries and delete call mom"},
		},
	}
	for range 6 {
		var first, second heard
		again := r
		endedAgain := s.round(t, &again, &second)
		if ended := s.round(t, &r, &first); ended != endedAgain || first.String() != second.String() || first.text != second.text {
			t.Fatalf("the same request gave %v and then %v", first, second)
		} else if ended {
			if want := "Completed it.\nDeleted it."; first.text != want {
				t.Errorf("the turn ends with %q, want %q", first.text, want)
			}
			return
		}
	}
	t.Error("the turn does not end")
}

func TestStream_EndsWithItsContext(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for _, err := range New().Stream(ctx, agent.Request{Zone: berlin}) {
		if err == nil {
			t.Error("a cancelled round says something")
		}
	}
}

// What a tool refuses is told, and nothing behind it is done.
func TestStream_TellsRefusals(t *testing.T) {
	s := scene{refuse: map[string]string{completeTask: `{"success":false,"error":"not_found","message":"There is no task 99."}`}}
	h := s.ask(t, "complete 99 and then add milk")
	if len(h.calls) != 1 || !strings.HasPrefix(h.text, "There is no task 99.") || !strings.HasSuffix(h.text, "?") {
		t.Errorf("calls %v, reply %q", h.calls, h.text)
	}
}
