# Every target sets up what it needs in .venv first; `make help` lists them.

.DEFAULT_GOAL := help
.PHONY: help setup book test check lint format dry pdf epub page notebooks shots lighthouse serve bench linkcheck new lock clean
MAKEFLAGS += --no-builtin-rules --no-print-directory
# Python reads these before `tutorials_lib.environment` can drop them.
unexport $(filter-out PYTHON,$(filter PYTHON%,$(.VARIABLES)))

PYTHON ?=
export PYTHON
python := .venv/bin/python
files_of = $(or $(wildcard src/tutorials_lib/*/$(slug) tests/*/test_$(slug).py),$(error no tutorial is named $(slug)))

setup:
	@sh tools/setup.sh

book: setup ## build the site into _build/html
	@$(python) -m tools.build html

test: setup ## run the tests; TUTORIAL="kmeans cnn" those of tutorials, ARGS="-k clip" some
	@$(python) -m tools.test $(addprefix --tutorial=,$(TUTORIAL)) $(ARGS)

check: book ## test the built site, in chromium too where it is installed
	@$(python) -m pytest tests/site -m "not weekly" $(ARGS)

lint: setup ## check style, imports and types; TUTORIAL=kmeans only the types of that tutorial
	@$(python) -m ruff check
	@$(python) -m ruff format --check
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(python) -m pyright $(foreach slug,$(notdir $(TUTORIAL)),$(files_of))

format: setup ## rewrite the code in the house style
	@$(python) -m ruff check --fix
	@$(python) -m ruff format

dry: setup ## check every page without running it: links, references, terms, rules
	@$(python) -m tools.contract
	@$(python) -m tools.pages
	@$(python) -m tools.build dry

pdf: setup ## build the book as a PDF in _build/latex
	@$(python) -m tools.build pdf

epub: setup ## build the book as an EPUB in _build/epub
	@$(python) -m tools.build epub

page: setup ## build one page, and run no other: PAGE=book/tabular/kmeans.md
	@$(python) -m tools.build page "$(PAGE)"

notebooks: setup ## run the built site's notebooks where only the package is; PAGE=kmeans chooses
	@$(python) -m tools.notebooks $(PAGE) $(ARGS)

shots: $(if $(ALONE),page,book) ## picture the site's pages in _build/shots; PAGE="kmeans cnn" chooses, ALONE=1 builds one alone
	@$(python) -m tools.browser $(if $(ALONE),--alone) $(PAGE)

lighthouse: book ## score five pages, or PAGE="kmeans cnn", with Lighthouse (needs npx and chromium)
	@$(python) -m tools.lighthouse $(PAGE) $(ARGS)

serve: setup ## show the site, rebuild and reload on save; PORT=8000
	@$(python) -m tools.serve $(PORT)

bench: setup ## measure on this machine; TUTORIAL="kmeans cnn" chooses, ARGS="--json out.json"
	@$(python) -m tutorials_lib.benchmark $(TUTORIAL) $(ARGS)

linkcheck: setup ## check every link to another site (needs a network)
	@$(python) -m tools.build linkcheck

new: setup ## start a tutorial: TUTORIAL=tabular/gmm
	@$(python) -m tools.new_tutorial $(TUTORIAL) $(ARGS)

lock: setup ## pin the versions in requirements.txt again; ARGS=--upgrade takes newer ones
	@sh tools/lock.sh $(ARGS)

clean: ## remove what was built, keep .venv and downloaded data
	@rm -rf _build .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

help: ## list the commands
	@echo "Commands (each sets up .venv by itself):"
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile
	@echo "Settings: TUTORIALS_DATA=offline|real  TUTORIALS_PRESET=tiny|page|full  PYTHON=python3.12"
