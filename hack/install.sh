#!/usr/bin/env bash
# Installs Cortex and the two sample MCP servers in the cluster of KUBECONFIG, as a user would (kubectl apply -k), from what
# is built here, and waits until all of it is ready. The demo, the e2e tests and the benchmarks begin with it.
#
#   CLUSTER=local    images are made from bin/ without a container engine, and loaded
#   CLUSTER=kind     images are built by Docker, and loaded
#   CLUSTER=current  images come from a registry that the cluster can reach: set IMAGE and SAMPLE_IMAGE
set -euo pipefail
cd "$(dirname "$0")/.."

: "${CLUSTER:=local}" "${KUBECTL:=kubectl}" "${LOCALKUBE:=}"
namespace=cortex-system

say() { printf '%s\n' "--- $*"; }

# Images are named after what is in them, so that pods are replaced when, and only when, that changes.
content() { cat "$@" | sha256sum | cut -c1-12; }

local_images() {
	make --no-print-directory build
	IMAGE="cortex:$(content bin/operator bin/gateway)" SAMPLE_IMAGE="cortex-mcpserver:$(content bin/mcpserver)"
	# And by the names that the manifests give, for those who apply them by hand.
	local name
	for name in "$IMAGE" cortex:dev; do "$LOCALKUBE" load "$name" --binary bin/operator --binary bin/gateway; done
	for name in "$SAMPLE_IMAGE" cortex-mcpserver:dev; do "$LOCALKUBE" load "$name" --binary bin/mcpserver; done
}

kind_images() {
	make --no-print-directory build
	IMAGE="cortex:$(content bin/operator bin/gateway)" SAMPLE_IMAGE="cortex-mcpserver:$(content bin/mcpserver)"
	make --no-print-directory docker-build IMAGE="$IMAGE"
	make --no-print-directory docker-build-sample SAMPLE_IMAGE="$SAMPLE_IMAGE"
	docker tag "$IMAGE" cortex:dev
	docker tag "$SAMPLE_IMAGE" cortex-mcpserver:dev
	kind load docker-image --name "${KIND_CLUSTER:-cortex}" "$IMAGE" "$SAMPLE_IMAGE" cortex:dev cortex-mcpserver:dev
}

case "$CLUSTER" in
local) local_images ;;
kind) kind_images ;;
current)
	[[ -n "${IMAGE:-}" && -n "${SAMPLE_IMAGE:-}" ]] || {
		echo "CLUSTER=current pulls its images: set IMAGE=REGISTRY/cortex:TAG and SAMPLE_IMAGE=REGISTRY/cortex-mcpserver:TAG, of a
registry that the cluster can reach. make docker-build and make docker-build-sample build them under these names; then docker push both" >&2
		exit 2
	}
	;;
*) echo "CLUSTER=$CLUSTER is not known: local, kind or current" >&2; exit 2 ;;
esac

apply() {
	"$KUBECTL" kustomize "$1" |
		sed -e "s#image: cortex:dev\$#image: $IMAGE#" \
			-e "s#image: cortex-mcpserver:dev\$#image: $SAMPLE_IMAGE#" |
		"$KUBECTL" apply -f - >/dev/null
}

say "kubectl apply -k config/demo: the CRD, the operator, the gateway"
apply config/demo
# Not `kubectl wait --for=condition=Established`: that is an error for a CRD so new that it has no conditions.
until=$((SECONDS + 300))
until said="$("$KUBECTL" get healingrequests -n "$namespace" 2>&1)"; do
	((SECONDS < until)) || { echo "$said" >&2; exit 1; }
	read -rt 0.2 <> <(:) || true
done
say "kubectl apply -k config/samples: sandfly-mcp-server and proxmox-mcp-server"
apply config/samples
say "kubectl apply -k test/registry: a registry on the node's loopback that refuses every image"
apply test/registry
for deployment in cortex-operator cortex-gateway sandfly-mcp-server proxmox-mcp-server; do
	"$KUBECTL" rollout status "deployment/$deployment" -n "$namespace" --timeout=600s
done
"$KUBECTL" rollout status deployment/registry -n cortex-test --timeout=600s
