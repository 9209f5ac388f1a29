#!/usr/bin/env bash
# Installs Chromium, with which the tests drive the gateway's page, where that can be done without a question (root on Debian).
# Where it cannot, says so: those tests are left out.
set -euo pipefail

found() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

found >/dev/null && exit
"$(dirname "$0")/apt-install.sh" chromium fonts-dejavu-core || true
found >/dev/null || echo "chromium cannot be installed here: the tests of the page are LEFT OUT" >&2
