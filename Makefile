# `make demo` and `make test` need Python 3.11 or newer with venv, and nothing else.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help demo test lint check picture clean

help:
	@echo "make demo     set up, then cut a person out of moving pictures: demo.mp4"
	@echo "make test     set up, then run the tests (those of the training need make lint's set-up)"
	@echo "make lint     set up for training too (PyTorch), then ruff and mypy"
	@echo "make check    lint and test: what a change has to pass"
	@echo "make picture  draw the README's picture anew"
	@echo "make clean    remove what these made"

$(VENV)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed: install it, or make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/installed: $(VENV)/python pyproject.toml
	$(PIP) --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) --editable '.[dev]'
	touch $@

$(VENV)/installed-train: $(VENV)/installed-dev
	$(PIP) --editable '.[train]'
	touch $@

demo: $(VENV)/installed
	$(BIN)/realtime demo demo.mp4 -y
	@echo "Look at demo.mp4"

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest

lint: $(VENV)/installed-train
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint test

picture: $(VENV)/installed
	$(BIN)/python -m benchmarks.picture

clean:
	rm -rf $(VENV) demo.mp4 build *.egg-info .mypy_cache .ruff_cache .pytest_cache
