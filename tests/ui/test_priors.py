"""Priors beside the current study: offered, aligned, linked, switched, remembered."""

import time
from pathlib import Path

import numpy as np
import pytest
from prior_series import PATIENT, body, geometry, truth, write_patient
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest

from medbench.cli.main import main
from medbench.dicom.write import write_ct_series, write_radiograph
from medbench.domain.alignment import AlignmentQuality, PriorLink
from medbench.session.library import display_key
from medbench.ui.review.prior_words import ago_words, span_words
from medbench.ui.review.priors.desk import PriorDesk


def desk_of(app):
    page = app.window.workspaces["review"]
    return page, next(f for f in page.features if isinstance(f, PriorDesk))


def opened(app, wait, *paths):
    page, desk = desk_of(app)
    app.window.open_paths(list(paths))
    wait(lambda: app.session.library.studies)
    wait(lambda: page.model.volume is not None and page.model.volume.ready.all())
    wait(lambda: not desk._soon.isActive())
    return page, desk


def show(page, date, words=""):
    study = next(s for s in page.session.library.studies if s.study_date == date)
    found = [d for series in study.series for d in series.displays if words in d.description]
    page.show_display(found[0])
    return found[0]


def key(app, name, modifier=Qt.KeyboardModifier.ShiftModifier):
    app.window.activateWindow()
    app.qt.processEvents()
    QTest.keyClick(app.window, name, modifier)
    app.qt.processEvents()


def aligned(app, wait, desk):
    wait(lambda: desk._pair_keys() is not None)
    wait(lambda: app.session.priors.link(*desk._pair_keys()) is not None, 60)
    wait(lambda: not desk._soon.isActive())
    return app.session.priors.link(*desk._pair_keys())


def corner_error_mm(matrix, expected):
    g = geometry()
    z, y, x = (n - 1 for n in g.shape)
    points = [g.world_from_index(i, j, k) for i in (0, x) for j in (0, y) for k in (0, z)]
    points = np.c_[points, np.ones(8)]
    return np.abs(points @ (matrix - expected).T)[:, :3].max()


@pytest.fixture
def patient(tmp_path):
    return write_patient(tmp_path / "patient")


def test_the_prior_is_offered_shown_aligned_linked_and_switched(app, wait, patient):
    page, desk = opened(app, wait, patient)
    current = show(page, "2020-01-21")
    bar = desk.prior_bar
    wait(lambda: bar.isVisible() and "2019-10-14" in bar.words.text())
    assert bar.words.text() == "Prior of 2019-10-14 (3 months)"
    assert "same body part" in bar.reason.text()
    assert bar.open.isVisible()
    assert not bar.switch.isVisible()
    key(app, Qt.Key.Key_P)
    wait(lambda: len(page.showing.screens) == 2)
    left, right = (screen.display for screen in page.showing.screens)
    assert display_key(left) == display_key(current)
    assert page.study_of(right).study_date == "2019-10-14"
    link = aligned(app, wait, desk)
    assert link.alignment.quality is AlignmentQuality.GOOD, link.alignment.reason
    assert corner_error_mm(link.alignment.array, truth()) < 3.0  # one voxel
    assert bar.chip.text() == "Alignment good"
    assert bar.chip.isVisible()
    assert "there and back" in bar.chip.toolTip()
    assert page.sync.on
    # the prior is cut along the pictures of the current study: turned by the same 5 degrees
    one, other = page.views()
    assert [cell.kind for cell in page.showing.cells] == ["acquired", "axial"]
    assert page.active is one
    for mine, its in (("row_direction",) * 2, ("column_direction",) * 2):
        turned = truth()[:3, :3] @ getattr(one.plane, mine)
        assert getattr(other.plane, its) == pytest.approx(turned, abs=0.02)
    # scrolling one moves the other by the transform, not by picture numbers
    for index in (6, 14):
        one.set_index(index)
        middle = one.plane.point_of(index, 21.5, 21.5)
        there = (truth() @ np.append(middle, 1))[:3]
        assert other.index == pytest.approx(other.plane.place_of(there)[0], abs=0.8)
    # and both show the same section
    inside = [(row, column) for row in range(10, 34, 2) for column in range(10, 34, 2)]
    values = []
    for row, column in inside:
        there = truth() @ np.append(one.plane.point_of(14, row, column), 1)
        _, at, across = other.plane.place_of(there[:3])
        values.append((one.values()[row, column], other.values()[round(at), round(across)]))
    assert np.corrcoef(np.array(values, float).T)[0, 1] > 0.9
    page.showing.activate(other)
    other.set_index(12)
    back = np.linalg.inv(truth()) @ np.append(other.plane.point_of(12, 20, 20), 1)
    assert one.index == pytest.approx(one.plane.place_of(back[:3])[0], abs=0.8)
    # Shift+J: off, nothing follows; on again, it does
    app.qt.processEvents()
    key(app, Qt.Key.Key_J)
    wait(lambda: not desk._soon.isActive())
    assert not app.session.priors.link(*desk._pair_keys()).applied
    assert app.session.priors.transform_mm(*desk._pair_keys()) is None
    assert not bar.switch.isChecked()
    assert [cell.kind for cell in page.showing.cells] == ["acquired", "acquired"]
    one, other = page.views()
    page.showing.activate(other)
    before = one.index
    other.set_index(3)
    assert one.index == before
    key(app, Qt.Key.Key_J)
    wait(lambda: not desk._soon.isActive())
    assert bar.switch.isChecked()
    assert [cell.kind for cell in page.showing.cells] == ["acquired", "axial"]
    one, other = page.views()
    before = one.index
    other.set_index(5)
    assert one.index != before
    # the transform works both ways, and is kept with the study
    there = app.session.priors.transform_mm(*desk._pair_keys())
    back = app.session.priors.transform_mm(*desk._pair_keys()[::-1])
    assert there @ back == pytest.approx(np.eye(4), abs=1e-9)
    assert app.session.readings.of(PriorLink)[0].study_instance_uid == current.study_instance_uid
    # again: the prior before it; then none
    page.showing.activate(one)
    key(app, Qt.Key.Key_P)
    wait(lambda: page.study_of(page.showing.screens[1].display).study_date == "2017-01-05")
    for _ in range(4):
        key(app, Qt.Key.Key_P)
        wait(lambda: not desk._soon.isActive())
        if len(page.showing.screens) == 1:
            break
    assert len(page.showing.screens) == 1
    assert page.study_of(page.model.display).study_date == "2020-01-21"
    app.session.priors.cancel()
    wait(lambda: app.session.priors.aligning is None)


def test_an_alignment_is_found_again_by_the_next_start(app, qapp, wait, patient, tmp_path):
    from medbench.app.bootstrap import build_app

    page, desk = opened(app, wait, patient / "now", patient / "before")
    show(page, "2020-01-21")
    page.actions_registry.action("medbench.review.open_prior").trigger()
    first = aligned(app, wait, desk)
    app.close()
    again = build_app(tmp_path / "workspace")
    try:
        again.window.resize(1600, 1000)
        again.window.show()
        page, desk = opened(again, wait, patient / "now", patient / "before")
        show(page, "2020-01-21")
        wait(lambda: again.session.priors._links)
        page.actions_registry.action("medbench.review.open_prior").trigger()
        wait(lambda: desk.prior_bar.chip.isVisible())
        assert aligned(again, wait, desk) == first
        assert not any("Align" in job.title for job in again.session.jobs.jobs)
        assert page.sync.on
    finally:
        again.close()
        again.window.deleteLater()
        qapp.processEvents()


def test_stopping_is_quick_and_says_so(app, wait, patient):
    page, desk = opened(app, wait, patient / "now", patient / "before")
    show(page, "2020-01-21")
    page.actions_registry.action("medbench.review.open_prior").trigger()
    wait(lambda: app.session.priors.aligning is not None)
    wait(lambda: desk.prior_bar.progress.isVisible())
    wait(lambda: app.session.priors.aligning.fraction > 0)
    begin = time.monotonic()
    QTest.mouseClick(desk.prior_bar.stop, Qt.MouseButton.LeftButton)
    wait(lambda: app.session.priors.aligning is None)
    assert time.monotonic() - begin < 1.0
    wait(lambda: not desk._soon.isActive())
    assert desk.prior_bar.reason.text() == "The alignment was stopped"
    assert app.session.priors.link(*desk._pair_keys()) is None
    app.qt.processEvents()
    assert app.session.priors.aligning is None  # it does not begin by itself again
    page.actions_registry.action("medbench.review.align_again").trigger()
    aligned(app, wait, desk)


def test_the_window_does_not_stall(app, wait, patient):
    """The beat of a 5 ms timer on the GUI thread while a registration runs: 99 % below 50 ms."""
    page, _ = opened(app, wait, patient / "now", patient / "before")
    current = show(page, "2020-01-21")
    (offer,) = app.session.priors.offers(current)
    beats, timer = [], QTimer()
    timer.setInterval(5)
    timer.timeout.connect(lambda: beats.append(time.perf_counter()))
    app.session.priors.align(current, offer.display)
    wait(lambda: app.session.priors.aligning.fraction > 0)
    timer.start()
    wait(lambda: app.session.priors.aligning is None, 60)
    timer.stop()
    gaps = np.sort(np.diff(beats))
    assert len(gaps) > 20
    assert np.percentile(gaps, 99) < 0.05


def test_a_poor_alignment_is_not_used_and_says_why(app, wait, tmp_path):
    from dataclasses import replace

    rng = np.random.default_rng(0)
    noise = rng.normal(0, 400, geometry().shape).astype(np.int16)
    for name, date, values in (("now", "20200121", body()), ("old", "20190101", noise)):
        write_ct_series(
            tmp_path / "p" / name, values, geometry(), replace(PATIENT, study_date=date),
            description="Thorax",
        )  # fmt: skip
    page, desk = opened(app, wait, tmp_path / "p")
    show(page, "2020-01-21")
    page.actions_registry.action("medbench.review.open_prior").trigger()
    link = aligned(app, wait, desk)
    assert link.alignment.quality is AlignmentQuality.POOR
    assert not link.applied
    assert not page.sync.on
    assert app.session.priors.transform_mm(*desk._pair_keys()) is None
    assert desk.prior_bar.chip.text() == "Alignment poor"
    assert link.alignment.reason in desk.prior_bar.reason.text()
    assert any("not aligned by itself" in m.text for m in app.session.messages.log)


def test_other_series_of_the_frames_share_the_transform(app, wait, patient):
    from dataclasses import replace

    write_ct_series(
        patient / "now2", body(), geometry(), replace(PATIENT, study_date="20200121"),
        description="Thorax lung", series_number=2,
    )  # fmt: skip
    page, desk = opened(app, wait, patient / "now", patient / "now2", patient / "before")
    show(page, "2020-01-21", "soft")
    page.actions_registry.action("medbench.review.open_prior").trigger()
    link = aligned(app, wait, desk)
    second = next(
        display_key(d) for s in app.session.library.studies for series in s.series
        for d in series.displays if d.description == "Thorax lung"
    )  # fmt: skip
    found = app.session.priors.transform_mm(second, link.prior_key)
    assert found == pytest.approx(link.alignment.array)
    assert app.session.priors.transform_mm("nobody", link.prior_key) is None


def test_the_offer_goes_when_it_is_dismissed(app, wait, patient):
    page, desk = opened(app, wait, patient / "now", patient / "before")
    show(page, "2020-01-21")
    wait(desk.prior_bar.isVisible)
    QTest.mouseClick(desk.prior_bar.close_button, Qt.MouseButton.LeftButton)
    assert not desk.prior_bar.isVisible()
    show(page, "2019-10-14")
    wait(lambda: not desk._soon.isActive())
    assert not desk.prior_bar.isVisible()  # nothing is earlier


def test_radiographs_pan_together_by_their_alignment(app, wait, tmp_path):
    from dataclasses import replace

    rng = np.random.default_rng(6)
    y, x = np.mgrid[:300, :300].astype(float)
    large = 1800 - 900 * np.exp(-(((x - 150) / 90) ** 2 + ((y - 160) / 110) ** 2))
    for _ in range(30):
        at, size = rng.uniform(40, 260, 2), rng.uniform(5, 20, 2)
        blob = ((x - at[0]) / size[0]) ** 2 + ((y - at[1]) / size[1]) ** 2
        large += rng.uniform(-400, 500) * np.exp(-blob)
    large = np.clip(large, 0, 4095).astype(np.uint16)
    for date, top, left in (("20200121", 50, 50), ("20191014", 38, 59)):
        patient = replace(PATIENT, study_date=date)
        picture = large[top : top + 200, left : left + 200]
        write_radiograph(tmp_path / "p" / f"{date}.dcm", picture, patient, key=date)
    page, desk = opened(app, wait, tmp_path / "p")
    show(page, "2020-01-21")
    wait(page.actions_registry.action("medbench.review.open_prior").isEnabled)
    key(app, Qt.Key.Key_P)
    link = aligned(app, wait, desk)
    assert link.alignment.quality is AlignmentQuality.GOOD, link.alignment.reason
    # what lies at row r, column c now, lies at r + 12, c - 9 in the prior
    assert link.alignment.array[:2, 3] == pytest.approx([-9 * 1.4, 12 * 1.4], abs=0.7)
    assert app.session.priors.transform_mm(*desk._pair_keys()) is None  # no patient space
    one, other = (screen.stack for screen in page.showing.screens)
    page.showing.activate(one)

    def middle(view):
        return np.array(view.picture_position(view.rect().center().toPointF()))

    one.zoom_by(3.0)
    one.pan_by(-70, 40)
    assert middle(other) - middle(one) == pytest.approx([12, -9], abs=1.0)
    page.actions_registry.action("medbench.review.toggle_alignment").trigger()
    one.pan_by(30, -30)
    assert middle(other) - middle(one) == pytest.approx([0, 0], abs=0.5)


def test_words_of_time():
    assert [span_words(d) for d in (0, 1, 22, 59, 99, 500, 1100)] == [
        "same day", "1 day", "22 days", "59 days", "3 months", "16 months", "3 years",
    ]  # fmt: skip
    assert ago_words(0) == "Same day"
    assert ago_words(22) == "22 days ago"
    assert ago_words(-3) == "3 days later"


def test_verb_register(tmp_path, capsys):
    import json

    folder = write_patient(tmp_path / "p", oldest=False)
    out = tmp_path / "t.json"
    arguments = ["register", str(folder / "now"), str(folder / "before"), "-o", str(out), "--json"]
    assert main(arguments) == 0
    printed = json.loads(capsys.readouterr().out)
    stored = json.loads(out.read_text(encoding="utf-8"))
    assert printed == stored
    assert corner_error_mm(np.array(stored["matrix"]), truth()) < 3.0
    assert stored["quality"] == "good"
    assert stored["space"] == "patient"
    assert stored["seconds"] > 0
    assert main(["register", str(folder / "now"), str(Path("nowhere"))]) == 2
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.real_data
def test_a_real_prior_with_a_moved_header(app, wait, real_data, tmp_path):
    """Two sequences of one real study, one of them moved and dated back by its header."""
    import pydicom
    from pydicom.uid import generate_uid

    source = real_data / "dicom_series" / "mr_brain_tumour_multiseq_study3"
    away, uids = (14.0, -9.0, 26.0), {k: generate_uid() for k in ("study", "frame", "series")}
    for file in sorted(source.rglob("*.dcm")):
        ds = pydicom.dcmread(file)
        words = str(ds.SeriesDescription)
        if "T1" in words:
            ds.StudyInstanceUID, ds.FrameOfReferenceUID = uids["study"], uids["frame"]
            ds.SeriesInstanceUID, ds.StudyDate = uids["series"], "20191014"
            position = zip(ds.ImagePositionPatient, away, strict=True)
            ds.ImagePositionPatient = [float(v) + a for v, a in position]
        elif "FLAIR" not in words:
            continue
        ds.save_as(tmp_path / f"{words}-{file.name}")
    page, desk = opened(app, wait, tmp_path)
    show(page, "2020-01-21")
    key(app, Qt.Key.Key_P)
    link = aligned(app, wait, desk)
    assert link.alignment.quality is AlignmentQuality.GOOD, link.alignment.reason
    matrix = link.alignment.array
    g = page.model.display.geometry
    z, y, x = (n - 1 for n in g.shape)
    for index in ((0, 0, 0), (x, y, z), (x, 0, z), (0, y, 0)):
        point = np.append(g.world_from_index(*index), 1)
        assert np.linalg.norm((matrix @ point)[:3] - point[:3] - away) < 1.5
    one, other = (screen.stack for screen in page.showing.screens)
    page.showing.activate(one)
    one.set_index(4)
    assert other.index == 4
