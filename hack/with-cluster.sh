#!/usr/bin/env bash
# Runs a command beside a local cluster with Cortex and the sample servers installed. Says plainly where no cluster can run,
# and leaves the command out. A cluster that was up before stays up.
#
#   hack/with-cluster.sh "what is left out otherwise" COMMAND [ARGUMENT...]
#
# The command gets the cluster by E2E_KUBECONFIG, never by KUBECONFIG: `go test ./...` on somebody's laptop must not find
# their own cluster.
set -euo pipefail
cd "$(dirname "$0")/.."
what="$1"
shift

left_out() { echo "$what LEFT OUT: $1" >&2; exit 0; }
[[ "$(uname -s)" == Linux ]] || left_out "the local cluster needs Linux, and this is $(uname -s)"
[[ "$(id -u)" == 0 ]] || left_out "the local cluster needs root"

scratch="$(mktemp -d)"
export LOCALKUBE="$scratch/localkube"
go -C hack/localkube build -o "$LOCALKUBE" .

started=
finish() {
	[[ -z "$started" ]] || "$LOCALKUBE" down
	rm -rf "$scratch"
}
trap finish EXIT
if ! "$LOCALKUBE" status >/dev/null 2>&1; then
	started=yes
	"$LOCALKUBE" up
fi

E2E_KUBECONFIG="$("$LOCALKUBE" kubeconfig)"
E2E_KUBECTL="$("$LOCALKUBE" assets)/kubectl"
E2E_AUDIT_LOG="$("$LOCALKUBE" audit-log)"
CLUSTER=local KUBECONFIG="$E2E_KUBECONFIG" KUBECTL="$E2E_KUBECTL" hack/install.sh
E2E_PLUGIN="$PWD/bin/kubectl-cortex" # install.sh has built it
export E2E_KUBECONFIG E2E_KUBECTL E2E_AUDIT_LOG E2E_PLUGIN
unset KUBECONFIG
"$@"
