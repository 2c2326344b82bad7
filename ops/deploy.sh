#!/usr/bin/env bash
# Deploys one image by the chart, and takes a bad one back by itself: what does not become ready, by Helm; what becomes ready and then fails the smoke
# test, or the watch that CANARY names, by going back to the revision before. Arguments after the release and its namespace are Helm's.
#   ops/deploy.sh tandem tandem --values ops/helm/tandem/values-aks.yaml --set image.digest=sha256:…
# Exit: 0 deployed; 1 the release before is back; 2 it is not.
set -euo pipefail
cd "$(dirname "$0")/.."

release=$1 namespace=$2
shift 2
timeout=${TIMEOUT:-10m}
helm() { command "${HELM:-helm}" --namespace "$namespace" "$@"; }

before=$(helm status "$release" --output json 2>/dev/null | sed -n 's/.*"version":\([0-9]*\).*/\1/p') || before=
if ! helm upgrade --install "$release" ops/helm/tandem --rollback-on-failure --wait --timeout "$timeout" "$@"; then
  if [ -n "$before" ] && helm status "$release" --output json 2>/dev/null | grep -q '"status": *"deployed"'; then
    echo "the release did not become ready; Helm took it back" >&2
    exit 1
  fi
  echo "the release did not become ready, and none before it serves" >&2
  exit 2
fi
if helm test "$release" --timeout "$timeout" && "${CANARY:-true}" "$release" "$namespace"; then
  exit 0
fi
if [ -z "$before" ]; then
  echo "the first release is not well; there is none before it" >&2
  exit 2
fi
echo "the release is not well: back to revision $before" >&2
if helm rollback "$release" "$before" --wait --timeout "$timeout" && helm test "$release" --timeout "$timeout"; then
  exit 1
fi
echo "revision $before is not well either" >&2
exit 2
