"""Thick slabs in every view, by key, wheel and popup, against brute force."""

import numpy as np
import pytest
from plane_hands import (
    ACQUIRED,
    AXIAL,
    BOTH,
    CORONAL,
    SAGITTAL,
    act,
    desk_of,
    in_planes,
    shift_key,
    turn_handle,
    wheel,
    whole,
    write_ramp,
)
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from medbench.domain.image import VoiWindow
from medbench.imaging.oblique import SlabMode
from medbench.imaging.slab import Slab
from medbench.imaging.turned import slice_direction_of
from medbench.ui.review.annotations import corner_lines
from medbench.ui.review.crosshair import cross_lines


@pytest.fixture
def ramp_folder(tmp_path):
    return write_ramp(tmp_path)


def test_slabs_by_key_wheel_and_menu_equal_brute_force(app, wait, ct_folder):
    page = in_planes(app, wait, ct_folder)
    coronal = page.viewports[CORONAL]
    page.showing.activate(coronal)
    coronal.set_index(24)
    voxels = page.model.volume.voxels
    for mode, join in ((SlabMode.MAXIMUM, np.max), (SlabMode.MINIMUM, np.min),
                       (SlabMode.MEAN, np.mean)):  # fmt: skip
        shift_key(app, coronal, Qt.Key.Key_M)
        assert page.model.plane_state.slab(CORONAL) == Slab(mode, 10.0)
        wanted = join(voxels[::-1, 19:30].astype(float), axis=1)  # 5 mm to both sides, head on top
        np.testing.assert_allclose(whole(wait, coronal), wanted, atol=1e-3)
    words = corner_lines(page.model, CORONAL, 24, coronal.count, 100.0, coronal.frame())
    assert ("Slab 10 mm Mean", "") in words.bottom_right
    wheel(coronal, 2, BOTH)
    assert page.model.plane_state.slab(CORONAL) == Slab(SlabMode.MEAN, 14.0)
    wheel(coronal, -1, BOTH)
    assert page.model.plane_state.slab(CORONAL).thickness_mm == 12.0
    act(app, "slab_mip")
    page.model.set_voi(VoiWindow(0, 2000))
    coronal.set_index(16)  # bone from 20 on, still in the slab
    wait(lambda: not coronal.hurried)
    app.qt.processEvents()
    bone = coronal.widget_position(coronal.shape()[0] - 1 - 5, 30).toPoint()
    assert coronal.grab().toImage().pixelColor(bone).lightness() > 200
    shift_key(app, coronal, Qt.Key.Key_M)
    shift_key(app, coronal, Qt.Key.Key_M)
    act(app, "slab_off")
    app.qt.processEvents()
    np.testing.assert_array_equal(coronal.values(), voxels[::-1, 16])
    assert coronal.grab().toImage().pixelColor(bone).lightness() < 160
    stack = page.viewports[ACQUIRED]
    page.showing.activate(stack)
    stack.set_index(5)
    act(app, "slab_minip")
    np.testing.assert_array_equal(whole(wait, stack), voxels[4:7].min(axis=0))


def test_the_slab_popup_changes_the_view_it_was_opened_for(app, wait, ct_folder):
    page = in_planes(app, wait, ct_folder)
    sagittal = page.viewports[SAGITTAL]
    page.showing.activate(sagittal)
    popup = desk_of(page).slabs
    act(app, "slab_settings")
    button = next(
        b for b in popup.modes.findChildren(object) if getattr(b, "text", str)() == "MinIP"
    )
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert page.model.plane_state.slab(SAGITTAL) == Slab(SlabMode.MINIMUM, 10.0)
    popup.thickness.setValue(6.5)
    assert page.model.plane_state.slab(SAGITTAL) == Slab(SlabMode.MINIMUM, 6.5)
    assert page.model.plane_state.slab(AXIAL) is None
    popup.hide()


def test_turned_thick_planes_come_from_the_worker_and_newer_drop_older(app, wait, ramp_folder):
    page = in_planes(app, wait, ramp_folder)
    turn_handle(app, page.viewports[AXIAL], SAGITTAL, 20)
    view = page.viewports[CORONAL]
    page.model.plane_state.set_slab(CORONAL, Slab(SlabMode.MEAN, 12.0))
    for index in (20, 22, 25, 27):
        view.set_index(index)
        app.qt.processEvents()
    values = whole(wait, view)
    assert view.index == 27
    middle = np.array(values.shape) // 2
    point = view.plane.point_of(27, *middle)
    # the mean of a ramp over a slab is its value in the middle, where all of it is inside
    wanted = 2 * point[0] + 3 * point[1] + 5 * point[2]
    direction = slice_direction_of(view.plane)
    for end in (point - 6.1 * direction, point + 6.1 * direction):
        assert np.all(end > 0)
        assert np.all(end < (47, 39, 43.5))
    assert values[tuple(middle)] == pytest.approx(wanted, abs=0.6)  # voxels are whole numbers


def test_the_crosshair_shows_how_far_a_slab_reaches(app, wait, ct_folder):
    page = in_planes(app, wait, ct_folder)
    axial = page.viewports[AXIAL]
    page.model.plane_state.set_slab(SAGITTAL, Slab(SlabMode.MAXIMUM, 14.0))
    line = next(line for line in cross_lines(axial) if line.kind is SAGITTAL)
    assert line.half_slab_px == pytest.approx(7.0 * axial.px_per_mm())
    page.model.plane_state.turn((SAGITTAL,), (0, 1, 0), np.radians(30), page.model.point_mm)
    line = next(line for line in cross_lines(axial) if line.kind is SAGITTAL)
    # the slab is cut aslant: wider by 1 / sin of the angle between the planes (60 degrees)
    wanted = 7.0 / np.sin(np.radians(60)) * axial.px_per_mm()
    assert line.half_slab_px == pytest.approx(wanted)
