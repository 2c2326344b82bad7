#!/usr/bin/env bash
# Formatting, vet, idioms, linters and dead code. Tools are pinned in ops/dev/tools/go.mod.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh
tool() { go tool -modfile=ops/dev/tools/go.mod "$@"; }

step "format"
files=$(tool gofumpt -l $(git ls-files '*.go'))
[ -z "$files" ] || fail "gofumpt would change: $files"
step "vet"
go vet ./...
step "idioms"
diff=$(go fix -diff ./...) || true
[ -z "$diff" ] || fail "go fix would change: $diff"
step "linters"
tool golangci-lint run
step "dead code"
dead=$(tool deadcode -test ./...)
[ -z "$dead" ] || fail "never called: $dead"
step "known vulnerabilities"
tool govulncheck ./... || echo "the vulnerability database could not be asked or has findings"
