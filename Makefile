# Python 3.11 or newer, git, make and a package index are all that these need; the rest goes into .venv and .data.
PYTHON ?= python3
VENV := .venv/bin/python
# How many tests `make test` runs at once. A file stays with one process, and the longest ones begin.
JOBS ?= 2
AT_ONCE := -n $(JOBS) --dist loadfile --no-loadscope-reorder --durations=20 --durations-min=5
INSTALL := $(PYTHON) config/embedded/bootstrap.py
UV := $(or $(shell command -v uv),.venv/bin/uv)
EXPORT := --quiet --no-annotate --no-header --format requirements-txt

# A shell that forbids it would make every start compile every module again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help python demo dev test test-long pytest coverage lint audit format messages bench screenshots requirements clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 22

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 7))' 2>/dev/null || \
		{ echo "Python 3.11 or newer is needed; $(PYTHON) is missing or older. Name another: make demo PYTHON=..." >&2; exit 1; }

demo: python ## run Affidavit with demo data until Ctrl-C (PORT, DATABASE_URL and REDIS_URL are honoured)
	@exec $(INSTALL) demo -m config.embedded.demo

dev: python ## the demo, restarted by itself when code or a template changes
	@exec $(INSTALL) dev -m config.embedded.demo --reload

test: python ## lint, then the tests, JOBS at once (2), on PostgreSQL and Redis of its own
	@$(INSTALL) dev
	@status=0; $(VENV) -m config.embedded.lint || status=1; $(VENV) -m pytest $(AT_ONCE) -m "not long" $(ARGS) || status=1; exit $$status

test-long: python ## the tests that take minutes: walks by each role, random kills, all examples of the property tests
	@exec env HYPOTHESIS_PROFILE=thorough $(INSTALL) dev -m pytest $(AT_ONCE) -m "long or hypothesis" $(ARGS)

pytest: python ## the test suite alone; ARGS="-k click -x" goes to pytest
	@exec $(INSTALL) dev -m pytest $(ARGS)

coverage: python ## the tests with their coverage, in htmlcov/ too; ARGS="tests/tracking" for a part
	@exec $(INSTALL) dev -m pytest --cov --cov-report=term:skip-covered --cov-report=html -m "not long" $(ARGS)

lint: python ## ruff, mypy, import contract, templates, migrations, locks; ONLY="mypy imports" for some
	@exec $(INSTALL) dev -m config.embedded.lint $(ONLY)

audit: python ## known vulnerabilities of the locked packages; exit code 2 when they could not be checked
	@exec $(INSTALL) dev -m config.embedded.audit

format: python ## put the code into its one format
	@$(INSTALL) dev
	@$(VENV) -m ruff check --fix-only --quiet .
	@$(VENV) -m ruff format .

messages: python ## the catalogue of a language, brought up to date and compiled: make messages TO=de
	@exec $(INSTALL) dev -m config.embedded.messages $(TO)

bench: python ## the benchmarks; writes bench/results.json
	@exec $(INSTALL) dev -m bench $(ARGS)

screenshots: python ## the pictures of the README, from a demo of its own (needs Chromium)
	@exec $(INSTALL) dev -m docs.screenshots

requirements: ## write the locked requirements anew after a change in pyproject.toml
	$(UV) lock
	$(UV) export $(EXPORT) --extra embedded --no-dev --output-file requirements.txt
	$(UV) export $(EXPORT) --extra embedded --output-file requirements-dev.txt
	$(UV) export $(EXPORT) --only-group installer --output-file requirements-uv.txt

clean: python ## remove the demo's data, logs and what the tests left (not .venv)
	@$(PYTHON) config/embedded/clean.py
