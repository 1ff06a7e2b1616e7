# What people and CI run. GOFLAGS and the other variables of Go are handed through.

GO      ?= go
TAGS    ?= duckdb_arrow
DEMO    ?= data/demo
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
TESTARGS ?=

LDFLAGS := -X main.version=$(VERSION)
# Pinned, and kept out of go.mod with its many dependencies. The first run builds it, which takes minutes.
GOLANGCI := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/funnelhouse
	$(GO) build -tags "$(TAGS)" -trimpath -ldflags "$(LDFLAGS)" -o bin/funnelhouse ./cmd/funnelhouse

.PHONY: static
static: ## build bin/funnelhouse for any Linux, with nothing to load at run time
	$(GO) build -tags "$(TAGS) netgo osusergo" -trimpath \
		-ldflags "$(LDFLAGS) -s -w -linkmode external -extld g++ -extldflags -static" -o bin/funnelhouse ./cmd/funnelhouse

.PHONY: demo
demo: build ## build, then run the demo company in data/demo
	@mkdir -p $(DEMO)
	bin/funnelhouse demo --dir $(DEMO)

.PHONY: test
test: ## run all tests
	$(GO) test -tags "$(TAGS)" $(TESTARGS) ./...

.PHONY: race
race: ## run all tests with the race detector
	$(GO) test -race -tags "$(TAGS)" $(TESTARGS) ./...

.PHONY: test-decisions
test-decisions: ## run the reproductions behind the decisions on the Kafka client and on JSON
	cd docs/decisions/kafka-go && $(GO) vet ./... && $(GO) test $(TESTARGS) ./...
	cd docs/decisions/json && $(GO) vet ./... && $(GO) test $(TESTARGS) ./...

.PHONY: lint
lint: ## vet and lint; holds the direction of imports too
	$(GO) vet -tags "$(TAGS)" ./...
	$(GOLANGCI) run ./...

.PHONY: fmt
fmt: ## format the Go files
	$(GOLANGCI) fmt

.PHONY: fmt-check
fmt-check: ## show what fmt would change, and fail on it
	$(GOLANGCI) fmt --diff

.PHONY: check
check: fmt-check lint test build ## fmt-check, lint, test and build, then funnelhouse check on contracts, sources and sql
	bin/funnelhouse check

.PHONY: bench
bench: build ## measure the way from a broker to committed rows, beside its parts
	$(GO) run -tags "$(TAGS)" ./cmd/bench

.PHONY: clean
clean: ## remove bin and the demo company
	rm -rf bin $(DEMO)
