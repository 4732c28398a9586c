"""The program with 300 x 512 x 512 voxels in planes, a segmentation, and a hand that paints."""

import tempfile
import time
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent

from medbench.domain.geometry import Geometry
from medbench.domain.image import DisplayKind, DisplaySet, FrameInfo, FrameRef, VoiWindow, Volume
from medbench.imaging.reslice import PlaneKind
from medbench.session.library import display_key

SHAPE, SPACING_MM = (300, 512, 512), (1.0, 0.7, 0.7)


class Scene:
    """A window on a private workspace."""

    def __init__(self):
        from medbench.app.bootstrap import build_app

        self.folder = tempfile.TemporaryDirectory(prefix="medbench-bench-")
        self.app = build_app(Path(self.folder.name))
        self.app.window.resize(1600, 1000)
        self.app.window.show()
        self.page = self.app.window.workspaces["review"]
        self.app.session.show_requested.emit("review", None)
        axes = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
        geometry = Geometry(SHAPE, SPACING_MM, (0.0, 0.0, 0.0), axes, "1.2.3")
        frames = tuple(FrameRef(Path("bench"), i) for i in range(SHAPE[0]))
        display = DisplaySet(
            "1", DisplayKind.VOLUME, "CT", "bench", SHAPE[1], SHAPE[2], frames, geometry,
            series_instance_uid="1.2", study_instance_uid="1.1",
        )  # fmt: skip
        y, x = np.mgrid[: SHAPE[1], : SHAPE[2]]
        disc = ((y - 256) ** 2 + (x - 256) ** 2 < 200**2).astype(np.int16) * 1040 - 1000
        noise = np.random.default_rng(0).integers(-20, 20, SHAPE[1:], dtype=np.int16)
        voxels = np.broadcast_to(disc + noise, SHAPE).copy()
        ready = np.ones(SHAPE[0], bool)
        volume = Volume(display, voxels, ready, {}, (FrameInfo(),) * SHAPE[0])
        model = self.page.model
        model.begin(display, display_key(display))
        model.set_volume(volume)
        model.set_voi(VoiWindow(40, 400))
        self.page.showing.fourth = "acquired"  # four flat views
        self.page.showing.toggle_planes()
        assert len(self.page.views()) == 4
        book = self.app.session.segments
        made = book.create(display, "bench", "")
        for _ in range(3):
            book.add_segment(made.segmentation_id)
        self.book, self.key = book, made.segmentation_id
        self.desk = next(f for f in self.page.features if type(f).__name__ == "SegmentDesk")
        self.settle()

    def settle(self, seconds=0.5):
        """Let the workers end."""
        end = time.monotonic() + seconds
        while time.monotonic() < end or not self.book.counter.up_to_date(self.key):
            self.app.qt.processEvents()
            time.sleep(0.002)

    def view(self, kind=PlaneKind.AXIAL):
        """A viewport of the planes."""
        return self.page.viewports[kind]

    def send(self, view, kind, at, buttons=Qt.MouseButton.LeftButton):
        """One mouse event."""
        moved = kind is QEvent.Type.MouseMove
        event = QMouseEvent(
            kind, QPointF(at), view.mapToGlobal(QPointF(at)),
            Qt.MouseButton.NoButton if moved else Qt.MouseButton.LeftButton,
            buttons, Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        self.app.qt.sendEvent(view, event)

    def stroke(self, view, places):
        """Seconds of each frame: an event and everything it makes the window paint."""
        times = []
        self.send(view, QEvent.Type.MouseButtonPress, places[0])
        for place in places[1:]:
            begin = time.perf_counter()
            self.send(view, QEvent.Type.MouseMove, place)
            self.app.qt.processEvents()
            times.append(time.perf_counter() - begin)
        self.send(view, QEvent.Type.MouseButtonRelease, places[-1], Qt.MouseButton.NoButton)
        return times

    def close(self):
        """End the program."""
        self.app.close()
        self.folder.cleanup()
