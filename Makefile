# Tally. `make up` starts everything; `make test` proves it. Needs Python 3.11 or newer, and make.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --no-deps
# One file of tests stays in one process; each process has a PostgreSQL of its own.
PYTEST ?= -n auto --dist loadfile --no-loadscope-reorder

.PHONY: up install test check bench frontend screenshots clean lock openapi

up: install  ## start PostgreSQL, the API, the worker and the dashboard; Ctrl-C stops them
	@$(MAKE) --silent dashboard || true
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

frontend:  ## build the dashboard (needs npm)
	@rm -rf frontend/dist
	@$(MAKE) --silent dashboard
	@test -e frontend/dist/index.html

screenshots:  ## take the pictures of docs/screenshots anew (needs npm and Chromium)
	@cd frontend && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci $(NPM_CI); } \
	&& TALLY_SCREENSHOTS=../docs/screenshots npm run --silent e2e -- screenshots

# Built when it is missing or older than its sources; without npm or the registry everything else works all the same.
DASHBOARD := $(wildcard frontend/*.json frontend/*.js frontend/*.ts frontend/index.html) $(shell find frontend/src frontend/public -type f 2>/dev/null)
.PHONY: dashboard
dashboard: frontend/dist/index.html

frontend/dist/index.html: $(DASHBOARD)
	@if ! command -v npm >/dev/null; then echo "npm is not installed: the dashboard is not built; the API needs none."; \
	else echo "Building the dashboard, once …"; cd frontend && { \
	{ [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci $(NPM_CI); } && npm run --silent bundle; } >.build.log 2>&1 \
	&& rm -f .build.log || echo "The dashboard could not be built (frontend/.build.log says why); the API runs without."; fi
NPM_CI := --no-audit --no-fund --fetch-retries=0 --fetch-timeout=30000

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
