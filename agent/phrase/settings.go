package phrase

import (
	"strings"
	"time"

	"tandem"
)

// OptionsFor gives a person's conventions.
func OptionsFor(s tandem.Settings) Options {
	o := Options{
		Locale: s.Locale, DayFirst: dayFirst(s.Locale),
		Morning: s.Words.Morning, Afternoon: s.Words.Afternoon, Evening: s.Words.Evening, Night: s.Words.Night,
	}
	if first := s.FirstWeekday(); first == time.Sunday {
		o.WeekStart = WeekSunday
	} else if first == time.Saturday {
		o.WeekStart = WeekSaturday
	}
	return o
}

// dayFirst tells whether 3/4 is the third of April: everywhere but in the United States and where no country is named.
func dayFirst(locale string) bool {
	language, country, _ := strings.Cut(strings.ReplaceAll(locale, "_", "-"), "-")
	return language != "en" && language != "" || country != "" && !strings.EqualFold(country, "US")
}
