"""The Segments tab, what is drawn, copies of layers, agreement, export: in the real window."""

import numpy as np
import pytest
from layer_objects import series, write_segmentation, write_structures
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QInputDialog
from scipy import ndimage
from segment_hand import Painter, capsule

from medbench.domain.segment_edit import SegmentState
from medbench.imaging.reslice import PlaneKind
from medbench.imaging.segment_agreement import agreement_of
from medbench.imaging.segment_outline import label_outlines


@pytest.fixture
def hand(app, wait, ct_folder):
    """The simulated CT, 12 x 48 x 64 voxels of 3 x 1 x 1 mm, is open."""
    return Painter(app, wait).open(ct_folder)


def boxes(images):
    masks = np.zeros((2, len(images), images[0].Rows, images[0].Columns), bool)
    masks[0, 4:8, 20:28, 26:38] = True
    masks[1, 2:9, 10:15, 20:40] = True
    return masks


def with_layer(app, wait, ct_folder, write):
    """The CT with a layer drawn over it."""
    write(ct_folder)
    hand = Painter(app, wait).open(ct_folder)
    hand.page.show_display(
        hand.display_named("SEG")
        if "seg.dcm" in [p.name for p in ct_folder.iterdir()]
        else hand.display_named("RTSTRUCT")
    )
    wait(lambda: app.session.layers.layers)
    wait(lambda: hand.page.model.display.modality == "CT")
    hand.loaded()
    return hand


def copy(hand):
    """By the entry of the menu behind the plus."""
    hand.panel.add.click()
    menu = hand.desk._menu
    next(a for a in menu.actions() if a.text().startswith("Copy")).trigger()
    menu.close()
    hand.wait(lambda: hand.segmentation is not None)
    hand.settled()


def test_the_list_names_counts_hides_locks_and_reviews(hand):
    view = hand.page.stack
    view.set_index(5)
    hand.act("segmentation_new")
    hand.act("segment_new")
    assert list(hand.panel.rows) == [1, 2]
    assert hand.choice.number(hand.segmentation) == 2
    hand.act("tool_brush")
    hand.choice.set_brush(size_mm=10.0)
    hand.stroke(view, (24, 32))
    hand.settled()
    expected = capsule((48, 64), (1.0, 1.0), (24, 32), (24, 32), 5.0).sum()
    assert hand.panel.rows[2].volume.text() == f"{expected * 3 / 1000:.2f} mL"
    assert hand.panel.rows[1].volume.text() == "0.0 mL"
    assert hand.panel.rows[2].accessibleName().startswith("2 Segment 2, 0.2")
    QTest.mouseClick(hand.panel.rows[1], Qt.MouseButton.LeftButton, pos=QPoint(60, 10))
    assert hand.choice.number(hand.segmentation) == 1
    QTest.keyClick(hand.panel.rows[1], Qt.Key.Key_Down)
    assert hand.choice.number(hand.segmentation) == 2
    hand.desk._segment_menu(2, QPoint(0, 0))
    entries = {a.text(): a for a in hand.desk._menu.actions() if a.text()}
    hand.desk._menu.close()
    entries["Rename ..."].trigger()
    dialog = hand.panel.findChild(QInputDialog)
    dialog.setTextValue("Bone tumour")
    dialog.accept()
    assert hand.segmentation.segment(2).label == "Bone tumour"
    entries["Mark as reviewed"].trigger()
    assert hand.segmentation.segment(2).state is SegmentState.REVIEWED
    words = [w.text() for w in hand.panel.rows[2].findChildren(type(hand.panel.rows[2].facts))]
    assert "Brush · reviewed" in words
    entries["Lock"].trigger()
    assert hand.segmentation.segment(2).locked
    hand.history.undo()
    hand.history.undo()
    hand.history.undo()
    assert hand.segmentation.segment(2).label == "Segment 2"
    shown = hand.colour_at(view, 24, 32)
    hand.desk._eye(2)
    assert not hand.segmentation.segment(2).shown
    assert hand.colour_at(view, 24, 32) != shown
    hand.desk._eye(2)
    assert hand.colour_at(view, 24, 32) == shown
    entries["Delete segment"].trigger()
    assert list(hand.panel.rows) == [1]
    assert not hand.labels.any()
    hand.history.undo()
    assert (hand.labels == 2).sum() == expected


def test_labels_are_drawn_where_they_lie_in_every_plane(hand):
    view = hand.page.stack
    hand.act("segmentation_new")
    hand.choice.set_look(fill=0.7, outline_px=2.0)
    key = hand.segmentation.segmentation_id
    labels = hand.book.labels(key)
    before = labels.copy()
    after = before.copy()
    after[4:8, 20:28, 26:38] = 1
    from medbench.imaging.segment_delta import LabelDelta

    hand.book.apply(key, LabelDelta.of(before, after, (0, 0, 0)), "Test")
    for index, (row, column), inside in (
        (5, (24, 32), True), (5, (12, 10), False), (2, (24, 32), False), (7, (20, 26), True),
    ):  # fmt: skip
        view.set_index(index)
        assert (hand.colour_at(view, row, column).saturation() > 60) == inside, (index, row)
    hand.act("toggle_mpr")
    coronal = hand.page.viewports[PlaneKind.CORONAL]
    coronal.set_index(24)
    for z, inside in ((5, True), (2, False), (9, False)):
        assert (hand.colour_at(coronal, 11 - z, 29).saturation() > 60) == inside, z
    axial = hand.page.viewports[PlaneKind.AXIAL]
    axial.set_index(5)
    axial.flip_by()
    axial.rotate_by(90)
    assert hand.colour_at(axial, 24, 32).saturation() > 60
    assert hand.colour_at(axial, 12, 10).saturation() < 20


def test_outlines_run_along_pixel_edges_in_parts_as_in_the_whole():
    labels = np.random.default_rng(0).integers(0, 4, (37, 53), dtype=np.uint8)

    def edges(parts):
        found = {}
        for rows, columns in parts:
            for label, lines in label_outlines(labels, rows, columns):
                for x0, y0, x1, y1 in lines.astype(int).tolist():
                    steps = range(max(x1 - x0, y1 - y0))
                    right = y0 == y1
                    for i in steps:
                        at = (x0 + i, y0, "-") if right else (x0, y0 + i, "|")
                        assert at not in found.setdefault(label, set())
                        found[label].add(at)
        return found

    tiles = [
        ((r, min(37, r + 10)), (c, min(53, c + 10))) for r in range(0, 37, 10)
        for c in range(0, 53, 10)
    ]  # fmt: skip
    whole = edges([((0, 37), (0, 53))])
    assert whole == edges(tiles)
    for label in (1, 2, 3):
        expected = set()
        mask = np.pad(labels == label, 1)
        for y, x in np.argwhere(mask):
            if not mask[y - 1, x]:
                expected.add((x - 1, y - 1, "-"))
            if not mask[y + 1, x]:
                expected.add((x - 1, y, "-"))
            if not mask[y, x - 1]:
                expected.add((x - 1, y - 1, "|"))
            if not mask[y, x + 1]:
                expected.add((x, y - 1, "|"))
        assert whole[label] == {(int(x), int(y), s) for x, y, s in expected}


def test_ticks_beside_the_slice_bar_show_extents_and_jump(hand):
    view = hand.page.stack
    hand.act("tool_brush")
    hand.choice.set_brush(size_mm=10.0, sphere=True)
    view.set_index(9)
    hand.stroke(view, (24, 32))
    hand.settled()
    z = np.nonzero(hand.labels.any(axis=(1, 2)))[0]
    bar_top, height, x = 48, view.height() - 96, view.width() - 11
    image = view.grab().toImage()

    def ticked(index):
        return image.pixelColor(x, round(bar_top + height * (index + 0.5) / 12)).blue() > 150

    assert [i for i in range(12) if ticked(i)] == z.tolist()
    assert 2 < len(z) < 12
    hand.act("tool_pan")
    place = view.mapFromGlobal(view.mapToGlobal(QPoint(x, round(bar_top + height * 2.5 / 12))))
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=place)
    assert view.index == 2
    hand.desk.go_to_segment(1)
    assert view.index == z[len(z) // 2]
    # only the touched part is coloured again, and equals the whole
    view.set_index(5)
    hand.act("tool_brush")
    hand.choice.set_brush(size_mm=6.0)
    hand.stroke(view, (10, 10), (20, 30), (30, 50))
    hand.act("segment_new")
    hand.stroke(view, (20, 20), (24, 40))
    hand.page.toolbox.choose("window")  # no circle at the pointer
    hand.app.qt.processEvents()
    parts = view.grab().toImage()
    hand.desk.layer._pictures.clear()
    assert view.grab().toImage() == parts


def test_a_segmentation_object_is_copied_corrected_and_compared(app, wait, ct_folder):
    images = series(ct_folder)
    masks = boxes(images)
    hand = with_layer(
        app, wait, ct_folder,
        lambda folder: write_segmentation(folder / "seg.dcm", images, masks, ["Bone", "Soft"]),
    )  # fmt: skip
    copy(hand)
    expected = np.zeros((12, 48, 64), np.uint8)
    expected[masks[0]], expected[masks[1]] = 1, 2
    assert np.array_equal(hand.labels, expected)
    assert [s.label for s in hand.segmentation.segments] == ["Bone", "Soft"]
    assert not app.session.layers.layers[0].look.shown
    view = hand.page.stack
    view.set_index(5)
    hand.act("tool_eraser")
    hand.choice.set_brush(size_mm=8.0)
    hand.stroke(view, (24, 26), (26, 30))
    hand.settled()
    box = hand.panel.agreement
    assert box.other.currentText() == app.session.layers.layers[0].title
    box.again.click()
    wait(lambda: box.results)
    first = agreement_of(hand.labels == 1, masks[0], (3.0, 1.0, 1.0))
    assert box.results[0].label == "Bone"
    assert box.results[0].agreement == first
    edges = [m & ~ndimage.binary_erosion(m) for m in (hand.labels == 1, masks[0])]
    ways = [
        ndimage.distance_transform_edt(~b, sampling=(3.0, 1.0, 1.0))[a]
        for a, b in (edges, edges[::-1])
    ]
    assert first.hd95_mm == pytest.approx(max(np.percentile(w, 95) for w in ways))
    assert box.results[1].agreement.dice == 1.0
    assert box.results[1].agreement.hd95_mm == 0.0
    words = [w.text() for w in box.findChildren(type(box.note))]
    assert f"{first.dice:.2f}" in words
    assert f"{first.hd95_mm:.1f} mm" in words
    hand.stroke(view, (22, 30))
    assert "compute again" in box.note.text()


def test_structures_are_copied_and_two_segmentations_compared(app, wait, ct_folder):
    hand = with_layer(
        app, wait, ct_folder,
        lambda folder: write_structures(
            folder / "rt.dcm", series(folder),
            {"Box": [[(25.5, 20, z), (37.5, 20, z), (37.5, 27, z), (25.5, 27, z)]
                     for z in (12, 15, 18, 21)]},
        ),
    )  # fmt: skip
    copy(hand)
    # even-odd at pixel centres: rows 20 to 26, the lower edge belongs outside
    inside = np.argwhere(hand.labels)
    assert inside.min(axis=0).tolist() == [4, 20, 26]
    assert inside.max(axis=0).tolist()[0] == 7
    assert inside.max(axis=0).tolist()[2] == 37
    first = hand.labels.copy()
    hand.act("segmentation_new")
    hand.desk.rename_segment(1, "box ")
    hand.page.stack.set_index(5)
    hand.act("tool_brush")
    hand.choice.set_brush(size_mm=10.0)
    hand.stroke(hand.page.stack, (24, 32))
    box = hand.panel.agreement
    at = next(i for i in range(box.other.count()) if "edited" in box.other.itemText(i))
    box.other.setCurrentIndex(at)
    box.other.activated.emit(at)
    wait(lambda: box.results)
    assert box.results[0].agreement == agreement_of(hand.labels == 1, first == 1, (3.0, 1.0, 1.0))
    view = hand.page.stack
    view.set_index(6)  # only the other one lies here
    plain = view.grab().toImage()
    box.outlines.click()
    dashed = view.grab().toImage()
    line = [hand.at(view, 19.5, column / 10).toPoint() for column in range(260, 370)]
    marked = [dashed.pixel(p) != plain.pixel(p) for p in line]
    assert 0.2 < np.mean(marked) < 0.9
    inside = hand.at(view, 23, 32).toPoint()
    assert dashed.pixel(inside) == plain.pixel(inside)
    box.outlines.click()
    assert view.grab().toImage() == plain


def test_the_label_map_is_written_as_nifti(hand, tmp_path):
    import SimpleITK as sitk

    view = hand.page.stack
    view.set_index(5)
    hand.act("tool_brush")
    hand.stroke(view, (20, 30), (30, 40))
    path = tmp_path / "out.nii.gz"
    hand.desk.transfer.write_nifti(hand.segmentation, path)
    hand.wait(path.is_file)
    hand.settled()
    image = sitk.ReadImage(str(path))
    assert np.array_equal(sitk.GetArrayFromImage(image), hand.labels)
    assert image.GetSpacing() == pytest.approx((1.0, 1.0, 3.0))
    snapshot = hand.book.snapshot(hand.segmentation.segmentation_id)
    assert snapshot.reference_display_key == hand.page.model.key
    assert snapshot.geometry.shape == (12, 48, 64)
    hand.stroke(view, (5, 5))
    assert not np.array_equal(snapshot.labels, hand.labels)


def test_the_brush_can_stay_inside_the_patient(hand):
    view = hand.page.stack
    view.set_index(5)
    hand.act("tool_brush")
    hand.panel.brush.inside_of.setCurrentIndex(0)
    hand.panel.brush.inside.click()
    hand.wait(lambda: hand.choice.body(hand.page.model.display.geometry) is not None)
    hand.choice.set_brush(size_mm=60.0)
    hand.stroke(view, (24, 32))
    patient = np.zeros((48, 64), bool)
    patient[12:36, 16:48] = True
    disc = capsule((48, 64), (1.0, 1.0), (24, 32), (24, 32), 30.0)
    assert np.array_equal(hand.labels[5] == 1, disc & patient)
    assert (disc & ~patient).any()


def test_sliders_and_the_range_change_the_brush(hand):
    box = hand.panel.brush
    hand.wait(lambda: box.keep.limits == (-1000.0, 700.0))
    box.diameter.setValue(200)
    assert hand.choice.brush.size_mm == 100.0
    box.limit.click()
    assert hand.choice.brush.keep == (-1000.0, 700.0)
    QTest.keyClick(box.keep, Qt.Key.Key_Down)
    QTest.keyClick(box.keep, Qt.Key.Key_Right)
    low, high = hand.choice.brush.keep
    assert (low > -1000.0, high) == (True, 700.0)
    box.keep.resize(200, 20)
    QTest.mousePress(box.keep, Qt.MouseButton.LeftButton, pos=QPoint(190, 10))
    QTest.mouseMove(box.keep, QPoint(150, 10))
    QTest.mouseRelease(box.keep, Qt.MouseButton.LeftButton, pos=QPoint(150, 10))
    assert hand.choice.brush.keep[1] < 500
    box.limit.click()
    assert hand.choice.brush.keep is None
    box.sphere.click()
    assert hand.choice.brush.sphere
    hand.panel.display.fill.setValue(80)
    hand.panel.display.outline.setValue(30)
    assert (hand.choice.look.fill, hand.choice.look.outline_px) == (0.8, 3.0)
