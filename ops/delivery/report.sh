#!/usr/bin/env bash
# Opens an issue about a release that did not hold: what Helm and the cluster say of it. Lines of the product name nobody.
#   ops/delivery/report.sh TITLE RELEASE NAMESPACE
set -euo pipefail

title=$1 release=$2 namespace=$3
body=$(mktemp)
trap 'rm -f "$body"' EXIT
{
  echo "Run: ${GITHUB_SERVER_URL:-}/${GITHUB_REPOSITORY:-}/actions/runs/${GITHUB_RUN_ID:-}"
  printf '\n```\n'
  "${HELM:-helm}" --namespace "$namespace" history "$release" --max 5 || true
  kubectl --namespace "$namespace" get pods || true
  kubectl --namespace "$namespace" get events --sort-by .lastTimestamp | tail -n 30 || true
  kubectl --namespace "$namespace" logs --selector app.kubernetes.io/name=tandem --all-containers --since 15m --tail 40 --prefix || true
  printf '```\n'
} > "$body" 2>&1
head -c 60000 "$body" > "$body.cut"
mv "$body.cut" "$body"
gh issue create --title "$title" --body-file "$body"
