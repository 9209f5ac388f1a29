#!/usr/bin/env bash
# Installs Debian packages where that can be done without a question (root on Debian), and fails where it cannot. Another apt may
# hold the locks for a while, and a mirror may fail once.
#
#   hack/apt-install.sh PACKAGE...
set -euo pipefail
exec </dev/null

[[ "$(id -u)" == 0 ]] && command -v apt-get >/dev/null || exit 1
echo "installing $*" >&2
export DEBIAN_FRONTEND=noninteractive
apt() { apt-get -qq -o DPkg::Lock::Timeout=300 "$@"; }
for pause in 5 30 0; do
	if said="$({ apt update && apt install -y --no-install-recommends "$@"; } 2>&1)"; then
		exit
	fi
	read -rt "$pause" <> <(:) || true
done
echo "$said" >&2
exit 1
