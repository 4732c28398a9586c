"""Brush, eraser, growing, thresholds and edits by mouse and key, each against plain arithmetic."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from scipy import ndimage
from segment_hand import SHIFT, Painter, capsule

from medbench.domain.segment_edit import SegmentMethod, SegmentState
from medbench.imaging.reslice import PlaneKind

CTRL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier


@pytest.fixture
def hand(app, wait, ct_folder):
    """The simulated CT, 12 x 48 x 64 voxels of 3 x 1 x 1 mm, is open."""
    return Painter(app, wait).open(ct_folder)


def test_a_stroke_paints_circles_in_millimetres_and_is_counted(hand):
    view = hand.page.stack
    view.set_index(5)
    hand.key(Qt.Key.Key_B)
    assert hand.page.toolbox.current == "brush"
    hand.choice.set_brush(size_mm=9.0)
    hand.stroke(view, (20, 20), (24, 28), (30, 40))
    expected = np.zeros((12, 48, 64), bool)
    for a, b in (((20, 20), (24, 28)), ((24, 28), (30, 40))):
        expected[5] |= capsule((48, 64), (1.0, 1.0), a, b, 4.5)
    assert np.array_equal(hand.labels == 1, expected)
    hand.settled()
    inside = hand.page.model.volume.voxels[expected].astype(float)
    numbers = hand.book.counter.numbers(hand.segmentation.segmentation_id, 1)
    assert numbers.voxels == expected.sum()
    assert numbers.volume_ml == pytest.approx(expected.sum() * 3 / 1000)
    assert numbers.mean == pytest.approx(inside.mean())
    assert numbers.sd == pytest.approx(inside.std())
    row = hand.panel.rows[1]
    assert row.volume.text() == f"{expected.sum() * 3 / 1000:.2f} mL"
    assert "HU" in row.facts.text()
    assert hand.history.undo_words == "Brush stroke"
    hand.history.undo()
    assert not hand.labels.any()
    hand.history.redo()
    assert np.array_equal(hand.labels == 1, expected)
    for _ in range(2):  # the stroke, then the segmentation that it began
        hand.history.undo()
    assert hand.segmentation is None


def test_shift_and_the_eraser_take_away_escape_drops_and_keys_change_the_size(hand):
    view = hand.page.stack
    view.set_index(5)
    hand.act("tool_brush")
    hand.choice.set_brush(size_mm=16.0)
    hand.stroke(view, (24, 32))
    whole = hand.labels.copy()
    hand.choice.set_brush(size_mm=6.0)
    hand.stroke(view, (24, 26), (24, 38), modifier=SHIFT)
    band = capsule((48, 64), (1.0, 1.0), (24, 26), (24, 38), 3.0)
    assert np.array_equal(hand.labels[5] == 1, (whole[5] == 1) & ~band)
    hand.history.undo()
    assert np.array_equal(hand.labels, whole)
    hand.key(Qt.Key.Key_B, SHIFT)
    assert hand.page.toolbox.current == "eraser"
    hand.stroke(view, (24, 26), (24, 38))
    assert np.array_equal(hand.labels[5] == 1, (whole[5] == 1) & ~band)
    erased = hand.labels.copy()
    hand.act("tool_brush")
    hand.press(view, (10, 10), (10, 20))
    assert not np.array_equal(hand.labels, erased)
    hand.key(Qt.Key.Key_Escape)
    assert np.array_equal(hand.labels, erased)
    hand.send(view, QEvent.Type.MouseButtonRelease, hand.at(view, 10, 20))
    assert np.array_equal(hand.labels, erased)
    hand.choice.set_brush(size_mm=20.0)
    hand.key(Qt.Key.Key_BracketRight, CTRL)
    assert hand.choice.brush.size_mm == pytest.approx(23.0)
    hand.key(Qt.Key.Key_BracketLeft, CTRL)
    hand.key(Qt.Key.Key_BracketLeft, CTRL)
    assert hand.choice.brush.size_mm == pytest.approx(17.4)
    assert "17.4 mm" in hand.panel.brush.size_value.text()
    hand.send(view, QEvent.Type.MouseMove, hand.at(view, 2, 2))
    before = view.grab().toImage()
    hand.send(view, QEvent.Type.MouseMove, hand.at(view, 30, 50))
    hand.app.qt.processEvents()
    after = view.grab().toImage()
    edge = hand.at(view, 30, 50 - 8.7).toPoint()
    near = [(edge.x() + i, edge.y()) for i in range(-2, 3)]
    assert any(before.pixel(*p) != after.pixel(*p) for p in near)
    centre = hand.at(view, 30, 50).toPoint()
    assert before.pixel(centre) == after.pixel(centre)


def test_every_plane_paints_where_it_lies(hand):
    hand.act("toggle_mpr")
    hand.act("tool_brush")
    kinds = (PlaneKind.CORONAL, PlaneKind.SAGITTAL, PlaneKind.AXIAL)
    for kind, sphere in [(kind, sphere) for sphere in (False, True) for kind in kinds]:
        hand.choice.set_brush(size_mm=14.0, sphere=sphere)
        view = hand.page.viewports[kind]
        view.set_index(view.count // 2)
        rows, columns = view.shape()
        places = ((rows / 2 - 0.5, columns / 2 - 4), (rows / 2, columns / 2 + 4))
        before = hand.labels.copy() if hand.segmentation else np.zeros((12, 48, 64), np.uint8)
        hand.stroke(view, *places)
        ends = [view.plane.voxel_of(view.index, *place)[::-1] for place in places]
        expected = capsule((12, 48, 64), (3.0, 1.0, 1.0), *ends, 7.0)
        if not sphere:
            axis = view.plane.axes[0]
            only = np.zeros_like(expected)
            at = [slice(None)] * 3
            at[axis] = round(ends[0][axis])
            only[tuple(at)] = True
            expected &= only
        assert np.array_equal(hand.labels == 1, expected | (before == 1)), kind
        assert expected.sum() > 40
    hand.choice.set_brush(sphere=False)
    hand.act("segment_erase")
    oblique_planes_paint_in_their_slab(hand)


def oblique_planes_paint_in_their_slab(hand):
    view = hand.page.viewports[PlaneKind.AXIAL]
    model = hand.page.model
    model.plane_state.turn((PlaneKind.AXIAL,), (1.0, 0.0, 0.0), 0.5, model.point_mm)
    hand.app.qt.processEvents()
    hand.choice.set_brush(size_mm=12.0)
    row, column = view.shape()[0] / 2, view.shape()[1] / 2
    hand.stroke(view, (row, column))
    points = np.stack(np.indices((12, 48, 64)), axis=-1)[..., ::-1] * (1.0, 1.0, 3.0)
    centre = view.plane.point_of(view.index, row, column)
    normal = np.cross(view.plane.row_direction, view.plane.column_direction)
    height = (points - centre) @ normal
    away = np.linalg.norm(points - centre - height[..., None] * normal, axis=-1)
    found = hand.labels == 1
    assert found.any()
    assert (away[found] <= 6.001).all()
    assert np.abs(height[found]).max() <= (3 * abs(normal[2]) + abs(normal[1])) / 2 + 1e-3
    assert len(np.unique(np.nonzero(found)[0])) > 1
    hand.choice.set_look(fill=0.8)
    assert hand.colour_at(view, row, column).saturation() > 90


def test_ranges_masks_locks_and_other_segments_limit_the_brush(hand):
    view = hand.page.stack
    view.set_index(5)
    values = hand.page.model.volume.voxels[5]
    hand.act("tool_brush")
    hand.choice.set_brush(size_mm=30.0, keep=(500.0, 1000.0))
    hand.stroke(view, (24, 32))
    disc = capsule((48, 64), (1.0, 1.0), (24, 32), (24, 32), 15.0)
    bone = disc & (values >= 500)
    assert np.array_equal(hand.labels[5] == 1, bone)
    assert 50 < bone.sum() < disc.sum()
    key = hand.segmentation.segmentation_id
    hand.act("segment_new")
    hand.choice.set_brush(keep=None, only=(key, 1), size_mm=8.0)
    hand.stroke(view, (24, 28))
    small = capsule((48, 64), (1.0, 1.0), (24, 28), (24, 28), 4.0)
    assert np.array_equal(hand.labels[5] == 2, small & bone)
    hand.choice.set_brush(only=None)
    hand.desk._lock(2)
    hand.choice.choose_segment(hand.segmentation, 1)
    hand.choice.set_brush(size_mm=30.0)
    hand.stroke(view, (24, 32))
    assert np.array_equal(hand.labels[5] == 2, small & bone)  # locked
    assert np.array_equal(hand.labels[5] == 1, disc & ~(small & bone))
    hand.choice.choose_segment(hand.segmentation, 2)
    before = hand.labels.copy()
    hand.stroke(view, (24, 32))
    assert np.array_equal(hand.labels, before)
    assert "locked" in hand.app.session.messages.log[-1].text
    hand.act("segment_new")
    hand.choice.set_brush(over=False, size_mm=34.0)
    hand.stroke(view, (24, 32))
    ring = capsule((48, 64), (1.0, 1.0), (24, 32), (24, 32), 17.0)
    assert np.array_equal(hand.labels[5] == 3, ring & (before[5] == 0))


def test_a_click_grows_a_region_in_the_slice_or_in_space(hand):
    view = hand.page.stack
    view.set_index(5)
    hand.key(Qt.Key.Key_R, SHIFT)
    assert hand.page.toolbox.current == "grow"
    hand.choice.set_brush(tolerance=100.0, reach_mm=None, sphere=True)
    hand.stroke(view, (24, 30))
    hand.settled()
    voxels = hand.page.model.volume.voxels
    named, _ = ndimage.label((voxels >= 600) & (voxels <= 800))
    assert np.array_equal(hand.labels == 1, named == named[5, 24, 30])
    assert hand.segmentation.segment(1).methods == (SegmentMethod.GROWING,)
    hand.history.undo()
    hand.choice.set_brush(sphere=False)
    hand.stroke(view, (24, 30))
    hand.settled()
    assert set(np.nonzero(hand.labels)[0].tolist()) == {5}
    hand.choice.set_brush(keep=(0.0, 50.0), reach_mm=9.0)
    hand.act("segment_new")
    hand.stroke(view, (15, 30))
    hand.settled()
    disc = capsule((48, 64), (1.0, 1.0), (15, 30), (15, 30), 9.0)
    soft = disc & (voxels[5] >= 0) & (voxels[5] <= 50)
    named, _ = ndimage.label(soft)
    assert np.array_equal(hand.labels[5] == 2, named == named[15, 30])
    hand.stroke(view, (2, 2))
    hand.settled()
    assert "outside the range" in hand.app.session.messages.log[-1].advice


def test_thresholds_take_the_slice_the_volume_or_the_inside(hand):
    view = hand.page.stack
    view.set_index(5)
    voxels = hand.page.model.volume.voxels
    hand.key(Qt.Key.Key_W, SHIFT)
    assert hand.page.toolbox.current == "threshold"
    hand.choice.set_brush(size_mm=4.0)
    hand.stroke(view, (24, 30))  # the range from below the circle
    assert hand.choice.brush.keep == (700.0, 700.0)
    hand.choice.set_brush(keep=(0.0, 100.0))
    assert hand.colour_at(view, 15, 25) != hand.colour_at(view, 24, 30)
    hand.key(Qt.Key.Key_Return)
    hand.settled()
    assert np.array_equal(hand.labels[5] == 1, (voxels[5] >= 0) & (voxels[5] <= 100))
    assert not hand.labels[4].any()
    hand.act("segment_threshold_volume")
    hand.settled()
    assert np.array_equal(hand.labels == 1, (voxels >= 0) & (voxels <= 100))
    hand.act("segment_new")
    hand.choice.set_brush(keep=(-2000.0, 2000.0), over=True)
    hand.act("segment_threshold_volume")
    hand.settled()
    assert (hand.labels == 2).all()
    hand.choice.set_brush(keep=(500.0, 2000.0))
    hand.act("segment_threshold_inside")
    hand.settled()
    assert np.array_equal(hand.labels == 2, voxels >= 500)
    hand.history.undo()
    assert (hand.labels == 2).all()


def test_drawn_slices_are_joined_by_key_and_shapes_are_mended(hand):
    view = hand.page.stack
    hand.act("tool_brush")
    for index, size in ((2, 10.0), (8, 22.0)):
        view.set_index(index)
        hand.choice.set_brush(size_mm=size)
        hand.stroke(view, (24, 32))
    hand.key(Qt.Key.Key_I, ALT)
    hand.settled()
    for z in range(3, 8):
        radius = np.sqrt((hand.labels[z] == 1).sum() / np.pi)
        assert radius == pytest.approx(5 + (z - 2), abs=0.6)
    assert SegmentMethod.INTERPOLATION in hand.segmentation.segment(1).methods
    full = hand.labels.copy()
    hand.act("tool_eraser")
    view.set_index(5)
    hand.choice.set_brush(size_mm=4.0)
    hand.stroke(view, (24, 32))
    assert (hand.labels != full).any()
    hand.act("segment_fill_holes")
    hand.settled()
    assert np.array_equal(hand.labels, full)
    hand.act("tool_brush")
    hand.stroke(view, (8, 8))
    hand.act("segment_keep_largest")
    hand.settled()
    assert np.array_equal(hand.labels, full)
    hand.choice.set_brush(smooth_mm=2.0)
    hand.act("segment_smooth")
    hand.settled()
    assert 0 < (hand.labels != full).sum() < 0.2 * (full > 0).sum()
    hand.act("segment_erase")
    assert not hand.labels.any()
    for _ in range(3):  # erasing, smoothing, dropping the island
        hand.history.undo()
    island = capsule((48, 64), (1.0, 1.0), (8, 8), (8, 8), 2.0)
    assert np.array_equal((hand.labels != full)[5], island)


def test_segments_are_combined_with_those_of_another_segmentation(hand):
    view = hand.page.stack
    view.set_index(5)
    hand.act("tool_brush")
    hand.choice.set_brush(size_mm=20.0)
    hand.stroke(view, (24, 28))
    first = hand.segmentation.segmentation_id
    one = hand.labels == 1
    hand.act("segmentation_new")
    assert hand.segmentation.segmentation_id != first
    hand.stroke(view, (24, 36))
    two = hand.labels == 1
    for how, expected in (
        ("intersect", one & two), ("union", one | two), ("subtract", two & ~one), ("copy", one),
    ):  # fmt: skip
        hand.desk.operations.combine(view, how, first, 1)
        hand.settled()
        assert np.array_equal(hand.labels == 1, expected), how
        hand.history.undo()
        assert np.array_equal(hand.labels == 1, two), how
    hand.act("segment_union")  # asks which one
    menu = hand.desk._menu
    assert [a.text() for a in menu.actions()] == [f"Segment 1 ({hand.book.get(first).title})"]
    menu.actions()[0].trigger()
    menu.close()
    hand.settled()
    assert np.array_equal(hand.labels == 1, one | two)


def test_nothing_is_painted_while_a_long_edit_runs_and_it_can_be_stopped(hand):
    view = hand.page.stack
    view.set_index(5)
    hand.act("tool_brush")
    hand.stroke(view, (24, 32))
    before = hand.labels.copy()
    jobs, key = hand.app.session.segment_jobs, hand.segmentation.segmentation_id

    def forever(_labels, handle):
        from medbench.base.errors import CancelledError

        while not handle.cancelled():
            pass
        raise CancelledError("stopped")

    rules = hand.book.rules(key, 1)
    assert jobs.add(key, "Test edit", SegmentMethod.SMOOTHING, rules, forever)
    hand.stroke(view, (10, 10))
    assert np.array_equal(hand.labels, before)
    hand.wait(lambda: hand.app.session.jobs.running)
    hand.app.session.jobs.cancel(hand.app.session.jobs.running[-1].job_id)
    hand.wait(lambda: not jobs.busy)
    hand.stroke(view, (10, 10))
    assert not np.array_equal(hand.labels, before)
    # a reviewed segment that is painted is being edited again
    hand.desk._review(1)
    assert hand.segmentation.segment(1).state is SegmentState.REVIEWED
    hand.stroke(view, (12, 12))
    assert hand.segmentation.segment(1).state is SegmentState.EDITING
    hand.history.undo()
    assert hand.segmentation.segment(1).state is SegmentState.REVIEWED


def test_pictures_without_a_place_are_painted_index_to_index(app, wait, radiograph):
    hand = Painter(app, wait).open(radiograph)
    view = hand.page.stack
    hand.act("tool_brush")
    hand.choice.set_brush(size_mm=5.0)
    hand.stroke(view, (40, 30))
    spacing = hand.segmentation.geometry.spacing_mm
    expected = capsule((80, 90), spacing[1:], (40, 30), (40, 30), 2.5)
    assert np.array_equal(hand.labels[0] == 1, expected)
    hand.settled()
    assert hand.panel.rows[1].volume.text() == f"{expected.sum()} px".replace(",", "\u2009")


@pytest.mark.real_data
def test_spheres_do_not_cross_pictures_without_a_place(app, wait, real_data):
    file = next((real_data / "dicom_conformance").rglob("*US-PAL-8-10x-echo*"))
    hand = Painter(app, wait).open(file)
    view = hand.page.stack
    assert view.count == 10
    view.set_index(4)
    hand.act("tool_brush")
    hand.choice.set_brush(size_mm=9.0, sphere=True)
    hand.stroke(view, (200, 250))
    assert set(np.nonzero(hand.labels)[0].tolist()) == {4}
    hand.act("segment_new")
    view.set_index(7)
    hand.stroke(view, (200, 250))
    assert set(np.nonzero(hand.labels == 2)[0].tolist()) == {7}
