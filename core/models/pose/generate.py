# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech and a pose style in, head motion out: retrieval, PoseGPT and the decoder behind one door."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ...audio.speech import Speech
from ...errors import ModelError
from ...face.motion import INTERNAL_FPS
from ...grouping import map_alike
from ...pose.bank import BANK_FILE, PRIOR_FILE, BankEntry, Codes, Neighbour, PoseBank
from ...pose.dead_zone import apply_dead_zone, limit_speed, remove_drift
from ...pose.reference import PoseReference
from ...pose.statistics import pose_statistics
from ...pose.style_matrix import StyleMatrix, style_matrix
from ...settings import HeadSettings
from ...weights import bundled
from ..speech.encoder import SpeechEncoder
from ..speech.registry import HASH_KEY, NAME_KEY, encoder_of_model
from .prior import LoadedPrior, load_prior, style_latents
from .reference_motion import extend_head_motion
from .sampling import Sampling, sample_codes_together
from .speech_steps import SpeechFeatures, encode_speech, speech_steps
from .vq import PoseVq

# 99.9th percentile of the speed of real heads; see vendor_models/pose_prior.md
TOP_SPEED_RADIANS_PER_SECOND = 1.9
# lines that are sampled in one pass
MOST_TOGETHER = 64


@dataclass(frozen=True, slots=True, eq=False)
class PoseResult:
    """head: (T, 3) radians relative to rest. neighbours: the retrieved styles, nearest first; empty without a bank.

    codes: a row of the codebook's entries for each step of the head's motion; empty where no code was drawn.
    """

    head: NDArray[np.float32]
    neighbours: tuple[Neighbour, ...]
    codes: Codes = ()


class PoseGenerator:
    """One instance serves many requests; the speech is encoded once, by :meth:`encode`."""

    def __init__(self, loaded: LoadedPrior, bank: PoseBank, encoder: SpeechEncoder, device: str = "cpu") -> None:
        if encoder.hash != loaded.units.encoder_hash:
            raise ModelError(
                f"The pose prior was trained with speech encoder {loaded.units.encoder_hash[:8]}, "
                f"but {encoder.name} is {encoder.hash[:8]}.",
                "Install the extension again, or retrain the pose prior.",
            )
        if (bank.prior_hash, bank.unit_hash) != (loaded.hash, loaded.units.hash):
            raise ModelError(
                "The pose bank was made for another pose prior.",
                f"Choose the bundled bank, put its {PRIOR_FILE} beside it, or add its clips again.",
            )
        self._prior = loaded.prior.to(device).eval()
        self._codebooks = self._prior.vq.codebooks.vectors
        self.units, self.bank, self.hash = loaded.units, bank, loaded.hash
        self._encoder, self._device = encoder, device

    @classmethod
    def load(
        cls,
        device: str = "cpu",
        bank: Path | None = None,
        prior: Path | None = None,
        encoder: SpeechEncoder | None = None,
    ) -> PoseGenerator:
        """The bundled prior and bank, or those at the paths. Raises :class:`ModelError` when they do not fit.

        encoder: an open one, used where the prior was trained on it.
        """
        loaded = load_prior(prior)
        recorded = {NAME_KEY: loaded.encoder, HASH_KEY: loaded.units.encoder_hash}
        speech_encoder = encoder_of_model(recorded, None, device, encoder)
        return cls(loaded, PoseBank.load(bundled(BANK_FILE) if bank is None else bank), speech_encoder, device)

    @property
    def vq(self) -> PoseVq:
        """The discrete prior."""
        return self._prior.vq

    def with_bank(self, bank: PoseBank) -> PoseGenerator:
        """The same networks with another bank."""
        loaded = LoadedPrior(self._prior, self.units, self._encoder.name, self.hash)
        return PoseGenerator(loaded, bank, self._encoder, self._device)

    def encode(self, speech: Speech) -> SpeechFeatures:
        """Encode the speech: the slow part, which resampling the head motion does not repeat."""
        return encode_speech(speech, self._encoder)

    def matrix(self, encoded: SpeechFeatures, head: NDArray[np.floating]) -> StyleMatrix:
        """The semantic-aware pose style matrix of a reference: (T, 3) head in step with the encoded speech."""
        return style_matrix(self.units.assign(encoded.features), self.latents(head), len(self.units))

    def latents(self, head: NDArray[np.floating]) -> NDArray[np.float32]:
        """(T, 3) head to (T, d + 6): see :func:`core.models.pose.prior.style_latents`."""
        return style_latents(self._prior.vq, head)

    def embed(self, statistics: NDArray[np.floating]) -> NDArray[np.float32]:
        """(21,) statistics to a style embedding."""
        return self._prior.embed(statistics)

    def describe(
        self, name: str, speaker: str, heads: list[tuple[SpeechFeatures, NDArray[np.floating]]], provenance: str
    ) -> BankEntry:
        """A bank entry from one or more clips of a speaker, without training: encoded sound and (T, 3) heads."""
        units = np.concatenate([self.units.assign(encoded.features)[: len(head)] for encoded, head in heads])
        latents = np.concatenate([self.latents(head)[: encoded.frames] for encoded, head in heads])
        pairs = [(head[: encoded.frames], encoded.loudness[: len(head)]) for encoded, head in heads]
        statistics = pose_statistics([head for head, _ in pairs], [loud for _, loud in pairs])
        return BankEntry(
            name=name,
            speaker=speaker,
            matrix=style_matrix(units, latents, len(self.units)),
            embedding=self.embed(statistics),
            statistics=statistics.astype(np.float32),
            provenance=provenance,
        )

    def generate(
        self,
        encoded: SpeechFeatures,
        reference: PoseReference | None,
        settings: HeadSettings,
        progress: Callable[[float], None] = lambda fraction: None,
    ) -> PoseResult:
        """Head motion for the whole speech; the same settings give the same motion.

        Without a reference, or with one without sound, the style is the mean speaker's.
        """
        return self.generate_together([encoded], reference, [settings], progress)[0]

    def generate_together(
        self,
        encoded: Sequence[SpeechFeatures],
        reference: PoseReference | None,
        settings: Sequence[HeadSettings],
        progress: Callable[[float], None] = lambda fraction: None,
    ) -> list[PoseResult]:
        """:meth:`generate` for many lines in one style, those of like length together; only seeds differ."""
        first = settings[0]
        codes: list[Codes] = [() for _ in encoded]
        matrix = reference.matrix if reference is not None else None
        retrieval = None
        if first.follow and first.source == "bank":
            retrieval = self.bank.named(first.follow, matrix)
        elif matrix is not None:
            retrieval = self.bank.retrieve(matrix, first.neighbours)
        if first.source == "reference" and reference is not None:
            heads = [
                extend_head_motion(reference.head, line.frames, chosen.seed)
                for line, chosen in zip(encoded, settings, strict=True)
            ]
        else:
            embedding = retrieval.embedding if retrieval else None
            raw = map_alike(
                list(zip(encoded, settings, strict=True)),
                lambda line: self._step_count(line[0]),
                MOST_TOGETHER,
                lambda lines: self._sampled([one for one, _ in lines], embedding, [own for _, own in lines], progress),
            )
            heads = [remove_drift(head) for head, _ in raw]
            codes = [drawn for _, drawn in raw]
        neighbours = retrieval.neighbours if retrieval else ()
        return [PoseResult(finished(head, first), neighbours, drawn) for head, drawn in zip(heads, codes, strict=True)]

    def _step_count(self, encoded: SpeechFeatures) -> int:
        return -(-encoded.frames // self._prior.vq.config.frames_per_step)

    @torch.inference_mode()
    def _sampled(
        self,
        encoded: Sequence[SpeechFeatures],
        embedding: NDArray[np.float32] | None,
        settings: Sequence[HeadSettings],
        progress: Callable[[float], None],
    ) -> list[tuple[NDArray[np.float32], Codes]]:
        """(T, 3) of each line and what it was decoded from; all have one number of steps."""
        prior = self._prior
        per_step = prior.vq.config.frames_per_step
        steps = torch.from_numpy(np.stack([speech_steps(line, per_step) for line in encoded])).to(self._device)
        style = torch.from_numpy(prior.average_style() if embedding is None else embedding).to(self._device)
        samplings = [Sampling(chosen.temperature, chosen.top_p, chosen.seed) for chosen in settings]
        styles = style.expand(len(encoded), -1)
        speech = prior.speech_of(steps)
        codes = sample_codes_together(prior.gpt, self._codebooks, speech, styles, samplings, progress)
        vectors = prior.vq.codebooks.look_up(torch.from_numpy(codes).to(self._device))
        heads = prior.vq.decode(vectors).cpu().numpy()
        rows = [tuple(map(tuple, line)) for line in codes.tolist()]
        return [(head[: line.frames], row) for head, line, row in zip(heads, encoded, rows, strict=True)]


def finished(head: NDArray[np.floating], settings: HeadSettings) -> NDArray[np.float32]:
    """Amount, dead zone and speed limit applied to raw (T, 3) head motion; an amount of 0 is exactly still."""
    scaled = np.asarray(head, np.float32) * np.float32(settings.amount)
    return limit_speed(
        apply_dead_zone(scaled, settings.dead_zone_radians), TOP_SPEED_RADIANS_PER_SECOND / INTERNAL_FPS
    )
