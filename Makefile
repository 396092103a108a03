# SPDX-License-Identifier: GPL-3.0-or-later
# `make demo` and `make test` do everything on a fresh machine; `make help` lists the rest.

PYTHON ?= python3.11
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check
BPY_TEST = BLENDER_USER_RESOURCES=$$(mktemp -d) MIMESH_ENGINE_PYTHON=$(CURDIR)/$(PY)
# a test file at a time on each of two cores
WORKERS ?= 2
SIDE_BY_SIDE = --numprocesses $(WORKERS) --dist loadfile
# parts of `make test` at once: one more than two cores, because many tests wait for a process or a clock
LANES ?= 3
# Blender 5.2 needs Python 3.13; its tests run where one is found
PYTHON313 := $(shell for p in python3.13 $$HOME/.pyenv/versions/3.13.*/bin/python3.13; do \
	$$p -c 'import venv' >/dev/null 2>&1 && command -v $$p && break; done)
REFERENCE ?=
AUDIO ?=
ENGINE ?=
SCALE ?= 1.0
DEVICES ?= cpu cuda
OTHER ?=
WEBSITE ?=
TARGET ?= all
FACE_MODEL ?=

export PYTHONPATH := $(CURDIR)

.PHONY: help setup test test-fast lint types unit models commands blender blender-45 blender-42 blender-50 blender-52 laboratory laboratory-blender demo benchmark benchmark-short benchmark-languages benchmark-style benchmark-alternatives benchmark-mimic benchmark-pose benchmark-rigs extension extension-complete repository torture batch-torture cuda-check memory-check trackers ui-check first-minute command-check documented-commands documented-blender train clean docs pages docs-pictures

help:
	@echo "make demo [REFERENCE=clip.mp4 OTHER=clip.mp4 AUDIO=talk.wav ENGINE=mimic]  set up, generate, leave demo/demo.blend and demo/preview.mp4"
	@echo "make test        lint, types, unit, model and Blender tests (4.2, 4.5, 5.0; 5.2 where Python 3.13 exists)"
	@echo "make test-fast   the product alone, two minutes: lint, unit, Blender 4.5; no networks"
	@echo "make benchmark   accuracy beside baselines, style, closed loop, speed: tables, benchmark/report.html"
	@echo "make benchmark-short  the form that make test runs: fails on a clear regression"
	@echo "make benchmark-languages  lips at the right time in 22 languages (needs espeak-ng and flite)"
	@echo "make benchmark-style  a person's style from ten seconds, every way of learning it, people never seen"
	@echo "make benchmark-alternatives  Mimesh beside visemes, a mean talker and a constant face, as the table in docs/benchmarks.md"
	@echo "make benchmark-mimic  Mimic beside AdaMesh, visemes and a constant face; style and content apart?"
	@echo "make benchmark-pose  head motion: reconstruction, retrieval, generated beside recorded"
	@echo "make benchmark-rigs  what a viewer sees on heads of other makers (MIMESH_FLAME=your FLAME file)"
	@echo "make extension   the installable zip in dist/ (WEBSITE=https://… writes where you publish it into the manifest)"
	@echo "make extension-complete [TARGET=linux-x64-3.11]  larger zips that bring the engine's packages along, one for each system"
	@echo "make repository  a static extension repository in dist/repository, from which Blender offers updates"
	@echo "make torture     loops of kills, cancels, bad inputs, files, lines and disks (SCALE=0.1: a tenth)"
	@echo "make batch-torture  a batch of 200 rows killed at random ten times, with a fake and with the real engine"
	@echo "make cuda-check  CPU and CUDA side by side: motion, adaptation, codes, seconds, memory (DEVICES=\"cpu cuda\")"
	@echo "make memory-check  three hours of speech, half an hour of reference: largest memory, longest silence"
	@echo "make trackers    two releases of MediaPipe on the same clips (OTHER=python of the second one)"
	@echo "make ui-check    a real Blender window under Xvfb: click, cancel, undo, an animator's session, closures, layers, takes, screenshots"
	@echo "make first-minute  seconds from Try It to a talking head in a real window, the engine cold; dropped files; assets"
	@echo "make command-check  blender -b scene.blend -c mimesh with the real 4.3 binary: exit codes, frames, sound"
	@echo "make documented-commands  every command of README and docs, run: exit code, seconds, what came of it (half an hour)"
	@echo "make documented-blender  those that begin with blender, with the real 4.3 binary"
	@echo "make docs        the manual as a site in build/site; docs-pictures takes its pictures in a real Blender, and the demo's film"
	@echo "make pages       that site as a commit on the branch gh-pages, to be pushed where the pages are to be read"
	@echo "make train       every file in vendor_models again, from ../shared/data"

# --- environments -----------------------------------------------------------------------------------------------

setup: $(VENV)/.ready

$(VENV)/.ready: core/engine/requirements.txt .ci/requirements-dev.txt
	PYTHON=$(PYTHON) bash .ci/system_packages.sh
	$(PYTHON) -m venv $(VENV)
	$(PIP) -r core/engine/requirements.txt
	$(PIP) --no-deps mediapipe==0.10.21
	$(PIP) -r .ci/requirements-dev.txt
	@# Khronos' validator of glTF files, for tests/blender/test_export_demo.py, which is left out where there is no npm
	-@command -v npm >/dev/null && npm install --silent --no-audit --no-fund --prefix $(VENV)/node gltf-validator@2.0.0-dev.3.10
	touch $@

.venv-bpy42/.ready: SPEC = bpy==4.2.23
.venv-bpy50/.ready: SPEC = bpy==5.0.1
.venv-bpy42/.ready .venv-bpy50/.ready: $(VENV)/.ready
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check $(SPEC) "numpy==1.26.4" pytest==9.2.0 pytest-timeout==2.4.0 pytest-xdist==3.8.0
	touch $@

.venv-bpy52/.ready: $(VENV)/.ready
	$(PYTHON313) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check bpy==5.2.3 pytest==9.2.0 pytest-timeout==2.4.0 pytest-xdist==3.8.0
	touch $@

# --- checks -----------------------------------------------------------------------------------------------------

# every part is one process and the next begins where one ends, so that no core waits for the longest file of a part;
# one thread each, because the lanes share the cores
test: setup lint .venv-bpy42/.ready .venv-bpy50/.ready $(if $(PYTHON313),.venv-bpy52/.ready)
	OMP_NUM_THREADS=1 $(MAKE) --jobs $(LANES) --keep-going --output-sync=target WORKERS=1 $(PARTS)
	$(if $(PYTHON313),,@echo "Python 3.13 not found: Blender 5.2 not tested")

# the longest first
PARTS = unit blender-45 commands models laboratory blender-42 blender-50 $(if $(PYTHON313),blender-52) laboratory-blender types

# the product alone, in the Blender of this environment
test-fast: lint
	$(PY) -m pytest $(SIDE_BY_SIDE) -m "not slow" tests/unit
	$(BPY_TEST) $(PY) -m pytest $(SIDE_BY_SIDE) -m "not slow" tests/blender

lint: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: setup
	$(PY) -m mypy core operators panels research

unit: setup
	$(PY) -m pytest $(SIDE_BY_SIDE) tests/unit

models: setup
	$(PY) -m pytest $(SIDE_BY_SIDE) tests/models

laboratory: setup
	$(PY) -m pytest $(SIDE_BY_SIDE) tests/research --ignore tests/research/blender

# every command of the docs, as they stand
commands: setup
	$(PY) -m pytest tests/commands

laboratory-blender: setup
	$(BPY_TEST) $(PY) -m pytest tests/research/blender

blender-45: setup
	$(BPY_TEST) $(PY) -m pytest $(SIDE_BY_SIDE) tests/blender

blender-42 blender-50 blender-52: blender-%: .venv-bpy%/.ready
	$(BPY_TEST) .venv-bpy$*/bin/python -m pytest $(SIDE_BY_SIDE) $(if $(PYTHON313),$(if $(filter 50,$*),-m "not slow")) tests/blender

# every Blender, one after the other
blender: blender-45 blender-42 blender-50
	$(if $(PYTHON313),$(MAKE) blender-52,@echo "Python 3.13 not found: Blender 5.2 not tested")

# --- what users run ---------------------------------------------------------------------------------------------

demo: setup
	$(PY) -m research.demo $(if $(REFERENCE),--reference "$(REFERENCE)") $(if $(OTHER),--other "$(OTHER)") $(if $(AUDIO),--audio "$(AUDIO)") $(if $(ENGINE),--engine "$(ENGINE)")

benchmark: setup .venv-bpy42/.ready .venv-bpy50/.ready
	$(PY) -m research.evaluation

benchmark-short: setup
	$(PY) -m research.evaluation --short

benchmark-style: setup
	$(PY) -m research.evaluation style

benchmark-alternatives: setup
	$(PY) -m research.evaluation alternatives --write

benchmark-pose: setup
	$(PY) -m research.evaluation pose

benchmark-rigs: setup
	$(PY) -m research.evaluation.rigs --versions

benchmark-mimic: setup
	$(PY) -m research.evaluation mimic

benchmark-languages: setup
	$(PY) -m research.evaluation languages

repository: setup
	$(PY) .ci/make_repository.py

torture: setup
	$(PY) -m tests.torture --scale $(SCALE)

batch-torture: setup
	$(PY) -m tests.batch_made check --rows 200 --kills 10
	$(PY) -m tests.batch_made check --rows 200 --kills 10 --speech demo/input/speech.ogg

cuda-check: setup
	$(PY) -m research.evaluation.devices $(DEVICES)

memory-check: setup
	$(PY) -m research.evaluation.memory

trackers: setup
	$(PY) -m research.evaluation.trackers --second "$(OTHER)"

extension: setup
	$(PY) .ci/build_extension.py $(if $(WEBSITE),--website "$(WEBSITE)")

# for one system and Blender's Python, with the engine's packages inside: nothing is downloaded when it is set up
extension-complete: setup
	$(PY) .ci/build_extension.py --complete $(TARGET) $(if $(WEBSITE),--website "$(WEBSITE)") $(if $(FACE_MODEL),--face-model "$(FACE_MODEL)")

# pages made from the code, and every link looked at: the site is build/site/index.html
docs: setup
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet

# what Forgejo, GitHub and GitLab show as a project's pages; nothing is pushed
pages: docs
	$(PY) -m ghp_import --no-jekyll --message "The manual, $$(git describe --always)" build/site

docs-pictures: extension
	MIMESH_UI_ROBOT=panel_pictures bash tests/ui/ui_check.sh build/pictures
	$(PY) tests/ui/crop_pictures.py build/pictures docs/pictures
	$(PY) -m research.demo --height 540 --out build/pictures --pictures docs/pictures

ui-check: extension
	bash tests/ui/ui_check.sh
	MIMESH_UI_ROBOT=first_minute bash tests/ui/ui_check.sh build/first-minute
	MIMESH_UI_ROBOT=session_check bash tests/ui/ui_check.sh build/ui-session
	MIMESH_UI_ROBOT=directing_check bash tests/ui/ui_check.sh build/ui-directing

# seconds from one click to a talking head, with the engine cold, in a real window
first-minute: extension
	MIMESH_UI_ROBOT=first_minute bash tests/ui/ui_check.sh build/first-minute

command-check: extension
	bash tests/ui/in_debian.sh build/command-check python3 $(CURDIR)/tests/ui/command_check.py \
		--zip $(firstword $(wildcard $(CURDIR)/dist/mimesh-*.*.?.zip)) --speech $(CURDIR)/demo/input/speech.ogg

# what takes too long for tests/commands, too, the hours-long ones on a few clips
documented-commands: setup
	$(PY) -m tests.commands

# those that begin with blender, with the real 4.3 binary
documented-blender: extension
	bash tests/ui/in_debian.sh build/documented env PYTHONPATH=$(CURDIR) $(CURDIR)/$(PY) -m tests.commands \
		--blender /usr/bin/blender --zip $(firstword $(wildcard $(CURDIR)/dist/mimesh-*.*.?.zip)) --only blender

train: setup
	$(PY) -m research.training tracks
	$(PY) -m research.training face-basis
	$(PY) -m research.training speech
	$(PY) -m research.training faces
	$(PY) -m research.training pose
	$(PY) -m research.training flame-landmarks
	$(PY) -m research.training demo-head
	$(PY) -m research.training demo-inputs

clean:
	rm -rf build dist demo/work .mypy_cache .ruff_cache .pytest_cache
