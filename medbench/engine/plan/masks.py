"""Plan rows of segmentation: fingerprint of the training part -> every choice with its reason."""

from typing import Any

import numpy as np
import torch

from medbench.base.errors import BadInputError
from medbench.domain.cohort import Fingerprint
from medbench.engine.plan.builder import PlanBuilder

MIRRORS: dict[str, tuple[int, ...]] = {"none": (), "left-right": (2,), "all axes": (0, 1, 2)}
"""Axes z, y, x."""
_CPU_VOXELS, _GPU_VOXELS = 50_000, 2_000_000
_CPU_PIXELS, _GPU_PIXELS = 256 * 256, 512 * 512
_CPU_SEEN = 250_000_000
"""Voxels a CPU trains on in about 20 minutes."""
_STEP = 8
_THIN = 4.0
"""Pixels that the thinnest structure of a picture keeps."""


def numbers_of(plan: dict[str, Any], key: str) -> list[float]:
    """Numbers of a row like ``32,48,32``.

    Raises
    ------
    BadInputError
        It holds something else.
    """
    try:
        found = [float(part) for part in str(plan[key]).split(",")]
    except ValueError:
        raise BadInputError(f"{key} must be numbers like 32,48,32, not {plan[key]!r}.") from None
    wanted = {"spacing": (2, 3), "patch": (2, 3), "grey_values": (4,)}.get(key)
    if wanted and len(found) not in wanted:
        raise BadInputError(f"{key} = {plan[key]} must hold {wanted[-1]} numbers.")
    if key in ("spacing", "patch", "widths") and min(found) <= 0:
        raise BadInputError(f"{key} = {plan[key]} must be larger than 0.")
    return found


def _text(numbers: Any) -> str:
    return ",".join(f"{v:g}" for v in numbers)


def add_mask_rows(plan: PlanBuilder, fingerprint: Fingerprint, device: torch.device) -> None:
    """All rows of a segmentation learner."""
    values, cpu = fingerprint.values, device.type == "cpu"
    flat = bool(values["flat"])
    spacing = _spacing_row(plan, values, cpu=cpu)
    _orientation_row(plan, values)
    _grey_rows(plan, values)
    shape = _grid_shape(values, spacing)
    patch = _patch_row(plan, shape, flat=flat, cpu=cpu)
    base = 16 if cpu else 32
    depth = min(5, max(3, int(np.log2(min(patch) / 4))))
    if not flat:
        depth = min(depth, 3 if cpu else 5)
    plan.row(
        "widths", "Network", _text(min(base * 2**i, 320) for i in range(depth)),
        f"Residual U-Net of {depth} levels: a patch of {_text(patch)} is halved down to "
        f"{min(patch) // 2 ** (depth - 1)} voxels"
        + (", few filters because a CPU trains it." if cpu else "."),
    )  # fmt: skip
    _training_rows(plan, fingerprint, patch, cpu=cpu)
    _augmentation_rows(plan, values, flat=flat)


def _spacing_row(plan: PlanBuilder, values: dict[str, Any] | Any, *, cpu: bool) -> list[float]:
    if values["flat"]:
        side = max(values["shape_median"][1:])
        limit = 512 if cpu else 1024
        thick = values["thickness_px"] or float(limit)
        step = max(1.0, round(min(side / limit, thick / _THIN), 2))
        why = (
            f"Pictures are {side} px (median) and the thinnest structure {thick:.1f} px wide: at "
            f"{step:g} px a step it keeps {thick / step:.1f}, and a device trains faster."
            if step > 1
            else f"Pictures are {side} px (median): nothing is thrown away."
        )
        derived = [step, step]
    else:
        derived = list(values["spacing_median_mm"])
        why = "The median of the training volumes."
        coarse = int(np.argmax(derived))
        if derived[coarse] > 3 * min(derived):
            derived[coarse] = values["spacing_p10_mm"][coarse]
            why = (
                "The median of the training volumes; across the thick slices their 10th percentile,"
                " so that thin ones keep what they show."
            )
        derived = [round(v, 3) for v in derived]
    unit = "px" if values["flat"] else "mm"
    text = plan.row("spacing", "Voxel spacing z, y, x" if len(derived) == 3 else "Pixel step",
                    _text(derived), why, unit=unit)  # fmt: skip
    found = numbers_of({"spacing": text}, "spacing")
    if len(found) != len(derived):
        raise BadInputError(f"spacing = {text} must hold {len(derived)} numbers.")
    return found


def _orientation_row(plan: PlanBuilder, values: Any) -> None:
    if values["flat"]:
        return
    plan.row(
        "orientation", "Orientation", "LPS" if values["placed"] else "as stored",
        "Axes are turned to the patient's left, back and head; nothing is interpolated for it."
        if values["placed"]
        else "Some files do not say how they lie in the patient: axes stay as stored.",
        choices=("LPS",) if values["placed"] else ("as stored",),
    )  # fmt: skip


def _grey_rows(plan: PlanBuilder, values: Any) -> None:
    channels = int(values["channels"])
    plan.row(
        "channels", "Channels", channels,
        "The training images are in colour." if channels == 3 else "The images are grey.",
        choices=(1, 3),
    )  # fmt: skip
    ct = values["modality"] == "CT"
    plan.row(
        "normalisation", "Normalisation", "ct" if ct else "z-score",
        "Hounsfield units mean the same in every image: clipped to the structures' 0.5 to 99.5 "
        "percentile, then one mean and spread for all."
        if ct
        else "Grey values of MR and photographs have no unit: each image is clipped to its own 0.5 "
        "to 99.5 percentile and gets mean 0 and spread 1.",
        choices=("ct", "z-score"),
    )  # fmt: skip
    numbers = (values["inside_low"], values["inside_high"], values["inside_mean"],
               max(values["inside_sd"], 1e-3))  # fmt: skip
    plan.row(
        "grey_values", "Grey values of the structures", _text(round(v, 3) for v in numbers),
        "Percentiles 0.5 and 99.5, mean and spread inside the training masks; used for CT.",
    )  # fmt: skip


def _grid_shape(values: Any, spacing: list[float]) -> list[int]:
    have, shape = values["spacing_median_mm"], values["shape_median"]
    if values["flat"]:
        return [max(1, round(n / s)) for n, s in zip(shape[1:], spacing, strict=True)]
    return [max(1, round(n * h / s)) for n, h, s in zip(shape, have, spacing, strict=True)]


def _patch_row(plan: PlanBuilder, shape: list[int], *, flat: bool, cpu: bool) -> list[int]:
    budget = (
        (_CPU_PIXELS if cpu else _GPU_PIXELS) if flat else (_CPU_VOXELS if cpu else _GPU_VOXELS)
    )
    least = [_STEP, 2 * _STEP, 2 * _STEP][-len(shape) :]  # smaller images are padded
    patch = [max(low, n // _STEP * _STEP) for n, low in zip(shape, least, strict=True)]
    while np.prod(patch) > budget and max(patch) > _STEP:
        # the edge that covers most of the image gives way first
        longest = int(np.argmax(patch))
        patch[longest] -= _STEP
    cover = float(np.prod([min(1.0, p / n) for p, n in zip(patch, shape, strict=True)]))
    text = plan.row(
        "patch", "Patch", _text(patch),
        f"Images are {_text(shape)} on this grid (median); a patch holds {cover:.0%} of one and "
        f"at most {budget:,} voxels for this device.", unit="voxels",
    )  # fmt: skip
    found = [int(v) for v in numbers_of({"patch": text}, "patch")]
    if len(found) != len(patch):
        raise BadInputError(f"patch = {text} must hold {len(patch)} numbers.")
    return found


def _training_rows(
    plan: PlanBuilder, fingerprint: Fingerprint, patch: list[int], *, cpu: bool
) -> None:
    n = fingerprint.n_cases
    plan.row(
        "batch_size", "Batch size", 2, "Patches are large: two keep the most steps; a batch's "
        "structures are counted together in the loss.", low=1, high=256,
    )  # fmt: skip
    patches = int(np.clip(2 * n, 32, 250))
    patches = int(plan.row(
        "epoch_patches", "Patches an epoch", patches,
        f"About two from each of {n} training cases, drawn anew each epoch.", low=2, high=100_000,
    ))  # fmt: skip
    seen = _CPU_SEEN if cpu else 40 * _CPU_SEEN
    epochs = int(np.clip(seen / (patches * float(np.prod(patch))), 8, 1000))
    plan.row(
        "epochs", "Epochs at most", epochs,
        f"{epochs * patches:,} patches in all: about 20 minutes of "
        + ("one CPU core." if cpu else "this device."), low=1, high=10000,
    )  # fmt: skip
    plan.row(
        "patience", "Early stopping", max(8, epochs // 2),
        "Stops after so many epochs without a better mean Dice of whole validation cases.",
        low=1, high=10000, unit="epochs",
    )  # fmt: skip
    plan.row(
        "learning_rate", "Learning rate", 3e-3,
        "Peak of a rise over the first tenth and a cosine fall (AdamW).", low=1e-7, high=10.0,
    )  # fmt: skip
    plan.row(
        "weight_decay", "Weight decay", 0.01, "Pulls weights to zero; more data would need less.",
        low=0.0, high=10.0,
    )  # fmt: skip
    plan.row(
        "dropout", "Dropout", 0.0, "Augmentation already keeps a small U-Net from learning cases "
        "by heart.", low=0.0, high=0.95,
    )  # fmt: skip
    plan.row(
        "foreground", "Patches on a structure", 0.5,
        f"Structures fill little of an image: half of the patches are aimed at one, each of the "
        f"{len(fingerprint.class_counts) - 1} as often.", low=0.0, high=1.0,
    )  # fmt: skip
    plan.row(
        "precision", "Precision", "float32" if cpu else "auto",
        "Measured on CPUs: bfloat16 is slower for three-dimensional convolutions."
        if cpu
        else "bfloat16 where a measured step is faster, else float32.",
        choices=("auto", "float32", "bfloat16"),
    )  # fmt: skip


def _augmentation_rows(plan: PlanBuilder, values: Any, *, flat: bool) -> None:
    plan.row(
        "augment", "Augmentation", "strong",
        "Turns, stretching, bending, contrast and noise as between patients and machines; the "
        "mask follows every move.", choices=("none", "mild", "strong"),
    )  # fmt: skip
    known = flat or bool(values["placed"])
    legal = known and not values["sided"]
    if values["sided"]:
        why = "Some structures are named left or right: mirrored they would be the other one."
    elif not known:
        why = "Which axis runs from right to left is not known."
    else:
        why = "No structure is named left or right: a mirrored image keeps its labels."
    mirror = plan.row(
        "mirror", "Mirror", "left-right" if legal else "none", why, choices=tuple(MIRRORS)
    )
    plan.row(
        "tta", "Average over mirrored images", mirror != "none",
        "An answer is the mean of the image and its mirror image, where mirroring is legal.",
    )  # fmt: skip
