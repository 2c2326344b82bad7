#!/usr/bin/env bash
# Prints what the program is made of, as CycloneDX JSON.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh
. ops/delivery/tools.sh

go run "$CYCLONEDX" app -json -licenses=false -main cmd/tandem .
