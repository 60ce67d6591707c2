# Everything a newcomer needs: `make run`, `make test`. Repeating a target is safe and fast.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
# The first Python that is new enough; a name on PATH may be a shim that does not run, so each is tried.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
ARGS ?=

# What some tests need of the system, as command:Debian package. Where it may, `make pytest` installs what is missing; the
# tests that need it are skipped, with a message, where it may not.
SYSTEM := chromium:chromium mpiexec:openmpi-bin zsh:zsh fish:fish curl:curl

.PHONY: help run test lint types system pytest fuzz format reference lock bench wheel clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-9s %s\n", $$1, $$2}'

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer was found; install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# A stamp is newer than the files that decide what is installed.
$(VENV)/.core: requirements/core.txt pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements/core.txt
	$(PIP) install --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements/dev.txt
	$(PIP) install --no-deps -e .
	@touch $@ $(VENV)/.core

$(VENV)/.torch: requirements/torch.txt pyproject.toml | $(VENV)/.core
	$(PIP) install --require-hashes -r requirements/torch.txt
	@touch $@

# Exit status 7 says that CNTK cannot be had on this machine; whatever else goes wrong is no reason for another engine.
run: $(VENV)/.core ## install, set up CNTK, train the default experiment (ARGS="key=value ...")
	@$(BIN)/skinlab setup cntk; status=$$?; engine=; \
	if [ $$status -eq 7 ]; then \
		echo "make: CNTK cannot be set up here (the lines above say why): going on with PyTorch, engine=torch"; \
		$(MAKE) --no-print-directory $(VENV)/.torch || exit 1; engine=engine=torch; \
	elif [ $$status -ne 0 ]; then exit $$status; fi; \
	$(BIN)/skinlab train $$engine $(ARGS)

test: lint types pytest ## install what the tests need, check and run all of them

lint: $(VENV)/.dev ## style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.dev ## type check
	@$(BIN)/mypy

system:
	@missing=; for pair in $(SYSTEM); do command -v $${pair%%:*} >/dev/null || missing="$$missing $${pair#*:}"; done; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" -eq 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
			DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $$missing >/dev/null; then :; else \
			echo "make: tests that need one of these are skipped: apt install$$missing" >&2; fi; fi

pytest: $(VENV)/.dev system ## tests only (ARGS="-k name")
	@$(BIN)/skinlab setup cntk
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

fuzz: $(VENV)/.dev ## changed records, weights, archives and bundles, 20000 of each (ROUNDS=N SEED=N)
	@SKINLAB_FUZZ_ROUNDS=$(or $(ROUNDS),20000) SKINLAB_FUZZ_SEED=$(or $(SEED),1) \
		$(BIN)/python -m pytest -o timeout=0 -k changed tests/hostile $(ARGS)

format: $(VENV)/.dev ## format and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

reference: $(VENV)/.core ## write docs/reference.md from the schema and conf/
	@$(BIN)/python -m skinlab.reference > docs/reference.md

bench: $(VENV)/.dev ## measure; each script prints one table
	@$(BIN)/skinlab setup cntk
	@for script in benchmarks/[a-z]*.py; do echo "== $$script"; PYTHONPATH=. $(BIN)/python $$script || exit 1; done

lock: ## renew requirements/*.txt from pyproject.toml (needs uv); the tests' are resolved first, the others are parts of them
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --extra dev pyproject.toml -o requirements/dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -c requirements/dev.txt pyproject.toml -o requirements/core.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --extra torch -c requirements/dev.txt pyproject.toml -o requirements/torch.txt
	printf '%s\n' onnxruntime numpy pillow | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -c requirements/dev.txt - -o skinlab/serving/portable/requirements.txt
	echo azureml-inference-server-http==1.5.1 | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -c skinlab/serving/portable/requirements.txt - -o skinlab/deployment/azure/server.txt
	printf '%s\n' azureml-core==1.61.0.post4 azure-identity | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header - -o requirements/azure-v1.txt

wheel: $(VENV)/.core ## build the wheel into dist/
	$(PIP) wheel --no-deps -w dist .

clean: ## remove the environment and build files; runs in outputs/ stay
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
