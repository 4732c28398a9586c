"""Oblique planes, chips, reference lines and the 3-D cursor, by mouse and keys."""

import numpy as np
import pytest
from plane_hands import (
    AXIAL,
    CORONAL,
    SAGITTAL,
    act,
    desk_of,
    displays,
    in_planes,
    loaded,
    normals,
    opened,
    shift_key,
    trilinear,
    turn_handle,
    wheel,
    whole,
    write_ramp,
)
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from medbench.ui.review.annotations import corner_lines
from medbench.ui.review.crosshair import cross_lines
from medbench.ui.review.planes.lines import cut_of


@pytest.fixture
def ramp_folder(tmp_path):
    return write_ramp(tmp_path)


def test_a_handle_rotates_the_other_two_planes_by_its_angle(app, wait, ramp_folder):
    page = in_planes(app, wait, ramp_folder)
    axial = page.viewports[AXIAL]
    before = normals(page)
    point = page.model.point_mm.copy()
    angle = turn_handle(app, axial, SAGITTAL, 25)
    assert 0.3 < angle < 0.55
    axis, (n_axial, n_coronal, n_sagittal) = before[0], normals(page)
    # clockwise on the screen: rows run left and down is back, so it is right-handed about the feet
    # to head axis times the sign of (right x down) . axis
    right, down = axial.plane.row_direction, axial.plane.column_direction
    sign = np.sign(np.cross(right, down) @ axis)
    for old, new in ((before[1], n_coronal), (before[2], n_sagittal)):
        found = np.arctan2(axis @ np.cross(old, new), old @ new)
        assert found == pytest.approx(sign * angle, abs=1e-6)
    np.testing.assert_array_equal(n_axial, before[0])
    gram = np.array([n_axial, n_coronal, n_sagittal])
    np.testing.assert_allclose(gram @ gram.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(page.model.point_mm, point)
    volume = page.model.volume
    for kind in (CORONAL, SAGITTAL):
        view = page.viewports[kind]
        values = whole(wait, view)
        assert view.plane.place_of(point)[0] == pytest.approx(view.index, abs=1e-9)
        rows, columns = np.nonzero(np.isfinite(values))
        for pick in np.linspace(0, len(rows) - 1, 7).astype(int):
            at = view.plane.point_of(view.index, rows[pick], columns[pick])
            if np.all(at > 0) and np.all(at < (47, 39, 29 * 1.5)):
                found = values[rows[pick], columns[pick]]
                assert found == pytest.approx(2 * at[0] + 3 * at[1] + 5 * at[2], abs=0.5)
                wanted = trilinear(volume.voxels, volume.geometry, at)
                assert found == pytest.approx(wanted, abs=1e-2)
        lines = corner_lines(page.model, kind, view.index, view.count, 100.0, view.frame())
        words = " ".join(text for text, _ in lines.bottom_right)
        assert "Oblique" in words
        assert f"{np.degrees(angle):.1f}°" in words
    assert any(len(letter) == 2 for letter in page.viewports[CORONAL].letters())  # T32
    shift_key(app, axial, Qt.Key.Key_X)
    assert not page.model.plane_state.any_turned
    np.testing.assert_array_equal(normals(page), before)


def test_alt_rotates_one_plane_alone_and_shift_in_steps(app, wait, ramp_folder):
    page = in_planes(app, wait, ramp_folder)
    axial = page.viewports[AXIAL]
    before = normals(page)
    turn_handle(app, axial, SAGITTAL, 22, Qt.KeyboardModifier.AltModifier)
    after = normals(page)
    np.testing.assert_array_equal(after[1], before[1])
    assert float(after[2] @ before[2]) == pytest.approx(np.cos(np.radians(22)), abs=0.02)
    page.model.plane_state.reset()
    turn_handle(app, axial, CORONAL, 22, Qt.KeyboardModifier.ShiftModifier)
    turned = np.degrees(np.arccos(float(normals(page)[1] @ before[1])))
    assert turned == pytest.approx(20, abs=1e-6)


def test_a_line_moves_its_plane_and_keeps_the_rest(app, wait, ramp_folder):
    page = in_planes(app, wait, ramp_folder)
    axial, sagittal = page.viewports[AXIAL], page.viewports[SAGITTAL]
    turn_handle(app, axial, SAGITTAL, 30)
    direction = normals(page)[2]
    start, index = page.model.point_mm.copy(), sagittal.index
    line = next(line for line in cross_lines(axial) if line.kind is SAGITTAL)
    hold = line.at + line.along * 40
    across = QPointF(-line.along.y(), line.along.x())
    goal = hold + across * 25
    QTest.mousePress(axial, Qt.MouseButton.LeftButton, pos=hold.toPoint())
    QTest.mouseMove(axial, goal.toPoint())
    QTest.mouseRelease(axial, Qt.MouseButton.LeftButton, pos=goal.toPoint())
    moved = page.model.point_mm - start
    pixels = QPointF(goal.toPoint() - hold.toPoint())
    along = abs(pixels.x() * across.x() + pixels.y() * across.y()) / axial.px_per_mm()
    assert abs(float(moved @ direction)) == pytest.approx(along, abs=0.05)
    assert np.linalg.norm(moved - (moved @ direction) * direction) < 1e-6
    step = sagittal.plane.spacing_mm[0]
    assert abs(sagittal.index - index) == pytest.approx(along / step, abs=1)
    # scrolling goes along the normal, a voxel's size a step
    at = page.model.point_mm.copy()
    index = sagittal.index
    wheel(sagittal, -2)
    assert sagittal.index == index + 2
    travelled = page.model.point_mm - at
    travelled_steps = float(travelled @ direction) / step
    assert travelled_steps == pytest.approx(2, abs=0.51)  # the point had lain between two steps
    assert np.linalg.norm(np.cross(travelled, direction)) < 1e-6


def test_the_probe_and_a_length_on_an_oblique_plane(app, wait, ramp_folder):
    from medbench.domain.measurement import Measurement

    page = in_planes(app, wait, ramp_folder)
    turn_handle(app, page.viewports[AXIAL], SAGITTAL, 33)
    view = page.viewports[CORONAL]
    whole(wait, view)
    said = []
    view.probed.connect(lambda where, value: said.append((where, value)))
    centre = view.widget_position(*view.plane.place_of(page.model.point_mm)[1:])
    spot = (centre + QPointF(21, 17)).toPoint()
    QTest.mouseMove(view, spot)
    row, column = (int(np.floor(v + 0.5)) for v in view.picture_position(QPointF(spot)))
    point = view.plane.point_of(view.index, row, column)
    where, value = said[-1]
    assert where == "{:.1f}, {:.1f}, {:.1f} mm".format(*point)
    wanted = trilinear(page.model.volume.voxels, page.model.volume.geometry, point)
    assert float(value.split()[0]) == pytest.approx(wanted, abs=0.05)
    act(app, "tool_length")
    begin, end = spot, spot + QPoint(60, -45)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=begin)
    QTest.mouseMove(view, QPoint((begin + end) / 2))
    QTest.mouseMove(view, end)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=end)
    study = page.model.display.study_instance_uid
    wait(lambda: len(app.session.readings.of(Measurement, study)) == 1)
    (made,) = app.session.readings.of(Measurement, study)
    ends = [
        view.plane.point_of(view.index, *view.picture_position(QPointF(p))) for p in (begin, end)
    ]
    length = made.quantity("length")
    assert length.unit == "mm"
    assert length.value == pytest.approx(float(np.linalg.norm(ends[1] - ends[0])), abs=1e-6)
    assert length.value == pytest.approx(75 / view.px_per_mm(), abs=1e-6)


def test_the_chip_changes_the_plane_of_its_cell(app, wait, ct_folder):
    page = opened(app, wait, ct_folder)
    desk, view = desk_of(page), page.active
    view.set_index(7)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=desk.chips.rect(view).center().toPoint())
    entries = {action.text(): action for action in desk.menu.actions() if action.text()}
    assert entries["As acquired"].isChecked()
    entries["Coronal"].trigger()
    desk.menu.hide()
    assert page.active.kind is CORONAL
    assert page.active.isVisible()
    assert page.model.plane(AXIAL).place_of(page.model.point_mm)[0] == pytest.approx(7)
    values = whole(wait, page.active)
    np.testing.assert_array_equal(values, page.model.volume.voxels[::-1, page.active.index])


def test_reference_lines_lie_where_the_active_slice_cuts(app, wait, real_data):
    page = opened(app, wait, real_data / "dicom_series" / "mr_brain_tumour_multiseq_study3")
    first, second = displays(app)[:2]
    page.show_images(first)
    other = page.show_beside(second)
    wait(lambda: loaded(page))
    page.showing.change_kind(other.stack, SAGITTAL.value)
    stack, sagittal = page.showing.cells[0].screen.stack, other.views[SAGITTAL]
    page.showing.activate(stack)
    lines = desk_of(page).lines
    source, way = lines.source(sagittal)
    assert source is stack
    np.testing.assert_array_equal(way, np.eye(4))
    assert lines.source(stack) is None
    for index in (4, 15):
        stack.set_index(index)
        ends = cut_of(stack, index, sagittal, way)
        for end in ends:
            row, column = sagittal.picture_position(end)
            point = sagittal.plane.point_of(sagittal.index, row, column)
            assert stack.plane.place_of(point)[0] == pytest.approx(index, abs=1e-6)
            _, row, column = stack.plane.place_of(point)
            edge = [
                min(abs(v + 0.5), abs(v - n + 0.5))
                for v, n in zip((row, column), stack.shape(), strict=True)
            ]
            assert min(edge) < 1e-6  # the line ends where the slice ends
    wait(lambda: not stack.hurried)
    app.qt.processEvents()
    middle = (ends[0] + ends[1]) / 2 + QPointF(30, 0)
    column = [
        sagittal.grab().toImage().pixelColor(middle.toPoint() + QPoint(0, d)) for d in range(-2, 3)
    ]
    assert max(c.blue() - c.red() for c in column) > 60  # accent
    shift_key(app, stack, Qt.Key.Key_L)
    assert lines.source(sagittal) is None


def test_the_crosshair_is_followed_in_other_series(app, wait, real_data):
    page = opened(app, wait, real_data / "dicom_series" / "mr_brain_tumour_multiseq_study3")
    first, second = displays(app)[:2]
    page.show_images(first)
    other = page.show_beside(second)
    wait(lambda: loaded(page))
    stack = page.showing.cells[0].screen.stack
    page.showing.activate(stack)
    stack.set_index(6)
    act(app, "tool_crosshair")
    place = stack.widget_position(100, 120).toPoint()
    QTest.mouseClick(stack, Qt.MouseButton.LeftButton, pos=place)
    np.testing.assert_allclose(other.model.point_mm, page.model.point_mm)
    wanted = round(other.stack.plane.place_of(page.model.point_mm)[0])
    assert other.stack.index == wanted
    act(app, "tool_window")
    stack.set_index(9)
    assert other.stack.index == wanted


def test_a_registration_leads_lines_cursor_and_fusion(app, wait, real_data):
    from dataclasses import replace

    page = opened(app, wait, real_data / "dicom_series" / "mr_brain_tumour_multiseq_study3")
    first, second = displays(app)[:2]
    page.show_images(first)
    stranger = replace(second, geometry=replace(second.geometry, frame_of_reference_uid="1.2.3"))
    other = page.show_beside(stranger)
    wait(lambda: loaded(page))
    stack = page.showing.cells[0].screen.stack
    page.showing.activate(stack)
    desk = desk_of(page)
    assert desk.lines.source(other.stack) is None
    moved = np.eye(4)
    moved[:3, 3] = (0.0, 0.0, 2 * 6.5)
    keys = (page.model.key, other.model.key)
    page.sync.aligned = lambda a, b: moved if (a, b) == keys else None
    assert desk.lines.source(other.stack)[1] is not None
    act(app, "tool_crosshair")
    stack.set_index(6)
    QTest.mouseClick(stack, Qt.MouseButton.LeftButton, pos=stack.widget_position(90, 80).toPoint())
    np.testing.assert_allclose(other.model.point_mm - page.model.point_mm, moved[:3, 3])
    desk.set_fusion(page.model, stranger)
    wait(lambda: page.model.plane_state.fusion is not None)
    assert page.model.plane_state.fusion.transform == tuple(moved.ravel())


def test_a_real_series_turns_and_equals_simpleitk(app, wait, real_data):
    import SimpleITK

    page = in_planes(app, wait, real_data / "dicom_series" / "mr_ge_pioneer_mprage")
    axial = page.viewports[AXIAL]
    turn_handle(app, axial, CORONAL, -17)
    view = page.viewports[CORONAL]
    values = whole(wait, view)
    volume, grid = page.model.volume, view.grid()
    image = SimpleITK.GetImageFromArray(np.asarray(volume.voxels, np.float32))
    image.SetSpacing(volume.geometry.spacing_mm[::-1])
    image.SetOrigin(volume.geometry.origin_mm)
    image.SetDirection(volume.geometry.direction)
    resampler = SimpleITK.ResampleImageFilter()
    resampler.SetInterpolator(SimpleITK.sitkLinear)
    resampler.SetSize((grid.columns, grid.rows, 1))
    resampler.SetOutputOrigin(grid.origin_mm)
    resampler.SetOutputSpacing((grid.column_mm, grid.row_mm, 1.0))
    axes = np.stack([grid.row_direction, grid.column_direction, grid.normal], axis=1)
    resampler.SetOutputDirection(axes.ravel().tolist())
    resampler.SetDefaultPixelValue(-1)
    wanted = SimpleITK.GetArrayFromImage(resampler.Execute(image))[0]
    inside = (wanted != -1) & np.isfinite(values)
    assert inside.mean() > 0.4
    assert ((wanted != -1) == np.isfinite(values)).mean() > 0.995
    np.testing.assert_allclose(values[inside], wanted[inside], atol=0.5 + 1e-4 * wanted.max())
