# Everything that is done with this repository. `make help` lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Where demo and deploy go: local (hack/localkube), kind, or current (the kubeconfig's context).
CLUSTER ?= local
IMAGE ?= cortex:dev
SAMPLE_IMAGE ?= cortex-mcpserver:dev
KUBECTL ?= kubectl
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# Tools are Go modules of their own, so that their dependencies never meet the product's.
TOOL := go tool -modfile=hack/tools/go.mod
GOLANGCI_LINT = go tool -modfile=$(CURDIR)/hack/tools/golangci-lint/go.mod golangci-lint
LOCALKUBE := go -C hack/localkube run .

# Every Go module, and those whose code is written here (the others only pin what is built from elsewhere).
MODULES = $(sort $(dir $(shell git ls-files --cached --others --exclude-standard -- 'go.mod' '*/go.mod')))
LINTED_MODULES := ./ hack/localkube/

# All but those that need a real cluster.
PACKAGES = $(shell go list ./... | grep -v '/test/e2e$$')
# Asked only where it is used: it builds or downloads a kube-apiserver the first time, and says so on stderr.
# An assignment of its own, so that its failure ends the recipe.
ASSETS = KUBEBUILDER_ASSETS="$$($(LOCALKUBE) assets)"; export KUBEBUILDER_ASSETS; $(PATIENCE)
# Of envtest: several API servers start and end at once on a busy machine, and the usual 20 s are too few.
PATIENCE = export KUBEBUILDER_CONTROLPLANE_START_TIMEOUT=5m KUBEBUILDER_CONTROLPLANE_STOP_TIMEOUT=5m
# -race, where there is a C compiler or one can be installed.
RACE = $$(hack/race.sh)
TEST_FLAGS ?=
E2E = hack/with-cluster.sh "the e2e tests" go test -count=1 -timeout=70m $(TEST_FLAGS) ./test/e2e

##@ General

.PHONY: help
help: ## Show this help.
	@awk 'BEGIN { FS = ":.*## "; printf "Usage: make \033[36m<target>\033[0m\n" } \
		/^##@/ { printf "\n\033[1m%s\033[0m\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  \033[36m%-19s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: clean
clean: ## Remove what was built here. Caches stay.
	rm -rf bin out

##@ Development

# Where the +kubebuilder:rbac markers are that make each role.
OPERATOR_RBAC := cmd/operator internal/controller internal/gather internal/remediation internal/verification
GATEWAY_RBAC := cmd/gateway internal/auth internal/gateway internal/recovery internal/healing internal/chat internal/mcp

.PHONY: generate
generate: ## Regenerate deepcopy code, CRDs, RBAC roles and the reference of the API, the causes, the rights and the failures.
	$(TOOL) controller-gen object:headerFile=hack/boilerplate.go.txt paths=./api/...
	$(TOOL) controller-gen crd:maxDescLen=10000 paths=./api/... output:crd:dir=config/crd/bases
	$(call generate-role,operator,$(OPERATOR_RBAC))
	$(call generate-role,gateway,$(GATEWAY_RBAC))
	@mkdir -p docs/reference
	$(TOOL) crd-ref-docs --source-path=api --config=hack/api-reference/config.yaml --templates-dir=hack/api-reference \
		--renderer=markdown --output-path=docs/reference/api.md --log-level=ERROR
	go run ./cmd/kubectl-cortex explain --output=markdown >docs/reference/causes.md
	go run ./hack/rbac-reference operator $(OPERATOR_RBAC) -- gateway $(GATEWAY_RBAC) >docs/reference/rbac.md
	go run ./hack/failure-reference >docs/reference/failures.md

# $(1): whose role; $(2): the folders whose +kubebuilder:rbac markers make it.
generate-role = $(if $(wildcard $(2)),$(TOOL) controller-gen rbac:roleName=cortex-$(1) \
	$(patsubst %,paths=./%/...,$(wildcard $(2))) output:rbac:dir=config/rbac/$(1))

.PHONY: fmt
fmt: ## Format the code.
	$(GOLANGCI_LINT) fmt

.PHONY: lint
lint: ## Lint every module that is written here.
	@failed=; for module in $(LINTED_MODULES); do \
		echo "linting $$module"; \
		(cd "$$module" && $(GOLANGCI_LINT) run --config $(CURDIR)/.golangci.yml ./...) || failed=yes; \
	done; [[ -z "$$failed" ]]

.PHONY: tidy
tidy: ## Tidy every Go module.
	@# Twice: it downloads most of what is needed, and a proxy may fail once.
	@for module in $(MODULES); do echo "tidying $$module"; go -C "$$module" mod tidy || go -C "$$module" mod tidy; done

.PHONY: manifests
manifests: ## Check that every kustomization in config/ builds.
	@hack/manifests.sh

##@ Build

.PHONY: build
build: bin/operator bin/gateway bin/kubectl-cortex bin/mcpserver ## Build the programs into bin/.

# Go knows better than make what is up to date.
.PHONY: bin/operator bin/gateway bin/kubectl-cortex bin/mcpserver
bin/operator bin/gateway bin/kubectl-cortex: bin/%:
	$(call go-build,./cmd/$*)
bin/mcpserver:
	$(call go-build,./test/mcpserver)

go-build = CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o $@ $(1)

# Where people run kubectl.
PLUGIN_PLATFORMS := linux-amd64 linux-arm64 darwin-amd64 darwin-arm64 windows-amd64
# The one that differs most. Each costs minutes of compiling what it depends on, the first time.
PLUGIN_CHECKED := windows-amd64
PLUGINS = $(foreach platform,$(PLUGIN_PLATFORMS),bin/kubectl-cortex-$(platform)$(if $(filter windows-%,$(platform)),.exe))

.PHONY: plugin-all $(PLUGINS)
plugin-all: $(PLUGINS) ## Build the kubectl plugin for Linux, macOS and Windows into bin/.
$(PLUGINS): bin/kubectl-cortex-%:
	GOOS=$(word 1,$(subst -, ,$(basename $*))) GOARCH=$(word 2,$(subst -, ,$(basename $*))) $(call go-build,./cmd/kubectl-cortex)

.PHONY: plugin-check
plugin-check: ## Check that the kubectl plugin compiles for another system.
	@for platform in $(PLUGIN_CHECKED); do \
		CGO_ENABLED=0 GOOS=$${platform%-*} GOARCH=$${platform#*-} go build -o /dev/null ./cmd/kubectl-cortex || exit; \
	done

.PHONY: docker-build
docker-build: docker ## Build the image of the operator and the gateway with Docker, as IMAGE.
	DOCKER_BUILDKIT=1 docker build --build-arg VERSION=$(VERSION) -t $(IMAGE) .

.PHONY: docker-build-sample
docker-build-sample: docker bin/linux/mcpserver ## Build the image of the sample MCP servers with Docker, as SAMPLE_IMAGE.
	docker build -t $(SAMPLE_IMAGE) -f test/mcpserver/Dockerfile bin/linux

.PHONY: bin/linux/mcpserver
bin/linux/mcpserver:
	GOOS=linux $(call go-build,./test/mcpserver)

.PHONY: docker
docker:
	@docker info >/dev/null 2>&1 || { echo "this needs a Docker engine and finds none; make demo needs no image" >&2; exit 1; }

##@ Test

.PHONY: test
test: ## Run every test: e2e where a local cluster can run, then unit and envtest with the race detector.
	hack/slowhttptest.sh
	hack/conformance.sh
	@hack/chromium.sh
	@# A cluster waits more than it works: what is tested after it is compiled meanwhile.
	nice -n 19 go list $(RACE) -test -export -f '' $(PACKAGES) >/dev/null & trap "kill $$! 2>/dev/null || true" EXIT; $(E2E)
	$(ASSETS); go test -timeout=30m $(RACE) $(TEST_FLAGS) $(PACKAGES)
	go test $(TEST_FLAGS) -run 'TestCostOfOneTarget' ./internal/diagnosis
	go -C hack/localkube test $(RACE) $(TEST_FLAGS) ./...

.PHONY: test-unit
test-unit: ## Run the tests that need no Kubernetes.
	@hack/chromium.sh
	go test $(RACE) $(TEST_FLAGS) $$(hack/unit-packages.sh $(PACKAGES))

.PHONY: test-e2e
test-e2e: ## Run the tests that need a cluster, on a local one (Linux, root).
	@hack/chromium.sh
	$(E2E)

.PHONY: attack
attack: ## Attack a real gateway process: slow, oversized and malformed requests, floods, tokens of nobody.
	hack/slowhttptest.sh
	$(ASSETS); go test -count=1 -timeout=15m $(TEST_FLAGS) ./test/attack

.PHONY: conformance
conformance: ## Run the public MCP conformance suite, and clients that people use, against a real gateway process.
	hack/conformance.sh
	$(ASSETS); go test -count=1 -timeout=30m $(TEST_FLAGS) ./test/conformance

.PHONY: screenshots
screenshots: ## Drive the gateway's page in Chromium and keep pictures of it in out/screenshots, to look at.
	@hack/chromium.sh
	SCREENSHOTS=$(CURDIR)/out/screenshots go test -count=1 $(TEST_FLAGS) ./internal/gateway/ui

FUZZ_TIME ?= 20s

.PHONY: fuzz
fuzz: ## Spoil 20 000 dumps, and run every fuzz target for FUZZ_TIME.
	go test ./internal/diagnosis -run TestAnyDump -v -mutations=20000
	hack/fuzz.sh $(FUZZ_TIME)

STRICT ?=
ONLY ?=

.PHONY: bench
bench: bin/gateway ## Measure what docs/performance.md promises, and print it as that table (some 4 minutes; STRICT=1 fails if a bound is missed).
	go build -o bin/bench ./test/bench
	$(ASSETS); bin/bench $(if $(STRICT),-strict) $(if $(ONLY),-only=$(ONLY))

.PHONY: bench-heal
bench-heal: ## Measure a heal beside its floor on a local cluster.
	hack/with-cluster.sh "the heal benchmark" go run ./test/bench/heal

.PHONY: bench-go
bench-go: ## Run the Go benchmarks.
	go test -run '^$$' -bench . -benchmem $(PACKAGES)

.PHONY: verify
verify: tidy generate lint manifests plugin-check ## Regenerate, tidy and lint; fail on any difference or untracked file.
	@hack/clean-tree.sh

.PHONY: presubmit
presubmit: verify test ## What must pass before a change is merged.

##@ Run

.PHONY: demo
demo: ## Break an MCP server and watch Cortex heal it (CLUSTER=local, kind or current).
	CLUSTER=$(CLUSTER) hack/demo.sh

.PHONY: demo-down
demo-down: ## Remove all that the demo made.
	CLUSTER=$(CLUSTER) hack/demo.sh down

.PHONY: localkube-up
localkube-up: ## Start the local Kubernetes.
	$(LOCALKUBE) up

.PHONY: localkube-down
localkube-down: ## Stop the local Kubernetes.
	$(LOCALKUBE) down

.PHONY: deploy
deploy: ## Install Cortex in the cluster of the current context, which must be able to pull its image (make demo loads it).
	$(KUBECTL) apply -k config/default

.PHONY: undeploy
undeploy: ## Remove Cortex and every HealingRequest. The namespace stays: MCP servers may live in it.
	for part in gateway operator rbac crd; do $(KUBECTL) delete --ignore-not-found -k config/$$part; done
