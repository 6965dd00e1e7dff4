# What a newcomer types. Everything lands in .venv; nothing needs root.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
WORKERS ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test lint bench docs soak clean
.DEFAULT_GOAL := run

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "stopper: $(PYTHON) is missing or older than 3.11; install Python 3.11 or type: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	  || { echo "stopper: $(PYTHON) has no venv; on Debian and Ubuntu type: sudo apt install python3-venv" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "installing Stopper into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --editable '.[service,demo]'
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	@echo "installing what the tests need into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --editable '.[service,demo,postgres,redis,fix]' --group test --group lint
	@touch $@

run: $(VENV)/.demo  ## the auth service, the leaky and the sealed API, scanned side by side
	@$(BIN)/stopper demo --port $(PORT) --stay

test: $(VENV)/.dev  ## every test, with branch coverage
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest -n $(WORKERS) --dist worksteal tests
	@$(BIN)/coverage combine --quiet && $(BIN)/coverage report --fail-under=85 --skip-covered | tail -n 60

lint: $(VENV)/.dev  ## format, style, types, layers, dependencies, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/deptry src
	$(BIN)/typos

docs: $(VENV)/.dev  ## make the generated pages anew: settings, rules
	$(BIN)/python docs/make.py

bench: $(VENV)/.dev  ## what the code costs, as ratios of one run
	@for script in bench/*_speed.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

soak: $(VENV)/.dev  ## the long forms of races and fuzzing; keeps its log in docs/soak.md
	SOAK=1 $(BIN)/python -m pytest -n $(WORKERS) -m soak --junitxml=build/soak.xml tests; \
	  done=$$?; $(BIN)/python docs/soak.py build/soak.xml && exit $$done

clean:
	rm -rf $(VENV) build dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache
