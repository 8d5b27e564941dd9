# The two commands a newcomer needs: `make run` and `make test`. Both set everything up themselves.
PY := .venv/bin/python
UV ?= uv

.PHONY: run test lint format bench soak simulate screens messages shhh docs age-vectors dist image mesh lock clean

run: ## the demo: a mesh of three agents and you, one finished task, then everything is gone again
	@scripts/setup.sh run
	@scripts/with-docker.sh .venv/bin/chorus-tui demo $(DEMO)

test: ## every test, with real libp2p, real Docker, real terminals
	@scripts/setup.sh test
	@scripts/with-docker.sh scripts/test.sh $(TESTS)

lint: ## format, style, types, walls of the house
	@scripts/setup.sh test
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@PYTHONPATH=. .venv/bin/lint-imports & walls=$$!; .venv/bin/mypy && wait $$walls

format: ## write the format that lint checks
	@scripts/setup.sh test
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

bench: ## timings, beside a peer in the same run; writes benchmarks/results.json
	@scripts/setup.sh test
	@scripts/with-docker.sh $(PY) -m benchmarks

soak: ## the big counts; resumable; SOAK="failover --fast" makes one row
	@scripts/setup.sh test
	@scripts/with-docker.sh $(PY) -m tests.soak $(SOAK)

simulate: ## a mesh in simulated time with every fault; SIMULATE="--seed 7 --timeline" picks another run
	@scripts/setup.sh test
	@.venv/bin/chorus-tui simulate $(SIMULATE)

screens: ## render the snapshots to PNG in build/screens
	@scripts/setup.sh test
	@$(PY) scripts/screens.py

messages: ## write docs/messages.md and docs/api.md from the tables they are made of
	@scripts/setup.sh test
	@PYTHONPATH=. $(PY) scripts/messages.py
	@PYTHONPATH=. $(PY) scripts/api.py

shhh: ## write the tables of docs/shhh.md from the rules and the doors
	@PYTHONPATH=. $(PY) scripts/shhh.py

docs: ## write the pages of docs/ about metrics, log events, settings and performance from their tables
	@scripts/setup.sh test
	@PYTHONPATH=. $(PY) scripts/operations_docs.py
	@PYTHONPATH=. $(PY) scripts/performance.py

age-vectors: ## write docs/age-vectors.md: how the test vectors of the age format fare
	@PYTHONPATH=. $(PY) scripts/age_vectors.py

dist: ## wheel and source distribution into dist/
	@scripts/setup.sh run
	@scripts/dist.sh

image: ## the image chorus-tui:latest, where there is a registry or only Debian packages; IMAGE="--debian" picks these
	@scripts/setup.sh run
	@deploy/image/build.sh $(IMAGE)

mesh: ## three agents in containers and the portal over SSH, by deploy/compose.yml; MESH=down takes them away
	@deploy/prepare.sh
	@docker compose -f deploy/compose.yml $(or $(MESH),up -d)

lock: ## resolve the lock files anew (needs uv)
	$(UV) pip compile pyproject.toml --group install --generate-hashes --universal --python-version 3.11 --no-header --no-annotate -q -o requirements.lock
	$(UV) pip compile pyproject.toml --group dev -c requirements.lock --generate-hashes --universal --python-version 3.11 --no-header --no-annotate -q -o requirements-dev.lock

clean: ## remove what the commands above made
	rm -rf .venv .cache build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
