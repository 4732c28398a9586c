"""Prepared cases of a segmentation run: memory-mapped, so that memory stays constant."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medbench.base.atomic import atomic_file
from medbench.base.errors import BadInputError, DecodeError, IntegrityError
from medbench.base.hashing import sha256_file, sha256_json
from medbench.cohorts.reading import item_path
from medbench.cohorts.voxels import Voxels, item_voxels, mask_codes, mismatch_of
from medbench.domain.cohort import Case, Cohort, Item, ItemKind
from medbench.engine.segmentation.prepare import ImagePreparer, gate_vector, mask_on_grid
from medbench.engine.training.task import FitTask

_POINTS = 4000
"""Foreground voxels kept a structure and case to aim patches at."""


@dataclass(frozen=True, eq=False)
class PreparedCase:
    """One case on the plan's grid."""

    case: Case
    image: NDArray[np.float32]
    """(channels, z, y, x), memory-mapped."""
    mask: NDArray[np.uint8]
    """(z, y, x), memory-mapped."""
    foreground: tuple[NDArray[np.int32], ...]
    """For each structure some of its voxels, (n, 3)."""
    gate: NDArray[np.float64]


@dataclass
class MaskPart:
    """Prepared cases of one role; unreadable ones are left out with their reason."""

    cases: list[PreparedCase]
    unreadable: dict[str, str] = field(default_factory=dict)


@dataclass
class MaskTask(FitTask):
    """A fit on masks; ``train`` and ``val`` of `FitTask` carry no inputs here."""

    train_part: MaskPart = field(default_factory=lambda: MaskPart([]))
    val_part: MaskPart = field(default_factory=lambda: MaskPart([]))


def read_pair(case: Case, folder: Path) -> tuple[Voxels, NDArray[np.uint8]]:
    """Image and mask of a case, as stored.

    Raises
    ------
    BadInputError, DecodeError
        One cannot be read, or they do not fit each other.
    """
    if case.mask is None:
        raise BadInputError(f"Case {case.case_id} has no mask.")
    image, mask = item_voxels(case.items[0], folder), item_voxels(case.mask, folder)
    if reason := mismatch_of(image, mask):
        raise BadInputError(f"{case.case_id}: {reason}")
    return image, np.asarray(mask_codes(mask, case.case_id), np.uint8)


def prepare_part(
    cohort: Cohort, folder: Path, cases: Sequence[Case], preparer: ImagePreparer, cache: Path,
    tick: Callable[[int], None],
) -> MaskPart:  # fmt: skip
    """Prepare every case once; arrays of an earlier attempt with the same settings are taken.

    Raises
    ------
    BadInputError
        None of them can be read.
    IntegrityError
        A file is another one than when the cohort was built.
    """
    part = MaskPart([])
    cache.mkdir(parents=True, exist_ok=True)
    for i, case in enumerate(cases):
        tick(i)
        try:
            part.cases.append(_prepared(cohort, folder, case, preparer, cache))
        except (BadInputError, DecodeError) as error:
            part.unreadable[case.case_id] = str(error)
    if not part.cases:
        reason = next(iter(part.unreadable.values()), "there is none")
        raise BadInputError(f"None of the {len(cases)} cases can be read: {reason}.")
    return part


def _prepared(
    cohort: Cohort, folder: Path, case: Case, preparer: ImagePreparer, cache: Path
) -> PreparedCase:
    assert case.mask is not None
    key = sha256_json([preparer.settings, case.items[0].sha256, case.mask.sha256])[:24]
    files = {name: cache / f"{key}-{name}.npy" for name in ("image", "gate", "mask")}
    if not all(file.is_file() for file in files.values()):
        for item in (case.items[0], case.mask):
            _require_frozen(case, item, folder)
        stored, codes = read_pair(case, folder)
        ready = preparer.prepare(stored)
        arrays: dict[str, NDArray[Any]] = {
            "image": ready.image,
            "gate": gate_vector(stored),
            "mask": mask_on_grid(codes, ready, len(cohort.classes)),
        }
        for name, values in arrays.items():  # the mask last: it says that all are there
            atomic_file(files[name], partial(_save, values=values))
    image = np.load(files["image"], mmap_mode="r", allow_pickle=False)
    mask = np.load(files["mask"], mmap_mode="r", allow_pickle=False)
    gate = np.load(files["gate"], allow_pickle=False)
    dice = np.random.default_rng(0)
    points = []
    for k in range(1, len(cohort.classes)):
        found = np.argwhere(np.asarray(mask) == k).astype(np.int32)
        if len(found) > _POINTS:
            found = found[np.sort(dice.choice(len(found), _POINTS, replace=False))]
        points.append(found)
    return PreparedCase(case, image, mask, tuple(points), gate)


def _require_frozen(case: Case, item: Item, folder: Path) -> None:
    path = item_path(item, folder)
    if item.kind is not ItemKind.ARRAY and path.is_file() and sha256_file(path) != item.sha256:
        raise IntegrityError(
            f"{path.name} of case {case.case_id} changed since the cohort was built: build it anew."
        )


def _save(path: Path, values: NDArray[Any]) -> None:
    with path.open("wb") as handle:
        np.save(handle, np.ascontiguousarray(values), allow_pickle=False)
