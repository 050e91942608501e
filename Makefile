# webipred: `make site` builds the default catalog into dist/, `make serve` shows it, `make test` runs every check.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: site serve test test-frameworks prove lint check-types wheel assets clean help

site: $(STAMP)
	$(BIN)/webipred-build build --catalog model_catalog.yaml --out dist
	@echo
	@echo "The site is in dist/. Open it with:  make serve   (then http://127.0.0.1:8080/)"

serve: $(STAMP)
	$(BIN)/webipred-build serve --out dist

# Core install: the build hook makes the browser bundles and the engine with tools that pip brings along.
$(STAMP): pyproject.toml builder/hatch_build.py
	$(PYTHON) -c 'import sys; sys.exit("webipred needs Python 3.11 or newer, this is " + sys.version) if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.tested: $(STAMP)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

# Rebuild the browser bundles and the engine after a change under site_templates/ or builder/engine/.
assets: $(VENV)/.tested
	$(BIN)/python builder/hatch_build.py

test: assets lint check-types
	$(BIN)/python scripts/install_chromium.py
	$(BIN)/python scripts/install_firefox.py
	$(BIN)/python scripts/install_servers.py
	$(BIN)/python -m pytest tests/browser
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/unit tests/packaging

# Watch the built site from outside, on the wire, on the disk and in memory, in three browsers. Linux, root, ten minutes.
prove: $(VENV)/.tested
	test -f dist/manifest.json || $(MAKE) site
	$(BIN)/python -m proof --site dist --out report

# Formats that only TensorFlow or PyTorch reads; makes their environments in the cache first (4 GB, minutes).
test-frameworks: $(VENV)/.tested
	$(BIN)/webipred-build env create tensorflow
	$(BIN)/webipred-build env create torch
	$(BIN)/python -m pytest -m frameworks tests/frameworks

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check-types: $(VENV)/.tested
	$(BIN)/mypy

wheel: $(STAMP)
	$(BIN)/python -m pip install --quiet build
	$(BIN)/python -m build --outdir wheelhouse

clean:
	rm -rf dist wheelhouse build $(VENV) site_templates/node_modules builder/webipred/_assets

help:
	@sed -n 's/^# //p' Makefile; grep -E '^[a-z-]+:' Makefile | cut -d: -f1
