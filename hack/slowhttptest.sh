#!/usr/bin/env bash
# Installs slowhttptest, with which test/attack attacks the gateway, where that can be done without a question (root on Debian).
# Where it cannot, says so: the rest of the attacks run without it.
set -euo pipefail

command -v slowhttptest >/dev/null && exit
"$(dirname "$0")/apt-install.sh" slowhttptest || true
command -v slowhttptest >/dev/null || echo "slowhttptest cannot be installed here: the attack tests run WITHOUT it" >&2
