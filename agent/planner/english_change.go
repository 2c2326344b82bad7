package planner

var englishChanges = changes{
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
	mark: compileAll(`
		mark|set|flag|consider|count|put|move
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
		i already|just? paid|bought|phoned|emailed|mailed|sent|submitted|returned|watered|fed|washed|renewed|booked|filed|mowed
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
	removedTail: compileAll(`
		to? be? removed|deleted|erased|cleared|emptied|wiped|gone|cancelled|canceled
		taken off
	`),
	noLonger: compileAll(`
		i dont|do|no not|longer need|want|have
		i dont need|want|have
		i no longer need|want|have
		we dont need|want
		dont need
	`),
	takeOff: compileAll(`take|get|strike|scratch|cross`),
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
	setAs: compileAll(`
		make|mark|set|change|flag|bump|turn|raise|lower|move|put|treat|consider
	`),
	levelEnd: compileAll(`
		to|as|is|be|a|up|down? to|as? a|be? {level}|lower|higher|highest|lowest|p1|p2|p3|p4 priority?
		to|as|is|be? priority {level}
		{level} priority
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
	thisTime: compileAll(`
		this time|week|month|once|one
		once
		just this once
		for this|the time|week|month
		next time|one
	`),
	wholeSeries: compileAll(`
		the? whole|entire|full series of?
		the? series of?
		and all future|following occurrences|ones
		with all occurrences
		all occurrences|repetitions of
	`),
	anymore: compileAll(`
		anymore
		any more|longer
		now
	`),
}

var englishQuestions = questions{
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
		anything|something|whats|what {level} still? left|pending|open|due|overdue|outstanding|remaining
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
	find: compileAll(`
		search|find|look for the|my?
		search|find the|my?
	`),
	free: compileAll(`
		am i free|busy|available|booked
		do i have time
		is|are my _ free|busy|clear|open
	`),
}
