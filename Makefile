# Needs make and Python 3.11, 3.12 or 3.13, nothing else. Each target sets up what it needs, once;
# from the second run on nothing touches the network. Another interpreter: make PYTHON=/path/to/python test

VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
CANDIDATES := $(if $(PYTHON),$(PYTHON),python3 python3.12 python3.13 python3.11 python)
SUITABLE := import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
TESTS ?= tests
STORY ?= promotion
# Three processes on two cores: two of them drive local clouds, which is mostly waiting, one does the rest. In
# the order of collection: the cloud's tests are the longest groups, so they begin with the others beside them.
PYTEST := $(RUN) -m pytest -n 3 --dist loadgroup --no-loadscope-reorder

.PHONY: help setup demo test up down status package check audit bench lock clean

help:
	@echo "make demo    the whole story on this machine: train, promote, approve, serve, refuse"
	@echo "             STORY=canary: one canary that is promoted, one that goes back by itself"
	@echo "make test    every test"
	@echo "make up      start the local cloud and leave it running; make down stops it"
	@echo "make package greenlight.zip, what is deployed to Azure"
	@echo "make check   lint, format, types, infrastructure"
	@echo "make audit   checkov over infra/, with the exceptions of infra/checkov.yaml"
	@echo "make bench   measure what docs/benchmarks.md reports"

setup: $(INSTALLED)
	@$(RUN) -m local.npm

demo: setup
	@$(RUN) -m local demo --story $(STORY)

test: setup
	@$(PYTEST) $(TESTS)

up: setup
	@$(RUN) -m local up --detach

down: $(INSTALLED)
	@$(RUN) -m local down

status: $(INSTALLED)
	@$(RUN) -m local status

package: | $(RUN)
	@$(RUN) -m infra.package

check: setup
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m local.npm pyright
	$(RUN) -m pytest -q tests/infra

# Security rules over infra/, in an environment of its own: it pins half of the world.
audit: $(VENV)/audit/bin/checkov
	$< --directory infra --config-file infra/checkov.yaml --skip-download

$(VENV)/audit/bin/checkov: | $(RUN)
	$(RUN) -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip install -qq --disable-pip-version-check checkov==3.3.30

bench: setup
	@$(RUN) -m bench

# Renews what is pinned: constraints.txt for Python, package-lock.json for the npm packages.
lock: setup
	$(RUN) -m venv $(VENV)/lock
	$(VENV)/lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	head -n 1 constraints.txt > $(VENV)/lock/constraints.txt
	$(VENV)/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --extra dev \
		--no-annotate --no-header pyproject.toml >> $(VENV)/lock/constraints.txt
	cp $(VENV)/lock/constraints.txt constraints.txt
	$(RUN) -m local.npm lock

clean:
	rm -rf $(VENV) local/node/node_modules .local *.egg-info .pytest_cache .ruff_cache .hypothesis

$(INSTALLED): pyproject.toml requirements.in constraints.txt | $(RUN)
	@echo "make: installing the Python packages into $(VENV) (once; a minute or two)"
	@$(RUN) -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

$(RUN):
	@for candidate in $(CANDIDATES); do \
		if $$candidate -c '$(SUITABLE)' 2>/dev/null; then \
			echo "make: $(VENV) from $$candidate ($$($$candidate --version))"; \
			exec $$candidate -m venv $(VENV); \
		fi; \
	done; \
	echo "make: no Python 3.11, 3.12 or 3.13 with venv found (looked for: $(CANDIDATES))." >&2; \
	echo "      Install one (on Debian with its python3-venv), or name one: make PYTHON=/path/to/python ..." >&2; \
	exit 1
