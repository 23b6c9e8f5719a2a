# Everything installs itself into .venv first; a second call finds it there. See README.md.
#   make lab                        make install PYTHON=python3.12
# Tests that measure how fast a person is answered run alone; status 5 says that PYTEST chose none of that half, and is
# an error where it chose none of either.
#   make test PYTEST="-k game"      make lab LAB="--no-browser --port=9999"      make mutants MUTANTS=penalty

PYTHON ?= python3
LAB ?=
PYTEST ?=
RUN ?=
BUILD ?=
BENCH ?=
MUTANTS ?=
SURVIVORS ?=
RECORD ?=
PY := .venv/bin/python
FOUND = command -v "$(PYTHON)" >/dev/null || { echo 'There is no "$(PYTHON)" here: install Python 3.11 or newer, or name it with make PYTHON=...' >&2; exit 1; }
INSTALL = $(FOUND); "$(PYTHON)" install.py $(if $(filter file,$(origin PYTHON)),,--this-python)

.PHONY: install lab test test-oldest test-newest mutants survivors run bench record generator build site pdf playground

install:
	@$(INSTALL)

lab:
	@$(INSTALL)
	$(PY) -m jupyterlab --ServerApp.root_dir=. notebooks/00_start_here.ipynb $(LAB)

test:
	@$(INSTALL) --test
	$(PY) -m ruff check .
	$(PY) -m pytest -n 2 --dist worksteal -m "not alone" $(PYTEST); first=$$?; [ $$first -eq 0 ] || [ $$first -eq 5 ] || exit $$first; \
	$(PY) -m pytest -m alone $(PYTEST) || { last=$$?; [ $$last -eq 5 ] && exit $$first; exit $$last; }

test-oldest test-newest:
	.ci/apart $(@:test-%=%)

mutants:
	@$(INSTALL) --test
	$(PY) tests/mutants.py $(MUTANTS)

survivors:
	@$(INSTALL) --test
	$(PY) -m pip install --quiet "mutmut>=3.8"
	OMP_NUM_THREADS=1 $(PY) -m mutmut run $(SURVIVORS)
	$(PY) -m mutmut results

run:
	@$(INSTALL)
	$(PY) -m gan_tutorial run $(RUN)

bench:
	@$(INSTALL)
	$(PY) benchmarks/bench.py $(BENCH)

record:
	@$(INSTALL)
	$(PY) notebooks/authors/record.py $(RECORD)

generator:
	@$(INSTALL)
	$(PY) notebooks/authors/generator.py

build:
	@$(INSTALL) --test
	$(PY) notebooks/authors/build.py $(BUILD)

site:
	@$(INSTALL) --site
	$(PY) website/make.py

pdf:
	@$(INSTALL) --test
	$(PY) website/make.py
	$(PY) website/paper.py

playground:
	@$(INSTALL)
	$(PY) -m gan_tutorial.lesson.laboratory.page
	$(PY) -m gan_tutorial.lesson.generator.page
