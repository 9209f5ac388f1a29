#!/usr/bin/env bash
# The demo: a Kubernetes, Cortex and two MCP servers in it, and three faults, each asked about with curl.
#
#   hack/demo.sh        all of it; run it again as often as you like
#   hack/demo.sh down   remove what it made
#
# CLUSTER=local (hack/localkube; Linux and root), kind (Docker and kind) or current (the kubeconfig's context).
set -euo pipefail
cd "$(dirname "$0")/.."

export CLUSTER="${CLUSTER:-local}" KIND_CLUSTER="${KIND_CLUSTER:-cortex}"
namespace=cortex-system
server=sandfly-mcp-server
port="${DEMO_PORT:-18000}"
scratch="$(mktemp -d)"
forward=

disconnect() {
	[[ -n "$forward" ]] || return 0
	kill "$forward" 2>/dev/null || true
	wait "$forward" 2>/dev/null || true
	forward=
}

finish() {
	disconnect
	rm -rf "$scratch"
}
trap finish EXIT

title() { printf '\n\033[1m=== %s\033[0m\n' "$*"; }
shown() { printf '\033[2m$ %s\033[0m\n' "$*"; "$@"; }
now() { local t="${EPOCHREALTIME/[.,]/}"; echo "$((t / 1000))"; }
seconds() { printf '%d.%03d s' "$(($1 / 1000))" "$(($1 % 1000))"; }

need() { command -v "$1" >/dev/null || { echo "the demo needs $1${2:+: $2}" >&2; exit 1; }; }

need_curl() {
	command -v curl >/dev/null && return
	hack/apt-install.sh curl || true
	need curl
}

# The local cluster's commands run from its own folder, which is a Go module of its own.
build_localkube() {
	go -C hack/localkube build -o "$scratch/localkube" .
	export LOCALKUBE="$scratch/localkube"
}

cluster_up() {
	case "$CLUSTER" in
	local)
		build_localkube
		"$LOCALKUBE" up
		KUBECONFIG="$("$LOCALKUBE" kubeconfig)" KUBECTL="$("$LOCALKUBE" assets)/kubectl"
		export KUBECONFIG KUBECTL
		;;
	kind)
		need kind "https://kind.sigs.k8s.io"
		need docker
		need kubectl
		kind get clusters 2>/dev/null | grep -qx "$KIND_CLUSTER" || kind create cluster --name "$KIND_CLUSTER"
		kind get kubeconfig --name "$KIND_CLUSTER" >"$scratch/kubeconfig"
		export KUBECONFIG="$scratch/kubeconfig" KUBECTL=kubectl
		;;
	current)
		need kubectl
		export KUBECTL=kubectl
		echo "installing in the cluster of the current context: $(kubectl config current-context)"
		;;
	*) echo "CLUSTER=$CLUSTER is not known: local, kind or current" >&2; exit 2 ;;
	esac
}

down() {
	case "$CLUSTER" in
	local) build_localkube; "$LOCALKUBE" down ;;
	kind) kind delete cluster --name "$KIND_CLUSTER" ;;
	current)
		for folder in test/registry config/demo config/samples; do
			kubectl delete --ignore-not-found -k "$folder"
		done
		make --no-print-directory undeploy
		echo "the namespace $namespace stays: others may live in it"
		;;
	*) echo "CLUSTER=$CLUSTER is not known: local, kind or current" >&2; exit 2 ;;
	esac
}

kubectl() { "${KUBECTL:-kubectl}" "$@"; }

# A port-forward ends with its pod, so each question gets one of its own, and another one where that pod is just ending.
connect() {
	disconnect
	local until=$((SECONDS + 120))
	until [[ -n "$forward" ]] && curl -sf --max-time 5 -o /dev/null "http://127.0.0.1:$port/readyz"; do
		if ((SECONDS >= until)); then
			echo "no connection to the gateway: $(cat "$scratch/forward")" >&2
			exit 1
		fi
		if [[ -z "$forward" ]] || ! kill -0 "$forward" 2>/dev/null; then
			disconnect
			"$KUBECTL" port-forward -n "$namespace" service/cortex-api "$port:8000" >"$scratch/forward" 2>&1 &
			forward=$!
		fi
		pause 0.1
	done
}

# Proves to the gateway who asks: the ServiceAccount of config/demo.
get_token=(kubectl create token cortex-demo -n "$namespace" --audience=cortex)

# A whole answer is thousands of characters.
shorten() { if ((${#1} > 700)); then printf '%s… (%d characters)' "${1:0:600}" "${#1}"; else printf '%s' "$1"; fi; }

# Asks, and prints each event as it arrives, with the time since the question. Leaves the events in $scratch/events.
ask() {
	local body started line token
	body="{\"query\": \"$1\", \"streaming\": true}"
	# By a file: the arguments of a program are seen by everybody on the machine.
	token="$("${get_token[@]}")"
	(umask 077 && printf 'Authorization: Bearer %s\n' "$token" >"$scratch/header")
	connect
	printf "\033[2m$ curl -N http://127.0.0.1:%s/api/tasks -H \"Authorization: Bearer \$(%s)\" -H 'Content-Type: application/json' -d '%s'\033[0m\n" \
		"$port" "${get_token[*]}" "$body"
	: >"$scratch/events"
	started="$(now)"
	curl -sSN --max-time 300 "http://127.0.0.1:$port/api/tasks" -H @"$scratch/header" -H 'Content-Type: application/json' -d "$body" |
		while IFS= read -r line; do
			[[ "$line" == data:* ]] || continue
			printf '%8s  %s\n' "+$((($(now) - started)))ms" "$(shorten "${line#data: }")"
			printf '%s\n' "${line#data: }" >>"$scratch/events"
		done
	took=$(($(now) - started))
}

# The stream must hold these event types in this order; the demo is a promise.
expect() {
	local type from=1 at
	for type in "$@"; do
		at="$(tail -n "+$from" "$scratch/events" | grep -n -m1 "\"type\":\"$type\"" | cut -d: -f1)" || true
		[[ -n "$at" ]] || { echo "demo FAILED: no $type where one was due" >&2; exit 1; }
		from=$((from + at))
	done
}

settled() { kubectl rollout status "deployment/$server" -n "$namespace" --timeout=300s >/dev/null; }

pause() { read -rt "$1" <> <(:) || true; }

# Waits until the server's only pod waits for a reason. Pods on their way out count as pods.
waiting_for() {
	local until=$((SECONDS + 300)) reasons
	while :; do
		reasons="$(kubectl get pods -l "app=$server" -n "$namespace" \
			-o jsonpath='{range .items[*]}{.status.containerStatuses[0].state.waiting.reason}{"\n"}{end}')"
		[[ "$reasons" != "$1" ]] || return 0
		((SECONDS < until)) || { echo "demo FAILED: the pod does not come to $1; pods wait for: $reasons" >&2; exit 1; }
		pause 0.3
	done
}

no_pods() { kubectl wait --for=delete pod -l "app=$server" -n "$namespace" --timeout=300s >/dev/null; }

scaled_to_zero() {
	title "1. The server is scaled to zero"
	shown kubectl scale deployment "$server" -n "$namespace" --replicas=0
	no_pods
	ask "list sandfly hosts"
	expect processing_start healing_start healing_progress healing_complete processing_complete
	grep -q '"status":"completed"' "$scratch/events" || { echo "demo FAILED: no answer" >&2; exit 1; }
	healed=$took
}

# What a person who already knows what is wrong needs on this cluster, now: kubectl scale, then the first handshake.
floor() {
	kubectl scale deployment "$server" -n "$namespace" --replicas=0 >/dev/null
	no_pods
	E2E_KUBECONFIG="${KUBECONFIG:-$HOME/.kube/config}" E2E_KUBECTL="$(type -P "$KUBECTL")" go run ./test/bench/heal --floor
	settled
}

crash_loop() {
	title "2. The server crashes at every start"
	fault crash-until-restarted
	echo "waiting for the kubelet to call it a crash loop..."
	waiting_for CrashLoopBackOff
	kubectl get pods -l "app=$server" -n "$namespace"
	ask "what security alerts do we have?"
	expect processing_start healing_start healing_progress healing_complete processing_complete
	settled
}

# Switches a fault of the sample server on, through the API server's Service proxy, which may hear of a new pod later than others. The
# server that crashes may be gone before it has answered.
fault() {
	local until=$((SECONDS + 60)) said
	until said="$(echo '{}' | kubectl create --raw "/api/v1/namespaces/$namespace/services/$server:mcp/proxy/fault?mode=$1" -f - 2>&1)" ||
		[[ "$said" != *"no endpoints available"* ]]; do
		((SECONDS < until)) || { echo "demo FAILED: $said" >&2; exit 1; }
		pause 0.3
	done
}

bad_image() {
	title "3. The server's new image does not exist"
	shown kubectl set image "deployment/$server" -n "$namespace" "$server=localhost:5001/invalid-image:latest"
	echo "waiting for the pull to fail..."
	waiting_for ImagePullBackOff
	ask "list sandfly hosts"
	expect processing_start healing_start healing_progress healing_failed processing_complete
	echo "a person's fix:"
	shown kubectl rollout undo "deployment/$server" -n "$namespace" 2>/dev/null
	settled
}

if [[ "${1:-}" == down ]]; then
	down
	exit
fi
need_curl
cluster_up
hack/install.sh
kubectl delete healingrequests -l "healing.cortex.dev/target=$server" -n "$namespace" >/dev/null
scaled_to_zero
crash_loop
bad_image
title "What happened"
shown kubectl get healingrequests -n "$namespace"
title "How long it took"
floor="$(set -e; floor)"
printf 'asked, healed and answered:                      %s\n' "$(seconds "$healed")"
printf 'the floor (kubectl scale + first MCP handshake): %s\n' "$floor"
printf '\nThe cluster stays up. Look around:\n  export KUBECONFIG=%s PATH=%s:%s:$PATH\n  kubectl get heal -n %s -o wide\n  kubectl cortex history -n %s\n' \
	"${KUBECONFIG:-$HOME/.kube/config}" "$PWD/bin" "$(dirname "$(type -P "$KUBECTL")")" "$namespace" "$namespace"
printf '  kubectl port-forward -n %s service/cortex-api %s:8000   # then ask, as above\n' "$namespace" "$port"
printf 'Remove it: make demo-down%s\n' "$([[ "$CLUSTER" == local ]] || echo " CLUSTER=$CLUSTER")"
