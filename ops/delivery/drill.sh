#!/usr/bin/env bash
# Rehearses on staging that bad releases take themselves back: one whose image never gets ready, and one that gets ready and fails its smoke test.
# Meanwhile a device goes on connecting, editing and chatting, and must not notice. Prints where each ended. Needs TANDEM_AUTH_SECRET of staging.
#   ops/delivery/drill.sh RELEASE NAMESPACE ADDRESS --values …
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh

release=$1 namespace=$2 address=$3
shift 3
serving() { kubectl --namespace "$namespace" get deployment tandem-serve --output 'jsonpath={.spec.template.spec.containers[?(@.name=="serve")].image}'; }

before=$(serving)
case $before in *@sha256:*) ;; *) fail "staging serves $before, which is no digest" ;; esac
repository=${before%@*}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# device: uses the product until $work/over is there. What follows a change (recurrence, reminders) may fail meanwhile; socket and chat may not.
device() {
  while [ ! -e "$work/over" ]; do
    "${TANDEM:-./tandem}" smoke --user drill --timeout 30s "$address" > "$work/now" 2>&1 || true
    if ! grep -q '^ok *socket' "$work/now" || ! grep -q '^ok *chat' "$work/now"; then
      cat "$work/now" >> "$work/interrupted"
    fi
    echo >> "$work/rounds"
  done
}

# drill WHAT DIGEST ARGUMENTS…: a release that must end with the image before.
drill() {
  local what=$1 digest=$2 code=0
  shift 2
  rm -f "$work"/*
  device &
  TIMEOUT=${TIMEOUT:-3m} ops/deploy.sh "$release" "$namespace" --set "image.repository=$repository" --set "image.digest=$digest" "$@" || code=$?
  touch "$work/over"
  wait
  [ "$code" = 1 ] || fail "$what: the deployment ended with $code, not with the release before"
  [ "$(serving)" = "$before" ] || fail "$what: $(serving) serves, not $before"
  [ ! -e "$work/interrupted" ] || fail "$what: the device was interrupted: $(head -n 20 "$work/interrupted")"
  echo "$what: back at ${before#*@}; a device used it $(wc -l < "$work/rounds") times meanwhile"
}

drill "an image that never gets ready" "sha256:$(printf '0%.0s' {1..64})" "$@"
unwell=$(mktemp)
docker buildx build --file ops/delivery/unwell.Dockerfile --build-arg "IMAGE=$before" --platform linux/amd64,linux/arm64 --provenance=false --push \
  --metadata-file "$unwell" --tag "$repository:unwell" ops/delivery >&2
drill "an image that gets ready and fails its smoke test" "$(sed -n 's/.*"containerimage.digest": *"\(sha256:[0-9a-f]\{64\}\)".*/\1/p' "$unwell")" "$@"
rm -f "$unwell"
