"""Frames of a brush stroke on 300 x 512 x 512 in a 2 x 2 layout, by mouse events in the window.

One frame = one mouse event with everything it paints in all four viewports; counts, volumes and
saving go on in their workers. A flat brush of 20 mm and a sphere of 30 mm, back and forth over the
picture; the slower one counts, by the median and by the slowest twentieth. ``ratio`` is frames per
second over 30.
"""

import json

import numpy as np
from segment_scene import Scene

ROUNDS, STEPS = 5, 80
scene = Scene()
scene.page.toolbox.choose("brush")
view = scene.view()
result = {}
for name, size, sphere in (("flat", 20.0, False), ("sphere", 30.0, True)):
    scene.desk.choice.set_brush(size_mm=size, sphere=sphere)
    times = []
    for round_ in range(ROUNDS + 1):
        scene.desk.choice.choose_segment(scene.book.get(scene.key), round_ % 3 + 1)
        turn = np.linspace(0, 2 * np.pi, STEPS)
        places = [
            view.widget_position(256 + (60 + 25 * round_) * np.sin(t), 256 + 150 * np.cos(t))
            for t in turn
        ]
        found = scene.stroke(view, places)
        times += found if round_ else []
        scene.settle(0.1)
    result[f"{name}_s"] = float(np.median(times))
    result[f"{name}_p95_s"] = float(np.quantile(times, 0.95))
    result[f"{name}_frames_per_s"] = float(1 / np.median(times))
assert scene.book.labels(scene.key).any()
scene.close()
slow = max(result["flat_s"], result["sphere_s"])
print(json.dumps({
    **result, "ours_s": slow, "peer_s": 1 / 30, "ratio": 1 / slow / 30, "rounds": ROUNDS,
}))  # fmt: skip
