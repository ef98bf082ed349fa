# make demo · make test · make lint · make build · make attacks. Each makes .venv first if it is missing or stale.
#
#   make install GPU=1     the frameworks' GPU builds instead of the CPU ones
#   make PYTHON=python3.12 another Python (3.11 to 3.13)

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# nbgrader calls alembic by name, so the environment's programs are on PATH for everything here.
export PATH := $(CURDIR)/$(BIN):$(PATH)
STAMP  := $(VENV)/.installed$(if $(GPU),-gpu)
EXTRAS := student$(if $(GPU),-gpu),dev

.PHONY: demo test lint build attacks install check-code clean help

help:
	@sed -n '1,5p' Makefile

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt Makefile
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) and "Python 3.11 to 3.13 is needed, this is " + sys.version)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[$(EXTRAS)]'
	@rm -f $(VENV)/.installed*  # one set of builds at a time
	@touch $@

demo: install
	@$(BIN)/course build
	@$(BIN)/course demo

build: install
	@$(BIN)/course build

lint: install check-code
	@$(BIN)/course lint --json build/lint.json

check-code: install
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# The checks of the references, the kit's own tests, and the lint of the course.
test: install check-code
	@$(BIN)/python -m pytest tests/autograder -n 2 --dist loadgroup -q
	@$(BIN)/python -m pytest tests --ignore=tests/autograder -q
	@$(BIN)/course lint --json build/lint.json

# Everything that must have no effect, handed in among honest submissions (`make test` runs it as well).
attacks: install
	@$(BIN)/python -m tests.autograder.attacks

clean:
	rm -rf build $(VENV)
