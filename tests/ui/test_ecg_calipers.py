"""Tools of the ECG page, driven by mouse and keys, against the record's own samples."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from medbench.domain.ecg_marks import EcgMark, EcgMarkKind
from medbench.formats.wfdb import read_wfdb
from medbench.imaging.ecg_intervals import analyse, values_of
from medbench.registry.reading_store import ReadingStore
from medbench.samples.ecg import write_ecg
from medbench.ui.review.ecg.places import x_of, y_of
from medbench.ui.review.ecg.view import WaveformView

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def opened(app, wait, tmp_path):
    """The simulated record (500 Hz) on its page."""

    def opening(path=None):
        app.window.open_paths([path or write_ecg(tmp_path / "ecg", seconds=12.0, seed=3)])
        stage = app.window.workspaces["review"].stage
        wait(lambda: isinstance(stage.view, WaveformView) and stage.view.desk.analysis is not None)
        app.window.activateWindow()
        stage.view.paper.setFocus()
        app.qt.processEvents()
        return stage.view

    return opening


def strip(view, name, columns=None):
    return next(
        s for s in view.paper.strips if s.name == name and columns in (None, s.columns)
    )  # fmt: skip


def at(view, lead, second, value=0.0, columns=None):
    found = strip(view, lead, columns)
    return QPoint(round(x_of(view.paper, found, second)), round(y_of(view.paper, found, value)))


def drag(widget, first, last):
    QTest.mousePress(widget, LEFT, pos=first)
    QTest.mouseMove(widget, (first + last) / 2)
    QTest.mouseMove(widget, last)
    QTest.mouseRelease(widget, LEFT, pos=last)


def sample_at(view, lead, x, columns=None):
    """The sample nearest to a pixel column, worked out here."""
    paper = view.paper
    left, right = paper.strip_px(strip(view, lead, columns))
    count = strip(view, lead, columns).columns
    begin = paper.start_s + strip(view, lead, columns).column * paper.page_s / count
    seconds = begin + (x - left) / (right - left) * paper.page_s / count
    return round(seconds * paper.waveform.sampling_hz)


def press(app, key, keys=Qt.KeyboardModifier.NoModifier):
    QTest.keyClick(app.window.focusWidget() or app.window, key, keys)
    app.qt.processEvents()


def test_caliper_gives_the_exact_difference_of_sample_times(opened, app):
    view = opened()
    paper = view.paper
    press(app, Qt.Key.Key_C)
    assert view.hand.tool == "caliper"
    assert app.actions_registry.action("medbench.ecg.tool_caliper").isChecked()
    first, last = at(view, "II", 2.0, columns=1), at(view, "II", 2.8, columns=1)
    drag(paper, first, last)
    (mark,) = view.desk.marks
    rate = paper.waveform.sampling_hz
    samples = [sample_at(view, "II", p.x(), 1) for p in (first, last)]
    assert mark.kind is EcgMarkKind.CALIPER
    assert [second * rate for second, _ in mark.points] == pytest.approx(samples, abs=1e-9)
    assert mark.duration_s == pytest.approx((samples[1] - samples[0]) / rate, abs=1e-12)
    assert mark.rise == 0.0  # a flat drag measures time alone
    told = [view.hand.shapes()[0].text]
    expected = 1000 * (samples[1] - samples[0]) / rate
    assert told == [f"{expected:.0f} ms, {60_000 / expected:.0f} /min"]
    # a drag that goes up measures both: 1 mV is 10 mm
    start = at(view, "V2", 5.6, 0.0)
    drag(paper, start, start + QPoint(40, -round(10 * paper.scale.px_per_mm)))
    both = view.desk.marks[1]
    assert both.lead == "V2"
    assert both.rise == pytest.approx(1.0, abs=0.02)
    # straight up: amplitude alone
    start = at(view, "V1", 5.6, 0.0)
    drag(paper, start, start + QPoint(0, round(5 * paper.scale.px_per_mm)))
    assert view.desk.marks[2].duration_s == 0.0
    assert view.desk.marks[2].rise == pytest.approx(-0.5, abs=0.02)
    assert "/min" not in view.hand.shapes()[-1].text


def test_two_clicks_measure_too_and_handles_move(opened, app):
    view = opened()
    paper, book = view.paper, app.session.readings
    app.actions_registry.action("medbench.ecg.tool_caliper").trigger()
    first, last = at(view, "II", 3.0, columns=1), at(view, "II", 3.5, columns=1)
    QTest.mouseClick(paper, LEFT, pos=first)
    assert view.desk.marks == ()
    QTest.mouseMove(paper, last)
    QTest.mouseClick(paper, LEFT, pos=last)
    (mark,) = view.desk.marks
    shape = next(s for s in view.hand.shapes() if s.strip.columns == 1)
    grip = next(place for part, place in shape.handles() if part == "t1").toPoint()
    target = grip + QPoint(30, 3)
    drag(paper, grip, target)
    moved = view.desk.mark(mark.mark_id)
    assert moved.points[0] == mark.points[0]
    assert round(moved.points[1][0] * 500) == sample_at(view, "II", target.x(), 1)
    # the arrow moves both: the interval stays
    shape = next(s for s in view.hand.shapes() if s.strip.columns == 1)
    middle = QPoint(round(shape.label.center().x()), round(shape.arrow_y))
    drag(paper, middle, middle - QPoint(50, 0))
    walked = view.desk.mark(mark.mark_id)
    assert walked.duration_s == pytest.approx(moved.duration_s)
    assert walked.points[0][0] < moved.points[0][0]
    # by keys: a sample, ten with Shift
    grip = next(
        place for part, place in next(s for s in view.hand.shapes() if s.strip.columns == 1)
        .handles() if part == "t1"
    ).toPoint()  # fmt: skip
    QTest.mouseClick(paper, LEFT, pos=grip)
    QTest.keyClick(paper, Qt.Key.Key_Right)
    QTest.keyClick(paper, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    nudged = view.desk.mark(mark.mark_id)
    assert nudged.points[1][0] == pytest.approx(walked.points[1][0] - 9 / 500)
    for expected in (walked.points[1][0] + 1 / 500, walked.points[1][0]):
        book.history.undo()
        assert view.desk.mark(mark.mark_id).points[1][0] == pytest.approx(expected)
    while book.history.undo_words:
        book.history.undo()
    assert view.desk.marks == ()
    book.history.redo()
    assert len(view.desk.marks) == 1


def test_march_repeats_the_interval(opened, app):
    view = opened()
    paper = view.paper
    press(app, Qt.Key.Key_M)
    drag(paper, at(view, "II", 2.0, columns=1), at(view, "II", 2.8, columns=1))
    (mark,) = view.desk.marks
    assert mark.kind is EcgMarkKind.MARCH
    view.hand.select("")
    image = paper.grab().toImage()
    lined = strip(view, "II", 1)
    base = paper.baseline_px(lined.row)
    rows = range(round(base - 8 * paper.scale.px_per_mm), round(base - 5 * paper.scale.px_per_mm))
    for number in range(-2, 9):
        x = round(x_of(paper, lined, mark.points[0][0] + number * mark.duration_s))
        blue = [
            image.pixelColor(x + dx, y) for y in rows for dx in (-1, 0, 1)
            if image.pixelColor(x + dx, y).blue() - image.pixelColor(x + dx, y).red() > 40
        ]  # fmt: skip
        assert blue, number
    shown = view.hand.shapes()[-1].text
    assert shown.startswith("March ")
    assert shown.endswith("/min")


def test_slope_and_note(opened, app):
    view = opened()
    paper = view.paper
    press(app, Qt.Key.Key_L)
    first = at(view, "II", 1.0, 0.0, columns=1)
    last = first + QPoint(round(0.2 * paper.scale.px_per_s), -round(4 * paper.scale.px_per_mm))
    drag(paper, first, last)
    (mark,) = view.desk.marks
    rise = 0.4 * round(4 * paper.scale.px_per_mm) / (4 * paper.scale.px_per_mm)
    assert mark.slope_per_s == pytest.approx(rise / mark.duration_s, rel=1e-3)
    assert mark.slope_per_s == pytest.approx(2.0, rel=0.05)
    press(app, Qt.Key.Key_N)
    QTest.mouseClick(paper, LEFT, pos=at(view, "V5", 9.0))
    field = view.hand.note_field
    QTest.keyClicks(field, "ST cm")  # letters of commands are letters here
    QTest.keyClick(field, Qt.Key.Key_Return)
    note = view.desk.marks[-1]
    assert (note.kind, note.text, note.lead) == (EcgMarkKind.NOTE, "ST cm", "V5")
    assert view.hand.tool == "note"
    press(app, Qt.Key.Key_Delete)
    assert len(view.desk.marks) == 1
    app.session.readings.history.undo()
    assert view.desk.marks[-1].text == "ST cm"
    QTest.mouseClick(paper, LEFT, pos=at(view, "V4", 9.0))
    QTest.keyClicks(view.hand.note_field, "x")
    QTest.keyClick(view.hand.note_field, Qt.Key.Key_Escape)
    assert len(view.desk.marks) == 2


def test_snap_goes_to_the_top_of_the_wave(opened, app):
    view = opened()
    paper, waveform = view.paper, view.paper.waveform
    press(app, Qt.Key.Key_G)
    assert view.hand.snap
    press(app, Qt.Key.Key_C)
    beats = view.desk.analysis.beats.samples
    inside = [b for b in beats if 1.0 < b / 500 < 9.0]
    channel = [c.name for c in waveform.channels].index("II")
    tops = [b - 15 + int(np.argmax(waveform.samples[channel, b - 15 : b + 15])) for b in inside]
    first = at(view, "II", tops[0] / 500, columns=1) + QPoint(3, 0)
    last = at(view, "II", tops[1] / 500, columns=1) - QPoint(3, 0)
    drag(paper, first, last)
    (mark,) = view.desk.marks
    assert [round(s * 500) for s, _ in mark.points] == tops[:2]
    assert [v for _, v in mark.points] == pytest.approx(
        [float(waveform.samples[channel, t]) for t in tops[:2]]
    )
    press(app, Qt.Key.Key_G)
    assert not view.hand.snap


def test_names_of_calipers_and_the_list(opened, app):
    view = opened()
    press(app, Qt.Key.Key_C)
    drag(view.paper, at(view, "II", 2.0, columns=1), at(view, "II", 2.1, columns=1))
    shape = next(s for s in view.hand.shapes() if s.strip.columns == 1)
    menu = view.hand.menu(shape.label.center())
    next(a for a in menu.actions() if a.text() == "QRS").trigger()
    assert view.desk.marks[0].text == "QRS"
    assert view.hand.shapes()[0].text.startswith("QRS ")
    assert "/min" not in view.hand.shapes()[0].text
    panel = app.window.workspaces["review"].tabs.currentWidget().widget()
    assert panel.list.count() == 1
    assert "QRS" in panel.list.item(0).text()
    view.hand.select("")
    panel.list.itemActivated.emit(panel.list.item(0))
    assert view.hand.selected == view.desk.marks[0].mark_id


def test_marks_come_back_and_stay_with_their_record(opened, app, wait, tmp_path):
    view = opened()
    press(app, Qt.Key.Key_C)
    drag(view.paper, at(view, "II", 2.0, columns=1), at(view, "II", 2.4, columns=1))
    (mark,) = view.desk.marks
    saved = []
    app.session.readings.saved.connect(lambda: saved.append(True))
    wait(lambda: saved)
    with ReadingStore(app.session.workspace_path) as store:
        (record,) = [r for r in store.read([mark.study_instance_uid]) if r.kind == "ecg_mark"]
    assert record.body["points"] == [list(p) for p in mark.points]
    other = opened_again(app, wait, write_ecg(tmp_path / "other", seconds=11.0, seed=9), view)
    assert other.desk.marks == ()
    assert app.session.readings.of(EcgMark) == (mark,)


def opened_again(app, wait, path, view):
    before = view.paper.waveform
    app.window.open_paths([path])
    wait(lambda: view.paper.waveform is not before and view.desk.analysis is not None)
    return view


def test_panel_shows_the_numbers_and_they_follow_the_points(opened, app):
    view = opened()
    page = app.window.workspaces["review"]
    panel = page.tabs.currentWidget().widget()
    expected = {v.name: v for v in values_of(analyse(view.paper.waveform))}
    for name, box in panel.boxes.items():
        assert box.value.text().replace("−", "-") == f"{expected[name].value:.0f}"
        assert box.arrow.isHidden() == (expected[name].side == 0)
    assert panel.of.text() == f"median of {view.desk.analysis.median.beats} beats"
    plot, beat = panel.plot, view.desk.analysis.median
    j = view.desk.points.j_s
    x = round(plot.x_of(j))
    first, last = QPoint(x, 60), QPoint(x + 12, 60)
    drag(plot, first, last)
    moved = view.desk.points.j_s
    assert moved == pytest.approx(plot.second_at(x + 12))
    qrs = 1000 * (moved - view.desk.analysis.points.qrs_on_s)
    assert panel.boxes["qrs"].value.text() == f"{qrs:.0f}"
    assert panel.back.isVisibleTo(panel)
    plot.setFocus()
    QTest.keyClick(plot, Qt.Key.Key_Left)
    assert view.desk.points.j_s == pytest.approx(moved - 1 / beat.sampling_hz)
    app.session.readings.history.undo()
    assert view.desk.points.j_s == pytest.approx(moved)
    app.session.readings.history.undo()
    assert view.desk.points.j_s == j
    plot.menu(plot.x_of(0.45)).actions()[3].trigger()  # T end here
    assert view.desk.points.t_end_s == pytest.approx(0.45, abs=0.002)
    panel.back.click()
    assert view.desk.points == view.desk.analysis.points
    panel.copy.click()
    assert f"QRS {expected['qrs'].value:.0f} ms" in QGuiApplication.clipboard().text()


def test_what_cannot_be_measured_is_a_dash_with_its_reason(opened, app, tmp_path):
    rate = 250
    stored = np.zeros((1, 20 * rate), "<i2")
    (tmp_path / "r.dat").write_bytes(stored.tobytes())
    (tmp_path / "r.hea").write_text(
        f"r 1 {rate} {20 * rate}\nr.dat 16 1000/mV 16 0 0 0 0 II\n"
    )  # fmt: skip
    view = opened(tmp_path / "r.hea")
    panel = app.window.workspaces["review"].tabs.currentWidget().widget()
    assert {box.value.text() for box in panel.boxes.values()} == {"–"}
    assert "No ECG lead carries a signal" in panel.reasons.text()
    assert "No signal" in view.strip.accessibleDescription() or "II flat" in (
        view.strip.accessibleDescription()
    )


def test_keys_of_the_page_are_its_own(opened, app, ct_folder, wait):
    registry = app.actions_registry
    page = app.window.workspaces["review"]
    opened()
    assert registry.action("medbench.ecg.tool_zoom").shortcut().toString() == "Z"
    assert registry.action("medbench.review.tool_zoom").shortcut().toString() == ""
    titles = [page.tabs.tabText(i) for i in range(page.tabs.count()) if page.tabs.isTabVisible(i)]
    assert "ECG" in titles
    app.window.open_paths([ct_folder])
    wait(lambda: page.stage.currentIndex() == 0 and page.model.volume is not None)
    wait(lambda: page.model.volume.ready.all())
    assert registry.action("medbench.review.tool_zoom").shortcut().toString() == "Z"
    assert registry.action("medbench.ecg.tool_zoom").shortcut().toString() == ""
    titles = [page.tabs.tabText(i) for i in range(page.tabs.count()) if page.tabs.isTabVisible(i)]
    assert "ECG" not in titles


def test_a_real_record_by_hand(opened, app, real_data):
    """RR of the record by caliper, against its own samples and the rate of the panel."""
    path = real_data / "ecg_wfdb" / "s0010_re.hea"
    view = opened(path)
    beats = view.desk.analysis.beats.seconds
    inside = [b for b in beats if 2.0 < b < 8.0]
    press(app, Qt.Key.Key_C)
    first, last = at(view, "II", inside[0], columns=1), at(view, "II", inside[1], columns=1)
    drag(view.paper, first, last)
    (mark,) = view.desk.marks
    pixel_s = 1 / view.paper.scale.px_per_s
    assert mark.duration_s == pytest.approx(inside[1] - inside[0], abs=1.5 * pixel_s)
    (waveform,) = read_wfdb(path)
    assert np.allclose(np.asarray(mark.points)[:, 0] * waveform.sampling_hz % 1, 0, atol=1e-6)
    assert view.strip.accessibleDescription() == "52 beats, Signal ok"


def test_a_long_record_is_measured_in_pieces_and_can_be_stopped(opened, app, wait, monkeypatch):
    monkeypatch.setattr("medbench.imaging.ecg_beats.PIECE_VALUES", 12 * 500 * 60)
    seen = []

    def changed(job):
        if job.title == "Measure ECG" and job.fraction is not None:
            seen.append((job.state.value, job.fraction))

    app.session.jobs.job_changed.connect(changed)
    path = app.session.workspace_path.parent / "long"
    view = opened(write_ecg(path, seconds=150.0, seed=5))
    assert len(view.desk.analysis.beats.samples) == len(analyse(view.paper.waveform).beats.samples)
    assert ("finished", pytest.approx(3 / 4)) in seen
    fractions = [share for state, share in seen if state == "running"]
    assert fractions == sorted(fractions)
    display, waveform = view._display, view.paper.waveform
    view.desk.show(display, 0, waveform)
    app.session.jobs.cancel(app.session.jobs.running[-1].job_id)
    assert not view.desk.busy
    app.qt.processEvents()
    assert view.desk.analysis is None
    assert app.session.jobs.jobs[-1].state.value == "cancelled"
