package postgres

import (
	"testing"

	"tandem/server/storetest"
)

func BenchmarkSearch100k(b *testing.B) { storetest.RunSearch(b, open(b, nil)) }

func BenchmarkSnapshot10k(b *testing.B) { storetest.RunSnapshot(b, open(b, nil)) }
