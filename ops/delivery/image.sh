#!/usr/bin/env bash
# Builds the image for amd64 and arm64 and pushes it: once under the revision, which nobody deploys by. Prints its digest, by which everybody does.
#   ops/delivery/image.sh ghcr.io/owner/tandem
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh

repository=$1
revision=$(git rev-parse HEAD)
version=$(git describe --tags --always)
# The time of the commit, so that the same commit gives the same image.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
meta=$(mktemp)
trap 'rm -f "$meta"' EXIT
docker buildx build --file ops/image/tandem.Dockerfile --platform linux/amd64,linux/arm64 --provenance=false --push \
  --build-arg "VERSION=$version" --build-arg "REVISION=$revision" --build-arg "SOURCE=${SOURCE:-unknown}" \
  --output "type=image,rewrite-timestamp=true" --metadata-file "$meta" --tag "$repository:$revision" . >&2
digest=$(sed -n 's/.*"containerimage.digest": *"\(sha256:[0-9a-f]\{64\}\)".*/\1/p' "$meta")
[ -n "$digest" ] || fail "the build named no digest"
echo "$digest"
