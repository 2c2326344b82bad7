package phrase

import "testing"

func TestParse_Times(t *testing.T) {
	testReadings(t, wednesday, Options{}, []reading{
		{"Ring at 3pm", "Ring | 2026-03-04 15:00"},
		{"Ring at 3 p.m.", "Ring | 2026-03-04 15:00"},
		{"Ring at 3 p m", "Ring | 2026-03-04 15:00"},
		{"Ring 3p", "Ring | 2026-03-04 15:00"},
		{"Ring @ 3pm", "Ring | 2026-03-04 15:00"},
		{"Ring @3pm", "Ring | 2026-03-04 15:00"},
		{"Ring 3:15 PM", "Ring | 2026-03-04 15:15"},
		{"Ring 3:15:20 pm", "Ring | 2026-03-04 15:15:20"},
		{"Ring 15:15", "Ring | 2026-03-04 15:15"},
		{"Ring 03:15", "Ring | 2026-03-05 03:15"},
		{"Ring at 3:15", "Ring | 2026-03-04 15:15"},
		{"Ring at 3.15", "Ring | 2026-03-04 15:15"},
		{"Ring 3.15pm", "Ring | 2026-03-04 15:15"},
		{"Ring 315pm", "Ring | 2026-03-04 15:15"},
		{"Ring at 1530", "Ring | 2026-03-04 15:30"},
		{"Ring at 15h", "Ring | 2026-03-04 15:00"},
		{"Ring 15h30", "Ring | 2026-03-04 15:30"},
		{"Ring 12am", "Ring | 2026-03-05 00:00"},
		{"Ring 12pm", "Ring | 2026-03-04 12:00"},
		{"Ring 12 noon", "Ring | 2026-03-04 12:00"},
		{"Ring at three", "Ring | 2026-03-04 15:00"},
		{"Ring at three thirty", "Ring | 2026-03-04 15:30"},
		{"Ring three thirty five pm", "Ring | 2026-03-04 15:35"},
		{"Ring at eight oh five pm", "Ring | 2026-03-04 20:05"},
		{"Ring at 3 o'clock", "Ring | 2026-03-04 15:00"},
		{"Ring at 8 o’clock in the evening", "Ring | 2026-03-04 20:00"},
		{"Ring at quarter past three", "Ring | 2026-03-04 15:15"},
		{"Ring at a quarter to four", "Ring | 2026-03-04 15:45"},
		{"Ring half past 3", "Ring | 2026-03-04 15:30"},
		{"Ring ten past 3pm", "Ring | 2026-03-04 15:10"},
		{"Ring at 20 min past eight in the evening", "Ring | 2026-03-04 20:20"},
		{"Ring 15 to noon", "Ring | 2026-03-04 11:45"},
		{"Ring three quarters past 9pm", "Ring | 2026-03-04 21:45"},
		{"Ring 8 in the morning", "Ring | 2026-03-05 08:00"},
		{"Ring 3 in the afternoon", "Ring | 2026-03-04 15:00"},
		{"Ring 4 in the evening", "Ring | 2026-03-04 16:00"},
		{"Ring 11 at night", "Ring | 2026-03-04 23:00"},
		{"Ring 1 at night", "Ring | 2026-03-05 01:00"},
		{"Ring tonight at 9", "Ring | 2026-03-04 21:00"},
		{"Ring tonight at 1", "Ring | 2026-03-05 01:00"},
		{"Ring 10, tonight", "Ring | 2026-03-04 22:00"},
		{"Ring this evening at 12", "Ring | 2026-03-05 00:00"},
		{"Ring this afternoon at 3", "Ring | 2026-03-04 15:00"},
		{"Ring tomorrow at 5 in the afternoon", "Ring | 2026-03-05 17:00"},
		{"Ring at 5 tomorrow afternoon", "Ring | 2026-03-05 17:00"},
		{"Ring Saturday morning at 9", "Ring | 2026-03-07 09:00"},
		{"Ring early tomorrow", "Ring early | 2026-03-05"},
		{"Ring tomorrow early morning", "Ring | 2026-03-05 07:00"},
		{"Ring in the late afternoon", "Ring | 2026-03-04 16:00"},
		{"Ring at lunchtime", "Ring | 2026-03-04 12:00"},
		{"Ring at midnight", "Ring | 2026-03-05 00:00"},
		{"Ring tomorrow at midnight", "Ring | 2026-03-05 23:59"},
		{"Ring tomorrow before 4pm", "Ring | 2026-03-05 16:00"},
		{"Ring by 6 tomorrow", "Ring | 2026-03-05 18:00"},
		{"Ring around 1530", "Ring | 2026-03-04 15:30"},
		{"Ring 3ish", "Ring | 2026-03-04 15:00"},
		{"Ring at 3pm sharp", "Ring | 2026-03-04 15:00"},
		{"At 5 call Ann", "call Ann | 2026-03-04 17:00"},
		{"Ring last night at 8", "Ring | 2026-03-03 20:00"},
		{"8:23 AM, Jul 9 ring", "ring | 2026-07-09 08:23"},
		{"Ring 05/31/2027:14:15", "Ring | 2027-05-31 14:15"},
		{"Meet 3-5pm tomorrow", "Meet | 2026-03-05 15:00"},
		{"Meet 11am-1pm tomorrow", "Meet | 2026-03-05 11:00"},
		{"Meet from 10 to 11:30 on Friday", "Meet | 2026-03-06 10:00"},
		{"Meet 14:00 - 15:00 on Friday", "Meet | 2026-03-06 14:00"},
		{"Meet from four to six in the evening tomorrow", "Meet | 2026-03-05 16:00"},
	})
}

func TestParse_TimesThatAreNone(t *testing.T) {
	for _, text := range []string{
		"Meet at 5 Main Street", "Rated at 5%", "Look at 3 houses", "Sold at 10.1 - 10.12", "Call at 8 or 9", "Bake at 200 degrees",
		"14PM", "25:12", "Ratio 16:9", "1:1 with Ann", "Stop at a few", "Three twenty", "Divide it by ten", "Cut 12 by 6",
		"Meet at 7ampm", "Take the midnight train", "Between 3 and 5pm call Ann", "Good morning to all", "My morning meetings",
		"At first call Ann", "Flight LH430", "Wait 10 min", "20 min workout", "Room 1030",
	} {
		if r := Parse(text, wednesday, wednesday.Location(), Options{}); r.Due != nil || r.Title != text {
			t.Errorf("Parse(%q) = %s, want no time", text, show(r))
		}
	}
}
