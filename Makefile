# Popsicle's workshop. `make` alone tells what there is.

GOLANGCI_VERSION   := $(shell cat .ci/golangci-lint.version)
GOLANGCI_PATH      := github.com/golangci/golangci-lint/v2/cmd/golangci-lint
GORELEASER_VERSION := v2.15.0
GORELEASER_PATH    := github.com/goreleaser/goreleaser/v2
IMAGES             := go run ./testscripts/mkimages
CI_IMAGE           := cimg/go:1.26

# How much is tested: `make test PKG=./db/... TESTFLAGS=-v`.
PKG       := ./...
TESTFLAGS := -race

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build ./popsicle (Go and a C compiler)
	go build -trimpath -o popsicle .

.PHONY: run
run: build ## build popsicle and let it run its own pipeline in Docker, or the demo's where no registry is reached
	@if docker image inspect $(CI_IMAGE) >/dev/null 2>&1 || docker pull $(CI_IMAGE); then ./popsicle run; \
	else echo "$(CI_IMAGE) is not to be had here (make images makes one that stands in for it): the demo pipeline instead"; \
	     $(MAKE) --no-print-directory demo; fi

.PHONY: demo
demo: build ## run the small demo pipeline of docs/examples/demo in Docker, in seconds
	@$(IMAGES) busybox
	@copy=$$(mktemp -d) && trap 'rm -rf "$$copy"' EXIT && TRY_IN="$$copy/demo" POPSICLE=./popsicle docs/examples/try demo

.PHONY: test
test: ## make what the tests need, and run them (Docker)
	@$(IMAGES) busybox debian cimg
	go test $(TESTFLAGS) -timeout 25m $(PKG)

.PHONY: test-slow
test-slow: ## run the tests of examples, podman, full disks and engines of their own too: about ten minutes more
	@$(IMAGES) busybox debian cimg golang apps
	POPSICLE_TEST_SLOW=1 go test $(TESTFLAGS) -timeout 60m ./testscripts/realdocker

.PHONY: test-fast
test-fast: ## run the fast tests that need no Docker
	go test $(TESTFLAGS) . ./commands/term/... ./db/... ./gitops/... ./runner/config/... ./runner/event/... ./runner/plan/...

.PHONY: lint
lint: dist/golangci-lint-$(GOLANGCI_VERSION) ## check format, go vet and linters
	@unformatted=$$(gofmt -l .) && test -z "$$unformatted" || { echo "gofmt -w $$unformatted"; exit 1; }
	go vet ./...
	dist/golangci-lint-$(GOLANGCI_VERSION) run

# The linter: the one on PATH where it has the wanted version, else built here.
dist/golangci-lint-$(GOLANGCI_VERSION):
	@mkdir -p dist
	@if golangci-lint version 2>/dev/null | grep -q "version $(GOLANGCI_VERSION:v%=%) "; \
	then ln -sf "$$(command -v golangci-lint)" $@; \
	else echo "building golangci-lint $(GOLANGCI_VERSION), once: about two minutes"; \
	     CGO_ENABLED=0 GOBIN=$(CURDIR)/dist go install $(GOLANGCI_PATH)@$(GOLANGCI_VERSION) && mv dist/golangci-lint $@; fi

.PHONY: docs
docs: ## write docs/cli.md anew, and manual pages and completions into dist/share
	UPDATE=1 go test ./testscripts/clidoc
	go run ./testscripts/clidoc dist/share

.PHONY: release-check
release-check: dist/goreleaser-$(GORELEASER_VERSION) ## check the config of releases, and build the Linux half of one (aarch64-linux-gnu-gcc)
	dist/goreleaser-$(GORELEASER_VERSION) check
	dist/goreleaser-$(GORELEASER_VERSION) build --snapshot --clean --id linux

dist/goreleaser-$(GORELEASER_VERSION):
	@echo "building goreleaser $(GORELEASER_VERSION), once: some ten minutes"
	@mkdir -p dist
	CGO_ENABLED=0 GOBIN=$(CURDIR)/dist go install $(GORELEASER_PATH)@$(GORELEASER_VERSION) && mv dist/goreleaser $@

.PHONY: bench
bench: build ## measure popsicle beside plain docker, act and woodpecker (BENCH="-rounds 5 -only W1,W2")
	@$(IMAGES) busybox
	go run ./testscripts/bench -popsicle ./popsicle $(BENCH)

.PHONY: bench-config
bench-config: build ## measure the compiler of configs (BENCH="-corpus ../shared/corpus -orbs ../shared/orbs")
	go run ./testscripts/benchconfig -popsicle ./popsicle $(BENCH)

.PHONY: bench-daemon
bench-daemon: build ## measure how the daemon takes webhooks, and what kill -9 costs (BENCH="-deliveries 20000")
	go run ./testscripts/benchdaemon -popsicle ./popsicle $(BENCH)
	@$(MAKE) --no-print-directory bench-api BENCH=

.PHONY: bench-api
bench-api: build ## measure the daemon's API over a million jobs, and 200 followers of a log
	go run ./testscripts/benchapi -popsicle ./popsicle $(BENCH)

.PHONY: images
images: ## make the images that tests, demo and `make run` use
	$(IMAGES) all

.PHONY: clean
clean: ## remove what was built here, and every image made here
	$(IMAGES) rm
	rm -rf popsicle dist
