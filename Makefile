# Everything starts here: `make run` starts the appliance, `make test` tests it, `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV ?= .venv
ENGINE_VENV ?= .venv-engines
COSYVOICE_VENV ?= .venv-cosyvoice
QWEN3_VENV ?= .venv-qwen3
AVATAR := $(VENV)/bin/avatar
PYTEST := $(VENV)/bin/pytest
ARGS ?=

.PHONY: help run fake test test-fast test-peer test-ha test-provision check lint-ansible format bench doctor models schema clean
.PHONY: system test-engines test-cosyvoice test-qwen

help: ## Show this list
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(VENV)/.cpu ## Start the whole appliance on the embedded CPU models
	@$(AVATAR) up $(ARGS)

fake: $(VENV)/.cpu ## Start it on scripted models: nothing to download, nothing understood
	@$(AVATAR) up --fake $(ARGS)

test: $(VENV)/.dev ## Run all tests, those with the real embedded models included
	@$(AVATAR) models fetch
	@$(PYTEST) $(ARGS)

test-fast: $(VENV)/.dev ## Run the tests that need no model (a minute)
	@$(PYTEST) -m 'not system and not home_assistant and not peer and not provision' $(ARGS)

test-ha: $(VENV)/.dev ## Drive a real Home Assistant (set AVATAR_HA_URL and AVATAR_HA_TOKEN)
	@$(AVATAR) models fetch
	@$(PYTEST) -m home_assistant tests/home_assistant $(ARGS)

test-provision: $(VENV)/.dev ## Make a Debian machine and play ansible/ on it, from bare to a spoken turn (root)
	@./scripts/system-packages provision
	@$(PYTEST) -m provision -s tests/provision $(ARGS)

lint-ansible: $(VENV)/.dev ## Lint the playbooks and roles (two minutes)
	@cd ansible && PATH="$(abspath $(VENV)/bin):$$PATH" ansible-lint --offline --strict

test-engines: $(ENGINE_VENV)/.built $(VENV)/.dev ## Test F5-TTS, Pocket TTS and Resemblyzer through their true classes (an environment of 1.7 GB)
	@PYTHONPATH=. $(ENGINE_VENV)/bin/python -m pytest tests/engine $(ARGS)
	@$(AVATAR) models fetch
	@$(PYTEST) tests/system/test_cloned_voice.py $(ARGS)

test-cosyvoice: $(COSYVOICE_VENV)/.built $(VENV)/.dev ## Test CosyVoice 2 and 3 through their true classes (an environment of 2 GB, and its source by git)
	@PYTHONPATH=. $(COSYVOICE_VENV)/bin/python -m pytest tests/engine/test_cosyvoice.py tests/engine/test_cosyvoice_source.py $(ARGS)
	@$(AVATAR) models fetch
	@AVATAR_COSYVOICE_VENV=$(abspath $(COSYVOICE_VENV)) $(PYTEST) tests/system/test_studio_voice.py $(ARGS)

test-qwen: $(QWEN3_VENV)/.built ## Test Qwen3-TTS through its true classes (an environment of its own, 1.6 GB)
	@PYTHONPATH=. $(QWEN3_VENV)/bin/python -m pytest -m engine_qwen3 tests/engine/test_qwen3.py $(ARGS)

check: $(VENV)/.dev ## Lint, format check, types
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy

format: $(VENV)/.dev ## Format and mend what can be mended
	@$(VENV)/bin/ruff format . && $(VENV)/bin/ruff check --fix .

bench: $(VENV)/.dev ## Measure the running appliance (ARGS="--peer" compares with the stock servers)
	@$(AVATAR) bench $(ARGS)

doctor: $(VENV)/.cpu ## Check everything and say how to mend it
	@$(AVATAR) doctor

models: $(VENV)/.cpu ## Download the embedded models
	@$(AVATAR) models fetch

schema: $(VENV)/.dev ## Write docs/config.schema.json and docs/configuration.md anew
	@$(AVATAR) config schema --output docs/config.schema.json
	@$(AVATAR) config reference --output docs/configuration.md
	@$(VENV)/bin/python scripts/ansible-reference > docs/ansible.md

clean: ## Remove the virtual environment and caches (models and history stay)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build ./*.egg-info

system: # Debian packages that set-up needs; asks for sudo only if something is missing
	@./scripts/system-packages

$(ENGINE_VENV)/.built: avatar_appliance/engines/requirements/f5-tts.txt avatar_appliance/engines/requirements/pocket-tts.txt \
  scripts/engine-test-venv | system
	@echo "Installing F5-TTS, Pocket TTS, Resemblyzer and pytest into $(ENGINE_VENV) ..."
	@./scripts/engine-test-venv $(ENGINE_VENV)
	@touch $@

$(COSYVOICE_VENV)/.built: avatar_appliance/engines/requirements/cosyvoice.txt scripts/cosyvoice-test-venv | $(VENV)/.dev
	@echo "Installing CosyVoice, its source and pytest into $(COSYVOICE_VENV) ..."
	@./scripts/cosyvoice-test-venv $(COSYVOICE_VENV)
	@touch $@

$(QWEN3_VENV)/.built: avatar_appliance/engines/requirements/qwen3-tts.txt scripts/qwen3-test-venv | system
	@echo "Installing Qwen3-TTS and pytest into $(QWEN3_VENV) ..."
	@./scripts/qwen3-test-venv $(QWEN3_VENV)
	@touch $@

$(VENV)/bin/python: | system
	@$$(./scripts/find-python) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'

$(VENV)/.cpu: pyproject.toml | $(VENV)/bin/python
	@echo "Installing the appliance into $(VENV) ..."
	@$(VENV)/bin/python -m pip install --quiet --editable '.[cpu]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	@./scripts/system-packages test
	@echo "Installing the appliance and its test tools into $(VENV) ..."
	@$(VENV)/bin/python -m pip install --quiet --editable '.[cpu,dev,peer]'
	@touch $@ $(VENV)/.cpu
