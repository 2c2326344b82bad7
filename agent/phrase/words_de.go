package phrase

// german is the German vocabulary.
var german = vocabulary{
	weekdays: [7]string{
		"sonntag so", "montag mo", "dienstag di", "mittwoch mi", "donnerstag do", "freitag fr", "samstag sonnabend sa",
	},
	weekdayPlurals: [7]string{"sonntags", "montags", "dienstags", "mittwochs", "donnerstags", "freitags", "samstags sonnabends"},
	months: [12]string{
		"januar jänner jan", "februar feber feb", "märz mär mrz", "april apr", "mai", "juni jun", "juli jul", "august aug",
		"september sep sept", "oktober okt", "november nov", "dezember dez",
	},
	units: []unitWords{
		{second, 1, "sekunde sekunden sek s"},
		{minute, 1, "minute minuten min"},
		{minute, 15, "viertelstunde viertelstunden"},
		{minute, 45, "dreiviertelstunde"},
		{hour, 1, "stunde stunden std h"},
		{dayUnit, 1, "tag tage tagen tages"},
		{week, 1, "woche wochen"},
		{month, 1, "monat monate monaten monats"},
		{month, 3, "quartal quartale quartalen quartals vierteljahr"},
		{month, 6, "halbjahr halbjahre halbjahres"},
		{year, 1, "jahr jahre jahren jahres"},
		{year, 10, "jahrzehnt jahrzehnte jahrzehnten"},
	},
	cardinals: []string{
		"null", "eins", "zwei zwo", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf",
		"dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn",
	},
	tens:    [10]string{2: "zwanzig", 3: "dreißig", 4: "vierzig", 5: "fünfzig", 6: "sechzig", 7: "siebzig", 8: "achtzig", 9: "neunzig"},
	tensAnd: "und",
	oneAnd:  "ein",
	ordinals: []string{
		"", "erst*", "zweit*", "dritt*", "viert*", "fünft*", "sechst*", "siebt* siebent*", "acht*", "neunt*", "zehnt*", "elft*",
		"zwölft*", "dreizehnt*", "vierzehnt*", "fünfzehnt*", "sechzehnt*", "siebzehnt*", "achtzehnt*", "neunzehnt*",
	},
	ordinalTens: [10]string{2: "zwanzigst*", 3: "dreißigst*"},
	endings:     "e en er es em",
	spellings:   map[string]string{"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"},
	refs: map[int]string{
		0: "heute heut", 1: "morgen", 2: "übermorgen", 3: "überübermorgen", -1: "gestern", -2: "vorgestern",
	},
	freqs: map[string]rule{
		"täglich tagtäglich": {freq: daily, interval: 1},
		"wöchentlich":        {freq: weekly, interval: 1},
		"zweiwöchentlich vierzehntägig vierzehntäglich": {freq: weekly, interval: 2},
		"monatlich":                     {freq: monthly, interval: 1},
		"zweimonatlich":                 {freq: monthly, interval: 2},
		"vierteljährlich quartalsweise": {freq: monthly, interval: 3},
		"halbjährlich":                  {freq: monthly, interval: 6},
		"jährlich alljährlich":          {freq: yearly, interval: 1},
		"stündlich minütlich":           {freq: unsupported, interval: 1},
	},
	parts: map[part]string{
		morning: "vormittag vormittags früh morgens", afternoon: "nachmittag nachmittags", evening: "abend abends", night: "nacht nachts",
		lunch: "mittagszeit mittagspause", daytime: "tagsüber",
	},
	meals: map[meal]string{
		rising: "frühstück frühstücken aufstehen aufwachen wecken", brunch: "brunch brunchen", midday: "mittagessen lunch",
		dinner: "abendessen abendbrot nachtessen kino konzert oper theater feierabendbier cocktails bett schlafen",
	},
	noons: map[int]string{0: "mitternacht", 12 * 60: "mittag mittags"},
	fixed: map[int][]string{
		101: {"neujahr", "neujahrstag"}, 106: {"dreikönigstag"}, 214: {"valentinstag"}, 501: {"tag der arbeit", "maifeiertag"},
		801: {"schweizer nationalfeiertag"}, 1003: {"tag der deutschen einheit"}, 1031: {"halloween", "reformationstag"},
		1026: {"österreichischer nationalfeiertag"}, 1101: {"allerheiligen"}, 1206: {"nikolaus", "nikolaustag"},
		1224: {"heiligabend", "heiliger abend"}, 1225: {"weihnachten"}, 1231: {"silvester"},
	},
	idioms: map[string]word{
		"monatsende":          {is: isEnd | isUnit, unit: month, length: 1},
		"jahresende":          {is: isEnd | isUnit, unit: year, length: 1},
		"quartalsende":        {is: isEnd | isUnit, unit: month, length: 3},
		"ende des tages":      {is: isEndOfDay},
		"tagesende":           {is: isEndOfDay},
		"feierabend":          {is: isEndOfDay},
		"geschäftsschluss":    {is: isEndOfDay},
		"ab sofort":           {is: isOpaque},
		"anderthalb":          {is: isHalf, card: 1},
		"eineinhalb":          {is: isHalf, card: 1},
		"zweieinhalb":         {is: isHalf, card: 2},
		"dreieinhalb":         {is: isHalf, card: 3},
		"dreiviertel":         {is: isQuarter, val: 3},
		"drei viertel":        {is: isQuarter, val: 3},
		"spätestens bis":      {is: isBy},
		"bis spätestens":      {is: isBy},
		"bis allerspätestens": {is: isBy},
		"jeden einzelnen":     {is: isEvery},
		"14 tägig":            {is: isFreq, freq: weekly, val: 2},
		"guten morgen":        {is: isOpaque},
		"guten tag":           {is: isOpaque},
		"guten abend":         {is: isOpaque},
		"gute nacht":          {is: isOpaque},
		"schönen abend":       {is: isOpaque},
		"schönen tag":         {is: isOpaque},
		"black friday":        {is: isOpaque},
		"tag und nacht":       {is: isOpaque},
		"tag der offenen tür": {is: isOpaque},
		"eines tages":         {is: isOpaque},
		"erste hilfe":         {is: isOpaque},
		"zweite hand":         {is: isOpaque},
		"so bald":             {is: isOpaque},
		"so schnell":          {is: isOpaque},
	},
	timesPer: [4]string{1: "einmal", 2: "zweimal", 3: "dreimal"},
	marks: map[mark]string{
		namesPriority: "priorität prio", beforeTags: "getaggt tag: schlagwort", joinsReminder: "daran an dass zu für ans",
		polite:    "bitte kannst könntest würdest du mal hey hallo",
		announces: "erinnere mich mit einer erinnerung und", endsReminder: "vorher davor zuvor vorab",
		equates: "ist", accompanies: "mit", fillsLength: "weitere weiteren", saysThousand: "tausend",
		countsFromEnd: "letzte letzten letzter letztes vorletzte vorletzten", beforeDay: "geschäfts", leadsFinish: "nach nachdem wenn sobald",
		finishObject: "bin ist wurde habe sind", zoneName: "utc gmt mez mesz cet cest",
		countedNoun: "geburtstag jahrestag klasse stock etage platz auflage straße kapitel versuch entwurf",
		numbered: "kapitel seite seiten aufgabe aufgaben stufe staffel folge version teil raum zimmer gate bus linie lektion übung schritt gleis größe nummer nr " +
			"abschnitt frage band tisch gruppe team phase sprint",
		namesDay: "am zum", agoAhead: "vor", endsLimit: "lang", measures: "prozent euro grad punkte punkten punkt kilo meter liter stück",
	},
	levels: [5]string{
		1: "dringend dringend* kritisch kritisch*", 2: "hoch hoh* wichtig", 3: "mittel mittler* normal normal*", 4: "niedrig niedrig* gering gering*",
	},
	openings: []string{
		"stell mir eine erinnerung", "stelle mir eine erinnerung", "stell eine erinnerung", "stelle eine erinnerung", "setze eine erinnerung",
		"setz eine erinnerung", "erstelle eine erinnerung", "erinnere mich bitte", "erinner mich bitte", "erinnere mich", "erinner mich", "erinnere uns", "erinnerung",
	},
	weak:   "so mo di mi do fr sa jan jun jul früh mär",
	plural: "montags dienstags mittwochs donnerstags freitags samstags sonnabends sonntags werktags wochentags wochenends",
	classes: map[class]string{
		isWorkdays: "werktag werktage werktagen werktags wochentag wochentags arbeitstag arbeitstage arbeitstagen", isWeekend: "wochenende wochenenden wochenends",
		isNext: "nächst*", isThis: "dies*", isLast: "letzt* vergangen* vorig*", isComing: "kommend*",
		isEvery: "jed* alle aller", isOther: "ander*", isPer: "pro je die im am in",
		isLater: "später", isFrom: "von", isNow: "jetzt", isAfter: "nach nachdem seit", isBefore: "vor", isIn: "in im am innerhalb", isWithin: "binnen innerhalb",
		isOn: "am an", isAt: "um gegen @", isBy: "bis zum zur spätestens", isFor: "für fürs", isDue: "fällig", isUntil: "bis endet",
		isThrough: "bis - –", isTo: "vor", isStart: "ab beginnend startend", isOf: "von vom der des", isThe: "der die das den dem des zum vom",
		isA: "ein eine einen einem einer eines", isAnd: "und & sowie", isHalf: "halb halb*", isQuarter: "viertel", isPast: "nach",
		isShade: "frühen späten", isOclock: "uhr", isAbout: "ca circa etwa ungefähr rund genau pünktlich ~", isEnd: "ende", isBegin: "anfang beginn",
		isTimes: "mal male wiederholungen x", isExcept: "außer ausgenommen", isVague: "paar einigen einige",
		isFinish: "fertig erledigt erledigung abschluss fertigstellung beendet abgeschlossen", isChoice: "zwischen oder", isRepeat: "wiederholt wiederhole wiederholen",
		isDeterminer:  "mein* dein* unser* sein* ihr* kein* mein dein unser",
		isPreposition: "oder mit über wegen aber weil falls wenn während als durch ohne bitte dann ich wir es soll sollte sollen will kann ist sind war daran beim bei",
	},
	fuzzy: "montag dienstag mittwoch donnerstag freitag samstag sonntag januar februar september oktober november dezember übermorgen heute täglich",
	real:  "sonntage samstage freitage montage dienstage leute beute häute haute heuten montags",
	shades: map[string]map[part]int{
		"frühen": {morning: 7 * 60, afternoon: 13 * 60, evening: 18 * 60},
		"späten": {morning: 11 * 60, afternoon: 16 * 60, evening: 21 * 60},
	},
	behind: map[string]behind{
		"morgen": {after: isWeekday | isRef | isEvery | isThis | isOn, as: word{is: isPart, part: morning}},
	},
	traits: traits{
		compound: true, dotted: true, leads: true, ordinalInterval: true, dayFirst: true, half: -30, letters: "äöüß", infinitive: "zu",
	},
	articles:  "den die das dem der",
	separable: "zurück zusammen weiter vorbei herunter hinunter heraus herein raus rein runter rauf hoch durch fertig bereit sauber fest teil nach vor aus auf ein mit weg hin her los ab an um bei statt dar frei wieder",
	signs: [3]string{
		1: `die an um der das den dem des einen einem einer bis mit oder von ist sind wie wann welche du noch bei beim ja nach vor hallo zu mo di mi fr aus im wenn
			noch schon mal man es er sie wir ihr eine ein`,
		2: `morgen übermorgen heute gestern montag dienstag mittwoch donnerstag freitag samstag sonntag sonnabend montags dienstags mittwochs donnerstags
			freitags samstags sonntags januar februar märz mai juni juli oktober dezember nächste nächsten nächster nächstes kommenden diesen dieses diese jeden jede
			jedes täglich wöchentlich monatlich jährlich uhr erinnere erinner lösche lösch kaufen anrufen aufgabe aufgaben erledigt bitte füge hinzu verschiebe
			verschieb und ich nicht zum zur für mich mir meine meiner meinen mein zeig zeige kannst könntest rückgängig danke nein abends morgens nachmittag
			abend wochenende woche monat jahr tag tage tagen wochen monate monaten stunden minuten stunde abhaken hake markiere ändere benenne liste was steht
			fällig termin zahnarzt termine über überfällig fertig priorität dringend einkaufen putzen bezahlen gießen schreiben abholen bringen werktags alle zwei
			einkaufsliste hilfe tschüss tschüs ja setz setze suche finde spiel spiele schalte überweise bezahlt abendessen frühstück mittagessen erledige öffne
			schließe benenn benenn überspringe wecker mach mache tagge wiederhole streich trag trage schreib nimm leg lege stell stelle bestelle buche erzähl auf
			termine heißt brauche hätte geht wetter wird erledigten offene offenen schiebe schieb zahnarzttermin neue hallo
			ende anfang wieder entferne streiche setze habe muss hab müssen möchte soll`,
	},
}
