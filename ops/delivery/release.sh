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

code=0
CANARY=ops/delivery/canary.sh ops/deploy.sh "$release" "$namespace" --set "image.repository=${image%@*}" --set "image.digest=${image#*@}" "$@" || code=$?
[ "$code" = 0 ] && exit 0
ops/delivery/report.sh "The release of ${image#*@} did not hold (ended with $code)" "$release" "$namespace" || echo "the report could not be filed" >&2
exit "$code"
