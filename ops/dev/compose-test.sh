#!/usr/bin/env bash
# Brings docker-compose.yml up for real, on a Docker of its own that ends with the test, and uses the product in two browsers. Installs what
# is missing. Images of others are made from the distribution's packages, because this must run without a registry of images.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh

compose=2.40.3
kafka=4.4.0
dapr=1.16.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tandem

ops/dev/stack.sh
need node nodejs "the sign-in service and the browser"
need npm npm "the sign-in service and the browser"
need chromium chromium "the page in a real browser"
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
if ! type -P dockerd >/dev/null; then
  quietly need dockerd docker.io "an engine"
  asleep docker.service docker.socket
fi

if [ ! -x "$cache/compose-$compose/docker-compose" ]; then
  step "Compose $compose: building it into $cache (about four minutes of processor time, once)"
  part=$(mktemp -d "$cache/compose-part-XXXXXX")
  (cd ops/dev/compose && go build -trimpath -buildvcs=false -o "$part/docker-compose" \
    -ldflags "-s -w -X github.com/docker/compose/v2/internal.Version=v$compose" github.com/docker/compose/v2/cmd)
  chmod 755 "$part"
  mv -T "$part" "$cache/compose-$compose"
fi

step "building the product, its sidecars and its sign-in"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$out/" ./cmd/tandem ./ops/compose
(cd ops/dev/dapr && go build -trimpath -buildvcs=false -o "$out/" \
  -ldflags "-s -w -X github.com/dapr/dapr/pkg/buildinfo.version=$dapr -X github.com/dapr/kit/logger.DaprVersion=$dapr" ./daprd)
cp "$cache/dapr-$dapr/scheduler" "$cache/dapr-$dapr/sentry" "$out/"
(cd web && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund; })
(
  cd web/auth
  [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund
  npm run build
)

step "docker-compose.yml, for real"
COMPOSE_PROGRAM=$cache/compose-$compose/docker-compose COMPOSE_BUILT=$out COMPOSE_JARS=$cache/kafka-$kafka/lib \
  go test ./ops/compose -count 1 -v -timeout 10m "$@"
