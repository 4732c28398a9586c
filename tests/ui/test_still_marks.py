"""Marks that nobody moves are painted once: not again while a further one is drawn or dragged."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from medbench.domain.measurement import Measurement
from medbench.domain.segment_edit import EditedSegmentation
from medbench.ui.review.measure import still

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


class _Hand:
    def __init__(self, app, wait, folder):
        self.app = app
        self.page = app.window.workspaces["review"]
        app.window.open_paths([folder])
        model = self.page.model
        wait(lambda: model.volume is not None and model.volume.ready.all())
        wait(lambda: model.voi is not None)
        self.view = self.page.active
        app.actions_registry.action("medbench.review.tool_length").trigger()

    def at(self, row, column):
        return self.view.widget_position(row, column).toPoint()

    def press(self, start, end):
        QTest.mousePress(self.view, LEFT, NONE, self.at(*start))
        QTest.mouseMove(self.view, self.at(*end))

    def release(self, end):
        QTest.mouseRelease(self.view, LEFT, NONE, self.at(*end))
        self.app.qt.processEvents()

    def length(self, start, end):
        self.press(start, end)
        self.release(end)

    def picture(self):
        image = self.view.grab().toImage()
        return np.frombuffer(image.constBits(), np.uint8).astype(int)


@pytest.fixture
def painted(monkeypatch):
    """Counts shapes that are painted anew."""
    seen = []
    plain = still.paint_shape

    def counted(painter, mark, style):
        seen.append(mark)
        plain(painter, mark, style)

    monkeypatch.setattr(still, "paint_shape", counted)
    return seen


def test_still_marks_are_kept_and_look_as_if_painted_anew(app, wait, ct_folder, painted,
                                                          monkeypatch):  # fmt: skip
    hand = _Hand(app, wait, ct_folder)
    for i in range(6):
        hand.length((5 + 6 * i, 8), (8 + 6 * i, 50))
    marks = app.session.readings.of(Measurement)
    assert len(marks) == 6
    kept = hand.picture()
    painted.clear()
    hand.press((44, 10), (45, 40))  # a seventh is being drawn, and none is selected any more
    for column in range(40, 50):
        QTest.mouseMove(hand.view, hand.at(45, column))
        assert not np.array_equal(hand.picture(), kept)
    assert not painted
    hand.release((45, 49))
    hand.picture()
    assert {mark.points[0].y() for mark in painted} == {painted[0].points[0].y()}  # the new one
    app.actions_registry.action("medbench.edit.undo").trigger()
    app.actions_registry.action("medbench.review.tool_window").trigger()
    QTest.mouseMove(hand.view, hand.at(1, 1))
    kept = hand.picture()
    monkeypatch.setattr(still, "_KEEP_FROM", 1000)
    direct = hand.picture()
    assert len(painted) >= 6
    assert np.abs(kept - direct).max() <= 4  # rounding of half covered pixels


def test_only_the_mark_in_the_hand_is_painted_while_it_moves(app, wait, ct_folder, painted):
    hand = _Hand(app, wait, ct_folder)
    for i in range(6):
        hand.length((5 + 6 * i, 8), (8 + 6 * i, 50))
    app.actions_registry.action("medbench.review.tool_window").trigger()
    hand.press((8, 50), (9, 50))
    hand.picture()
    painted.clear()
    for row in range(10, 20):
        QTest.mouseMove(hand.view, hand.at(row, 52))
        hand.picture()
    names = {tuple((p.x(), p.y()) for p in mark.points) for mark in painted}
    assert len(names) >= 9  # one mark at many places
    assert len({start for start, _ in names}) == 1
    hand.release((19, 52))
    before = hand.picture()
    painted.clear()
    app.actions_registry.action("medbench.edit.undo").trigger()
    assert not np.array_equal(hand.picture(), before)  # the sheet follows the record
    assert len(painted) >= 6


def test_a_brush_paints_over_a_mark_and_leaves_it_where_it_is(app, wait, ct_folder):
    hand = _Hand(app, wait, ct_folder)
    hand.length((20, 10), (20, 50))
    before = app.session.readings.of(Measurement)
    app.actions_registry.action("medbench.review.tool_brush").trigger()
    hand.length((20, 30), (30, 30))  # begins on its line
    assert app.session.readings.of(Measurement) == before
    (segmentation,) = app.session.readings.of(EditedSegmentation)
    assert app.session.segments.labels(segmentation.segmentation_id)[:, 20:31, 30].any(0).all()
    app.actions_registry.action("medbench.review.tool_window").trigger()
    hand.length((20, 30), (26, 30))  # now the line is taken hold of
    assert app.session.readings.of(Measurement) != before
