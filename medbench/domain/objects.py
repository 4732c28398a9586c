"""What lies beside the pictures of a study: segmentations, structures, reports, waveforms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np

from medbench.domain.geometry import Geometry, Vector
from medbench.domain.image import GraphicObject

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class PlaneGrid:
    """A picture in the patient: first pixel's centre, directions, pixel size, shape."""

    origin_mm: Vector
    row_direction: Vector
    """Along a row (left to right)."""
    column_direction: Vector
    row_mm: float
    """Between rows."""
    column_mm: float
    rows: int
    columns: int

    def points(self) -> np.ndarray:
        """Patient point of every pixel, (rows, columns, 3), float32 offsets kept as float64."""
        row = np.arange(self.rows)[:, None, None] * self.row_mm
        column = np.arange(self.columns)[None, :, None] * self.column_mm
        return np.asarray(
            np.asarray(self.origin_mm)
            + row * np.asarray(self.column_direction)
            + column * np.asarray(self.row_direction)
        )

    @property
    def normal(self) -> np.ndarray:
        """Row direction x column direction."""
        return np.cross(self.row_direction, self.column_direction)


class SegmentationKind:
    """Segmentation Type (0062,0001), and label maps (Supplement 243)."""

    BINARY = "BINARY"
    FRACTIONAL = "FRACTIONAL"
    LABELMAP = "LABELMAP"


@dataclass(frozen=True)
class Segment:
    """One segment or region of interest."""

    number: int
    label: str
    colour: Colour
    algorithm: str = ""
    voxels: int = 0


@dataclass(frozen=True, eq=False)
class SegmentFrame:
    """Pixels of one segment on one plane (of all segments in a label map)."""

    segment: int
    grid: PlaneGrid | None
    values: np.ndarray
    """bool (rows, columns); fractions 0..1 as float32; labels as uint16."""
    referenced_uid: str = ""
    referenced_frame: int = 0


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A segmentation object, in its own geometry."""

    sop_instance_uid: str
    label: str
    kind: str
    segments: tuple[Segment, ...]
    frames: tuple[SegmentFrame, ...]
    frame_of_reference_uid: str
    thickness_mm: float
    """Extent of a frame along its normal."""
    series_uids: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Contour:
    """Closed planar outline or point, (n, 3) LPS mm."""

    points_mm: np.ndarray
    closed: bool = True


@dataclass(frozen=True, eq=False)
class Structure:
    """One region of interest of a structure set."""

    segment: Segment
    contours: tuple[Contour, ...]
    frame_of_reference_uid: str


@dataclass(frozen=True, eq=False)
class StructureSet:
    """RT Structure Set."""

    sop_instance_uid: str
    label: str
    structures: tuple[Structure, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageLink:
    """Instance (and frames) that a report points at."""

    sop_instance_uid: str
    frames: tuple[int, ...] = ()
    """1-based, as stored; empty = the whole instance."""


@dataclass(frozen=True)
class ReportNode:
    """One content item of a structured report (PS3.3 C.17.3)."""

    relationship: str
    value_type: str
    name: str
    value: str
    links: tuple[ImageLink, ...] = ()
    graphic_type: str = ""
    graphic_data: tuple[float, ...] = ()
    children: tuple["ReportNode", ...] = ()
    position: str = "1"
    """Place in the tree, counted from 1 (PS3.3 C.17.3.2.4)."""
    target: str = ""
    """Position of the item that this one stands for (by-reference relationship)."""
    code: str = ""
    """Concept name as 'value, scheme'."""
    continuous: bool = False
    """A container whose texts read as one paragraph (Continuity Of Content)."""
    note: str = ""
    """What had to be assumed to read it, e.g. its character set."""


@dataclass(frozen=True, eq=False)
class Report:
    """Structured report or key object selection."""

    title: str
    status: str
    date: str
    root: ReportNode
    key_objects: bool = False
    links: tuple[ImageLink, ...] = ()
    """All images it points at, in document order."""
    complete: bool = False
    """Completion Flag is COMPLETE."""
    verified: bool = False
    """Verification Flag is VERIFIED."""
    facts: tuple[tuple[str, str], ...] = ()
    """(name, value) of the document: patient, authors, verifiers, template, predecessors."""
    graphics: Mapping[tuple[str, int], tuple[GraphicObject, ...]] = field(default_factory=dict)
    """Spatial coordinates by SOP Instance UID and frame (0-based; -1 = every frame)."""
    count: int = 1
    """Content items."""
    series_uids: Mapping[str, str] = field(default_factory=dict)
    """SOP Instance UID -> series of the evidence it lists."""

    def graphics_on(self, sop_instance_uid: str, frame: int) -> tuple[GraphicObject, ...]:
        """What the report draws on one frame (0-based)."""
        everywhere = self.graphics.get((sop_instance_uid, -1), ())
        return (*everywhere, *self.graphics.get((sop_instance_uid, frame), ()))


class DocumentKind(StrEnum):
    """How an encapsulated document can be shown."""

    PDF = "pdf"
    TEXT = "text"
    MODEL = "model"
    OTHER = "other"


@dataclass(frozen=True)
class Document:
    """A file inside a DICOM object (PS3.3 A.45)."""

    title: str
    kind: DocumentKind
    media_type: str
    suffix: str
    """Of a copy, with the dot."""
    path: Path
    """The DICOM object."""
    ranges: tuple[tuple[int, int], ...]
    """(offset, length) of the document in ``path``; empty where the object is deflated."""
    length_bytes: int
    pages_pt: tuple[tuple[float, float], ...] = ()
    """Width, height of each page in points (1/72 inch)."""
    text: str = ""
    """Of a text document."""
    date: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Channel:
    """One lead."""

    name: str
    unit: str
    sensitivity: str = ""
    """How its values came about, as the file says."""
    filter_low_hz: float | None = None
    filter_high_hz: float | None = None
    notch_hz: float | None = None


@dataclass(frozen=True, eq=False)
class Waveform:
    """Channels sampled together."""

    label: str
    sampling_hz: float
    channels: tuple[Channel, ...]
    samples: np.ndarray
    """float32 (channels, samples) in the channels' units; NaN where nothing was recorded."""
    marks: tuple[tuple[float, str], ...] = ()
    """(seconds, text) of annotations."""
    texts: tuple[str, ...] = ()
    """Statements and measurements of the device; nobody verified them."""
    warnings: tuple[str, ...] = ()
    annotations: dict[str, str] = field(default_factory=dict)
    """Corner texts."""
    comments: tuple[str, ...] = ()
    """Free text beside the record; may name the patient."""
    start_s: float = 0.0
    """When its first sample was taken, after the start of the object's clock."""

    @property
    def duration_s(self) -> float:
        """Length of the record."""
        return float(self.samples.shape[1] / self.sampling_hz)


@dataclass(frozen=True, eq=False)
class ScalarField:
    """A dose grid or parametric map: one number for each point of a volume of its own."""

    sop_instance_uid: str
    label: str
    voxels: np.ndarray
    """(z, y, x), in ``unit``."""
    geometry: Geometry
    unit: str
    value_range: tuple[float, float]
    """Smallest and largest finite value above zero."""
    series_uids: tuple[str, ...] = ()


@dataclass(frozen=True)
class LayerLook:
    """How a layer is drawn over an image."""

    shown: bool = True
    fill: float = 0.3
    """Opacity of the inside, 0 to 1."""
    outline_px: float = 1.5
    hidden: frozenset[int] = frozenset()
    """Numbers of segments that are switched off."""


@dataclass(frozen=True, eq=False)
class Layer:
    """Something drawn over images by its place in the patient."""

    key: str
    title: str
    payload: Segmentation | StructureSet | ScalarField
    look: LayerLook = field(default_factory=LayerLook)


@dataclass(frozen=True, eq=False)
class PaintedLayer:
    """A layer on one picture."""

    key: str
    rgba: np.ndarray | None
    """uint8 (rows, columns, 4), premultiplied, on the picture's grid; None where nothing lies."""
    outlines: tuple[tuple[Colour, np.ndarray], ...] = ()
    """Colour and lines (n, 4) x0, y0, x1, y1 in picture coordinates: pixel edges are whole."""
