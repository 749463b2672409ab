# Needs Python 3.11 or newer and make. Everything it sets up lives in .venv/.
PYTHON ?= python3
EXTRAS ?=
VENV := .venv
BIN := $(VENV)/bin
# extras, each with a lock of its own: make test EXTRAS="spark postgres odbc"
LOCKED := spark postgres odbc
# the open tools that the tests have read what is written here, in an environment of their own
CHECKERS := $(VENV)/checkers
EMPTY :=
READY := $(VENV)/ready$(if $(EXTRAS),-$(subst $(EMPTY) ,-,$(strip $(EXTRAS))))
# the demo's engagement key is fixed and published: it protects nobody
DEMO_KEY := heytalk-audit-demo-key-which-is-published
JOBS ?= auto
# further words for pytest: make test EXTRAS=spark TEST=--thorough
TEST ?=
# what make bench measures: make bench BENCH="--only rules --users 100000"
BENCH ?=
# how long make torture attacks, and with which seed
TORTURE ?=

# versions and hashes alone: uv names no place that it took them from
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11

.PHONY: audit proof test checkers lint mutants torture lab bench setup lock rules contract imports schema reference pictures clean

audit: setup
	@HEYTALK_AUDIT_KEY=$(DEMO_KEY) $(BIN)/python -m heytalk_audit.demo.audit company

# the demo of every reason of every rule: each planted row is found, and no other
proof: setup
	@HEYTALK_AUDIT_KEY=$(DEMO_KEY) $(BIN)/python -m heytalk_audit.demo.audit every

test: setup
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup --no-loadscope-reorder $(TEST)

checkers: $(CHECKERS)/ready

$(CHECKERS)/ready: requirements-checkers.lock $(READY)
	@echo "Installing the tools that check what is written here into $(CHECKERS)/ (a minute, once)"
	@test -x $(CHECKERS)/bin/python || $(PYTHON) -m venv $(CHECKERS)
	@$(CHECKERS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-checkers.lock
	@touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

mutants: setup
	$(BIN)/python tests/mutants/run.py

torture: setup
	$(BIN)/python tests/torture/run.py $(TORTURE)

lab: setup
	HEYTALK_AUDIT_KEY=$${HEYTALK_AUDIT_KEY:-$(DEMO_KEY)} $(BIN)/heytalk-audit lab

bench: setup
	$(BIN)/python benchmarks/run.py $(BENCH)

rules: setup
	$(BIN)/python -c 'from heytalk_audit.catalogue import markdown; print(markdown(), end="")' > RULES.md
	$(BIN)/python -c 'from heytalk_audit.catalogue import facts_markdown; print(facts_markdown(), end="")' > FACTS.md

contract: setup
	$(BIN)/python -c 'import sys; from heytalk_audit.catalogue import needs_document; sys.stdout.buffer.write(needs_document())' > .needs.json
	mv .needs.json heytalk_audit/contract/needs.json
	$(BIN)/heytalk-audit contract --format html > docs/contract.html

imports: setup
	$(BIN)/python docs/imports.py

schema: setup
	$(BIN)/python -c 'import sys; from heytalk_audit.audit.document import json_schema; sys.stdout.buffer.write(json_schema())' > docs/results.schema.json

reference: setup
	$(BIN)/python docs/reference.py

# what the pages of docs show of the demo: make audit comes first
pictures: setup
	$(BIN)/python docs/pictures.py

setup: $(READY)

$(READY): requirements.lock $(LOCKED:%=requirements-%.lock) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11 ...") if sys.version_info < (3, 11) else 0'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked packages into $(VENV)/ (a minute or two, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock \
		$(patsubst %,-r requirements-%.lock,$(filter $(LOCKED),$(EXTRAS)))
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

lock:
	$(BIN)/python -m pip install --quiet uv
	$(COMPILE) pyproject.toml --output-file requirements.lock
	for extra in $(LOCKED); do \
		$(BIN)/python -c 'import sys, tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"][sys.argv[1]], sep="\n")' $$extra | \
		$(COMPILE) --constraints requirements.lock - --output-file requirements-$$extra.lock || exit 1; \
	done
	$(COMPILE) --group checkers --output-file requirements-checkers.lock

clean:
	rm -rf $(VENV) data reports/demo reports/proof
