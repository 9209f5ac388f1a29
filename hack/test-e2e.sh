#!/usr/bin/env bash
# Runs test/e2e on a local cluster, where one can run, and says plainly where not. A cluster that was up before stays up.
#
# The tests get the cluster by E2E_KUBECONFIG, never by KUBECONFIG: `go test ./...` on somebody's laptop must not find their
# own cluster.
set -euo pipefail
cd "$(dirname "$0")/.."

left_out() { echo "e2e tests LEFT OUT: $1" >&2; exit 0; }

[[ "$(uname -s)" == Linux ]] || left_out "the local cluster needs Linux, and this is $(uname -s)"
[[ "$(id -u)" == 0 ]] || left_out "the local cluster needs root (sudo -E make test-e2e)"
[[ -d test/e2e ]] || left_out "there is no test/e2e"

bin="$(mktemp -d)"
go -C hack/localkube build -o "$bin/localkube" .
localkube() { (cd hack/localkube && "$bin/localkube" "$@"); }

started=
finish() {
	[[ -z "$started" ]] || localkube down
	rm -rf "$bin"
}
trap finish EXIT
if ! localkube status >/dev/null 2>&1; then
	started=yes
	localkube up
fi

make --no-print-directory build
E2E_KUBECONFIG="$(localkube kubeconfig)" E2E_BIN="$PWD/bin" E2E_LOCALKUBE="$bin/localkube" \
	go test -count=1 -timeout=20m ./test/e2e/...
