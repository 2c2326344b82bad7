#!/usr/bin/env bash
# Watches a release for some minutes: its smoke test goes on passing, and no objective burns its budget 14.4 times as fast as it may (the bound that wakes
# somebody). Fails at the first that is not so. A Prometheus that does not answer, or does not measure this release, fails it too: nobody can tell that all is well.
#   PROMETHEUS=http://… ops/delivery/canary.sh RELEASE NAMESPACE
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh

need jq jq "reading answers of Prometheus"
release=$1 namespace=$2
minutes=${CANARY_MINUTES:-5} pause=${CANARY_PAUSE:-60}
of='{namespace="'$namespace'"}'
burning="max(tandem:slo_burn:ratio5m$of) > 14.4 or absent(tandem:slo_events:rate5m$of)"

for ((n = 1; n <= minutes; n++)); do
  sleep "$pause" # there is nothing to measure before
  "${HELM:-helm}" --namespace "$namespace" test "$release" --timeout 3m >/dev/null || fail "minute $n: the smoke test fails"
  answer=$(curl --fail --silent --show-error --max-time 20 --get --data-urlencode "query=$burning" "$PROMETHEUS/api/v1/query") || fail "minute $n: Prometheus does not answer"
  [ "$(jq -r .status <<<"$answer")" = success ] || fail "minute $n: Prometheus cannot say how fast the budget burns"
  [ "$(jq '.data.result | length' <<<"$answer")" = 0 ] || fail "minute $n: the budget burns too fast, or nobody measures it: $(jq -c '.data.result[0]' <<<"$answer")"
  echo "minute $n: well"
done
