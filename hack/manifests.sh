#!/usr/bin/env bash
# Builds every kustomization in config/. Takes kubectl from PATH, else the local Kubernetes' own.
set -euo pipefail
cd "$(dirname "$0")/.."

kubectl="$(command -v "${KUBECTL:-kubectl}" || true)"
if [[ -z "$kubectl" ]]; then
	kubectl="$(go -C hack/localkube run . assets)/kubectl"
fi
find config -name kustomization.yaml -print0 | sort -z | while IFS= read -r -d '' file; do
	folder="$(dirname "$file")"
	"$kubectl" kustomize "$folder" >/dev/null || { echo "$folder does not build" >&2; exit 1; }
done
echo "every kustomization in config/ builds"
