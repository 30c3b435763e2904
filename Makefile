# Every target builds the environment it needs, so that a clone, Python and make are enough.
.DEFAULT_GOAL := help
.PHONY: help demo test check dev bench docs lock clean venv

PYTHON := .venv/bin/python
VENV := .venv/.installed
LEGACY := .venv-legacy/.installed
PROCESSES ?= 2

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  make test PYTEST='-k partitions'                  some of the tests"
	@echo "  make test TEST_DATABASE_URL=postgresql://...      on a server of yours (superuser)"
	@echo "  make bench ONLY=noop_vs_dramatiq                  one figure"
	@echo "  make bench ONLY=indexes                           what each index is worth, on a million rows"

demo: $(VENV) $(LEGACY) ## the whole system at work on real servers, in a minute and a half
	@$(PYTHON) -m demo

test: $(VENV) $(LEGACY) ## all tests, on embedded servers or on TEST_DATABASE_URL
	@$(PYTHON) -m pytest tests -n $(PROCESSES) $(PYTEST)

check: $(VENV) ## format, lint, types, layers, generated documents, the repository's own rules
	@sh .ci/check

dev: $(VENV) ## PostgreSQL and Valkey with data under .dev/, until Ctrl-C
	@$(PYTHON) -m embedded

bench: $(VENV) $(LEGACY) ## measure; ONLY=name for one figure; writes bench.json
	@$(PYTHON) -m tests.benchmarks $(if $(ONLY),--only $(ONLY))

docs: $(VENV) ## generate the documents that come from the code
	@$(PYTHON) -m docs.generate

lock: $(VENV) ## pin the newest dependencies that pyproject.toml allows
	@$(PYTHON) .ci/lock.py

clean: ## remove environments, caches and what was built; keeps the data under .dev/
	rm -rf .venv .venv-legacy .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build bench.json .coverage .coverage.*
	find . -name __pycache__ -type d -not -path './.dev/*' -prune -exec rm -rf {} +

venv: $(VENV) $(LEGACY) ## only build the environments

$(VENV): requirements.lock
	@sh .ci/environment .venv requirements.lock

$(LEGACY): demo/legacy_era.lock
	@sh .ci/environment .venv-legacy demo/legacy_era.lock
