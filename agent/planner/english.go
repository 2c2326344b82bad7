package planner

// classes are the words that patterns name in braces.
var classes = map[string]string{
	"{det}":   "a an the my our your this that these those some another any his her their",
	"{my}":    "a an the my our your this that these those all",
	"{task}":  "task todo item reminder entry thing chore errand",
	"{tasks}": "tasks todos items reminders entries things chores errands everything",
	"{done}":  "done complete completed finished closed off",
	"{level}": "urgent critical high medium normal low top important",
	"{soft}":  "please just also kindly maybe quickly really now then so",
	"{mgmt}": "add mark delete remove complete remind show list move reschedule postpone rename change set make tag untag snooze skip finish tick " +
		"check cross restore undo erase scrap drop put push update reopen",
}

// lexicon is what the planner knows of a language.
type lexicon struct {
	address, polite, trailing     patterns // around a request
	joints, openEnded, management patterns

	greeting, thanks, farewell, approval, refusal, doubt, again, wellbeing, help, calm, regret patterns

	undo, correction patterns

	remind, recall, inform, note, newTask, asTask, keep, schedule, alarm, alarmOff, newList, removedTail, listShould, need, wish patterns
	errand, errandNot, service, question                                                                                         patterns

	mark, complete, completeTail, doneWith, done, reopen, reopenTail patterns
	wants, lateRemind, notes, setAs, levelEnd                        patterns
	remove, noLonger, takeOff, unremind, never                       patterns
	skip, snooze, restore, stopRepeat                                patterns

	rename, retitle, edit, move, earlier, dueDate, levelOf, raise, lower patterns
	tagOn, tagAs, tagOff, noteOn, describe, repeatVerb, clearField       patterns

	show, ask, holds, whether, whenIs, planned, next, left, count, mustI, free patterns

	taskNouns, eventNouns, wideNouns, listNouns, calendarNouns, generic, it, them, parts map[string]bool
	determiners, meetings, foreign, hired, plain, pairs, assistants, frequencies         map[string]bool
}

var english = lexicon{
	address: compileAll(`
		hey|hi|hello|ok|okay|olly|alexa|siri|google|tandem|please|pls|plz|kindly|so|well|um|uh|oh|and|also|then|yes|yeah|sure|alright|right|but|just|ai|robot
		hey|hi|ok there
		while youre|were at it
		while you are at it
		go ahead and
		by the way
		good morning|afternoon|evening
		if not|so|possible
		if its not too much trouble
		if it is not too much trouble
		if you dont mind
		if you can|could|please|would
		do me a favor|favour and?
	`),
	polite: compileAll(`
		can|could|would|will you {soft}?
		i want|need you to
		i would like you to
		id like you to
		id love for you to
		i was wondering if you could|can|would
		would you mind
		do you mind
		make sure to|you|that
		be sure to
		you can|could|should|may
		i need|want|would help|assistance
		help me
	`),
	trailing: compileAll(`
		if i havent|dont|didnt already|yet
		if its|it not|isnt already? there
		please|pls|plz|thanks|thx|cheers|now|ok|okay|alexa|olly|siri|tandem
		thank you
		for me
		right now
		if you can|could
		will you
		would you
		as well
		too
	`),
	joints: compileAll(`
		and? if not|so
		and then
		and also
		and afterwards
		and while youre|were at it
		then
		also
		and
		but
		plus
	`),
	openEnded: compileAll(`
		remind me|us
		i need|have|want|must|should|got|ought to
		i must|should|gotta
		dont let me forget
		dont forget
		note
		todo
		add|create|make|set {det}? new? {task} to|for|about|called|named|that
		remember to
	`),
	management: compileAll(`
		{mgmt}
		take|cross|check|tick|strike|scratch {det}
		take|cross|check|tick it|that|them
		get rid
		i need|want|would to|like
		call it
	`),

	greeting: compileAll(`
		hi|hello|hey|hiya|howdy|yo|greetings|hallo there|again|ai|tandem|you|everyone|buddy|friend?
		good morning|afternoon|evening|day tandem|ai|there?
		hi|hello|hey there? good morning|afternoon|evening
		whats up|new
		sup
		nice to meet you
	`),
	thanks: compileAll(`
		thank you
		thanks
		thx|ty|cheers
		many thanks
		i appreciate
		much appreciated
		i really appreciate
		great|good|nice|well|awesome|perfect|excellent job|work|done|one?
		great|perfect|awesome|cool|nice|excellent thanks?
		i would like to thank
	`),
	farewell: compileAll(`
		bye|goodbye|ciao|farewell|later bye|now|then|for|all?
		good bye|night
		bye bye
		see you|ya
		catch|talk|speak to? you later|soon|tomorrow
		talk to you later|soon
		have a nice|good|great|lovely day|one|evening|night|weekend
		take care
		until next time
		enjoy your day
		it was great|nice|good|lovely|awesome|fun
		it was really great|nice|good|lovely|awesome|fun
	`),
	approval: compileAll(`
		yes|yeah|yep|yup|sure|ok|okay|absolutely|definitely|certainly|correct|right|true|affirmative|indeed|exactly|agreed|fine please|thanks|sir|maam?
		of course
		thats|that is|would right|correct|true|fine|good|it|be right|correct|true|fine|good?
		that would be right|correct|true|fine|good|great
		youre|you right|are correct?
		you are right|correct
		sounds good|great|right
		do it
		go ahead
		please do
		lets do it|that
		roger that?
		you got it
		i agree
		i think so
		i believe so
		my answer is yes
		yes that|this|it is|thats
	`),
	refusal: compileAll(`
		no|nope|nah|never|negative|incorrect|wrong|false no|way|thanks|sir|not|thank?
		no thank you
		not really|at|now|yet
		certainly|definitely|absolutely not
		that|it isnt|is not?
		thats not|wrong|incorrect|false
		that is|isnt not|so|wrong|incorrect|false|right|correct?
		i dont think|want|agree
		youre|you wrong|are mistaken?
		my answer is no
	`),
	doubt: compileAll(`
		maybe|perhaps|possibly|dunno|whatever
		im not sure|certain|completely|really|actually|entirely
		i am not|unsure|really sure|certain|able|completely?
		i am really not
		i do not|dont really? know
		i cant|cannot say|tell|decide
		could|might be
		it depends
		either or|way|one
		no idea
		who knows
		i think maybe
		i have no idea
		hard to say|tell
	`),
	again: compileAll(`
		repeat that|it|please|this|yourself
		repeat
		say that|it again
		say again
		come again
		what did you say
		what was that
		i didnt catch|hear|get|understand
		i did not catch|hear|get|understand
		sorry i? didnt|missed|did
		sorry i missed
		pardon me?
		one more time
		once more
		repeat what|the|your last|you|question|answer?
	`),
	wellbeing: compileAll(`
		how are|is|r you|your|u
		hows it|your|everything|life
		how do you feel|do
		are you ok|okay|alright|good|well|fine|doing|feeling
		how have you been
		hope youre|you
		tell me how you|youre
	`),
	help: compileAll(`
		help me? out?
		help
		what can you|i do|say|ask
		what do you do
		how do you|i work|use|this
		how does this|it work
		what are your commands|features|capabilities|abilities
		commands
		usage
	`),
	calm: compileAll(`
		cancel that|it|this|the|my|request|last|please
		cancel
		stop it|that|now|this|talking|what|the
		stop
		forget it|that|about|what
		never mind
		nevermind
		ignore that|it|this|the|what
		abort
		quiet
		shut up|it|down
		be quiet
		enough
		leave it
		scratch that
		please cancel
		no cancel that|it
	`),
	regret: compileAll(`
		that was a|my mistake|error|accident|wrong
		oops|whoops
		my bad|mistake
	`),

	undo: compileAll(`
		undo
		revert that|it|this|the|my|last
		take that|it back
		roll that|it|back back?
		reverse that|the last
		bring that|it back
		put that|it back
	`),
	correction: compileAll(`
		no wait|sorry|actually|make|its|i|not?
		no i meant|mean
		no not|make
		no its|it|that
		no
		i meant|mean
		actually no?
		actually make it|that
		sorry i? meant|mean
		sorry
		oops i? meant|mean
		oops
		wait no?
		make it|that
		rather
		or rather
		correction
		not that
		change it|that to
		change that
	`),

	remind: compileAll(`
		remind|reminding me|us again? to|about|of|that|for
		remind|reminding me|us
		remind to|about
		remind
		set|make|create|add|give|send|get|put|schedule|leave|build me|us|up? {det}? _? _? reminder|reminders|notification|notifications notification|alert? for me to|about|of|that
		set|make|create|add|give|send|get|put|schedule|leave|build me|us|up? {det}? _? _? reminder|reminders|notification|notifications notification|alert? to|about|of|that|for|on|every|saying
		set|make|create|add|give|send|get|put|schedule|leave|build me|us|up? {det}? _? _? reminder|reminders|notification|notifications notification|alert?
		set my calendar to remind me to|about
		new|another reminder to|about|of|that|for?
		i need|want|would a like|reminder reminder? to|about|for|that
		i would like a reminder to|about|for|that
		id like a reminder to|about|for|that
		i need|want a reminder
		i want|need|wish to be reminded to|about|of|that|when
		id like|love to be reminded to|about|of|that|when
		i would like|love|need to be reminded|notified|alerted to|about|of|that|when
		reminder to|about|for|that
		dont let me forget to|about|that
		dont let me forget
		dont forget to|about remind|tell me|us to|about|of|that
		dont forget to
		do not|never let me forget to|about|that
		make sure i dont forget to|about
		make sure i remember to
		make sure to remind me to|about|of|that
		i dont want to forget to|about|that
		i do not want to forget to|about|that
		i must|shouldnt|mustnt not? forget to|about|that
		i should not forget to|about|that
		i cant|cannot forget to|about
		i need|have|want|got to remember to|about|that
		i must|should remember to|about|that
		help me remember|to remember|to? to|about|that?
		tell me later to
	`),
	inform: compileAll(`
		alert|notify|ping|nudge|tell|inform|warn me to|about|of|when|that|if|before|at|on|in|once
		let me know when|once|at|on|in|if
	`),
	note: compileAll(`
		save the|that date for|of
		note to self that|to?
		note that|down|:
		memo|todo that|to|down|:?
		make|take|write|jot a note|memo of|to|that|about|down?
		write|jot down that|to?
		remember to|that
	`),
	newTask: compileAll(`
		add|create|make|start|open|enter|log|record|give|set|insert|file me? up? {det}? new|simple|quick|following|high|urgent|another? priority? tasks|todos|task|todo|chore|errand|todoitem item? to|for|called|named|titled|about|that|saying|of|is|says|reads?
		new tasks|task|todo item? to|for|called|named|titled|about|that?
		task|todo|tasks|todos to|:|-
		i have|need|want|got a new? task|todo item? to|for|called|named|about
		i would like a new? task|todo to|for|called|named|about
		my next task is to?
		add|create|put these|those|this|the? following? tasks|items|things|todos? :
	`),
	asTask: compileAll(`
		as {det}? new? task|todo|reminder item?
		into a new? task|todo
		a task|todo
	`),
	keep: compileAll(`
		add|include|append|insert|tack|throw|enter|jot|write|log|stick|place|save|slip|pop|note on|in|down?
		put|set|mark
	`),
	recall: compileAll(`
		remind me|us what|whats|who|whos|where|how|why|which|whether
		remind me|us of|about all? {my}? items|tasks|list|lists|reminders|things|todos|todo|appointments|meetings|schedule|calendar
	`),
	newList: compileAll(`
		i need|want a|an|another new? _? list
		create|make|start|begin|new|build|set|generate me|up? {det}? new|empty? _? _? _? list|lists|playlist|checklist
	`),
	alarmOff: compileAll(`
		turn|switch|shut off _? _? _? _? alarm|alarms
		turn|switch|shut _? _? _? _? alarm|alarms off
		disable|deactivate|stop|silence|mute|kill|cancel|remove|delete|dismiss _? _? _? _? alarm|alarms
		change|update|edit|move|reset|adjust _? _? _? alarm|alarms
		do not|never wake me
		dont wake me
		i dont want any|an alarm|alarms
	`),
	removedTail: compileAll(`
		to? be? removed|deleted|erased|cleared|emptied|wiped|gone|cancelled|canceled
		taken off
	`),
	listShould: compileAll(`
		{my}? _? list should|must|needs also? to? have|contain|include
	`),
	schedule: compileAll(`
		schedule|plan|arrange|organize|organise|setup me|us?
		set up me|us?
		set|create|add|put|pencil|make in? me|us?
		new calendar?
		i need|want
		i would like
		id like
	`),
	alarm: compileAll(`
		set|create|make|add|put|start|schedule|turn|give|new|need|want|have me|on|us|up? {det}? new|another? alarm|alarms clock? for|at|on|to|set?
		i need|want|would|have an|like|to a|an|set|have? alarm set|for|at?
		i would|d like|love an|to alarm|have|set an? alarm? set|for?
		id like|love an|to alarm|have|set an? alarm? set|for?
		wake me up? at|by|in|on|with|for?
		get me up at|by|in
		alarm for|at|on?
		i need you to wake me up? at|by
	`),
	wish: compileAll(`
		i would|d like|love|want to
		id like|love|want to
		i want|wanna to?
		can|could|may|might i|we
		lets
	`),
	need: compileAll(`
		make sure that? i|we
		i need|have|got|ought|want|intend|plan to
		i must|should|gotta
		i will|still need|have to
		ive got to
		i have got to
		im supposed to
		i really|also|still need|have|must|should to?
		ill have|need to
		need|have|gotta|must to
		we need|have|must|should to
		we must|should
	`),
	errand: compileAll(`
		email|mail _ _? about|re|regarding|the|back
		buy|purchase|phone|pay|submit|renew|mow|iron|proofread|visit|wash|repair|fix|replace|return|defrost|sweep|mop|feed|pack|rsvp|study|prepare|prep|clean|vacuum|call|water|declutter|weed|dust|tidy
		ring mom|mum|dad
		pick up
		pick {det} _? _? up
		drop off
		walk {my} dog|dogs
		take out {my} trash|garbage|rubbish|bins|recycling|bin
		take {my} trash|garbage|rubbish|bins|recycling|bin out
		get milk|eggs|bread|groceries|gas|stamps
		file {my}? tax|taxes
		do {my} laundry|dishes|taxes|homework|ironing|shopping
		finish|write {my}? report|essay|presentation|thesis|homework|proposal|blog|article
		sign up|off|the
		fill out|in
		hang up|the
		change the sheets|bulb|filter|lightbulb
		charge {my}? laptop|bike|camera|drone
		backup {my}
		back up {my}
	`),
	errandNot: compileAll(`
		call me|you|yourself|it|up|him|for|up|out|them|her|to
		call {det}? cab|taxi|uber|lyft|helpdesk
		call me a cab|taxi|uber|lyft
		pay attention|with|me
		buy me|it
		fix it|this|that
		clean|vacuum|sweep|mop {my}? house|floor|floors|carpet|carpets|room|rooms|flat|apartment|home|rug|car|it|up
		clean|vacuum
		email|mail me|it|this|that|them|him|her|to
	`),
	service: compileAll(`
		book me|us
		book {det}? _? _? flight|flights|hotel|room|table|ticket|tickets|car|ride|taxi|cab|uber|train|trip
		play|transfer|order|turn|open|launch|start|stop|pause|resume|skip|sing|translate|convert|define|spell|calculate|compute|roll|flip|toss|tell|give|find|search|navigate|direct|locate|track|reserve|freeze|unfreeze|block|unblock|activate|deactivate|enable|disable|report|sync|speak|talk|whisper|recommend|suggest|explain|describe|increase|decrease|raise|lower|mute|unmute|dim|brighten|adjust|switch|text|message|tweet|post|dial|show|read|check|look|get|send|share|say|answer|google|compare|estimate|download|upload|stream|shuffle|connect|pair|reset|restart|reboot|shut|unlock|lock|rate|like|dislike|save|record|take|bring|be|go|let|make|change|set|help|create|generate|compile|design|draw|simulate|confirm|apply|redeem|withdraw|deposit|exchange|rent|hire|call|email|begin|move|keep|use|know|hear|see|listen|understand|learn
	`),
	question: compileAll(`
		what|whats|when|whens|where|wheres|who|whos|whom|whose|how|hows|why|whys|which|is|are|am|was|were|do|does|did|has|have|had|should|shall|will|would|could|can|may|might|isnt|arent|doesnt|didnt|dont|wont|cant
	`),

	mark: compileAll(`
		mark|set|flag|consider|count|put|move
	`),
	wants: compileAll(`
		i need|want|have|got
		i would|d like
		id like|love
		i really|also|still need|want
		we need|want
		i want|need|have to do?
		need
		the? list should|must also? have|contain|include
		should|must also? have|contain
	`),
	lateRemind: compileAll(`
		and|,|-|please? create|set|make|add|send|give|put me? a|an|the? reminder|notification|alert
		and|,? please? remind me
	`),
	notes: compileAll(`
		with|and the|a? note|notes|description|comment|details :|that|saying|says?
		note|notes|description|details :
	`),
	setAs: compileAll(`
		make|mark|set|change|flag|bump|turn|raise|lower|move|put|treat|consider
	`),
	levelEnd: compileAll(`
		to|as|is|be|a|up|down? to|as? a|be? {level}|lower|higher|highest|lowest|p1|p2|p3|p4 priority?
		to|as|is|be? priority {level}
		{level} priority
	`),
	complete: compileAll(`
		complete|finish|close|accomplish|resolve
		tick|check|cross|strike|mark off
		tick|cross|strike
		check {my}? task|number|item
		check {mention}
	`),
	completeTail: compileAll(`
		as|to|is|off|: {done}
		{done}
	`),
	doneWith: compileAll(`
		im|i am? done|finished|through with
		ive|i have? already|just? completed|finished|done
		i already|just? completed|finished|did
		done|finished with|:
	`),
	done: compileAll(`
		is|are|was|were|has|have|got already|now|been|all? been? {done}
	`),
	reopen: compileAll(`
		reopen|uncomplete|uncheck|untick|reactivate|unfinish|unmark
		re open
	`),
	reopenTail: compileAll(`
		as|is|are|to? still|back? not yet? {done} yet?
		as|is|are|to? still|back? incomplete|pending|open|undone|unfinished|todo|active|uncompleted again?
		isnt|arent|wasnt {done} yet?
	`),
	remove: compileAll(`
		delete|remove|erase|scrap|trash|bin|discard|drop|eliminate|dump|ditch|nuke|purge|cancel|clear|wipe|empty|clean|kill|axe
		make sure there is|are no|not
		get rid of
		throw away|out
		clear|wipe|clean out|off|up
		cross|strike|scratch
		take out|off
	`),
	noLonger: compileAll(`
		i dont|do|no not|longer need|want|have
		i dont need|want|have
		i no longer need|want|have
		we dont need|want
		dont need
	`),
	takeOff: compileAll(`take|get|strike|scratch|cross`),
	never: compileAll(`
		dont|never|not
		do not|never
	`),
	unremind: compileAll(`
		dont|never|stop remind|reminding me|us again|anymore? of|about|to
		do not remind me|us again|anymore? of|about|to
	`),
	skip: compileAll(`
		skip
	`),
	snooze: compileAll(`
		snooze
		remind me again about|of?
	`),
	restore: compileAll(`
		restore|undelete|recover
		bring back
		un delete
	`),
	stopRepeat: compileAll(`
		stop|quit|cancel|end repeating|recurring
		stop|quit reminding me|us of|about
		stop|quit|cancel|end {my}? repetition|recurrence|repeat|repeats of|for|on
		dont|never repeat
		make {det}? _? _? non recurring
		remove|clear|delete the? recurrence|repetition|repeat from|of|on|for
	`),

	rename: compileAll(`
		rename|retitle
	`),
	retitle: compileAll(`
		change|edit|update|set|correct|modify {my}? title|name|text|wording|description of|for|on
		change|edit|update|set|correct|modify {my}? title|wording
	`),
	edit: compileAll(`
		change|edit|update|correct|modify|amend|adjust|alter|set|make|turn|schedule|plan
	`),
	move: compileAll(`
		put off
		push|set|move|put back
		bring|move|push forward|up
		pull in|forward
		reschedule|postpone|delay|defer|move|push|shift|bump|bring|re
	`),
	earlier: compileAll(`bring forward|up
		pull in|forward
		move|push up`),
	dueDate: compileAll(`
		change|set|move|update|edit|make|push|shift|put|adjust|modify {my}? new? due|deadline date|time? of|for|on|to?
		change|set|move|update|edit|make|adjust|modify {my}? new? date|time|deadline of|for|on
	`),
	levelOf: compileAll(`
		set|change|make|update|raise|lower|increase|decrease|bump|put|edit|adjust up|down? {my}? priority of|for|on|to
	`),
	raise: compileAll(`
		prioritize|prioritise|expedite
	`),
	lower: compileAll(`
		deprioritize|deprioritise
	`),
	tagOn: compileAll(`
		add|put|attach|apply|give {my}? tag|tags|label|labels
	`),
	tagAs: compileAll(`
		tag|label|categorize|categorise
	`),
	tagOff: compileAll(`
		untag|unlabel
		remove|delete|drop|clear|take {my}? tag|tags|label|labels off?
	`),
	noteOn: compileAll(`
		add|put|attach|write|leave {my}? note|notes|comment|description|details to|on|for|in|under
		add|put|attach|write|leave
		note on|for
	`),
	describe: compileAll(`
		change|set|update|edit {my}? description|note|notes|details of|for|on
		describe
	`),
	repeatVerb: compileAll(`
		repeat
		make|set|have|let
	`),
	clearField: compileAll(`
		remove|clear|delete|drop|unset|cancel {my}? due|deadline|date|description|note|notes|reminder|reminders|priority|tags|labels date|time|level? from|of|for|on
	`),

	show: compileAll(`
		show|list|display|view|see|read|recite|review|find|search|browse|print|open|check|enumerate|summarize|summarise|get|give|tell|pull|bring|iterate|name|confirm|look|go|run|repeat|play|present|retrieve|inspect me|us|over|out|up|through|at|on|for|through|to|back? about|of|the?
		let me see|hear|view|know
		let us see|go|review
		lets see|go|review|check|look through|at|over?
		i want|need|have to see|hear|view|check|review|look at|over|through?
		i want|need to know
		i would like|love to just? see|hear|view|check|know|review|confirm
		id like|love to just? see|hear|view|check|know|review|confirm
		need to check|see|view
		remind me what|of|about|which|when
		details|info|information of|on|about|for
		summary of
	`),
	ask: compileAll(`
		what|whats|which|when|whens|where|wheres|who|whos|how|is|are|am|was|were|do|does|did|has|have|any|anything|any|my|all|isnt|arent|will
	`),
	holds: compileAll(`
		is|are|was|were|did|do|does|have|has|am
	`),
	whether: compileAll(`
		see|check|know|verify if|whether
		find out|see if|whether
		tell|inform me|us if|whether
		let me|us know if|whether
		can|could you tell|see|check me? if|whether
	`),
	whenIs: compileAll(`
		when|whens is|are|s? my
		when|whens is|are|s? the next
		when do|must|should|am i have|need|supposed? to
		when|whens is|are|s? the|my? _ _? _? due
		what|whats time|date|day is|are|of? my
		what|whats the time|date|day|place|location is|are|of my
	`),
	planned: compileAll(`
		do i have|need to be anywhere|somewhere
		what|how about
		what am i doing|going|supposed|up
		what do|have|did i have|got|plan|need planned|scheduled|going|to|on|coming|set|left|up?
		what i am going|doing|supposed
		what i have|need|got planned|scheduled|going|to|on|coming
		whats planned|scheduled|happening|coming|up|going|on
		what is planned|scheduled|happening|coming|up|going|on
		what are my plans
		do i have anything|something|plans|any|much|stuff
		have i got anything|something|plans|any
		is there anything|something
		do? there is|are anything|something|plans
		anything planned|scheduled|due|going|coming|happening|on|i|up
		what|how does|is|looks|hows|whats my day|week|schedule|weekend|month look|like?
		hows|how|whats is|does|my? my day|week|schedule|month look|like|looking?
		did i plan|schedule anything|something
		what kind|sort|sorts of things|stuff|tasks do|should i
		what things|stuff|all do|should|must i
		what should|must|shall|can i do|be|work|focus|tackle|start
	`),
	next: compileAll(`
		whats|what next|up
		whats up? next|first
		what is|comes|are? up? next
		whats my next task|todo|thing|item|reminder|one
		what is my next task|todo|thing|item|reminder|one
		what should|do|must|can|shall i do|be|work|tackle|start on|doing|with? next|first|now
		what should|do|must i do|work on? next|first|now
		next task|todo|up|thing|item|reminder
		what now
	`),
	left: compileAll(`
		whats|what|anything|is|are|still|things|whatever is|are|anything|still? still|left|pending|overdue|open|remaining|outstanding|due|undone|late|incomplete|unfinished|behind|active|completed|done|finished
		whats|what have|did i already|just? completed|complete|done|finished|finish|accomplished|accomplish|achieved|gotten|got
		what|which ive already|just? completed|done|finished
		have i completed|finished|done anything|something
		whats|what is? on my plate|mind|radar
		what else is|do|should
		what do|did i want|need|have|wanted to remember|do
		what do|should|must i need|have to? buy|get|purchase|pick|shop up|for? at|from? the? grocery|local? store|shop|supermarket|market?
		what do i need|have at|from the? grocery|local? store|shop|supermarket|market
		what did i ask|tell|want you to remind me about|of?
		what were|are the things|items|stuff that? i want|wanted|need|needed|have|had to remember|do|buy|get
		am i behind|late|overdue
	`),
	count: compileAll(`
		how many
		count
		number of
	`),
	mustI: compileAll(`
		do|did i have|need|want to
		am i supposed|meant|required to
		should|must i
		was i supposed|meant|going to
	`),
	free: compileAll(`
		am i free|busy|available|booked
		do i have time
		is|are my _ free|busy|clear|open
	`),

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
	it:    wordSet("it this that one same"),
	them:  wordSet("them these those both they"),
	parts: wordSet("morning mornings afternoon afternoons evening evenings night nights tonight"),
}

// levelNames maps words to priorities.
var levelNames = map[string]string{
	"urgent": "urgent", "critical": "urgent", "top": "urgent", "highest": "urgent", "high": "high", "higher": "high", "important": "high",
	"medium": "medium", "normal": "medium", "low": "low", "lower": "low", "lowest": "low", "p1": "urgent", "p2": "high", "p3": "medium", "p4": "low",
	"unimportant": "low",
}
