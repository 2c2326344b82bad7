#!/usr/bin/env bash
# Attacks the embedded product: KILLS times under load, besides every fault point.
#   ops/delivery/faults.sh KILLS
set -euo pipefail
cd "$(dirname "$0")/../.."
(cd faults/interop && npm ci --ignore-scripts --no-audit --no-fund)
TANDEM_STACK=off go test -count=1 -timeout 110m -v ./faults -kills "$1" | grep -E '^(ok|FAIL|panic)|--- |figure:|seed|_test.go:'
