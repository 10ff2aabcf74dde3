# What people, the README and CI all call. `make` alone lists the targets.
PYTHON ?= $(firstword $(shell for v in 3.11 3.12 3.13; do command -v python$$v; done))
VENV   := .venv
BIN    := $(VENV)/bin
ENGINE ?= duckdb
OUT    ?= out
CHROMIUM ?= /usr/bin/chromium

.PHONY: help run test check prove bench samples docs format clean
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

$(VENV)/.base: setup.py constraints.txt
	@test -n "$(PYTHON)" || { echo "playerpath wants Python 3.11, 3.12 or 3.13; found none of python3.11, python3.12, python3.13 on PATH"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "playerpath wants Python's venv module (Debian: apt-get install python3-venv)"; exit 1; }
	@echo "Installing playerpath into $(VENV) (once)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	@echo "Installing the development tools into $(VENV) (once)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev,geoip]'
	@touch $@

## make run      run the main job on samples/ and write the report (ENGINE=duckdb)
run: $(VENV)/.base
	@$(BIN)/python -m pipelines.demo --engine $(ENGINE) --out $(OUT)

## make test     all tests that this machine can run, then a table of those it cannot
test: $(VENV)/.dev
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile

## make check    format, lint, strict types, generated docs up to date
check: $(VENV)/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/playerpath warehouse docs --check

## make prove    one table of digests: any order, any grouping, repeats, late data; equal everywhere
prove: $(VENV)/.base
	@$(BIN)/python -m benchmarks.prove

## make bench    speed and memory beside what a user would pick instead (minutes)
bench: $(VENV)/.dev
	@$(BIN)/python -m benchmarks.bench

## make samples  write samples/ again from the simulator (the same bytes)
samples: $(VENV)/.base
	@$(BIN)/python -m game_server.simulator.samples samples

## make docs     write the generated pages of docs/ again
docs: $(VENV)/.base
	@$(BIN)/playerpath warehouse docs

## make format   format the code
format: $(VENV)/.dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

## make clean    remove what make run wrote
clean:
	rm -rf $(OUT)
