"""A simulated patient with several studies: the same body, turned and shifted."""

from dataclasses import replace

import numpy as np
from scipy import ndimage

from medbench.dicom.write import SimulatedPatient, write_ct_series, write_radiograph
from medbench.domain.geometry import Geometry

SPACING = (4.0, 3.0, 3.0)
SHAPE = (24, 44, 44)
PATIENT = SimulatedPatient("SIM-P", "Sample^Paula", "F", "19600203")
SHIFT_MM = np.array([11.0, -7.0, 13.0])
TURN_DEG = 5.0


def body(offset_xyz=(0.0, 0.0, 0.0), turn_deg=0.0):
    """HU of a lopsided body at the grid's points, moved about the origin (z axis)."""
    rng = np.random.default_rng(4)
    z, y, x = np.meshgrid(*((np.arange(n) - (n - 1) / 2) * s for n, s in zip(SHAPE, SPACING,
                                                                             strict=True)),
                          indexing="ij")  # fmt: skip
    x, y, z = x - offset_xyz[0], y - offset_xyz[1], z - offset_xyz[2]
    angle = np.radians(turn_deg)
    x, y = np.cos(angle) * x + np.sin(angle) * y, -np.sin(angle) * x + np.cos(angle) * y
    inside = (x / 52) ** 2 + ((y - 3) / 40) ** 2 < 1
    values = np.where(inside, 40.0, -1000.0)
    for _ in range(20):
        at, size = rng.uniform((-40, -28, -40), (40, 28, 40)), rng.uniform(6, 13, 3)
        blob = ((x - at[0]) / size[0]) ** 2 + ((y - at[1]) / size[1]) ** 2
        values[(blob + ((z - at[2]) / size[2]) ** 2 < 1) & inside] = rng.uniform(-700, 700)
    return ndimage.gaussian_filter(values, 0.7).astype(np.int16)


def geometry():
    """The grid's centre lies in the origin."""
    z, y, x = ((n - 1) / 2 * s for n, s in zip(SHAPE, SPACING, strict=True))
    return Geometry(SHAPE, SPACING, (-x, -y, -z), (1, 0, 0, 0, 1, 0, 0, 0, 1))


def truth():
    """4 x 4 from points of the current study to those of the prior."""
    angle = np.radians(TURN_DEG)
    out = np.eye(4)
    out[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    out[:3, 3] = SHIFT_MM
    return out


def write_patient(folder, *, oldest=True):
    """Current CT of 2020-01-21, its moved prior of 2019-10-14, an X-ray, a CT of 2017."""

    def ct(name, date, values, words):
        write_ct_series(
            folder / name, values, geometry(), replace(PATIENT, study_date=date,
                                                       study_description="Thorax"),
            description=words,
        )  # fmt: skip

    ct("now", "20200121", body(), "Thorax soft")
    ct("before", "20191014", body(SHIFT_MM, TURN_DEG), "Thorax soft")
    if oldest:
        ct("oldest", "20170105", body((0, 0, 4.0)), "Thorax")
        picture = np.tile(np.linspace(0, 4000, 90).astype(np.uint16), (80, 1))
        write_radiograph(
            folder / "cr" / "one.dcm", picture, replace(PATIENT, study_date="20190301"), key="x"
        )
    return folder
