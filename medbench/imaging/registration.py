"""Rigid registration of a prior to the current study, from coarse to fine, with an honest word.

The transform maps patient points of the current study to those of the prior (ITK's fixed to
moving). Starts: the headers' own places, centres of the fields, centres of mass of the bodies,
and steps along the body axis for scans that share only a part; the best few run the coarsest
level, the best of those goes on. Mattes mutual information (Mattes 2003) or normalised correlation
drive Powell's search (Powell 1964), its parameters scaled so that a unit of each moves the edge of
the body by 1 mm. ITK's gradient descents were measured too: they stopped 5 to 12 mm short of the
truth on round heads, where a wrong turn costs little; Powell's search came within .5 mm. Then the
prior is registered back from a start of its own, and what the corners of the body miss after the
way there and back is the residual (inverse consistency, Christensen 2001).

`SimpleITK`'s ``Execute`` lets the interpreter go (measured: a 5 ms beat in another thread stayed
below 12 ms), so this runs in a worker thread; cancelling is looked at after each iteration.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from medbench.base.errors import BadInputError, CancelledError
from medbench.domain.alignment import (
    Alignment,
    AlignmentSpace,
    SimilarityKind,
    judged,
)
from medbench.imaging.registration_grid import (
    Matrix,
    coarse,
    extent,
    inside,
    mask_points,
    mass,
    orthogonal,
    smoothed,
)
from medbench.imaging.registration_input import (
    RegistrationImage,
    body_mask,
    itk,
    reduced,
    similarity,
    similarity_kind,
)

_LEVELS_MM = (8.0, 4.0, 2.0, 1.0)
_SAMPLES = (8_000, 15_000, 30_000, 50_000)
_STARTS_TRIED = 3
_SHORTEST_OVERLAP = 0.15
_ITERATIONS = (12, 8, 6, 5)
_SEED = 20240601


@dataclass(frozen=True)
class _Level:
    step_mm: float
    samples: int
    iterations: int


def register(
    current: RegistrationImage,
    prior: RegistrationImage,
    *,
    cancelled: Callable[[], bool] | None = None,
    progress: Callable[[float, str], None] | None = None,
    threads: int = 1,
) -> Alignment:
    """Find where the points of ``current`` lie in ``prior``.

    Volumes (regular grids) get a rotation and a shift; pictures the same when both pixel sizes are
    known, else also one scale. The same input gives the same answer.

    Raises
    ------
    BadInputError
        One is a picture and the other a volume, or one is too small or empty.
    CancelledError
        ``cancelled`` said so.
    """
    if current.values.ndim != prior.values.ndim:
        raise BadInputError("A volume and a single picture cannot be registered to each other.")
    begin = time.monotonic()
    job = _Registration(current, prior, cancelled, progress, threads)
    found = job.run()
    matrix, before, after, overlap, residual = found
    quality, reason = judged(job.kind, before, after, overlap, residual)
    space = AlignmentSpace.PATIENT if job.dimension == 3 else AlignmentSpace.PICTURE
    return Alignment(
        tuple(float(v) for v in matrix.ravel()), space, job.kind, before, after, overlap, residual,
        quality, reason, time.monotonic() - begin,
    )  # fmt: skip


class _Registration:
    """One run; holds the two images and their masks."""

    def __init__(
        self, current: RegistrationImage, prior: RegistrationImage,
        cancelled: Callable[[], bool] | None, progress: Callable[[float, str], None] | None,
        threads: int,
    ) -> None:  # fmt: skip
        self.kind = similarity_kind(current, prior)
        self._cancelled = cancelled or (lambda: False)
        self._tell = progress or (lambda _fraction, _text: None)
        self._threads = threads
        self._span, self._words = (0.0, 0.0), ""
        self._tell(0.0, "reading")
        self.fixed, self.moving = self._prepared(current), self._prepared(prior)
        self.dimension = self.fixed.GetDimension()
        self._scaled = self.dimension == 2 and None in (current.pixel_mm, prior.pixel_mm)
        self.fixed_mask = body_mask(coarse(self.fixed, 4.0), current.modality)
        self._check()
        self.moving_mask = body_mask(coarse(self.moving, 4.0), prior.modality)
        self._check()
        self._scales = self._unit_steps()
        self.levels = self._choose_levels()

    def _prepared(self, image: RegistrationImage) -> Any:
        self._check()
        finest = 0.0 if image.geometry is None else _LEVELS_MM[-1]
        return reduced(image, finest)

    def _check(self) -> None:
        if self._cancelled():
            raise CancelledError("The registration was stopped.")

    def _unit_steps(self) -> list[float]:
        """A unit of each parameter moves the body's edge by about 1 mm (or pixel)."""
        points = mask_points(self.fixed_mask, 5000)
        radius = float(np.linalg.norm(points - points.mean(axis=0), axis=1).mean())
        turns = [radius] * (3 if self.dimension == 3 else 2 if self._scaled else 1)
        return [*turns, *[1.0] * self.dimension]

    def _choose_levels(self) -> list[_Level]:
        """Levels that are coarser than the images; pictures count in shares of their size."""
        steps = _LEVELS_MM
        if self.dimension == 2:
            size = max(n * s for n, s in zip(self.fixed.GetSize(), self.fixed.GetSpacing(),
                                             strict=True))  # fmt: skip
            steps = tuple(size / n for n in (48, 96, 192, 384))
        finest = min(*self.fixed.GetSpacing(), *self.moving.GetSpacing())
        kept = [i for i, step in enumerate(steps) if step > finest * 0.75] or [len(steps) - 1]
        return [_Level(steps[i], _SAMPLES[i], _ITERATIONS[i]) for i in kept]

    # the way

    def run(self) -> tuple[Matrix, float, float, float, float]:
        """Matrix of the current's points, similarity before and after, overlap, residual mm."""
        starts = self._starts()
        forward = self._descend(starts, self.fixed, self.moving, self.fixed_mask, 0.05, 0.65)
        matrix = self._matrix(forward)
        back_start = self._disturbed(np.asarray(np.linalg.inv(matrix)))
        backward = self._descend(
            [back_start], self.moving, self.fixed, self.moving_mask, 0.7, 0.95,
            levels=self.levels[:3],
        )  # fmt: skip
        residual = self._residual(matrix, self._matrix(backward))
        after, overlap = self._compared(matrix)
        before, _ = self._compared(np.eye(4))
        self._tell(1.0, "done")
        return matrix, before, after, overlap, residual

    def _descend(
        self, starts: list[Any], fixed: Any, moving: Any, mask: Any, low: float, high: float,
        levels: list[_Level] | None = None,
    ) -> Any:  # fmt: skip
        levels = levels or self.levels
        costs = np.array([level.samples * level.iterations for level in levels], float)
        costs[0] *= _STARTS_TRIED if len(starts) > 1 else 1
        ends = low + (high - low) * np.cumsum(costs) / costs.sum()
        best, begin = starts[0], low
        for number, level in enumerate(levels):
            self._words = f"level {number + 1} of {len(levels)}"
            self._span = (begin, float(ends[number]))
            a, b = smoothed(fixed, level.step_mm), smoothed(moving, level.step_mm)
            self._check()
            if number == 0 and len(starts) > 1:
                best = self._best_start(starts, a, b, mask, level)
            elif number == 0:
                best, _ = self._optimised(starts[0], a, b, mask, level)
            else:
                best, _ = self._optimised(best, a, b, mask, level)
            begin = float(ends[number])
            self._tell(begin, self._words)
        return best

    def _best_start(self, starts: list[Any], a: Any, b: Any, mask: Any, level: _Level) -> Any:
        """Rank all starts by the metric, run the best few, keep the winner."""
        sitk = itk()
        ranked: list[tuple[float, int, Any]] = []
        for start in starts:
            self._check()
            method = self._method(a, mask, level)
            method.SetInitialTransform(start, True)
            covered = self._covered(start, mask, b)
            if covered < _SHORTEST_OVERLAP:
                continue
            ranked.append((method.MetricEvaluate(a, b), len(ranked), start))
        if not ranked:
            ranked = [(0.0, 0, starts[0])]
        ranked.sort(key=lambda item: item[:2])
        tried = []
        low, high = self._span
        part = (high - low) / _STARTS_TRIED
        for turn, (_, number, start) in enumerate(ranked[:_STARTS_TRIED]):
            self._span = (low + turn * part, low + (turn + 1) * part)
            found, value = self._optimised(sitk.Transform(start), a, b, mask, level)
            tried.append((value, number, found))
        return min(tried, key=lambda item: item[:2])[2]

    def _method(self, a: Any, mask: Any, level: _Level) -> Any:
        sitk = itk()
        method = sitk.ImageRegistrationMethod()
        method.SetNumberOfThreads(self._threads)
        if self.kind is SimilarityKind.CORRELATION:
            method.SetMetricAsCorrelation()
        else:
            method.SetMetricAsMattesMutualInformation(_bins(level))
        voxels = float(np.prod(a.GetSize()))
        method.SetMetricSamplingStrategy(method.RANDOM)
        method.SetMetricSamplingPercentage(min(1.0, level.samples / voxels), _SEED)
        method.SetMetricFixedMask(mask)
        method.SetInterpolator(sitk.sitkLinear)
        return method

    def _optimised(self, start: Any, a: Any, b: Any, mask: Any, level: _Level) -> tuple[Any, float]:
        sitk = itk()
        self._check()
        method = self._method(a, mask, level)
        method.SetOptimizerAsPowell(
            numberOfIterations=level.iterations, maximumLineIterations=12,
            stepLength=level.step_mm / 4, stepTolerance=level.step_mm / 100, valueTolerance=1e-6,
        )  # fmt: skip
        method.SetOptimizerScales(self._scales)
        transform = self._typed(start)
        method.SetInitialTransform(transform, True)

        low, high = self._span

        def look() -> None:
            if self._cancelled():
                method.StopRegistration()
            share = min(1.0, method.GetOptimizerIteration() / level.iterations)
            self._tell(low + (high - low) * share, self._words)

        method.AddCommand(sitk.sitkIterationEvent, look)
        try:
            method.Execute(a, b)
        except RuntimeError as error:
            self._check()
            if "samples" in str(error) or "overlap" in str(error).lower():
                return transform, 1e9  # this start left the other image
            raise BadInputError(f"The images cannot be registered: {_last_line(error)}") from error
        self._check()
        return transform, float(method.GetMetricValue())

    # starts

    def _typed(self, transform: Any) -> Any:
        """A fresh transform of the kind that is optimised, at the place of ``transform``."""
        return self._transform(self._matrix(transform), self._centre(self.fixed))

    def _transform(self, matrix: Matrix, centre: Matrix) -> Any:
        sitk = itk()
        d = self.dimension
        if d == 3:
            made = sitk.Euler3DTransform()
        else:
            made = sitk.Similarity2DTransform() if self._scaled else sitk.Euler2DTransform()
        made.SetCenter([float(v) for v in centre])
        turn, shift = matrix[:d, :d], matrix[:d, 3]
        made.SetMatrix([float(v) for v in turn.ravel()], 1e-4)
        offset = turn @ centre + shift - centre
        made.SetTranslation([float(v) for v in offset])
        return made

    def _matrix(self, transform: Any) -> Matrix:
        """4 x 4 of an affine ITK transform, by what it does to four points."""
        d = self.dimension
        out = np.eye(4)
        zero = np.asarray(transform.TransformPoint([0.0] * d))
        for axis in range(d):
            point = [0.0] * d
            point[axis] = 1.0
            out[:d, axis] = np.asarray(transform.TransformPoint(point)) - zero
        out[:d, 3] = zero
        return out

    @staticmethod
    def _centre(image: Any) -> Matrix:
        middle = [(n - 1) / 2 for n in image.GetSize()]
        return np.asarray(image.TransformContinuousIndexToPhysicalPoint(middle))

    def _starts(self) -> list[Any]:
        centre = self._centre(self.fixed)
        geometric = self._centre(self.moving) - centre
        shifts = [np.zeros(self.dimension), geometric]
        moved = mass(self.moving_mask) - mass(self.fixed_mask)
        shifts.append(moved)
        if self.dimension == 3:
            axis = np.array([0.0, 0.0, 1.0])
            reach = (extent(self.fixed_mask) + extent(self.moving_mask)) / 2
            middle = np.append(moved[:2], geometric[2])
            shifts += [middle + axis * d for d in np.arange(-reach + 24, reach - 23, 24.0)]
        made = []
        for shift in shifts:
            matrix = np.eye(4)
            matrix[: self.dimension, 3] = shift
            made.append(self._transform(matrix, centre))
        return made

    def _disturbed(self, matrix: Matrix) -> Any:
        """The start of the way back: not where it should end."""
        d = self.dimension
        step = self.levels[min(1, len(self.levels) - 1)].step_mm
        angle = np.radians(2.0)
        turn = np.eye(4)
        turn[0, 0] = turn[1, 1] = np.cos(angle)
        turn[0, 1], turn[1, 0] = -np.sin(angle), np.sin(angle)
        centre = self._centre(self.moving)
        turn[:d, 3] = centre - turn[:d, :d] @ centre + step * np.array([1.0, -1.0, 0.7][:d])
        return self._transform(orthogonal(matrix @ turn, d, scaled=self._scaled), centre)

    # numbers

    def _covered(self, transform: Any, mask: Any, other: Any) -> float:
        """Part of the mask's points that land inside the other image."""
        points = mask_points(mask, 2000)
        d = self.dimension
        matrix = self._matrix(transform)
        return float(inside(points @ matrix[:d, :d].T + matrix[:d, 3], other).mean())

    def _compared(self, matrix: Matrix) -> tuple[float, float]:
        """Similarity over the shared body on a middle grid, and the shared part."""
        sitk = itk()
        self._check()
        level = self.levels[min(1, len(self.levels) - 1)]
        a, b = smoothed(self.fixed, level.step_mm), smoothed(self.moving, level.step_mm)
        mask = sitk.Resample(self.fixed_mask, a, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
        transform = self._transform(matrix, self._centre(self.fixed))
        moved = sitk.Resample(b, a, transform, sitk.sitkLinear, float("nan"), sitk.sitkFloat32)
        one, other = sitk.GetArrayViewFromImage(a), sitk.GetArrayViewFromImage(moved)
        body = sitk.GetArrayViewFromImage(mask) > 0
        known = np.isfinite(other) & body
        overlap = float(known.sum() / max(1, body.sum()))
        if overlap < 0.01:
            return 0.0, overlap
        return similarity(self.kind, one[known], other[known]), overlap

    def _residual(self, there: Matrix, back: Matrix) -> float:
        """Largest distance of a corner of the body to itself after there and back."""
        d = self.dimension
        points = mask_points(self.fixed_mask, 50_000)
        low, high = points.min(axis=0), points.max(axis=0)
        corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(d, -1).T
        both = back @ there
        gone = corners @ both[:d, :d].T + both[:d, 3]
        return float(np.linalg.norm(gone - corners, axis=1).max())


def _bins(level: _Level) -> int:
    return 24 if level.samples < 40_000 else 32


def _last_line(error: RuntimeError) -> str:
    return str(error).strip().splitlines()[-1].strip()
