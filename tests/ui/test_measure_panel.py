"""The list of measurements: groups, the way to a picture, lesions over time, tables, curves."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from medbench.dicom.write import SimulatedPatient, write_ct_series
from medbench.domain.geometry import Geometry
from medbench.domain.measurement import Measurement
from medbench.imaging.reslice import PlaneKind
from medbench.session.time_curve import curve_csv, read_curve
from medbench.ui.review.measure.rows import ROW

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def opened(app, wait, *paths):
    page = app.window.workspaces["review"]
    app.window.open_paths(list(paths))
    wait(lambda: page.model.volume is not None and page.model.volume.ready.all())
    wait(lambda: page.model.voi is not None)
    app.qt.processEvents()
    return page, next(f for f in page.features if type(f).__name__ == "MeasureDesk")


def draw(app, page, tool, start, end):
    view = page.active
    app.actions_registry.action(f"medbench.review.tool_{tool}").trigger()
    a, b = (view.widget_position(*p).toPoint() for p in (start, end))
    QTest.mousePress(view, LEFT, NONE, a)
    QTest.mouseMove(view, (a + b) / 2)
    QTest.mouseMove(view, b)
    QTest.mouseRelease(view, LEFT, NONE, b)
    app.qt.processEvents()
    return app.session.readings.of(Measurement)[-1]


def rows_of(desk):
    return [desk.panel.rows.row(i) for i in range(desk.panel.rows.rowCount())]


def shown_tab(page, desk):
    """The panel is on the screen only while its tab is chosen."""
    titles = [page.tabs.tabText(i) for i in range(page.tabs.count())]
    page.tabs.setCurrentIndex(titles.index("Measurements"))
    return desk.panel


@pytest.fixture
def three(app, wait, ct_folder):
    """A length on slice 3, an ellipse and a length on slice 8."""
    page, desk = opened(app, wait, ct_folder)
    page.active.set_index(2)
    one = draw(app, page, "length", (10, 10), (10, 40))
    page.active.set_index(7)
    two = draw(app, page, "ellipse", (18, 18), (32, 46))
    three = draw(app, page, "length", (40, 10), (44, 50))
    return page, desk, (one, two, three)


def test_rows_are_grouped_and_fold(app, three):
    page, desk, (one, two, other) = three
    panel = shown_tab(page, desk)
    assert panel.stack.currentWidget() is panel.list
    assert rows_of(desk)[0].title == "Not assigned to a lesion"
    assert desk.listed() == (one, two, other)
    panel.grouping.setCurrentIndex(1)
    heads = [(r.title, r.count) for r in rows_of(desk) if r.measurement is None]
    assert heads == [("Length", 2), ("Ellipse", 1)]
    panel.grouping.setCurrentIndex(2)
    heads = [(r.title, r.count) for r in rows_of(desk) if r.measurement is None]
    assert heads == [("Axial, slice 3", 1), ("Axial, slice 8", 2)]
    app.qt.processEvents()
    place = panel.list.visualRect(panel.rows.index(0)).center()
    QTest.mouseClick(panel.list.viewport(), LEFT, NONE, place)
    assert [r.measurement for r in rows_of(desk)] == [None, None, two, other]
    assert desk.listed() == (one, two, other)
    QTest.mouseClick(panel.list.viewport(), LEFT, NONE, place)
    assert rows_of(desk)[1].measurement == one


def test_a_row_leads_to_its_picture_and_a_mark_to_its_row(app, three):
    page, desk, (one, two, _) = three
    panel = shown_tab(page, desk)
    app.qt.processEvents()
    row = panel.rows.row_of(one.measurement_id)
    QTest.mouseClick(
        panel.list.viewport(), LEFT, NONE, panel.list.visualRect(panel.rows.index(row)).center()
    )
    assert page.active.index == 2
    assert desk.selected == one.measurement_id
    page.active.set_index(7)
    app.actions_registry.action("medbench.review.tool_window").trigger()
    edge = page.active.widget_position(*two.points[0]).toPoint()
    QTest.mouseClick(page.active, LEFT, NONE, edge)
    assert desk.selected == two.measurement_id
    chosen = panel.list.currentIndex().data(ROW)
    assert chosen.measurement == two
    QTest.keyClick(panel.list, Qt.Key.Key_Delete)
    assert two not in desk.listed()
    app.session.history.undo()
    assert two in desk.listed()
    check_marks_can_be_switched_off(app, page, desk)


def test_a_plane_that_is_not_shown_is_brought_back(app, wait, three):
    page, desk, _ = three
    action = app.actions_registry.action("medbench.review.toggle_mpr")
    action.trigger()
    coronal = page.viewports[PlaneKind.CORONAL]
    coronal.set_index(30)
    page.showing.activate(coronal)
    made = draw(app, page, "length", (3, 10), (3, 50))
    assert made.site.view == "coronal"
    action.trigger()
    page.active.set_index(0)
    desk.panel.go_to(made)
    app.qt.processEvents()
    assert page.viewports[PlaneKind.CORONAL] in page.views()
    assert page.viewports[PlaneKind.CORONAL].index == 30
    assert desk.guide.slice_words(made.site) == "Coronal, slice 31"
    # an oblique one too: the nearest plane is turned to where it was
    coronal = page.viewports[PlaneKind.CORONAL]
    state = page.model.plane_state
    state.turn((PlaneKind.CORONAL,), (0, 0, 1), np.deg2rad(20), page.model.point_mm)
    wait(lambda: coronal.values() is not None)
    page.showing.activate(coronal)
    app.qt.processEvents()
    oblique = draw(app, page, "length", (4, 20), (8, 44))
    assert oblique.site.view == "oblique"
    state.reset()
    app.qt.processEvents()
    assert all(desk.guide.places(view, oblique) is None for view in page.views())
    desk.panel.go_to(oblique)
    app.qt.processEvents()
    assert desk.guide.places(page.viewports[PlaneKind.CORONAL], oblique) is not None


def menu_entry(desk, one, *names):
    menu = desk.panel.menu_of(one)
    for name in names[:-1]:
        menu = next(a.menu() for a in menu.actions() if a.text() == name)
    return next(a for a in menu.actions() if a.text() == names[-1])


def test_the_menu_hides_locks_and_assigns(app, three):
    page, desk, (one, two, _) = three
    menu_entry(desk, one, "Hide").trigger()
    assert one not in desk.marks()
    assert one in desk.listed()
    menu_entry(desk, one, "Show").trigger()
    assert one in desk.marks()
    menu_entry(desk, two, "Lock").trigger()
    locked = desk.book.get(two.measurement_id)
    assert not menu_entry(desk, locked, "Delete").isEnabled()
    desk.select(two.measurement_id)
    desk.delete_mark()
    assert desk.book.get(two.measurement_id) == locked
    page.active.set_index(7)
    app.actions_registry.action("medbench.review.tool_window").trigger()
    before = locked.points
    view = page.active
    a = view.widget_position(*before[0]).toPoint()
    QTest.mousePress(view, LEFT, NONE, a)
    QTest.mouseMove(view, a + QPoint(40, 40))
    QTest.mouseRelease(view, LEFT, NONE, a + QPoint(40, 40))
    assert desk.book.get(two.measurement_id).points == before
    menu_entry(desk, one, "Assign to lesion", "New: Lesion 1").trigger()
    assert desk.book.get(one.measurement_id).lesion == "Lesion 1"
    menu_entry(desk, desk.book.get(one.measurement_id), "Assign to lesion", "None").trigger()
    assert desk.book.get(one.measurement_id).lesion == ""
    app.session.history.undo()
    app.session.history.undo()
    assert desk.book.get(one.measurement_id).lesion == ""
    app.session.history.redo()
    assert desk.book.get(one.measurement_id).lesion == "Lesion 1"
    menu_entry(desk, desk.book.get(two.measurement_id), "Unlock").trigger()
    check_names_are_typed_in_the_list(app, page, desk, one, two)


def check_names_are_typed_in_the_list(app, page, desk, one, two):
    panel = shown_tab(page, desk)
    desk.book.assign(desk.book.get(two.measurement_id), "Lesion 1")
    app.qt.processEvents()
    panel.list.setCurrentIndex(panel.rows.index(panel.rows.row_of(one.measurement_id)))
    panel.list.edit(panel.list.currentIndex())
    editor = panel.list.viewport().findChild(QLineEdit)
    QTest.keyClicks(editor, "Aorta")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    app.qt.processEvents()
    assert desk.book.get(one.measurement_id).label == "Aorta"
    head = panel.rows.index(0)
    assert panel.rows.setData(head, "Lesion 1, right", Qt.ItemDataRole.EditRole)
    lesions = {m.lesion for m in desk.listed()}
    assert lesions == {"Lesion 1, right", ""}
    app.session.history.undo()  # both at once
    assert {m.lesion for m in desk.listed()} == {"Lesion 1", ""}


def test_texts_and_tables_leave_the_window(app, wait, three, tmp_path):
    page, desk, (one, two, other) = three
    app.actions_registry.action("medbench.review.copy_measurements").trigger()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("Length: ")
    assert lines[0].endswith(" mm")
    texts = [a.objectName() for a in desk.panel.export_menu().actions()]
    assert "medbench.review.export_csv" in texts
    from medbench.session.measuring import measurements_csv

    desk.save_text(tmp_path / "out.csv", measurements_csv(desk.listed()))
    wait((tmp_path / "out.csv").exists)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))
    mean = next(r for r in rows if r["quantity"] == "mean")
    assert float(mean["value"]) == two.quantity("mean").value
    assert mean["unit"] == "HU"
    assert {r["measurement_id"] for r in rows} == {m.measurement_id for m in (one, two, other)}
    check_the_selected_region_shows_its_values(wait, page, desk, two)
    check_ratios(app, page, desk, two)


def check_the_selected_region_shows_its_values(wait, page, desk, two):
    panel = shown_tab(page, desk)
    desk.panel.go_to(two)
    wait(lambda: panel.rows.histogram is not None)
    name, (edges, counts) = panel.rows.histogram
    assert name == two.measurement_id
    assert counts.sum() == two.quantity("n").value
    high = panel.list.visualRect(panel.rows.index(panel.rows.row_of(name))).height()
    assert high > 100
    assert edges[0] <= two.quantity("min").value <= edges[-1]
    panel.grab()  # painted without a complaint
    desk.panel.go_to(desk.listed()[0])
    assert panel.rows.histogram is None


def check_ratios(app, page, desk, two):
    page.active.set_index(4)
    reference = draw(app, page, "rectangle", (2, 2), (10, 14))
    desk.book.change(reference, "Rename", label="Air")
    menu = desk.panel.menu_of(two)
    offered = next(a.menu() for a in menu.actions() if a.text() == "Ratio to")
    assert len(offered.actions()) == 1
    offered.actions()[0].trigger()
    row = next(r for r in rows_of(desk) if r.ratio is not None)
    means = [m.quantity("mean").value for m in (two, reference)]
    assert row.title == "Ellipse / Air"
    assert row.main == f"{means[0] / means[1]:.2f}".replace("-", "−")
    table = list(csv.DictReader(io.StringIO(desk.csv())))
    assert float(table[-1]["value"]) == pytest.approx(means[0] / means[1])
    app.session.history.undo()
    assert all(r.ratio is None for r in rows_of(desk))
    app.session.history.redo()
    desk.book.remove(desk.book.get(reference.measurement_id))
    assert all(r.ratio is None for r in rows_of(desk))  # and it comes back with the region
    app.session.history.undo()
    number = next(i for i, r in enumerate(rows_of(desk)) if r.ratio is not None)
    desk.panel.list.setCurrentIndex(desk.panel.rows.index(number))
    QTest.keyClick(desk.panel.list, Qt.Key.Key_Delete)
    assert all(r.ratio is None for r in rows_of(desk))


def check_marks_can_be_switched_off(app, page, desk):
    page.active.set_index(2)
    app.qt.processEvents()
    middle = page.active.widget_position(10, 25).toPoint()

    def drawn():
        return page.active.grab().toImage().pixelColor(middle).lightness() > 150

    assert drawn()
    app.actions_registry.action("medbench.review.toggle_marks").trigger()
    assert not drawn()
    assert not desk.panel.eye.isChecked()
    app.actions_registry.action("medbench.review.toggle_marks").trigger()
    assert drawn()


def test_the_prior_s_lesion_of_the_same_name_shows_the_trend(app, wait, tmp_path):
    voxels = np.full((6, 48, 64), 40, np.int16)
    geometry = Geometry((6, 48, 64), (3.0, 1.0, 1.0), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    for date, folder in (("20191014", "old"), ("20200121", "new")):
        person = SimulatedPatient("SIM-7", "Sample^Ivo", study_date=date)
        write_ct_series(tmp_path / folder, voxels, geometry, person)
    page, desk = opened(app, wait, tmp_path / "old", tmp_path / "new")
    studies = sorted(app.session.library.studies, key=lambda s: s.study_date)
    made = []
    for study, long in ((studies[0], 20), (studies[1], 30)):
        page.show_display(study.series[0].displays[0])
        wait(lambda: page.model.volume is not None and page.model.volume.ready.all())
        app.qt.processEvents()
        one = draw(app, page, "length", (10, 10), (10, 10 + long))
        desk.book.assign(one, "Lesion 1")
        made.append(desk.book.get(one.measurement_id))
    (row,) = (r for r in rows_of(desk) if r.measurement is not None)
    assert row.measurement == made[1]
    assert [v.date for v in row.visits] == ["2019-10-14", "2020-01-21"]
    assert [v.value for v in row.visits] == [m.quantity("length").value for m in made]
    panel = shown_tab(page, desk)
    app.qt.processEvents()
    assert panel.list.visualRect(panel.rows.index(1)).height() > 120
    panel.grab()
    page.show_display(studies[0].series[0].displays[0])
    app.qt.processEvents()
    assert rows_of(desk)[1].measurement == made[0]


def test_the_command_line_gives_the_window_s_numbers(app, wait, real_data, capsys):
    import json

    from medbench.cli.main import main

    path = real_data / "dicom_series" / "ct_ge_hispeed_head_tilt_irregular"
    page, desk = opened(app, wait, path)
    page.active.set_index(9)
    made = [draw(app, page, "ellipse", (180.3, 200.2), (300.8, 290.4))]
    app.actions_registry.action("medbench.review.toggle_mpr").trigger()
    wait(lambda: not page.model.waits_for_shape)
    coronal = page.viewports[PlaneKind.CORONAL]
    page.showing.activate(coronal)
    coronal.set_index(240)
    app.qt.processEvents()
    made.append(draw(app, page, "rectangle", (20.3, 200.4), (60.2, 280.7)))
    assert made[1].site.view == "coronal"
    for one, extra in ((made[0], []), (made[1], ["--plane", "coronal"])):
        points = ";".join(f"{row!r},{column!r}" for row, column in one.points)
        number = desk.guide.index(one.site) if one is made[0] else 240
        arguments = ["--kind", one.kind.value, "--points", points, "--slice", str(number)]
        assert main(["measure", str(path), *arguments, *extra, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)["quantities"]
        assert [q["name"] for q in found] == [q.name for q in one.quantities]
        for there, here in zip(found, one.quantities, strict=True):
            assert there["value"] == pytest.approx(here.value, rel=1e-12), here.name
            assert (there["unit"], there["badge"]) == (here.unit, here.badge)


@pytest.fixture
def perfusion(tmp_path):
    """Five time points, 12 s apart, of a brightening square."""
    import pydicom

    geometry = Geometry((4, 32, 32), (3.0, 1.0, 1.0), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    noise = np.random.default_rng(5)
    volumes = []
    for time in range(5):
        voxels = noise.integers(-20, 20, (4, 32, 32)).astype(np.int16)
        voxels[:, 8:24, 8:24] += 100 * time
        folder = tmp_path / "perfusion" / str(time)
        person = SimulatedPatient("SIM-8", "Sample^Time")
        for number, file in enumerate(write_ct_series(folder, voxels, geometry, person)):
            ds = pydicom.dcmread(file)
            ds.AcquisitionTime = f"0900{12 * time:02d}.5"
            ds.SOPInstanceUID = f"{ds.SOPInstanceUID}.{time + 1}"
            ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
            ds.InstanceNumber = time * 4 + number + 1
            ds.save_as(file)
        volumes.append(voxels)
    return tmp_path / "perfusion", np.array(volumes)


def test_a_region_over_time_is_a_curve(app, wait, perfusion, tmp_path):
    folder, volumes = perfusion
    page, desk = opened(app, wait, folder)
    page.active.set_index(2)
    one = draw(app, page, "rectangle", (9.6, 9.6), (20.4, 18.4))
    card = desk.panel.curve
    shown_tab(page, desk)
    app.qt.processEvents()
    assert card.isVisible()
    card.make.click()
    wait(lambda: card.curve is not None)
    low, high = np.ceil(np.min(one.points, axis=0)), np.floor(np.max(one.points, axis=0))
    part = volumes[:, 2, int(low[0]) : int(high[0]) + 1, int(low[1]) : int(high[1]) + 1]
    assert card.curve.times_s == pytest.approx((0, 12, 24, 36, 48))
    assert card.curve.mean == pytest.approx(part.mean(axis=(1, 2)))
    assert card.curve.sd == pytest.approx(part.std(axis=(1, 2)))
    assert card.curve.unit == "HU"
    rows = list(csv.DictReader(io.StringIO(curve_csv(card.curve))))
    assert [float(r["time_s"]) for r in rows] == pytest.approx([0, 12, 24, 36, 48])
    assert [int(r["n"]) for r in rows] == [part[0].size] * 5
    jobs = [job for job in app.session.jobs.jobs if job.title.startswith("Curve of")]
    assert [job.live for job in jobs] == [False]
    # a cut across the slices is counted the same way
    display = desk.guide.display(one.site)
    displays = sorted(
        (d for s in app.session.library.studies for se in s.series for d in se.displays),
        key=lambda d: d.time_index,
    )
    app.actions_registry.action("medbench.review.toggle_mpr").trigger()
    sagittal = page.viewports[PlaneKind.SAGITTAL]
    sagittal.set_index(12)
    page.showing.activate(sagittal)
    app.qt.processEvents()
    cut = draw(app, page, "rectangle", (0.6, 9.6), (2.4, 18.4))
    curve = read_curve(cut, displays)
    low, high = np.ceil(np.min(cut.points, axis=0)), np.floor(np.max(cut.points, axis=0))
    slab = volumes[:, ::-1, :, 12][:, int(low[0]) : int(high[0]) + 1]
    slab = slab[:, :, int(low[1]) : int(high[1]) + 1]
    assert curve.mean == pytest.approx(slab.mean(axis=(1, 2)))
    assert display.time_count == 5
    # another place drops the curve: it belongs to the region it was made of
    desk.book.change(one, "Rename", label="same place")
    desk.panel.go_to(desk.book.get(one.measurement_id))
    desk.book._readings.put(
        replace(desk.book.get(one.measurement_id), points=((9.0, 9.0), (12.0, 12.0))), "Move"
    )
    assert card.curve is None


def test_real_time_points_without_times_are_numbered(app, wait, real_data):
    page, desk = opened(app, wait, real_data / "dicom_series" / "mr_ge_fmri4d_interleaved")
    display = page.model.display
    assert display.time_count == 10
    one = draw(app, page, "ellipse", (20.3, 20.3), (40.2, 44.8))
    card = desk.panel.curve
    card.compute()
    wait(lambda: card.curve is not None)
    assert card.curve.times_s == ()
    assert len(card.curve.mean) == 10
    assert card.curve.mean[display.time_index] == pytest.approx(one.quantity("mean").value)
    assert card.curve.n == (round(one.quantity("n").value),) * 10
