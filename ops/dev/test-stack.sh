#!/usr/bin/env bash
# Runs the suites that need real services, on the real stack. Installs what is missing. A suite that cannot run is a failure.
# Arguments are packages (default: every one whose tests use the stack).
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh

ops/dev/stack.sh
if [ $# = 0 ]; then
  pages=yes
  # The test binary of a package lists what its tests reach.
  mapfile -t suites < <(go list -test -f '{{range .Deps}}{{if eq . "tandem/ops/dev/stack"}}{{$.ImportPath}}{{end}}{{end}}' ./... | sed -n 's/\.test$//p' |
    grep -v -e '^tandem/ops/helm' -e '^tandem/ops/image$' -e '^tandem/ops/signals$') # make chart, cluster, image and signals run these
  set -- tandem/ops/dev/stack "${suites[@]}"
fi
step "on the stack"
printf '%s\n' "$@"
# One package at a time: latencies are part of what is held.
export TANDEM_STACK=on TANDEM_REQUIRE=all
go test -count=1 -p 1 -timeout 20m "$@"

[ -n "${pages:-}" ] || exit 0
need node nodejs "the sign-in service"
need npm npm "the sign-in service"
need chromium chromium "the pages in a real browser"
step "the sign-in service, alone and with the program and a browser"
(cd web/auth && npm ci --no-audit --no-fund && npm test)
(cd web && npm ci --no-audit --no-fund && CHROMIUM=$(command -v chromium) npm run e2e:auth)
