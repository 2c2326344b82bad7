#!/usr/bin/env bash
# Deploys an image by its digest and goes back to the release before when the canary is not well. Arguments after the image are Helm's.
#   PROMETHEUS=http://… ops/delivery/release.sh tandem tandem ghcr.io/owner/tandem@sha256:… --values ops/helm/tandem/values-aks.yaml
# Exit: 0 the image serves; 1 the release before serves again; 2 it does not.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh
. ops/delivery/tools.sh

release=$1 namespace=$2 image=$3
shift 3
by_digest "$image"
helm() { command "${HELM:-helm}" --namespace "$namespace" "$@"; }

before=$(helm status "$release" --output json 2>/dev/null | sed -n 's/.*"version":\([0-9]*\).*/\1/p') || before=
code=0
ops/deploy.sh "$release" "$namespace" --set "image.repository=${image%@*}" --set "image.digest=${image#*@}" "$@" || code=$?
if [ "$code" = 0 ] && ! ops/delivery/canary.sh "$release" "$namespace"; then
  code=2
  if [ -z "$before" ]; then
    echo "the first release is not well; there is none before it" >&2
  elif helm rollback "$release" "$before" --wait --timeout 10m && helm test "$release" --timeout 10m; then
    echo "revision $before serves again" >&2
    code=1
  fi
fi
[ "$code" = 0 ] && exit 0
ops/delivery/report.sh "The release of ${image#*@} did not hold (ended with $code)" "$release" "$namespace" || echo "the report could not be filed" >&2
exit "$code"
