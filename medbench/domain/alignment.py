"""How a prior lies to the current study: a rigid transform, and how far it can be trusted."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np

from medbench.domain.geometry import Geometry

Matrix = tuple[float, ...]
"""Sixteen numbers, 4 x 4, row-major."""
IDENTITY: Matrix = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)


class AlignmentQuality(StrEnum):
    """In one word; the rule is `judged`."""

    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"


class AlignmentSpace(StrEnum):
    """What the matrix speaks of."""

    PATIENT = "patient"
    """Patient coordinates, LPS mm, of both."""
    PICTURE = "picture"
    """Pictures without a place in the patient: x along columns, y along rows, z 0, in mm from the
    centre of the first pixel where both pixel sizes are known, else in pixels."""


class SimilarityKind(StrEnum):
    """Which number compares the two."""

    CORRELATION = "correlation"
    """Absolute normalised cross-correlation, 0..1: pictures with the same grey scale."""
    INFORMATION = "mutual information"
    """2 I(a, b) / (H(a) + H(b)) of 32 x 32 grey classes, 0..1 (Studholme 1999 as a share)."""


SIMILARITY_LIMITS: dict[SimilarityKind, tuple[float, float]] = {
    SimilarityKind.CORRELATION: (0.85, 0.6),
    SimilarityKind.INFORMATION: (0.16, 0.1),
}
"""Least similarity of (good, fair)."""
RESIDUAL_LIMITS_MM = (2.0, 5.0)
"""Largest disagreement of the way there and back of (good, fair)."""
OVERLAP_LIMITS = (0.5, 0.2)
"""Least shared part of (good, fair)."""


@dataclass(frozen=True)
class Alignment:
    """Result of a registration; points of the current one times ``matrix`` are the prior's."""

    matrix: Matrix
    space: AlignmentSpace
    kind: SimilarityKind
    similarity_before: float
    """With both lying as their headers say."""
    similarity: float
    overlap: float
    """Part of the current body (or picture) that the prior covers, 0..1."""
    residual_mm: float
    """Registered back from a start of its own: how far the corners of the body miss themselves."""
    quality: AlignmentQuality
    reason: str
    """One sentence with the numbers the word rests on."""
    seconds: float = 0.0

    @property
    def array(self) -> np.ndarray:
        """4 x 4."""
        return np.asarray(self.matrix, float).reshape(4, 4)

    @property
    def rotation_deg(self) -> float:
        """Angle of the rotation."""
        turn = self.array[:3, :3]
        scale = abs(np.linalg.det(turn)) ** (1 / 3) or 1.0
        if self.space is AlignmentSpace.PICTURE:
            scale = float(np.hypot(turn[0, 0], turn[1, 0])) or 1.0
            return float(np.degrees(np.arctan2(turn[1, 0], turn[0, 0])))
        return float(np.degrees(np.arccos(np.clip((np.trace(turn / scale) - 1) / 2, -1, 1))))


def judged(
    kind: SimilarityKind, before: float, after: float, overlap: float, residual_mm: float
) -> tuple[AlignmentQuality, str]:
    """The word and the sentence for the numbers of an alignment.

    Good and fair each ask for a least similarity (which must not be below that of the headers'
    own places), a least overlap and a largest residual of the way there and back; what fails
    'fair' is poor, and the sentence names what failed.
    """
    failed = ""
    for word, rank in ((AlignmentQuality.GOOD, 0), (AlignmentQuality.FAIR, 1)):
        least = SIMILARITY_LIMITS[kind][rank]
        if after < least:
            failed = f"{kind.value} {after:.2f} is below {least:.2f}"
        elif after < before - 0.02:
            failed = f"{kind.value} fell from {before:.2f} to {after:.2f}"
        elif overlap < OVERLAP_LIMITS[rank]:
            failed = f"only {overlap:.0%} of the body is in both"
        elif residual_mm > RESIDUAL_LIMITS_MM[rank]:
            failed = f"registered back, it misses by {residual_mm:.1f} mm"
        else:
            summary = (
                f"{kind.value} {before:.2f} before, {after:.2f} after; overlap {overlap:.0%}; "
                f"there and back {residual_mm:.1f} mm"
            )
            return word, summary if not failed else f"{summary}; not good because {failed}"
    return AlignmentQuality.POOR, f"{failed[:1].upper()}{failed[1:]}"


@dataclass(frozen=True)
class PriorLink:
    """A prior that was laid beside a current display, with its alignment; kept with the study."""

    stored_as: ClassVar[str] = "prior_link"

    current_key: str
    prior_key: str
    study_instance_uid: str
    """Of the current study."""
    alignment: Alignment
    fingerprint: str
    """Of the geometries it was made for: another one makes it stale."""
    applied: bool = True
    """Whether the views follow it; a poor one starts switched off."""
    frames: tuple[str, str] = ("", "")
    """Frame of Reference UIDs of (current, prior): it holds for their other displays too."""

    @property
    def record_id(self) -> str:
        """The pair."""
        return f"{self.current_key}>{self.prior_key}"


def geometry_fingerprint(*geometries: Geometry | None) -> str:
    """Words that change when a geometry does (shape, place, spacing, 1e-3 mm)."""
    parts = []
    for geometry in geometries:
        if geometry is None:
            parts.append("picture")
            continue
        numbers = (*geometry.spacing_mm, *geometry.origin_mm, *geometry.direction)
        parts.append(f"{geometry.shape}{[round(v, 3) + 0.0 for v in numbers]}")
    return "|".join(parts)
