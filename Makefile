# Set-up is two commands: `make run` and `make test`. Both need Python >= 3.11 with venv; uv is used when it is there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEVELOPED := $(VENV)/.developed
DOCUMENTED := $(VENV)/.documented

.PHONY: run test long examples lint types layers check docs notebooks bench compiled interpreted wheel clean

run: $(INSTALLED)
	$(BIN)/pullsim run scenarios/quickstart.yaml --out out/quickstart

test: $(DEVELOPED)
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not examples and not long"

# Fits, large outputs and many random inputs.
long: $(DEVELOPED)
	$(BIN)/python -m pytest -n auto --dist worksteal -m long

# What documents and notebooks show, run and compared; `pytest` alone runs both.
# Commands of documents need what those before them have written, so they run in one process.
examples: $(DEVELOPED)
	$(BIN)/python -m pytest -m examples tests/docs/test_readme.py
	$(BIN)/python -m pytest -n auto --dist worksteal -m examples --ignore tests/docs/test_readme.py

check: lint types layers test long examples

lint: $(DEVELOPED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/actionlint -shellcheck $(BIN)/shellcheck .github/workflows/*.yml
	$(BIN)/check-jsonschema -q --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema -q --builtin-schema vendor.github-actions action.yml
	$(BIN)/check-jsonschema -q --builtin-schema vendor.github-issue-forms \
	  $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	$(BIN)/check-jsonschema -q --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/check-jsonschema -q --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema -q --builtin-schema vendor.citation-file-format CITATION.cff
	$(BIN)/pre-commit validate-manifest .pre-commit-hooks.yaml

types: $(DEVELOPED)
	$(BIN)/mypy

layers: $(DEVELOPED)
	$(BIN)/lint-imports --no-cache

# The site of the documents, out/site/index.html: built without network, every warning an error.
docs: $(DOCUMENTED)
	$(BIN)/python -m sphinx -q -W --keep-going -c docs -d out/site-cache . out/site

# Executes the notebooks and writes what they show into them; the same code gives the same files.
notebooks: $(DEVELOPED)
	$(BIN)/python docs/execute_notebooks.py

bench: $(DEVELOPED)
	$(BIN)/python -m pytest benchmarks/suites --benchmark-only -o addopts= -s

# Runs are three times as fast; needs a C compiler and takes three to five minutes, PULLSIM_UNTRAINED=1 half of that with
# modules that are a tenth slower. Again after every change of the sources.
compiled:
	HATCH_BUILD_HOOK_ENABLE_CUSTOM=true $(MAKE) --always-make $(INSTALLED)

interpreted:
	find pullsim -name '*.so' -delete
	rm -f pullsim__mypyc.*.so

# What a release has for this machine: the compiled wheel, and the source distribution with the pure wheel that it makes.
# What `make compiled` has compiled is not compiled again, nor the other way round.
wheel: $(DEVELOPED)
	rm -rf dist
	HATCH_BUILD_HOOK_ENABLE_CUSTOM=true $(BIN)/python -m build --wheel
	$(BIN)/python -m build

# $(call install,WHAT): into the virtual environment, with the tested versions.
define install
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) && \
	  VIRTUAL_ENV=$(CURDIR)/$(VENV) uv pip install --quiet --reinstall-package pullsim -c constraints.txt -e '$(1)'; \
	else \
	  $(PYTHON) -m venv $(VENV) && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '$(1)'; \
	fi
endef

$(INSTALLED): pyproject.toml constraints.txt
	$(call install,.)
	@touch $@

$(DEVELOPED): pyproject.toml constraints.txt
	$(call install,.[dev])
	@touch $@ $(INSTALLED)

$(DOCUMENTED): pyproject.toml constraints.txt
	$(call install,.[docs])
	@touch $@ $(INSTALLED)

clean: interpreted
	rm -rf $(VENV) out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
