"""The wall of viewports: layouts, who is active, tiles dropped, views that follow each other."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest

from medbench.dicom.write import SimulatedPatient, write_ct_series
from medbench.domain.geometry import Geometry
from medbench.domain.image import VoiWindow
from medbench.imaging.reslice import PlaneKind
from medbench.session.library import display_key
from medbench.ui.review.wall import display_mime

AXIAL = (1, 0, 0, 0, 1, 0, 0, 0, 1)


def write(folder, slices, spacing, origin_z=0.0, date="20260105", patient="SIM-1", number=1):
    """A ramp along z: each voxel's value is its height in mm."""
    heights = origin_z + np.arange(slices) * spacing
    voxels = np.repeat(heights.astype(np.int16), 32 * 40).reshape(slices, 32, 40)
    geometry = Geometry(voxels.shape, (spacing, 1.0, 1.0), (0, 0, origin_z), AXIAL)
    person = SimulatedPatient(patient, "Sample^Ivo", study_date=date)
    write_ct_series(folder, voxels, geometry, person, series_number=number)


def open_all(app, wait, folder, count):
    app.window.open_paths([folder])
    page = app.window.workspaces["review"]
    wait(lambda: page.model.volume is not None and bool(page.model.volume.ready.all()))
    displays = [d for s in app.session.library.studies for x in s.series for d in x.displays]
    assert len(displays) == count
    return page, displays


def loaded(page):
    return all(screen.loaded for screen in page.showing.screens)


@pytest.fixture
def two(app, wait, tmp_path):
    """Two series of one frame of reference: 40 slices of 1 mm, 9 of 5 mm."""
    write(tmp_path / "in" / "a", 40, 1.0, number=1)
    write(tmp_path / "in" / "b", 9, 5.0, number=2)
    page, displays = open_all(app, wait, tmp_path / "in", 2)
    thin = next(d for d in displays if d.slices == 40)
    thick = next(d for d in displays if d.slices == 9)
    page.show_display(thin)
    wait(lambda: loaded(page))
    return page, thin, thick


def act(app, name):
    app.actions_registry.action(f"medbench.review.{name}").trigger()


def test_a_layout_fills_its_cells_with_the_next_series(app, wait, two):
    page, thin, thick = two
    act(app, "layout_2x2")
    wait(lambda: loaded(page))
    assert (page.wall.rows, page.wall.columns, len(page.wall.shown)) == (2, 2, 4)
    assert [cell.screen.display for cell in page.showing.cells][:2] == [thin, thick]
    assert page.showing.cells[2].screen.display is None
    act(app, "layout_1x1")
    assert [cell.screen.display for cell in page.showing.cells] == [thin]


def test_sixteen_cells_and_back(app, wait, two):
    page, thin, _ = two
    act(app, "layout_4x4")
    assert len(page.wall.shown) == 16
    assert all(widget.isVisible() for widget in page.wall.shown)
    act(app, "layout_1x1")
    wait(lambda: len(page.showing.every_screen()) == 1)
    assert page.model.display == thin


def test_a_click_makes_a_cell_active_and_the_panels_follow(app, wait, two):
    page, thin, thick = two
    act(app, "layout_1x2")
    wait(lambda: loaded(page))
    left, right = page.wall.shown
    QTest.mouseMove(left, left.rect().center())
    assert page.window_panel._value.text() == f"{left.values()[0, 0]} HU"
    QTest.mouseClick(right, Qt.MouseButton.LeftButton, pos=right.rect().center())
    assert page.active is right
    assert page.model.display == thick
    assert page.window_panel._value.text() == ""
    assert page.window_panel._model is page.model
    page.model.set_voi(VoiWindow(11, 22))
    assert page.window_panel._width.text() == "22"
    QTest.mouseClick(left, Qt.MouseButton.LeftButton, pos=left.rect().center())
    assert page.model.display == thin
    assert page.window_panel._width.text() != "22"
    act(app, "next_view")
    assert page.active is right


def test_double_click_fills_the_wall_and_comes_back(app, wait, two):
    page, _, _ = two
    act(app, "layout_1x2")
    wait(lambda: loaded(page))
    right = page.wall.shown[1]
    QTest.mouseDClick(right, Qt.MouseButton.LeftButton, pos=right.rect().center())
    assert page.wall.shown == (right,)
    QTest.mouseDClick(right, Qt.MouseButton.LeftButton, pos=right.rect().center())
    assert len(page.wall.shown) == 2


def test_a_tile_dropped_on_a_cell_is_shown_there(app, wait, two):
    page, thin, _ = two
    act(app, "layout_1x2")
    wait(lambda: loaded(page))
    left, right = page.wall.shown
    mime, place = display_mime(display_key(thin)), QPointF(right.geometry().center())
    page.wall.dropEvent(
        QDropEvent(place, Qt.DropAction.CopyAction, mime,
                   Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    )  # fmt: skip
    assert page.active is right
    assert right.model.display == thin
    assert left.model.display == thin  # each with a window of its own
    right.model.set_voi(VoiWindow(3, 9))
    assert left.model.voi != VoiWindow(3, 9)


def test_planes_and_back_keep_the_layout(app, wait, two):
    page, thin, thick = two
    act(app, "layout_1x2")
    wait(lambda: loaded(page))
    act(app, "toggle_mpr")
    assert [cell.kind for cell in page.showing.cells][:3] == ["axial", "coronal", "sagittal"]
    assert page.viewports[PlaneKind.CORONAL].isVisible()
    act(app, "toggle_mpr")
    assert [cell.screen.display for cell in page.showing.cells] == [thin, thick]


def test_views_scroll_together_by_place_never_by_number(app, wait, two):
    """T43: A step 5, B step 1, both from z 0: A index 4 -> B index 20."""
    page, _, _ = two
    act(app, "layout_1x2")
    wait(lambda: loaded(page))
    thin, thick = page.wall.shown
    act(app, "toggle_sync")
    QTest.mouseClick(thick, Qt.MouseButton.LeftButton, pos=thick.rect().center())
    thick.setFocus()
    QTest.keyClick(thick, Qt.Key.Key_Home)
    assert (thick.index, thin.index) == (0, 0)
    for _ in range(4):
        QTest.keyClick(thick, Qt.Key.Key_Down)
    assert (thick.index, thin.index) == (4, 20)
    values = thick.values(), thin.values()
    assert values[0][0, 0] == values[1][0, 0] == 20  # the same height in mm
    act(app, "sync_scroll")
    QTest.keyClick(thick, Qt.Key.Key_Down)
    assert thin.index == 20


def test_zoom_and_pan_follow_in_millimetres(app, wait, two):
    page, _, _ = two
    act(app, "layout_1x2")
    wait(lambda: loaded(page))
    thin, thick = page.wall.shown
    act(app, "toggle_sync")
    thin.zoom_by(2.5)
    thin.pan_by(30, -20)
    assert thick.px_per_mm() == pytest.approx(thin.px_per_mm())
    middle = thin.rect().center().toPointF()
    assert thick.picture_position(thick.rect().center().toPointF()) == pytest.approx(
        thin.picture_position(middle), abs=0.6
    )


def test_windows_follow_in_hounsfield_units(app, wait, two):
    page, _, _ = two
    act(app, "layout_1x2")
    wait(lambda: loaded(page))
    thin, thick = page.wall.shown
    act(app, "toggle_sync")
    QTest.mousePress(thin, Qt.MouseButton.RightButton, pos=thin.rect().center())
    QTest.mouseMove(
        thin, thin.rect().center() + thin.rect().topLeft() * 0 + thin.rect().center() / 4
    )
    QTest.mouseRelease(thin, Qt.MouseButton.RightButton, pos=thin.rect().center())
    assert thin.model.voi_chosen
    assert (thick.model.window.center, thick.model.window.width) == (
        thin.model.window.center, thin.model.window.width
    )  # fmt: skip


def test_other_frames_of_reference_link_only_by_the_readers_offset(app, wait, tmp_path):
    """T43, OHIF#5137: not linked until an offset is set, which then survives another opening."""
    write(tmp_path / "in" / "a", 20, 2.0)
    write(tmp_path / "in" / "b", 20, 2.0, origin_z=500.0, date="20250105")
    page, displays = open_all(app, wait, tmp_path / "in", 2)
    prior = next(d for d in displays if d != page.model.display)
    page.show_beside(prior)
    wait(lambda: loaded(page))
    left, right = page.wall.shown
    left.set_index(5)
    right.set_index(8)
    act(app, "toggle_sync")
    left.set_index(6)
    assert right.index == 8
    left.set_index(5)
    act(app, "link_as_shown")
    left.set_index(9)
    assert right.index == 12
    right.set_index(3)
    assert left.index == 0
    act(app, "layout_1x1")
    page.show_beside(prior)
    wait(lambda: loaded(page))
    one, other = page.wall.shown
    one.set_index(4)
    assert other.index == 7


def test_a_layout_never_mixes_two_patients(app, wait, two, tmp_path):
    page, _, _ = two
    act(app, "layout_2x2")
    wait(lambda: loaded(page))
    write(tmp_path / "other", 5, 1.0, patient="SIM-9")
    app.window.open_paths([tmp_path / "other"])
    wait(lambda: page.model.display is not None and page.model.display.slices == 5)
    assert {s.display.slices for s in page.showing.every_screen() if s.display} == {5}


def test_closed_studies_leave_the_wall(app, wait, two, tmp_path):
    page, _, _ = two
    act(app, "layout_1x2")
    act(app, "toggle_mpr")
    wait(lambda: loaded(page))
    app.actions_registry.action("medbench.file.close_studies").trigger()
    app.qt.processEvents()
    assert all(screen.display is None for screen in page.showing.every_screen())
    assert (page.wall.rows, page.wall.columns) == (1, 1)
    assert page.model.voi is None
    assert page.window_panel._series.text() == ""
    app.window.open_paths([tmp_path / "in"])
    wait(lambda: page.model.volume is not None and bool(page.model.volume.ready.all()))
    assert page.model.voi is not None


def test_what_is_half_drawn_goes_with_its_display(app, wait, two):
    from medbench.domain.measurement import Measurement

    page, _, thick = two
    act(app, "tool_length")
    view = page.stack
    middle = view.rect().center()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=middle)
    QTest.mouseMove(view, middle + QPoint(40, 10))
    page.show_display(thick)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=middle + QPoint(60, 20))
    assert app.session.readings.of(Measurement) == ()
    wait(lambda: loaded(page))
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=middle)
    QTest.mouseMove(view, middle + QPoint(40, 10))
    app.actions_registry.action("medbench.file.close_studies").trigger()
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=middle + QPoint(60, 20))
    assert app.session.readings.of(Measurement) == ()


def test_a_layout_is_data_and_comes_back(app, wait, two):
    page, _, thick = two
    act(app, "layout_1x2")
    wait(lambda: loaded(page))
    page.wall.shown[1].model.set_voi(VoiWindow(7, 77))
    page.sync.set_on(on=True)
    state = page.layout_state()
    act(app, "layout_1x1")
    page.sync.set_on(on=False)
    page.apply_layout(state)
    wait(lambda: loaded(page))
    assert page.layout_state() == state
    right = page.wall.shown[1]
    assert (right.model.display, right.model.voi) == (thick, VoiWindow(7, 77))
    assert page.sync.on


def test_the_chain_between_the_views_links_them(app, wait, two):
    page, _, _ = two
    act(app, "layout_1x2")
    wait(lambda: loaded(page))
    badge = page.wall._badge
    assert badge.isVisible()
    QTest.mouseClick(badge, Qt.MouseButton.LeftButton)
    assert page.sync.on
    act(app, "layout_1x1")
    assert not badge.isVisible()
