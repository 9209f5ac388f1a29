#!/usr/bin/env bash
# Fails if the working tree differs from the last commit. The end of `make verify`.
set -euo pipefail

status="$(git status --porcelain)"
if [[ -z "$status" ]]; then
	echo "verified: generated files, modules and formatting are as committed"
	exit 0
fi
cat >&2 <<EOF
verify failed: the working tree differs from the last commit:

$status

$(git --no-pager diff --stat)

Either a generated file or a go.mod was out of date, and is now right: commit it. Or these are changes of your own:
commit them and run make verify again.
EOF
exit 1
