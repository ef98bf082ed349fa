# make demo · make test · make lint · make build · make attacks. Each makes .venv first if it is missing or stale.
#
#   make fuzz SECONDS=120   what reads frames and notebooks, against damaged ones (ENGINE=random without atheris)
#   make faults ROUNDS=200  grading while its own processes are killed and its disk is full
#   make install GPU=1     the frameworks' GPU builds instead of the CPU ones
#   make demo A=ner       another assignment than backprop
#   make PYTHON=python3.12 another Python (3.11 to 3.13)

PYTHON ?= python3
SECONDS ?= 60
ENGINE  ?= coverage
ROUNDS  ?= 200
VENV   := .venv
BIN    := $(VENV)/bin
# nbgrader calls alembic by name, so the environment's programs are on PATH for everything here.
export PATH := $(CURDIR)/$(BIN):$(PATH)
STAMP  := $(VENV)/.installed$(if $(GPU),-gpu)
EXTRAS := student$(if $(GPU),-gpu),dev

.PHONY: demo test lint attacks fuzz faults build install check-code clean help

help:
	@sed -n '1,7p' Makefile

install: $(STAMP)

# --use-pep517: seqeval has a setup.py alone, which an environment with today's setuptools can't run by itself.
$(STAMP): pyproject.toml constraints.txt Makefile
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) and "Python 3.11 to 3.13 is needed, this is " + sys.version)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --use-pep517 --constraint constraints.txt --editable '.[$(EXTRAS)]'
	@rm -f $(VENV)/.installed*  # one set of builds at a time
	@touch $@

demo: install
	@$(BIN)/course build
	@$(BIN)/course demo $(or $(A),backprop)

build: install
	@$(BIN)/course build

lint: install check-code
	@$(BIN)/course lint --json build/lint.json

check-code: install
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# The checks of the references, the kit's own tests, and the lint of the course: on fewer seeds than `make lint` takes.
test: install check-code
	@$(BIN)/python -m pytest tests/autograder -n 2 --dist loadgroup -q
	@$(BIN)/python -m pytest tests --ignore=tests/autograder -q
	@$(BIN)/python -m pytest tests/sequence --assignment sequence_tf -q
	@$(BIN)/course lint --seeds 8 --json build/lint.json

fuzz: install
	@$(BIN)/python -m tests.autograder.fuzz --seconds $(SECONDS) --engine $(ENGINE) $(if $(SEED),--seed $(SEED))

faults: install
	@$(BIN)/python -m benchmarks.faults --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED))

# Everything that must have no effect, handed in among honest submissions (`make test` runs it as well).
attacks: install
	@$(BIN)/python -m tests.autograder.attacks

clean:
	rm -rf build $(VENV)
