"""Where millimetres come from: one answer per frame, carried with it, so that no tool can guess.

PS3.3 10.7.1 (projection X-ray, scanned film), C.8.5.5.1 (ultrasound regions), C.7.6.2 (slices).
"""

import math
from dataclasses import dataclass
from enum import StrEnum

UNIT_NONE, UNIT_CM = 0, 3
Place = tuple[float, float]
"""(row, column), pixel centres at whole numbers."""


class MmSource(StrEnum):
    """Origin of a pixel's size; the value is the badge beside every length."""

    PATIENT = "mm"
    DETECTOR = "mm at detector"
    GEOMETRY = "mm, geometry"
    FIDUCIAL = "mm, fiducial"
    CORRECTED = "mm, corrected, method unknown"
    MAGNIFIED = "mm, magnified"
    SCANNER = "mm at scanner"
    UNKNOWN = "mm, calibration unknown"
    ULTRASOUND = "mm, ultrasound region"
    NONE = "px"


@dataclass(frozen=True)
class UltrasoundRegion:
    """One item of the Sequence of Ultrasound Regions; bounds are inclusive pixels."""

    left: int
    top: int
    right: int
    bottom: int
    unit_x: int
    unit_y: int
    delta_x: float
    delta_y: float
    low_priority: bool = False

    def contains(self, place: Place) -> bool:
        """Whether a place lies on the region's pixels."""
        row, column = place
        return (
            self.left - 0.5 <= column <= self.right + 0.5
            and self.top - 0.5 <= row <= self.bottom + 0.5
        )

    @property
    def in_cm(self) -> bool:
        """Whether both axes are centimetres with equal steps: lengths make sense."""
        dx, dy = abs(self.delta_x), abs(self.delta_y)
        return (
            self.unit_x == UNIT_CM
            and self.unit_y == UNIT_CM
            and dx > 0
            and math.isclose(dx, dy, rel_tol=1e-3)
        )


@dataclass(frozen=True)
class Length:
    """A distance and what it is worth; ``value`` is None where no length exists."""

    value: float | None
    unit: str
    badge: str


@dataclass(frozen=True)
class Calibration:
    """Size of a pixel and its source."""

    source: MmSource = MmSource.NONE
    row_mm: float = 1.0
    """Between rows (vertical); PS3.3 10.7.1.3 puts it first."""
    column_mm: float = 1.0
    regions: tuple[UltrasoundRegion, ...] = ()

    @property
    def in_mm(self) -> bool:
        """Whether one size holds for the whole picture."""
        return self.source not in (MmSource.NONE, MmSource.ULTRASOUND)

    def at(self, *places: Place) -> "Calibration | None":
        """Calibration that holds at all places together; None where no length exists.

        Of overlapping ultrasound regions one in centimetres wins, then high priority
        (C.8.5.5.1.3: bit 0 of Region Flags is 0).
        """
        if self.source is not MmSource.ULTRASOUND:
            return self
        holding = [r for r in self.regions if all(r.contains(p) for p in places)]
        lengths = sorted((r for r in holding if r.in_cm), key=lambda r: r.low_priority)
        if lengths:
            best = lengths[0]
            return Calibration(
                MmSource.ULTRASOUND, abs(best.delta_y) * 10, abs(best.delta_x) * 10, (best,)
            )
        if any((r.unit_x, r.unit_y) != (UNIT_NONE, UNIT_NONE) for r in holding):
            return None
        return Calibration()

    def length(self, start: Place, end: Place) -> Length:
        """Distance of two places."""
        found = self.at(start, end)
        if found is None:
            return Length(None, "", "no length here: the axes are not both centimetres")
        rows, columns = end[0] - start[0], end[1] - start[1]
        value = math.hypot(rows * found.row_mm, columns * found.column_mm)
        unit = "px" if found.source is MmSource.NONE else "mm"
        return Length(value, unit, found.source.value)

    def area(self, places: list[Place], pixels: float) -> Length:
        """Area of ``pixels`` pixels whose outline is ``places``."""
        found = self.at(*places)
        if found is None:
            return Length(None, "", "no area here: the axes are not both centimetres")
        if found.source is MmSource.NONE:
            return Length(pixels, "px2", found.source.value)
        return Length(pixels * found.row_mm * found.column_mm, "mm2", found.source.value)
