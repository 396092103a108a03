# SPDX-License-Identifier: GPL-3.0-or-later
"""How each command of the docs, and each line of a make target, is tried. What fits no rule here fails the test.

A command is run as it stands, in the sandbox, unless its rule gives a shorter form of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# test: in every test run. long: by `make documented-commands` alone. ci: CI does it with every change, or a test does.
# window: needs root, a Debian folder and a window; its programs are checked, not run.
# lines: a make target of hours, whose lines are tried one by one by their own rules.
When = Literal["test", "long", "ci", "window", "lines"]


@dataclass(frozen=True, slots=True)
class Rule:
    """For commands that ``pattern`` fits whole.

    run: what is run instead, one after the other; ``{data}`` is a small data folder. makes: files that have to be
    there afterwards, new and sane (checks.py). says: what has to stand in the output. clone: the working folder is the
    repository. given: standard input. beside: servers that are started first. why: of a rule that runs another form.
    """

    pattern: str
    when: When = "test"
    run: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    says: str = ""
    clone: bool = False
    beside: tuple[tuple[str, str], ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    why: str = ""


SHORT = "hours on all recordings; here on a few clips of each kind"
_NAMED = "a command's name in a sentence"
_FORM = "a form: what may stand in its place is run"
_CORE = tuple(
    f"python -m core {name} --help"
    for name in ("", "track", "motion", "generate", "batch", "import", "export", "sheet", "styles")
)
_SCRIPT = (
    "import bpy; chosen = bpy.context.scene.mimesh; chosen.target = bpy.data.objects['Ada']; "
    "chosen.speech_kind, chosen.speech_file, chosen.reference_kind = 'file', '{folder}/talk.wav', 'none'; "
    "bpy.ops.mimesh.generate_lip_sync(style_strength=0.8, seed=3); "
    "bpy.ops.wm.save_as_mainfile(filepath='{folder}/scripted.blend')"
)
_DATA = (("MIMESH_DATA", "{data}"),)
_MEDIA = ("made/talk.npz", "made/line.npz")


def _people(pattern: str, run: str = "", makes: tuple[str, ...] = (), says: str = "") -> Rule:
    """A program about people: the same on the small data folder, which MIMESH_DATA names."""
    return Rule(pattern, "long", (run,) if run else (), makes, says, clone=True, environment=_DATA, why=SHORT)


def _begun(pattern: str, name: str) -> Rule:
    """One that cannot be made short: the first minute and a half of it, without a complaint."""
    run = f"timeout 90 python -m research.evaluation {name} || test $? = 124"
    return Rule(pattern, "long", (run,), clone=True, environment=_DATA, why="an hour; here its first 90 seconds")


RULES = (
    # --- the product's own commands, as they stand ---
    Rule(r"mimesh batch lines\.csv --out made --set engine=mimic .*", makes=_MEDIA),
    Rule(r"mimesh batch voices/ .*", makes=("made/en/Ada_01.npz", "made/en/Ada_02.npz")),
    Rule(r"blender -b -c mimesh batch shots\.csv --out made", makes=("made/ada_01.blend",)),
    Rule(r"blender -b -c mimesh batch /proj/lines\.csv .*", makes=("proj/made/shot.blend",)),
    Rule(r"blender -b /proj/made/shot\.blend -o .*", makes=("proj/frames/0001.png", "proj/frames/0002.png")),
    Rule(
        r"mimesh batch lines\.csv --scheduler .*",
        makes=("lines/talk.npz", "lines/line.npz"),
        run=("mimesh batch lines.csv --scheduler tcp://127.0.0.1:{port} --out lines --set engine=mimic",),
        beside=(
            ("dask scheduler --host 127.0.0.1 --port {port} --no-dashboard", "Scheduler at"),
            ("dask worker tcp://127.0.0.1:{port} --nthreads 1 --no-dashboard", "Registered to"),
        ),
        when="long",
        why="the farm's address is this machine's; a worker that dies is tried by tests/unit/test_batch_dask.py",
    ),
    Rule(r"PYTHONPATH=/path/to/mimesh dask worker .*", "ci", why="started beside the batch of the line before it"),
    Rule(
        r"blender -b FILE -c mimesh generate … --out FILE_talking\.blend",
        run=('blender -b shot.blend -c mimesh generate --strip "Ada 01" --engine mimic --object Ada '
             "--out shot_talking.blend",),
        makes=("shot_talking.blend",),
        why=_FORM,
    ),
    Rule(r'blender -b shot\.blend -c mimesh generate --strip .*', makes=("shot.blend",), says="Keyed"),
    Rule(
        r"blender -b shot\.blend -c mimesh generate --channel .*", makes=("shot.blend", "result.json"), says="Keyed"
    ),
    Rule(r"blender -b shot\.blend -c mimesh generate --audio .* --dry-run", says="Ada"),
    Rule(r"blender -b shot\.blend -a", makes=("frames/0001.png", "frames/0012.png")),
    Rule(r"blender -b shot\.blend -c mimesh export .*", makes=("ada.glb",)),
    Rule(r"blender -b shot\.blend -c mimesh import .*", makes=("shot.blend",), says="Keyed"),
    Rule(r"blender -b shot\.blend -c mimesh sheet .*", makes=("shot.blend", "shot.html")),
    Rule(r"python -m core sheet .*", makes=("shot.blend",)),
    Rule(r"mimesh motion --audio line\.wav --reference .*", makes=("line.npz",)),
    Rule(r"mimesh motion --audio line\.wav --style .*", makes=("line.csv",)),
    Rule(r'mimesh batch lines\.csv --set "out=.*', makes=("made/talk.csv", "made/line.csv")),
    Rule(
        r"PYTHONPATH=/path/to/mimesh /path/to/engine/python -m core\.engine\.worker .*",
        says='"ready"',
        why="its stdin ends at once; the page's own caller is run by test_the_caller_of_the_page_gets_a_motion",
    ),
    Rule(
        r"blender -b",
        run=(f'blender -b shot.blend --python-exit-code 1 --python-expr "{_SCRIPT}"',),
        makes=("scripted.blend",),
        why="with the script that the page shows beside it",
    ),
    Rule(r"(mimesh|python -m core) motion", run=("mimesh motion --audio talk.wav --engine mimic --out motion.npz",),
         makes=("motion.npz",), why=_NAMED),
    Rule(r"mimesh motion --help", says="--style-strength"),
    Rule(r"blender -c mimesh export", run=("blender -b -c mimesh export --help",), says="--object", why=_NAMED),
    Rule(
        r"blender -c mimesh generate",
        run=("blender -b shot.blend -c mimesh generate --audio talk.wav --object Ada --dry-run --json",),
        says='"request"',
        why=_NAMED,
    ),
    Rule(r"python -m core …", run=_CORE, says="usage", why=_FORM),
    Rule(r"(blender -b scene\.blend|blender) -c mimesh …", run=("blender -b shot.blend -c mimesh --help",),
         says="generate", why=_FORM),
    Rule(r"mimesh …", run=("mimesh --help",), says="batch", why=_FORM),
    Rule(
        r"pip install --no-deps --editable \.",
        run=("bash {here}/install_editable.sh {root} own",),
        makes=("own/motion.npz",),
        when="long",
        why="into an environment of its own, from a copy of the repository",
    ),
    Rule(
        r"pip download -d wheels .*",
        environment=(("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", "{folder}/pinned")),
        makes=("wheels/*.whl",),
        why="from a folder of empty wheels of the pinned versions; the real ones take minutes",
    ),
    # --- make ---
    Rule(r"make (test|test-fast)", "ci", why="this test is part of it"),
    Rule(r"make (help|setup)", clone=True),
    Rule(r"make extension", clone=True, says="MB, "),
    Rule(r"make extension WEBSITE=.*", "long", clone=True, says="MB, "),
    Rule(r"make (benchmark(-[a-z]+)?|cuda-check|memory-check|torture|trackers.*)", "lines"),
    Rule(
        r"make extension-complete( TARGET=.*)?|python \.ci/build_extension\.py --complete .*",
        "long",
        ("make extension-complete TARGET=linux-x64-3.11",),
        clone=True,
        says="-py311.zip: ",
        why="a download of 280 MB; tests/blender/test_complete_extension.py builds one from empty wheels",
    ),
    Rule(r"make repository", clone=True, says="repository: mimesh "),
    Rule(r"make docs", "ci", why="tests/unit/test_documentation.py builds the site, make extension the manual"),
    Rule(r"make pages", "ci", why="it commits; tests/unit/test_documentation.py does it in a repository of its own"),
    Rule(r"(make documented-commands|python -m tests\.commands)", "ci", why="is this table, run whole"),
    Rule(r"make demo", "long", makes=(), clone=True, says="preview.mp4"),
    Rule(r"make (documented-blender|command-check|ui-check|first-minute|docs-pictures)", "window"),
    # --- the laboratory ---
    Rule(r"python -m pytest tests/unit/test_engine_registry\.py", "ci", why="the tests of the unit lane"),
    Rule(r"python tests/unit/test_imports\.py", clone=True),
    Rule(
        r"python research/same_bits\.py --out before\.json",
        "long",
        ("python {root}/research/same_bits.py --out before.json",
         "python {root}/research/same_bits.py --against before.json"),
        makes=("before.json",),
    ),
    Rule(r"python -m research\.evaluation protocol --list", clone=True, says="whisper"),
    _people(
        r"python -m research\.evaluation protocol --recipes .*",
        "python -m research.evaluation protocol --recipes bundled-shipped --folds 0 --seeds 1",
        says="A constant face has",
    ),
    _people(
        r"python -m research\.evaluation curves .*",
        "python -m research.evaluation curves --only seconds --folds 0 --steps 5",
        says="a face that never moves",
    ),
    _people(r"python -m research\.evaluation unseen --babble", says="a face that never moves"),
    _people(r"python -m research\.evaluation own-codes", says="own code"),
    _people(r"python -m research\.evaluation sync"),
    _begun(r"python -m research\.evaluation pose", "pose"),
    _begun(r"python -m research\.evaluation mimic", "mimic --out {folder}/benchmark"),
    _begun(r"python -m research\.evaluation languages", "languages"),
    _people(
        r"python -m research\.evaluation style( .*)?",
        "python -m research.evaluation style --out {folder}/benchmark --only 'first version'",
    ),
    _people(
        r"python -m research\.evaluation alternatives --write", "python -m research.evaluation alternatives",
        says="a face that never moves",
    ),
    _people(
        r"python -m research\.evaluation( --only baselines)?",
        "python -m research.evaluation --only baselines --out {folder}/benchmark",
        says="Wrote",
    ),
    Rule(r"python -m research\.evaluation --short", "ci", why="tests/research/test_benchmark_short.py runs it"),
    Rule(r"python -m research\.evaluation first", "long", clone=True),
    Rule(
        r"python -m research\.evaluation\.localisation .*",
        run=("python -m research.evaluation.localisation --lines 2 --style {folder}/Ada.safetensors",),
        when="long", clone=True, says="lines", why="ten thousand lines take half an hour",
    ),
    Rule(
        r"python -m research\.evaluation\.memory( .*)?", "long",
        ("python -m research.evaluation.memory --only click",
         "python -m research.evaluation.memory --only speech --hours 0.01"),
        clone=True, why="three hours of speech take an hour and more",
    ),
    Rule(r"python -m research\.evaluation\.devices .*", "long", ("python -m research.evaluation.devices cpu cpu",),
         clone=True, why="no CUDA here"),
    Rule(
        r"python -m research\.evaluation\.rigs --versions", "long",
        ("python -m research.evaluation.rigs --only demo --numeric --step 60",), clone=True, why="an hour for all",
    ),
    Rule(
        r"python -m research\.evaluation\.trackers .*", "long",
        ("python -m research.evaluation.trackers --clips 1 --second {folder}/bin/python",),
        clone=True, environment=_DATA,
        why="one clip, and this Python twice",
    ),
    Rule(r"python -m tests\.torture .*", "long", ("python -m tests.torture --scale 0.02 --only cancels",), clone=True,
         why="an hour; tests/unit/test_torture.py runs every loop in short"),
    Rule(r"python -m tests\.batch_made check .*", "long", ("python -m tests.batch_made check --rows 6 --kills 1",),
         clone=True, why="tests/unit/test_batch_processes.py has more of it"),
    Rule(r"python -m research\.demo --renderer (cycles|eevee)", "long",
         ("python -m research.demo --renderer cycles --film-seconds 0.2 --height 144 --alone --out {folder}/demo",),
         makes=("demo/preview.mp4",), clone=True, why="a frame takes seconds to minutes"),
    Rule(r"python -m research\.demo( --height .*)?", "ci", why="make demo, above"),
    Rule(r"(python|torchrun.*) -m research\.training people --clips FOLDER", "long",
         ("python -m research.training people --clips {folder}/people --steps 2 --without-head",
          "torchrun --nproc-per-node=2 -m research.training people --clips {folder}/people --steps 2 --without-head "
          "--out {folder}/pack2"),
         makes=("people/mimesh_pack/pack.json", "pack2/pack.json"), clone=True,
         why="two steps in the place of two hundred, two processes in the place of four"),
    Rule(r"python -m research\.training (tracks|speech|faces|pose|face-basis|flame-landmarks|demo-head|demo-inputs)",
         "ci", why="overwrites what ships; tests/research train each network on a few steps; test_laboratory_begins "
         "enters each"),
    # --- parts of make's recipes ---
    Rule(r"python \.ci/(build_extension|make_repository)\.py.*", "ci", why="make extension, make repository, above"),
    Rule(r"python -m ghp_import .*", "ci", why="make pages, above"),
    Rule(r"(NO_MKDOCS_2_WARNING=1 )?python -m mkdocs build .*", "ci", why="make docs, above"),
    Rule(r"(MIMESH_UI_ROBOT=\w+ )?bash tests/ui/\w+\.sh.*|python tests/ui/crop_pictures\.py.*", "window"),
)  # fmt: skip
