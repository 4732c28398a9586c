"""Pictures of a whole volume: maximum or minimum along rays, or lit tissue, from any side.

The one function of window and command line is `render`; nothing of it needs a graphics card.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.base.errors import BadInputError
from medbench.domain.geometry import Geometry
from medbench.imaging.render3d_camera import Camera, Sight, sight_of
from medbench.imaging.render3d_cast import (
    Warp,
    composite,
    main_axis,
    project,
    shear_of,
    wanted_window,
)
from medbench.imaging.render3d_grid import (
    FULL_BOX,
    MOVING_EDGE,
    SHADED_EDGE,
    Box,
    Cancelled,
    Floats,
    Grid,
    Slices,
    grid_of,
    reduced,
    refinement,
)
from medbench.imaging.render3d_presets import (
    VolumeMode,
    VolumePreset,
    span_in_values,
    transfer_of,
)
from medbench.imaging.render3d_shade import Light, Shading, Transfer

_MOST_FINE = {VolumeMode.MIP: 200_000_000, VolumeMode.MINIP: 200_000_000,
              VolumeMode.SHADED: 90_000_000}  # fmt: skip
"""Samples of one picture; the volume's own voxels are always all used."""
_MOST_MOVING = 6_000_000
_FINEST = 3.0
"""Samples a voxel edge, at most, where the picture is magnified."""
_SAMPLE = 400_000
_STEPS = 1 << 16
_SAMPLE_PICTURE = 40_000
_DARK_PART = 0.15
_SEEN = 0.5
SLOW_S = 0.06
"""A quick picture that takes longer is too slow for fifteen frames a second."""
_LATE_FRAMES, _HURRIED = 3, 0.7
_HOW = {VolumeMode.MIP: "maximum", VolumeMode.MINIP: "minimum", VolumeMode.SHADED: "mean"}


class VolumeSource:
    """The voxels of one volume and the reduced copies made of them; used by one worker at a time.

    Raises
    ------
    BadInputError
        It is no regular grey volume.
    """

    def __init__(self, voxels: npt.NDArray[Any], geometry: Geometry) -> None:
        if voxels.ndim != 3 or not geometry.uniform:
            raise BadInputError("The 3-D view needs a regular grey volume.")
        self.voxels, self.geometry = voxels, geometry
        self._grid: Grid | None = None
        self._moving: dict[str, Grid] = {}
        self._range: tuple[float, float] | None = None
        self._lowest: float | None = None
        self._lock = threading.Lock()
        self._late: dict[VolumeMode, int] = {}
        self._hurried: set[VolumeMode] = set()

    @property
    def grid(self) -> Grid:
        """Every voxel; of floating point volumes a copy without what is no number."""
        if self._grid is None:
            voxels = self.voxels
            if voxels.dtype.kind == "f" and not np.isfinite(voxels).all():
                finite = voxels[np.isfinite(voxels)]
                voxels = np.nan_to_num(voxels, nan=float(finite.min(initial=0.0)))
            self._grid = grid_of(voxels, self.geometry)
        return self._grid

    def moving(self, mode: VolumeMode, cancelled: Cancelled | None = None) -> Grid:
        """The reduced copy for a mode, made when it is first asked for."""
        how = _HOW[mode]
        with self._lock:
            if how not in self._moving:
                edge = SHADED_EDGE if mode is VolumeMode.SHADED else MOVING_EDGE
                if mode in self._hurried:
                    edge = round(edge * _HURRIED)
                self._moving[how] = reduced(self.grid, how, edge, cancelled)
            return self._moving[how]

    def took(self, mode: VolumeMode, seconds: float) -> None:
        """A quick picture took so long: a machine that is busy gets a smaller copy from then on."""
        self._late[mode] = self._late.get(mode, 0) + 1 if seconds > SLOW_S else 0
        if self._late[mode] >= _LATE_FRAMES and mode not in self._hurried:
            self._hurried.add(mode)
            with self._lock:
                self._moving.pop(_HOW[mode], None)

    @property
    def lowest(self) -> float:
        """The smallest value: what is shown where no ray hits the volume."""
        if self._lowest is None:
            self._lowest = float(self.grid.values.min())
        return self._lowest

    @property
    def value_range(self) -> tuple[float, float]:
        """First and 99.5th percentile of the values above the commonest low one (air, padding)."""
        if self._range is None:
            flat = self.grid.values.reshape(-1)
            sample = np.asarray(flat[:: max(1, flat.size // _SAMPLE)], np.float64)
            low = float(np.percentile(sample, 1))
            above = sample[sample > low]
            high = float(np.percentile(above, 99.5)) if len(above) else low
            self._range = (low, high if high > low else low + 1.0)
        return self._range


@dataclass(frozen=True, eq=False)
class Levels:
    """Values in 65536 equal steps: a window then costs a table and one look-up a pixel."""

    index: npt.NDArray[np.uint16]
    """(rows, columns)."""
    values: Floats
    """(65536,): the value of each step."""


def levels_of(values: Floats) -> Levels:
    """The steps of a projection."""
    low, high = float(values.min()), float(values.max())
    step = max(high - low, 1e-6) / (_STEPS - 1)
    index = (values - np.float32(low)) * np.float32(1 / step)
    index += np.float32(0.5)
    np.minimum(index, _STEPS - 1, out=index)
    steps = (low + step * np.arange(_STEPS)).astype(np.float32)
    return Levels(index.astype(np.uint16), steps)


@dataclass(frozen=True, eq=False)
class VolumePicture:
    """One picture: modality values of a projection, or colours."""

    sight: Sight
    values: Floats | None = None
    """(rows, columns) float32; None for shaded pictures."""
    levels: "Levels | None" = None
    """Of projections: the values once more, for windows that change at every move of the hand."""
    colours: npt.NDArray[np.uint8] | None = None
    """(rows, columns, 3)."""
    fine: bool = True
    """Whether every voxel was used."""
    span: tuple[float, float] | None = None
    """Of shaded pictures: centre and width, in the volume's values, of the preset's curves."""
    window: tuple[float, float] | None = None
    """Of projections: centre and width that show what lies in them."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What is shown of a volume."""

    mode: VolumeMode = VolumeMode.MIP
    transfer: Transfer | None = None
    """Needed for shaded pictures."""
    box: Box = FULL_BOX


@dataclass(frozen=True)
class Look:
    """How a volume is to be shown: the preset, and what the reader changed of it."""

    preset: VolumePreset
    window: tuple[float, float] | None = None
    """Centre and width that the curves of a shaded preset are stretched over; None: its own."""
    box: Box = FULL_BOX


def draw(
    source: VolumeSource, look: Look, sight: Sight, *, fine: bool = True,
    cancelled: Cancelled | None = None,
) -> VolumePicture:  # fmt: skip
    """`render` for a preset; its units are turned into the volume's own values."""
    scene = scene_of(source, look)
    if not fine:
        source.moving(scene.mode, cancelled)  # the first time it has to be made
    begin = time.perf_counter()
    picture = render(source, scene, sight, fine=fine, cancelled=cancelled)
    if not fine:
        source.took(scene.mode, time.perf_counter() - begin)
    if scene.transfer is None:
        return picture
    low, high = scene.transfer.low, scene.transfer.high
    return replace(picture, span=((low + high) / 2, high - low))


def scene_of(source: VolumeSource, look: Look) -> Scene:
    """What `draw` shows, for `pick`."""
    preset = look.preset
    if preset.mode is not VolumeMode.SHADED:
        return Scene(preset.mode, None, look.box)
    span = look.window or span_in_values(preset, source.value_range)
    return Scene(preset.mode, transfer_of(preset, *span), look.box)


def render(
    source: VolumeSource, scene: Scene, sight: Sight, *, fine: bool = True,
    cancelled: Cancelled | None = None,
) -> VolumePicture:  # fmt: skip
    """The picture of a volume for one camera.

    ``fine`` takes every voxel, with up to three samples an edge where the picture is magnified;
    otherwise the copy of at most 160 voxels an edge.

    Raises
    ------
    CancelledError
        ``cancelled`` said so.
    BadInputError
        A shaded picture without a transfer function.
    """
    grid = (source.grid if fine else source.moving(scene.mode, cancelled)).cropped(scene.box)
    finest = min(grid.spacing_mm)
    wanted = max(1 / sight.px_per_mm, finest / _FINEST) if fine else finest
    factors = refinement(grid, wanted, _MOST_FINE[scene.mode] if fine else _MOST_MOVING)
    axis = main_axis(grid.matrix / [*factors, 1], sight.camera.rotation[2])
    slices = Slices(grid, axis, factors)
    shear = shear_of(slices, axis, sight)
    window = wanted_window(shear, sight)
    if scene.mode is not VolumeMode.SHADED:
        join = np.maximum if scene.mode is VolumeMode.MIP else np.minimum
        joined = project(slices, shear, join, source.lowest, window, cancelled)
        values = Warp(shear, sight)(joined, source.lowest)
        window_shown = _window_of(values, source.lowest)
        return VolumePicture(sight, values, levels_of(values), fine=fine, window=window_shown)
    if scene.transfer is None:
        raise BadInputError("A shaded picture needs a preset.")
    shading = Shading(scene.transfer, shear.step_mm, source.lowest)
    light = Light(slices.matrix, axis, shear.shift, sight, forward=shear.forward)
    lit = composite(slices, shear, light, shading, window, cancelled)
    out = np.empty((sight.rows, sight.columns, 3), np.uint8)
    warp = Warp(shear, sight)
    for channel in range(3):
        plane = warp(lit[channel], 0.0)
        plane *= 255
        plane += 0.5
        out[..., channel] = np.minimum(plane, 255, out=plane)
    return VolumePicture(sight, colours=out, fine=fine)


def _window_of(values: Floats, lowest: float) -> tuple[float, float]:
    """Window of a projection: without what is dark because no tissue lies there."""
    flat = values.reshape(-1)
    sample = flat[:: max(1, flat.size // _SAMPLE_PICTURE)]
    high = float(np.percentile(sample, 99.9))
    tissue = sample[sample > lowest + _DARK_PART * (high - lowest)]
    if not len(tissue):
        return lowest + 0.5, 1.0
    low, high = (float(v) for v in np.percentile(tissue, [2, 99.5]))
    return (low + high) / 2, max(high - low, 1e-6)


def look_at(source: VolumeSource, camera: Camera, rows: int, columns: int) -> Sight:
    """The sight of a volume on a screen of that size."""
    return sight_of(source.geometry, camera, rows, columns)


def pick(
    source: VolumeSource, scene: Scene, sight: Sight, row: float, column: float
) -> npt.NDArray[np.float64] | None:
    """The patient point (mm) that is seen at a place of the screen; None where there is none.

    Of a projection it is the point whose value is shown (the middle of a plateau), unless that is
    darker than any tissue; of a shaded picture where the ray has lost half of its light.
    """
    grid = source.grid.cropped(scene.box)
    into = sight.camera.rotation[2]
    step = min(grid.spacing_mm) / 2
    reach = sight.extent_mm
    depths = np.arange(-reach, reach + step, step)
    points = sight.point_at(row, column) + depths[:, None] * into
    values, inside = _sampled(grid, points)
    if not inside.any():
        return None
    points, values = points[inside], values[inside]
    if scene.mode is not VolumeMode.SHADED:
        best = values.max() if scene.mode is VolumeMode.MIP else values.min()
        if scene.mode is VolumeMode.MIP and best < _tissue_from(source):
            return None
        first = int(np.flatnonzero(values == best)[0])
        last = first
        while last + 1 < len(values) and values[last + 1] == best:
            last += 1
        return np.asarray(points[(first + last) // 2])
    if scene.transfer is None:
        return None
    table = scene.transfer
    at = (values - table.low) / max(table.high - table.low, 1e-9) * (len(table.opacity) - 1)
    opacity = table.opacity[np.clip(np.rint(at), 0, len(table.opacity) - 1).astype(int)]
    lost = 1 - np.cumprod((1 - np.minimum(opacity, 1 - 1e-7).astype(float)) ** step)
    if lost[-1] < 0.05:
        return None
    return np.asarray(points[int(np.argmax(lost >= lost[-1] * _SEEN))])


def _tissue_from(source: VolumeSource) -> float:
    """Below it lies nothing that anybody would point at."""
    low, high = source.value_range
    return low + _DARK_PART * (high - low)


def _sampled(
    grid: Grid, points: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Trilinear values at patient points, and which lie between voxel centres."""
    inverse = np.linalg.inv(grid.matrix)
    at = points @ inverse[:3, :3].T + inverse[:3, 3]
    last = np.asarray(grid.values.shape) - 1
    inside = np.asarray(((at >= 0) & (at <= last)).all(axis=1))
    at = np.clip(at, 0, last)
    whole = np.minimum(at.astype(int), np.maximum(last - 1, 0))
    part = at - whole
    out = np.zeros(len(points))
    corners: Sequence[int] = range(8)
    for corner in corners:
        bits = np.array([(corner >> 2) & 1, (corner >> 1) & 1, corner & 1])
        weight = np.where(bits, part, 1 - part).prod(axis=1)
        z, y, x = np.minimum(whole + bits, last).T
        out += weight * grid.values[z, y, x]
    return out, inside
