"""Undo and redo of edits of 300 x 512 x 512 labels, with the repaint of four viewports.

A threshold of the whole volume (a cylinder of 37 million voxels), marbled labels in 40
slices, and a stroke of the sphere; the slowest counts. ``ratio`` is seconds over 0.1.
"""

import json
import statistics
import time

import numpy as np
from scipy import ndimage
from segment_scene import SHAPE, Scene

from medbench.imaging.segment_delta import Box, LabelDelta

ROUNDS = 5
scene = Scene()
history, book, key = scene.app.session.history, scene.book, scene.key
result = {}


def timed(name, held):
    """Median of undo and redo in turn."""
    times = []
    for _ in range(ROUNDS + 1):
        for turn in (history.undo, history.redo):
            scene.settle(0.05)
            begin = time.perf_counter()
            turn()
            scene.app.qt.processEvents()
            times.append(time.perf_counter() - begin)
    result[f"{name}_s"] = statistics.median(times[2:])
    result[f"{name}_bytes"] = held


scene.desk.choice.set_brush(keep=(0.0, 100.0))
scene.desk.operations.threshold(scene.view(), whole=True)
while scene.app.session.segment_jobs.busy:
    scene.app.qt.processEvents()
assert np.count_nonzero(book.labels(key)) > 35_000_000
timed("volume", history._done[-1].bytes_held)
box = Box((100, 0, 0), (140, SHAPE[1], SHAPE[2]))
before = book.labels(key)[box.slices]
rough = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=before.shape), (3, 6, 6))
marble = np.digitize(rough / rough.std(), (-0.7, 0.0, 0.7)).astype(np.uint8)
delta = LabelDelta.of(before, marble, box.low)
book.apply(key, delta, "marble")
timed("marble", delta.bytes_held)
scene.desk.choice.set_brush(keep=None, size_mm=40.0, sphere=True)
scene.desk.choice.choose_segment(book.get(key), 2)
scene.page.toolbox.choose("brush")
view = scene.view()
scene.stroke(view, [view.widget_position(256, 150 + 4 * i) for i in range(50)])
timed("sphere", history._done[-1].bytes_held)
scene.close()
slow = max(result["volume_s"], result["marble_s"], result["sphere_s"])
print(json.dumps({**result, "ours_s": slow, "peer_s": 0.1, "ratio": slow / 0.1, "rounds": ROUNDS}))
