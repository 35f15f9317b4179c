# Quorate's two commands are `make demo` and `make test`; each prepares .venv by itself.
#
# The stamps say what is installed, so that a second run installs nothing: run.stamp is Quorate
# itself, dev.stamp is that and the tools of its tests. Both follow pyproject.toml.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
export PIP_ROOT_USER_ACTION := ignore

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# `make -j demo test` must not run two pips in one environment.
.NOTPARALLEL:

.PHONY: help
help:
	@echo 'make demo    check Paxos, then a broken Paxos that must give a counterexample'
	@echo 'make test    lint, format, types, and every test'
	@echo 'make browser Chromium for the tests of pages, by apt-get'
	@echo 'make bench   every measurement of the documents, one after the other (half an hour)'
	@echo 'make clean   remove .venv, caches and build products'
	@echo
	@echo 'PYTHON=...   the Python (3.11 or newer) to make .venv with; now: $(PYTHON)'

# The seeded bug must be found: 1 is `quorate`'s exit status for "violated", and any other
# status, 0 above all, fails the demo.
.PHONY: demo
demo: $(VENV)/run.stamp
	$(BIN)/quorate check paxos
	@echo
	@echo 'Next, acceptors that forget their promises. Agreement must be violated:'
	$(BIN)/quorate check paxos:ForgetsPromise --property agreement; status=$$?; \
	if [ $$status -ne 1 ]; then \
	    echo "demo: the seeded bug was not found: exit status $$status, expected 1" >&2; \
	    exit 1; \
	fi
	@echo
	@echo 'demo: Paxos holds, and the seeded bug was found, as it must be.'

.PHONY: test
test: $(VENV)/dev.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto --dist loadgroup

# Tests of pages need a browser, and are skipped where there is none. CI calls this first.
.PHONY: browser
browser:
	@if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then \
	    echo "browser: $$(command -v chromium) is there"; \
	elif [ "$$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
	        --no-install-recommends chromium chromium-driver fonts-dejavu-core >/dev/null \
	    || echo 'browser: could not be installed; the tests of pages will be skipped' >&2; \
	else \
	    echo 'browser: the tests of pages will be skipped; they need Chromium and its driver:' \
	        'apt-get install chromium chromium-driver' >&2; \
	fi

# Each is a file of bench/ that can be run by itself, and says at its top what it measures; how long
# each takes is in docs/performance.md.  The first that fails ends it.
BENCHES := reference_engine native_engine conformance gallery trace_validation decisions \
    snapshot_stall histories histories_algorithms histories_search histories_specs

.PHONY: bench
bench: $(VENV)/run.stamp
	@set -e; for name in $(BENCHES); do \
	    echo "== bench/$$name.py"; \
	    $(BIN)/python bench/$$name.py; \
	done

.PHONY: clean
clean:
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find spec checker impl tests -type d -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/venv.stamp:
	@command -v '$(PYTHON)' >/dev/null 2>&1 || { \
	    echo "make: '$(PYTHON)' was not found. Quorate needs Python 3.11 or newer;" \
	        "name one with: make PYTHON=/path/to/python3" >&2; exit 1; }
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "make: '$(PYTHON)' is $$('$(PYTHON)' -V 2>&1), and Quorate needs Python 3.11 or newer;" \
	        "name one with: make PYTHON=/path/to/python3" >&2; exit 1; }
	@'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "make: '$(PYTHON)' cannot make a virtual environment: its module 'venv' or 'ensurepip'" \
	        "is missing. On Debian and Ubuntu: apt-get install python3-venv;" \
	        "or name another with: make PYTHON=/path/to/python3" >&2; exit 1; }
	@'$(PYTHON)' -m venv --clear $(VENV)
	@touch $@

$(VENV)/run.stamp: $(VENV)/venv.stamp pyproject.toml
	@echo 'Installing Quorate into $(VENV) (once, and again when pyproject.toml changes)'
	@$(PIP) install --editable .
	@touch $@

# What tests need includes what a demo needs, so this one makes both stamps.
$(VENV)/dev.stamp: $(VENV)/venv.stamp pyproject.toml
	@echo 'Installing Quorate and its test tools into $(VENV) (once, and again when pyproject.toml changes)'
	@$(PIP) install --editable '.[dev]'
	@touch $(VENV)/run.stamp $@
