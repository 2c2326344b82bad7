#!/usr/bin/env bash
# From no cluster to the link of the page: Minikube, Dapr, the images, the chart with all it stands on, the smoke test. Run again after a change,
# it upgrades. `minikube delete` ends it. Needs minikube, kubectl, helm 4 and a container engine.
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/dev/need.sh

for program in minikube kubectl helm; do
  command -v "$program" >/dev/null || fail "$program is missing; install it and run this again"
done
namespace=${NAMESPACE:-tandem}
dapr=1.16.14

if ! minikube status >/dev/null 2>&1; then
  step "starting Minikube"
  minikube start --cpus 4 --memory 6g
fi
kubectl config use-context minikube >/dev/null

step "Dapr $dapr"
helm upgrade --install dapr dapr --repo https://dapr.github.io/helm-charts --version "$dapr" --namespace dapr-system --create-namespace \
  --values ops/helm/dapr-small.yaml --wait --timeout 10m

step "building the images inside of Minikube"
tag=devel-$(date +%s) # a new name, so that new pods take it
minikube image build -t "tandem:$tag" -f ops/image/tandem.Dockerfile .
minikube image build -t "tandem-auth:$tag" -f ops/image/auth.Dockerfile .

step "the product with Postgres, Redis and Kafka"
helm upgrade --install tandem ops/helm/tandem --namespace "$namespace" --create-namespace --values ops/helm/tandem/values-minikube.yaml \
  --set "image.tag=$tag,auth.service.image.tag=$tag" --rollback-on-failure --wait --timeout 10m

step "smoke test: chat, socket, recurrence, reminder"
helm test tandem --namespace "$namespace" --logs

step "the page"
printf 'Sign up at  http://localhost:8090/sign-up\nThe list is http://localhost:8080\nCtrl-C ends the way there, not the cluster.\n'
kubectl --namespace "$namespace" port-forward service/tandem-sign-in 8090 >/dev/null &
trap 'kill %1' EXIT
kubectl --namespace "$namespace" port-forward service/tandem-web 8080 >/dev/null
