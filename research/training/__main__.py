# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m research.training COMMAND``: one command for each thing in ``vendor_models``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from core.errors import MimeshError
from research.paths import DATA_ROOT


def main(argv: list[str] | None = None) -> int:
    """Run one training command; 0 when its result was written."""
    parser = argparse.ArgumentParser(prog="python -m research.training", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder laid out like ../shared/data")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("tracks", help="track all clips once (the others do it on demand)")
    commands.add_parser("synthetic", help="synthetic speech in many languages (needs espeak-ng and flite)")
    commands.add_parser("face-basis", help="mean face, jaw hinge, expression components")
    for name, text in (
        ("phonetic", "the speech encoder's first stage, from aligned and synthetic speech"),
        ("student", "the bundled speech encoder: the first stage, taught by Whisper-base"),
        ("noise", "what Whisper would hear without the noise, from it and the bundled speech encoder"),
        ("expression", "AdaMesh's base network, speech to motion"),
        ("mimic", "Mimic: style and content apart, style from any clip in one pass"),
    ):
        network = commands.add_parser(name, help=text)
        network.add_argument("--steps", type=int, default=None)
        network.add_argument("--threads", type=int, default=None)
        if name in ("expression", "mimic"):
            network.add_argument("--encoder", choices=("bundled", "whisper"), default="bundled")
    commands.add_parser("whisper", help="which of Whisper's values are used, and a reader of the lips from them")
    commands.add_parser("speech", help="synthetic, phonetic, whisper, student, noise: all of the encoders")
    commands.add_parser("faces", help="all face networks: expression and mimic for both speech encoders")
    pose = commands.add_parser("pose", help="the head's prior and bank, from all clips or a folder's own")
    pose.add_argument("--clips", type=Path, default=None, help="a folder of talking people; sub-folders name them")
    pose.add_argument("--out", type=Path, default=None, help="with --clips: where prior and bank go")
    pose.add_argument("--threads", type=int, default=None)
    people = commands.add_parser("people", help="face networks and head for a folder's own people, as a model pack")
    people.add_argument("--clips", type=Path, required=True, help="a folder of videos; its sub-folders name people")
    people.add_argument("--out", type=Path, default=None, help="the pack's folder (default: mimesh_pack in --clips)")
    people.add_argument("--speech-encoder", default="bundled", help="bundled, whisper, or the folder of a HuBERT")
    people.add_argument("--layer", type=int, default=None, help="of such a model (default: its last)")
    people.add_argument("--steps", type=int, default=200, help="of each face network")
    people.add_argument("--from-scratch", action="store_true", help="do not begin with the bundled networks")
    people.add_argument("--without-mimic", action="store_true", help="train AdaMesh's network alone")
    people.add_argument("--without-head", action="store_true", help="keep the bundled pose prior")
    people.add_argument("--threads", type=int, default=None)
    commands.add_parser("demo-head", help="the bundled head, from the face basis")
    commands.add_parser("demo-inputs", help="the bundled demo's speech and reference clips")
    commands.add_parser("flame-landmarks", help="where the landmarks lie on FLAME's mesh")
    arguments = parser.parse_args(argv)
    # read when torch loads its thread pool: see core/engine/loaded.py
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        _run(arguments)
    except MimeshError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(arguments: argparse.Namespace) -> None:
    data: Path = arguments.data
    if arguments.command == "tracks":
        from research.corpus.clips import all_clips, track_all

        track_all(all_clips(data))
    elif arguments.command == "synthetic":
        from research.corpus.synthetic_speech import render_all

        render_all()
    elif arguments.command == "face-basis":
        from research.assets.face_basis import run as face_basis

        face_basis(data)
    elif arguments.command == "phonetic":
        from research.training.phonetic.train import run as phonetic

        phonetic(data, steps=arguments.steps, threads=arguments.threads)
    elif arguments.command == "student":
        from research.training.phonetic.student import run as student

        student(data, steps=arguments.steps, threads=arguments.threads)
    elif arguments.command == "whisper":
        from research.training.whisper_reader import run as whisper

        whisper(data)
    elif arguments.command == "noise":
        from research.training.whisper_noise import run as noise

        noise(data, steps=arguments.steps, threads=arguments.threads)
    elif arguments.command == "speech":
        _all_speech(data)
    elif arguments.command == "faces":
        _all_faces(data)
    elif arguments.command == "expression":
        from research.training.expression.command import run as expression

        expression(data, arguments.encoder, steps=arguments.steps, threads=arguments.threads)
    elif arguments.command == "mimic":
        from research.training.mimic.train import run as mimic

        mimic(data, arguments.encoder, steps=arguments.steps, threads=arguments.threads)
    elif arguments.command == "pose":
        from research.training.pose.train import run as pose

        pose(data, clips=arguments.clips, out=arguments.out, threads=arguments.threads)
    elif arguments.command == "people":
        _people(arguments)
    elif arguments.command == "demo-head":
        from research.assets.demo_head.build import run as demo_head

        demo_head(data)
    elif arguments.command == "demo-inputs":
        from research.assets.demo_inputs import run as demo_inputs

        demo_inputs(data)
    else:
        from research.assets.flame_landmarks import run as flame_landmarks

        flame_landmarks(data)


def _people(arguments: argparse.Namespace) -> None:
    from research.training.people.train import PeopleSettings
    from research.training.people.train import run as people

    people(
        PeopleSettings(
            clips=arguments.clips,
            out=arguments.out or arguments.clips / "mimesh_pack",
            encoder=arguments.speech_encoder,
            layer=arguments.layer,
            steps=arguments.steps,
            from_scratch=arguments.from_scratch,
            mimic=not arguments.without_mimic,
            pose=not arguments.without_head,
            threads=arguments.threads or 1,
        )
    )


def _all_speech(data: Path) -> None:
    from research.corpus.synthetic_speech import render_all
    from research.training.phonetic.student import run as student
    from research.training.phonetic.train import run as phonetic
    from research.training.whisper_noise import run as noise
    from research.training.whisper_reader import run as whisper

    render_all()
    phonetic(data)
    whisper(data)
    student(data)
    noise(data)


def _all_faces(data: Path) -> None:
    from research.training.expression.command import run as expression
    from research.training.extractors import ENCODERS
    from research.training.mimic.train import run as mimic

    for encoder in ENCODERS:
        expression(data, encoder)
        mimic(data, encoder)


if __name__ == "__main__":
    sys.exit(main())
