"""Study > Series > Instance > Frame, what the viewer shows of them, and grey-level rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np

from medbench.domain.calibration import Calibration
from medbench.domain.geometry import Geometry


class VoiFunction(StrEnum):
    """VOI LUT Function (0028,1056)."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


@dataclass(frozen=True)
class VoiWindow:
    """Window in modality units (PS3.3 C.11.2.1.2, C.11.2.1.3)."""

    center: float
    width: float
    function: VoiFunction = VoiFunction.LINEAR
    explanation: str = ""

    def moved(self, center: float, width: float) -> "VoiWindow":
        """The same function elsewhere; LINEAR is never narrower than 1 (C.11.2.1.2.1)."""
        least = 1.0 if self.function is VoiFunction.LINEAR else 1e-9
        return VoiWindow(center, max(least, width), self.function)


@dataclass(frozen=True, eq=False)
class VoiLut:
    """One item of the VOI LUT Sequence (PS3.3 C.11.2.1.1); input in modality units."""

    first_mapped: int
    data: np.ndarray
    """Entries, read-only, unsigned."""
    bits: int = 16
    explanation: str = ""


Voi = VoiWindow | VoiLut


class DisplayKind(StrEnum):
    """What a display is, and so how it is shown."""

    VOLUME = "volume"
    """Parallel slices with positions: stack and reformats."""
    STACK = "stack"
    """Images without a common geometry, one after the other."""
    MULTIFRAME = "multiframe"
    """Frames of one instance without positions (cine)."""
    WAVEFORM = "waveform"
    DOCUMENT = "document"
    OTHER = "other"

    @property
    def without_pictures(self) -> bool:
        """Whether it has a view of its own instead of viewports."""
        return self in (DisplayKind.WAVEFORM, DisplayKind.DOCUMENT, DisplayKind.OTHER)


@dataclass(frozen=True)
class FrameRef:
    """One frame of one file, and where it lies."""

    path: Path
    frame: int = 0
    """0-based frame number inside the file."""
    sop_instance_uid: str = ""
    instance_number: int | None = None
    position_mm: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class DisplaySet:
    """Frames of one series that belong on one screen, sorted along the normal."""

    display_id: str
    """Unique inside one scan; safe for the command line. What is stored names `key`."""
    kind: DisplayKind
    modality: str
    description: str
    rows: int
    columns: int
    frames: tuple[FrameRef, ...]
    geometry: Geometry | None = None
    pixel_spacing_mm: tuple[float, float] | None = None
    """Row, column spacing when there is no 3-D geometry but millimetres are known."""
    colour: bool = False
    photometric: str = "MONOCHROME2"
    reason: str = ""
    """Why it was split off, or why it is not a volume; empty when there is nothing to say."""
    warnings: tuple[str, ...] = ()
    series_instance_uid: str = ""
    study_instance_uid: str = ""
    sop_class_uid: str = ""
    time_index: int = 0
    """Which time point of its ``time_count``; displays of one series share positions then."""
    time_count: int = 1
    time_group: int = 0
    """Displays of one series with the same group are the time points of one place."""
    times_s: tuple[float, ...] = ()
    """Cine: seconds each frame is shown; empty where the file does not say."""
    source: str = "dicom"
    """Kind of file it lies in: which reader `medbench.formats.opening` takes."""
    body_part: str = ""
    """Body Part Examined (0018,0015)."""
    laterality: str = ""
    """Image Laterality (0020,0062), else Laterality (0020,0060): L, R, B or U."""
    view_position: str = ""
    """View Position (0018,5101): PA, LL, CC, MLO ..."""

    @property
    def slices(self) -> int:
        """Number of frames."""
        return len(self.frames)

    @property
    def key(self) -> str:
        """Unique among all studies, and the same whatever else is opened with it.

        The first numbers of ``display_id`` count studies and series of one scan; only the last,
        the place inside its series, belongs to the display.
        """
        place = self.display_id.rpartition(".")[2]
        return f"{self.study_instance_uid}|{self.series_instance_uid}|{place}"

    @property
    def reformattable(self) -> bool:
        """Whether planes can be cut; tilted or irregular stacks are resampled before."""
        return (
            self.kind is DisplayKind.VOLUME
            and self.geometry is not None
            and self.slices >= 3
            and not self.colour
        )


@dataclass(frozen=True)
class Instance:
    """One SOP instance in one file."""

    path: Path
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    number_of_frames: int = 1
    instance_number: int | None = None
    complete: bool = True


@dataclass(frozen=True)
class Series:
    """One series and the displays it falls into."""

    series_instance_uid: str
    modality: str
    description: str
    number: int | None
    instances: tuple[Instance, ...]
    displays: tuple[DisplaySet, ...]


@dataclass(frozen=True)
class Study:
    """One study of one patient."""

    study_instance_uid: str
    patient_id: str
    patient_name: str
    patient_sex: str
    patient_birth_date: str
    study_date: str
    study_time: str
    description: str
    institution: str
    series: tuple[Series, ...]
    simulated: bool = False


@dataclass(frozen=True)
class Skipped:
    """A file that is not shown, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class ScanResult:
    """Everything below the scanned paths: instances + skipped = files."""

    studies: tuple[Study, ...]
    skipped: tuple[Skipped, ...]
    files: int = 0
    """Files met; members of archives count, the archives they come from don't."""


@dataclass(frozen=True, eq=False)
class OverlayPlane:
    """One overlay of a frame, on the frame's grid (PS3.3 C.9.2)."""

    group: str
    mask: np.ndarray
    """bool (rows, columns); what lies outside the image is cut off."""
    label: str = ""
    kind: str = "G"
    """G graphics, R region of interest."""
    bits_set: int = 0
    """Bits of the whole plane, also outside the image."""


@dataclass(frozen=True, eq=False)
class Shutter:
    """Pixels the display shutter hides, and the grey (0 to 255) it hides them with."""

    hidden: np.ndarray
    grey: int = 0
    shape: str = ""


@dataclass(frozen=True)
class Orientation:
    """How a frame lies in the patient: letters, spatial transformation, side."""

    row: str = ""
    """Where a row runs to (left to right), letters; empty where the file does not say."""
    column: str = ""
    """Where a column runs to (top to bottom)."""
    laterality: str = ""
    quadruped: bool = False


@dataclass(frozen=True)
class GraphicObject:
    """Line or text of a presentation state, in (row, column) of the image, first pixel 0, 0."""

    kind: str
    """POINT, POLYLINE, INTERPOLATED, CIRCLE, ELLIPSE or TEXT."""
    points: tuple[tuple[float, float], ...]
    text: str = ""
    filled: bool = False
    layer: str = ""


@dataclass(frozen=True)
class FrameInfo:
    """What one frame needs beside its voxels to be shown right."""

    vois: tuple[Voi, ...] = ()
    """Alternatives from the file, first is the default."""
    inverted: bool = False
    """MONOCHROME1 or Presentation LUT Shape INVERSE: invert after VOI."""
    padding: tuple[float, float] | None = None
    """Inclusive range in modality units that is no anatomy."""
    value_unit: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Corner texts by key: patient, study, series, technique ..."""
    calibration: Calibration = field(default_factory=Calibration)
    """Where millimetres come from; every length goes through it."""
    pixel_aspect: tuple[float, float] | None = None
    """(vertical, horizontal) where pixels are not square and no spacing is known."""
    overlays: tuple[OverlayPlane, ...] = ()
    shutter: Shutter | None = None
    orientation: Orientation = field(default_factory=Orientation)
    suv_factor: float | None = None
    """Modality value -> SUVbw in g/ml."""
    suv_refused: str = ""
    badges: tuple[str, ...] = ()
    """Short notes that belong on the picture: window in stored units, lossy ..."""
    graphics: tuple[GraphicObject, ...] = ()
    rotation_deg: int = 0
    """Clockwise turn a presentation state asks for, before the flip."""
    flip_horizontal: bool = False
    stored_line: tuple[float, float] = (1.0, 0.0)
    """Slope and intercept that led from stored to modality values."""
    stored_range: tuple[float, float] = (0.0, 255.0)
    """Stored values the bits allow."""
    modality_table: bool = False
    """Whether a Modality LUT led to the modality values instead of the line."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels in modality values and their geometry; never changed after loading.

    ``voxels`` is (z, y, x) int16, uint16, uint8, int32 or float32, or (z, y, x, 3) uint8 for
    colour; read-only. While a loader still fills it, only slices whose ``ready`` flag is True may
    be drawn, and ``failed`` names the ones that could not be decoded.
    """

    display: DisplaySet
    voxels: np.ndarray
    ready: np.ndarray
    """bool, (z,)."""
    failed: Mapping[int, str]
    infos: Sequence[FrameInfo]
    """One per slice; may be read from the file when first asked for."""

    @property
    def geometry(self) -> Geometry | None:
        """Geometry of the display."""
        return self.display.geometry
