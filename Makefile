# What there is to do with a checkout. `make` alone lists it.
#
# PYTHON chooses the interpreter for .venv (3.11 or later); without it the newest one found is taken.
# SECONDS is how long `make fuzz` hunts in each parser.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTHON ?=
SECONDS ?= 60
# A process a processor, four at most; the tests of a file stay together, for what they share.
SIDE_BY_SIDE := --numprocesses auto --maxprocesses 4 --dist loadfile

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup faults demo lab lab-results test test-all lint types bench fuzz lock clean

help:  ## List what there is to do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY)  ## Make .venv with the pinned dependencies and whydown itself

# Done again only when the pins or the package's own description change.
$(READY): .ci/requirements.txt pyproject.toml .ci/make-venv
	@.ci/make-venv $(VENV) $(PYTHON)
	@$(BIN)/python -m pip install --quiet --requirement .ci/requirements.txt
	@$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

demo: setup  ## Watch a service overloaded, then hijacked, and told apart (two minutes, no root)
	@rm -rf build/demo
	@PYTHONPATH=tests/lab $(BIN)/python -m lab.demo --keep build/demo

lab: setup  ## Play SCENARIO=subprefix-hijack in a small Internet of namespaces; without one, list them (root)
	@PYTHONPATH=tests/lab $(BIN)/python -m lab $(SCENARIO)

lab-results: setup  ## Play every scenario and write tests/lab/RESULTS.md (about 25 minutes; goes on where it was stopped)
	@PYTHONPATH=tests/lab $(BIN)/python -m lab.results

test: setup  ## The everyday tests
	@$(BIN)/python -m pytest -m "not slow" $(SIDE_BY_SIDE)

test-all: setup  ## Every test
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE)

lint: setup  ## Style and order of the code
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup  ## Types, strictly
	@$(BIN)/mypy

bench: setup  ## Measure what the design promises of speed; prints figures, judges nothing
	@for script in tests/bench/*.py; do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

faults: setup  ## Kill, freeze, fill and cut off agent and hub; prints lost and doubled facts; then tests without guards
	$(BIN)/python tests/faults/run.py tests/faults/RESULTS.md
	$(BIN)/python tests/faults/guards.py

fuzz: setup  ## Hunt for bytes that break a parser; keeps what it learns in build/fuzz
	@$(BIN)/python -m pip install --quiet --group fuzz
	@$(BIN)/python tests/fuzz/hunt.py --seconds $(SECONDS)

lock: setup  ## Write .ci/requirements.txt anew from pyproject.toml
	@.ci/lock

clean:  ## Remove .venv, caches and built files; not data/, which holds your history
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
