#!/usr/bin/env bash
# Builds what a cluster without containers needs into the user's cache folder by version, once: the control plane of Kubernetes, etcd, kwok and
# Helm, all pinned in ops/dev/cluster/go.mod. Arguments are programs (default: all of them; about 16 minutes of processor time).
set -euo pipefail
cd "$(dirname "$0")/../.."
. ops/dev/need.sh

kubernetes=1.37.2
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tandem/kubernetes-$kubernetes
declare -A packages=(
  [etcd]=go.etcd.io/etcd/server/v3 [helm]=helm.sh/helm/v4/cmd/helm [kwok]=sigs.k8s.io/kwok/cmd/kwok [kubectl]=k8s.io/kubernetes/cmd/kubectl
  [kube-apiserver]=k8s.io/kubernetes/cmd/kube-apiserver [kube-controller-manager]=k8s.io/kubernetes/cmd/kube-controller-manager
  [kube-scheduler]=k8s.io/kubernetes/cmd/kube-scheduler
)
[ $# -gt 0 ] || set -- kube-apiserver kube-controller-manager kube-scheduler kubectl etcd kwok helm
mkdir -p "$cache"
version="-X k8s.io/component-base/version.gitVersion=v$kubernetes -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37"
for program in "$@"; do
  [ ! -x "$cache/$program" ] || continue
  step "building $program into $cache"
  part=$(mktemp "$cache/$program-part-XXXXXX")
  (cd ops/dev/cluster && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w $version" -o "$part" "${packages[$program]}")
  chmod 755 "$part"
  mv -T "$part" "$cache/$program"
done
