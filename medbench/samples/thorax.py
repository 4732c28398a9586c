"""A parametric thorax CT: body, lungs with vessels, heart, spine, ribs, a nodule; no patient.

Every shape is an ellipsoid or a tube in millimetres around the body axis; the seed moves sizes
and places, so that "patients" differ. Values are HU with reconstruction noise, the corners
outside the field of view are padding.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from medbench.dicom.write import SimulatedPatient, write_ct_series
from medbench.domain.geometry import Geometry

PADDING_HU = -2000
Field = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ThoraxShape:
    """What differs between simulated patients (mm)."""

    width: float
    depth: float
    heart: float
    nodule: tuple[float, float, float]
    nodule_radius: float


def thorax_shape(seed: int) -> ThoraxShape:
    """Shape of one simulated patient."""
    rng = np.random.default_rng(seed)
    return ThoraxShape(
        width=float(rng.uniform(150, 170)),
        depth=float(rng.uniform(104, 118)),
        heart=float(rng.uniform(0.92, 1.08)),
        nodule=(
            float(rng.uniform(-92, -72)),
            float(rng.uniform(-22, 6)),
            float(rng.uniform(12, 40)),
        ),
        nodule_radius=float(rng.uniform(8, 11)),
    )


class _Grid:
    """Voxel centres in mm around the body axis: x to the left, y to the back, z to the head."""

    def __init__(self, slices: int, size: int, spacing_mm: tuple[float, float, float]) -> None:
        dz, dy, dx = spacing_mm
        self.z = ((np.arange(slices) - (slices - 1) / 2) * dz).astype(np.float32)[:, None, None]
        self.y = ((np.arange(size) - (size - 1) / 2) * dy).astype(np.float32)[None, :, None]
        self.x = ((np.arange(size) - (size - 1) / 2) * dx).astype(np.float32)[None, None, :]

    def ellipsoid(
        self, centre: tuple[float, float, float], radii: tuple[float, float, float]
    ) -> Field:
        """Signed measure, below 0 inside; arguments in x, y, z order."""
        return (
            ((self.x - centre[0]) / radii[0]) ** 2
            + ((self.y - centre[1]) / radii[1]) ** 2
            + ((self.z - centre[2]) / radii[2]) ** 2
            - 1
        )


def simulate_thorax(
    seed: int = 0,
    slices: int = 96,
    size: int = 256,
    spacing_mm: tuple[float, float, float] = (2.5, 1.4, 1.4),
) -> npt.NDArray[np.int16]:
    """HU (z, y, x), int16, padding outside the circular field of view."""
    rng = np.random.default_rng(seed + 1)
    shape, grid = thorax_shape(seed), _Grid(slices, size, spacing_mm)
    w, d = shape.width, shape.depth
    taper = 1 - 0.22 * np.clip((grid.z - 40) / 90, 0, 1) ** 2  # shoulders to neck
    radius = (grid.x / (w * taper)) ** 2 + (grid.y / (d * taper)) ** 2
    hu = np.full((slices, size, size), -1000, np.float32)
    hu[radius < 1] = -95  # fat
    hu[radius < 0.83] = 52  # muscle
    cavity = _cavity(grid, w, d)
    hu[cavity < 1] = 35
    _lungs(hu, grid, shape, rng)
    _mediastinum(hu, grid, shape)
    _bones(hu, grid, w, d)
    nodule = grid.ellipsoid(shape.nodule, (shape.nodule_radius,) * 3)
    hu[nodule < 0.15 * np.sin(grid.x * 0.9) * np.cos(grid.y * 0.8)] = 38
    _table(hu, grid, d)
    hu = _blur(hu)
    hu += rng.normal(0, 14, hu.shape).astype(np.float32) * (hu > -990)
    hu = np.round(hu).clip(-1024, 3000)
    outside = (grid.x**2 + grid.y**2)[0] > (size / 2 * spacing_mm[2]) ** 2
    hu[:, outside] = PADDING_HU
    return hu.astype(np.int16)


def _cavity(grid: _Grid, w: float, d: float) -> Field:
    narrow = 1 - 0.35 * np.clip((grid.z - 10) / 105, 0, 1) ** 1.6
    cavity = (grid.x / (0.80 * w * narrow)) ** 2 + (grid.y / (0.78 * d * narrow)) ** 2
    return np.asarray(cavity, np.float32)


def _lungs(hu: Field, grid: _Grid, shape: ThoraxShape, rng: np.random.Generator) -> None:
    w, d = shape.width, shape.depth
    parenchyma = -855 + 22 * grid.y / d + 14 * np.sin(grid.z * 0.11) + 0 * grid.x
    parenchyma = np.broadcast_to(parenchyma, hu.shape)
    for side in (-1, 1):
        lung = (
            ((grid.x - side * 0.42 * w) / (0.36 * w)) ** 2
            + ((grid.y + 2) / (0.68 * d)) ** 2
            + (np.maximum(grid.z, 0) / 112) ** 2
            - 1
        )
        dome = -78 + 34 * (1 - ((grid.x - side * 0.42 * w) / (0.40 * w)) ** 2) - 0.20 * grid.y
        inside = (lung < 0) & (grid.z > dome) & (_cavity(grid, w, d) < 0.97)
        hu[inside] = parenchyma[inside]
        _vessels(hu, grid, inside, (side * 26.0, 2.0, 8.0), side, rng)


def _vessels(
    hu: Field,
    grid: _Grid,
    inside: npt.NDArray[np.bool_],
    hilum: tuple[float, float, float],
    side: int,
    rng: np.random.Generator,
) -> None:
    """Branching tubes from the hilum, thinner with each generation; drawn as short spheres."""
    dz = float(grid.z[1, 0, 0] - grid.z[0, 0, 0])
    dy = float(grid.y[0, 1, 0] - grid.y[0, 0, 0])
    tips = [(np.array(hilum), _unit(np.array([side * 1.0, *rng.normal(0, 0.8, 2)])), 5.2)
            for _ in range(9)]  # fmt: skip
    while tips:
        point, heading, radius = tips.pop()
        for _ in range(int(rng.integers(5, 9))):
            heading = _unit(heading + rng.normal(0, 0.16, 3))
            point = point + heading * radius * 1.5
            _ball(hu, grid, inside, point, radius, dz, dy)
        if radius > 1.3:
            tips.extend(
                (point, _unit(heading + rng.normal(0, 0.55, 3)), radius * 0.76) for _ in range(2)
            )


def _ball(
    hu: Field, grid: _Grid, inside: npt.NDArray[np.bool_], point: npt.NDArray[np.float64],
    radius: float, dz: float, dy: float,
) -> None:  # fmt: skip
    centre = [
        round(float((point[2] - float(grid.z[0, 0, 0])) / dz)),
        round(float((point[1] - float(grid.y[0, 0, 0])) / dy)),
        round(float((point[0] - float(grid.x[0, 0, 0])) / dy)),
    ]
    reach = [int(radius / dz) + 1, int(radius / dy) + 1, int(radius / dy) + 1]
    box = tuple(
        slice(max(0, c - r), min(n, c + r + 1))
        for c, r, n in zip(centre, reach, hu.shape, strict=True)
    )
    if any(part.start >= part.stop for part in box):
        return
    distance = (
        (grid.x[..., box[2]] - point[0]) ** 2
        + (grid.y[:, box[1]] - point[1]) ** 2
        + (grid.z[box[0]] - point[2]) ** 2
    )
    soft = np.clip(1.5 - np.sqrt(distance) / max(radius, 0.8), 0, 1)
    target = hu[box]
    bright = target + soft * (45 - target)
    target[...] = np.where(inside[box], np.maximum(target, bright), target)


def _unit(vector: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))


def _mediastinum(hu: Field, grid: _Grid, shape: ThoraxShape) -> None:
    s = shape.heart
    hu[grid.ellipsoid((22, -22, -42), (62 * s, 46 * s, 46 * s)) < 0] = 44
    hu[grid.ellipsoid((26, -24, -44), (44 * s, 32 * s, 34 * s)) < 0] = 150  # opacified chamber
    hu[grid.ellipsoid((-6, -18, -28), (26 * s, 22 * s, 30 * s)) < 0] = 138
    column = np.abs(grid.x) + 0 * grid.y + 0 * grid.z
    middle = (column < 30 + 6 * np.sin(grid.z * 0.05)) & (np.abs(grid.y + 6) < 40) & (grid.z > -20)
    hu[middle & (hu > -1001)] = 12
    descending = ((grid.x - 26) ** 2 + (grid.y - 34) ** 2) < 12.5**2
    hu[np.broadcast_to(descending & (grid.z < 46), hu.shape)] = 160
    arch = (np.hypot(grid.z - 40, grid.y - 4) - 30) ** 2 + (grid.x - 18) ** 2 < 12**2
    hu[arch & (grid.z > 38)] = 160
    trunk = ((grid.x + 8) ** 2 + (grid.y + 24) ** 2) < 14**2
    hu[np.broadcast_to(trunk & (grid.z > -10) & (grid.z < 42), hu.shape)] = 158
    cava = ((grid.x + 30) ** 2 + (grid.y + 14) ** 2) < 9**2
    hu[np.broadcast_to(cava & (grid.z > -10), hu.shape)] = 120
    split = np.clip((12 - grid.z) / 42, 0, 1)
    for side in (-1, 1):
        airway = (grid.x - side * 34 * split) ** 2 + (grid.y - 6) ** 2 < (9 - 2.5 * split) ** 2
        hu[airway & (grid.z > -26)] = -1000
    hu[grid.ellipsoid((-60, -8, -118), (84, 74, 46)) < 0] = 62  # liver
    hu[grid.ellipsoid((74, -4, -116), (52, 58, 44)) < 0] = 50  # spleen and stomach


def _bones(hu: Field, grid: _Grid, w: float, d: float) -> None:
    phase = np.mod(grid.z, 27.0)
    body = grid.ellipsoid((0, 58, 0), (20, 17, 1e6))
    vertebra = (body < 0) & (phase < 22)
    hu[vertebra] = 210
    hu[(grid.ellipsoid((0, 58, 0), (20, 17, 1e6)) > -0.22) & vertebra] = 480
    hu[(body < 0) & (phase >= 22)] = 75  # disc
    canal = ((grid.x**2 + (grid.y - 82) ** 2) < 9**2) + 0 * grid.z > 0
    arch = (((grid.x / 26) ** 2 + ((grid.y - 84) / 18) ** 2) < 1) & (phase < 15)
    hu[arch] = 420
    hu[canal] = 28
    shell = np.sqrt((grid.x / (0.86 * w)) ** 2 + (grid.y / (0.85 * d)) ** 2)
    lean = grid.z + 0.42 * grid.y  # ribs fall to the front
    rib_phase = np.abs(np.mod(lean, 27.0) - 13.5)
    rib = np.hypot((shell - 0.985) * 110, rib_phase) < 6.2
    front = (grid.y > -0.72 * d) & (np.abs(lean) < 112)
    hu[rib & front] = 330
    hu[(np.hypot((shell - 0.985) * 110, rib_phase) > 4.4) & rib & front] = 620
    sternum = (
        (np.abs(grid.x) < 15) & (np.abs(grid.y + 0.80 * d) < 6) & (grid.z > -55) & (grid.z < 75)
    )
    hu[sternum] = 290


def _table(hu: Field, grid: _Grid, d: float) -> None:
    top = d + 9 + (grid.x / 150) ** 2 * -26
    table = (np.abs(grid.y - top) < 3.0) & (np.abs(grid.x) < 165)
    hu[np.broadcast_to(table, hu.shape) & (hu < -500)] = -420


def _blur(hu: Field) -> Field:
    """Point spread of the scanner: a 1-2-1 kernel along each axis."""
    for axis in range(3):
        size = hu.shape[axis]
        before = np.take(hu, np.r_[0, 0 : size - 1], axis=axis)
        after = np.take(hu, np.r_[1:size, size - 1], axis=axis)
        hu = (before + 2 * hu + after) / 4 if axis else (before + 6 * hu + after) / 8
    return hu


def write_thorax_ct(
    folder: Path,
    seed: int = 0,
    slices: int = 96,
    size: int = 256,
    spacing_mm: tuple[float, float, float] = (2.5, 1.4, 1.4),
) -> list[Path]:
    """Write one simulated patient's CT as DICOM; the same seed gives the same bytes."""
    voxels = simulate_thorax(seed, slices, size, spacing_mm)
    origin = (-(size - 1) / 2 * spacing_mm[2], -(size - 1) / 2 * spacing_mm[1], -120.0)
    geometry = Geometry(voxels.shape, spacing_mm, origin, (1, 0, 0, 0, 1, 0, 0, 0, 1))
    patient = SimulatedPatient(
        patient_id=f"SIM-CT-{seed:04d}",
        name=f"Simulated^Thorax {seed:02d}",
        sex="O",
        age="060Y",
        study_description="Simulated thorax",
    )
    return write_ct_series(folder, voxels, geometry, patient, padding=PADDING_HU)
