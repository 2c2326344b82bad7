#!/usr/bin/env bash
# Prints the figures of the product, each with what it means and the bar it is held against.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh

step "the running program"
go test ./faults -run TestFigures -count 1 -v | grep -E 'figure:|FAIL|ok'
step "the store, the search, the grammar and the engine (ns/op; p99 where named)"
go test -run '^$' -bench . -benchtime "${BENCHTIME:-1s}" ./server/sqlite ./agent/phrase ./agent/planner ./sync/... . | grep -E '^(Benchmark|ok|FAIL|---)'

export TANDEM_STACK=on
if [ -x "${XDG_CACHE_HOME:-$HOME/.cache}/tandem/dapr-1.16.0/daprd" ]; then
  step "the distributed mode on the real stack"
  go test ./faults/replicas -run 'Roads|Burst' -count 1 -v | grep -E 'figure:|FAIL|ok'
  step "Postgres: writes in order against the same rows without (ratio; bar 0.75), edits, search"
  go test -run '^$' -bench . -benchtime "${BENCHTIME:-1s}" ./server/postgres | grep -E '^(Benchmark|ok|FAIL|---)'
else
  step "the distributed mode: not measured, make stack gets what it needs"
fi
