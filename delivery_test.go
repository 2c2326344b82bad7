package tandem

import (
	"testing"
	"time"
)

func TestQuietUntil(t *testing.T) {
	for name, c := range map[string]struct {
		zone, from, to string
		now, end       string // end is empty: not quiet
	}{
		"before the night":            {"UTC", "22:00", "07:00", "2031-05-01T21:59:59Z", ""},
		"at its beginning":            {"UTC", "22:00", "07:00", "2031-05-01T22:00:00Z", "2031-05-02T07:00:00Z"},
		"after midnight":              {"UTC", "22:00", "07:00", "2031-05-02T00:00:00Z", "2031-05-02T07:00:00Z"},
		"its last second":             {"UTC", "22:00", "07:00", "2031-05-02T06:59:59Z", "2031-05-02T07:00:00Z"},
		"at its end":                  {"UTC", "22:00", "07:00", "2031-05-02T07:00:00Z", ""},
		"over noon":                   {"UTC", "12:00", "14:00", "2031-05-01T13:30:00Z", "2031-05-01T14:00:00Z"},
		"beside noon":                 {"UTC", "12:00", "14:00", "2031-05-01T11:59:00Z", ""},
		"never":                       {"UTC", "08:00", "08:00", "2031-05-01T08:00:00Z", ""},
		"to midnight":                 {"UTC", "20:00", "00:00", "2031-05-01T23:00:00Z", "2031-05-02T00:00:00Z"},
		"to midnight, after it":       {"UTC", "20:00", "00:00", "2031-05-02T00:00:00Z", ""},
		"where the person is":         {"Asia/Kathmandu", "22:00", "07:00", "2031-05-01T17:00:00Z", "2031-05-02T01:15:00Z"},
		"the end of a month":          {"UTC", "22:00", "07:00", "2031-05-31T23:00:00Z", "2031-06-01T07:00:00Z"},
		"an end that does not exist":  {"America/New_York", "22:00", "02:30", "2027-03-14T06:00:00Z", "2027-03-14T07:30:00Z"},
		"an end that is there twice":  {"America/New_York", "22:00", "01:30", "2026-11-01T05:00:00Z", "2026-11-01T05:30:00Z"},
		"after clocks were set back":  {"America/New_York", "22:00", "01:30", "2026-11-01T06:10:00Z", "2026-11-01T06:30:00Z"},
		"after both of a double hour": {"America/New_York", "22:00", "01:30", "2026-11-01T06:30:00Z", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := DefaultSettings()
			s.TimeZone, s.Quiet = c.zone, &QuietHours{From: c.from, To: c.to}
			now, err := time.Parse(time.RFC3339, c.now)
			if err != nil {
				t.Fatal(err)
			}
			end, quiet := s.QuietUntil(now)
			got := ""
			if quiet {
				got = end.Format(time.RFC3339)
			}
			if got != c.end {
				t.Errorf("quiet until %q, want %q", got, c.end)
			}
		})
	}
	if _, quiet := DefaultSettings().QuietUntil(time.Now()); quiet {
		t.Error("quiet without quiet hours")
	}
}

// FuzzQuietUntil looks for hours that have no end ahead, or a moment at their end that is quiet still.
func FuzzQuietUntil(f *testing.F) {
	zones := []string{"UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "Pacific/Apia"}
	f.Add(int64(1_800_000_000), uint16(22*60), uint16(7*60), uint8(1))
	f.Add(int64(1_793_513_400), uint16(22*60), uint16(90), uint8(1))
	f.Fuzz(func(t *testing.T, unix int64, from, to uint16, zone uint8) {
		clock := func(minutes uint16) string {
			return time.Date(2000, 1, 1, 0, int(minutes)%1440, 0, 0, time.UTC).Format("15:04")
		}
		s := DefaultSettings()
		s.TimeZone, s.Quiet = zones[int(zone)%len(zones)], &QuietHours{From: clock(from), To: clock(to)}
		now := time.Unix(unix%4_000_000_000, 0)
		end, quiet := s.QuietUntil(now)
		if !quiet {
			return
		}
		if wait := end.Sub(now); wait <= 0 || wait > 26*time.Hour {
			t.Fatalf("%+v in %s: at %s quiet until %s", *s.Quiet, s.TimeZone, now.UTC(), end)
		}
	})
}

func TestPlanDeliveries_OnlyWhereThePersonWantsThem(t *testing.T) {
	now := time.Date(2031, 5, 1, 23, 0, 0, 0, time.UTC)
	n := Notice{ID: "e", UserID: "ann", FiredAt: now}
	s := DefaultSettings()
	if got := PlanDeliveries(s, n, now); got != nil {
		t.Fatalf("by default: %v", got)
	}
	s.Channels = Channels{
		Email: &Channel{Address: "ann@example.com", On: true}, Webhook: &Channel{URL: "https://example.com", On: false},
		Push: []PushDevice{{ID: "p1"}, {ID: "p2"}},
	}
	got := PlanDeliveries(s, n, now)
	if len(got) != 3 || got[0].Medium != MediumEmail || got[1].Target != "p1" || got[2].Target != "p2" || !got[0].At.Equal(now) {
		t.Fatalf("planned %+v", got)
	}
	s.Quiet = &QuietHours{From: "22:00", To: "07:00"}
	for _, p := range PlanDeliveries(s, n, now) {
		if !p.At.Equal(now.Add(8*time.Hour)) || p.User != "ann" || p.EventID != "e" {
			t.Errorf("in quiet hours: %+v", p)
		}
	}
	n.FiredAt = now.Add(-KeepInbox - time.Second)
	if got := PlanDeliveries(s, n, now); got != nil {
		t.Errorf("of long ago: %v", got)
	}
}
