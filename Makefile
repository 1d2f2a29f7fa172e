.DEFAULT_GOAL := help
UV := VIRTUAL_ENV=$(CURDIR)/.venv .venv/bin/uv
COMPILE := $(UV) pip compile -q pyproject.toml --universal --generate-hashes --no-header

.venv/ready: requirements/dev.txt pyproject.toml
	python3 -m venv .venv
	.venv/bin/pip install -q uv
	$(UV) pip sync -q --require-hashes requirements/dev.txt
	$(UV) pip install -q --no-deps --no-build-isolation -e .
	touch $@

.PHONY: help setup lock lint format crds
help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20
setup: .venv/ready ## make the virtual environment
lock: ## refresh the locked dependencies
	$(COMPILE) --extra dev -o requirements/dev.txt
lint: setup ## ruff, mypy, import-linter
	.venv/bin/ruff check && .venv/bin/ruff format --check && .venv/bin/mypy && .venv/bin/lint-imports
format: setup ## rewrite the code in the house format
	.venv/bin/ruff check --fix && .venv/bin/ruff format
crds: setup ## write crds/ from the models
	.venv/bin/python -m quoting_operator.api.crd crds
