#!/usr/bin/env bash
# Deploys the chart on the real control plane of Kubernetes, without containers: every profile installed, changed and taken away; bad releases that
# must end on the one before; nodes drained; the account of a pipeline. Prints each, and where it ended.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh

ops/dev/kube.sh
step "on a control plane"
TANDEM_STACK=on TANDEM_REQUIRE=cluster go test -count=1 -v -timeout 20m ./ops/helm/rehearse | grep -E '^(ok|FAIL|panic)|--- |_test.go:'
