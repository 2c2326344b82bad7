package phrase

import "testing"

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
