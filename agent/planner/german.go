package planner

import (
	"fmt"
	"strings"

	"tandem"
)

// germanWords give the rules their words for German ones: a line holds the words, an equals sign, and what the rules say. Several
// forms of one place are separated by |.
const germanWords = `
	ich = i
	du|sie|ihr = you
	wir = we
	mich|mir|uns = me
	mein|meine|meinen|meiner|meinem|meines|unsere|unseren|unserer = my
	der|die|das|den|dem|des = the
	ein|eine|einen|einem|einer|eines = a
	dieser|diese|dieses|diesen|diesem = this
	alle|allen|sämtliche = all
	jede|jeden|jedes|jeder = every
	alles = everything
	beide|beiden = both
	es|ihn = it
	sie alle = them
	und = and
	und dann|danach|und danach|anschließend|dann = and then
	außerdem|und außerdem|und auch = and also
	oder = or
	nicht = not
	kein|keine|keinen = no
	bitte|bitteschön = please
	danke|danke schön|dankeschön|vielen dank|besten dank = thanks
	hallo|hi|moin|servus|grüß gott|guten tag|guten morgen|guten abend|hallihallo = hello
	tschüss|tschüs|auf wiedersehen|ciao|bis später|bis bald|bis dann = bye
	ja|jawohl|jep|genau|klar|stimmt = yes
	nein|nee|nö = no
	ach nein = no
	doch nicht|vergiss es|egal|schon gut|lass gut sein|abbrechen|abbruch = never mind
	hilfe = help
	was kannst du = what can you do
	wie geht es dir|wie gehts|wie geht es dir heute = how are you
	kannst|kannst du|könntest|könntest du|würdest|würdest du|können|könnten = can you
	kannst du bitte|könntest du bitte|kannst du mal|kannst du mir|könntest du mir|kannst du mir bitte = can you please
	ich muss|ich müsste|wir müssen|muss ich|ich muss noch|wir müssen noch|ich sollte|ich soll = i must
	ich möchte|ich will|ich würde gerne|ich würde gern|ich möchte gerne = i want to
	ich brauche|wir brauchen = i need
	ich brauche noch|wir brauchen noch = i need
	aufgabe|task|todo|punkt|eintrag = task
	aufgaben|tasks|todos|punkte|einträge = tasks
	erinnerung = reminder
	erinnerungen = reminders
	termin|treffen|besprechung = meeting
	termine = meetings
	liste|aufgabenliste|todoliste|einkaufsliste|einkaufszettel|merkliste = list
	kalender|terminkalender = calendar
	auf|an|zu|zur|zum|nach = to
	auf die|auf meine = to the
	von|vom = from
	aus = from
	in|im = in
	um = at
	am = on
	bis = by
	mit = with
	für = for
	über = about
	vor = before
	ohne = without
	ab = from
	ist|sei|steht|stehen|sind = is
	hat|haben|habe = have
	heißen = called
	erledigt|fertig|abgehakt|gemacht|abgeschlossen = done
	als erledigt|als fertig|als abgeschlossen = as done
	als offen|als unerledigt|als nicht erledigt|wieder auf offen = as not done
	noch nicht erledigt|nicht erledigt|noch nicht fertig|nicht fertig|unerledigt|unerledigte|unerledigten = not done
	offen|offene|offenen|ausstehend|ausstehende|ausstehenden|anstehende|anstehenden = pending
	erledigte|erledigten|abgeschlossene|abgeschlossenen|fertige|fertigen = completed
	gelöscht|gelöschte|gelöschten = deleted
	überfällig|überfällige|überfälligen|verspätet|verspätete = overdue
	fällig|fällige|fälligen = due
	ohne datum|ohne fälligkeit|ohne fälligkeitsdatum|undatierte = without a date
	dringend|dringende|dringenden|kritisch = urgent
	wichtig|wichtige|wichtigen|hoch|hohe|hoher|hohen = high
	mittel|mittlere|mittlerer|normal|normale|normaler = medium
	niedrig|niedrige|niedriger|gering|geringe|geringer|unwichtig = low
	priorität|prio|dringlichkeit = priority
	auf hohe priorität|mit hoher priorität|hohe priorität|priorität hoch|priorität auf hoch = to high priority
	auf niedrige priorität|mit niedriger priorität|niedrige priorität = to low priority
	fälligkeit|fälligkeitsdatum|frist|datum = due date
	titel|namen|name = title
	notiz|anmerkung|kommentar = note
	notizen = notes
	tag|schlagwort|etikett = tag
	heute abend|abend|abends = evening
	vormittag|vormittags = morning
	nachmittag|nachmittags = afternoon
	diese woche|dieser woche = this week
	nächste woche|nächster woche|kommende woche|kommenden woche|die nächste woche = next week
	diesen monat|diesem monat = this month
	nächsten monat|nächstem monat|kommenden monat = next month
	wochenende|dieses wochenende|das wochenende = this weekend
	nächstes wochenende = next weekend
	zeig|zeige|zeigt|zeig mir|zeige mir|liste|list|gib mir = show me
	liste auf = show me
	such|suche|finde|such nach|suche nach = find
	was = what
	welche|welcher|welches|welchen = which
	wann = when
	wo = where
	wer = who
	wie = how
	warum|wieso|weshalb = why
	wie viele|wieviele = how many
	gibt es|gibts = is there
	gibt es etwas|gibt es was = is there anything
	füg|füge|ergänze = add
	schreib|schreibe|setz|setze|pack|packe|nimm auf|trag|trage|tu = put
	erstelle|erstell|erzeuge|leg|lege = create
	mach|mache = make
	stell|stelle = set
	wecker = alarm
	weck mich|wecke mich = wake me
	tagge|tagg|etikettiere = tag
	täglich = daily
	wöchentlich = weekly
	monatlich = monthly
	jährlich = yearly
	titel von|name von|namen von = title of
	priorität von|dringlichkeit von|prio von = priority of
	datum von|fälligkeit von|frist von|fälligkeitsdatum von|termin von = due date of
	beschreibung von|notiz von = description of
	notiz zu|notiz zu der|notiz zur|anmerkung zu = note to
	beschreibung = description
	morgens = morning
	neue|neuer|neues|neuen = new
	lösche|lösch|entferne|entfern|streiche|streich|wirf|beseitige = delete
	nimm = take
	markier|markiere|kennzeichne = mark
	erledige|erledig = complete
	schließ|schließe = close
	verschieb|verschiebe|verlege|verleg|schieb|schiebe|vertag|vertage = move
	stelle wieder her|stell wieder her = restore
	änder|ändere|aktualisiere|bearbeite = change
	nenn|nenne = rename
	priorisiere = prioritize
	wiederhole|wiederhol = repeat
	nicht mehr wiederholen|wiederhole nicht mehr = stop repeating
	überspring|überspringe = skip
	erinnere mich|erinner mich|erinnere uns|erinner uns|erinnere mich bitte|erinner mich bitte = remind me
	erinnere mich daran|erinner mich daran|erinnere mich bitte daran|erinnere mich an|erinner mich an|erinnere uns an = remind me to
	vergiss nicht|nicht vergessen|denk daran|denk dran|denke daran = dont forget to
	lass mich nicht vergessen = dont let me forget to
	ich darf nicht vergessen = i must not forget to
	neue aufgabe = new task
	meinte|meine natürlich = meant
	ich meinte|ich meine|nein ich meinte|ich meinte natürlich = i meant
	doch lieber|lieber|besser|stattdessen = make it
	nein lieber|nein doch lieber = no make it
	sorry|entschuldigung = sorry
	rückgängig|mach das rückgängig|mach es rückgängig|mache das rückgängig|rückgängig machen|das rückgängig machen|mach rückgängig = undo
	widerrufe = undo
	das war ein fehler = that was a mistake
	spiel|spiele = play
	buche|buch mir|buche mir = book me
	bestell|bestelle = order
	erzähl|erzähle = tell
	überweise|überweis = transfer
	schalte|schalt|dreh = turn
	öffne = open
	übersetze = translate
	ruf|rufe = call
	erste|ersten|erster = first
	zweite|zweiten|zweiter = second
	dritte|dritten|dritter = third
	vierte|vierten|vierter = fourth
	letzte|letzten|letzter = last
	nummer|nr = number
	durch = through
	noch|mal|doch|schon|bitte mal|einfach|eben|jetzt|gerade = just
	so = so
	hinzu|dazu = 
`

// germanOrders are sentences in another order, from left to right as germanWords.
const germanOrders = `
	was steht * an = what do i have *
	was steht * auf der|meiner liste|todoliste|aufgabenliste|einkaufsliste = what is on my list *
	was habe|hab ich * vor|geplant = what do i have *
	was habe|hab ich * zu tun|machen|erledigen = what do i have *
	aufgabe|nummer * erledigt|fertig|abgehakt = mark task * as done
	was habe|hab ich * erledigt|geschafft|gemacht|abgeschlossen|abgehakt = what have i completed *
	was muss|soll|sollte ich * machen|tun|erledigen = what do i have *
	was ist * fällig = what is due *
	was ist|sind * offen = what is pending *
	was ist|sind * überfällig = what is overdue *
	was gibt es * zu tun = what do i have *
	was kommt als nächstes * = what is next *
	was ist als nächstes dran * = what is next *
	habe|hab ich * etwas|was vor|geplant = do i have anything *
	ich habe|hab * erledigt|fertig|gemacht|abgeschlossen|geschafft|abgehakt = i just finished *
	ich bin mit * fertig|durch = i just finished *
	mit * bin ich fertig = i just finished *
	muss|soll ich * kaufen|besorgen|anrufen|bezahlen = do i have to errand *
`

// germanFinals are verbs behind what they are about.
const germanFinals = `
	löschen|entfernen|streichen = delete
	hinzufügen|hinzufuegen|anlegen|ergänzen = add
	setzen|schreiben|packen|eintragen = put
	abhaken|erledigen|abschließen|beenden = complete
	markieren|kennzeichnen|setzen = mark
	verschieben|verlegen|vertagen = move
	umbenennen = rename
	ändern|bearbeiten|aktualisieren = change
	zeigen|anzeigen|auflisten|sehen = show me
	wiederherstellen = restore
	wiederholen = repeat
	überspringen = skip
	priorisieren = prioritize
	erinnern = remind me of
`

// germanErrands are the verbs of things to do.
const germanErrands = `kaufen einkaufen besorgen holen abholen anrufen bezahlen zahlen überweisen abgeben einreichen putzen waschen bügeln gießen mähen reparieren
	wechseln verlängern kündigen rausbringen rausstellen wegbringen zurückbringen zurückgeben aufräumen packen abwaschen spülen staubsaugen saugen wischen
	besuchen vorbereiten lernen füttern impfen entkalken einzahlen beantragen tanken aufhängen abtauen ausräumen einräumen entsorgen umtauschen anmelden abmelden
	unterschreiben ausfüllen backen kochen streichen düngen schneiden absagen vereinbaren`

// germanSplit are verbs whose prefix stands at the end.
const germanSplit = `
	füge|füg hinzu = add
	schreib|schreibe|nimm auf = add
	trag|trage|setz|setze ein = add
	leg|lege an = create
	hake|hak|streich|streiche ab = complete
	hake|hak ab = complete
	schließ|schließe ab = complete
	benenn|benenne|nenn|nenne um = rename * to
	schieb|schiebe auf = postpone
	stell|stelle her = restore
	stell|stelle zurück = snooze
	zeig|zeige|list|liste an|auf = show me
	mach|mache rückgängig = undo
	mach|mache auf = reopen
	öffne wieder = reopen
	ruf|rufe an = errand
`

// germanReplies are the sentences and terms of the replies.
var germanReplies = map[string]string{
	replyHelp: "Ich führe deine Aufgabenliste. Du kannst sagen: „Milch und Eier auf die Liste setzen“, „erinnere mich morgen um 17 Uhr daran, Mama anzurufen“, " +
		"„was ist heute fällig“, „3 abhaken“, „Zahnarzt auf Freitag verschieben“, „lösche die Aufgabe Meeting“ oder „rückgängig“.",
	replyHello:          "Hallo. Sag mir, was auf die Liste soll, oder frag, was darauf steht.",
	replyWelcome:        "Gern geschehen.",
	replyBye:            "Bis bald.",
	replyFine:           "Alles bestens, danke. Deine Liste ist in guten Händen.",
	replyAgain:          "Es gibt nichts zu wiederholen. Sag mir, was du mit deiner Liste machen möchtest.",
	replyDoubt:          "Kein Problem. Sag Bescheid, wenn du dich entschieden hast.",
	replyNothingPending: "Es wartet nichts auf eine Antwort.",
	replyUndoHint:       "Sag „rückgängig“, und ich nehme die letzte Änderung zurück.",
	replyLeft:           "Gut, ich lasse alles, wie es ist.",
	replyRefuse:         "Ich kann nur mit deiner Aufgabenliste helfen.",
	replyRest:           "Den Rest kann ich nicht: Ich führe nur deine Aufgabenliste.",

	"Which task shall I %s?": "Welche Aufgabe soll ich %s?", "Which task shall I delete, if any?": "Soll ich eine Aufgabe löschen, und welche?",
	"Which task do you mean?": "Welche Aufgabe meinst du?", "Which one do you mean: %s?": "Welche meinst du: %s?",
	"I am not sure about %s. Do you mean %s?":                        "Bei %s bin ich nicht sicher. Meinst du %s?",
	"I found no task like %s. Which one shall I %s?":                 "Ich finde keine Aufgabe wie %s. Welche Aufgabe soll ich %s?",
	"I found no such tasks%s. Which ones shall I %s?":                "Ich finde keine solchen Aufgaben%s. Welche Aufgaben soll ich %s?",
	"There is no list to count in. Which task shall I %s?":           "Es gibt keine Liste zum Abzählen. Welche Aufgabe soll ich %s?",
	"I keep a list of tasks, not a calendar. Which task shall I %s?": "Ich führe eine Aufgabenliste, keinen Kalender. Welche Aufgabe soll ich %s?",
	"There is no task %d. Which one do you mean?":                    "Es gibt keine Aufgabe %d. Welche meinst du?", "There is no task %d.": "Es gibt keine Aufgabe %d.",
	"It is on your list already.": "Das steht schon auf deiner Liste.", "%s is on your list already.": "%s steht schon auf deiner Liste.",
	"What shall the task be?": "Was soll die Aufgabe sein?", "What shall the task be called?": "Wie soll die Aufgabe heißen?", "What shall I add?": "Was soll ich hinzufügen?",
	"I cannot tell the date of %s: %s. When is it due?": "Das Datum von %s ist unklar: %s. Wann ist die Aufgabe fällig?",
	"What shall the new title be?":                      "Wie soll der neue Titel lauten?", "Which priority: low, medium, high or urgent?": "Welche Priorität: niedrig, mittel, hoch oder dringend?",
	"When shall it be due?": "Wann soll sie fällig sein?", "How often shall it repeat?": "Wie oft soll sie sich wiederholen?",
	"Shall it be earlier or later?": "Früher oder später?", "Which task shall I move, and to when?": "Welche Aufgabe soll ich verschieben, und auf wann?",
	"What shall I change about it?": "Was soll ich daran ändern?", "What shall I do with it?": "Was soll ich damit machen?",
	"There is no task yet that this could change.":                    "Es gibt noch keine Aufgabe, die das ändern könnte.",
	"I have no alarms. Which task shall I change?":                    "Wecker habe ich keine. Welche Aufgabe soll ich ändern?",
	"I have no alarms, but I can remind you of a task. When shall I?": "Wecker habe ich keine, aber ich kann dich an eine Aufgabe erinnern. Wann?",
	"There is one list, and tags to group it. What shall I add?":      "Es gibt eine Liste und Tags zum Ordnen. Was soll ich hinzufügen?",
	"What shall I remind you of?":                                     "Woran soll ich dich erinnern?", "When shall I remind you?": "Wann soll ich dich erinnern?",
	"Add %s%s as a task?": "%s%s als Aufgabe hinzufügen?", "That day has passed. Add %s%s as a task?": "Dieser Tag ist vorbei. %s%s als Aufgabe hinzufügen?",
	"There is already such a task. Add another one?":          "Eine solche Aufgabe gibt es schon. Noch eine hinzufügen?",
	"There is already an open task %s (%d). Add another one?": "Es gibt schon eine offene Aufgabe %s (%d). Noch eine hinzufügen?",

	"This waits for your yes.": "Das wartet auf dein Ja.", "That did not work; nothing was changed by it.": "Das hat nicht geklappt; geändert wurde dadurch nichts.",
	"Added %s.": "Hinzugefügt: %s.", "Changed %s.": "Geändert: %s.", "Changed %d tasks: %s.": "%d Aufgaben geändert: %s.",
	"Completed %s.": "Erledigt: %s.", "Reopened %s.": "Wieder offen: %s.", "Deleted %s.": "Gelöscht: %s.",
	" for %s": " für %s", "%s priority": "Priorität %s", "reminder %s": "Erinnerung %s", "%d more": "%d weitere", "and %d more": "und %d weitere",
	"You have no tasks%s.": "Du hast keine Aufgaben%s.", "You have no pending tasks%s.": "Du hast keine offenen Aufgaben%s.",
	"You have no completed tasks%s.": "Du hast keine erledigten Aufgaben%s.", "You have no overdue tasks%s.": "Du hast keine überfälligen Aufgaben%s.",
	"You have no deleted tasks%s.": "Du hast keine gelöschten Aufgaben%s.", "Nothing changed.": "Nichts geändert.", "Skipped %s.": "Übersprungen: %s.",
	"Snoozed %s.": "Zurückgestellt: %s.", "You have %d %s.": "Du hast %d %s.", "You have %d %s:": "Du hast %d %s:", "Next:": "Als Nächstes:", "done": "erledigt",
	"Nothing on your list is called %s. The nearest:": "Nichts auf deiner Liste heißt %s. Am ähnlichsten:",
	" about %s": " zu %s", " without a due date": " ohne Datum", " from %s to %s": " vom %s bis %s", " from %s": " ab %s", " until %s": " bis %s",
	" with %s priority": " mit Priorität %s", " tagged %s": " mit %s", "and": "und", "or": "oder", "repeats %s": "wiederholt sich %s", "every %s %s": "alle %s %s",
	"tasks": "Aufgaben", "task": "Aufgabe", "pending tasks": "offene Aufgaben", "pending task": "offene Aufgabe", "completed tasks": "erledigte Aufgaben",
	"completed task": "erledigte Aufgabe", "overdue tasks": "überfällige Aufgaben", "overdue task": "überfällige Aufgabe", "deleted tasks": "gelöschte Aufgaben",
	"deleted task": "gelöschte Aufgabe", "urgent": "dringend", "high": "hoch", "medium": "mittel", "low": "niedrig",
	"delete": "löschen", "complete": "abhaken", "reopen": "wieder öffnen", "restore": "wiederherstellen", "skip": "überspringen", "snooze": "zurückstellen",
	"leave alone": "in Ruhe lassen", "stop repeating": "nicht mehr wiederholen", "change": "ändern", "tag": "mit einem Tag versehen",
	"add the note to": "mit der Notiz versehen", "describe": "beschreiben", "rename": "umbenennen", "move": "verschieben", "remind you of": "dir in Erinnerung rufen",

	"remind me to %s": "erinnere mich daran %s", "%s to %s": "%s auf %s", "add %s to my list": "füge %s zu meiner Liste hinzu", "at %s": "um %s Uhr",

	"there are several dates": "es sind mehrere Tage", "a range of dates is no due date": "ein Zeitraum ist kein Fälligkeitsdatum",
	"a range of days is no due date": "ein Zeitraum ist kein Fälligkeitsdatum", "a range is no due date": "ein Zeitraum ist kein Fälligkeitsdatum",
	"the weekday and the date disagree": "Wochentag und Datum passen nicht zusammen", "there is no such day": "diesen Tag gibt es nicht",
	"this repetition is not supported": "diese Wiederholung geht nicht", "there are several repetitions": "es sind mehrere Wiederholungen",
	"there are several times": "es sind mehrere Uhrzeiten", "this repetition never occurs": "diese Wiederholung kommt nie vor",
	"a time of another zone is not understood": "die Uhrzeit einer anderen Zeitzone verstehe ich nicht",
}

// german makes the tongue of its tables.
func german() *tongue {
	g := &tongue{
		words: rows(germanWords), finals: rows(germanFinals), split: map[[2]string]string{}, errands: map[string]bool{}, says: germanReplies,
		pronouns: map[string]string{"das": "that", "den": "that", "die": "them", "diese": "them", "dieses": "that"},
		dayLeads: wordSet("am zum bis vom den der ab jeden dem"),
		leading:  []string{"am ", "um ", "auf ", "bis ", "für ", "zu "},
		days:     [7]string{"So", "Mo", "Di", "Mi", "Do", "Fr", "Sa"},
		months:   [12]string{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"},
		dayForm: func(weekday string, day int, month string, year int) string {
			return fmt.Sprintf("%s %d. %s %d", weekday, day, month, year)
		},
		units:     map[string]string{"DAILY": "Tage", "WEEKLY": "Wochen", "MONTHLY": "Monate", "YEARLY": "Jahre"},
		everyUnit: map[string]string{"DAILY": "täglich", "WEEKLY": "jede Woche", "MONTHLY": "jeden Monat", "YEARLY": "jedes Jahr"},
	}
	for words := range g.words {
		g.longest = max(g.longest, len(strings.Fields(words)))
	}
	for w := range strings.FieldsSeq(germanErrands) {
		g.errands[tandem.Fold(w)] = true
	}
	for line := range strings.Lines(germanSplit) {
		from, whole, _ := strings.Cut(line, "=")
		places := strings.Fields(tandem.Fold(from))
		for verb := range strings.SplitSeq(strings.Join(places[:min(1, len(places))], ""), "|") {
			for prefix := range strings.SplitSeq(strings.Join(places[min(1, len(places)):], ""), "|") {
				g.split[[2]string{verb, prefix}] = strings.TrimSpace(whole)
			}
		}
	}
	for line := range strings.Lines(germanOrders) {
		if from, to, ok := strings.Cut(line, "="); ok {
			g.orders = append(g.orders, orderOf(from, to))
		}
	}
	return g
}

// rows reads lines of "words|words = words". In a row of several places each may have forms of its own.
func rows(lines string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(lines) {
		from, to, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		for _, words := range alternatives(from) {
			if _, taken := out[words]; !taken {
				out[words] = strings.TrimSpace(to)
			}
		}
	}
	return out
}

func alternatives(from string) []string {
	var out []string
	for form := range strings.SplitSeq(tandem.Fold(strings.TrimSpace(from)), "|") {
		out = append(out, strings.TrimSpace(form))
	}
	return out
}
