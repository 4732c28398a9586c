"""Frames a second while a handle of the crosshair is dragged: 2 x 2 views of 384 x 384 x 384.

The whole window, real mouse events; each frame cuts and paints the two oblique planes that turn.
Idle first, then beside a training run on all cores.
"""

import json
import math
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from beside_training import start_training
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtTest import QTest

from medbench.app.bootstrap import build_app
from medbench.domain.geometry import Geometry
from medbench.domain.image import (
    DisplayKind,
    DisplaySet,
    FrameInfo,
    FrameRef,
    VoiWindow,
    Volume,
)
from medbench.imaging.reslice import PlaneKind
from medbench.ui.review.crosshair import cross_lines

SIZE, FRAMES = 384, 120
SHAPE = (SIZE, SIZE, SIZE)


class Paints(QObject):
    """Counts what was painted."""

    count = 0

    def eventFilter(self, _watched, event):
        self.count += event.type() is QEvent.Type.Paint
        return False


def show_volume(page):
    """A simulated volume on the page, its three planes and the stack."""
    z, y, x = np.ogrid[:SIZE, :SIZE, :SIZE]
    voxels = ((x * 3 + y * 5 + z * 7) % 800 - 200).astype(np.int16)
    geometry = Geometry(SHAPE, (0.8, 0.7, 0.7), (0.0, 0.0, 0.0), (1, 0, 0, 0, 1, 0, 0, 0, 1), "1.2")
    frames = tuple(FrameRef(path=None, frame=i) for i in range(SIZE))
    display = DisplaySet("1", DisplayKind.VOLUME, "CT", "bench", SIZE, SIZE, frames, geometry)
    page.model.begin(display, "bench")
    page.model.set_volume(Volume(display, voxels, np.ones(SIZE, bool), {}, (FrameInfo(),) * SIZE))
    page.model.set_voi(VoiWindow(200, 1000))
    page.showing.fourth = "acquired"  # four flat views
    page.showing.toggle_planes()


def drag(app, page, view, engine=None):
    """Frames a second of a whole turn of a handle."""
    watched = [page.viewports[kind] for kind in (PlaneKind.CORONAL, PlaneKind.SAGITTAL)]
    paints = Paints()
    for other in watched:
        other.installEventFilter(paints)
    line = cross_lines(view)[0]
    handle, centre = line.handles(min(view.width(), view.height()))[-1], line.at
    radius = math.hypot(handle.x() - centre.x(), handle.y() - centre.y())
    angle = math.atan2(handle.y() - centre.y(), handle.x() - centre.x())
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=handle.toPoint())
    begin = time.perf_counter()
    for step in range(FRAMES):
        at = angle + (step + 1) * 2 * math.pi / 3 / FRAMES
        QTest.mouseMove(view, QPoint(round(centre.x() + radius * math.cos(at)),
                                     round(centre.y() + radius * math.sin(at))))  # fmt: skip
        app.qt.processEvents()
        if engine is not None:
            engine.receive(0)
    spent = time.perf_counter() - begin
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=handle.toPoint())
    for other in watched:
        other.removeEventFilter(paints)
    if paints.count < 2 * FRAMES * 0.9:
        raise SystemExit(f"only {paints.count} pictures were painted in {FRAMES} frames")
    page.model.plane_state.reset()
    app.qt.processEvents()
    return FRAMES / spent


with tempfile.TemporaryDirectory() as name:
    os.environ["MEDBENCH_CONFIG"] = str(Path(name) / "config")
    app = build_app(Path(name) / "own")
    app.window.resize(1600, 1000)
    app.window.show()
    app.window.show_page("review")
    page = app.window.workspaces["review"]
    show_volume(page)
    app.actions_registry.action("medbench.review.tool_crosshair").trigger()
    for _ in range(20):
        app.qt.processEvents()
        time.sleep(0.02)
    view = page.viewports[PlaneKind.AXIAL]
    drag(app, page, view)
    idle = drag(app, page, view)
    engine, spec = start_training(Path(name))
    try:
        drag(app, page, view, engine)
        busy = drag(app, page, view, engine)
        alive = engine.alive
    finally:
        engine.cancel(spec.job_id)
        engine.close()
    app.close()
print(json.dumps({
    "idle_frames_per_s": idle, "busy_frames_per_s": busy, "ratio": busy, "trained_throughout": alive,
}))  # fmt: skip
