# Six words: demo test lint bench docs clean.
# Needs make, bash and Python 3.11 or newer with venv; another Python: make demo PYTHON=python3.12
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.NOTPARALLEL:
.PHONY: demo test lint bench docs clean

PYTHON ?= python3
PYTEST_ARGS ?= -m "not slow"
BENCH_ARGS ?=

bin := .venv/bin
pins := pyproject.toml constraints.txt

# The main job: the bundled network on the bundled images; results in out/.
demo: .venv/.demo
	@$(bin)/crossbar run

# Everything: make test PYTEST_ARGS=   One file: make test PYTEST_ARGS=tests/kernels/test_read.py
test: .venv/.test
	@$(bin)/python -m pytest -q $(PYTEST_ARGS)

lint: .venv/.test
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy
	$(bin)/lint-imports --no-logo
	$(bin)/codespell

# The short form: make bench BENCH_ARGS=--quick
bench: .venv/.demo
	@for script in benchmarks/[0-9]*.py; do \
	  echo "== $$script $(BENCH_ARGS)"; $(bin)/python $$script $(BENCH_ARGS); \
	done

docs: .venv/.docs
	@$(bin)/mkdocs build --quiet --strict --site-dir out/docs
	@echo "out/docs/index.html"

# What was made here, except the results in out/.
clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis \
	  .import_linter_cache .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp file a set of packages; a change of the pins installs again.
.venv/.demo: $(pins)
	$(call install,.)
.venv/.test: $(pins)
	$(call install,.[test])
.venv/.docs: $(pins)
	$(call install,.[docs])

define install
@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit(f"Python {v[0]}.{v[1]} is too old, \
3.11 or newer is needed: make $(MAKECMDGOALS) PYTHON=/path/to/python3")'
@$(bin)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
@echo "installing '$(1)' and its pinned dependencies into .venv (minutes, the first time)"
@$(bin)/python -m pip install --disable-pip-version-check -c constraints.txt -e '$(1)' \
  | sed -un -e '/^ *Downloading .*MB/p' -e 's/^Installing collected packages.*/  unpacking/p'
@touch $@
endef
