# make demo   train SS4Rec on the real ml-100k that RecBole carries, and evaluate it
# make tune-setup   add Ray and Optuna to .venv, for the command `tune`; make test does so too
# make serve-setup   add what the commands `serve` and `export` need; make test does so too
# make docs   the documentation site, in build/docs, with tools in an environment of their own
# make test   the whole suite: fast tests, then the slow ones
# make torture   the proofs of reliability at their full counts; an hour on one core
#
# Both make .venv first and install exactly the versions in requirements*.txt; nothing is done twice.
# PYTHON names the interpreter to start from (3.11, 3.12 or 3.13); DEMO adds options to the demo's command.

ifeq ($(OS),Windows_NT)
$(error recbole_ext runs on Linux and macOS, and this is Windows)
endif
# Without PYTHON: that of .venv, or the first of the three that is there and starts.
PYTHON ?= $(or $(shell for each in .venv/bin/python python3.11 python3.12 python3.13; do \
	$$each dataset_tools/platforms.py 2>/dev/null && echo $$each && break; done),python3)
PYTHON := $(PYTHON)
VERSION := $(shell $(PYTHON) -c "import sys; print('%d.%d' % sys.version_info[:2])" 2>/dev/null)
READY = .venv/ready-$(VERSION)
DEMO ?=
# Each process of the tests has a core to itself, and the libraries in it start no threads of their own. Bytecode is
# kept whatever the environment says: to compile the tests again takes each process ten seconds.
TESTS = OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= .venv/bin/python -m pytest --durations=20
TOGETHER = -n logical --maxprocesses=4 --dist worksteal
PIP = .venv/bin/python -m pip --disable-pip-version-check
REQUIREMENTS = requirements.txt requirements-host.txt requirements-test.txt setup.cfg pyproject.toml

.PHONY: docs help setup tune-setup serve-setup demo test test-fast test-slow torture lint clean
help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -9

$(READY): $(REQUIREMENTS)
	@$(PYTHON) -c "" || { echo "make: $(PYTHON) does not start; name one with: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) dataset_tools/platforms.py
	@echo "== making .venv with $(PYTHON), $$($(PYTHON) --version)"
	@.venv/bin/python --version 2>/dev/null | grep -q " $(VERSION)\." || $(PYTHON) -m venv --clear .venv
	@echo "== installing the pinned packages (a few minutes the first time)"
	@$(PIP) install -q -r requirements-test.txt
	@$(PIP) install -q --no-deps -r requirements-host.txt
	@$(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@

.venv/tune-ready: $(READY) requirements-tune.txt
	@echo "== installing Ray and Optuna (the command tune needs them)"
	@$(PIP) install -q --no-deps -r requirements-tune.txt
	@touch $@

tune-setup: .venv/tune-ready
	@echo "== ready; try: .venv/bin/python run_recbole_ext.py tune --model=SS4Rec --dataset=ml-100k --space=SS4Rec"

.venv/serve-ready: $(READY) requirements-serve.txt
	@echo "== installing what the commands serve and export need"
	@$(PIP) install -q --no-deps -r requirements-serve.txt
	@touch $@

serve-setup: .venv/serve-ready
	@echo "== ready; try: .venv/bin/python run_recbole_ext.py export --help"

setup: $(READY)
	@echo "== .venv is ready; try: .venv/bin/python run_recbole_ext.py doctor"

demo: $(READY)
	@echo "== python run_recbole_ext.py --model=SS4Rec --dataset=ml-100k $(DEMO)"
	@.venv/bin/python run_recbole_ext.py --model=SS4Rec --dataset=ml-100k $(DEMO)

test: test-fast test-slow

test-fast: .venv/tune-ready .venv/serve-ready
	@echo "== fast tests, in as many processes as there are cores"
	@$(TESTS) $(TOGETHER)

test-slow: .venv/tune-ready .venv/serve-ready
	@echo "== slow tests, in as many processes as there are cores"
	@$(TESTS) $(TOGETHER) -m "(slow or hypothesis) and not measures and not torture" --hypothesis-profile=full
	@echo "== what measures, one after the other"
	@$(TESTS) -m measures

torture: .venv/tune-ready .venv/serve-ready
	@echo "== full counts of the proofs of reliability"
	@$(TESTS) -m "torture or hypothesis" --hypothesis-profile=torture

# mypy reads the types of what serve and export need.
lint: .venv/serve-ready
	@.venv/bin/ruff check .
	@.venv/bin/mypy recbole_ext dataset_tools

.venv-docs/ready: requirements-docs.txt
	@$(PYTHON) dataset_tools/platforms.py
	@$(PYTHON) -m venv --clear .venv-docs
	@.venv-docs/bin/python -m pip --disable-pip-version-check install -q --no-deps -r requirements-docs.txt
	@touch $@

docs: .venv-docs/ready
	@.venv-docs/bin/python scripts/docs_pages.py build/docs-pages
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build -q
	@.venv-docs/bin/python scripts/docs_pages.py --check build/docs
	@echo "== the documentation is in build/docs/index.html"

clean:
	rm -rf .venv .venv-docs build *.egg-info .pytest_cache .mypy_cache .ruff_cache
