"""p99 of a 16 ms GUI timer that scrolls a 512 x 512 stack: idle, then beside a training run."""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from medbench.cohorts.build import build_cohort
from medbench.cohorts.split import split_by_patient
from medbench.cohorts.store import write_split
from medbench.domain.cohort import Task
from medbench.domain.image import (
    DisplayKind,
    DisplaySet,
    FrameInfo,
    FrameRef,
    VoiWindow,
    Volume,
)
from medbench.imaging.reslice import PlaneKind
from medbench.jobs.client import EngineProcess
from medbench.registry.workspace import Workspace
from medbench.session.operations.training import prepare_run
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


def start_training(folder):
    """A CNN run on all cores."""
    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 255, (1200, 96, 96), dtype=np.uint8)
    np.savez(folder / "images.npz", images=pictures, labels=rng.integers(0, 2, 1200))
    cohort = build_cohort(folder / "images.npz", task=Task.IMAGE, out=folder / "cohort")
    write_split(folder / "cohort", split_by_patient(cohort))
    with Workspace(folder / "workspace") as workspace:
        spec = prepare_run(workspace, folder / "cohort", "cnn",
                           overrides={"epochs": 500, "patience": 500})  # fmt: skip
    engine = EngineProcess("train", threads=os.cpu_count() or 1)
    engine.start()
    engine.submit(spec)
    begin = time.perf_counter()
    while time.perf_counter() - begin < 120:
        event = engine.receive(0.5)
        if event and event["type"] == "metric":
            return engine, spec
        if event and event["type"] == "ended":
            sys.exit(f"the run ended: {event}")
    sys.exit("the run did not start")


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
