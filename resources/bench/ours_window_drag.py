"""Ours: a viewport, 4000 x 3000 16-bit, one repaint per window change as in a drag."""

import json
import statistics
import time

import numpy as np
from PySide6.QtCore import QPoint
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

app = QApplication([])
image = np.random.default_rng(0).integers(0, 4096, (1, 3000, 4000), dtype=np.uint16)
display = DisplaySet("1", DisplayKind.STACK, "DX", "bench", 3000, 4000, (FrameRef(path=None),))
model = ViewModel(Toolbox())
view = Viewport(model, PlaneKind.ACQUIRED)
view.resize(1200, 900)
model.begin(display, "bench")
model.set_volume(Volume(display, image, np.ones(1, bool), {}, (FrameInfo(),)))
model.set_voi(VoiWindow(2048, 4096))
view.show()
app.processEvents()
canvas = QImage(view.size(), QImage.Format.Format_RGB32)


def frame(step):
    """One window change with its repaint."""
    begin = time.perf_counter()
    model.set_voi(VoiWindow(1750 + 10 * step, 2500))
    painter = QPainter(canvas)
    view.render(painter, QPoint())
    painter.end()
    return time.perf_counter() - begin


times = [frame(step) for step in range(40)]
view.settle()
begin = time.perf_counter()
painter = QPainter(canvas)
view.render(painter, QPoint())
painter.end()
settled = time.perf_counter() - begin
print(json.dumps({"seconds": statistics.median(times[5:]), "settled_s": settled}))
