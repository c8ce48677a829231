# The user interface of the repository. Everything a target needs is installed by tools/bootstrap on the way.
PYTHON := .venv/bin/python
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo demo-heat test check conformance failures generate lab-up lab-status lab-down bench bootstrap

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: bootstrap ## the main job, told on the terminal: two clouds, two tenants, one backbone
	@$(PYTHON) -m lab up
	@$(PYTHON) -m lab demo

demo-heat: bootstrap ## one stack: a network over two clouds and a server in each; a part of demo
	@$(PYTHON) -m lab up
	@$(PYTHON) -m lab demo-heat

test: bootstrap ## all rings of tests, from a fresh machine
	@$(PYTHON) tools/run-tests

check: bootstrap ## static, unit and contract tests; some seven minutes
	@$(PYTHON) tools/run-tests static unit contract

conformance: bootstrap ## what others wrote for the BGPVPN API and Heat, run against the lab
	@$(PYTHON) -m tests.peers
	@$(PYTHON) -m lab up
	@$(PYTHON) -m tests.conformance

failures: bootstrap ## sites cut off for 1, 30, 120 s and by fits and starts, killed, taken over, while tenants write
	@$(PYTHON) -m lab up
	@SCENARIO=long $(PYTHON) -m pytest -q tests/scenario/test_partition.py \
	  tests/scenario/test_site_death.py tests/scenario/test_take_over.py \
	  tests/scenario/test_restarts.py tests/scenario/test_many_writers.py \
	  tests/scenario/test_heat_cloudformation.py tests/scenario/test_heat_many.py \
	  tests/scenario/test_heat_server_changes.py tests/scenario/test_heat_interrupted.py

generate: bootstrap ## docs/api.md, docs/commands.md and the samples of etc, from the code
	@$(PYTHON) -m docs.generate

lab-up: bootstrap ## two real OpenStack regions and an MPLS backbone on this machine
	@$(PYTHON) -m lab up

lab-status: bootstrap ## what runs in the lab
	@$(PYTHON) -m lab status

lab-down: bootstrap ## end the lab and leave nothing behind
	@$(PYTHON) -m lab down

bench: bootstrap ## measure against the lab that is up
	@$(PYTHON) -m bench

bootstrap:
	@tools/bootstrap
