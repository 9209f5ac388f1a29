#!/usr/bin/env bash
# Installs slowhttptest, with which test/attack attacks the gateway, where that can be done without a question (root on Debian).
# Where it cannot, says so: the rest of the attacks run without it.
set -euo pipefail

command -v slowhttptest >/dev/null && exit
if [[ "$(id -u)" == 0 ]] && command -v apt-get >/dev/null 2>&1; then
	echo "installing slowhttptest for the attack tests" >&2
	export DEBIAN_FRONTEND=noninteractive
	{ apt-get -qq update && apt-get -qq install -y --no-install-recommends slowhttptest; } </dev/null >/dev/null 2>&1 || true
fi
command -v slowhttptest >/dev/null || echo "slowhttptest cannot be installed here: the attack tests run WITHOUT it" >&2
