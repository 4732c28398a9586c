"""Oblique planes, slabs, chips, reference lines and the 3-D cursor, by mouse and keys."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from scipy.ndimage import map_coordinates

from medbench.dicom.write import SimulatedPatient, write_ct_series
from medbench.domain.geometry import Geometry
from medbench.domain.image import VoiWindow
from medbench.imaging.oblique import SlabMode
from medbench.imaging.reslice import PlaneKind
from medbench.imaging.slab import Slab
from medbench.imaging.turned import slice_direction_of
from medbench.ui.review.annotations import corner_lines
from medbench.ui.review.crosshair import cross_lines
from medbench.ui.review.planes.desk import PlaneDesk

AXIAL, CORONAL, SAGITTAL, ACQUIRED = (
    PlaneKind.AXIAL, PlaneKind.CORONAL, PlaneKind.SAGITTAL, PlaneKind.ACQUIRED,
)  # fmt: skip
CUTS = (AXIAL, CORONAL, SAGITTAL)
BOTH = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


def act(app, name):
    app.actions_registry.action(f"medbench.review.{name}").trigger()


def desk_of(page):
    return next(f for f in page.features if isinstance(f, PlaneDesk))


def displays(app):
    return [d for s in app.session.library.studies for x in s.series for d in x.displays]


def loaded(page):
    return all(screen.loaded for screen in page.showing.screens)


def opened(app, wait, path):
    page = app.window.workspaces["review"]
    app.window.open_paths([path])
    wait(lambda: page.model.volume is not None and page.model.volume.ready.all())
    wait(lambda: page.model.voi is not None)
    return page


def shift_key(app, view, key):
    app.window.activateWindow()  # keys reach commands only in the active window
    app.qt.processEvents()
    QTest.keyClick(view, key, Qt.KeyboardModifier.ShiftModifier)


def in_planes(app, wait, path):
    """The three planes with the crosshair in the hand."""
    page = opened(app, wait, path)
    act(app, "toggle_mpr")
    act(app, "tool_crosshair")
    app.qt.processEvents()
    return page


@pytest.fixture
def ramp_folder(tmp_path):
    """A ramp: values grow by 2, 3 and 5 a millimetre along x, y and z."""
    z, y, x = np.ogrid[:30, :40, :48]
    voxels = (2 * x + 3 * y + 5 * 1.5 * z).astype(np.int16)
    geometry = Geometry((30, 40, 48), (1.5, 1.0, 1.0), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    write_ct_series(tmp_path / "ramp", voxels, geometry, SimulatedPatient("SIM-3", "Sample^Rosa"))
    return tmp_path / "ramp"


def wheel(view, steps, modifiers=Qt.KeyboardModifier.NoModifier):
    at = QPointF(view.rect().center())
    QApplication.sendEvent(
        view,
        QWheelEvent(
            at, view.mapToGlobal(at), QPoint(), QPoint(0, 120 * steps), Qt.MouseButton.NoButton,
            modifiers, Qt.ScrollPhase.NoScrollPhase, False,
        ),
    )  # fmt: skip


def turn_handle(app, view, kind, degrees, modifiers=Qt.KeyboardModifier.NoModifier):
    """Drag a rotate handle round the crosshair; angles clockwise on the screen."""
    line = next(line for line in cross_lines(view) if line.kind is kind)
    handle = line.handles(min(view.width(), view.height()))[-1]
    arm = handle - line.at
    start, radius = np.arctan2(arm.y(), arm.x()), np.hypot(arm.x(), arm.y())
    press = handle.toPoint()
    QTest.mouseMove(view, press)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, modifiers, press)
    for part in np.linspace(0, 1, 6)[1:]:
        angle = start + np.radians(degrees) * part
        at = line.at + QPointF(radius * np.cos(angle), radius * np.sin(angle))
        move_with(view, at, modifiers)
        app.qt.processEvents()
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, modifiers, at.toPoint())
    first = QPointF(press) - line.at
    last = QPointF(at.toPoint()) - line.at
    turned = np.arctan2(last.y(), last.x()) - np.arctan2(first.y(), first.x())
    return float((turned + np.pi) % (2 * np.pi) - np.pi)


def move_with(view, at, modifiers):
    """`QTest.mouseMove` has no modifiers: the event is sent as the window system would."""
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    place = QPointF(at.toPoint())
    QApplication.sendEvent(
        view,
        QMouseEvent(
            QEvent.Type.MouseMove, place, view.mapToGlobal(place), Qt.MouseButton.NoButton,
            Qt.MouseButton.LeftButton, modifiers,
        ),
    )  # fmt: skip


def normals(page):
    return [slice_direction_of(page.model.plane(kind)) for kind in CUTS]


def whole(wait, view):
    """Values once the hand rests."""
    wait(lambda: view.values() is not None)
    return view.values()


def trilinear(volume, geometry, point):
    x, y, z = geometry.index_from_world(point)
    return map_coordinates(volume.astype(float), [[z], [y], [x]], order=1)[0]


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
    assert lines.sources(sagittal) is stack
    assert lines.sources(stack) is None
    from medbench.ui.review.planes.lines import cut_of

    for index in (4, 15):
        stack.set_index(index)
        ends = cut_of(stack, index, sagittal)
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
    assert lines.sources(sagittal) is None


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
