#!/usr/bin/env bash
# Signs in to a cloud with the identity of this workflow run (OIDC: no key of a cloud is kept) and fetches the cluster's address into $KUBECONFIG.
#   CLOUD=aks|gke ops/delivery/cluster.sh
# aks: AZURE_CLIENT_ID AZURE_TENANT_ID AZURE_SUBSCRIPTION_ID AKS_GROUP AKS_CLUSTER
# gke: GCP_PROVIDER (projects/N/locations/global/workloadIdentityPools/P/providers/Q) GCP_ACCOUNT GKE_CLUSTER GKE_LOCATION GCP_PROJECT
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh

need jq jq "reading the token"

# identity AUDIENCE: a token that says which workflow of which repository this is.
identity() {
  curl --fail --silent --show-error --max-time 30 -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
    "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=$(jq -rn --arg a "$1" '$a|@uri')" | jq -r .value
}

case ${CLOUD:-} in
aks)
  az login --service-principal --username "$AZURE_CLIENT_ID" --tenant "$AZURE_TENANT_ID" --federated-token "$(identity api://AzureADTokenExchange)" >/dev/null
  az aks get-credentials --subscription "$AZURE_SUBSCRIPTION_ID" --resource-group "$AKS_GROUP" --name "$AKS_CLUSTER" --file "$KUBECONFIG"
  kubelogin convert-kubeconfig --login azurecli --kubeconfig "$KUBECONFIG"
  ;;
gke)
  token=$RUNNER_TEMP/identity credentials=$RUNNER_TEMP/credentials.json
  (umask 077; identity "https://iam.googleapis.com/$GCP_PROVIDER" > "$token")
  gcloud iam workload-identity-pools create-cred-config "$GCP_PROVIDER" --service-account "$GCP_ACCOUNT" \
    --credential-source-file "$token" --output-file "$credentials"
  gcloud auth login --brief --cred-file "$credentials"
  gcloud container clusters get-credentials "$GKE_CLUSTER" --location "$GKE_LOCATION" --project "$GCP_PROJECT"
  ;;
*) fail "CLOUD is \"${CLOUD:-}\"; it must be aks or gke" ;;
esac
