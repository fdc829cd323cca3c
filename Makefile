# Everything runs in .venv, which is made from the lock files; nothing is installed twice.
# Needs: Python 3.11 or newer with venv, git, make. `make PYTHON=python3.12 test` chooses the interpreter.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MADE := $(VENV)/.made
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development
LOCKER := .venv-lock/bin/uv
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
COMPILE := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock"
BENCH_ARGS ?=
FUZZ_SECONDS ?= 600
FLEET_ARGS ?=

# Compiled modules are kept: without them each of the many processes of a test run compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo test coverage lint integration faults faults-part fuzz audit bench bench-fleet check-docs golden lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(DEVELOPMENT)  ## .venv with the tool and everything to develop it

demo: $(RUNTIME)  ## scan a tiny image against the sandbox; needs neither an account nor Docker
	@image=$$($(BIN)/python scripts/demo_image.py) || exit; code=0; \
	$(BIN)/jenkins-scan scan "$$image" --endpoint sandbox --fail-on high --report-dir build/demo-report || code=$$?; \
	echo "The whole answer is in build/demo-report/result.json"; exit $$code

test: $(DEVELOPMENT)  ## unit, contract, architecture and command line tests; no engine, no network
	$(BIN)/python -m pytest -n 3 --dist worksteal -m "not slow"

coverage: $(DEVELOPMENT)  ## these and the slow tests, with branch coverage and its gate, and many more examples; takes far longer
	$(BIN)/python -m pytest -n 2 --dist worksteal --hypothesis-profile=thorough --cov --cov-branch

lint: $(DEVELOPMENT)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

integration: $(DEVELOPMENT)  ## tests with a real dockerd and registry, which they start themselves; as root
	$(BIN)/python -m pytest -n 3 --dist loadfile tests/integration

faults: $(DEVELOPMENT)  ## the whole fault bed, and docs/reliability.md from what it saw; takes minutes, as root
	rm -rf build/faults
	$(BIN)/python -m pytest -n 4 --dist worksteal tests/faults
	$(BIN)/python scripts/reliability.py --write

faults-part: $(DEVELOPMENT)  ## the part of the bed that takes a few minutes, compared with docs/reliability.md
	rm -rf build/faults
	$(BIN)/python -m pytest -n 6 --dist worksteal -m "not slow" tests/faults
	$(BIN)/python scripts/reliability.py

fuzz: $(DEVELOPMENT)  ## hostile input with fresh seeds, for FUZZ_SECONDS (600)
	$(BIN)/python scripts/fuzz.py --seconds $(FUZZ_SECONDS)

audit: $(DEVELOPMENT)  ## ask whether a locked dependency has a known vulnerability; gives up after a minute without a database
	$(BIN)/python scripts/audit.py

bench: $(DEVELOPMENT)  ## the tool beside other ways to do the same, as root; BENCH_ARGS=--help explains
	$(BIN)/python tests/bench/run.py $(BENCH_ARGS)

bench-fleet: $(DEVELOPMENT)  ## a fleet that shares ten task slots, on a virtual clock; FLEET_ARGS=--full for 5,000 agents, some minutes
	$(BIN)/python tests/bench/fleet.py $(FLEET_ARGS)

check-docs: $(DEVELOPMENT)  ## compare README and docs with the tool; `scripts/check_docs.py --write` renews them
	$(BIN)/python scripts/check_docs.py

golden: $(DEVELOPMENT)  ## renew tests/golden, every report format of a few results
	$(BIN)/python scripts/golden_reports.py

lock: $(LOCKER)  ## renew the lock files from pyproject.toml
	$(LOCKER) pip compile pyproject.toml --group pyproject.toml:dev --all-extras $(COMPILE) -o requirements-dev.lock
	printf 'flit-core>=3.12,<5\n' | $(LOCKER) pip compile pyproject.toml - $(COMPILE) -c requirements-dev.lock -o requirements.lock
	printf 'flit-core>=3.12,<5\n' | $(LOCKER) pip compile pyproject.toml - --all-extras $(COMPILE) -c requirements-dev.lock -o requirements-extras.lock
	printf 'pip-audit>=2.9,<3\n' | $(LOCKER) pip compile - $(COMPILE) -o requirements-audit.lock

clean:  ## remove what was built and cached; .venv stays
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* scan-report
	find jenkins_scan scripts tests -name __pycache__ -prune -exec rm -rf {} +

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "make: '$(PYTHON)' is not Python 3.11 or newer; name one: make PYTHON=python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "make: '$(PYTHON)' cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(RUNTIME): $(MADE) requirements.lock pyproject.toml
	$(PIP_INSTALL) --require-hashes -r requirements.lock
	$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(DEVELOPMENT): $(RUNTIME) requirements-dev.lock
	$(PIP_INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

$(LOCKER): | $(MADE)
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check uv
