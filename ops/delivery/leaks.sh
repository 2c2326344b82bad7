#!/usr/bin/env bash
# Looks for secrets in the commits since BASE (default: all of them).
#   ops/delivery/leaks.sh [BASE]
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/delivery/tools.sh

go run "$GITLEAKS" git --no-banner --redact ${1:+--log-opts="$1..HEAD"} .
