#!/usr/bin/env bash
# Installs what test/conformance runs against the gateway: the public MCP conformance suite, MCP clients that people use, and the
# Node 22 that they need. Versions are those of test/conformance/package-lock.json; no package's own scripts are run.
set -euo pipefail
cd "$(dirname "$0")/../test/conformance"

fail() {
	echo "the conformance suite cannot be installed: $1. It comes from npm, and \`make conformance\` and \`make test\` need it" >&2
	exit 1
}

[[ "$(uname)" == Linux ]] || exit 0 # elsewhere the test is left out
[[ -e node_modules/.installed && "$(<node_modules/.installed)" == "$(<package-lock.json)" ]] && exit
command -v npm >/dev/null || ../../hack/apt-install.sh npm || true
command -v npm >/dev/null || fail "there is no npm"
echo "installing the conformance suite (about 250 MB, once)" >&2
# The npm that is here may be of an older Node, which is no matter: it only fetches.
said="$(npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error --fetch-retries=6 </dev/null 2>&1)" || fail "npm says: $said"
cp package-lock.json node_modules/.installed
