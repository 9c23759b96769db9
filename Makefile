# Everything that a fresh machine needs is here: `make demo` and `make test`.
# PIP_ARGS goes to every pip install, such as PIP_ARGS="--find-links FOLDER" for a CPU build of torch.

PYTHON ?= python3
VENV ?= .venv
PIP_ARGS ?=
CONSTRAINTS ?= constraints-cpu.txt
BIN := $(VENV)/bin
DEMO_STORE ?= .demo/arena.db

export HF_HUB_OFFLINE = 1
export OMP_NUM_THREADS ?= 1

.PHONY: demo test test-long lint pocket install-train install-dev clean help

help:
	@echo "make demo        battle the four models of the pocket world and show the leaderboard"
	@echo "make test        all tests but the long ones"
	@echo "make test-long   the long ones too"
	@echo "make lint        format, lint, types, import rules"
	@echo "make pocket      train the pocket world's models anew (under 20 minutes)"

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# torch first and alone, so that no other package's range reaches for another build of it.
$(VENV)/.train: pyproject.toml $(CONSTRAINTS) | $(VENV)/bin/python
	$(BIN)/python -m pip install -q $(PIP_ARGS) -c $(CONSTRAINTS) torch
	$(BIN)/python -m pip install -q $(PIP_ARGS) -c $(CONSTRAINTS) -e '.[train]'
	@touch $@

$(VENV)/.dev: $(VENV)/.train
	$(BIN)/python -m pip install -q $(PIP_ARGS) -c $(CONSTRAINTS) -e '.[train,dev]'
	@touch $@

install-train: $(VENV)/.train
install-dev: $(VENV)/.dev

demo: $(VENV)/.train
	@mkdir -p $(dir $(DEMO_STORE))
	@# Another seed than the shipped answers have, so that the models answer anew. The store is kept: what is done
	@# already is not done again, and whatever else was put into it stays.
	$(BIN)/arena-tui --store $(DEMO_STORE) --batch pocket --set run.seed=2
	@echo
	@$(BIN)/arena-tui leaderboard --store $(DEMO_STORE) --arena pocket
	@echo
	@echo "Try next, with: export ARENA_TUI_STORE='$(abspath $(DEMO_STORE))' PATH='$(abspath $(BIN))':\"\$$PATH\""
	@echo "  arena-tui leaderboard --arena pocket --category math          where each model is strong"
	@echo "  arena-tui verdicts list --arena pocket --model moth    battles; then: arena-tui verdicts show BATTLE"
	@echo "  arena-tui compare lynx heron --arena pocket                a difference with its interval, by category"
	@echo "  arena-tui import arena FILE --dry-run                      battle logs of your own"
	@echo "  arena-tui plan new --help                                  a plan for models of your own"

test: $(VENV)/.dev
	$(BIN)/python -m pytest

test-long: $(VENV)/.dev
	$(BIN)/python -m pytest -m 'long or not long'

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

pocket: $(VENV)/.train
	$(BIN)/python -m engine.pocket.make --out data/pocket
	@mkdir -p .demo && rm -f .demo/ship.db* data/pocket/answers.jsonl.gz
	$(BIN)/arena-tui --store .demo/ship.db --batch pocket
	$(BIN)/python -m engine.battles.shipped .demo/ship.db data/pocket/answers.jsonl.gz

clean:
	rm -rf $(VENV) .demo build dist *.egg-info
