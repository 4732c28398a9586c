"""Read two displays and register one to the other; shared by window and command line."""

from collections.abc import Callable
from typing import Any

import numpy as np

from medbench.base.errors import BadInputError, CancelledError, DecodeError
from medbench.dicom.decoding.pool import DecoderPool
from medbench.domain.alignment import Alignment, geometry_fingerprint
from medbench.domain.image import DisplaySet, Volume

Cancelled = Callable[[], bool]
Progress = Callable[[float, str], None]


def pair_fingerprint(current: DisplaySet, prior: DisplaySet) -> str:
    """Changes when one of the two is another picture than the one that was registered."""
    return geometry_fingerprint(current.geometry, prior.geometry)


def alignable(display: DisplaySet) -> bool:
    """Whether a display can be registered: a volume, or one grey picture."""
    if display.kind.without_pictures or display.colour:
        return False
    return display.reformattable or display.slices == 1


def align(
    current: DisplaySet,
    prior: DisplaySet,
    *,
    pool: DecoderPool | None = None,
    volumes: tuple[Volume | None, Volume | None] = (None, None),
    cancelled: Cancelled | None = None,
    progress: Progress | None = None,
    threads: int = 1,
) -> Alignment:
    """Find where the points of ``current`` lie in ``prior``; volumes that are loaded are taken.

    Raises
    ------
    BadInputError
        One of them cannot be registered, or not to the other.
    DecodeError
        Frames are missing: an alignment of half a volume would be believed like a whole one.
    CancelledError
        It was stopped.
    """
    from medbench.imaging.registration import register

    stopped = cancelled or (lambda: False)
    images = []
    for display, volume in zip((current, prior), volumes, strict=True):
        images.append(_image(display, volume, pool, stopped))
        if stopped():
            raise CancelledError("The registration was stopped.")
    return register(images[0], images[1], cancelled=stopped, progress=progress, threads=threads)


def _image(
    display: DisplaySet, volume: Volume | None, pool: DecoderPool | None, cancelled: Cancelled
) -> Any:
    from medbench.formats.opening import open_display
    from medbench.imaging.registration_input import RegistrationImage

    name = display.description or display.modality
    if not alignable(display):
        raise BadInputError(
            f"{name} is neither a volume nor a single grey picture: it cannot be aligned."
        )
    if volume is None or not volume.ready.all():
        with open_display(display, pool) as reader:
            volume = reader.load(cancelled=cancelled)
    if cancelled():
        raise CancelledError("The registration was stopped.")
    if volume.failed:
        index, reason = min(volume.failed.items())
        raise DecodeError(f"{name} cannot be aligned: frame {index + 1} is missing: {reason}.")
    info = volume.infos[0]
    if not display.reformattable:
        found = info.calibration
        pixel = (found.row_mm, found.column_mm) if found.in_mm else None
        return RegistrationImage(
            volume.voxels[0], None, display.modality, display.description, info.padding,
            info.inverted, None if pixel is None else (float(pixel[0]), float(pixel[1])),
        )  # fmt: skip
    voxels, geometry = volume.voxels, display.geometry
    assert geometry is not None
    if not geometry.uniform:
        from medbench.imaging.regular import regularise

        low = float(info.padding[0] if info.padding else np.min(voxels))
        voxels, geometry = regularise(voxels, geometry, low, cancelled, info.padding)
    return RegistrationImage(
        voxels, geometry, display.modality, display.description, info.padding, info.inverted
    )
