"""Segments of two readers side by side: paired by name, compared on one grid."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from medbench.base.errors import CancelledError
from medbench.domain.geometry import Geometry, Vector
from medbench.imaging.placing import grid_of_slice
from medbench.imaging.segment_agreement import Agreement, agreement_of
from medbench.imaging.segment_delta import Labels
from medbench.imaging.segment_place import LabelSampler

Name = tuple[int, str]
"""Number and label of a segment."""
Cancelled = Callable[[], bool]
Progress = Callable[[float], None]


@dataclass(frozen=True)
class PairedAgreement:
    """Agreement of two segments that stand for the same thing."""

    number: int
    number_there: int
    label: str
    agreement: Agreement


def paired(ours: Sequence[Name], theirs: Sequence[Name]) -> list[tuple[Name, Name]]:
    """Segments of equal names (case and spaces around do not count), else of equal numbers."""
    named = {_plain(label): (number, label) for number, label in reversed(list(theirs))}
    found = [(own, named[_plain(own[1])]) for own in ours if _plain(own[1]) in named]
    if found:
        return found
    numbered = {number: (number, label) for number, label in theirs}
    return [(own, numbered[own[0]]) for own in ours if own[0] in numbered]


def _plain(label: str) -> str:
    return " ".join(label.split()).casefold()


def placed_labels(
    labels: Labels, own: Geometry, target: Geometry, cancelled: Cancelled | None = None
) -> Labels:
    """A label map on another grid of the same frame of reference: nearest voxel by position."""
    sampler = LabelSampler(own)
    out = np.zeros(target.shape, np.uint8)
    for z in range(target.shape[0]):
        if cancelled is not None and cancelled():
            raise CancelledError("stopped")
        out[z] = sampler.picture(labels, grid_of_slice(target, z))
    return out


def compare(
    labels: Labels, others: Labels, pairs: Sequence[tuple[Name, Name]], spacing_mm: Vector, *,
    mm_known: bool = True, cancelled: Cancelled | None = None, progress: Progress | None = None,
) -> list[PairedAgreement]:  # fmt: skip
    """Dice and HD95 of each pair; both label maps lie on one grid."""
    found = []
    for at, (own, other) in enumerate(pairs):
        if cancelled is not None and cancelled():
            raise CancelledError("stopped")
        if progress is not None:
            progress(at / len(pairs))
        agreement = agreement_of(
            labels == own[0], others == other[0], spacing_mm, mm_known=mm_known
        )
        found.append(PairedAgreement(own[0], other[0], own[1], agreement))
    return found
