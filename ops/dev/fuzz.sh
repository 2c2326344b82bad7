#!/usr/bin/env bash
# Runs each fuzz target of the module for the given time, one after the other.
set -euo pipefail
cd "$(dirname "$0")/../.."
for_time=${1:-60s}
grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | while read -r pkg; do
  for target in $(grep -rho --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' "$pkg"/*_test.go | sed 's/^func //'); do
    echo "== $pkg $target"
    go test "$pkg" -run '^$' -fuzz "^$target\$" -fuzztime "$for_time"
  done
done
