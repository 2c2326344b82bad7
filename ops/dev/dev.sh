#!/usr/bin/env bash
# Runs the product in its distributed mode on the real stack, and prints its links. Ctrl-C ends it.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh

ops/dev/stack.sh
need node nodejs "the sign-in service"
need npm npm "the sign-in service"
step "building the product and its sign-in"
out=${XDG_CACHE_HOME:-$HOME/.cache}/tandem/dev
mkdir -p "$out"
go build -o "$out/" ./cmd/tandem ./ops/dev/cmd/dev
(
  cd web/auth
  [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund
  npm run build
)
exec "$out/dev" -program "$out/tandem" -sign-in web/auth "$@"
