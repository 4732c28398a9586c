"""Exports driven in the window: commands and keys, on a simulated and on real series."""

from dataclasses import replace

import numpy as np
import pydicom
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from medbench.dicom.measurement_report import read_measurements
from medbench.dicom.presentation import read_presentation
from medbench.dicom.report import read_report
from medbench.dicom.scan import scan
from medbench.dicom.segmentation import read_segmentation
from medbench.domain.image import VoiWindow
from medbench.domain.key_image import KeyImage
from medbench.domain.measurement import Measurement, MeasurementKind, Quantity
from medbench.imaging.reslice import PlaneKind
from medbench.session.library import display_key
from medbench.ui.review.export.cine import CineChoice, CineDialog, durations_ms
from medbench.ui.review.export.desk import ExportDesk
from medbench.ui.review.export.pictures import STAMP_PX
from medbench.ui.review.measure.placing import ground_of


class Window:
    """The running program with one series open, and the folder that save dialogs answer with."""

    def __init__(self, app, wait, folder, monkeypatch):
        self.app, self.wait, self.folder = app, wait, folder
        self.page = app.window.workspaces["review"]
        self.desk = self.page.findChild(ExportDesk)
        self.suggested = []
        folder.mkdir()
        monkeypatch.setattr(QFileDialog, "getSaveFileName", self._save)

    def _save(self, _parent, _title, name, filters):
        self.suggested.append(name)
        target = self.folder / f"{len(self.suggested)}-out"
        return str(target), filters

    def open(self, path):
        self.app.window.open_paths([path])
        model = self.page.model

        def loaded():
            return model.volume is not None and bool(model.volume.ready.all())

        self.wait(loaded)
        return self

    @property
    def view(self):
        return self.page.active

    def run(self, name):
        """Trigger a command; the file it wrote."""
        before = set(self.folder.iterdir())
        self.app.actions_registry.action(f"medbench.review.{name}").trigger()
        self.wait(lambda: not self.desk.exporter.busy)
        return sorted(set(self.folder.iterdir()) - before)

    def key(self, key):
        """Press a key over the viewport; commands hear it in the active window only."""
        self.app.window.activateWindow()
        self.app.qt.processEvents()
        QTest.keyClick(self.view, key)
        self.app.qt.processEvents()

    def last(self):
        return self.app.session.messages.log[-1]

    def measure(self, kind, points):
        """Measure on the shown picture."""
        from medbench.ui.review.measure.desk import MeasureDesk

        book = self.page.findChild(MeasureDesk).book
        name = book.create(kind, points, ground_of(self.view))
        stored = self.app.session.readings
        self.wait(lambda: stored.get(Measurement, name) is not None)
        return stored.get(Measurement, name)


@pytest.fixture
def window(app, wait, tmp_path, monkeypatch):
    return Window(app, wait, tmp_path / "out", monkeypatch)


@pytest.fixture
def ct(window, ct_folder):
    return window.open(ct_folder)


def _pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def test_a_picture_is_stamped_and_hides_the_patient_unless_told(ct):
    (hidden,) = ct.run("export_png")
    assert hidden.suffix == ".png"
    shown = _pixels(hidden)
    frame = 4 if ct.view.active or ct.view.hasFocus() else 0  # is no part of the picture
    size = (ct.view.height() - frame + STAMP_PX, ct.view.width() - frame)
    assert shown.shape[:2] == size
    assert shown[-STAMP_PX:].max() > 150  # words in the strip
    ct.run("export_with_patient")
    (named,) = ct.run("export_png")
    other = _pixels(named)
    corner = np.s_[:60, :200]
    assert (shown[corner] != other[corner]).any()
    np.testing.assert_array_equal(shown[200:], other[200:])
    assert ct.page.model.show_patient  # on the screen nothing changed
    assert "Saved" in ct.last().text
    assert str(ct.folder) in ct.last().text
    ct.run("copy_picture")
    image = QGuiApplication.clipboard().image()
    assert isinstance(image, QImage)
    assert (image.height(), image.width()) == size
    QGuiApplication.clipboard().clear()


def test_all_views_of_the_layout(ct):
    ct.app.actions_registry.action("medbench.review.toggle_mpr").trigger()
    ct.app.qt.processEvents()
    (file,) = ct.run("export_all_png")
    shown = _pixels(file)
    views = ct.page.wall.shown
    assert len(views) == 4
    assert shown.shape[1] > 1.9 * max(v.width() for v in views) - 20
    (one,) = ct.run("export_png")
    assert _pixels(one).shape[1] < shown.shape[1]
    ct.run("export_pdf")
    assert len(ct.suggested) == 3
    for name in ct.suggested:  # who reads over a shoulder learns what and when, not who
        lower = name.rpartition("/")[2].lower()
        assert not any(part in lower for part in ("sample", "ivo", "sim-1"))


def test_cine_as_gif_and_as_pictures(ct, monkeypatch):
    monkeypatch.setattr(ct.desk, "ask_cine", lambda count, times: CineChoice(2, 6, 5, False, 200))
    (gif,) = ct.run("export_cine")
    with Image.open(gif) as movie:
        assert movie.n_frames == 5
        assert movie.info["duration"] == 200
        assert max(movie.size) <= 200 + STAMP_PX
        frames = []
        for number in range(movie.n_frames):
            movie.seek(number)
            frames.append(np.asarray(movie.convert("L"), float))
    # slices 4 to 7 hold a bright block in the middle, 2 and 3 do not
    rows, columns = (n // 2 for n in frames[0].shape)
    middle = [frame[rows - 20 : rows, columns - 8 : columns + 8].mean() for frame in frames]
    assert min(middle[2:]) > max(middle[:2]) + 5
    png = CineChoice(0, 3, 5, False, 160, gif=False)
    monkeypatch.setattr(ct.desk, "ask_cine", lambda count, times: png)
    (folder,) = ct.run("export_cine")
    names = [p.name for p in sorted(folder.iterdir())]
    assert names == [f"frame-{n:04d}.png" for n in range(1, 5)]
    assert _pixels(folder / names[0]).shape[0] <= 160 + STAMP_PX


def test_cine_of_a_cut_plane_shows_that_plane(ct, monkeypatch):
    ct.app.actions_registry.action("medbench.review.toggle_mpr").trigger()
    ct.app.qt.processEvents()
    coronal = ct.page.viewports[PlaneKind.CORONAL]
    ct.page.showing.activate(coronal)
    assert coronal.count == 48
    monkeypatch.setattr(ct.desk, "ask_cine",
                        lambda count, times: CineChoice(0, count - 1, 10, False, 128))  # fmt: skip
    (gif,) = ct.run("export_cine")
    with Image.open(gif) as movie:
        assert movie.n_frames > 2  # equal neighbours may be joined


def test_a_cancelled_cine_leaves_nothing(ct, monkeypatch):
    long = CineChoice(0, 11, 5, False, 2048)
    monkeypatch.setattr(ct.desk, "ask_cine", lambda count, times: long)
    ct.app.actions_registry.action("medbench.review.export_cine").trigger()
    (job,) = ct.app.session.jobs.running
    ct.app.session.jobs.cancel(job.job_id)
    ct.wait(lambda: not ct.app.exporting.busy)
    assert list(ct.folder.iterdir()) == []
    assert ct.app.session.jobs.jobs[-1].state == "cancelled"


def test_frame_times_of_the_file():
    choice = CineChoice(1, 3, 10, as_recorded=True)
    assert durations_ms(choice, (0.5, 0.04, 0.333, 0.0)) == [40, 330, 20]
    assert durations_ms(replace(choice, as_recorded=False), (0.5,)) == [100, 100, 100]


def test_the_dialog_of_cine_checks_its_frames(qapp):
    dialog = CineDialog(20, (0.1,) * 20)
    dialog.first.setValue(8)
    dialog.last.setValue(5)
    assert not dialog.ok.isEnabled()
    dialog.last.setValue(12)
    assert dialog.ok.isEnabled()
    assert dialog.choice.indices == range(7, 12)
    assert dialog.choice.as_recorded
    dialog.deleteLater()


def test_page_as_pdf_and_on_a_printer(ct):
    from PySide6.QtPrintSupport import QPrinter

    pypdfium2 = pytest.importorskip("pypdfium2")
    length = ct.measure(MeasurementKind.LENGTH, [(10, 10), (10, 40)])
    (file,) = ct.run("export_pdf")
    printer = QPrinter(QPrinter.PrinterMode.ScreenResolution)
    printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    printed = ct.folder / "printed.pdf"
    printer.setOutputFileName(str(printed))
    ct.desk.print_on(printer)
    del printer
    for path in (file, printed):
        document = pypdfium2.PdfDocument(path)
        assert len(document) == 1
        words = document[0].get_textpage().get_text_range()
        document.close()
        assert "Research use" in words
        assert "SIMULATED" in words
        assert f"{length.quantity('length').value:.1f} mm" in words
        assert "Sample" not in words
    ct.run("export_with_patient")
    (named,) = ct.run("export_pdf")
    document = pypdfium2.PdfDocument(named)
    assert "Sample, Ivo" in document[0].get_textpage().get_text_range()
    document.close()


def test_measurements_go_out_and_come_back(ct):
    stored = ct.app.session.readings
    before = [
        ct.measure(MeasurementKind.LENGTH, [(10.25, 10.5), (30, 40)]),
        ct.measure(MeasurementKind.ELLIPSE, [(24, 20), (24, 44), (16, 32), (32, 32)]),
    ]
    (file,) = ct.run("export_sr")
    after = read_measurements(file)
    for again, one in zip(after, before, strict=True):
        np.testing.assert_allclose(again.points, one.points, atol=1e-4)
        assert again.quantities == one.quantities
    # independent of medbench: 1 mm pixels
    length = after[0].quantity("length")
    assert length.value == pytest.approx(np.hypot(19.75, 29.5), abs=1e-4)
    for one in before:
        stored.remove(one, "gone")
    ct.desk.objects.read_sr(file)
    ct.wait(lambda: not ct.desk.exporter.busy)
    back = stored.of(Measurement)
    assert [m.measurement_id for m in back] == [m.measurement_id for m in before]
    assert [m.site for m in back] == [m.site for m in before]
    ct.app.session.history.undo()  # the whole report is one step
    assert stored.of(Measurement) == ()
    ct.app.session.history.redo()
    ct.desk.objects.read_sr(file)
    ct.wait(lambda: not ct.desk.exporter.busy)
    assert len(stored.of(Measurement)) == 2  # none twice


def test_a_measurement_on_a_cut_plane_comes_back_on_it(ct):
    ct.app.actions_registry.action("medbench.review.toggle_mpr").trigger()
    ct.app.qt.processEvents()
    coronal = ct.page.viewports[PlaneKind.CORONAL]
    ct.page.showing.activate(coronal)
    one = ct.measure(MeasurementKind.LENGTH, [(3, 10), (9, 50)])
    assert one.site.reformatted
    (file,) = ct.run("export_sr")
    ct.app.session.readings.remove(one, "gone")
    ct.desk.objects.read_sr(file)
    ct.wait(lambda: not ct.desk.exporter.busy)
    (again,) = ct.app.session.readings.of(Measurement)
    np.testing.assert_allclose(again.points_mm(), one.points_mm(), atol=1e-4)
    assert again.site == one.site
    assert again.quantities == one.quantities


def test_foreign_points_in_space_fall_onto_the_slice_that_holds_them(ct):
    from medbench.session.operations.exports import place

    study = ct.desk.study
    display = study.series[0].displays[0]
    uid = display.geometry.frame_of_reference_uid
    from medbench.dicom.measurement_shapes import plane_through
    from medbench.domain.measurement import Site

    # by hand: slice 5 lies at z = 15 mm, pixels are 1 mm, the origin is 0
    points = np.array([[12.0, 30.0, 15.0], [40.0, 20.0, 15.0]])
    plane = plane_through(points)
    places = tuple(
        (float(r), float(c))
        for r, c in zip(
            (points - plane.grid.origin_mm) @ plane.grid.column_direction,
            (points - plane.grid.origin_mm) @ plane.grid.row_direction, strict=True,
        )
    )  # fmt: skip
    foreign = Measurement(
        "1.2.3#1", MeasurementKind.LENGTH,
        Site(study.study_instance_uid, "", "", "", 0, uid, plane.grid, plane.view), places,
        (Quantity("length", 29.7, "mm"),),
    )  # fmt: skip
    found = place(foreign, [study])
    np.testing.assert_allclose(found.points, [(30, 12), (20, 40)], atol=1e-6)
    assert found.site.sop_instance_uid == display.frames[5].sop_instance_uid
    stranger = replace(foreign, site=replace(foreign.site, frame_of_reference_uid="1.9"))
    assert place(stranger, [study]) is None


def test_key_images_by_key_with_star_and_as_objects(ct):
    stored = ct.app.session.readings
    plain = ct.desk.picture()
    ct.key(Qt.Key.Key_K)
    (key,) = stored.of(KeyImage)
    assert (key.sop_instance_uid, key.frame) == ct.view.instance()
    assert ct.page.browser.model.starred == {display_key(ct.page.model.display)}
    assert ct.desk.picture() != plain  # a star on the picture
    ct.view.set_index(2)
    ct.key(Qt.Key.Key_K)
    files = ct.run("export_keys")
    assert sorted(f.suffix for f in files) == [".dcm", ".png", ".png"]
    document = next(f for f in files if f.suffix == ".dcm")
    report = read_report(document)
    assert report.key_objects
    assert [link.sop_instance_uid for link in report.links] == [
        k.sop_instance_uid for k in stored.of(KeyImage)
    ]
    ct.key(Qt.Key.Key_K)
    assert len(stored.of(KeyImage)) == 1
    ct.app.session.history.undo()
    assert len(stored.of(KeyImage)) == 2


def test_segments_go_out_as_they_are(ct):
    book, display = ct.app.session.segments, ct.page.model.display
    assert ct.run("export_seg") == []  # nothing to write is said, no file appears
    made = book.create(display, "First look", "AB")
    ct.app.qt.processEvents()
    number = book.add_segment(made.segmentation_id, "Liver")
    assert book.get(made.segmentation_id).segment(number).label == "Liver"
    labels = book.labels(made.segmentation_id)
    labels[3:6, 10:20, 5:30] = number
    (file,) = ct.run("export_seg")
    found = read_segmentation(file)
    assert [s.label for s in found.segments] == ["Liver"]
    again = np.zeros(labels.shape, np.uint8)
    places = {ref.sop_instance_uid: z for z, ref in enumerate(display.frames)}
    for frame in found.frames:
        again[places[frame.referenced_uid]][frame.values] = number
    np.testing.assert_array_equal(again, labels)


def test_presentation_goes_out_and_comes_back(ct):
    model, view = ct.page.model, ct.view
    model.set_voi(VoiWindow(120.0, 640.0))
    model.toggle_invert()
    view.rotate_by(90)
    view.zoom_by(2.0)
    view.pan_by(30, -20)
    one = ct.measure(MeasurementKind.LENGTH, [(10.25, 10.5), (30, 40)])
    from PySide6.QtCore import QPointF

    seen = [
        view.picture_position(QPointF(x, y)) for x, y in ((0, 0), (view.width(), view.height()))
    ]
    middle = np.mean(seen, axis=0)
    (file,) = ct.run("export_gsps")
    state = read_presentation(file)
    assert (state.rules[0].voi.center, state.rules[0].voi.width) == (120, 640)
    assert state.inverse
    assert state.rotation_deg == 90
    lines = [g.points for _, g in state.graphics if g.kind == "POLYLINE"]
    assert one.points in lines
    # the window puts the state on: the same part of the picture, however large the view is
    model.reset_voi(view.index)
    view.reset()
    model.set_presentation(state)
    ct.app.qt.processEvents()
    back = [
        view.picture_position(QPointF(x, y)) for x, y in ((0, 0), (view.width(), view.height()))
    ]
    rows, columns = view.shape()
    inside = np.clip(np.mean(back, axis=0), 0, [rows, columns])
    np.testing.assert_allclose(inside, np.clip(middle, 0, [rows, columns]), atol=3)
    assert view.zoom > 1.2
    assert (model.window.center, model.window.width) == (120, 640)


def test_a_shown_report_leads_to_its_picture(ct, ct_folder):
    one = ct.measure(MeasurementKind.LENGTH, [(10.25, 10.5), (30, 40)])
    where = ct.view.index
    (file,) = ct.run("export_sr")
    ct.app.session.readings.remove(one, "gone")
    ct.view.set_index(where - 3)
    file.rename(ct_folder / "report.dcm")
    ct.app.window.open_paths([ct_folder])
    library = ct.app.session.library
    ct.wait(lambda: any(s.modality == "SR" for study in library.studies for s in study.series))
    (report,) = (d for study in library.studies for s in study.series for d in s.displays
                 if s.modality == "SR")  # fmt: skip
    ct.wait(lambda: ct.page.model.volume is not None)
    ct.page.show_display(report)
    ct.wait(lambda: ct.page.model.display is report)
    ct.run("import_sr")
    assert ct.app.session.readings.of(Measurement)[0].points == one.points
    ct.wait(lambda: ct.page.model.volume is not None and ct.page.stack.index == where)
    assert ct.page.stack.instance()[0] == one.site.sop_instance_uid


def test_reports_that_cannot_be_read_are_named(ct, tmp_path):
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(b"\0" * 400)
    ct.desk.objects.read_sr(broken)
    ct.wait(lambda: not ct.desk.exporter.busy)
    assert ct.last().level == "error"
    assert "broken.dcm" in ct.last().text


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name", ["dicom_series/mr_brain_tumour_multiseq_study3",
             "dicom_series/ct_ge_hispeed_head_tilt_irregular"]
)  # fmt: skip
def test_real_series_out_and_back(window, real_data, name):
    opened = window.open(real_data / name)
    ends = [(40.0, 30.0), (90.5, 120.25)]
    one = opened.measure(MeasurementKind.LENGTH, ends)
    (sr,) = opened.run("export_sr")
    (again,) = read_measurements(sr)
    np.testing.assert_allclose(again.points, ends, atol=1e-4)
    source = pydicom.dcmread(
        opened.page.model.display.frames[opened.view.index].path, stop_before_pixels=True
    )
    row_mm, column_mm = (float(v) for v in source.PixelSpacing)
    expected = np.hypot(50.5 * row_mm, 90.25 * column_mm)
    assert again.quantity("length").value == pytest.approx(expected, abs=1e-6)
    assert pydicom.dcmread(sr).StudyInstanceUID == source.StudyInstanceUID
    states = opened.run("export_gsps")
    (key,) = (ref.sop_instance_uid for ref in [opened.page.model.display.frames[opened.view.index]])
    found = [read_presentation(p) for p in states]
    assert sum(len(s.images) for s in found) == opened.page.model.display.slices
    state = next(s for s in found if key in s.images)
    shown = opened.page.model.window
    rule = next(r.voi for r in state.rules if r.holds(key, 0))
    assert (rule.center, rule.width) == (shown.center, shown.width)
    assert one.points in [g.points for _, g in state.graphics]
    # the new objects join the study when they are opened
    result = scan([sr, *states, *{f.path for f in opened.page.model.display.frames}])
    assert len(result.studies) == 1
    assert {"SR", "PR"} <= {s.modality for s in result.studies[0].series}
