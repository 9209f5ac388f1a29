#!/usr/bin/env bash
# Prints those of the given packages whose tests reach no kube-apiserver: they do not depend on envtest.
set -euo pipefail

go list -test -f '{{.ImportPath}} {{join .Deps " "}}' "$@" |
	awk '$1 ~ /\.test$/ && !/ sigs\.k8s\.io\/controller-runtime\/pkg\/envtest( |$)/ { sub(/\.test$/, "", $1); print $1 }'
