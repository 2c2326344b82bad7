package phrase

import (
	"testing"
)

func TestLanguageOf(t *testing.T) {
	for _, c := range []struct{ text, own, want string }{
		{"Milch kaufen morgen", "en", "de"},
		{"Erinnere mich an den Müll", "en", "de"},
		{"call Frau Montag tomorrow", "en", "en"},
		{"buy milk", "de", "en"},
		{"remind me to buy milk tomorrow", "de", "en"},
		{"Kindergarten", "en", "en"},
		{"die hard", "en", "en"},
		{"", "de-AT", "de"},
		{"", "de_CH", "de"},
		{"Zahnarzt", "fr", "de"},
		{"pick up Angst poster", "en", "en"},
		{"dentist am Freitag um 9 Uhr", "en", "de"},
	} {
		if got := LanguageOf(c.text, c.own); got != c.want {
			t.Errorf("LanguageOf(%q, %q) = %s, want %s", c.text, c.own, got, c.want)
		}
	}
}

// A message in another language than the person's own is read in its own words, and its own order of day and month.
func TestParse_ReadsTheLanguageOfTheText(t *testing.T) {
	testReadings(t, wednesday, Options{}, []reading{
		{"Zahnarzt übermorgen um halb zehn", "Zahnarzt | 2026-03-06 09:30"},
		{"Miete jeden Monat am 1. bezahlen", "Miete bezahlen | 2026-04-01 | FREQ=MONTHLY;BYMONTHDAY=1"},
		{"Rechnung bis 3/4 bezahlen und Oma anrufen", "Rechnung bezahlen und Oma anrufen | 2026-04-03"},
	})
	testReadings(t, wednesday, Options{Locale: "de"}, []reading{
		{"call mom tomorrow at 5", "call mom | 2026-03-05 17:00"},
		{"pay rent every month on the 1st", "pay rent | 2026-04-01 | FREQ=MONTHLY;BYMONTHDAY=1"},
	})
}

func TestPlainInfinitive(t *testing.T) {
	for title, want := range map[string]string{
		"Mama anzurufen": "Mama anrufen", "die Blumen zu gießen": "die Blumen gießen", "den Müll rauszubringen": "den Müll rausbringen",
		"Zucker": "Zucker", "das Paket abzuholen": "das Paket abholen", "zuzusagen": "zuzusagen", "Benzin": "Benzin", "einzukaufen": "einkaufen",
	} {
		if got := locales["de"].plainInfinitive(title); got != want {
			t.Errorf("%q becomes %q, want %q", title, got, want)
		}
	}
}

func BenchmarkLanguageOf(b *testing.B) {
	for b.Loop() {
		LanguageOf("Erinnere mich morgen um halb zehn daran, Mama anzurufen", "en")
	}
}
