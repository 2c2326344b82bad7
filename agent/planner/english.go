package planner

var englishTalk = talk{
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
	question: compileAll(`
		what|whats|when|whens|where|wheres|who|whos|whom|whose|how|hows|why|whys|which|is|are|am|was|were|do|does|did|has|have|had|should|shall|will|would|could|can|may|might|isnt|arent|doesnt|didnt|dont|wont|cant
	`),
	service: compileAll(`
		book me|us
		book {det}? _? _? flight|flights|hotel|room|table|ticket|tickets|car|ride|taxi|cab|uber|train|trip
		play|transfer|order|turn|open|launch|start|stop|pause|resume|skip|sing|translate|convert|define|spell|calculate|compute|roll|flip|toss|tell|give|find|search|navigate|direct|locate|track|reserve|freeze|unfreeze|block|unblock|activate|deactivate|enable|disable|report|sync|speak|talk|whisper|recommend|suggest|explain|describe|increase|decrease|raise|lower|mute|unmute|dim|brighten|adjust|switch|text|message|tweet|post|dial|show|read|check|look|get|send|share|say|answer|google|compare|estimate|download|upload|stream|shuffle|connect|pair|reset|restart|reboot|shut|unlock|lock|rate|like|dislike|save|record|take|bring|be|go|let|make|change|set|help|create|generate|compile|design|draw|simulate|confirm|apply|redeem|withdraw|deposit|exchange|rent|hire|call|email|begin|move|keep|use|know|hear|see|listen|understand|learn
	`),
	own: compileAll(`
		send|let|read|order|take|bring|drop|change|write|text|message|rent|learn|start|begin|finish|deposit|exchange|print|design|draw|record|see|go
		turn|check|move|get in|on|over|out|up
		check|book|get|make {det}
	`),
	never: compileAll(`
		dont|never|not
		do not|never
	`),
}

var englishAdding = adding{
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
	recall: compileAll(`
		remind me|us what|whats|who|whos|where|how|why|which|whether
		remind me|us of|about all? {my}? items|tasks|list|lists|reminders|things|todos|todo|appointments|meetings|schedule|calendar
	`),
	inform: compileAll(`
		alert|notify|ping|nudge|tell|inform|warn me to|about|of|when|that|if|before|at|on|in|once
		let me know when|once|at|on|in|if
	`),
	lateRemind: compileAll(`
		and|,|-|please? create|set|make|add|send|give|put me? a|an|the? reminder|notification|alert
		and|,? please? remind me
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
	schedule: compileAll(`
		schedule|plan|arrange|organize|organise|setup me|us?
		set up me|us?
		set|create|add|put|pencil|make in? me|us?
		new calendar?
		i need|want
		i would like
		id like
	`),
	attends: compileAll(`
		i|we have|got a|an|my|our
		ive|weve got a|an|my|our
		i|we have got a|an|my|our
		theres a|an
		there is a|an
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
	alarmOff: compileAll(`
		turn|switch|shut off _? _? _? _? alarm|alarms
		turn|switch|shut _? _? _? _? alarm|alarms off
		disable|deactivate|stop|silence|mute|kill|cancel|remove|delete|dismiss _? _? _? _? alarm|alarms
		change|update|edit|move|reset|adjust _? _? _? alarm|alarms
		do not|never wake me
		dont wake me
		i dont want any|an alarm|alarms
	`),
	newList: compileAll(`
		i need|want a|an|another new? _? list
		create|make|start|begin|new|build|set|generate me|up? {det}? new|empty? _? _? _? list|lists|playlist|checklist
	`),
	listShould: compileAll(`
		{my}? _? list should|must|needs also? to? have|contain|include
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
	wish: compileAll(`
		i would|d like|love|want to
		id like|love|want to
		i want|wanna to?
		can|could|may|might i|we
		lets
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
	errand: compileAll(`
		email|mail _ _? about|re|regarding|the|back
		errand|buy|purchase|phone|pay|submit|renew|mow|iron|proofread|visit|wash|repair|fix|replace|return|defrost|sweep|mop|feed|pack|rsvp|study|prepare|prep|clean|vacuum|call|water|declutter|weed|dust|tidy
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
	notes: compileAll(`
		with|and the|a? note|notes|description|comment|details :|that|saying|says?
		note|notes|description|details :
	`),
	addedTail: compileAll(`
		to? be? added|put|on
		to go|be
	`),
	belongsTail: compileAll(`
		needs|should|must|has|have|ought to? go|be|come added|put?
		goes|belongs
	`),
}
