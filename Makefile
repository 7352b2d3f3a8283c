# Two commands matter: `make demo` shows the product, `make test` proves it. Both set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check --no-input
STAMPS := $(VENV)/stamps
DEBIAN_PACKAGES := unixodbc odbc-postgresql odbc-mariadb libsqliteodbc tdsodbc postgresql mariadb-server chromium \
	fonts-dejavu-core strace
PYTEST := $(BIN)/python -m pytest

.PHONY: help demo test test-faults test-vendors lint format bench lock system-packages clean

help:
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# Debian's python3 comes without ensurepip, so pip works on the environment from outside.
$(BIN)/python:
	$(PYTHON) -m venv --without-pip $(VENV)

$(STAMPS)/runtime: requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --require-hashes -r requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: requirements-dev.lock $(STAMPS)/runtime
	$(PIP) install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

# GNU Health brings its own versions of everything: it has an environment of its own, which only tests start.
GNUHEALTH := tests/vendors/gnuhealth
$(STAMPS)/gnuhealth: $(GNUHEALTH)/requirements.lock | $(BIN)/python
	$(PYTHON) -m venv --without-pip $(VENV)/gnuhealth
	$(PYTHON) -m pip --python $(VENV)/gnuhealth/bin/python --disable-pip-version-check --no-input install --quiet \
		--require-hashes --no-deps -r $(GNUHEALTH)/requirements.lock
	@mkdir -p $(STAMPS) && touch $@

# What the tests start themselves: drivers, databases, a browser. Without root the tests name what is missing.
$(STAMPS)/debian: | $(BIN)/python
	@mkdir -p $(STAMPS)
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		dpkg -s $(DEBIAN_PACKAGES) >/dev/null 2>&1 || { apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(DEBIAN_PACKAGES) >/dev/null; }; \
	else echo "not root: for all tests install: $(DEBIAN_PACKAGES)"; fi
	@touch $@

system-packages: $(STAMPS)/debian

demo: $(STAMPS)/runtime ## a whole practice, from its two calendars to the dashboard (ONCE=1: end after the summary)
	$(BIN)/praxistakt demo $(if $(ONCE),--once) $(if $(DAGSTER),--dagster)

lint: $(STAMPS)/dev ## ruff, mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMPS)/dev ## put the code in form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: lint $(STAMPS)/debian ## everything but the long tests
	$(PYTEST) -n 2 --dist loadfile --census test -m "not faults and not vendors"

test-faults: $(STAMPS)/dev $(STAMPS)/debian ## kills, power cuts, full disks, bad links
	$(PYTEST) -n 2 --dist loadfile --census faults -m faults

test-vendors: $(STAMPS)/dev $(STAMPS)/debian $(STAMPS)/gnuhealth ## real practice systems
	$(PYTEST) -n 2 --dist loadfile --census vendors -m vendors

bench: $(STAMPS)/dev ## what it costs: seconds, memory, ratios
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

LOCK := uv pip compile --universal --no-strip-extras --generate-hashes --no-emit-index-url --no-annotate \
	--python-version 3.11 --quiet

lock: ## make the locks anew (needs uv)
	$(LOCK) pyproject.toml --group build -o requirements.lock
	$(LOCK) pyproject.toml --group build --group dev --all-extras -c requirements.lock -o requirements-dev.lock
	$(LOCK) $(GNUHEALTH)/requirements.in --override $(GNUHEALTH)/overrides.txt -o $(GNUHEALTH)/requirements.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
