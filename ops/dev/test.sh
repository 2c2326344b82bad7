#!/usr/bin/env bash
# Runs every test that needs no service. Installs what is missing with the system's package manager, and says so.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh

need node nodejs "the browser client"
need npm npm "the browser client"
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || a === 20 && b >= 19 ? 0 : 1)' ||
  fail "Node $(node --version) is too old: the browser client needs 20.19 or newer"

step "clients of other makers, which the Go tests drive"
(cd faults/interop && npm ci --ignore-scripts --no-audit --no-fund)

need gcc gcc "the race detector"
step "Go, with the race detector; the suites that need real services are left to make test-stack"
TANDEM_STACK=off CGO_ENABLED=1 go test -race -timeout 20m ./...

step "the browser client: types, units, and the committed build"
(cd web && npm ci --no-audit --no-fund && npm run check && npm test && npm run build)
git diff --exit-code --stat -- web/dist || fail "web/dist is not what the sources build: run make web and commit it"

step "the sign-in service: types and units"
(cd web/auth && npm ci --no-audit --no-fund && npm run check && TANDEM_STACK=off npm test)

need chromium chromium "the page in a real browser"
step "the page in a real browser"
(cd web && CHROMIUM=$(command -v chromium) npm run e2e)
