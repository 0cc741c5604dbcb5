# `make` lists the commands. Each sets up what it needs, once; set-up is a no-op when nothing changed.

.DEFAULT_GOAL := help
SHELL := /bin/sh
ENVIRONMENT := .venv
BIN := $(ENVIRONMENT)/bin
READY := $(ENVIRONMENT)/.ready
LOCK := binder/requirements.txt
MEMORY_SCREEN := xvfb xauth
PYTHON = $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)

# Measured files that lie beside the checkout are used; elsewhere they are downloaded or left out.
ifneq ($(wildcard ../shared/realdata),)
export NBTOOLS_MIRROR ?= $(abspath ../shared/realdata)
endif
# A network with a certificate of its own is common in institutes.
export UV_SYSTEM_CERTS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Two processes at a time, a thread each: the matrices here are small, and more threads wait for each other.
test nightly stress: export OMP_NUM_THREADS := 1

.PHONY: help lab run test notebooks bench nightly stress newest lock clean browser screen

help:  ## list the commands
	@grep -E '^[a-z]+:.*  ## ' $(MAKEFILE_LIST) | sed 's/:.*  ## /  /' | awk '{printf "make %-11s", $$1; $$1 = ""; print}'

lab: $(READY)  ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=notebooks

run: $(READY) screen  ## run every notebook headless; statements, and build/report/index.html
	$(BIN)/python -m nbtools run

test: $(READY) browser  ## lint, types, unit tests, stored outputs of the notebooks on another machine, a real browser
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	TQDM_DISABLE=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --junitxml build/junit.xml \
		-m "not stress and not nightly" --ignore=tests/benchmarks --nbval --nbval-current-env tests notebooks

notebooks: $(READY) screen  ## run every notebook and keep its outputs and results: the only way they change
	$(BIN)/python -m nbtools run --store

bench: $(READY)  ## bias and coverage of the estimators, over many seeds, for the page on error bars in the report
	$(BIN)/pytest tests/benchmarks -m "" -s

nightly: $(READY) browser  ## what `make test` leaves out: second planted worlds, foreign files, all notebooks in the browser
	TQDM_DISABLE=1 $(BIN)/pytest -n 2 --dist worksteal --junitxml build/junit-nightly.xml \
		-m nightly --ignore=tests/benchmarks tests

stress: $(READY) browser  ## damaged files, killed processes, full disks, six other machines
	$(BIN)/pytest -n 2 --dist worksteal --junitxml build/junit-stress.xml tests -m stress

newest: $(READY)  ## the unit tests with the newest release of everything, in build/newest, without the lock
	$(PYTHON) -m venv build/newest
	$(BIN)/uv pip install --python build/newest/bin/python --quiet --upgrade --editable \
		".[notebook,volume,desktop,microscopy,networks,distributed,test]"
	build/newest/bin/python -m pytest -n 2 --junitxml build/junit-newest.xml -m "not stress and not nightly and not notebook and not browser" \
		--ignore=tests/benchmarks tests

lock: $(READY)  ## write the one lock from pyproject.toml; UPGRADE=--upgrade takes newer releases
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --fork-strategy fewest \
		--generate-hashes --no-header --no-emit-index-url --no-emit-find-links $(UPGRADE) --quiet -o $(LOCK)

clean:  ## remove what these commands made: the environment, build/ and the tools' caches
	rm -rf $(ENVIRONMENT) build .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): $(LOCK) pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and `python3 --version 2>&1` was found:" \
		"install one, or name it: make PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || packages=python3-venv; $(system_packages)
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(ENVIRONMENT) || { echo "$(PYTHON) cannot make an environment:" \
		"on Debian and Ubuntu, apt install python3-venv"; exit 1; }
	@test -x $(BIN)/uv || $(BIN)/pip install --quiet uv || echo "uv cannot be had here: pip does it more slowly"
	@if test -x $(BIN)/uv; then install="$(BIN)/uv pip install --compile-bytecode --python $(BIN)/python"; \
		else install="$(BIN)/pip install"; fi; set -x; \
		$$install --quiet --require-hashes -r $(LOCK) && \
		$$install --quiet --no-deps --no-build-isolation -e .
	@touch $@

# What napari's pictures need beside Python (an X server in memory, and not Binder's desktop), and what the tests need.
DRAWING = $(MEMORY_SCREEN) `sed '/^\# Only Binder/,$$d; s/\#.*//' binder/apt.txt | xargs`
screen:
	@packages="$(DRAWING)"; $(system_packages)

browser:
	@packages="$(DRAWING) `sed 's/#.*//' tests/apt.txt | xargs`"; $(system_packages)

# Installs those of $packages that are missing, where that is possible; otherwise says what to do.
define system_packages
if test -n "$$packages" && command -v dpkg-query >/dev/null; then \
	missing=; for package in $$packages; do dpkg-query -W -f '$${Status}' $$package 2>/dev/null | \
		grep -q '^install ok installed' || missing="$$missing $$package"; done; \
	if test -n "$$missing" && test `id -u` = 0; then set -x; \
		apt-get update -q && apt-get install -q -y --no-install-recommends $$missing; \
	elif test -n "$$missing"; then echo "some pictures or tests may be left out; to have them all: sudo apt install$$missing"; fi; fi
endef
