# Every target is one line to a real tool. `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
UV := VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv
LOCALCLUSTER := $(BIN)/python -m localcluster
COMPILE := $(UV) pip compile -q pyproject.toml --universal --generate-hashes --no-header

.PHONY: help setup prepare lock lint format test test-unit test-integration test-e2e test-argocd demo bench crds manifests image \
        cluster-up cluster-down clean

help: ## list the targets
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

setup: .venv/ready ## make the virtual environment with the locked dependencies

.venv/ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -m localcluster.bootstrap

lock: setup ## refresh the locked dependencies from pyproject.toml
	$(COMPILE) --upgrade --extra dev -o requirements/dev.txt
	for image in operator sidecar; do $(COMPILE) --extra $$image -c requirements/dev.txt -o requirements/$$image.txt || exit 1; done
	$(COMPILE) --extra sim -c requirements/dev.txt -o requirements/paper.txt
	$(COMPILE) --extra train -c requirements/dev.txt -o requirements/train.txt

lint: setup ## ruff, mypy, import-linter
	$(BIN)/ruff check && $(BIN)/ruff format --check && $(BIN)/mypy && $(BIN)/lint-imports --no-logo

format: setup ## rewrite the code in the house format
	$(BIN)/ruff check --fix && $(BIN)/ruff format

test: test-unit test-integration test-e2e ## everything

test-unit: setup ## pure tests: seconds, no network
	$(BIN)/pytest -n auto tests/unit

prepare: setup ## build once what tests and demo need: Kubernetes parts, images
	$(LOCALCLUSTER) prepare

test-integration: prepare ## against a real etcd and API server
	$(BIN)/pytest tests/integration

test-e2e: prepare ## against a real node
	$(BIN)/pytest tests/e2e

test-argocd: prepare ## against the real Argo CD, which is built for it once (six minutes)
	$(LOCALCLUSTER) build argocd && $(BIN)/pytest tests/argocd

demo: setup ## watch a policy earn its way to live, and come back; ACT=3 plays one act
	$(BIN)/python -m examples.demo --act=$(ACT)

bench: setup ## every benchmark, as JSON lines
	for name in cluster engine gates models operator_scale replay sidecar; do $(BIN)/python benchmarks/$$name.py --json || exit 1; done

crds: setup ## write crds/ from the models
	$(BIN)/python -m quoting_operator.api.crd crds

manifests: setup ## write what of manifests/ is generated: dashboards, alerts, Argo CD's settings
	$(BIN)/python -m manifests.generate

image: setup ## build the three images; load them if the cluster is up
	$(LOCALCLUSTER) image

cluster-up: setup ## a real one-node cluster
	$(LOCALCLUSTER) up

cluster-down: setup ## end it and leave nothing behind
	$(LOCALCLUSTER) down

clean: ## remove what was built in this folder
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis dist out
