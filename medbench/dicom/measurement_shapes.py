"""Graphics of structured reports as points of measurements (PS3.3 C.18.6.1.2, C.18.9.1.2)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from medbench.base.errors import BadInputError
from medbench.domain.geometry import Vector
from medbench.domain.measurement import MeasurementKind, Place, Quantity
from medbench.domain.objects import PlaneGrid

_SAME_PX = 1e-3
_FLAT_MM = 1e-3
_NUMBER = r"[-+0-9.e]+"
_PARTS = {"slab": 1, "origin": 3, "row": 3, "column": 3, "pixel": 2, "size": 2}

_TOOLS = {
    "length": MeasurementKind.LENGTH, "ruler": MeasurementKind.LENGTH,
    "bidirectional": MeasurementKind.BIDIRECTIONAL, "angle": MeasurementKind.ANGLE,
    "cobbangle": MeasurementKind.COBB, "probe": MeasurementKind.PROBE,
    "ellipticalroi": MeasurementKind.ELLIPSE, "circleroi": MeasurementKind.ELLIPSE,
    "rectangleroi": MeasurementKind.RECTANGLE, "planarfreehandroi": MeasurementKind.FREEHAND,
    "freehandroi": MeasurementKind.FREEHAND, "splineroi": MeasurementKind.FREEHAND,
    "livewire": MeasurementKind.FREEHAND, "arrowannotate": MeasurementKind.ARROW,
}  # fmt: skip
"""Names of tools that cornerstone and OHIF write behind the colon of the tracking identifier."""


@dataclass(frozen=True, eq=False)
class Graphic:
    """Coordinates as stored: (n, 2) column, row of an image, or (n, 3) LPS mm."""

    kind: str
    points: np.ndarray
    sop_instance_uid: str = ""
    frame: int = 0
    frame_of_reference_uid: str = ""

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Graphic)
            and (self.kind, self.sop_instance_uid, self.frame)
            == (other.kind, other.sop_instance_uid, other.frame)
            and np.array_equal(self.points, other.points)
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def closed(self) -> bool:
        """Whether it ends where it began."""
        return len(self.points) > 3 and bool(
            np.abs(self.points[0] - self.points[-1]).max() < _SAME_PX
        )


@dataclass(frozen=True)
class Plane:
    """The plane a measurement in space lies on."""

    grid: PlaneGrid
    view: str = "oblique"
    slab_mm: float = 0.0


def kind_of(
    tool: str, graphics: Sequence[Graphic], aside: Sequence[Graphic], numbers: Sequence[Quantity]
) -> list[tuple[MeasurementKind, list[Graphic]]]:
    """What the graphics of one group are; each answer is one measurement."""
    names = {quantity.name for quantity in numbers}
    named = _tool(tool)
    if named is MeasurementKind.BIDIRECTIONAL or (
        len(graphics) == 2 and {"long axis", "short axis"} <= names
        and all(len(g.points) == 2 for g in graphics)
    ):  # fmt: skip
        if len(graphics) == 2:
            return [(MeasurementKind.BIDIRECTIONAL, list(graphics))]
        named = None
    if named is MeasurementKind.COBB and len(graphics) == 2:
        return [(named, list(graphics))]
    if len(graphics) == 1 and graphics[0].kind == "POINT" and len(aside) == 1 and not numbers:
        return [(MeasurementKind.ARROW, [graphics[0], aside[0]])]
    found: list[tuple[MeasurementKind | None, list[Graphic]]] = []
    for graphic in graphics:
        if not len(graphic.points):
            continue
        if graphic.kind == "MULTIPOINT":
            found += [
                (MeasurementKind.PROBE, [Graphic("POINT", point[None], graphic.sop_instance_uid,
                                                 graphic.frame, graphic.frame_of_reference_uid)])
                for point in graphic.points
            ]  # fmt: skip
        else:
            found.append((named if _fits(named, graphic) else _guess(graphic, names), [graphic]))
    return [(kind, used) for kind, used in found if kind is not None]


def _tool(words: str) -> MeasurementKind | None:
    if words in set(MeasurementKind):
        return MeasurementKind(words)
    name = words.rpartition(":")[2].lower() if ":" in words else ""
    return _TOOLS.get(name)


_COUNTS = {
    MeasurementKind.PROBE: (1, 1), MeasurementKind.TEXT: (1, 1), MeasurementKind.LENGTH: (2, 2),
    MeasurementKind.ARROW: (2, 2), MeasurementKind.ANGLE: (3, 4), MeasurementKind.COBB: (4, 4),
}  # fmt: skip


def _fits(kind: MeasurementKind | None, graphic: Graphic) -> bool:
    if kind is None:
        return False
    if kind in _COUNTS:
        low, high = _COUNTS[kind]
        return low <= len(graphic.points) <= high
    if kind is MeasurementKind.ELLIPSE:
        return graphic.kind in ("ELLIPSE", "CIRCLE")
    if kind is MeasurementKind.RECTANGLE:
        return graphic.closed and len(graphic.points) == 5 and _upright(graphic)
    return graphic.kind not in ("ELLIPSE", "CIRCLE", "POINT") and len(graphic.points) >= 3


def _upright(graphic: Graphic) -> bool:
    """Whether an outline on an image is a rectangle along rows and columns."""
    points = graphic.points
    if points.shape[1] == 3:
        return True  # its plane says
    steps = np.abs(np.diff(points, axis=0))
    return bool((steps.min(axis=1) < _SAME_PX).all() and (steps.max(axis=1) > 0).all())


def _guess(graphic: Graphic, names: set[str]) -> MeasurementKind | None:
    count = len(graphic.points)
    if graphic.kind == "POINT":
        return MeasurementKind.PROBE
    if graphic.kind in ("ELLIPSE", "CIRCLE"):
        return MeasurementKind.ELLIPSE
    if graphic.kind not in ("POLYLINE", "POLYGON"):
        return None
    if count == 2:
        return MeasurementKind.LENGTH if names else MeasurementKind.ARROW
    angle = bool(names & {"angle", "Cobb angle"})
    if count == 3 and angle and not graphic.closed:
        return MeasurementKind.ANGLE
    if count == 4 and angle and not graphic.closed:
        same = np.abs(graphic.points[1] - graphic.points[2]).max() < _SAME_PX
        return MeasurementKind.ANGLE if same else MeasurementKind.COBB
    if count == 5 and graphic.closed and graphic.points.shape[1] == 2 and _upright(graphic):
        return MeasurementKind.RECTANGLE
    return MeasurementKind.POLYLINE if count >= 3 else None


def measured(
    kind: MeasurementKind, graphics: Sequence[Graphic], plane: Plane | None
) -> tuple[tuple[Place, ...], Plane | None]:
    """(row, column) points of a measurement, and its plane where it lies in space.

    On images DICOM counts column, row from the outer corner of the first pixel; ours are pixel
    centres at whole numbers.

    Raises
    ------
    BadInputError
        The points do not make such a measurement.
    """
    if graphics[0].points.shape[1] == 2:
        found = [_opened(kind, g, g.points[:, ::-1] - 0.5) for g in graphics]
        return _points(kind, np.concatenate(found)), None
    together = np.concatenate([g.points for g in graphics])
    if plane is None or not _lies_on(together, plane.grid):
        plane = plane_through(together)
    places = [_opened(kind, g, _on_plane(g.points, plane.grid)) for g in graphics]
    return _points(kind, np.concatenate(places)), plane


def _opened(kind: MeasurementKind, graphic: Graphic, points: np.ndarray) -> np.ndarray:
    if graphic.kind == "CIRCLE" and len(points) >= 2:  # centre, then a point on it
        centre, radius = points[0], float(np.linalg.norm(points[1] - points[0]))
        across, down = np.array([0.0, radius]), np.array([radius, 0.0])
        return np.array([centre - across, centre + across, centre - down, centre + down])
    if kind is MeasurementKind.ANGLE and len(points) == 4:
        return points[[0, 1, 3]]
    if kind is MeasurementKind.RECTANGLE:
        return points[[0, 2]]
    return points[:-1] if kind.is_roi and graphic.closed else points


def _points(kind: MeasurementKind, points: np.ndarray) -> tuple[Place, ...]:
    need = {MeasurementKind.ELLIPSE: 4, MeasurementKind.BIDIRECTIONAL: 4}.get(kind, 1)
    if len(points) < need or not np.isfinite(points).all():
        raise BadInputError(f"a {kind.value} with {len(points)} points cannot be shown")
    return tuple((float(row), float(column)) for row, column in points)


# planes in space


def plane_of_words(words: str) -> Plane | None:
    """What `writing.sr.plane_words` wrote; None where it is absent or no such plane."""
    view = re.search(r"view ([a-z]+)", words)
    found: dict[str, list[float]] = {}
    for name, count in _PARTS.items():
        match = re.search(rf"(?:^|; ){name}((?: {_NUMBER}){{{count}}})(?:;|$)", words)
        if match is None:
            return None
        try:
            found[name] = [float(v) for v in match[1].split()]
        except ValueError:
            return None
    if min(found["pixel"]) <= 0 or view is None:
        return None
    rows, columns = (int(v) for v in found["size"])
    grid = PlaneGrid(
        _vector(found["origin"]), _vector(found["row"]), _vector(found["column"]),
        found["pixel"][0], found["pixel"][1], rows, columns,
    )  # fmt: skip
    return Plane(grid, view[1], found["slab"][0])


def _vector(values: Iterable[float]) -> Vector:
    x, y, z = (float(v) for v in values)
    return x, y, z


def _lies_on(points: np.ndarray, grid: PlaneGrid) -> bool:
    away = (points - np.asarray(grid.origin_mm)) @ grid.normal
    return bool(np.abs(away).max() < 0.01)


def _on_plane(points: np.ndarray, grid: PlaneGrid) -> np.ndarray:
    """(n, 3) LPS mm -> (n, 2) row, column."""
    away = points - np.asarray(grid.origin_mm)
    rows = away @ np.asarray(grid.column_direction) / grid.row_mm
    columns = away @ np.asarray(grid.row_direction) / grid.column_mm
    return np.stack([rows, columns], axis=1)


_VIEWS = (
    ("axial", (0.0, 0.0, 1.0), (1.0, 0.0, 0.0)),
    ("coronal", (0.0, -1.0, 0.0), (1.0, 0.0, 0.0)),
    ("sagittal", (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
)
"""Name, normal, direction of a row, as radiologists look at them."""


def plane_through(points: np.ndarray) -> Plane:
    """A plane with pixels of 1 mm through (n, 3) points; through a line, the anatomical one.

    Where a line fixes no plane, the anatomical plane that it leaves least is tilted to hold it.
    """
    centre = points.mean(axis=0)
    _, spread, axes = np.linalg.svd(points - centre, full_matrices=True)
    spread = np.append(spread, np.zeros(3))
    if spread[1] > _FLAT_MM:
        normal = axes[2]
    else:
        along = axes[0] if spread[0] > _FLAT_MM else np.zeros(3)
        best = min(_VIEWS, key=lambda view: round(abs(float(np.dot(along, view[1]))), 6))
        normal = np.asarray(best[1]) - np.dot(best[1], along) * along
        normal = normal / np.linalg.norm(normal)
    name, nearest, row = max(_VIEWS, key=lambda view: abs(float(np.dot(normal, view[1]))))
    if np.dot(normal, nearest) < 0:
        normal = -normal
    straight = bool(np.dot(normal, nearest) > 1 - 1e-6)
    across = np.asarray(row) - np.dot(row, normal) * normal
    across = across / np.linalg.norm(across)
    down = np.cross(normal, across)
    u, v = (points - centre) @ across, (points - centre) @ down
    origin = centre + np.floor(u.min()) * across + np.floor(v.min()) * down
    size = [int(np.ceil(np.ptp(values))) + 2 for values in (v, u)]
    grid = PlaneGrid(_vector(origin), _vector(across), _vector(down), 1.0, 1.0, size[0], size[1])
    return Plane(grid, name if straight else "oblique")
