# shellcheck shell=bash disable=SC2034
# Tools of the delivery, pinned by version and held to Go's checksum database. They run from source.

COSIGN=github.com/sigstore/cosign/v2/cmd/cosign@v2.6.5
CYCLONEDX=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
GITLEAKS=github.com/zricethezav/gitleaks/v8@v8.30.1

cosign() { if command -v cosign >/dev/null; then command cosign "$@"; else go run "$COSIGN" "$@"; fi; }

# by_digest IMAGE: a tag can be moved under a signature; a digest cannot.
by_digest() { [[ $1 =~ ^[a-z0-9./_:-]+@sha256:[0-9a-f]{64}$ ]] || fail "$1 names no image by its digest"; }
