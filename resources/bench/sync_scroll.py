"""16 synchronised viewports: the wheel turns 60 times a second; how late is the picture?"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent

from medbench.app.bootstrap import build_app
from medbench.dicom.write import SimulatedPatient, write_ct_series
from medbench.domain.geometry import Geometry

SLICES, TURNS, RATE_HZ = 100, 80, 60.0
AXIAL = (1, 0, 0, 0, 1, 0, 0, 0, 1)

folder = Path(tempfile.mkdtemp(prefix="mb-"))
os.environ["MEDBENCH_CONFIG"] = str(folder / "config")
rng = np.random.default_rng(0)
voxels = rng.integers(-1000, 1000, (SLICES, 512, 512), dtype=np.int16)
geometry = Geometry(voxels.shape, (1.0, 0.7, 0.7), (0, 0, 0), AXIAL)
write_ct_series(folder / "ct", voxels, geometry, SimulatedPatient("SIM-1", "Sample^Ivo"))
app = build_app(folder / "workspace")
app.window.resize(1600, 1000)
app.window.show()
app.window.open_paths([folder / "ct"])
page = app.window.workspaces["review"]


def until(ready):
    while not ready():
        app.qt.processEvents()
        time.sleep(0.002)


until(lambda: page.model.volume is not None and page.model.volume.ready.all())
display = page.model.display
page.showing.set_grid(4, 4)
for cell in range(1, 16):
    page.showing.show(display, cell)
page.showing.activate(page.wall.shown[0])
until(lambda: all(screen.loaded for screen in page.showing.screens))
page.sync.set_on(on=True)
views = page.views()
assert len(views) == 16


class Painted(QObject):
    """Index that each view painted last, and when."""

    def __init__(self):
        super().__init__()
        self.index = {}
        for view in views:
            view.installEventFilter(self)

    def eventFilter(self, view, event):
        if event.type() == QEvent.Type.Paint:
            self.index[view] = view.index
        return False


painted = Painted()
for view in views:
    view.set_index(5)
until(lambda: all(painted.index.get(view) == 5 for view in views))
first, lags, frames = views[0], [], 0
centre = QPointF(first.rect().center())
begin = time.perf_counter()
due = [begin + turn / RATE_HZ for turn in range(TURNS)]
turned, shown = 0, 5
while shown < 5 + TURNS:
    now = time.perf_counter()
    while turned < TURNS and now >= due[turned]:
        event = QWheelEvent(
            centre, first.mapToGlobal(centre), QPoint(), QPoint(0, -120),
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        app.qt.postEvent(first, event)
        turned += 1
    app.qt.processEvents()
    least = min(painted.index[view] for view in views)
    if least > shown:
        frames += 1
        now = time.perf_counter()
        lags += [now - due[index - 6] for index in range(shown + 1, least + 1)]
        shown = least
seconds = time.perf_counter() - begin
lag = float(np.percentile(lags, 95))
print(json.dumps({
    "frames_per_s": frames / seconds, "lag_p95_s": lag, "lag_last_s": lags[-1],
    "viewports": len(views), "ratio": lag / 0.1,
}))  # fmt: skip
sys.stdout.flush()
app.close()
os._exit(0)
