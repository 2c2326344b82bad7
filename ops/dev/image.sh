#!/usr/bin/env bash
# Holds the binary of the image to what the image promises, for both processors, and builds the image where there is a container engine.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh

step "the binary: the same twice, static, alone in an empty root, for amd64 and arm64"
TANDEM_REQUIRE=image go test -count=1 -v ./ops/image
if docker info >/dev/null 2>&1; then
  step "the image"
  docker build -f ops/image/tandem.Dockerfile --build-arg VERSION="$(git describe --tags --always)" --build-arg REVISION="$(git rev-parse HEAD)" -t tandem:devel .
  docker run --rm tandem:devel version
else
  echo "there is no container engine: the image itself was not built"
fi
