# Every target first makes the environment it needs (tools/environment.sh): nothing else is installed by hand.
#   PYTHON=/path/to/python3.12   the interpreter to use; otherwise the first python3 of 3.11 or newer
#   VENV=folder                  where the environment lies
#   ARGS='...'                   passed on to the command behind the target

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help report test test-slow coverage kept faults faults-room lab bench bench-estimates sample lock sbom wheel audit clean environment \
	environment-dev environment-bench environment-peers

VENV ?= .venv
export VENV PYTHON
BIN := $(VENV)/bin
PEERS ?= .venv-peers

help: ## what can be made
	@awk -F ': .*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  ARGS='...' is passed on, PYTHON=... chooses the interpreter; .venv is made when it is needed."

# `outcomes` ends with 1 when rows were set aside: for a report that is done, not failed. A crash ends with 1 as well,
# but names no page.
report: environment ## the quarterly report, of data/sample or of your export: ARGS='visits.csv --mapping mapping.toml'
	@page=$$("$(BIN)/outcomes" report --out reports/ $(ARGS)); code=$$?; \
	if [ $$code -le 1 ] && [ -e "$$page" ]; then echo "Open $$page"; \
	elif [ $$code -eq 1 ]; then exit 4; else exit $$code; fi

test: environment-dev ## every check: lint, format, types, notebooks, tests (5 to 7 minutes on 2 cores)
	@"$(BIN)/python" tools/check.py

test-slow: environment-dev ## the slow tests: coverage of intervals by simulation, large files
	"$(BIN)/python" -m pytest -m slow $(ARGS)

coverage: environment-dev ## how far quick tests reach into each room, against floors (20 minutes)
	"$(BIN)/python" tools/coverage_gate.py

kept: environment-dev ## write anew what the sample says (tests/kept); look at the difference before it is committed
	"$(BIN)/python" tests/support/kept_runs.py

faults: environment-dev ## plant faults and see whether tests notice: ARGS='estimators/cusum.py tests/unit/test_cusum.py'
	"$(BIN)/python" tools/plant_faults.py $(or $(ARGS),--help)

faults-room: environment-dev ## the same all over a room of tools/coverage_gate.py: ROOM=cases COUNT=40 SEED=1
	"$(BIN)/python" tools/plant_in_room.py $(if $(ROOM),$(ROOM) --count $(or $(COUNT),40) --seed $(or $(SEED),1) $(ARGS),--help)

lab: environment ## JupyterLab on a working copy of notebooks/ in lab/; your changes are never overwritten
	"$(BIN)/outcomes" lab $(ARGS)

bench: environment-bench ## time and memory beside Polars, DuckDB and pandas
	"$(BIN)/python" benchmarks/run.py $(ARGS)

bench-estimates: environment environment-peers ## the estimates beside lifelines, scikit-survival, SurPyval, R, ...
	"$(BIN)/python" benchmarks/run_estimates.py --peers "$(PEERS)/bin/python" $(ARGS)

sample: environment ## make data/sample again; the same bytes, unless the generator changed
	"$(BIN)/python" -m outcomes.simulate.sample --out data/sample $(ARGS)

lock: ## the lock files from pyproject.toml; ARGS=--upgrade takes the newest versions
	tools/lock.sh $(ARGS)

sbom: environment ## what users install, as CycloneDX JSON and a list of licences, in build/sbom/
	"$(BIN)/python" tools/sbom.py

wheel: sbom ## the package as one file in dist/, its bill of materials inside, beside it what it was made of; KEY=... signs
	@"$(BIN)/python" tools/wheel.py $(if $(KEY),--key "$(KEY)")

audit: environment ## known vulnerabilities of the locked packages; ends with 3 where no database can be reached
	"$(BIN)/python" tools/audit.py

clean: ## remove both .venv and caches; reports/ and data/ stay
	rm -rf .venv .venv-peers build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

environment:
	@tools/environment.sh requirements.lock
environment-dev:
	@tools/environment.sh requirements-dev.lock
environment-bench:
	@tools/environment.sh requirements-bench.lock
environment-peers:
	@VENV="$(PEERS)" tools/environment.sh requirements-peers.lock
