"""Reformatted slices of 300 x 512 x 512 signed 16-bit beside a contiguous copy of an axial slice.

Every coronal and every sagittal slice in turn, as when a reader scrolls through, each copied into
contiguous memory; what scrolling keeps for its neighbours is part of the time. Per pixel and
slice, since a reformatted slice has fewer pixels than an axial one: ``ratio`` compares slices,
``ratio_per_pixel`` pixels. Prints the slower of the two planes as ``ratio``.
"""

import json
import statistics
import time

import numpy as np

from medbench.domain.geometry import Geometry
from medbench.imaging.across import AcrossSlices
from medbench.imaging.reslice import PlaneKind, orthogonal_plane

SHAPE = (300, 512, 512)
ROUNDS = 5
voxels = np.random.default_rng(0).integers(-1000, 2000, SHAPE, dtype=np.int16)
geometry = Geometry(SHAPE, (1.0, 0.7, 0.7), (0.0, 0.0, 0.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
planes = {
    kind: orthogonal_plane(geometry, kind) for kind in (PlaneKind.CORONAL, PlaneKind.SAGITTAL)
}


def seconds(cut, count):
    """Mean time of one slice while all are cut in turn."""
    begin = time.perf_counter()
    for index in range(count):
        np.ascontiguousarray(cut(index))
    return (time.perf_counter() - begin) / count


def contiguous():
    """Copies of the axial slices."""
    return seconds(lambda index: voxels[index].copy(), SHAPE[0])


def reformatted(kind):
    """Slices of one plane, from scratch."""
    across = AcrossSlices(planes[kind], voxels)
    return seconds(across.picture, planes[kind].shape[0])


for kind, plane in planes.items():
    across = AcrossSlices(plane, voxels)
    for index in range(0, 512, 37):
        assert np.array_equal(across.picture(index), plane.picture(voxels, index)), kind
found = {kind: [] for kind in planes}
for _ in range(ROUNDS + 1):
    peer = contiguous()
    for kind, times in found.items():
        ours = reformatted(kind)
        times.append((ours / peer, ours, peer))
results = {}
for kind, times in found.items():
    ratios, ours, peer = zip(*times[1:], strict=True)
    results[f"{kind}_ratio"] = statistics.median(ratios)
    results[f"{kind}_s"] = statistics.median(ours)
    results["peer_s"] = statistics.median(peer)
worst = max(results["coronal_ratio"], results["sagittal_ratio"])
print(json.dumps({
    **results, "ratio": worst, "ratio_per_pixel": worst * SHAPE[1] / SHAPE[0], "rounds": ROUNDS,
}))  # fmt: skip
