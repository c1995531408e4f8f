# The first command is `make up`, the second `make test`; see README.md.
PYTHON ?= python3
STACK := $(PYTHON) -m tests.stack
VENV := .venv/bin
ROLE ?= admin
LINES ?= 10
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help up down status logs env token ingest reset install test e2e cluster cluster-images cluster-down images lint bench documents lock

help: ## show this help
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## install what is missing, start everything, ingest the sample register (SAMPLE=0: start empty)
	@$(STACK) up

down: ## stop everything
	@$(STACK) down

status: ## each process with its state, pid, port, uptime and restarts
	@$(STACK) status

logs: ## the last LINES=10 lines of each log; NAME=ingestion for one; FOLLOW=1 to go on
	@$(STACK) logs $(NAME) --lines $(LINES) $(if $(FOLLOW),--follow)

env: ## export lines of the running stack, for: eval "$(make -s env)"
	@$(STACK) env

token: ## a token for 7 days: ROLE=admin|analyst|viewer|service USER_ID=...
	@$(STACK) token --role "$(ROLE)" --user-id "$(USER_ID)"

ingest: ## ingest a register and wait: SOURCE=co|ct|fl|or|sample SINCE=2026-09-01, or FILE=... FORMAT=fl|ca|iaca STATE=CA
	@$(STACK) ingest --source "$(SOURCE)" --since "$(SINCE)" --file "$(FILE)" --format "$(FORMAT)" --state "$(STATE)"

reset: ## stop everything and delete its data
	@$(STACK) reset

install: ## only install what is missing: Debian packages, .venv, Kafka jars
	@$(STACK) install

test: install ## every automated check on real PostgreSQL, PgBouncer, Redis, Kafka and API server, with coverage
	@$(VENV)/python -m tests.cluster install --light
	@$(VENV)/coverage erase
	@$(VENV)/coverage run -m pytest -m "not e2e" -n $(WORKERS) --dist loadfile --durations=15 $(ARGS); code=$$?; \
	  $(VENV)/coverage combine -q; $(VENV)/coverage report && exit $$code

e2e: install ## the checks that need a whole Kubernetes cluster with a node (root)
	@$(VENV)/python -m tests.cluster install
	@$(VENV)/python -m pytest -m e2e --durations=15 $(ARGS)

cluster: install ## start a Kubernetes cluster with a node here, without Docker (root)
	@$(VENV)/python -m tests.cluster up

cluster-images: install ## build the images and import them into the cluster of make cluster
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	  $(VENV)/python -m tests.images --tars "$$folder" && $(VENV)/python -m tests.cluster load "$$folder"/*.tar

cluster-down: install ## stop that cluster and delete its data
	@$(VENV)/python -m tests.cluster down

lint: install ## ruff, mypy, import-linter, and squawk over the migrations
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy
	$(VENV)/lint-imports
	$(VENV)/python -m migrations lint

images: ## build the container images, docker or not: BASE=... another base, TARS=folder for archives
	@$(PYTHON) -m tests.images $(if $(BASE),--base "$(BASE)") $(if $(TARS),--tars "$(TARS)") $(if $(SOURCE_URL),--source-url "$(SOURCE_URL)")

bench: install ## measure ingestion and the API; ARGS=... for one part
	@$(VENV)/python -m tests.load $(ARGS)

documents: install ## write the README's settings table, and every openapi.json again
	@$(VENV)/python -m tests.support.documents

lock: install ## resolve the dependency groups again into services/requirements
	@for group in api worker operator dev; do \
	  $(VENV)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-emit-find-links --no-annotate --no-header --group $$group -o services/requirements/$$group.txt; \
	done
