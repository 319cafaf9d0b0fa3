# One virtual environment, .venv, filled step by step: what exploring needs, what training adds, what the tests add.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
TEST_ARGS ?=
# Tests run in so many processes; tests/conftest.py says which stay together.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup
# A second one with the lowest versions that pyproject.toml allows; some of them were never built for a newer Python.
LOWEST := .venv-lowest
PYTHON311 ?= python3.11

.PHONY: explore lab tour test test-fast soak check check-lowest clean help

help:
	@echo "make explore    JupyterLab on the shipped archives, without PyTorch (about a minute from a bare clone)"
	@echo "make lab        the same with training (PyTorch: 5 GB)"
	@echo "make tour       train the small models, compare them, write runs/tour/report.html"
	@echo "make test       everything that CI runs: 15 minutes on two cores"
	@echo "make soak       all of the long proofs of which the tests try samples; hours, goes on where it was stopped"
	@echo "make test-fast  the tests to run on each save: 90 seconds on two cores"
	@echo "make check      formatter, linter and type checker"
	@echo "make check-lowest  all tests with the lowest versions that pyproject.toml allows (Python 3.11, another 6 GB)"

$(VENV)/.created:
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.explore: $(VENV)/.created pyproject.toml constraints.txt
	@echo "Installing what exploring needs (about 425 MB) ..."
	@$(BIN)/python -m pip uninstall --quiet --quiet --yes workbench  # another project, or this one under its former name
	$(PIP) -e ".[explore]"
	touch $@

$(VENV)/.train: $(VENV)/.explore
	@echo "Installing what training needs (PyTorch, up to 6 GB) ..."
	$(PIP) -e ".[explore,train]"
	touch $@

$(VENV)/.test: $(VENV)/.train
	$(PIP) -e ".[explore,train,test,frontends]"
	touch $@

explore: $(VENV)/.explore
	$(BIN)/python -m workbench lab 00_start_here

lab: $(VENV)/.train
	$(BIN)/python -m workbench lab 00_start_here

tour: $(VENV)/.train
	$(BIN)/python -m workbench tour

check: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

test: check
	$(PYTEST) $(TEST_ARGS)

test-fast: $(VENV)/.test
	$(PYTEST) -m "not slow and not browser" -x -q $(TEST_ARGS)

soak: $(VENV)/.test
	$(BIN)/python -m tests.soak

$(LOWEST)/.installed: pyproject.toml tests/support/lowest.py
	$(PYTHON311) -m venv --clear $(LOWEST)
	$(PYTHON311) -m tests.support.lowest > $(LOWEST)/constraints.txt
	@echo "Installing the lowest versions that pyproject.toml allows (PyTorch, up to 6 GB) ..."
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check -c $(LOWEST)/constraints.txt -e ".[explore,train,umap,frontends,test]"
	touch $@

check-lowest: $(LOWEST)/.installed
	$(LOWEST)/bin/python -m tests.support.lowest --installed
	$(LOWEST)/bin/python -m pytest -n $(WORKERS) --dist loadgroup $(TEST_ARGS)

clean:
	rm -rf $(VENV) $(LOWEST) build *.egg-info
