# The commands that people type. Each target first makes sure that what it needs is installed (sandbox/bootstrap.sh).
.DEFAULT_GOAL := help
SHELL := bash
PYTHON := .venv/bin/python
# Runs a module as a program that does not end with a traceback after Ctrl-C or in an odd terminal.
RUN := $(PYTHON) tools/start.py
STACK ?= sandbox
HOSTS ?= 100
MINUTES ?= 10
MEMORY ?= 0
export SANDBOX_STACK := $(STACK)
# With it, each run of Pulumi would compile the providers' SDKs again, which doubles its CPU time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help up preview status password backups down shell test faults check format lock bootstrap pictures browser
.PHONY: test-alert import-dashboard load mutants prove new-stack cost upgrades

help: ## list these commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 25

bootstrap:
	@bash sandbox/bootstrap.sh $(firstword $(MAKECMDGOALS))

browser:
	@WITH_BROWSER=1 bash sandbox/bootstrap.sh $(firstword $(MAKECMDGOALS))

up: bootstrap ## raise the environment on this machine (again: converge)
	@$(RUN) sandbox up

preview: bootstrap ## show what `make up` would change
	@$(RUN) sandbox preview

status: bootstrap ## show what runs where, whether it is healthy, and the newest data of each host
	@$(RUN) sandbox status

password: bootstrap ## print Grafana's admin password
	@$(RUN) sandbox password

backups: bootstrap ## list the backups in the local S3
	@$(RUN) sandbox shell -- "$(CURDIR)/$(PYTHON)" "$(CURDIR)/tools/start.py" tools.list_backups --stack "$(STACK)"

test-alert: bootstrap ## send a message through each contact point of the local environment (on AWS: tools/test_alert.py)
	@$(RUN) sandbox shell -- "$(CURDIR)/$(PYTHON)" "$(CURDIR)/tools/start.py" tools.test_alert --stack "$(STACK)"

shell: bootstrap ## open a shell in which plain `pulumi` commands work against the local environment
	@$(RUN) sandbox shell

down: bootstrap ## remove everything: machines, volumes, bridge, state
	@$(RUN) sandbox down

test: browser ## run every test but the long faults, in four separate environments
	@$(RUN) sandbox test

faults: bootstrap ## cause every fault of docs/faults.md, in a separate environment (about an hour)
	@$(RUN) sandbox test -m live -rP tests/live/test_up.py tests/live/test_lockout.py tests/live/faults

load: bootstrap ## measure the running environment under the load of simulated hosts: HOSTS=100 MINUTES=10 [MEMORY=MiB]
	@$(RUN) benchmarks.load --hosts "$(HOSTS)" --minutes "$(MINUTES)" --memory "$(MEMORY)"

pictures: browser ## draw docs/pictures/ from the dashboards of the running environment
	@$(RUN) tests.delivery.picture
	@$(RUN) sandbox pictures
	@$(RUN) tests.sandbox.viewer.pictures

# These do not need `bootstrap`: with a real AWS account, .venv comes from `pulumi install`, and root is not needed.
import-dashboard: ## import a community dashboard: FROM=928 or FROM=file.json [NAME=name] [FORCE=1] [SKIP=1]
	@[ -x $(PYTHON) ] || { echo "Run this first: pulumi install" >&2; exit 1; }
	@$(RUN) dashboards.importing --name "$$NAME" $(if $(filter 1,$(FORCE)),--force) $(if $(filter 1,$(SKIP)),--skip) -- "$$FROM"

new-stack: ## write the settings file of a new stack: NAME=eu [LIKE=dev]; without questions: [REGION=…] ALLOW=… [AGENTS=…] [SIZE=…] YES=1
	@[ -x $(PYTHON) ] || { echo "Run this first: pulumi install" >&2; exit 1; }
	@$(RUN) tools.new_stack --name "$$NAME" --like "$$LIKE" --region "$$REGION" --allow "$$ALLOW" --agents "$$AGENTS" \
	  --size "$$SIZE" $(if $(filter 1,$(YES)),--yes) --project "$(or $(PROJECT),.)"

cost: ## show what a stack costs per month, from its settings: STACK=dev [HOSTS_THERE=100] [INSTANCES=1] [COMPARE=old.yaml]
	@[ -x $(PYTHON) ] || { echo "Run this first: pulumi install" >&2; exit 1; }
	@$(RUN) tools.cost --stack "$(if $(filter file,$(origin STACK)),dev,$(STACK))" --project "$(or $(PROJECT),.)" \
	  $(if $(HOSTS_THERE),--hosts "$(HOSTS_THERE)") $(if $(INSTANCES),--instances "$(INSTANCES)") $(if $(COMPARE),--compare "$(COMPARE)")

upgrades: ## show for which pinned versions there are newer ones [STACK=dev]
	@[ -x $(PYTHON) ] || { echo "Run this first: pulumi install" >&2; exit 1; }
	@$(RUN) tools.upgrades $(if $(filter-out file,$(origin STACK)),--stack "$(STACK)" --project "$(or $(PROJECT),.)")

mutants: bootstrap ## break the program line by line and show what no unit test notices [FILES="settings/shown.py …"] [MINUTES=10]
	@nice -n 15 $(RUN) benchmarks.mutants --minutes "$(MINUTES)" $(FILES)

# Does not need `bootstrap` either. From inside `make shell`: make -C CHECKOUT prove PROJECT=$PWD
prove: ## prove a stack on a real AWS account (docs/unproven.md): SETTINGS=Pulumi.dev.yaml [PROOF=name] [REPORT=proof.md]
	@[ -x $(PYTHON) ] || { echo "Run this first: pulumi install" >&2; exit 1; }
	@$(RUN) prove --project "$(or $(PROJECT),.)" --stack "$(or $(PROOF),proof)" \
	  $(if $(SETTINGS),--settings "$(SETTINGS)") --report "$(or $(REPORT),proof.md)"

check: bootstrap ## check format, lint, types, shell scripts, workflows; run the unit tests
	@bash sandbox/check.sh

format: bootstrap ## format the code
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

lock: bootstrap ## update the lock files from pyproject.toml
	@bash sandbox/lock.sh
