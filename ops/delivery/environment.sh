#!/usr/bin/env bash
# Gives the later steps of a job what they need to reach a cluster: the settings of the environment (lines NAME=value, no secrets among them), a place
# for the cluster's address, and Helm of the version that the chart is rehearsed with.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh

while IFS= read -r line; do
  [ -n "$line" ] || continue
  [[ $line =~ ^(AZURE_(CLIENT|TENANT|SUBSCRIPTION)_ID|AKS_(GROUP|CLUSTER)|GCP_(PROVIDER|ACCOUNT|PROJECT)|GKE_(CLUSTER|LOCATION))=[A-Za-z0-9@._/-]+$ ]] ||
    fail "CLUSTER_SETTINGS has a line that names no setting of ops/delivery/cluster.sh"
  echo "$line" >> "$GITHUB_ENV"
done <<< "${CLUSTER_SETTINGS:-}"
echo "KUBECONFIG=$RUNNER_TEMP/kubeconfig" >> "$GITHUB_ENV"
ops/dev/kube.sh helm kubectl
echo "${XDG_CACHE_HOME:-$HOME/.cache}/tandem/kubernetes-1.37.2" >> "$GITHUB_PATH"
