#!/usr/bin/env bash
# Obtains what the real stack needs and is missing: distribution packages, Kafka's jars, Dapr's three programs. What is no package goes into
# the user's cache folder by version, once.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh

kafka=4.4.0
dapr=1.16.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tandem
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin # where distributions keep pgbouncer
mkdir -p "$cache"

has_postgres() { compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || type -P postgres >/dev/null; }
if ! has_postgres; then
  quietly get postgresql "the stack" "the server of PostgreSQL"
  has_postgres || fail "postgresql was installed but its server is still missing"
  asleep postgresql
fi
for server in redis-server pgbouncer; do
  if ! type -P "$server" >/dev/null; then
    quietly need "$server" "$server" "the stack"
    asleep "$server"
  fi
done

if [ ! -e "$cache/kafka-$kafka/lib" ]; then
  need java default-jre-headless "Kafka"
  need mvn maven "Kafka's jars"
  step "Kafka $kafka: its jars into $cache"
  part=$(mktemp -d "$cache/kafka-part-XXXXXX")
  mvn -B -q -f ops/dev/kafka/pom.xml dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$part/lib"
  chmod 755 "$part"
  mv -T "$part" "$cache/kafka-$kafka"
fi
need java default-jre-headless "Kafka"

if [ ! -x "$cache/dapr-$dapr/daprd" ] || [ ! -x "$cache/dapr-$dapr/scheduler" ] || [ ! -x "$cache/dapr-$dapr/sentry" ]; then
  need gcc gcc "building Dapr"
  step "Dapr $dapr: building daprd, scheduler and sentry into $cache (about ten minutes of processor time, once)"
  part=$(mktemp -d "$cache/dapr-part-XXXXXX")
  (cd ops/dev/dapr && go build -trimpath -buildvcs=false -o "$part/" \
    -ldflags "-s -w -X github.com/dapr/dapr/pkg/buildinfo.version=$dapr -X github.com/dapr/kit/logger.DaprVersion=$dapr" tool ./daprd)
  chmod 755 "$part"
  rm -rf "$cache/dapr-$dapr"
  mv -T "$part" "$cache/dapr-$dapr"
fi
