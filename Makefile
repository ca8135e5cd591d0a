# make run     set up and run the main job on the shipped synthetic sample
# make dev     the UI, with schedules
# make test    set up and run every check and test
# make bench   ours against the tutorial's way; takes minutes
# make bench-promoted   the promoted model at full size: its file, a question; takes ten minutes
# make bench-strategies   time and memory of each strategy; takes ten minutes

PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
# What is used is compiled when it is first imported, which is a third of what there is.
INSTALL = $(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt
export PYTHONDONTWRITEBYTECODE =

# The history of runs is kept with the store that they fill, unless DAGSTER_HOME names another folder.
# Dagster warns that its command `dg` should be used, which is not installed.
WITH_HISTORY = export PYTHONWARNINGS="$${PYTHONWARNINGS:+$$PYTHONWARNINGS,}ignore:Function:FutureWarning" && DAGSTER_HOME="$${DAGSTER_HOME:-$$($(BIN)/rec-assets home)}" && export DAGSTER_HOME &&

ROWS ?= 12900000
RUNS ?= 3
CONFIG ?= rec_assets/configs/default.yaml

.PHONY: run dev test check lint bench bench-promoted bench-strategies setup setup-dev clean

run: setup
	@$(BIN)/rec-assets check-config $(CONFIG)
	$(WITH_HISTORY) $(BIN)/dagster job execute -m rec_assets.definitions -j training_job -c $(CONFIG)
	$(BIN)/rec-assets summary

dev: setup
	$(WITH_HISTORY) $(BIN)/dagster dev

test: setup-dev
	$(MAKE) check

check: lint
	$(BIN)/dagster definitions validate -m rec_assets.definitions
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright

# The whole job against the tutorial as a Metaflow flow, too: make bench SOURCE=playlists.csv.gz
bench: setup
	$(BIN)/python benchmarks/compare.py preparation --rows $(ROWS) --runs $(RUNS)
	$(BIN)/python benchmarks/compare.py dialect --rows $(ROWS) --runs $(RUNS)
	test -z "$(SOURCE)" || $(INSTALL) --editable '.[baselines]'
	test -z "$(SOURCE)" || $(BIN)/python benchmarks/compare.py whole --source $(SOURCE) --runs $(RUNS)
	$(BIN)/python benchmarks/job.py $(SOURCE) --rows $(ROWS) --tutorial

bench-strategies: setup
	$(BIN)/python benchmarks/strategies.py answer --rows $(ROWS)

bench-promoted: setup
	$(BIN)/python benchmarks/promoted.py --rows $(ROWS)

setup: $(VENV)/.installed
setup-dev: $(VENV)/.installed-dev

# The pip of Python 3.11 takes twice as long as today's.
$(VENV)/.pip:
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --upgrade pip
	touch $@

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/.pip
	$(INSTALL) --editable .
	touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/.pip
	$(INSTALL) --editable '.[dev,browser,s3,maps,serve,postgres]'
	touch $(VENV)/.installed $@

clean:
	rm -rf $(VENV) data/storage data/benchmarks
