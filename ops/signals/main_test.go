// Package signals holds dashboards, rules, alerts and runbooks against the running product.
package signals

import (
	"flag"
	"os"
	"testing"

	"tandem/ops/dev/build"
	"tandem/ops/dev/stack"
)

// program is the built binary.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(build.Tests{M: stack.Tests{M: m}, Root: "../..", Program: &program}.Run())
}
