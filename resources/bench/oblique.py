"""A double oblique 512 x 512 plane through 300 x 512 x 512 beside SimpleITK's resampler, linear.

Both make float32 with the same background; the values must agree. ``ratio`` is at the volume's
own pixel size, both with their threads; ``ratio_one_thread`` with one of each, and ``ratio_magnified`` at half the pixel size, where both find more voxels in the cache.
"""

import json
import math
import statistics
import time

import numpy as np
import SimpleITK

from medbench.domain.geometry import Geometry
from medbench.imaging.oblique import ObliquePlane, cut_plane

SHAPE, SIZE, ROUNDS = (300, 512, 512), 512, 15
BACKGROUND = -1024.0
rng = np.random.default_rng(0)
voxels = np.cumsum(rng.integers(-9, 10, SHAPE, dtype=np.int16), axis=2, dtype=np.int16)
geometry = Geometry(SHAPE, (1.0, 0.7, 0.7), (-180.0, -180.0, 0.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
image = SimpleITK.GetImageFromArray(voxels)
image.SetSpacing(geometry.spacing_mm[::-1])
image.SetOrigin(geometry.origin_mm)


def plane_of(spacing_mm):
    """Turned by 30 and 20 degrees about the middle of the volume."""
    a, b = math.radians(30), math.radians(20)
    row = np.array([math.cos(a), 0.0, math.sin(a)])
    column = np.array([-math.sin(a) * math.sin(b), math.cos(b), math.cos(a) * math.sin(b)])
    origin = geometry.world_from_index(256, 256, 150) - (row + column) * spacing_mm * SIZE / 2
    return ObliquePlane(
        tuple(origin), tuple(row), tuple(column), (spacing_mm, spacing_mm), (SIZE, SIZE)
    )


def resampler_of(plane):
    """SimpleITK's filter for the same plane."""
    resampler = SimpleITK.ResampleImageFilter()
    resampler.SetInterpolator(SimpleITK.sitkLinear)
    resampler.SetSize((SIZE, SIZE, 1))
    resampler.SetOutputOrigin(plane.origin_mm)
    resampler.SetOutputSpacing((*plane.spacing_mm, 1.0))
    axes = np.stack([plane.row_direction, plane.column_direction, plane.normal], axis=1)
    resampler.SetOutputDirection(axes.ravel().tolist())
    resampler.SetDefaultPixelValue(BACKGROUND)
    resampler.SetOutputPixelType(SimpleITK.sitkFloat32)
    return resampler


def timed(work):
    """Result and seconds."""
    begin = time.perf_counter()
    result = work()
    return result, time.perf_counter() - begin


def compare(spacing_mm, threads=0):
    """Median seconds of ours and theirs, median of the ratios."""
    plane = plane_of(spacing_mm)
    resampler = resampler_of(plane)
    if threads:
        resampler.SetNumberOfThreads(threads)
    pairs = []
    for _ in range(ROUNDS + 2):
        found, ours = timed(
            lambda: cut_plane(
                voxels, geometry, plane, background=BACKGROUND, threads=threads or None
            )
        )
        wanted, peer = timed(lambda: resampler.Execute(image))
        pairs.append((ours, peer))
    other = SimpleITK.GetArrayViewFromImage(wanted)[0]
    assert np.abs(found - other).max() < 0.02, "the values differ"
    pairs = pairs[2:]
    return (
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(b / a for a, b in pairs),
    )


ours_s, peer_s, ratio = compare(0.7)
print(json.dumps({
    "ours_s": ours_s, "peer_s": peer_s, "ratio": ratio, "ratio_one_thread": compare(0.7, 1)[2],
    "ratio_magnified": compare(0.35)[2],
    "rounds": ROUNDS, "values_equal": True,
}))  # fmt: skip
