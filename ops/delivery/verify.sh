#!/usr/bin/env bash
# Refuses an image that the main workflow of this repository did not sign and attest.
#   ops/delivery/verify.sh ghcr.io/owner/tandem@sha256:… owner/repository
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh
. ops/delivery/tools.sh

image=$1 repository=$2
by_digest "$image"
identity=(--certificate-oidc-issuer https://token.actions.githubusercontent.com
  --certificate-identity "https://github.com/$repository/.github/workflows/main.yaml@refs/heads/main")
cosign verify "${identity[@]}" "$image" >/dev/null
for type in cyclonedx slsaprovenance1; do
  cosign verify-attestation "${identity[@]}" --type "$type" "$image" >/dev/null
done
echo "$image is what main.yaml built"
