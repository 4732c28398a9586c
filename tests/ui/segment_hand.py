"""A hand that paints segments in the real window, for tests."""

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest

NO_KEY, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
LEFT = Qt.MouseButton.LeftButton


class Painter:
    """The review page, its segment desk, and mouse and keys on it."""

    def __init__(self, app, wait):
        self.app, self.wait = app, wait
        self.page = app.window.workspaces["review"]
        self.desk = next(f for f in self.page.features if type(f).__name__ == "SegmentDesk")
        self.book, self.choice, self.panel = self.desk.book, self.desk.choice, self.desk.panel
        self.history = app.session.history

    def open(self, *paths):
        """Open studies and wait for the first display."""
        self.app.window.open_paths(list(paths))
        self.loaded()
        return self

    def loaded(self):
        """Wait until every slice is there."""
        model = self.page.model
        self.wait(lambda: model.volume is not None and model.volume.ready.all())
        self.wait(lambda: model.voi is not None or model.display.colour)
        self.app.qt.processEvents()

    def show(self, display):
        """Show another display."""
        self.page.show_display(display)
        self.wait(lambda: self.page.model.display == display)
        self.loaded()

    def act(self, name):
        """Trigger a command."""
        self.app.actions_registry.action(f"medbench.review.{name}").trigger()
        self.app.qt.processEvents()

    def key(self, key, modifier=NO_KEY):
        """Press a key where the reader looks."""
        self.app.window.activateWindow()  # keys reach commands only in the active window
        self.page.active.setFocus()
        self.app.qt.processEvents()
        QTest.keyClick(self.page.active, key, modifier)
        self.app.qt.processEvents()

    def at(self, view, row, column):
        """Place on the widget."""
        return view.widget_position(row, column)

    def send(self, view, kind, place, modifier=NO_KEY):
        """One mouse event of the left button."""
        moves, ends = kind is QEvent.Type.MouseMove, kind is QEvent.Type.MouseButtonRelease
        event = QMouseEvent(
            kind, QPointF(place), view.mapToGlobal(QPointF(place)),
            Qt.MouseButton.NoButton if moves else LEFT,
            Qt.MouseButton.NoButton if ends else LEFT, modifier,
        )  # fmt: skip
        self.app.qt.sendEvent(view, event)

    def press(self, view, *places, modifier=NO_KEY):
        """Press and move through (row, column) places, without letting go."""
        spots = [self.at(view, *place) for place in places]
        self.send(view, QEvent.Type.MouseButtonPress, spots[0], modifier)
        for spot in spots[1:]:
            self.send(view, QEvent.Type.MouseMove, spot, modifier)
            self.app.qt.processEvents()
        return spots[-1]

    def stroke(self, view, *places, modifier=NO_KEY):
        """A whole stroke."""
        last = self.press(view, *places, modifier=modifier)
        self.send(view, QEvent.Type.MouseButtonRelease, last, modifier)
        self.app.qt.processEvents()

    @property
    def segmentation(self):
        """The one that is edited."""
        return self.choice.for_display(self.page.model.display)

    @property
    def labels(self):
        """Its voxels."""
        return self.book.labels(self.segmentation.segmentation_id)

    def reopened(self):
        """Wait until a stored segmentation is there with its voxels."""
        self.wait(lambda: self.segmentation is not None)
        self.app.qt.processEvents()
        self.wait(lambda: self.labels is not None)

    def settled(self):
        """Wait for edits, counts and the disk."""
        jobs = self.app.session.segment_jobs
        self.wait(lambda: not jobs.busy)
        key = self.segmentation.segmentation_id
        self.wait(lambda: self.book.counter.up_to_date(key) and not self.book.files.waiting)
        self.app.qt.processEvents()

    def colour_at(self, view, row, column):
        """What is seen at a place."""
        return view.grab().toImage().pixelColor(self.at(view, row, column).toPoint())

    def display_named(self, text):
        """A display by its description or modality."""
        studies = self.app.session.library.studies
        return next(
            d for s in studies for se in s.series for d in se.displays
            if text in (d.description, d.modality)
        )  # fmt: skip


def capsule(shape, spacing, start, end, radius):
    """Voxels (any dimension) within a radius of the way between two index places."""
    points = np.stack(np.indices(shape), axis=-1) * np.asarray(spacing)
    a, b = np.asarray(start) * spacing, np.asarray(end) * spacing
    way = b - a
    length = way @ way
    part = np.clip((points - a) @ way / length, 0, 1) if length else np.zeros(shape)
    return np.linalg.norm(points - a - part[..., None] * way, axis=-1) <= radius + 1e-6
