package storetest

import (
	"time"

	"tandem"
)

var identities = map[string]func(*stage){
	"a device is known by its newest secret": func(s *stage) {
		s.must(s.AddDevice(s.ctx(), ann, "one", "Firefox"))
		user, id, err := s.Device(s.ctx(), "one")
		s.must(err)
		equal(s, "owner", user, ann)
		s.must(s.RotateDevice(s.ctx(), "one", "two"))
		_, _, err = s.Device(s.ctx(), "one")
		s.refused(err, tandem.CodeNotFound)
		_, same, err := s.Device(s.ctx(), "two")
		s.must(err)
		equal(s, "id", same, id)
		s.refused(s.RotateDevice(s.ctx(), "one", "three"), tandem.CodeNotFound)
		s.must(s.RemoveDevice(s.ctx(), "two"))
		s.must(s.RemoveDevice(s.ctx(), "two"))
		_, _, err = s.Device(s.ctx(), "two")
		s.refused(err, tandem.CodeNotFound)
	},
	"devices stand in the settings, on every device": func(s *stage) {
		device := s.snapshot()
		s.must(s.AddDevice(s.ctx(), ann, "one", "Firefox"))
		got, err := s.Settings(s.ctx(), ann)
		s.must(err)
		equal(s, "devices", []string{got.Devices[0].Name, got.Devices[0].LastSeenAt.String()}, []string{"Firefox", "2031-05-01T10:00:00Z"})
		s.clock.pass(time.Minute)
		s.must(s.RotateDevice(s.ctx(), "one", "two"))
		equal(s, "a use within the hour takes no number", s.head(), 1)
		s.clock.pass(time.Hour)
		s.must(s.RotateDevice(s.ctx(), "two", "three"))
		equal(s, "a use after an hour is told", s.head(), 2)
		s.set(ann, tandem.SetEdit{RevokeDevice: got.Devices[0].ID})
		_, _, err = s.Device(s.ctx(), "three")
		s.refused(err, tandem.CodeNotFound)
		s.catchUp(device)
		equal(s, "device", device.rows, s.snapshot().rows)
	},
	"one of eight rotates": func(s *stage) {
		s.must(s.AddDevice(s.ctx(), ann, "one", "Firefox"))
		won := 0
		for _, err := range together(8, func(i int) error { return s.RotateDevice(s.ctx(), "one", string(rune('a'+i))) }) {
			if err == nil {
				won++
			} else {
				s.refused(err, tandem.CodeNotFound)
			}
		}
		equal(s, "rotations", won, 1)
	},
	"a token is found by its hash, its use noted hourly": func(s *stage) {
		s.set(ann, tandem.SetEdit{AddToken: token(s, "t")})
		head := s.head()
		for range 3 {
			user, info, err := s.TokenByHash(s.ctx(), "hash-t")
			s.must(err)
			equal(s, "token", []any{user, info.ID, info.Scopes}, []any{ann, "t", []string{"tasks:read"}})
		}
		equal(s, "numbers taken by three uses", s.head()-head, 1)
		s.clock.pass(time.Hour)
		_, _, err := s.TokenByHash(s.ctx(), "hash-t")
		s.must(err)
		got, err := s.Settings(s.ctx(), ann)
		s.must(err)
		equal(s, "last use", got.Tokens[0].LastUsedAt.String(), tandem.Stamp(s.clock.Now()).String())
		_, _, err = s.TokenByHash(s.ctx(), "unknown")
		s.refused(err, tandem.CodeNotFound)
	},
	"nothing is revoked at first": func(s *stage) {
		at, err := s.RevokedBefore(s.ctx(), ann)
		s.must(err)
		equal(s, "revoked", at.IsZero(), true)
	},
}
