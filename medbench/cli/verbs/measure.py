"""``medbench measure``: the numbers of one measurement, as the window shows them."""

import argparse
import math
from pathlib import Path
from typing import Any

import numpy as np

from medbench.base.errors import BadInputError, DecodeError
from medbench.cli.options import add_opening, opened_studies
from medbench.domain.image import DisplaySet
from medbench.domain.measurement import MeasurementKind, Place
from medbench.formats.opening import open_display
from medbench.imaging.regular import regularise
from medbench.imaging.reslice import PlaneKind, orthogonal_plane
from medbench.imaging.roi import ellipse_ends
from medbench.session.measuring import (
    Picture,
    acquired_picture,
    cut_picture,
    grid_of,
    pixel_size,
    quantities_of,
)
from medbench.session.operations.studies import choose_display

_KINDS = tuple(
    kind.value for kind in MeasurementKind
    if kind not in (MeasurementKind.ARROW, MeasurementKind.TEXT)
)  # fmt: skip
_PLANES = ("axial", "coronal", "sagittal")
_COUNTS = {
    MeasurementKind.PROBE: (1,), MeasurementKind.LENGTH: (2,), MeasurementKind.ANGLE: (3,),
    MeasurementKind.COBB: (4,), MeasurementKind.BIDIRECTIONAL: (4,),
    MeasurementKind.RECTANGLE: (2,), MeasurementKind.ELLIPSE: (2, 4),
}  # fmt: skip


def add(subparsers: Any) -> None:
    """Add the verb's arguments."""
    parser = subparsers.add_parser(
        "measure", help="measure on one picture: lengths, angles, regions and their values"
    )
    parser.add_argument("path", type=Path, metavar="PATH")
    parser.add_argument("--kind", choices=_KINDS, required=True)
    parser.add_argument(
        "--points", required=True, metavar="R,C;R,C...",
        help="places as row,column (pixel centres are whole numbers); an ellipse by two opposite "
        "corners of its box, or by the ends of its axes",
    )  # fmt: skip
    parser.add_argument(
        "--slice", type=int, metavar="N", help="0-based, of the plane; default: the middle one"
    )
    parser.add_argument("--plane", choices=_PLANES, help="cut this plane; default: as acquired")
    parser.add_argument("--display", metavar="ID", help="default: the one with most slices")
    add_opening(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read, measure."""
    kind = MeasurementKind(args.kind)
    points = _points(args.points, kind)
    with opened_studies(args, [args.path]) as found:
        display = choose_display(found, args.display)
        if display.kind.without_pictures:
            raise BadInputError("This display holds no pictures: there is nothing to measure on.")
        if args.plane is None:
            picture, index = _acquired(display, args.slice)
        else:
            picture, index = _cut(display, PlaneKind(args.plane), args.slice)
    if kind is MeasurementKind.ELLIPSE and len(points) == 2:
        points = ellipse_ends(points[0], points[1], pixel_size(picture, *points))
    numbers = quantities_of(kind, points, picture)
    return {
        "display": display.display_id,
        "plane": args.plane or "acquired",
        "slice": index,
        "kind": kind.value,
        "points": [list(p) for p in points],
        "calibration": picture.calibration.source.value,
        "value_unit": picture.unit,
        "quantities": [
            {"name": q.name, "value": q.value, "unit": q.unit, "badge": q.badge} for q in numbers
        ],
    }


def _points(words: str, kind: MeasurementKind) -> tuple[Place, ...]:
    points = []
    for part in filter(None, (p.strip() for p in words.split(";"))):
        try:
            row, column = (float(v) for v in part.split(","))
        except ValueError:
            raise BadInputError(f"{part!r} is no place: write row,column.") from None
        if not (math.isfinite(row) and math.isfinite(column)):
            raise BadInputError(f"{part!r} is no place: numbers must be finite.")
        points.append((row, column))
    wanted = _COUNTS.get(kind)
    if wanted is not None and len(points) not in wanted:
        several = " or ".join(str(n) for n in wanted)
        raise BadInputError(f"--kind {kind.value} needs {several} points, not {len(points)}.")
    if wanted is None and len(points) < 3:
        raise BadInputError(f"--kind {kind.value} needs 3 or more points, not {len(points)}.")
    return tuple(points)


def _index(asked: int | None, count: int) -> int:
    index = count // 2 if asked is None else asked
    if not 0 <= index < count:
        raise BadInputError(f"There is no slice {index}; slices 0 to {count - 1} exist.")
    return index


def _acquired(display: DisplaySet, asked: int | None) -> tuple[Picture, int]:
    index = _index(asked, display.slices)
    with open_display(display) as reader:
        return acquired_picture(np.asarray(reader.read(index)), reader.info(index)), index


def _cut(display: DisplaySet, kind: PlaneKind, asked: int | None) -> tuple[Picture, int]:
    """As the planes of the window: tilted and irregular stacks are resampled before."""
    geometry = display.geometry
    if not display.reformattable or geometry is None:
        raise BadInputError("This display is no stack of slices that planes could be cut from.")
    with open_display(display) as reader:
        volume = reader.load()
        if volume.failed:
            number, reason = min(volume.failed.items())
            raise DecodeError(f"Frame {number} could not be decoded: {reason}.")
        padding = volume.infos[0].padding
        same = len({one.suv_factor for one in volume.infos}) == 1
        voxels = volume.voxels
        if not geometry.uniform:
            fill = float(padding[0] if padding else voxels.min())
            voxels, geometry = regularise(voxels, geometry, fill, padding=padding)
        plane = orthogonal_plane(geometry, kind)
        index = _index(asked, plane.shape[0])
        along = plane.axes[0] == 0 and not geometry.resampled
        own = plane.shape[0] - 1 - index if plane.flips[0] else index
        info = volume.infos[own if along else 0]
        values = np.array(plane.picture(voxels, index))
    return cut_picture(values, grid_of(plane, index), info, suv=along or same), index
