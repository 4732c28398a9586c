"""A plain series of any size, for benchmarks: gradients and noise, no anatomy."""

from pathlib import Path

import numpy as np

from medbench.dicom.write import SimulatedPatient, write_ct_series
from medbench.domain.geometry import Geometry


def write_uniform_series(
    folder: Path,
    shape: tuple[int, int, int],
    spacing_mm: tuple[float, float, float] = (1, 0.8, 0.8),
) -> list[Path]:
    """Write (z, y, x) signed 16-bit values as a regular CT series."""
    rng = np.random.default_rng(7)
    slices, rows, columns = shape
    base = rng.integers(-1000, 2000, (rows, columns), dtype=np.int16)
    voxels = (base[None] + np.arange(slices, dtype=np.int16)[:, None, None]).astype(np.int16)
    geometry = Geometry(shape, spacing_mm, (-200.0, -200.0, 0.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    patient = SimulatedPatient("SIM-BENCH", "Simulated^Bench", study_description="Simulated series")
    return write_ct_series(folder, voxels, geometry, patient, description="Simulated gradients")
