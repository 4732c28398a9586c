"""What the training part of a segmentation cohort looks like: the plan follows from this alone."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from medbench.base.errors import BadInputError, MedbenchError
from medbench.cohorts.canonical import canonical
from medbench.cohorts.voxels import item_voxels, mask_codes
from medbench.domain.cohort import Case, Cohort
from medbench.imaging.segment_agreement import surface_of

_SAMPLED = 64
_VOXELS_A_CASE = 2000
_SIDED = re.compile(r"(^|[^a-z])(left|right|lt|rt|l|r|links|rechts)([^a-z]|$)", re.IGNORECASE)


def sided(names: Sequence[str]) -> bool:
    """Whether some structure's name says left or right."""
    return any(_SIDED.search(name) for name in names)


def mask_values(cohort: Cohort, folder: Path, cases: Sequence[Case]) -> dict[str, Any]:
    """Spacing, sizes, grey values and structures of training cases, JSON-able.

    Raises
    ------
    BadInputError
        None of the cases can be read.
    """
    picked = np.unique(np.linspace(0, len(cases) - 1, min(_SAMPLED, len(cases))).astype(int))
    dice = np.random.default_rng(0)
    spacings, shapes, inside, lows, flats, colours, placed = [], [], [], [], [], [], []
    modalities: list[str] = []
    volumes: list[list[float]] = []
    thickness: list[float] = []
    unreadable = 0
    for case in (cases[i] for i in picked):
        assert case.mask is not None
        try:
            stored = item_voxels(case.items[0], folder)
            codes = mask_codes(item_voxels(case.mask, folder), case.case_id)
        except MedbenchError:
            unreadable += 1
            continue
        image, turn = canonical(stored)
        grey = image.values.mean(axis=-1) if image.values.ndim == 4 else image.values
        found = np.flatnonzero(turn.apply(codes) > 0)
        if len(found):
            chosen = dice.choice(found, min(_VOXELS_A_CASE, len(found)), replace=False)
            inside.append(np.asarray(grey, np.float32).ravel()[chosen])
        if image.flat and len(found):
            thickness.append(_thickness(codes, len(cohort.classes)))
        voxel_ml = float(np.prod(image.spacing_mm)) / 1000
        volumes.append([float((codes == k).sum()) * voxel_ml for k in range(len(cohort.classes))])
        spacings.append(image.spacing_mm)
        shapes.append(image.shape)
        lows.append(float(grey.min()))
        flats.append(image.flat)
        colours.append(image.values.ndim == 4)
        placed.append(stored.geometry is not None)
        modalities.append(image.modality)
    if not shapes:
        raise BadInputError("None of the images of the training part can be read.")
    if len(set(flats)) > 1:
        odd = sum(flats)
        raise BadInputError(
            f"{odd} images of the training part are single pictures and {len(flats) - odd} are "
            "volumes: make a cohort of each."
        )
    pooled = np.concatenate(inside) if inside else np.zeros(1, np.float32)
    low, high = np.percentile(pooled, [0.5, 99.5])
    known = np.array(spacings)
    structure_ml = np.array(volumes)[:, 1:]
    return {
        "sampled": len(picked),
        "unreadable": unreadable,
        "flat": all(flats),
        "channels": 3 if sum(colours) > len(colours) / 2 else 1,
        "spacing_median_mm": [float(v) for v in np.median(known, axis=0)],
        "spacing_p10_mm": [float(v) for v in np.percentile(known, 10, axis=0)],
        "spacing_max_mm": [float(v) for v in known.max(axis=0)],
        "shape_median": [int(v) for v in np.median(np.array(shapes), axis=0)],
        "shape_min": [int(v) for v in np.array(shapes).min(axis=0)],
        "shape_max": [int(v) for v in np.array(shapes).max(axis=0)],
        "placed": all(placed),
        "modality": _modality(modalities, lows, pooled),
        "inside_mean": float(pooled.mean()),
        "inside_sd": float(pooled.std()),
        "inside_low": float(low),
        "inside_high": float(high),
        "structure_ml_median": [float(v) for v in np.median(structure_ml, axis=0)],
        "cases_with": [int(v) for v in (structure_ml > 0).sum(axis=0)],
        "sided": sided(cohort.classes[1:]),
        "thickness_px": float(np.median(thickness)) if thickness else None,
    }


def _thickness(codes: np.ndarray[Any, Any], classes: int) -> float:
    """Width in pixels of the thinnest structure of a picture: of a strip, twice area by edge."""
    widths = []
    for k in range(1, classes):
        mask = codes == k
        if mask.any():
            widths.append(2 * float(mask.sum()) / max(int(surface_of(mask).sum()), 1))
    return min(widths)


def _modality(said: list[str], lows: list[float], inside: np.ndarray[Any, Any]) -> str:
    """``CT`` where the files say so, or where values are Hounsfield units by all signs."""
    named = {m for m in said if m}
    if named:
        return named.pop() if len(named) == 1 else "mixed"
    # air is -1000 HU and nothing else in medicine stores values near it
    if np.median(lows) <= -500 and min(lows) >= -1100 and float(np.abs(inside).max()) < 5000:
        return "CT"
    return ""
