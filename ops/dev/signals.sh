#!/usr/bin/env bash
# Holds metrics, dashboards, rules, alerts and runbooks against the running product and a real Prometheus. Installs what is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh

for program in promtool:prometheus amtool:prometheus-alertmanager; do
  if ! type -P "${program%:*}" >/dev/null; then
    quietly need "${program%:*}" "${program#*:}" "the rules"
    asleep "${program#*:}"
  fi
done
ops/dev/stack.sh

cache=${XDG_CACHE_HOME:-$HOME/.cache}/tandem/promql-0.305.0 # a new number where ops/dev/promql changes
if [ ! -x "$cache/promql" ]; then
  step "building the parser of Prometheus into $cache"
  mkdir -p "$cache"
  (cd ops/dev/promql && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$cache/" .)
fi

step "rules, each alert firing and silent, the configuration of Prometheus"
promtool check rules ops/prometheus/rules/*.yaml
promtool check config --syntax-only ops/prometheus/prometheus.yaml
promtool test rules ops/prometheus/tests/*.yaml

step "routes of alerts"
amtool check-config ops/alertmanager/alertmanager.yaml >/dev/null
route() {
  got=$(amtool config routes test --config.file=ops/alertmanager/alertmanager.yaml "${@:2}" 2>/dev/null)
  [ "$got" = "$1" ] || fail "${*:2} goes to $got, want $1"
  echo "${*:2} -> $got"
}
route on-call-week,on-call-weekend severity=page slo=reminders alertname=RemindersOverdue
route tickets severity=ticket slo=turns alertname=TurnsLost
route heartbeat severity=heartbeat slo=none alertname=Watchdog

step "dashboards, rules and runbooks against the running product"
TANDEM_STACK=on TANDEM_REQUIRE=all go test -count=1 -v -timeout 10m ./ops/signals | grep -E '^(ok|FAIL|panic)|--- FAIL|_test.go:'
