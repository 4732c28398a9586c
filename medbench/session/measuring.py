"""The numbers of a measurement, the same for the window and the command line, and their table.

Lengths, areas and angles go through `Calibration` (PS3.3 10.7.1, C.8.5.5.1): it answers in
millimetres with their source, in pixels, or refuses. Values are modality values (T37).
"""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.domain.calibration import Calibration, Length, MmSource
from medbench.domain.image import FrameInfo
from medbench.domain.measurement import Measurement, MeasurementKind, Place, Quantity
from medbench.domain.objects import PlaneGrid
from medbench.domain.roi_ratio import RoiRatio
from medbench.imaging.reslice import MprPlane
from medbench.imaging.roi import (
    outline,
    outline_area_px,
    outline_length,
    region_of,
    region_statistics,
)

POPULATION, SAMPLE = "population", "sample, n - 1"
EMPTY = "no pixel centre inside"
_COLOURS = ("red", "green", "blue")
_NO_ANGLE = "no angle here: the axes are not both centimetres"
_NO_LENGTH = "no length here: the axes are not both centimetres"


@dataclass(frozen=True, eq=False)
class Picture:
    """What is measured: one picture's values and where its millimetres come from."""

    shape: tuple[int, int]
    values: npt.NDArray[Any] | None = None
    """Modality values (rows, columns[, 3]); None = lengths only."""
    calibration: Calibration = field(default_factory=Calibration)
    padding: tuple[float, float] | None = None
    unit: str = ""
    """Of the values: HU, Bq/ml ... '' where the file names none."""
    suv_factor: float | None = None
    aspect: tuple[float, float] = (1.0, 1.0)
    """Height and width of a pixel where no millimetres are known: angles need it."""


def acquired_picture(values: npt.NDArray[Any], info: FrameInfo) -> Picture:
    """A frame as it was acquired."""
    return Picture(
        (values.shape[0], values.shape[1]), values, info.calibration, info.padding,
        info.value_unit, info.suv_factor, info.pixel_aspect or (1.0, 1.0),
    )  # fmt: skip


def cut_picture(
    values: npt.NDArray[Any], grid: PlaneGrid, info: FrameInfo, *, suv: bool = True
) -> Picture:
    """A plane cut through a volume: its own pixel size in the patient holds (C.7.6.2).

    ``suv`` False where the slices it crosses have different SUV factors.
    """
    return Picture(
        (values.shape[0], values.shape[1]), values,
        Calibration(MmSource.PATIENT, grid.row_mm, grid.column_mm), info.padding,
        info.value_unit, info.suv_factor if suv else None,
    )  # fmt: skip


def grid_of(plane: MprPlane, index: int) -> PlaneGrid:
    """Picture ``index`` of a plane, in the patient."""
    x, y, z = (float(v) for v in plane.point_of(index, 0, 0))
    row, column = plane.row_direction, plane.column_direction
    return PlaneGrid(
        (x, y, z), (row[0], row[1], row[2]), (column[0], column[1], column[2]),
        plane.spacing_mm[1], plane.spacing_mm[2], plane.shape[1], plane.shape[2],
    )  # fmt: skip


def pixel_size(picture: Picture, *places: Place) -> tuple[float, float]:
    """Height and width of a pixel that hold for some places together: mm, or relative."""
    found = picture.calibration.at(*places)
    if found is None or found.source is MmSource.NONE:
        return picture.aspect
    return found.row_mm, found.column_mm


def quantities_of(
    kind: MeasurementKind, points: Sequence[Place], picture: Picture
) -> tuple[Quantity, ...]:
    """Every number of a measurement, each with its unit and where it comes from."""
    if kind is MeasurementKind.LENGTH:
        return (_length("length", points[0], points[1], picture),)
    if kind is MeasurementKind.BIDIRECTIONAL:
        return _bidirectional(points, picture)
    if kind is MeasurementKind.ANGLE:
        arms = (points[1], points[0]), (points[1], points[2])
        return (_angle(arms[0], arms[1], picture, lines=False),)
    if kind is MeasurementKind.COBB:
        return (_angle((points[0], points[1]), (points[2], points[3]), picture, lines=True),)
    if kind is MeasurementKind.PROBE:
        return _probe(points[0], picture)
    if kind.is_roi:
        return _region(kind, points, picture)
    return ()


def _quantity(name: str, found: Length) -> Quantity:
    return Quantity(name, found.value, found.unit, found.badge)


def _length(name: str, start: Place, end: Place, picture: Picture) -> Quantity:
    return _quantity(name, picture.calibration.length(start, end))


def _bidirectional(points: Sequence[Place], picture: Picture) -> tuple[Quantity, ...]:
    one = _length("long axis", points[0], points[1], picture)
    two = _length("short axis", points[2], points[3], picture)
    if one.value is None or two.value is None:
        refused = one if one.value is None else two
        return one, two, Quantity("product", None, "", refused.badge)
    if one.unit != two.unit:  # one end outside an ultrasound region: no axis is in mm then
        one, two = (
            Quantity(name, math.dist(points[at], points[at + 1]), "px", MmSource.NONE.value)
            for name, at in (("long axis", 0), ("short axis", 2))
        )
    long, short = max(one.value or 0, two.value or 0), min(one.value or 0, two.value or 0)
    return (
        Quantity("long axis", long, one.unit, one.badge),
        Quantity("short axis", short, one.unit, one.badge),
        Quantity("product", long * short, f"{one.unit}2", one.badge),
    )


def _angle(
    one: tuple[Place, Place], two: tuple[Place, Place], picture: Picture, *, lines: bool
) -> Quantity:
    """Angle of two arms, 0 to 180 degrees; of two lines, which have no direction, 0 to 90."""
    name = "Cobb angle" if lines else "angle"
    found = picture.calibration.at(*one, *two)
    if found is None:
        return Quantity(name, None, "", _NO_ANGLE)
    size = np.asarray(pixel_size(picture, *one, *two))
    first, second = (np.subtract(end, start) * size for start, end in (one, two))
    if not first.any() or not second.any():
        return Quantity(name, None, "", "no angle: an arm has no length")
    across = float(first[0] * second[1] - first[1] * second[0])
    along = float(first @ second)
    value = math.degrees(math.atan2(abs(across), abs(along) if lines else along))
    return Quantity(name, value, "deg", found.source.value)


def _probe(place: Place, picture: Picture) -> tuple[Quantity, ...]:
    row, column = (math.floor(v + 0.5) for v in place)
    values = picture.values
    rows, columns = picture.shape
    if values is None or not (0 <= row < rows and 0 <= column < columns):
        return (Quantity("value", None, picture.unit, "outside the picture"),)
    if values.ndim == 3:
        return tuple(
            Quantity(name, float(v)) for name, v in zip(_COLOURS, values[row, column], strict=True)
        )
    value = float(values[row, column])
    if not math.isfinite(value) or abs(value) >= 1e38:
        return (Quantity("value", None, picture.unit, "not a finite number"),)
    padding = picture.padding
    if padding is not None and padding[0] <= value <= padding[1]:
        return (Quantity("value", None, picture.unit, "padding: no anatomy here"),)
    found = [Quantity("value", value, picture.unit)]
    if picture.suv_factor is not None:
        found.append(Quantity("SUV", value * picture.suv_factor, "g/ml", "SUVbw"))
    return tuple(found)


def _region(
    kind: MeasurementKind, points: Sequence[Place], picture: Picture
) -> tuple[Quantity, ...]:
    region = region_of(kind, points, picture.shape)
    around = [(float(row), float(column)) for row, column in outline(kind, points)]
    calibration = picture.calibration
    outside = calibration.area(around, outline_area_px(kind, points))
    covered = calibration.area(around, region.count)
    sizes = (
        Quantity("area", covered.value if region.count else None, covered.unit,
                 covered.badge if region.count else EMPTY),
        Quantity("outline area", outside.value, outside.unit, outside.badge),
        _perimeter(kind, points, around, picture),
    )  # fmt: skip
    values = picture.values
    if values is None or values.ndim == 3:
        return (*sizes, Quantity("n", region.count, "px"))
    found = region_statistics(values, region, picture.padding)
    counts = Quantity("n", found.n, "px"), Quantity("left out", found.left_out, "px")
    why = "" if found.n else EMPTY if not region.count else "nothing but padding inside"
    numbers = {
        "mean": (found.mean, ""), "sd": (found.sd_population, POPULATION),
        "sd sample": (found.sd_sample, SAMPLE), "min": (found.minimum, ""),
        "max": (found.maximum, ""),
    }  # fmt: skip
    grey = tuple(
        Quantity(name, value, picture.unit, why or badge)
        for name, (value, badge) in numbers.items()
    )
    return (*grey, *_uptake(numbers, picture.suv_factor), *sizes, *counts)


def _perimeter(
    kind: MeasurementKind, points: Sequence[Place], around: Sequence[Place], picture: Picture
) -> Quantity:
    found = picture.calibration.at(*around)
    if found is None:
        return Quantity("perimeter", None, "", _NO_LENGTH)
    if found.source is MmSource.NONE:
        return Quantity("perimeter", outline_length(kind, points), "px", found.source.value)
    value = outline_length(kind, points, (found.row_mm, found.column_mm))
    return Quantity("perimeter", value, "mm", found.source.value)


def _uptake(
    numbers: Mapping[str, tuple[float | None, str]], factor: float | None
) -> tuple[Quantity, ...]:
    """SUVbw of the statistics (T20); nothing where it was refused."""
    if factor is None:
        return ()
    return tuple(
        Quantity(f"SUV {name}", None if value is None else value * factor, "g/ml", "SUVbw")
        for name, (value, _) in numbers.items()
        if name != "sd sample"
    )


COLUMNS = (
    "study_instance_uid", "series_instance_uid", "sop_instance_uid", "frame", "view", "lesion",
    "label", "kind", "quantity", "value", "unit", "source", "points_row_column", "points_lps_mm",
    "text", "reader", "created", "changed", "measurement_id",
)  # fmt: skip


def measurements_csv(measurements: Iterable[Measurement], ratios: Iterable[RoiRatio] = ()) -> str:
    """A table with one line per number: columns `COLUMNS`, values at full precision.

    Ratios of regions follow, each labelled with both.

    ``source`` is the badge: where millimetres come from, which standard deviation it is, or why
    there is no number (``value`` is empty then). Frames are counted from 1.
    """
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    known: dict[str, Measurement] = {}
    for one in measurements:
        known[one.measurement_id] = one
        site = one.site
        head = [
            site.study_instance_uid, site.series_instance_uid, site.sop_instance_uid,
            "" if site.reformatted and site.grid is not None else site.frame + 1, site.view,
            _safe(one.lesion), _safe(one.label), one.kind.value,
        ]  # fmt: skip
        tail = [
            _places(one.points), _places(one.points_mm()), _safe(one.text), _safe(one.reader),
            one.created, one.changed, one.measurement_id,
        ]  # fmt: skip
        for q in one.quantities or (Quantity("", None),):
            value = "" if q.value is None else repr(float(q.value))
            table.writerow([*head, q.name, value, q.unit, q.badge, *tail])
    for ratio in ratios:
        q = ratio.quantity(known)
        value = "" if q.value is None else repr(q.value)
        names = " / ".join(
            (known[m].label or known[m].kind.value) if m in known else ""
            for m in (ratio.above, ratio.below)
        )
        table.writerow(
            [ratio.study_instance_uid, "", "", "", "", "", _safe(names), "ratio", q.name, value,
             q.unit, q.badge, "", "", "", "", ratio.created, "", ratio.ratio_id]
        )  # fmt: skip
    return out.getvalue()


def _places(points: Iterable[Sequence[float]]) -> str:
    return "; ".join(" ".join(f"{v:.6g}" for v in point) for point in points)


def _safe(text: str) -> str:
    """Free text that a spreadsheet must not run as a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
