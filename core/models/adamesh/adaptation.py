# SPDX-License-Identifier: GPL-3.0-or-later
"""AdaMesh's expression adaptation: a speaker's style from a short reference, by MoLoRA (docs/papers.md 1.2).

The reference's own sound and tracked motion are the training pairs. Ten seconds are easily overfitted, so model
selection comes first: the update is trained without the clip's end, then without its beginning, and evaluated at
several scales on what was held out. The final update is trained on everything, with the steps and the scale that were
selected; an update that does not lower the held-out error is dropped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...face.motion import INTERNAL_FPS
from ...face.statistics import MIN_AGREEMENT, gap_agreement
from ...style.likeness import LikenessCorrection
from ...tracking.reference import TrackedReference
from ..affine.likeness import fit_likeness
from ..device import one_thread
from .adaptation_data import Fold, Segment, folds_of, segments_of, style_windows
from .adaptation_loss import AdaptationLoss
from .adapter import AdaptationReport, AdaptationSettings, ExpressionAdapter
from .blink_removal import without_blinks
from .finetune import MakeTuner, MoloraTuner, StyleConditioning, Trainer, as_in_use, spoken
from .generate import ExpressionGenerator
from .model_selection import HeldoutErrors, SelectionResult, block_means, decide
from .residual_correction import ResidualCorrection, fit_residual_correction

Progress = Callable[[float], None]
STYLE_STRENGTHS = (0.0, 0.5, 1.0)
_MIN_SECONDS = 1.5


def adapt(
    base: ExpressionGenerator,
    reference: TrackedReference,
    settings: AdaptationSettings | None = None,
    progress: Progress = lambda fraction: None,
    make_tuner: MakeTuner | None = None,
) -> ExpressionAdapter:
    """Fit the base to the reference; the same inputs give the same adapter, whatever was done before.

    ``progress`` receives 0..1; what it raises (:class:`~core.errors.CancelledError`) leaves the base as it was.
    """
    settings = AdaptationSettings() if settings is None else settings
    make_tuner = make_tuner or (lambda network, seed: MoloraTuner(network, settings.molora, seed))
    began = time.monotonic()
    with one_thread():
        adapter = _Adaptation(base, settings, make_tuner, progress).run(reference)
    seconds = round(time.monotonic() - began, 3)
    return replace(adapter, report=replace(adapter.report, compute_seconds=seconds))


@dataclass(frozen=True, slots=True, eq=False)
class _Update:
    """The result of one training."""

    arrays: dict[str, NDArray[np.float32]]
    embedding: NDArray[np.float32]
    residual: ResidualCorrection
    likeness: LikenessCorrection | None = None


class _Adaptation:
    """One run of :func:`adapt`."""

    def __init__(
        self, base: ExpressionGenerator, settings: AdaptationSettings, make_tuner: MakeTuner, progress: Progress
    ) -> None:
        self._base, self._network, self._settings = base, base.network, settings
        self._make_tuner, self._progress = make_tuner, progress
        self._share_done = 0.0
        self._loss = AdaptationLoss(base.basis, base.network.mean, base.network.deviation, settings.tune.loss)
        self._trainer = Trainer(base.network, self._loss, settings.tune, settings.seed)

    def run(self, reference: TrackedReference) -> ExpressionAdapter:
        self._progress(0.0)
        reference = without_blinks(reference, self._base.basis)
        windows = style_windows(reference.motion.face_vector(), reference.weights) if self._settings.style else None
        problem, segments, agreement = self._training_pairs(reference)
        if problem is not None:
            return self._embedding_only(reference, windows, agreement, problem)
        strength = self._style_strength(segments)
        selected = self._select(segments, strength)
        conditioning = self._conditioning(windows, strength)
        if selected.scale > 0:
            update = self._refit(segments, conditioning, selected)
        else:
            update = self._update({}, segments, conditioning)
        self._progress(1.0)
        return self._adapter(reference, update, selected, agreement, strength)

    # --- training pairs -----------------------------------------------------------------------------------------

    def _training_pairs(self, reference: TrackedReference) -> tuple[str | None, tuple[Segment, ...], float]:
        """Why training is impossible (or None), the training pairs, and the agreement of mouth and sound."""
        if reference.speech is None:
            return "it has no usable sound", (), 0.0
        segments = segments_of(reference, self._base, self._settings.limit_seconds)
        if _frames(segments) < _MIN_SECONDS * INTERNAL_FPS:
            return "hardly any of it shows the face reliably", (), 0.0
        segments = tuple(self._with_expected(segment) for segment in segments)
        agreement = self._agreement(segments)
        if agreement < MIN_AGREEMENT:
            return f"its sound does not go with its mouth (correlation {agreement:.2f})", (), agreement
        return None, segments, agreement

    @torch.no_grad()
    def _with_expected(self, segment: Segment) -> Segment:
        """The segment with what the base makes of its sound."""
        if self._settings.freezes_encoders:
            features = torch.from_numpy(segment.features)[None].to(self._network.mean.device)
            segment = replace(segment, hidden=self._network.audio(features)[0].float().cpu().numpy())
        return replace(segment, expected=self._generate(segment, None).float().cpu().numpy())

    def _agreement(self, segments: Sequence[Segment]) -> float:
        generated = np.concatenate([segment.expected for segment in segments])
        tracked = np.concatenate([segment.motion for segment in segments])
        weights = np.concatenate([segment.weights for segment in segments])
        return gap_agreement(self._base.basis, generated, tracked, weights)

    # --- style embedding ----------------------------------------------------------------------------------------

    def _style_strength(self, segments: Sequence[Segment]) -> float:
        """Strength of the style embedding: read from one half of the reference, evaluated on the other."""
        if not self._settings.style:
            return 0.0
        if not self._settings.selection.enabled:
            return 1.0
        folds = folds_of(segments, 0.5)
        curves = []
        for strength in STYLE_STRENGTHS:
            errors = [self._heldout_errors(fold, self._conditioning_of(fold, strength)) for fold in folds]
            curves.append(np.concatenate(errors))
        return self._settings.selection.choose_strength(STYLE_STRENGTHS, np.stack(curves))

    def _conditioning_of(self, fold: Fold, strength: float) -> StyleConditioning:
        if strength == 0:
            return StyleConditioning(None, 0.0)
        motion = np.concatenate([segment.motion for segment in fold.training])
        weights = np.concatenate([segment.weights for segment in fold.training])
        return self._conditioning(style_windows(motion, weights), strength)

    def _conditioning(self, windows: Tensor | None, strength: float) -> StyleConditioning:
        conditioning = StyleConditioning(windows, strength)
        return conditioning.frozen(self._network) if self._settings.freezes_encoders else conditioning

    @torch.no_grad()
    def _embedding(self, conditioning: StyleConditioning) -> NDArray[np.float32]:
        style = conditioning.style(self._network)
        if style is None:
            return np.zeros(self._network.config.width, np.float32)
        return style[0].float().cpu().numpy()

    # --- training -----------------------------------------------------------------------------------------------

    def _select(self, segments: Sequence[Segment], strength: float) -> SelectionResult:
        """Model selection: train on each fold, evaluate its held-out part, choose steps and scale over all folds."""
        selection = self._settings.selection
        if not selection.enabled:
            return SelectionResult(self._settings.tune.steps, 1.0, float("nan"), float("nan"))
        folds = folds_of(segments, selection.share(_frames(segments)))
        curves = []
        for index, fold in enumerate(folds):
            report = _share_of(self._progress, index / (len(folds) + 1), (index + 1) / (len(folds) + 1))
            curves.append(self._watched(fold, self._conditioning_of(fold, strength), report))
        self._share_done = len(folds) / (len(folds) + 1)
        return decide(curves, selection)

    def _watched(self, fold: Fold, conditioning: StyleConditioning, report: Progress) -> HeldoutErrors:
        selection, steps = self._settings.selection, self._settings.tune.steps
        errors = HeldoutErrors(selection.scales, self._heldout_errors(fold, conditioning))
        if len(selection.scales) == 1:
            return errors
        tuner = self._make_tuner(self._network, self._settings.seed)

        def watch(step: int, values: Sequence[Tensor]) -> bool:
            report(step / steps)
            if step % selection.check_every == 0:
                with as_in_use(self._network, tuner, values):
                    for scale in selection.scales[1:]:
                        tuner.set_scale(scale)
                        errors.add(step, scale, self._heldout_errors(fold, conditioning))
            return not errors.should_stop(selection.patience)

        try:
            self._trainer.train(tuner, fold.training, conditioning, steps, watch)
        finally:
            tuner.remove()
        return errors

    def _refit(
        self, segments: Sequence[Segment], conditioning: StyleConditioning, selected: SelectionResult
    ) -> _Update:
        """Train on all segments with the selected steps and scale."""
        report = _share_of(self._progress, self._share_done, 1.0)
        tuner = self._make_tuner(self._network, self._settings.seed)

        def watch(step: int, values: Sequence[Tensor]) -> bool:
            report(step / selected.steps)
            return True

        try:
            self._trainer.train(tuner, segments, conditioning, selected.steps, watch)
            arrays = tuner.state()
            tuner.set_scale(selected.scale)
            return self._update(arrays, segments, conditioning)
        finally:
            tuner.remove()

    def _update(
        self, arrays: dict[str, NDArray[np.float32]], segments: Sequence[Segment], conditioning: StyleConditioning
    ) -> _Update:
        """The low-rank update with what is fitted in closed form from the adapted network's motion to the tracked."""
        style, residual, likeness = conditioning.style(self._network), ResidualCorrection.identity(), None
        spoken = np.concatenate([self._generate(segment, style).float().cpu().numpy() for segment in segments])
        mean = np.concatenate([segment.expected for segment in segments])
        tracked = np.concatenate([segment.motion for segment in segments])
        weights = np.concatenate([segment.weights for segment in segments])
        if arrays and self._settings.residual:
            residual = fit_residual_correction(spoken, tracked, weights)
        if self._settings.likeness is not None:
            adapted = residual.gain * spoken + residual.offset
            likeness = fit_likeness(mean, adapted, tracked, weights, self._settings.likeness)
        return _Update(arrays, self._embedding(conditioning), residual, likeness)

    # --- evaluation ---------------------------------------------------------------------------------------------

    @torch.no_grad()
    def _generate(self, segment: Segment, style: Tensor | None) -> Tensor:
        network, given = self._network, torch.from_numpy(segment.network_input)[None]
        output = spoken(network, given.to(network.mean.device), style, segment.hidden is not None)
        return output.after[0] * network.deviation + network.mean

    @torch.no_grad()
    def _heldout_errors(self, fold: Fold, conditioning: StyleConditioning) -> NDArray[np.float64]:
        """(blocks,) lip error in mm over blocks of half a second, weighted by reliability."""
        style = conditioning.style(self._network)
        errors, weights = [], []
        for segment in fold.heldout:
            truth = torch.from_numpy(segment.motion).to(self._network.mean)
            errors.append(self._loss.lip_error_mm(self._generate(segment, style), truth).cpu().numpy())
            weights.append(segment.weights)
        return block_means(np.concatenate(errors), np.concatenate(weights))

    # --- results ------------------------------------------------------------------------------------------------

    def _embedding_only(
        self, reference: TrackedReference, windows: Tensor | None, agreement: float, problem: str
    ) -> ExpressionAdapter:
        strength = 1.0 if windows is not None else 0.0
        kept = "its style is read from the face's motion alone" if strength else "the face keeps the model's own style"
        selected = SelectionResult(0, 0.0, float("nan"), float("nan"))
        update = _Update({}, self._embedding(StyleConditioning(windows, strength)), ResidualCorrection.identity())
        adapter = self._adapter(reference, update, selected, agreement, strength)
        warning = f"The reference cannot teach how the face goes with the sound, since {problem}; {kept}."
        self._progress(1.0)
        return replace(adapter, report=replace(adapter.report, warnings=(warning,)))

    def _adapter(
        self,
        reference: TrackedReference,
        update: _Update,
        selected: SelectionResult,
        agreement: float,
        strength: float,
    ) -> ExpressionAdapter:
        report = AdaptationReport(
            seconds=reference.motion.seconds,
            steps=selected.steps,
            style_strength=strength,
            agreement=agreement,
            base_mm=selected.base_mm,
            adapted_mm=selected.chosen_mm,
            compute_seconds=0.0,
        )
        ranks = self._settings.molora.ranks if update.arrays else ()
        fitted = (update.embedding, update.residual, self._base.hash, report, update.likeness)
        return ExpressionAdapter(update.arrays, ranks, selected.scale, *fitted)


def _frames(segments: Sequence[Segment]) -> int:
    return sum(len(segment) for segment in segments)


def _share_of(progress: Progress, low: float, high: float) -> Progress:
    return lambda fraction: progress(low + (high - low) * fraction)
