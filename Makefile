# make test is the whole check: it installs what is missing (Debian, root), starts
# the real services, runs everything and stops what it started. See .ci/.

SHELL := /bin/bash
CACHE := $(or $(CONGVU_CACHE),$(HOME)/.cache/congvu)

# For services-up and services-down: where the variables are written, where the
# services keep their data (not below /root: PostgreSQL runs as a user of its own).
ENV_FILE ?= $(CACHE)/test.env
STATE ?= $(or $(TMPDIR),/tmp)/congvu-services

.PHONY: test long bench profile static js services-up services-down demo build

test: ## everything; the last lines are those of go test
	@.ci/install
	@.ci/static
	@.ci/js
	@.ci/services run go test -timeout 30m ./...

long: ## the same tests with the large counts (CONGVU_LONG=1)
	@.ci/install
	@.ci/static
	@.ci/js
	@CONGVU_LONG=1 .ci/services run go test -count=1 -timeout 6h ./...

bench: ## the benchmarks, written to docs/benchmarks.md
	@.ci/install
	@cp /proc/loadavg $(CACHE)/bench.load; grep "^cpu " /proc/stat >$(CACHE)/bench.stat
	@set -o pipefail; .ci/services run go test -p 1 -run '^$$' -bench . -benchtime 300ms -timeout 2h ./cmd/congvu ./evidence/... | tee $(CACHE)/bench.txt
	@.ci/benchmarks $(CACHE)/bench.txt

profile: ## a new cmd/congvu/default.pgo, by which the compiler optimises: where the time goes under load
	@.ci/install
	@rm -rf $(CACHE)/profile; mkdir -p $(CACHE)/profile
	@GOFLAGS=-trimpath CONGVU_CPU_PROFILE=$(CACHE)/profile .ci/services run go test -p 1 -run '^$$' -bench 'BenchmarkLoad/.*/.*/16$$' -benchtime 300ms -timeout 1h ./cmd/congvu
	@go tool pprof -proto $(CACHE)/profile/*.pprof >cmd/congvu/default.pgo

static: ## gofmt, vet, staticcheck
	@.ci/static

js: ## type check and tests of the JavaScript
	@.ci/install
	@.ci/js

services-up: ## start the services for single tests: . $(make -s services-up) && go test ./evidence/...
	@.ci/install
	@.ci/services up $(ENV_FILE) $(STATE)

services-down: ## stop them again
	@.ci/services down $(STATE)

build: ## the program, as ./congvu
	@CGO_ENABLED=0 go build -trimpath -o congvu ./cmd/congvu

demo: ## the program with demo data on http://localhost:8080
	@go run ./cmd/congvu demo
