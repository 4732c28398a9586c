"""Waveforms on paper in the real window: millimetres, layouts, filters, gaps, scrolling."""

import time
from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QPlainTextEdit, QScrollBar

from medbench.domain.objects import Channel, Waveform
from medbench.imaging.signals import SignalFilter, filtered
from medbench.ui.review.ecg import words
from medbench.ui.review.ecg.layouts import Layout, strips_of, times_of
from medbench.ui.review.ecg.scale import real_px_per_mm
from medbench.ui.review.ecg.view import WaveformView
from medbench.ui.theme.tokens import TRACE_PAPERS

TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


def write_record(folder, names, samples, rate=500, units=None, gain=1000):
    """A WFDB record, (signals, samples) in units; NaN becomes the invalid value."""
    stored = np.where(np.isfinite(samples), np.round(np.nan_to_num(samples) * gain), -32768)
    (folder / "r.dat").write_bytes(stored.T.astype("<i2").tobytes())
    units = units or ["mV"] * len(names)
    lines = [f"r {len(names)} {rate} {samples.shape[1]}", *(
        f"r.dat 16 {gain}/{unit} 16 0 {int(stored[i, 0])} {int(stored[i].sum()) & 0xFFFF} 0 {name}"
        for i, (name, unit) in enumerate(zip(names, units, strict=True)))]  # fmt: skip
    (folder / "r.hea").write_text("\n".join(lines))
    return folder / "r.hea"


def spikes(seconds=20, rate=500):
    """1 mV for one sample at every whole second, else 0."""
    samples = np.zeros((1, seconds * rate))
    samples[:, rate::rate] = 1.0
    return samples


@pytest.fixture
def open_record(app, wait):
    def opened(path):
        app.window.open_paths([Path(path)])
        stage = app.window.workspaces["review"].stage
        wait(
            lambda: isinstance(stage.view, WaveformView) and stage.view.source.overview is not None
        )
        return stage.view

    return opened


def picture(widget):
    """RGB of a widget as it is painted, (rows, columns, 3) int."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    data = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return data[:, : image.width() * 3].reshape(image.height(), image.width(), 3).astype(int)


def ink(image, colour, within=90):
    """Where a colour, or nearly it, was painted."""
    want = QColor(colour).getRgb()[:3]
    return np.abs(image - want).sum(axis=2) < within


def test_a_millivolt_is_ten_millimetres_and_a_second_is_twenty_five(open_record, tmp_path, app):
    view = open_record(write_record(tmp_path, ["II"], spikes()))
    paper = view.paper
    for size in (0.0, 1.0, 1.5):
        view.bar.size_chosen.emit(size)
        app.qt.processEvents()
        scale = paper.scale
        image = picture(paper)
        base = paper.baseline_px(0)
        # the calibration pulse: 1 mV high, 200 ms wide
        (pulse,) = paper.pulses
        assert pulse.height() == pytest.approx(10 * scale.px_per_mm)
        assert pulse.width() == pytest.approx(5 * scale.px_per_mm)
        dark = ink(image, TRACE_PAPERS["paper"].trace, 260)
        top = np.flatnonzero(dark[: int(base) - 4, int(pulse.center().x())])
        assert base - top.mean() == pytest.approx(10 * scale.px_per_mm, abs=1.0)
        # the record's own spikes: 1 mV high, 25 mm apart
        band = dark[int(base - 10.6 * scale.px_per_mm) : int(base - 2 * scale.px_per_mm)]
        left = int(scale.left_mm * scale.px_per_mm) + 30
        columns = np.flatnonzero(band.any(axis=0))
        columns = columns[columns > left]
        runs = np.split(columns, np.flatnonzero(np.diff(columns) > 3) + 1)
        middles = [run.mean() for run in runs if len(run) < 8]
        assert len(middles) >= 3
        apart = np.diff(middles)
        assert apart == pytest.approx(25 * scale.px_per_mm, abs=1.2)
        assert np.mean(apart) == pytest.approx(25 * scale.px_per_mm, abs=0.4)
        # the grid: heavy lines are 5 mm apart
        heavy = ink(image, TRACE_PAPERS["paper"].coarse, 8).mean(axis=0) > 0.6
        lines = np.flatnonzero(heavy)
        assert len(lines) > 30
        assert np.mean(np.diff(lines)) == pytest.approx(5 * scale.px_per_mm, abs=0.1)
    assert paper.share == pytest.approx(1.5)
    assert "150 % of real size" in words.scale_line(
        paper.scale, paper.share, known=real_px_per_mm(paper.screen())[1], strips=(), together=False
    )


def test_speed_and_gain_change_the_paper(open_record, tmp_path, app):
    view = open_record(write_record(tmp_path, ["II"], spikes()))
    paper, bar = view.paper, view.bar
    before = paper.scale
    bar.speed.setCurrentIndex(2)
    bar.speed.activated.emit(2)
    bar.gain.setCurrentIndex(2)
    bar.gain.activated.emit(2)
    app.qt.processEvents()
    paper.grab()
    assert (paper.scale.mm_per_s, paper.scale.mm_per_mv) == (50.0, 20.0)
    assert paper.page_s == pytest.approx(5.0, rel=0.01)
    assert paper.pulses[0].height() == pytest.approx(20 * paper.scale.px_per_mm)
    assert paper.pulses[0].width() == pytest.approx(10 * paper.scale.px_per_mm)
    assert before.mm_per_s == 25.0
    line = words.scale_line(paper.scale, 1.0, known=False, strips=(), together=False)
    assert line == "50 mm/s 20 mm/mV · 100 % at 96 dpi, screen size unknown"


def test_layouts_and_a_missing_lead(open_record, tmp_path, app):
    names = [name for name in TWELVE if name != "V5"]
    view = open_record(write_record(tmp_path, names, np.zeros((11, 10_000))))
    paper, box = view.paper, view.bar.layout_box
    assert [box.itemText(i) for i in range(box.count())] == [
        "3 × 4 + II", "6 × 2", "12 × 1", "All channels"
    ]  # fmt: skip
    by_name = {s.name: s for s in paper.strips[:12]}
    assert by_name["V5"].channel is None
    assert (by_name["V5"].row, by_name["V5"].column) == (1, 3)
    assert (paper.strips[-1].name, paper.strips[-1].columns) == ("II", 1)
    # columns go on in time: V5 would begin three quarters of a page later than II
    assert times_of(by_name["V5"], 0, 10, together=False) == (7.5, 10.0)
    left, right = (int(v) for v in paper.strip_px(by_name["V5"]))
    base = int(paper.baseline_px(1))
    warned = ink(picture(paper), TRACE_PAPERS["paper"].warning)
    assert warned[base - 12 : base + 8, left:right].sum() > 40
    assert warned.sum() == warned[base - 12 : base + 8, left:right].sum()
    for index, rows in ((1, 6), (2, 12), (3, 11)):
        box.setCurrentIndex(index)
        box.activated.emit(index)
        app.qt.processEvents()
        assert len({s.row for s in paper.strips}) == rows
        assert len(paper.grab().toImage().size().toTuple()) == 2
        assert len(paper.pulses) == rows


def test_scrolling(open_record, tmp_path, app):
    view = open_record(write_record(tmp_path, ["II"], spikes(60)))
    paper, strip = view.paper, view.strip
    end = 60 - paper.page_s
    QTest.keyClick(paper, Qt.Key.Key_Right)
    assert paper.start_s == pytest.approx(0.2)
    QTest.keyClick(paper, Qt.Key.Key_PageDown)
    assert paper.start_s == pytest.approx(0.2 + paper.page_s)
    QTest.keyClick(paper, Qt.Key.Key_End)
    assert paper.start_s == pytest.approx(end)
    assert paper.accessibleDescription() == "II: 50 s to 60 s"
    QTest.keyClick(paper, Qt.Key.Key_Home)
    assert paper.start_s == 0.0
    turn(paper, -120)
    assert paper.start_s == pytest.approx(paper.page_s / 10)
    begin = QPoint(400, 300)
    QTest.mousePress(paper, Qt.MouseButton.LeftButton, pos=begin)
    QTest.mouseMove(paper, begin - QPoint(round(paper.scale.px_per_s), 0))
    QTest.mouseRelease(paper, Qt.MouseButton.LeftButton, pos=begin)
    assert paper.start_s == pytest.approx(paper.page_s / 10 + 1, abs=0.02)
    # a click into the strip centres the page there, a drag moves it on
    area = strip.trace_rect()
    at = QPoint(round(area.left() + area.width() / 2), round(area.center().y()))
    QTest.mousePress(strip, Qt.MouseButton.LeftButton, pos=at)
    assert paper.start_s == pytest.approx(30 - paper.page_s / 2, abs=0.2)
    assert strip.window_rect().center().x() == pytest.approx(at.x(), abs=2)
    QTest.mouseMove(strip, at + QPoint(round(area.width() / 6), 0))
    QTest.mouseRelease(strip, Qt.MouseButton.LeftButton, pos=at)
    assert paper.start_s == pytest.approx(40 - paper.page_s / 2, abs=0.2)
    before = paper.scale.px_per_mm
    turn(paper, 240, Qt.KeyboardModifier.ControlModifier)
    assert paper.scale.px_per_mm == pytest.approx(1.1**2 * before)
    assert view.bar.size_box.currentText().endswith("% size")
    assert paper.page_s < 10


def turn(widget, delta, keys=Qt.KeyboardModifier.NoModifier):
    place = QPointF(300, 200)
    event = QWheelEvent(
        place,
        widget.mapToGlobal(place),
        QPoint(),
        QPoint(0, delta),
        Qt.MouseButton.NoButton,
        keys,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    widget.wheelEvent(event)


def test_filters_are_stated_and_applied(open_record, tmp_path, app, wait):
    time_s = np.arange(10_000) / 500
    mains = 0.5 * np.sin(2 * np.pi * 50 * time_s)
    wander = np.sin(2 * np.pi * 0.01 * time_s)
    pressure = 80 + 5 * np.sin(2 * np.pi * time_s)
    samples = np.stack([mains + wander, pressure])
    view = open_record(
        write_record(tmp_path, ["II", "ABP"], samples, units=["mV", "mmHg"], gain=100)
    )
    paper, source = view.paper, view.source
    assert words.filter_line(source.active) == "No filter: as recorded"
    menu = view.bar.filter_button.menu()
    for chosen in (("low_hz", 0.5), ("high_hz", 40.0), ("notch_hz", 50.0)):
        next(a for a in menu.actions() if a.data() == chosen).trigger()
    assert source.active == SignalFilter(0.5, 40.0, 50.0)
    assert words.filter_line(source.active) == "0.5 to 40 Hz, 50 Hz notch"
    mixed = words.filter_line(source.active, mixed=True)
    assert mixed == "0.5 to 40 Hz, 50 Hz notch, high-pass on mV only"
    paper.grab()
    wait(lambda: source.piece(0, 0, 5000) is not None)
    waveform = source.waveform
    shown = source.piece(0, 2000, 4000)
    whole = filtered(waveform.samples[0], 500.0, source.active)
    np.testing.assert_allclose(shown, whole[2000:4000], atol=1e-5)
    assert np.abs(shown).max() < 0.02  # mains and wander are gone
    # the level of a pressure is no baseline wander
    assert source.piece(1, 2000, 4000).mean() == pytest.approx(80, abs=0.5)
    view.bar.set_filter(SignalFilter())
    np.testing.assert_array_equal(source.piece(0, 0, 50), waveform.samples[0, :50])


def test_gaps_and_other_units(open_record, tmp_path, app):
    time_s = np.arange(10_000) / 500
    samples = np.stack([np.zeros(10_000), 100 + 20 * np.sin(2 * np.pi * time_s)])
    samples[:, 1500:2500] = np.nan
    view = open_record(
        write_record(tmp_path, ["II", "ABP"], samples, units=["mV", "mmHg"], gain=100)
    )
    paper = view.paper
    image = picture(paper)
    dark = ink(image, TRACE_PAPERS["paper"].trace, 330)
    left, _ = paper.strip_px(paper.strips[0])
    px = paper.scale.px_per_s
    for row in (0, 1):
        base = paper.baseline_px(row)
        reach = int(24 * paper.scale.px_per_mm)
        band = dark[int(base) - reach : int(base) + reach]
        assert not band[:, int(left + 3 * px) + 3 : int(left + 5 * px) - 3].any()
        assert band[:, int(left + 5 * px) + 3 : int(left + 9 * px)].any(axis=0).all()
    assert len(paper.pulses) == 1  # a millivolt means nothing on a pressure
    assert paper.level(1) == pytest.approx(100, abs=5)
    per_mm = paper.unit_mm(1)
    assert per_mm in (0.5, 1.0, 2.0)
    told = words.own_scale(per_mm, paper.level(1), "mmHg")
    assert told == f"{per_mm:g} mmHg/mm, line at {paper.level(1):g} mmHg"


def test_dicom_groups_statements_marks_and_privacy(open_record, app):
    view = open_record(get_testdata_file("waveform_ecg.dcm", download=False))
    paper, bar = view.paper, view.bar
    assert paper.layout_kind is Layout.THREE_BY_FOUR
    assert words.patient_lines(paper.waveform) == (
        "Anonymous", "642341 · F · 42 y", "2013-01-25 10:59"
    )  # fmt: skip
    assert words.technical_lines(paper.waveform)[1:] == (
        "12 leads, 1000 Hz, 10 s", "recorded with 0.05 to 300 Hz"
    )  # fmt: skip
    assert view.statements.title.text() == "Device statement, not verified"
    assert "RITMO SINUSALE" in view.statements.text.toPlainText()
    mark = TRACE_PAPERS["paper"].mark
    assert ink(picture(paper), mark).sum() > 300
    bar.marks.click()
    assert ink(picture(paper), mark).sum() == 0
    corner = np.s_[8:58, 8:130]
    text = TRACE_PAPERS["paper"].text
    assert ink(picture(paper)[corner], text, 200).sum() > 100
    app.session.settings.change(show_patient=False)
    app.qt.processEvents()
    assert ink(picture(paper)[corner], text, 200).sum() == 0
    assert [bar.group.itemText(i) for i in range(bar.group.count())] == ["RHYTHM", "MEDIAN BEAT"]
    bar.group.activated.emit(1)
    app.qt.processEvents()
    assert paper.waveform.duration_s == 1.2
    assert paper.together  # a beat of 1.2 s: every column shows it
    assert not bar.marks.isVisible()
    assert not app.window.workspaces["review"].image_tools.isVisible()


def test_comments_of_a_record_go_with_the_patient(open_record, tmp_path, app):
    path = write_record(tmp_path, ["II"], spikes())
    path.write_text(path.read_text() + "\n# Sample, Vera, born 1953\n")
    view = open_record(path)
    assert view.statements.isVisible()
    assert view.statements.title.text() == "Comment in the record, not verified"
    assert "Vera" in view.statements.text.toPlainText()
    app.session.settings.change(show_patient=False)
    assert not view.statements.isVisible()
    assert "Vera" not in view.statements.text.toPlainText()


def test_every_control_has_a_name_and_both_themes_paint(open_record, app, tmp_path):
    view = open_record(get_testdata_file("waveform_ecg.dcm", download=False))
    for kind in (QAbstractButton, QComboBox, QPlainTextEdit, QScrollBar):
        for widget in view.findChildren(kind):
            inside = (
                widget.objectName().startswith("qt_")
                or widget.parent().objectName().startswith("qt_")
                or "Combo" in type(widget.parent()).__name__
            )
            assert inside or widget.accessibleName(), widget
    for theme, panel in (("light", "#f7f8f9"), ("dark", "#1e2125")):
        app.session.settings.change(theme=theme)
        app.qt.processEvents()
        for look in ("paper", "dark"):
            view.bar.look_chosen.emit(look)
            image = picture(view.paper)
            assert (ink(image, TRACE_PAPERS[look].trace, 120).sum()) > 2000
            assert ink(image, TRACE_PAPERS[look].paper, 6).mean() > 0.3
        assert ink(picture(view.strip), panel, 6).mean() > 0.2


def test_a_day_of_holter_scrolls_without_a_stall(app, wait):
    """24 hours, three leads: a page is drawn from what it shows, filters run elsewhere."""
    rate, hours = 125, 24
    samples = np.tile(np.sin(np.arange(rate * 3600) / 20).astype(np.float32), (3, hours))
    samples[1, 4_000_000] = 3.0
    day = Waveform(
        "Holter", float(rate), tuple(Channel(n, "mV") for n in ("I", "II", "V5")), samples
    )
    view = WaveformView(app.session)
    view.resize(1200, 800)
    view.show()
    begin = time.perf_counter()
    view.show_object(None, (day,))
    opened = time.perf_counter() - begin
    view.bar.set_filter(SignalFilter(0.5, 40.0, 50.0))
    view.paper.grab()
    wait(lambda: view.source.overview is not None and not view.source.waiting)
    assert np.nanmax(view.source.overview) == pytest.approx(3.0)  # one sample in ten million
    took = []
    for hour in range(1, 24, 2):
        begin = time.perf_counter()
        view.paper.set_start(hour * 3600.0)
        view.paper.grab()
        took.append(time.perf_counter() - begin)
    assert opened < 0.25
    assert np.median(took) < 0.05
    wait(lambda: not view.source.waiting)
    first = 23 * 3600 * rate
    assert view.source.piece(1, first, first + 10 * rate) is not None
    view.hide()
    view.deleteLater()


def test_strips_of_a_record_without_leads():
    waveform = Waveform(
        "x", 100.0, (Channel("ABP", "mmHg"), Channel("ABP", "mmHg")), np.zeros((2, 9), np.float32)
    )
    strips = strips_of(waveform, Layout.CHANNELS)
    assert [(s.channel, s.row) for s in strips] == [(0, 0), (1, 1)]
