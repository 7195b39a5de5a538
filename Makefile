# Thin on purpose: every target is one line. What a target does is in xtask/ or tests/lab/.
HOSTS ?= 3
LAB ?= default

.DEFAULT_GOAL := help
.PHONY: help demo test test-full bench lab-up lab-down install mirror docs check fmt clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "%-10s %s\n", $$1, $$2}'
demo: ## Bring up a real host, deploy a real stack, show the second plan
	@cargo xtask demo
test: ## Everything CI runs
	@cargo xtask test
test-full: ## The same, with every CLI, the long matrices and a release build
	@cargo xtask test --full
bench: ## Measure and print a table
	@cargo xtask bench
lab-up: ## Start HOSTS=3 real hosts in containers (LAB=name for a second lab)
	@cargo run -q --locked -p lab -- up --hosts $(HOSTS) --name $(LAB)
lab-down: ## Stop them and remove what they left
	@cargo run -q --locked -p lab -- down --name $(LAB)
install: ## Release build of both programs, and target/dev.tfrc for TF_CLI_CONFIG_FILE
	@cargo xtask install
mirror: ## Release build as a filesystem mirror for a real init
	@cargo xtask mirror
docs: ## Write docs/ from the provider's schema and examples/
	@cargo xtask docs
check: ## Format, lints, tidy and docs, without a lab
	@cargo xtask check
fmt: ## Format the code
	@cargo fmt --all
clean: ## Remove what was built
	@cargo clean
