#!/usr/bin/env bash
# Fails on known vulnerabilities in what the product calls, and on modules whose sums do not hold.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh

step "sums of modules"
go mod verify
step "known vulnerabilities that the program reaches"
go tool -modfile=ops/dev/tools/go.mod govulncheck ./...
step "the browser client"
need npm npm "the browser client's dependencies"
(cd web && npm audit --omit=dev --audit-level=high)
(cd web/auth && npm audit --omit=dev --audit-level=high)
