"""Peer: a plain pyqtgraph ImageItem, 4000 x 3000 16-bit, one repaint per level change."""

import json
import statistics
import time

import numpy as np
import pyqtgraph
from PySide6.QtGui import QImage, QPainter

pyqtgraph.setConfigOptions(imageAxisOrder="row-major")
app = pyqtgraph.mkQApp()
image = np.random.default_rng(0).integers(0, 4096, (3000, 4000), dtype=np.uint16)
view = pyqtgraph.GraphicsLayoutWidget()
view.resize(1200, 900)
box = view.addViewBox(lockAspect=True, invertY=True)
item = pyqtgraph.ImageItem(image)
box.addItem(item)
view.show()
app.processEvents()
canvas = QImage(view.size(), QImage.Format.Format_RGB32)
times = []
for step in range(40):
    begin = time.perf_counter()
    item.setLevels((500 + 10 * step, 3000 + 10 * step))
    painter = QPainter(canvas)
    view.render(painter)
    painter.end()
    times.append(time.perf_counter() - begin)
print(json.dumps({"seconds": statistics.median(times[5:])}))
