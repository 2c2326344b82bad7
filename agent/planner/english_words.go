package planner

var englishFilters = filters{
	overdue: compileAll(`
		overdue|late|outdated
		past due
		behind schedule
	`),
	undated: compileAll(`
		without a|any? due? date|deadline|time
		with no due? date|deadline|time
		undated|unscheduled
		that|which? have|has|having|got no due? date|deadline
	`),
	pending: compileAll(`
		not|isnt|arent|havent yet? been? {done} yet?
		pending|open|incomplete|unfinished|outstanding|remaining|active|undone|uncompleted
		still to do|open
		left to do
		to be done
	`),
	finished: compileAll(`
		completed|finished
		already done|closed
		done|closed tasks|todos|items|ones|things
		is|are|been done|closed
		marked as? {done}
	`),
	trashed: compileAll(`
		deleted|trashed|removed
		in the? trash|bin
	`),
	priority: compileAll(`
		with? a|the? {level}|highest|lowest priority
		priority {level}|highest|lowest
		of {level} priority
	`),
	urgent: compileAll(`
		urgent|critical|important|unimportant|p1|p2|p3|p4
	`),
	tagged: compileAll(`
		tagged|labeled|labelled as|with|under?
		with the|a? tag|tags|label|labels
		having|has|under the? tag|tags|label
	`),
	all: compileAll(`
		all|every|each|everything|any of? {my}? single?
		all|both of? {my}?
	`),
	relative: compileAll(`
		that|which are|is|were|was|i|i|have|had? planned|scheduled|set|have|due|made|created|got?
		due|scheduled|planned|set|happening|coming up?|for|on|at?
	`),
	period: compileAll(`
		this|current|coming|next|following week|month|weekend
		the? next|coming|following {number}|two|three|four|five|six|seven|eight|nine|ten|few|couple days|weeks|months
		the weekend
	`),
}

var englishWords = vocabulary{
	determiners: wordSet(classes["{det}"]),
	foreign: wordSet(`song songs playlist music track album radio volume light lights lamp heating thermostat mode wifi bluetooth tv phone contact contacts
		account accounts card cards balance reservation reservations flight flights hotel room rooms table uber taxi cab weather news email emails inbox
		photo photos video movie movies restaurant restaurants recipe recipes stock stocks game games podcast podcasts episode audiobook accent voice language name
		speed settings history speech checking savings bank credit pin ticket tickets order orders package user theater tweet twitter facebook instagram store stores insurance`),
	hired:       wordSet(`ticket tickets cab taxi uber lyft flight flights hotel card cards`),
	assistants:  wordSet(`alexa olly siri google please pls plz kindly`),
	frequencies: wordSet(`daily weekly monthly yearly annual hourly biweekly quarterly`),
	plain: wordSet(`what whats which when where who how many much is are was were do does did have has had i me my you your show list tell give get read see
		view display find check know let us hear review time day any got there still left going coming up next supposed kind sort of need be hows whens wheres
		currently right now yet already am free busy available work focus tackle start should must shall can look like looking happening stuff upcoming
		contents content details due plate available summary current full entire whole new put get down also existing add added adding told only last want wanted wish would
		remember remind please be item entry all every everything it them those these most important urgent go through over back about year reminded reminder done`),
	pairs: map[string]bool{
		"mac and cheese": true, "macaroni and cheese": true, "fish and chips": true, "salt and pepper": true, "bread and butter": true,
		"peanut butter and jelly": true, "gin and tonic": true, "bacon and eggs": true, "oil and vinegar": true, "rock and roll": true, "bed and breakfast": true, "terms and conditions": true,
	},
	taskNouns: wordSet("task tasks todo todos reminder reminders chore chores errand errands deadline deadlines assignment assignments"),
	eventNouns: wordSet(`meeting meetings appointment appointments appoints appt event events birthday birthdays anniversary party parties concert wedding
		conference lunch dinner breakfast brunch interview interviews exam exams flight practice calls class lesson marathon game alarm alarms
		notification notifications date dates plans seminar workshop session sessions trip vacation holiday ceremony service services visit activity activities marriage`),
	meetings: wordSet(`meeting meetings appointment appointments appt event lunch dinner breakfast brunch interview party session conference birthday
		anniversary wedding class lesson exam dentist checkup standup reunion ceremony`),
	wideNouns:     wordSet("event events calendar schedule schedules agenda plan plans appointments activities date dates things everything anything stuff planner"),
	listNouns:     wordSet("list lists todo todos checklist tasks reminders inbox backlog wishlist board"),
	calendarNouns: wordSet("calendar calender schedule agenda diary"),
	generic: wordSet(`task tasks todo item items reminder reminders entry thing something anything stuff list lists event events it this that these those them one
		new a an the my note notes appointment date alarm notification series group another there here everything done next first second third last two three ok`),
	it:      wordSet("it this that one same"),
	them:    wordSet("them these those both they"),
	parts:   wordSet("morning mornings afternoon afternoons evening evenings night nights tonight"),
	edges:   wordSet("before after until till since by from"),
	numbers: map[string]int{"two": 2, "couple": 2, "three": 3, "few": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10},
}

// levelNames maps words to priorities.
var levelNames = map[string]string{
	"urgent": "urgent", "critical": "urgent", "top": "urgent", "highest": "urgent", "high": "high", "higher": "high", "important": "high",
	"medium": "medium", "normal": "medium", "low": "low", "lower": "low", "lowest": "low", "p1": "urgent", "p2": "high", "p3": "medium", "p4": "low",
	"unimportant": "low",
}
