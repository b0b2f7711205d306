# Two commands for newcomers: `make demo`, `make test`. Everything lives in .venv, data/ and demo/.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --no-cache-dir --constraint constraints.txt
# One thread per process: the processes already fill the cores.
export OMP_NUM_THREADS := 1
export DAGSTER_DISABLE_TELEMETRY := 1

.PHONY: help setup demo ui test lint clean

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.ready  ## make .venv with everything pinned

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) torch==2.13.0
	$(PIP) --editable '.[dev,peers]'
	touch $@

demo: setup  ## crawl the embedded sample and build the whole lake in demo/, ending in a report
	$(BIN)/crystal-lake --root demo demo

ui: setup  ## Dagster's web UI on http://127.0.0.1:3000 with the demo lake in it
	$(BIN)/crystal-lake --root demo ui

# Many tests start processes: each reads bytecode instead of compiling, also where an image says to write none.
test: setup lint  ## every test; whatever they write stays in this folder
	mkdir -p .tmp
	PYTHONDONTWRITEBYTECODE= TMPDIR=$(CURDIR)/.tmp XDG_CACHE_HOME=$(CURDIR)/.tmp XDG_CONFIG_HOME=$(CURDIR)/.tmp \
		$(BIN)/python -m pytest -n $$(env -u OMP_NUM_THREADS nproc) --dist worksteal --basetemp=.tmp/pytest
	rm -rf .tmp

lint: setup  ## style, spelling, the import rule
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell .
	$(BIN)/lint-imports

clean:  ## remove what was built (not data/)
	rm -rf $(VENV) demo .tmp .pytest_cache .ruff_cache .hypothesis .import_linter_cache
