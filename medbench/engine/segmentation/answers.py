"""Answers of a segmentation model on each image's own grid, and how well they fit."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from medbench.base.errors import BadInputError, MedbenchError
from medbench.cohorts.voxels import Voxels
from medbench.domain.cohort import Case
from medbench.engine.segmentation.prepare import ImagePreparer, label_map
from medbench.engine.segmentation.task import read_pair
from medbench.metrics.overlap import TASK, CaseOverlap, case_overlap, overlap_columns
from medbench.metrics.predictions import PredictionSet

RoleOf = Callable[[Case], str]


class Answerer(Protocol):
    """A network that answers whole prepared images."""

    def probabilities(self, image: NDArray[np.float32]) -> Any:
        """(classes, z, y, x) of an image (channels, z, y, x)."""


def answer_of(core: Answerer, preparer: ImagePreparer, image: Voxels) -> NDArray[np.uint8]:
    """Label map (z, y, x) on the grid of the image as it is stored."""
    ready = preparer.prepare(image)
    return label_map(core.probabilities(ready.image), ready)


def voxel_size(image: Voxels) -> tuple[float, str]:
    """How much a voxel is, and its unit: mL in a patient, else pixels."""
    if image.geometry is None:
        return 1.0, "px"
    return float(np.prod(image.spacing_mm)) / 1000, "mL"


def overlaps_of(
    core: Answerer, preparer: ImagePreparer, cases: Sequence[Case], folder: Path, *,
    classes: Sequence[str], order: Sequence[int], role_of: RoleOf, tick: Callable[[int], None],
    meta: dict[str, Any],
) -> PredictionSet:  # fmt: skip
    """Overlap of answers and masks, a row a case, on the images' own grids.

    Parameters
    ----------
    classes : names in the model's order
    order : for each value of the cohort's masks the model's class

    Raises
    ------
    BadInputError
        None of the cases can be read; single ones are named in ``meta["unreadable"]``.
    """
    found: list[CaseOverlap] = []
    kept: list[Case] = []
    units: set[str] = set()
    unreadable: dict[str, str] = {}
    codes = np.array(order, np.uint8)
    for i, case in enumerate(cases):
        tick(i)
        try:
            image, mask = read_pair(case, folder)
        except MedbenchError as error:
            unreadable[case.case_id] = str(error)
            continue
        amount, unit = voxel_size(image)
        answer = answer_of(core, preparer, image)
        found.append(case_overlap(codes[mask], answer, len(classes), image.spacing_mm, amount))
        kept.append(case)
        units.add("px" if unit == "px" else "mm")
    if not kept:
        reason = next(iter(unreadable.values()), "there is none")
        raise BadInputError(f"None of the {len(cases)} cases can be read: {reason}.")
    scores, logits = overlap_columns(found)
    return PredictionSet(
        np.array([c.case_id for c in kept]),
        np.array([c.patient_id for c in kept]),
        np.array([-1 if c.label is None else order[c.label] for c in kept], np.int64),
        scores,
        logits,
        np.array([role_of(c) for c in kept]),
        {
            **meta,
            "task": TASK,
            "classes": list(classes),
            "unit": "mm" if units == {"mm"} else "px",
            "reference": [list(c.reference) for c in found],
            "predicted": [list(c.predicted) for c in found],
            "unreadable": unreadable,
        },
    )
