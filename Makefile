# Shorter ways to what the README and CONTRIBUTING say.

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: ## serve on the embedded database, loopback targets allowed
	go run ./cmd/signalbox serve --dev

.PHONY: demo
demo: ## watch signals arrive and webhooks leave
	go run ./cmd/signalbox demo

.PHONY: build
build: ## the static binary, ./signalbox
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o signalbox ./cmd/signalbox

.PHONY: test
test: ## every test
	go run ./internal/testall

.PHONY: full
full: ## every test, with the counts that are too long for each change
	go run ./internal/testall -full

.PHONY: quick
quick: ## the packages' own tests, without the race detector
	go test $$(go list ./... | grep -v -e signalbox/e2e -e signalbox/internal/crash)

N ?= 50
.PHONY: crash
crash: ## kill the program N times under load and reconcile (N=1000)
	go test -count=1 -timeout=6h -v ./internal/crash -run '^TestKill' -kills=$(N)

.PHONY: bench
bench: ## drive the real server beside a bare handler
	go run ./cmd/signalbox bench

.PHONY: golden
golden: ## write the golden files anew
	go test ./wire ./api ./cmd/signalbox -update
