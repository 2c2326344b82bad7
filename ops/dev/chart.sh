#!/usr/bin/env bash
# Checks the chart without a cluster: lint, every profile and switch against the schemas of every kind, unit tests, and the Go tests over what is
# rendered. Tools and schemas are pinned, and cached by version outside of the tree.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh

cache=${XDG_CACHE_HOME:-$HOME/.cache}/tandem
tools=$cache/chart-1 # a new number where ops/dev/chart/go.mod or schemas change
chart=ops/helm/tandem
ops/dev/kube.sh helm
mkdir -p "$tools"
for program in kubeconform helm-unittest actionlint; do
  if [ ! -x "$tools/$program" ]; then
    step "building kubeconform, helm-unittest and actionlint into $tools"
    (cd ops/dev/chart && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$tools/" tool)
  fi
done

# source MODULE@VERSION FOLDER: a folder of a module's sources.
source_of() { (cd ops/dev/chart && go mod download -json "$1") | sed -n "s|^\t\"Dir\": \"\(.*\)\",\{0,1\}$|\1/$2|p"; }
if [ ! -e "$tools/schemas/deployment-apps-v1.json" ]; then
  step "making the schemas of all kinds"
  part=$(mktemp -d "$tools/schemas-part-XXXXXX")
  (cd ops/dev/chart && go run ./schemas -out "$part" \
    -openapi "$(source_of k8s.io/kubernetes@v1.37.2 api/openapi-spec/swagger.json)" \
    "$(source_of github.com/dapr/dapr@v1.16.0 charts/dapr/crds)" \
    "$(source_of github.com/kedacore/keda/v2@v2.21.0 config/crd/bases)" \
    "$(source_of github.com/prometheus-operator/prometheus-operator@v0.85.0 example/prometheus-operator-crd)" \
    "$(source_of sigs.k8s.io/gateway-api@v1.5.0 config/crd/standard)" \
    "$(source_of github.com/external-secrets/external-secrets@v1.3.2 config/crds/bases)")
  cp ops/dev/chart/schemas/hand/*.json "$part/"
  chmod 755 "$part"
  rm -rf "$tools/schemas"
  mv -T "$part" "$tools/schemas"
fi

helm() { "$cache/kubernetes-1.37.2/helm" "$@" 2> >(grep -v 'found symbolic link' >&2); }

step "lint"
for profile in '' minikube aks gke oke; do
  helm lint --strict --quiet $chart ${profile:+-f $chart/values-$profile.yaml}
done

step "unit tests of the chart"
"$tools/helm-unittest" $chart

step "what is rendered: rules in Go, schemas of every kind, every value read, sums of requests"
TANDEM_STACK=on TANDEM_REQUIRE=chart go test -count=1 -v ./ops/helm | grep -E '^(ok|FAIL|panic)|--- FAIL|_test.go:'

if [ -d .github/workflows ]; then
  step "workflows and the scripts that they call"
  need shellcheck shellcheck "the scripts of the delivery"
  need jq jq "the scripts of the delivery"
  "$tools/actionlint"
  TANDEM_REQUIRE=delivery go test -count=1 ./ops/delivery
fi
