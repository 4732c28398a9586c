"""Layers, presentation states, resampled planes and time points, in the real window."""

import numpy as np
import pytest
from layer_objects import series, write_dose, write_segmentation, write_state, write_structures
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from medbench.imaging.reslice import PlaneKind
from medbench.ui.review.annotations import corner_lines


def review(app):
    return app.window.workspaces["review"]


def displays(app):
    return [d for s in app.session.library.studies for se in s.series for d in se.displays]


def opened(app, wait, *paths):
    page = review(app)
    app.window.open_paths(list(paths))
    wait(lambda: page.model.volume is not None and page.model.volume.ready.all())
    wait(lambda: page.model.voi is not None)
    return page


def named(app, modality):
    return next(d for d in displays(app) if d.modality == modality)


def box_masks(images):
    masks = np.zeros((1, len(images), images[0].Rows, images[0].Columns), bool)
    masks[0, 4:8, 20:28, 26:38] = True
    return masks


def blue_of(view, row, column):
    return view.grab().toImage().pixelColor(view.widget_position(row, column).toPoint())


def test_a_segmentation_lies_where_its_header_says(app, wait, ct_folder):
    images = series(ct_folder)
    masks = box_masks(images)
    write_segmentation(ct_folder / "seg.dcm", images, masks, ["Bone"])
    page = opened(app, wait, ct_folder)
    stack = page.viewports[PlaneKind.ACQUIRED]
    page.show_display(named(app, "SEG"))
    wait(lambda: stack.layer_picture is not None and app.session.layers.layers)
    assert page.model.display.modality == "CT"
    (layer,) = app.session.layers.layers
    app.session.layers.change(layer.key, fill=1.0)
    for index, (row, column), inside in (
        (5, (24, 32), True), (5, (12, 10), False), (2, (24, 32), False), (7, (20, 26), True),
    ):  # fmt: skip
        stack.set_index(index)
        wait(lambda: stack.layer_picture and stack.layer_picture.stamp == stack.layer_stamp())
        app.qt.processEvents()
        colour = blue_of(stack, row, column)
        assert (colour.saturation() > 60) == inside, (index, row, column)
    app.actions_registry.action("medbench.review.toggle_mpr").trigger()
    coronal = page.viewports[PlaneKind.CORONAL]
    coronal.set_index(24)
    wait(lambda: coronal.layer_picture and coronal.layer_picture.stamp == coronal.layer_stamp())
    app.qt.processEvents()
    slices = coronal.count and coronal.plane.shape[1]
    for z, inside in ((5, True), (2, False), (9, False)):
        row = slices - 1 - z  # the head is on top
        assert (blue_of(coronal, row, 29).saturation() > 60) == inside, z
    card = page.layer_desk.panel.findChildren(type(page.layer_desk.panel.only))
    bone = next(box for box in card if box.text() == "Bone")
    bone.click()
    wait(lambda: coronal.layer_picture and coronal.layer_picture.stamp == coronal.layer_stamp())
    assert app.session.layers.layers[0].look.hidden == {1}
    assert not coronal.layer_picture.images


def test_a_picture_of_another_slice_is_never_drawn(app, wait, ct_folder):
    images = series(ct_folder)
    write_segmentation(ct_folder / "seg.dcm", images, box_masks(images), ["Bone"])
    page = opened(app, wait, ct_folder)
    stack = page.viewports[PlaneKind.ACQUIRED]
    page.show_display(named(app, "SEG"))
    stack.set_index(5)
    wait(lambda: stack.layer_picture is not None and stack.layer_picture.images)
    stack.set_index(1)
    stale = stack.layer_picture.stamp != stack.layer_stamp()
    assert stale
    colour = blue_of(stack, 24, 32)  # painted now, before an answer can have come
    assert colour.saturation() < 10


def test_another_frame_of_reference_is_refused(app, wait, ct_folder):
    images = series(ct_folder)
    masks = box_masks(images)
    images[0].FrameOfReferenceUID = "1.2.3.999"
    write_segmentation(ct_folder / "seg.dcm", images, masks, ["Bone"])
    page = opened(app, wait, ct_folder)
    page.show_display(named(app, "SEG"))
    wait(lambda: "frame of reference" in last_message(app))
    assert app.session.layers.layers == ()


def last_message(app):
    found = app.session.messages.log
    return found[-1].text if found else ""


def test_structures_and_dose(app, wait, ct_folder):
    images = series(ct_folder)
    write_structures(
        ct_folder / "rt.dcm", images,
        {"Box": [[(25.5, 20, z), (37.5, 20, z), (37.5, 27, z), (25.5, 27, z)]
                 for z in (12, 15, 18, 21)]},
    )  # fmt: skip
    dose = np.zeros((12, 48, 64))
    dose[4:8, 12:36, 16:48] = 40.0
    write_dose(ct_folder / "dose.dcm", images, dose)
    page = opened(app, wait, ct_folder)
    stack = page.viewports[PlaneKind.ACQUIRED]
    page.show_display(named(app, "RTSTRUCT"))
    wait(lambda: app.session.layers.layers)
    stack.set_index(5)
    wait(lambda: stack.layer_picture and stack.layer_picture.stamp == stack.layer_stamp())
    xs = [v for _, _, lines in stack.layer_picture.outlines for line in lines
          for v in (line.x1(), line.x2())]  # fmt: skip
    assert (min(xs), max(xs)) == (26, 38)  # edges of pixels 26 to 37
    page.show_display(named(app, "RTDOSE"))
    wait(lambda: len(app.session.layers.layers) == 2)
    field = app.session.layers.layers[1].payload
    assert field.unit == "Gy"
    assert field.value_range[1] == pytest.approx(40.0)
    page.layer_desk.panel.refresh()
    words = [w.text() for w in page.layer_desk.panel.findChildren(type(page.notes.words))]
    assert any("40" in w and "Gy" in w for w in words)


def test_a_presentation_state_turns_windows_and_draws(app, wait, ct_folder):
    images = series(ct_folder)
    write_state(
        ct_folder / "pr.dcm", images, window=(300, 700), rotation=90, flip=True,
        polyline=[(5, 5), (40, 5)],
    )  # fmt: skip
    page = opened(app, wait, ct_folder)
    own = page.model.window
    view = page.viewports[PlaneKind.ACQUIRED]
    page.show_display(named(app, "PR"))
    wait(lambda: page.model.presentation is not None)
    assert (page.model.window.center, page.model.window.width) == (300, 700)
    assert view.letters() == ("A", "P", "R", "L")
    app.qt.processEvents()
    assert blue_of(view, 4.5, 20).saturation() > 100  # the drawn line
    panel = page.layer_desk.panel
    panel.only.click()
    wait(lambda: page.model.graphics_only)
    assert page.model.window == own
    assert view.letters() == ("R", "L", "A", "P")
    panel.states.setCurrentIndex(0)
    panel.states.activated.emit(0)
    assert page.model.presentation is None
    app.qt.processEvents()
    assert blue_of(view, 4.5, 20).saturation() < 10


def test_a_tilted_head_is_resampled_and_says_so(app, wait, real_data):
    page = opened(app, wait, real_data / "dicom_series" / "ct_ge_hispeed_head_tilt_irregular")
    stack = page.viewports[PlaneKind.ACQUIRED]
    assert stack.count == 28
    stack.set_index(20)
    app.actions_registry.action("medbench.review.toggle_mpr").trigger()
    assert page.model.waits_for_shape
    wait(lambda: not page.model.waits_for_shape)
    axial = page.viewports[PlaneKind.AXIAL]
    assert axial.plane.geometry.uniform
    lines = corner_lines(page.model, axial.kind, axial.index, axial.count, 100.0, axial.frame())
    words = " ".join(text for text, _ in lines.bottom_right)
    assert "Interpolated from 1.1 to 7.0 mm" in words
    assert "Tilt -18.5° corrected" in words
    # the same patient point carries the same value, up to interpolation between slices
    volume, plane = page.model.volume, stack.plane
    row, column = 300, 256
    point = plane.point_of(20, row, column)
    k, i, j = (round(v) for v in axial.plane.place_of(point))
    cut = axial.plane.picture(page.model.plane_voxels(axial.kind), k)
    around = cut[i - 2 : i + 3, j - 2 : j + 3]
    near = volume.voxels[20, row - 2 : row + 3, column - 2 : column + 3]
    assert around.mean() == pytest.approx(near.mean(), abs=30)
    assert stack.plane.place_of(point) == pytest.approx((20, row, column), abs=1e-3)


def test_time_points_have_a_slider(app, wait, real_data):
    page = opened(app, wait, real_data / "dicom_series" / "mr_ge_fmri4d_interleaved")
    assert page.model.display.time_count == 10
    assert page.time_bar.isVisible()
    assert sum(r.kind == "display" for r in page.browser.model.rows) == 1
    view = page.viewports[PlaneKind.ACQUIRED]
    view.set_index(3)
    page.tools.auto_window()
    window = page.model.window
    first = page.model.volume.voxels[3].copy()
    QTest.keyClick(page.time_bar.slider, Qt.Key.Key_Right)
    wait(lambda: page.model.display.time_index == 1 and page.model.volume is not None
         and page.model.volume.ready.all())  # fmt: skip
    assert view.index == 3
    assert page.model.window == window
    assert not np.array_equal(page.model.volume.voxels[3], first)
    app.actions_registry.action("medbench.review.previous_time").trigger()
    wait(lambda: page.model.display.time_index == 0)
    app.actions_registry.action("medbench.review.previous_time").trigger()
    wait(lambda: page.model.display.time_index == 9)
    assert page.time_bar.slider.value() == 9


def test_splits_and_rejects_are_listed(app, wait, ct_folder):
    (ct_folder / "broken.dcm").write_bytes(b"\0" * 128 + b"DICM")
    page = opened(app, wait, ct_folder)
    assert page.notes.isVisible()
    assert "Files not shown: 1" in page.notes.words.text()
    page.notes._more.click()
    rows = [page.notes.list.topLevelItem(i) for i in range(page.notes.list.topLevelItemCount())]
    assert any(r.text(0) == "broken.dcm" and r.text(1) for r in rows)
