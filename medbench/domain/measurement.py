"""What a reader measured on a picture: where it lies, its points, its numbers and their source."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar

import numpy as np

from medbench.domain.geometry import Vector
from medbench.domain.objects import PlaneGrid

Place = tuple[float, float]
"""(row, column) of a picture, continuous, pixel centres at whole numbers."""


class MeasurementKind(StrEnum):
    """What was measured; the points each kind has are listed beside it."""

    PROBE = "probe"
    """1 point."""
    LENGTH = "length"
    """2 points."""
    BIDIRECTIONAL = "bidirectional"
    """4 points: ends of the long axis, then of the short axis."""
    ANGLE = "angle"
    """3 points: arm, vertex, arm."""
    COBB = "cobb"
    """4 points: two lines."""
    RECTANGLE = "rectangle"
    """2 points: opposite corners; sides along the picture's rows and columns."""
    ELLIPSE = "ellipse"
    """4 points: ends of one axis, then of the other (PS3.3 C.10.5.1.2)."""
    FREEHAND = "freehand"
    """3 or more points of a closed outline, drawn in one stroke."""
    POLYLINE = "polyline"
    """3 or more corners of a closed outline."""
    ARROW = "arrow"
    """2 points: tip, then tail."""
    TEXT = "text"
    """1 point."""

    @property
    def is_roi(self) -> bool:
        """Whether it encloses pixels and has statistics."""
        return self in (
            MeasurementKind.RECTANGLE, MeasurementKind.ELLIPSE, MeasurementKind.FREEHAND,
            MeasurementKind.POLYLINE,
        )  # fmt: skip


@dataclass(frozen=True)
class Site:
    """The picture a measurement lies on.

    A picture of an acquired frame is named by its instance; a cut through a volume by its plane in
    the patient alone (``sop_instance_uid`` is '' then). Plain pictures have no ``grid``.
    """

    study_instance_uid: str
    series_instance_uid: str
    display_key: str
    sop_instance_uid: str = ""
    frame: int = 0
    """As `FrameRef.frame`: 0-based."""
    frame_of_reference_uid: str = ""
    grid: PlaneGrid | None = None
    view: str = "acquired"
    """Value of `PlaneKind`, or 'oblique'."""
    slab_mm: float = 0.0

    @property
    def reformatted(self) -> bool:
        """Whether the picture was cut from a volume."""
        return not self.sop_instance_uid


@dataclass(frozen=True)
class Quantity:
    """One number of a measurement; ``value`` is None where there is none (shown as a dash)."""

    name: str
    """length, long axis, short axis, product, angle, mean, sd, min, max, area, perimeter, n ..."""
    value: float | None
    unit: str = ""
    badge: str = ""
    """Where its millimetres come from (`MmSource`), or why there is no number."""


@dataclass(frozen=True)
class Measurement:
    """One measurement of a reader; immutable, replaced by `changed` copies."""

    stored_as: ClassVar[str] = "measurement"

    measurement_id: str
    kind: MeasurementKind
    site: Site
    points: tuple[Place, ...]
    quantities: tuple[Quantity, ...] = ()
    label: str = ""
    text: str = ""
    lesion: str = ""
    """Equal for measurements of one lesion, also across studies; '' = none."""
    reader: str = ""
    created: str = ""
    changed: str = ""
    """ISO 8601."""
    locked: bool = False
    tracker_uid: str = ""
    """Tracking Unique Identifier (TID 1500) once exported or imported."""

    @property
    def record_id(self) -> str:
        """Key in the reading book."""
        return self.measurement_id

    @property
    def study_instance_uid(self) -> str:
        """Study it belongs to."""
        return self.site.study_instance_uid

    def quantity(self, name: str) -> Quantity | None:
        """The number of that name."""
        return next((q for q in self.quantities if q.name == name), None)

    def points_mm(self) -> tuple[Vector, ...]:
        """Points in the patient (LPS, mm); empty for pictures without geometry."""
        grid = self.site.grid
        if grid is None:
            return ()
        origin = np.asarray(grid.origin_mm)
        down = np.asarray(grid.column_direction) * grid.row_mm
        right = np.asarray(grid.row_direction) * grid.column_mm
        found = [origin + row * down + column * right for row, column in self.points]
        return tuple((float(p[0]), float(p[1]), float(p[2])) for p in found)

    def moved(self, points: tuple[Place, ...], quantities: tuple[Quantity, ...]) -> "Measurement":
        """Copy with other points and the numbers that belong to them."""
        return replace(self, points=points, quantities=quantities)
