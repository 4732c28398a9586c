"""Second opinions on stored values and grey levels: the expected table, and pydicom itself."""

import ast
import hashlib
import warnings

import numpy as np
import pydicom
from pydicom.pixels import apply_modality_lut, apply_voi_lut, convert_color_space

from medbench.domain.image import VoiLut

LOSSY = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")
JPEG_MEAN = 0.06
"""Decoders of lossy JPEG may round their cosine transform differently: up to one grey level."""


def compare(ours, form, path, row):
    """How our stored values relate to the expected raw array."""
    if ours.shape != ast.literal_eval(row["shape"]):
        return f"wrong: {ours.shape}"
    same = np.ascontiguousarray(ours.astype(row["dtype"]))
    if np.array_equal(same, ours) and digest(same) == row["md5_of_raw_array"]:
        return "bit for bit"
    raw = raw_array(path)
    known = raw is not None and digest(np.ascontiguousarray(raw)) == row["md5_of_raw_array"]
    if known:
        return by_rule(ours, form, raw)
    if form.transfer_syntax_uid not in LOSSY:
        return "wrong: neither the expected md5 nor a rule"
    if form.samples == 1 or form.photometric == "RGB":
        near = [abs(ours.mean() - float(row["mean"])) <= JPEG_MEAN,
                abs(float(ours.min()) - float(row["min"])) <= 1,
                abs(float(ours.max()) - float(row["max"])) <= 1]  # fmt: skip
        return "within one grey level" if all(near) else f"wrong: mean {ours.mean()}"
    return "wrong: colour that was not compared" if raw is None else by_rule(ours, form, raw)


def raw_array(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return pydicom.pixel_array(path, raw=True)
        except (RuntimeError, ValueError, AttributeError, NotImplementedError):
            return None


def by_rule(ours, form, raw):
    """Masked, or turned to 8-bit RGB, as the standard says."""
    if form.samples == 1:
        mask = (1 << form.bits_stored) - 1
        low = raw.astype(np.int64) >> (form.high_bit + 1 - form.bits_stored) & mask
        if form.signed:
            low = np.where(low >> (form.bits_stored - 1), low - mask - 1, low)
        return "by rule, masked" if np.array_equal(ours, low) else "wrong: not the masked cells"
    eight = (raw >> max(0, form.bits_stored - 8)).astype(np.uint8)
    if form.photometric.startswith("YBR_FULL"):
        rgb = convert_color_space(eight, "YBR_FULL", "RGB")
        # a JPEG decoder smooths the colour it repeats: neighbours of an edge may differ
        limit = 3.0 if form.transfer_syntax_uid in LOSSY else 0.0
        apart = np.abs(ours.astype(int) - rgb.astype(int))
        if (limit == 0.0 and apart.max() <= 1) or (limit and apart.mean() <= limit):
            return "by rule, from the raw array"
        return f"wrong: {apart.mean():.3f} from RGB by the standard, {apart.max()} at most"
    return "by rule, from the raw array" if np.array_equal(ours, eight) else "wrong: not 8 bits"


def digest(values):
    return hashlib.md5(values.tobytes(), usedforsecurity=False).hexdigest()


def known_to_pydicom(dataset, raw):
    """Not what pydicom leaves undone: functional groups, unused bits, odd LUT items."""
    grouped = "SharedFunctionalGroupsSequence" in dataset
    odd = any("LUTDescriptor" not in i for i in dataset.get("ModalityLUTSequence") or ())
    masked = dataset.BitsAllocated > 1 and int(raw.max()) >= 1 << dataset.BitsStored
    return not (grouped or odd or masked)


def grey_of(dataset, raw, voi):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grey = apply_voi_lut(apply_modality_lut(raw, dataset), dataset)
    if isinstance(voi, VoiLut):
        return grey / ((1 << voi.bits) - 1) * 255
    bits = dataset.BitsStored
    below = 1 << (bits - 1) if dataset.PixelRepresentation else 0
    ends = (-below, (1 << bits) - 1 - below)
    slope, intercept = dataset.get("RescaleSlope", 1), dataset.get("RescaleIntercept", 0)
    low, high = (end * float(slope) + float(intercept) for end in ends)
    return (grey - low) / (high - low) * 255
