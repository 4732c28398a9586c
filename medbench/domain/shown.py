"""Pictures as the reader left them: what a presentation state keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from medbench.domain.image import FrameInfo, GraphicObject, Voi


@dataclass(frozen=True)
class VisibleArea:
    """Pixels that are shown, whole (row, column) from 0, ends included; may exceed the image."""

    top: int
    left: int
    bottom: int
    right: int
    magnification: float | None = None
    """Screen pixels per image pixel (MAGNIFY, C.10.4); None = as large as fits."""


@dataclass(frozen=True, eq=False)
class ShownFrame:
    """A frame, and how it is shown."""

    sop_instance_uid: str
    frame: int
    """From 0."""
    info: FrameInfo
    voi: Voi | None
    """In modality units; None for colour."""
    inverted: bool = False
    """After all: white is the lowest value."""
    size_mm: tuple[float, float] | None = None
    """(row, column) size of a pixel where it is known."""


@dataclass(frozen=True, eq=False)
class ShownPictures:
    """Frames of one display as the reader left them."""

    frames: Sequence[ShownFrame]
    colour: bool = False
    rotation_deg: int = 0
    """Clockwise, before the flip."""
    flip: bool = False
    area: VisibleArea | None = None
    """None = the whole image."""
    shutter: bool = True
    overlays: bool = True
    graphics: Mapping[tuple[str, int], tuple[GraphicObject, ...]] = field(default_factory=dict)
    """What is drawn on which frame."""
