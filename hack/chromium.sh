#!/usr/bin/env bash
# Installs Chromium, with which the tests drive the gateway's page, where that can be done without a question (root on Debian).
# Where it cannot, says so: those tests are left out.
set -euo pipefail

found() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

found >/dev/null && exit
if [[ "$(id -u)" == 0 ]] && command -v apt-get >/dev/null 2>&1; then
	echo "installing chromium for the tests of the page" >&2
	export DEBIAN_FRONTEND=noninteractive
	{ apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium fonts-dejavu-core; } </dev/null >/dev/null 2>&1 || true
fi
found >/dev/null || echo "chromium cannot be installed here: the tests of the page are LEFT OUT" >&2
