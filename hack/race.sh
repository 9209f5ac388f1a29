#!/usr/bin/env bash
# Prints -race where the race detector can work: it needs cgo, and cgo needs a C compiler. Installs gcc where that is
# missing and can be had without a question (root on Debian); says so on stderr where it cannot.
set -euo pipefail

have_compiler() { command -v "$(go env CC)" >/dev/null 2>&1 && [[ "$(go env CGO_ENABLED)" == 1 ]]; }

# With no compiler on PATH, Go turns cgo off by itself; CGO_ENABLED=1 makes it ask for one.
export CGO_ENABLED=1
have_compiler || "$(dirname "$0")/apt-install.sh" gcc libc6-dev || true
if have_compiler; then
	echo -race
else
	echo "no C compiler: the tests run WITHOUT the race detector" >&2
fi
