# `make demo` and `make test` set everything up themselves; each verb does one chore.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo docs test lint typecheck format clean

demo: $(READY)
	$(BIN)/gan-imbalance compare --config experiments/demo/config.yaml --output runs/demo-$$(date +%Y%m%d-%H%M%S)

# workers share the cores: a thread that waits for another one sleeps, where it would spin on the core that this one needs
test: $(READY) lint typecheck
	OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

# NO_MKDOCS_2_WARNING leaves out a theme's news of other programs
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "Read it: $(BIN)/python -m http.server --directory build/site, then http://localhost:8000"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: $(READY)
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv build/site runs wandb .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt --editable ".[dev]"
# pip would compile on one core, and nothing of a package that is edited; a few files of others are no Python
	$(BIN)/python -m compileall -qq -j 0 .venv gan_imbalance experiments || true
	touch $(READY)
