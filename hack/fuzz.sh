#!/usr/bin/env bash
# Runs every fuzz target of the repository, one after another: `go test -fuzz` takes one target of one package.
#
#   hack/fuzz.sh 20s
set -euo pipefail
cd "$(dirname "$0")/.."

git grep -oE '^func Fuzz\w+' -- '*_test.go' | while IFS=: read -r file match; do
	echo "--- ${match#func } of $(dirname "$file")"
	go test "./$(dirname "$file")" -run '^$' -fuzz "^${match#func }\$" -fuzztime "$1"
done
