package inproc_test

import (
	"testing"

	"tandem/server/inproc"
	"tandem/sync/hub"
	"tandem/sync/hub/hubtest"
)

func TestChannels(t *testing.T) {
	hubtest.RunChannel(t, 1, func(*testing.T, int) []hub.Channel { return []hub.Channel{&inproc.Channels{}} })
}
