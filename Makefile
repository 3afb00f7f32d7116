# `make` lists what there is; a fresh clone needs only `make run`.

# The system's own first: distributions build theirs with optimisations, version managers seldom do (a quarter more of the CPU).
PYTHONS = /usr/bin/python3 python3 python3.13 python3.12 python3.11
FIT = import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
BIN = .venv/bin
READY = .venv/.ready
CHROMIUM = /usr/bin/chromium
SEES = [ -x $(CHROMIUM) ] || echo "$(CHROMIUM) is not there, so the journeys in a browser are skipped. Install it: sudo apt-get install chromium" >&2

unexport PYTHONDONTWRITEBYTECODE  # compiled once, not at every start

.PHONY: help run test check test-all bench clean
.DEFAULT_GOAL = help

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

run: $(READY) ## everything at once: database, web and worker, with sample cases
	$(BIN)/python manage.py up

test: $(READY) ## the tests that take a moment each: a few minutes; ARGS="-k name" passes options to pytest
	@$(SEES)
	$(BIN)/pytest -q -n 2 $(ARGS)

check: $(READY) ## what every change must pass: format, lint, Django's checks, and the tests but the slow ones
	@$(SEES)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/python manage.py check
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/pytest -q -n 2 -m "not slow" $(ARGS)

test-all: $(READY) ## all tests, those that take minutes each too
	@$(SEES)
	$(BIN)/pytest -q -n 2 -m "" $(ARGS)

bench: $(READY) ## the measurements of docs and README, on this machine
	$(BIN)/python -m bench $(ARGS)

clean: ## stop the database, remove the environment and caches; data stay
	@if [ -x $(BIN)/python ] && [ -d "$${HITLDESK_VAR:-var}" ]; then $(BIN)/python -m hitlsite.postgres stop; fi
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './var/*' -prune -exec rm -rf {} +
	@echo "Kept: var/ (the data). Remove it yourself to begin anew."

# The stamp is touched last: an installation that was interrupted is done again.
$(READY): requirements.txt requirements-dev.txt
	@for python in $(PYTHONS); do \
	  if "$$python" -c '$(FIT)' 2>/dev/null; then exec "$$python" -m venv .venv; fi; \
	done; \
	echo "No Python 3.11 or newer with venv was found. Install one, e.g.: apt-get install python3 python3-venv" >&2; exit 1
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
