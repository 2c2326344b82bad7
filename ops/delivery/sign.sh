#!/usr/bin/env bash
# Signs an image by its digest and attests where it comes from and what it holds, with the identity of the workflow that runs this: no key is kept.
#   ops/delivery/sign.sh ghcr.io/owner/tandem@sha256:…
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh
. ops/delivery/tools.sh

image=$1
by_digest "$image"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ops/delivery/sbom.sh > "$work/sbom.json"
cat > "$work/provenance.json" <<EOF
{"buildDefinition": {"buildType": "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
  "externalParameters": {"workflow": {"ref": "${GITHUB_REF:-unknown}", "repository": "${GITHUB_SERVER_URL:-}/${GITHUB_REPOSITORY:-}", "path": "${GITHUB_WORKFLOW_REF:-}"}},
  "resolvedDependencies": [{"uri": "git+${GITHUB_SERVER_URL:-}/${GITHUB_REPOSITORY:-}", "digest": {"gitCommit": "$(git rev-parse HEAD)"}}]},
 "runDetails": {"builder": {"id": "https://github.com/actions/runner"}, "metadata": {"invocationId": "${GITHUB_RUN_ID:-0}"}}}
EOF
cosign sign --yes "$image"
cosign attest --yes --type cyclonedx --predicate "$work/sbom.json" "$image"
cosign attest --yes --type slsaprovenance1 --predicate "$work/provenance.json" "$image"
