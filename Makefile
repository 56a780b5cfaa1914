# SPDX-License-Identifier: GPL-2.0-only
#
# Each target does what it needs first, so `sudo make demo` and `sudo make test` are all a new machine takes.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
VENV := .venv/bin

.PHONY: help
help: ## this list
	@sed -nE 's/^([a-z0-9%-]+):.*## (.*)/  make \1\t\2/p; s/^##@ (.*)/\n\1/p' $(MAKEFILE_LIST) | expand -t 28

##@ Use

.PHONY: setup
setup: ## what the system lacks, and .venv/bin/netvsc-bpf
	@scripts/setup.sh
	@echo "setup: ready: $(VENV)/netvsc-bpf"

.PHONY: demo
demo: ## the main job from nothing: a lab, traffic, the VF's removal and return
	@scripts/kernel.sh demo
	@scripts/setup.sh
	@$(VENV)/netvsc-bpf demo

##@ Test

.PHONY: test
test: ## unit tests, and tests on this kernel in network namespaces
	@scripts/kernel.sh test
	@scripts/setup.sh test
	@scripts/prometheus-setup.sh
	@$(VENV)/python -m tests.run

.PHONY: mutation-test
mutation-test: ## harmful changes, one at a time: do the tests notice each?
	@scripts/setup.sh test
	@$(VENV)/python -m tests.mutation.run

.PHONY: fault-test
fault-test: ## every operation killed and failed at each of its steps (half an hour)
	@scripts/kernel.sh fault-test
	@scripts/setup.sh test
	@$(VENV)/python -m tests.kernel.sweep

.PHONY: vm-test
vm-test: ## the kernel tests again, in guests with Debian's kernels; ARGS='6.12 -k s71': some
	@scripts/kernel.sh vm-test
	@scripts/setup.sh vm
	@$(VENV)/python -m tests.vm.run $(ARGS)

.PHONY: vm-test-every
vm-test-every: ## the same, with every test on every kernel: an hour more
	@NETVSC_BPF_VM_EVERY=1 $(MAKE) --no-print-directory vm-test

.PHONY: arm64-test
arm64-test: ## commands and tests on Debian's arm64 kernels, pages of 4 and 16 KiB, emulated; ARGS='4k': one
	@scripts/kernel.sh arm64-test
	@scripts/setup.sh vm
	@$(VENV)/python -m tests.arm64.run $(ARGS)

.PHONY: fleet-test
fleet-test: ## Ansible role, cloud-init, image and Kubernetes manifests, in root directories
	@scripts/fleet-test.sh

.PHONY: migration-test
migration-test: ## a guest with a VF migrates between two QEMUs under traffic, there and back
	@scripts/kernel.sh migration-test
	@scripts/setup.sh vm
	@$(VENV)/python -m tests.migration.run

.PHONY: soak
soak: ## whatever may happen to a pair, for an hour, in an order that a seed decides (ARGS='--minutes 5 --seed 1')
	@scripts/kernel.sh soak
	@scripts/setup.sh test
	@$(VENV)/python -m tests.soak.run $(ARGS)

.PHONY: debian13-test
debian13-test: ## unit tests and attach under Debian 13's Python and bcc, on this kernel
	@scripts/kernel.sh debian13-test
	@scripts/debian13.sh

##@ Package

.PHONY: deb
deb: ## the Debian package, into build/deb
	@scripts/deb.sh

.PHONY: deb-test
deb-test: ## install, upgrade under traffic, remove and purge it on Debian 12 and 13; ARGS: sid, --upgrades
	@scripts/kernel.sh deb-test
	@scripts/setup.sh
	@$(VENV)/python -m tests.deb.run $(ARGS)

##@ Measure

# Where measurements leave their raw numbers. The pages are made of those in bench/results.
RESULTS := build/bench

# bench/X.py is what `make bench-X` runs. (A pattern cannot be .PHONY; no file is ever called bench-X.)
bench-%: ## a measurement from bench/, such as make bench-control
	@test -f bench/$*.py || { echo "no bench/$*.py; there are:" bench/*.py >&2; exit 2; }
	@scripts/kernel.sh bench-$*
	@scripts/setup.sh
	@$(VENV)/python -m bench.$* --json $(RESULTS)/$*.json

bench-fleet: ## 10,000 made-up VMs for one Prometheus, with the rules and the dashboard for fleets
	@scripts/setup.sh
	@scripts/prometheus-setup.sh
	@$(VENV)/python -m bench.fleet --json $(RESULTS)/fleet.json

bench-path: ## instructions per packet of every way through a pair, in a guest
	@scripts/kernel.sh bench-path
	@scripts/setup.sh vm
	@$(VENV)/python -m bench.path --json $(RESULTS)/path.json

bench-guard: ## instructions that guard takes for a received frame, in a guest
	@scripts/kernel.sh bench-guard
	@scripts/setup.sh vm
	@$(VENV)/python -m bench.guard --json $(RESULTS)/guard.json

bench-announce-guest: ## a VF is unplugged while RTNL is held, and its guest only receives
	@scripts/kernel.sh bench-announce-guest
	@scripts/setup.sh vm
	@$(VENV)/python -m bench.announce_guest --json $(RESULTS)/announce-guest.json

bench-failover-guest: ## packets lost when a true VF fails, ours and its peers, in a guest
	@scripts/kernel.sh bench-failover-guest
	@scripts/setup.sh vm
	@$(VENV)/python -m bench.failover_guest --json $(RESULTS)/failover-guest.json

bench-black-hole: ## a VF that reaches nothing, ours and bonding: how soon is it left
	@scripts/kernel.sh bench-black-hole
	@scripts/setup.sh vm
	@$(VENV)/python -m bench.black_hole --json $(RESULTS)/black-hole.json

bench-drain-guest: ## drain and undrain on hv_netvsc, in a guest
	@scripts/kernel.sh bench-drain-guest
	@scripts/setup.sh vm
	@$(VENV)/python -m bench.drain_guest --json $(RESULTS)/drain-guest.json

bench-migration: ## packets lost in a live migration, ours and its peers, between two QEMUs
	@scripts/kernel.sh bench-migration
	@scripts/setup.sh vm
	@$(VENV)/python -m bench.migration --json $(RESULTS)/migration.json

.PHONY: bench-all
bench-all: ## every measurement, into bench/results; then make bench-docs
	@scripts/kernel.sh bench-all
	@scripts/setup.sh vm
	@$(VENV)/python -m bench.all

.PHONY: bench-docs
bench-docs: ## docs/benchmarks.md and docs/benchmarks/, from the numbers in bench/results
	@scripts/setup.sh
	@$(VENV)/python -m bench.page docs

##@ Release

.PHONY: release
release: ## build/release: source archive, wheel, SBOM, release notes, checksums
	@scripts/release.sh

.PHONY: release-test
release-test: ## a release built twice: are they equal, and complete?
	@scripts/release-test.sh

##@ Work on it

.PHONY: lint
lint: ## ruff, mypy, clang-format and shellcheck
	@scripts/setup.sh lint
	@scripts/lint.sh

.PHONY: manual
manual: ## docs/man and deploy/completion, from the commands themselves
	@scripts/setup.sh
	@$(VENV)/python scripts/manual.py

.PHONY: docs
docs: ## the reference pages in docs/, from the code
	@scripts/setup.sh
	@$(VENV)/python scripts/commands_page.py
	@$(VENV)/python scripts/json_page.py
	@$(VENV)/python -m netvsc_bpf.metrics.reference docs/metrics.md
	@$(VENV)/python -m netvsc_bpf.config.reference docs/configuration.md deploy/netvsc-bpf.toml

.PHONY: pictures
pictures: ## docs/pictures, by the commands at a terminal in a lab with traffic
	@scripts/kernel.sh pictures
	@scripts/setup.sh
	@$(VENV)/python scripts/pictures.py

.PHONY: clean
clean: ## remove what the targets above made here
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
