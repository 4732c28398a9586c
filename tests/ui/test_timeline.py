"""The timeline strip: studies by date, where they stand, filter, click, drag."""

import pytest
from prior_series import write_patient
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest

from medbench.domain.finding import AiResult
from medbench.domain.measurement import Site
from medbench.session.library import display_key
from medbench.ui.review.priors.desk import PriorDesk
from medbench.ui.review.wall import DISPLAY_MIME


@pytest.fixture
def patient(tmp_path):
    return write_patient(tmp_path / "patient")


def opened(app, wait, *paths):
    page = app.window.workspaces["review"]
    desk = next(f for f in page.features if isinstance(f, PriorDesk))
    app.window.open_paths(list(paths))
    wait(lambda: page.model.volume is not None and page.model.volume.ready.all())
    study = next(s for s in app.session.library.studies if s.study_date == "2020-01-21")
    page.show_display(study.series[0].displays[0])
    settled(wait, desk)
    return page, desk.timeline, desk


def settled(wait, desk):
    wait(lambda: not desk._soon.isActive())


def words(strip):
    return [(t.date, t.title, t.when, t.place) for t in strip.model.tiles]


def click(strip, row):
    place = strip.list.visualRect(strip.model.index(row)).center()
    QTest.mouseClick(strip.list.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_studies_by_date_with_picture_and_distance(app, wait, patient):
    page, strip, _ = opened(app, wait, patient)
    assert strip.isVisible()
    assert words(strip) == [
        ("2017-01-05", "CT Thorax", "3 years ago", ""),
        ("2019-03-01", "CR Simulated chest X-ray PA", "11 months ago", ""),
        ("2019-10-14", "CT Thorax soft", "3 months ago", ""),
        ("2020-01-21", "CT Thorax soft", "Current", ""),
    ]
    assert [t.active for t in strip.model.tiles] == [False, False, False, True]
    assert {t.score for t in strip.model.tiles} == {"No AI result"}
    assert strip.count.text() == "4 studies"
    wait(lambda: all(strip.model.image(t.display) is not None for t in strip.model.tiles))
    picture = strip.grab().toImage()
    rect = strip.list.visualRect(strip.model.index(2))
    middle = strip.list.viewport().mapTo(strip, QPoint(rect.x() + 42, rect.center().y()))
    assert picture.pixelColor(middle).lightness() > 40  # the body, not the black of an empty tile
    index = strip.model.index(2)
    said = strip.model.data(index, Qt.ItemDataRole.AccessibleTextRole)
    assert said == "2019-10-14 · CT Thorax soft · 3 months ago · No AI result"
    assert page.showing.wall.columns == 1


def test_a_click_opens_and_tags_say_where(app, wait, patient):
    page, strip, desk = opened(app, wait, patient)
    page.actions_registry.action("medbench.review.open_prior").trigger()
    settled(wait, desk)
    assert [t.place for t in strip.model.tiles] == ["", "", "Right", "Left"]
    page.showing.activate(page.showing.cells[1].screen.stack)
    settled(wait, desk)
    click(strip, 0)
    settled(wait, desk)
    assert page.study_of(page.showing.screens[1].display).study_date == "2017-01-05"
    assert [t.place for t in strip.model.tiles] == ["Right", "", "", "Left"]
    assert [t.active for t in strip.model.tiles] == [True, False, False, False]
    app.session.priors.cancel()
    wait(lambda: app.session.priors.aligning is None)


def test_the_filter_keeps_one_type(app, wait, patient):
    _, strip, _ = opened(app, wait, patient)
    assert [strip.types.itemText(i) for i in range(strip.types.count())] == [
        "All types", "CR", "CT",
    ]  # fmt: skip
    strip.types.setCurrentIndex(1)
    assert [t.date for t in strip.model.tiles] == ["2019-03-01"]
    assert strip.count.text() == "1 of 4 studies"
    assert strip.isVisible()
    strip.types.setCurrentIndex(0)
    assert len(strip.model.tiles) == 4


def test_one_study_needs_no_line_and_the_switch_folds_it(app, wait, patient):
    page, strip, desk = opened(app, wait, patient / "now")
    assert not strip.isVisible()
    app.window.open_paths([patient / "before"])
    wait(lambda: len(app.session.library.studies) == 2)
    settled(wait, desk)
    assert strip.isVisible()
    page.actions_registry.action("medbench.review.toggle_timeline").trigger()
    settled(wait, desk)
    assert not strip.isVisible()
    page.actions_registry.action("medbench.review.toggle_timeline").trigger()
    settled(wait, desk)
    assert strip.isVisible()


def test_a_tile_is_dropped_on_a_cell(app, wait, patient):
    page, strip, desk = opened(app, wait, patient)
    page.showing.set_grid(1, 2)
    settled(wait, desk)
    index = strip.model.index(2)
    assert strip.model.flags(index) & Qt.ItemFlag.ItemIsDragEnabled
    data = strip.model.mimeData([index])
    assert data.data(DISPLAY_MIME).data().decode() == display_key(strip.model.tiles[2].display)
    wall = page.wall
    place = QPointF(wall.width() * 0.75, wall.height() / 2)
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    copy = Qt.DropAction.CopyAction
    wall.dragEnterEvent(QDragEnterEvent(place.toPoint(), copy, data, left, none))
    wall.dropEvent(QDropEvent(place, copy, data, left, none))
    settled(wait, desk)
    assert page.study_of(page.showing.screens[1].display).study_date == "2019-10-14"
    assert [t.place for t in strip.model.tiles][2:] == ["Right", "Left"]
    app.session.priors.cancel()
    wait(lambda: app.session.priors.aligning is None)


def test_scores_of_a_model_stand_on_their_studies(app, wait, patient):
    page, strip, desk = opened(app, wait, patient)
    tiles = strip.model.tiles
    for row, score, outside in ((1, 0.12, False), (2, 0.4, True), (3, 0.78, False)):
        display = tiles[row].display
        site = Site(display.study_instance_uid, display.series_instance_uid, display_key(display))
        app.session.readings.store(
            AiResult(
                f"r{row}", site, "cxr 1", "ab" * 32, "pneumonia", score, calibrated=True,
                threshold=0.5, decision="", in_distribution=not outside, created=f"2020-0{row}",
            )
        )  # fmt: skip
    settled(wait, desk)
    found = [(t.score, t.strong_score) for t in strip.model.tiles]
    assert found == [
        ("No AI result", False), ("AI 12 %", False), ("AI: outside its range", False),
        ("AI 78 %", True),
    ]  # fmt: skip
    assert page.model.display is not None


def test_the_wheel_runs_along_the_line(app, wait, patient):
    from PySide6.QtGui import QWheelEvent

    _, strip, _ = opened(app, wait, patient)
    strip.list.setMaximumWidth(260)
    app.qt.processEvents()
    bar = strip.list.horizontalScrollBar()
    assert bar.maximum() > 0
    bar.setValue(0)
    event = QWheelEvent(
        QPointF(20, 20), QPointF(20, 20), QPoint(0, 0), QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    strip.list.wheelEvent(event)
    assert bar.value() == min(120, bar.maximum())
