#!/usr/bin/env bash
# Prints the digest of the image under a tag.
#   ops/delivery/digest.sh ghcr.io/owner/tandem:REVISION
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh

digest=$(docker buildx imagetools inspect "$1" --format '{{.Manifest.Digest}}') || fail "$1 is not there: main has not built this commit"
[[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || fail "$1 has no digest"
echo "$digest"
