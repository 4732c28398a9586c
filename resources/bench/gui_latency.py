"""p99 of a 16 ms GUI timer that scrolls a 512 x 512 stack: idle, then beside a training run."""

import json
import tempfile
import time
from pathlib import Path

import numpy as np
from beside_training import start_training
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from medbench.domain.image import (
    DisplayKind,
    DisplaySet,
    FrameInfo,
    FrameRef,
    VoiWindow,
    Volume,
)
from medbench.imaging.reslice import PlaneKind
from medbench.ui.review.pointer import Toolbox
from medbench.ui.review.view_model import ViewModel
from medbench.ui.review.viewport import Viewport

SECONDS, SLICES = 8.0, 120
app = QApplication([])
voxels = np.random.default_rng(0).integers(-1000, 1000, (SLICES, 512, 512), dtype=np.int16)
frames = tuple(FrameRef(path=None, frame=i) for i in range(SLICES))
display = DisplaySet("1", DisplayKind.STACK, "CT", "bench", 512, 512, frames)
model = ViewModel(Toolbox())
view = Viewport(model, PlaneKind.ACQUIRED)
view.resize(900, 900)
model.begin(display, "bench")
model.set_volume(Volume(display, voxels, np.ones(SLICES, bool), {}, (FrameInfo(),) * SLICES))
model.set_voi(VoiWindow(0, 1500))
view.show()
canvas = QImage(view.size(), QImage.Format.Format_RGB32)


def measure(engine=None):
    """Intervals between ticks, in ms, while each tick draws the next slice."""
    ticks = []

    def tick():
        ticks.append(time.perf_counter())
        view.set_index((view.index + 1) % SLICES)
        painter = QPainter(canvas)
        view.render(painter, QPoint())
        painter.end()

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    timer.start(16)
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        app.processEvents()
        time.sleep(0.0005)
        if engine is not None:
            engine.receive(0)
    timer.stop()
    return np.percentile(np.diff(ticks) * 1000, [50, 99])


with tempfile.TemporaryDirectory() as name:
    measure()
    idle = measure()
    engine, spec = start_training(Path(name))
    try:
        busy = measure(engine)
        alive = engine.alive
    finally:
        engine.cancel(spec.job_id)
        engine.close()
print(json.dumps({
    "idle_p50_ms": idle[0], "idle_p99_ms": idle[1], "busy_p50_ms": busy[0],
    "busy_p99_ms": busy[1], "ratio": busy[1] / idle[1], "trained_throughout": alive,
}))  # fmt: skip
