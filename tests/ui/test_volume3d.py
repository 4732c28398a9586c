"""The 3-D view in the real window: turned, windowed, clipped and clicked by a real hand."""

import json
import math
import time

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from medbench.cli.main import main
from medbench.domain.image import VoiWindow
from medbench.formats.opening import open_display
from medbench.imaging.render3d import Look, VolumeSource, draw, look_at
from medbench.imaging.render3d_camera import camera_at, standard_camera
from medbench.imaging.render3d_grid import FULL_BOX
from medbench.imaging.render3d_presets import read_volume_presets
from medbench.imaging.reslice import PlaneKind
from medbench.imaging.window import display_frame
from medbench.session.operations.studies import choose_display
from medbench.session.operations.studies import opened as opened_files
from medbench.ui.review.volume3d.cube import cube_faces, face_at
from medbench.ui.review.volume3d.desk import VolumeDesk
from medbench.ui.review.volume3d.overlay import CUBE_PX, cube_place, volume_lines

LEFT, MIDDLE, RIGHT = (
    Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton,
)  # fmt: skip


def opened(app, wait, path, *, planes=False):
    page = app.window.workspaces["review"]
    app.window.open_paths([path])
    wait(lambda: page.model.volume is not None and page.model.volume.ready.all())
    if planes:
        app.actions_registry.action("medbench.review.toggle_mpr").trigger()
    desk = next(f for f in page.features if isinstance(f, VolumeDesk))
    if not planes:  # beside the planes it stands by itself
        press(app)
    assert desk.view is not None
    wait(lambda: desk.view.fine)
    return page, desk.view


def press(app):
    """The key of the 3-D view."""
    app.window.activateWindow()
    app.qt.processEvents()
    QTest.keyClick(app.window, Qt.Key.Key_3, Qt.KeyboardModifier.ShiftModifier)


def drag(view, button, begin, end, steps=6, modifier=Qt.KeyboardModifier.NoModifier):
    """Press, move in steps, let go."""
    QTest.mousePress(view, button, modifier, begin)
    for i in range(1, steps + 1):
        at = begin + (end - begin) * i / steps
        event_at = QPointF(at)
        QTest.mouseMove(view, at)
        move(view, event_at, button, modifier)
    QTest.mouseRelease(view, button, modifier, end)


def move(view, at, button, modifier):
    QApplication.sendEvent(
        view,
        QMouseEvent(QEvent.Type.MouseMove, at, view.mapToGlobal(at), Qt.MouseButton.NoButton,
                    button, modifier),
    )  # fmt: skip


def wheel(view, notches, at):
    place = QPointF(at)
    QApplication.sendEvent(
        view,
        QWheelEvent(
            place, view.mapToGlobal(place), QPoint(), QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase, False,
        ),
    )  # fmt: skip


def centre(view):
    return view.rect().center()


def test_nothing_is_made_before_it_is_wanted(app, wait, ct_folder):
    page = app.window.workspaces["review"]
    app.window.open_paths([ct_folder])
    wait(lambda: page.model.volume is not None and page.model.volume.ready.all())
    assert page.showing.screen.volume_view is None
    assert not app.volume_pictures.busy
    assert app.volume_pictures._thread is None


def test_the_key_shows_it_in_the_fourth_cell_and_takes_it_away(app, wait, ct_folder):
    page, view = opened(app, wait, ct_folder, planes=True)
    assert len(page.wall.shown) == 4
    assert view in page.wall.shown
    assert page.wall.shown.index(view) == 3
    assert view.kind == "volume"
    texts = [text for text, _ in volume_lines(view).bottom_left]
    assert "Rot 0° Tilt 0°" in texts
    assert ("Full volume", "") in volume_lines(view).bottom_right
    assert volume_lines(view).top_left[0][0] == "Sample, Ivo"
    QTest.mouseDClick(view, LEFT, pos=QPoint(30, 200))
    assert page.wall.shown == (view,)
    QTest.mouseDClick(view, LEFT, pos=QPoint(30, 200))
    assert len(page.wall.shown) == 4
    wait(lambda: view.fine)
    press(app)
    assert view not in page.wall.shown
    assert page.viewports[PlaneKind.ACQUIRED] in page.wall.shown
    press(app)
    assert page.wall.shown.index(view) == 3


def test_the_picture_is_that_of_the_drawing_function_and_of_the_newest_camera(app, wait, ct_folder):
    page, view = opened(app, wait, ct_folder)
    volume = page.model.volume
    expected = draw(
        VolumeSource(volume.voxels, volume.geometry), Look(view.memory.preset), view.sight()
    )
    assert np.array_equal(view.feed.picture.values, expected.values)
    # the box of bone is the brightest that can be seen, and lies in the middle
    middle = view.feed.picture.values[view.height() // 2, view.width() // 2]
    assert middle == volume.voxels.max()
    grab = view.grab().toImage()
    assert grab.pixelColor(view.width() // 2 + 14, view.height() // 2).lightness() > 200
    assert grab.pixelColor(30, view.height() // 2).lightness() < 10
    # of many cameras the newest wins
    begin = time.perf_counter()
    for yaw in range(60):
        view.change(camera=camera_at(yaw, 0))
    assert time.perf_counter() - begin < 1.0  # asked, not drawn: the window never waits
    wait(lambda: view.fine)
    assert view.feed.picture.sight.camera.yaw_deg == pytest.approx(59)


def test_a_drag_turns_it_like_a_ball_and_the_rest_is_fine_again(app, wait, ct_folder):
    _page, view = opened(app, wait, ct_folder)
    radius = math.hypot(view.width(), view.height()) * 0.35
    begin, end = centre(view), centre(view) + QPoint(round(radius * 0.5), 0)
    seen = []
    view.feed.arrived.connect(lambda: seen.append((view.feed.picture.fine, view.moving)))
    QTest.mousePress(view, LEFT, pos=begin)
    for i in range(1, 11):
        move(view, QPointF(begin + (end - begin) * i / 10), LEFT, Qt.KeyboardModifier.NoModifier)
        wait(lambda: not view.feed.busy)
    assert view.moving
    assert not view.fine
    assert ("Reduced while moving", "") in volume_lines(view).bottom_right
    QTest.mouseRelease(view, LEFT, pos=end)
    wait(lambda: view.fine)
    assert view.state.camera.yaw_deg == pytest.approx(-30, abs=0.5)  # arcsin 0.5
    assert view.state.camera.pitch_deg == pytest.approx(0, abs=0.5)
    assert any(not fine and moving for fine, moving in seen)
    assert seen[-1][0]
    words = [text for text, _ in volume_lines(view).bottom_left]
    assert any(text.startswith("Rot −30°") for text in words)


def test_pan_zoom_and_keys(app, wait, ct_folder):
    page, view = opened(app, wait, ct_folder)
    point = page.model.volume.geometry.world_from_index(32, 24, 6)
    before, scale = view.widget_position(point), view.px_per_mm()
    drag(view, MIDDLE, centre(view), centre(view) + QPoint(40, -30))
    after = view.widget_position(point)
    assert after.x() - before.x() == pytest.approx(40, abs=1)
    assert after.y() - before.y() == pytest.approx(-30, abs=1)
    wheel(view, 3, after.toPoint())
    assert view.px_per_mm() == pytest.approx(scale * 1.15**3)
    stays = view.widget_position(point)
    assert (stays - after).manhattanLength() < 2  # what lies below the pointer stays there
    view.setFocus()
    app.qt.processEvents()
    for letter, (yaw, pitch) in {
        "L": (90, 0), "P": (180, 0), "R": (-90, 0), "H": (None, 90), "F": (None, -90), "A": (0, 0),
    }.items():  # fmt: skip
        QTest.keyClick(view, letter.lower())
        camera = view.state.camera
        assert camera.pitch_deg == pytest.approx(pitch, abs=1e-6), letter
        if yaw is not None:
            assert abs(camera.yaw_deg) == pytest.approx(abs(yaw), abs=1e-6), letter
            assert yaw == 180 or camera.yaw_deg == pytest.approx(yaw, abs=1e-6)
    assert page.model.voi is not None
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert view.state.camera.yaw_deg == pytest.approx(-10)
    QTest.keyClick(view, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert view.state.camera.pitch_deg == pytest.approx(1)
    app.actions_registry.action("medbench.review.reset").trigger()
    wait(lambda: view.fine)
    assert view.state.camera == standard_camera("A")


def test_the_right_button_windows_only_this_view(app, wait, ct_folder):
    page, view = opened(app, wait, ct_folder, planes=True)
    planes, own = page.model.voi, view.memory.voi
    assert own != planes
    drag(view, RIGHT, centre(view), centre(view) + QPoint(60, 30))
    changed = view.memory.voi
    # 300 px are one width; the first few pixels decide that it is a drag
    assert changed.width == pytest.approx(own.width * (1 + 2 * 60 / 300), rel=0.1)
    assert changed.center > own.center
    assert page.model.voi == planes
    picture = view.feed.picture
    wait(lambda: view.fine)
    assert view.feed.picture.values is picture.values  # windowing draws nothing anew
    view.change(follows=True)
    assert view.memory.voi == planes
    page.showing.activate(page.wall.shown[0])
    page.model.set_voi(VoiWindow(40, 80))
    assert view.memory.voi == VoiWindow(40, 80)
    view.change(follows=False)
    assert view.memory.voi == changed
    page.showing.activate(view)
    page.model.set_voi(VoiWindow(300, 900))  # a preset chosen while this view is the active one
    assert view.memory.voi == VoiWindow(300, 900)


def test_presets_shade_and_follow_the_hand(app, wait, ct_folder):
    _page, view = opened(app, wait, ct_folder)
    ids = [p.preset_id for p in view.memory.presets]
    assert ids[:3] == ["mip", "minip", "ct-bone"]
    view.open_menu()
    entries = {a.text(): a for a in view.menu.actions()}
    assert entries["MIP"].isChecked()
    entries["CT bone"].trigger()
    view.menu.close()
    wait(lambda: view.fine and view.feed.picture.colours is not None)
    assert view.chip.text() == "3D CT bone"
    assert view.span == (815.0, 1370.0)
    shown = view.grab().toImage().pixelColor(view.width() // 2 + 14, view.height() // 2)
    assert shown.lightness() > 60
    assert shown.saturation() > 10
    drag(view, RIGHT, centre(view), centre(view) + QPoint(0, 90))
    assert view.span[0] > 815
    wait(lambda: view.fine)
    view.choose("ct-bone")
    wait(lambda: view.fine)
    assert view.span == (815.0, 1370.0)


def test_a_click_moves_the_crosshair_to_what_is_seen(app, wait, ct_folder):
    page, view = opened(app, wait, ct_folder, planes=True)
    geometry = page.model.volume.geometry
    target = geometry.world_from_index(30, 23, 6)
    page.model.set_point(geometry.world_from_index(2, 2, 1))
    view.look_from("L")
    wait(lambda: view.fine)
    before = page.model.point_mm.copy()
    place = view.widget_position(target).toPoint()
    QTest.mouseClick(view, LEFT, pos=place)
    wait(lambda: not np.allclose(page.model.point_mm, before))
    x, y, z = geometry.index_from_world(page.model.point_mm)
    assert 26 - 0.6 <= x <= 37 + 0.6  # inside the box of bone, wherever in its depth
    assert (y, z) == pytest.approx((23, 6), abs=0.6)
    moved = page.model.point_mm.copy()
    axial = page.viewports[PlaneKind.AXIAL]
    assert axial.index == round(axial.plane.place_of(moved)[0])
    for _ in range(2):  # a double click begins with a click, and moves nothing
        QTest.mouseClick(view, LEFT, pos=place + QPoint(0, 9))
        QTest.mouseDClick(view, LEFT, pos=place + QPoint(0, 9))
    QTest.mouseClick(view, LEFT, pos=QPoint(12, 200))  # there is nothing but air
    wait(lambda: not app.volume_pictures.busy)
    assert np.allclose(page.model.point_mm, moved)


def test_faces_of_the_cube_are_buttons_and_the_clipping_box_cuts(app, wait, ct_folder):
    page, view = opened(app, wait, ct_folder)
    front = cube_faces(standard_camera("A"), QPointF(50, 50), 20)
    assert [f.side for f in front] == ["A"]
    faces = {f.side: f for f in cube_faces(camera_at(30, 20), QPointF(50, 50), 20)}
    assert set(faces) == {"A", "L", "H"}
    assert faces["A"].towards > faces["L"].towards
    assert faces["L"].corners.boundingRect().center().x() > 50  # the left side lies on the right
    assert faces["H"].corners.boundingRect().center().y() < 50
    assert face_at(camera_at(30, 20), QPointF(50, 50), 20, QPointF(0, 0)) == ""
    view.change(camera=camera_at(30, 20))
    place = cube_place(view, volume_lines(view))
    left = {f.side: f for f in cube_faces(view.state.camera, place, CUBE_PX)}["L"]
    QTest.mouseClick(view, LEFT, pos=left.corners.boundingRect().center().toPoint())
    assert view.state.camera.yaw_deg == pytest.approx(90)
    wait(lambda: view.fine)
    app.actions_registry.action("medbench.review.volume_clip").trigger()
    first, _last = view.clip.sliders[0]  # along z, from the feet
    assert "F" in first.accessibleName()
    first.setValue(75)
    wait(lambda: view.fine and view.state.box[0] == (0.75, 1.0))
    assert ("Clipped", "") in volume_lines(view).bottom_right
    voxels = page.model.volume.voxels
    assert view.feed.picture.values.max() == voxels[9:].max() < voxels.max()
    QTest.mouseClick(view.clip.whole, LEFT)
    view.clip.close()
    wait(lambda: view.fine and view.state.box == FULL_BOX)


def test_each_series_keeps_its_own_view(app, wait, ct_folder, tmp_path, radiograph):
    page, view = opened(app, wait, ct_folder)
    view.change(camera=camera_at(40, 10), preset_id="ct-bone")
    wait(lambda: view.fine)
    first = page.model.display
    app.window.open_paths([radiograph])
    wait(lambda: page.model.display is not first)
    wait(lambda: page.model.volume is not None and page.model.volume.ready.all())
    if view.isVisible():
        assert not view.has_picture  # a single picture has no third dimension
    page.show_display(first)
    wait(lambda: page.model.volume is not None and page.model.volume.ready.all())
    assert view.state.camera.yaw_deg == pytest.approx(40)
    assert view.memory.preset.preset_id == "ct-bone"
    app.window.show_page("cohorts")
    wait(lambda: not app.volume_pictures.busy)


def test_a_damaged_file_of_presets_is_named_and_the_others_serve(app, wait, ct_folder, tmp_path):
    folder = tmp_path / "config"
    folder.mkdir(exist_ok=True)
    (folder / "volume_presets.json").write_text(json.dumps({"presets": [{"id": "x"}]}))
    _page, view = opened(app, wait, ct_folder)
    assert "ct-bone" in [p.preset_id for p in view.memory.presets]
    assert any("'x'" in f"{m.advice} {m.details}" for m in app.session.messages.log)


def test_a_series_that_is_no_volume_says_so(app, wait, radiograph):
    page = app.window.workspaces["review"]
    app.window.open_paths([radiograph])
    wait(lambda: page.model.volume is not None and page.model.volume.ready.all())
    app.actions_registry.action("medbench.review.toggle_volume").trigger()
    assert page.showing.screen.volume_view is None
    assert "no volume" in app.session.messages.log[-1].text


def test_a_tilted_irregular_head_is_straight_in_3d(app, wait, real_data):
    folder = real_data / "dicom_series" / "ct_ge_hispeed_head_tilt_irregular"
    page, view = opened(app, wait, folder)
    assert page.model.display.geometry.uniform is False
    geometry = view.feed.source.geometry
    assert geometry.uniform
    assert geometry.resampled
    warnings = [text for text, colour in volume_lines(view).bottom_right if colour]
    assert any("Tilt" in text for text in warnings)
    view.look_from("F")
    wait(lambda: view.fine)
    voxels = page.model.plane_voxels(PlaneKind.AXIAL)
    assert view.feed.picture.values.max() == pytest.approx(voxels.max(), rel=0.05)
    z, y, x = np.unravel_index(int(np.argmax(voxels)), voxels.shape)
    place = view.widget_position(geometry.world_from_index(x, y, z))
    values = view.feed.picture.values
    row, column = round(place.y() - 0.5), round(place.x() - 0.5)
    near = values[row - 3 : row + 4, column - 3 : column + 4]
    assert near.max() > 0.9 * voxels.max()


def test_an_angiogram_turns_smoothly(app, wait, real_data):
    _page, view = opened(app, wait, real_data / "nifti_volumes" / "CT_AVM.nii.gz", planes=True)
    arrivals = []
    view.feed.arrived.connect(lambda: arrivals.append(time.perf_counter()))
    QTest.mousePress(view, LEFT, pos=centre(view))
    end = time.perf_counter() + 1.2
    angle, longest = 0.0, 0.0
    while time.perf_counter() < end:
        angle += 0.05
        at = QPointF(centre(view)) + QPointF(math.cos(angle), math.sin(angle)) * 90
        begin = time.perf_counter()
        move(view, at, LEFT, Qt.KeyboardModifier.NoModifier)
        app.qt.processEvents()
        longest = max(longest, time.perf_counter() - begin)
        time.sleep(0.004)
    QTest.mouseRelease(view, LEFT, pos=centre(view))
    wait(lambda: view.fine)
    gaps = np.diff(arrivals[:-1])
    assert len(gaps) >= 5
    assert np.median(gaps) < 1 / 8  # 15 a second are asked for on a machine that does nothing else
    assert longest < 0.25


def test_the_command_line_draws_the_same(ct_folder, tmp_path, capsys):
    out = tmp_path / "volume.png"
    command = ["render3d", str(ct_folder), "--mode", "mip", "--yaw", "28", "--pitch", "14"]
    assert main([*command, "--size", "320", "-o", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["mode"], said["preset"], said["yaw_deg"], said["pitch_deg"]) == (
        "mip", "mip", 28.0, 14.0)  # fmt: skip
    picture = np.asarray(Image.open(out))
    assert picture.shape == (320, 320, 3)
    with opened_files([ct_folder]) as found, open_display(choose_display(found, None)) as reader:
        volume = reader.load()
        info = volume.infos[0]
    source = VolumeSource(volume.voxels, volume.geometry)
    sight = look_at(source, camera_at(28, 14), 320, 320)
    drawn = draw(source, Look(read_volume_presets()[0]), sight)
    grey = display_frame(drawn.values, info, VoiWindow(*said["window"]))
    same = (picture == grey[..., None]).all(axis=2)
    assert same[:290].all()
    assert (~same[290:]).sum() > 200  # the words that every picture carries
    amber = picture[290:].reshape(-1, 3)
    assert (np.abs(amber.astype(int) - (230, 162, 60)).max(axis=1) < 40).sum() > 100


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--preset", "no such"], "no preset"),
        (["--preset", "ct-bone", "--mode", "mip"], "is shaded"),
        (["--view", "A", "--yaw", "5"], "either --view"),
        (["--size", "5"], "--size"),
        (["--box", "0.5", "0.2", "0", "1", "0", "1"], "rising pairs"),
        (["--window", "0", "0"], "width"),
        (["--zoom", "0"], "--zoom"),
    ],
)
def test_the_command_line_refuses_in_one_sentence(ct_folder, tmp_path, capsys, arguments, words):
    out = tmp_path / "x.png"
    assert main(["render3d", str(ct_folder), *arguments, "-o", str(out)]) == 2
    assert words in capsys.readouterr().err
    assert not out.exists()


def test_the_command_line_needs_a_volume(radiograph, tmp_path, capsys):
    assert main(["render3d", str(radiograph), "-o", str(tmp_path / "x.png")]) == 2
    assert "no volume" in capsys.readouterr().err
