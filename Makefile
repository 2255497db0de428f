# Everything on a machine that has only Python and make: `make demo`, `make test`.
# Each makes the environment $(VENV) in this folder, once, and installs what it needs.

VENV ?= .venv
PYTEST_ARGS ?=
DEMO_ARGS ?=
BENCHMARK_ARGS ?=
LAB_ARGS ?=
BINDER_ARGS ?=
MUTANTS_ARGS ?=
DOCS_ARGS ?=
BINDER_PYTHON ?= python3.11
# `make test EXTRAS=test` leaves out what the tests in a real browser need; they are then skipped.
EXTRAS ?= test,browser
# As many processes that test as there are processors: 2 to 4, and 5 GB of memory for each.
WORKERS ?= $(shell awk -v cores="$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)" \
    '/^MemTotal/ { most = int($$2 / 5e6) } END { n = cores < most ? cores : most; \
    print (n < 2 ? 2 : (n > 4 ? 4 : n)) }' /proc/meminfo 2>/dev/null || echo 2)

# What depends on the versions of Python, JAX, BrainPy and NumPy: `make test-versions` runs these
# rooms again with another Python, without the slow tests unless they are marked `versions`.
VERSION_TESTS := tests/dynamics tests/models/test_models.py tests/models/test_jslds.py \
    tests/training/test_trainer.py tests/training/test_checkpoint.py tests/result/test_fixed_points.py \
    tests/result/test_spectrum.py tests/io/test_storage.py tests/finder/test_known_answers.py \
    tests/finder/test_isolation.py tests/widgets/test_notebook.py tests/widgets/test_monitor.py \
    tests/test_import.py tests/test_doctests.py tests/test_packaging.py tests/test_readme.py

# What a BLAS computes: `make test-kernels` runs these with each of the matrix kernels of OpenBLAS
# that processors of different ages get. The results differ in their last digits.
KERNELS ?= Haswell SkylakeX Prescott
KERNEL_TESTS := tests/test_blas_kernel.py tests/result tests/analysis \
    tests/finder/test_known_answers.py tests/finder/test_completeness.py \
    tests/finder/test_no_silent_change.py tests/finder/test_small_systems.py \
    tests/models/test_invariant_boxes.py

# The interpreter to make $(VENV) with. Unless PYTHON is given, the first of these that will do.
# (Each is tried by running it: pyenv puts a `python3.13` on PATH that only prints an error.)
PYTHON_CANDIDATES := $(if $(PYTHON),$(PYTHON),python3 python3.13 python3.12 python3.11)
SUPPORTED := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
METADATA := pyproject.toml fpf_notebook/_version.py

FIND_BROWSER := $(if $(FPF_CHROMIUM),true,command -v chromium || command -v chromium-browser \
    || command -v google-chrome || command -v google-chrome-stable) >/dev/null
INSTALL_BROWSER := apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends chromium fonts-dejavu-core >/dev/null

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo lab test tests test-browser test-kernels test-tensorflow test-versions \
    lint types docs binder js benchmark mutants hooks clean

help:  ## say what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' Makefile

# What JAX has compiled serves all processes that test: both workers, the kernels one after another,
# the scripts that tests start. Keyed by program and version; most of the time goes into compiling.
test tests test-browser test-kernels test-versions: export JAX_COMPILATION_CACHE_DIR := \
    $(abspath $(VENV))/jax-cache
test tests test-browser test-kernels test-versions: \
    export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS := 0.05

demo: $(VENV)/.installed  ## train a 3-bit flip-flop network, find all its fixed points, draw them
	@echo "make demo: running fpf-notebook demo $(DEMO_ARGS)"
	@$(BIN)/fpf-notebook demo $(DEMO_ARGS)

test: lint  ## lint, check the types, run the tests (they build the wheel and import it, too)
ifneq ($(strip $(PYTEST_ARGS)),)
	@echo "make test: running the tests with $$($(BIN)/python --version)"
	@$(BIN)/python -m pytest $(PYTEST_ARGS)
else
	@$(MAKE) --no-print-directory tests
	@$(if $(findstring browser,$(EXTRAS)),$(MAKE) --no-print-directory test-browser)
endif

tests: $(VENV)/.installed-$(EXTRAS)  ## run the tests alone, but for those in a browser
	@echo "make test: running the tests with $$($(BIN)/python --version)"
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder \
	    --ignore=tests/browser --durations=10 --durations-min=20 --junitxml=build/tests.xml

# By themselves, for they measure how soon a click is answered.
test-browser: $(VENV)/.installed-$(EXTRAS)  ## run the tests that drag real sliders in Chromium
	@$(FIND_BROWSER) || { echo "make test: no Chromium here; trying the system's packages"; \
	    $(INSTALL_BROWSER); } || echo "make test: that failed, the browser tests will be skipped"
	@echo "make test: driving the widgets in a real JupyterLab"
	@$(BIN)/python -m pytest tests/browser -rs

test-versions: types  ## check the types, run the tests that depend on the versions of what is installed
	@echo "make test-versions: running the tests with $$($(BIN)/python --version)"
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow or versions" $(VERSION_TESTS)

test-kernels: $(VENV)/.installed-$(EXTRAS)  ## run the numerical tests with older and newer BLAS kernels
	@for kernel in $(KERNELS); do \
	    case $$kernel in SkylakeX) needed=avx512vl ;; Haswell) needed=avx2 ;; *) needed=sse2 ;; esac; \
	    grep -qw $$needed /proc/cpuinfo || \
	        { echo "make test-kernels: $$kernel left out, this processor has no $$needed"; continue; }; \
	    echo "make test-kernels: running the tests with the BLAS kernels for $$kernel"; \
	    OPENBLAS_CORETYPE=$$kernel $(BIN)/python -m pytest -q -m "not slow" $(KERNEL_TESTS) || exit 1; \
	done

test-tensorflow:  ## run the tests of TensorFlow's functions, in an environment with TensorFlow
	@$(MAKE) --no-print-directory test VENV=.venv-tensorflow EXTRAS=test,tensorflow \
	    PYTEST_ARGS=tests/dynamics/frameworks/test_tensorflow_call.py

lint: $(VENV)/.installed-$(EXTRAS)  ## lint, check which room imports which, check the types
	@echo "make lint: ruff, import-linter and mypy"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo --no-cache pyproject.toml .ci/cycles.toml
	@$(BIN)/mypy

types: $(VENV)/.installed-$(EXTRAS)  ## check the types alone
	@$(BIN)/mypy

lab: $(VENV)/.installed-lab  ## open JupyterLab on a notebook with the three widgets
	@$(BIN)/jupyter lab $(LAB_ARGS) tutorials/widgets.ipynb

docs: $(VENV)/.installed-docs  ## build the documentation, strictly, into docs/_build/html
	@echo "make docs: running the tutorials that binder/check has not run, then building the pages"
	@$(BIN)/python docs/prepare.py $(DOCS_ARGS)
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "make docs: open docs/_build/html/index.html"

binder:  ## run every tutorial as Binder would: pinned environment, one core, 1.5 GB (Python 3.11)
	@$(BINDER_PYTHON) binder/check $(BINDER_ARGS)

js:  ## check the views and build their bundle into the package (needs Node.js)
	@echo "make js: checking, testing and building the views"
	@cd js && npm ci --no-audit --no-fund --loglevel=error && npm run --silent check \
	    && npm test --silent && npm run --silent build

benchmark: $(VENV)/.installed-benchmark  ## measure against BrainPy's finder and canns'
	@echo "make benchmark: running the benchmarks"
	@$(BIN)/python -m benchmarks $(BENCHMARK_ARGS)

mutants: $(VENV)/.installed-mutants  ## see which of 150 small changes of the code no test notices (hours)
	@$(BIN)/python -m tools.mutants $(MUTANTS_ARGS)

hooks: $(VENV)/.installed-$(EXTRAS)  ## check every commit in this checkout (with pre-commit)
	@$(INSTALL) --editable '.[dev]'
	@$(BIN)/pre-commit install

clean:  ## remove the environment, the caches and the demo's output
	rm -rf $(VENV) js/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist fpf-demo \
	    docs/_build docs/_generated docs/tutorials/*.ipynb

# The stamps: a second run installs nothing, unless the package's metadata have changed since.
$(VENV)/.installed: $(METADATA) | $(VENV)/pyvenv.cfg
	@echo "make: installing fpf_notebook and what it needs into $(VENV) (a minute or two, once)"
	@$(INSTALL) --editable '.[widgets]'
	@touch $@

$(VENV)/.installed-$(EXTRAS): $(METADATA) | $(VENV)/pyvenv.cfg
	@echo "make: installing fpf_notebook and its test tools into $(VENV) (a minute or two, once)"
	@$(INSTALL) --editable '.[$(EXTRAS)]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-benchmark: $(METADATA) | $(VENV)/pyvenv.cfg
	@echo "make: installing fpf_notebook and its peers into $(VENV) (a few minutes, once)"
	@$(INSTALL) --editable '.[benchmark]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-mutants: $(METADATA) | $(VENV)/pyvenv.cfg
	@echo "make: installing fpf_notebook, its test tools and Cosmic Ray into $(VENV) (once)"
	@$(INSTALL) --editable '.[mutants]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-lab: $(METADATA) | $(VENV)/pyvenv.cfg
	@echo "make: installing fpf_notebook, its widgets and JupyterLab into $(VENV) (once)"
	@$(INSTALL) --editable '.[widgets]' 'jupyterlab>=4.2'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: $(METADATA) | $(VENV)/pyvenv.cfg
	@echo "make: installing fpf_notebook and what builds its pages into $(VENV) (a minute, once)"
	@$(INSTALL) --editable '.[docs]'
	@touch $@ $(VENV)/.installed

$(VENV)/pyvenv.cfg:
	@for candidate in $(PYTHON_CANDIDATES); do \
	    if "$$candidate" -c '$(SUPPORTED)' 2>/dev/null; then \
	        echo "make: making the environment $(VENV) with $$("$$candidate" --version)"; \
	        exec "$$candidate" -m venv $(VENV); \
	    fi; \
	done; \
	{ echo "make: no usable Python among: $(PYTHON_CANDIDATES)."; \
	  echo "It has to be 3.11, 3.12 or 3.13, with the modules venv and ensurepip (on Debian and"; \
	  echo "Ubuntu: the package python3-venv). Install one, or name one that you have:"; \
	  echo "    make $(or $(MAKECMDGOALS),demo) PYTHON=/path/to/python3.12"; } >&2; exit 1
