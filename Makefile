# Tally. `make up` starts everything; `make test` proves it. Needs Python 3.11 or newer, and make.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --no-deps
# One file of tests stays in one process; each process has a PostgreSQL of its own.
PYTEST ?= -n auto --dist loadfile

.PHONY: up install test check bench frontend clean lock openapi

up: install  ## start PostgreSQL, the API and the worker; Ctrl-C stops them
	@$(BIN)/tally up $(UP)

install: .venv/installed  ## what Tally needs to run, into .venv

test: .venv/developed  ## every test, on a real PostgreSQL; COVERAGE=yes counts branches
	@rm -f .coverage .coverage.*
	$(BIN)/python -m $(if $(COVERAGE),coverage run -m pytest -p tests.coverage_shown,pytest) $(PYTEST)

check: .venv/developed  ## style, types, imports, migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.migrations_linted

bench: .venv/developed  ## how fast, as ratios within one run
	$(BIN)/python -m benchmarks $(BENCH)

openapi: .venv/developed  ## write openapi.json anew, and the front end's types where npm is present
	$(BIN)/python -m tests.openapi_written
	@if command -v npm >/dev/null; then cd frontend && { [ -d node_modules ] || npm ci --silent; } && npm run --silent generate; fi

frontend:  ## build the dashboard, where npm is present
	@if [ -d frontend ] && command -v npm >/dev/null; then cd frontend && npm ci --silent && npm run --silent build; \
	else echo "No dashboard to build here."; fi

clean:  ## remove what was built; data directories stay
	rm -rf .venv dist frontend/dist frontend/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

lock:  ## resolve the dependencies anew (needs uv)
	uv pip compile pyproject.toml --group build $(LOCK) -o requirements.lock
	uv pip compile pyproject.toml --group dev -c requirements.lock $(LOCK) -o requirements-dev.lock
LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet

# pip is either silent or a wall of text: a line now and then, and what went wrong.
define install
	@rm -f .venv/failed
	@{ $(PIP) --require-hashes -r $(1) 2>&1 || touch .venv/failed; } | awk -v all="$$(grep -c '^[a-z].*==' $(1))" \
	'/^Collecting/ { if (++n % 10 == 0) print "  " n " of " all " packages" } /^Installing/ { print "  unpacking …" } \
	/ERROR|error:|WARNING: Retrying/ { print } { fflush() }'
	@test ! -e .venv/failed
endef

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Tally needs Python 3.11 or newer: make PYTHON=python3.11"; exit 1; }
	@echo "Installing into .venv, once …"
	@$(PYTHON) -m venv .venv
	$(call install,requirements.lock)
	@$(PIP) --quiet --no-build-isolation --editable .
	@touch $@

.venv/developed: .venv/installed requirements-dev.lock
	@echo "Installing what tests and checks need, once …"
	$(call install,requirements-dev.lock)
	@touch $@
