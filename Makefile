# Bare `make` lists the targets.
GO ?= go
NPM ?= npm
TOOLS := $(GO) tool -modfile=ops/dev/tools/go.mod

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: ## start Tandem on this machine (embedded mode)
	$(GO) run ./cmd/tandem up

.PHONY: build
build: ## build ./tandem
	CGO_ENABLED=0 $(GO) build -trimpath -o tandem ./cmd/tandem

.PHONY: test
test: ## everything that needs no service: Go with the race detector, the browser client, the page in a real browser
	ops/dev/test.sh

.PHONY: stack
stack: ## get what the real stack needs: PostgreSQL, PgBouncer, Redis, Kafka, Dapr (without containers)
	ops/dev/stack.sh

.PHONY: test-stack
test-stack: ## the suites that need real services, on the real stack
	ops/dev/test-stack.sh

.PHONY: dev
dev: ## the distributed mode on the real stack, until Ctrl-C
	ops/dev/dev.sh

.PHONY: image
image: ## check the binary of the image, and build the image where there is a container engine
	ops/dev/image.sh

.PHONY: chart
chart: ## check the Helm chart without a cluster: lint, schemas, unit tests, rules over what is rendered
	ops/dev/chart.sh

.PHONY: compose-test
compose-test: ## bring docker-compose.yml up for real, and use the product in two browsers
	ops/dev/compose-test.sh

.PHONY: cluster
cluster: ## deploy the chart on a real control plane of Kubernetes, without containers, and rehearse bad releases
	ops/dev/cluster.sh

.PHONY: signals
signals: ## hold dashboards, alerts and runbooks against the running product and a real Prometheus
	ops/dev/signals.sh

.PHONY: check
check: ## formatting, vet, linters, generated files unchanged
	ops/dev/check.sh

.PHONY: bench
bench: ## print the figures of the product and what each means
	ops/dev/bench.sh

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (default 60s)
	ops/dev/fuzz.sh $(or $(FUZZTIME),60s)

.PHONY: web
web: ## build the browser client into web/dist
	cd web && $(NPM) ci --no-audit --no-fund && $(NPM) run build
