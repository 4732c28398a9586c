"""Key maps, the key sheet, keys and mouse of viewports, with real events in the real window."""

import json

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QKeySequence, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from medbench.base.keymap import MouseMap, merged, read_key_presets
from medbench.base.settings import read_settings
from medbench.domain.image import VoiWindow
from medbench.imaging.window import preset_of, read_presets
from medbench.imaging.window_lint import faults
from medbench.session.window_book import presets_file
from medbench.ui.actions.spec import meet

NONE = Qt.KeyboardModifier.NoModifier
SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def page(app, wait, ct_folder):
    app.window.open_paths([ct_folder])
    shown = app.window.workspaces["review"]
    wait(lambda: shown.model.volume is not None and shown.model.volume.ready.all())
    app.window.activateWindow()
    shown.active.setFocus()
    app.qt.processEvents()
    return shown


def press(app, key, keys=NONE):
    QTest.keyClick(QApplication.focusWidget() or app.window, key, keys)
    app.qt.processEvents()


def turn(widget, delta, keys=NONE):
    place = QPointF(widget.rect().center())
    QApplication.sendEvent(
        widget,
        QWheelEvent(place, widget.mapToGlobal(place), QPoint(), QPoint(0, delta),
                    Qt.MouseButton.NoButton, keys, Qt.ScrollPhase.NoScrollPhase, False),
    )  # fmt: skip


def drag(widget, first, step, button, keys=NONE):
    QTest.mousePress(widget, button, keys, first)
    event_at = first + step
    # QTest.mouseMove carries no modifiers: send the move itself
    move = QMouseEvent(
        QMouseEvent.Type.MouseMove, QPointF(event_at), widget.mapToGlobal(QPointF(event_at)),
        Qt.MouseButton.NoButton, button, keys,
    )  # fmt: skip
    QApplication.sendEvent(widget, move)
    QTest.mouseRelease(widget, button, keys, event_at)


# maps


@pytest.mark.parametrize("preset", read_key_presets(), ids=lambda p: p.preset_id)
def test_no_preset_has_a_key_twice(app, preset):
    registry = app.actions_registry
    registry.set_keys(merged(preset, ()))
    known = {spec.action_id for spec in registry.specs()}
    assert set(preset.keys) <= known
    for spec in registry.specs():
        key = registry.key_of(spec.action_id)
        assert QKeySequence(key).toString() == key, spec.action_id
        assert registry.conflicts(spec.action_id, key) == (), (spec.action_id, key)


def test_default_keys_are_unique_where_commands_meet(app):
    specs = [spec for spec in app.actions_registry.specs() if spec.shortcut]
    for at, spec in enumerate(specs):
        for other in specs[:at]:
            assert spec.shortcut != other.shortcut or not meet(spec, other)


def test_choosing_the_classic_preset_changes_keys_and_mouse(app, page):
    keymap = app.window.keymap
    assert keymap.mouse == MouseMap("pan", "window")
    card = app.window._pages["settings"].widget(0).keys
    app.window.show_page("settings")
    card.preset.setCurrentIndex(card.preset.findData("classic"))
    card.preset.activated.emit(card.preset.currentIndex())
    app.window.show_page("review")
    page.active.setFocus()
    assert read_settings().key_preset == "classic"
    assert page.toolbox.mouse == MouseMap("pan", "zoom")
    press(app, Qt.Key.Key_A)
    assert page.toolbox.current == "angle"
    view = page.active
    before, window = view._state.zoom, page.model.window
    drag(view, QPoint(200, 300), QPoint(0, -60), Qt.MouseButton.RightButton)
    assert view._state.zoom > before * 1.2
    assert page.model.window == window
    keymap.choose("medbench")
    page.active.setFocus()
    drag(view, QPoint(200, 300), QPoint(0, -60), Qt.MouseButton.RightButton)
    assert page.model.window.center < window.center
    press(app, Qt.Key.Key_A)
    assert page.toolbox.current == "angle"  # A is Auto again, no tool


def test_a_key_is_edited_and_its_conflict_named(app, page):
    window = app.window
    window.show_page("settings")
    card = window._pages["settings"].widget(0).keys
    registry = app.actions_registry
    card.choose("medbench.review.tool_zoom")
    assert card.chosen.text() == "Zoom"
    card.field.setFocus()
    QTest.keyClick(card.field, Qt.Key.Key_W)
    assert card.conflict.text() == (
        "W is the key of Window (Image). Taken for Zoom (Image), it no longer works there."
    )
    assert registry.key_of("medbench.review.tool_zoom") == "Z"  # nothing yet
    assert card.assign.text() == "Take the key"
    card.assign.click()
    assert registry.key_of("medbench.review.tool_zoom") == "W"
    assert registry.key_of("medbench.review.tool_window") == ""
    stored = json.loads((presets_file().parent / "settings.json").read_text())
    assert ["medbench.review.tool_zoom", "W"] in stored["own_keys"]
    window.show_page("review")
    page.active.setFocus()
    press(app, Qt.Key.Key_W)
    assert page.toolbox.current == "zoom"
    window.show_page("settings")
    card.choose("medbench.review.tool_zoom")
    card.reset.click()
    assert registry.key_of("medbench.review.tool_zoom") == "Z"
    card.choose("medbench.review.tool_window")
    card.reset.click()
    assert read_settings().own_keys == ()
    card.choose("medbench.review.invert")
    card.clear.click()
    assert registry.key_of("medbench.review.invert") == ""
    card.reset_all.click()
    assert registry.key_of("medbench.review.invert") == "I"


def test_the_sheet_shows_the_live_map(app, page, tmp_path):
    press(app, Qt.Key.Key_Question)  # platforms take the Shift off that its character needs
    sheet = app.window.key_sheet
    assert sheet.isVisible()
    text = sheet.sheet.toPlainText()
    for words in ("Zoom", "Ten images", "Mouse", "Viewport with the focus", "Undo"):
        assert words in text
    QTest.keyClicks(sheet.search, "zoom in")
    assert "Zoom in" in sheet.sheet.toPlainText()
    assert "Undo" not in sheet.sheet.toPlainText()
    app.window.keymap.assign("medbench.review.zoom_in", "Ctrl+Alt+Z")
    assert "Ctrl+Alt+Z" in sheet.sheet.toPlainText()
    sheet.save_pdf(tmp_path / "keys.pdf")
    assert (tmp_path / "keys.pdf").read_bytes().startswith(b"%PDF")
    sheet.close()


# viewports


def test_keys_of_the_viewport_scroll_and_zoom(app, page):
    view = page.active
    view.set_index(0)
    for key, keys, expected in (
        (Qt.Key.Key_Down, NONE, 1), (Qt.Key.Key_PageDown, NONE, 11), (Qt.Key.Key_Up, NONE, 10),
        (Qt.Key.Key_PageUp, NONE, 0), (Qt.Key.Key_End, NONE, 11), (Qt.Key.Key_Home, NONE, 0),
    ):  # fmt: skip
        press(app, key, keys)
        assert view.index == expected
    before = view._state.zoom
    press(app, Qt.Key.Key_Plus, SHIFT)
    press(app, Qt.Key.Key_Equal)
    assert view._state.zoom == pytest.approx(before * 1.15**2)
    press(app, Qt.Key.Key_Minus)
    assert view._state.zoom == pytest.approx(before * 1.15)
    # a list has its own arrows
    page.browser.setFocus()
    page.tabs.setFocus()
    press(app, Qt.Key.Key_Down)
    assert view.index == 0


def test_wheel_scrolls_below_the_pointer_without_choosing_it(app, page):
    app.actions_registry.action("medbench.review.toggle_mpr").trigger()
    app.qt.processEvents()
    views = page.views()
    assert len(views) >= 3
    active = page.active
    other = next(v for v in views if v is not active and v.count > 20)
    focus, before = QApplication.focusWidget(), other.index
    turn(other, -120)
    assert other.index == before + 1
    turn(other, -120, SHIFT)
    assert other.index == before + 11
    assert page.active is active
    assert QApplication.focusWidget() is focus
    zoom = other._state.zoom
    turn(other, 120, CTRL)
    assert other._state.zoom > zoom
    assert other.index == before + 11


def test_tab_goes_through_the_viewports(app, page):
    app.actions_registry.action("medbench.review.toggle_mpr").trigger()
    app.qt.processEvents()
    views = page.views()
    page.showing.activate(views[0])
    views[0].setFocus()
    seen = [page.active]
    for _ in views[1:]:
        press(app, Qt.Key.Key_Tab)
        seen.append(page.active)
    assert seen == list(views)
    press(app, Qt.Key.Key_Backtab, SHIFT)
    assert page.active is views[-2]
    press(app, Qt.Key.Key_Tab)
    press(app, Qt.Key.Key_Tab)  # behind the last one the focus leaves the wall
    assert page.active is views[-1]
    assert QApplication.focusWidget() not in views


# window


def test_window_drags_fine_and_coarse_by_the_range_of_the_values(app, page):
    view, model = page.active, page.model
    values = np.asarray(view.values())
    spread = np.subtract(*np.percentile(values, [99.5, 0.5]))
    steps = {}
    for keys in (NONE, SHIFT, CTRL):
        model.set_voi(VoiWindow(40.0, 400.0))
        drag(view, QPoint(300, 300), QPoint(0, 30), Qt.MouseButton.RightButton, keys)
        steps[keys] = model.window.center - 40.0
        assert model.window.width == pytest.approx(400.0)
    assert steps[NONE] == pytest.approx(30 * (400 + spread / 8) / 300, rel=1e-3)
    assert steps[SHIFT] == pytest.approx(steps[NONE] / 10)
    assert steps[CTRL] == pytest.approx(steps[NONE] * 4)
    model.set_voi(VoiWindow(40.0, 80.0))
    drag(view, QPoint(300, 300), QPoint(60, 0), Qt.MouseButton.RightButton)
    assert model.window.width == pytest.approx(80 + 2 * 60 * (80 + spread / 8) / 300, rel=1e-3)


def test_digits_apply_presets_bound_by_id(app, page):
    book = page.features[[type(f).__name__ for f in page.features].index("WindowDesk")].book
    press(app, Qt.Key.Key_2)
    assert (page.model.window.center, page.model.window.width) == (-600.0, 1500.0)
    press(app, Qt.Key.Key_4)
    assert (page.model.window.center, page.model.window.width) == (40.0, 80.0)
    book.keep(tuple(reversed(book.presets)))  # another order changes no key
    press(app, Qt.Key.Key_2)
    assert page.model.window.center == -600.0
    press(app, Qt.Key.Key_0)
    assert not page.model.voi_chosen
    press(app, Qt.Key.Key_0)
    window = page.model.window
    values = np.asarray(page.active.values())
    assert window.center - window.width / 2 == pytest.approx(values.min())
    assert window.center + window.width / 2 == pytest.approx(values.max())
    press(app, Qt.Key.Key_0)
    assert not page.model.voi_chosen


def test_presets_are_edited_linted_and_kept(app, page):
    desk = page.features[[type(f).__name__ for f in page.features].index("WindowDesk")]
    app.actions_registry.action("medbench.review.edit_windows").trigger()
    editor = desk.editor
    names = [editor.table.item(row, 0).text() for row in range(editor.table.rowCount())]
    lung = names.index("Lung")
    editor.table.item(lung, 3).setText("-200")
    editor.table.item(lung, 2).setText("500")
    assert "Lung: level −200 is more than a quarter of the width 500 away from lung" in (
        editor.fault.text()
    )
    ok = editor.buttons.buttons()[0]
    assert ok.isEnabled()  # a warning, the reader decides
    editor.table.item(lung, 2).setText("0")
    assert not ok.isEnabled()
    editor.table.item(lung, 2).setText("1400")
    editor.table.item(lung, 3).setText("-500")
    editor.table.item(lung, 4).setText("1")
    assert "the key 1 belongs to Soft tissue" in editor.fault.text()
    assert not ok.isEnabled()
    editor.table.item(lung, 4).setText("2")
    editor.table.setCurrentCell(lung, 0)
    editor.up.click()
    editor.add.click()
    row = editor.table.rowCount() - 1
    editor.table.item(row, 0).setText("Mine")
    editor.table.setCurrentCell(0, 0)
    assert ok.isEnabled()
    editor.accept()
    kept = read_presets(presets_file())
    assert [p.name for p in kept][:2] == ["Lung", "Soft tissue"]
    assert kept[-1].name == "Mine"
    assert kept[0].window.center == -500
    shown = [page.preset.itemText(i) for i in range(page.preset.count())]
    assert any(text.startswith("Mine") for text in shown)
    press(app, Qt.Key.Key_2)
    assert page.model.window.width == 1400
    desk.book.restore()
    assert not presets_file().exists()


def test_lint_finds_the_errors_of_published_lists():
    wrong = (
        preset_of("a", "CT", "Liver", -500, 2000), preset_of("b", "CT", "Lung", -200, 500),
        preset_of("c", "CT", "Brain", 40, 0.5), preset_of("d", "MR", "Brain", 500, 0.5),
        preset_of("e", "CT", "", 40, 80, "12"),
    )  # fmt: skip
    assert [(f.preset_id, f.code, f.blocking) for f in faults(wrong)] == [
        ("a", "tissue", False), ("b", "tissue", False), ("c", "width", True), ("e", "name", True),
        ("e", "key", True),
    ]  # fmt: skip
    assert faults(read_presets()) == ()


def test_histogram_handles_stay_held(app, page, wait):
    histogram = page.window_panel.histogram
    wait(lambda: histogram._edges is not None)
    page.model.set_voi(VoiWindow(0.0, 600.0))
    x = {name: round(histogram._x(v)) for name, v in histogram._places().items()}
    y = histogram.height() - 6
    QTest.mousePress(histogram, Qt.MouseButton.LeftButton, pos=QPoint(x["low"], y))
    QTest.mouseMove(histogram, QPoint(x["low"] - 20, y))
    QTest.mouseRelease(histogram, Qt.MouseButton.LeftButton, pos=QPoint(x["low"] - 20, y))
    window = page.model.window
    assert window.center + window.width / 2 == pytest.approx(300, abs=1e-6)
    assert window.center - window.width / 2 == pytest.approx(
        histogram._value(x["low"] - 20), abs=1e-6
    )
    # the centre moves the level alone, also past the place of another handle
    page.model.set_voi(VoiWindow(0.0, 600.0))
    QTest.mousePress(histogram, Qt.MouseButton.LeftButton, pos=QPoint(x["centre"], y))
    QTest.mouseMove(histogram, QPoint(x["high"] + 10, y))
    QTest.mouseRelease(histogram, Qt.MouseButton.LeftButton, pos=QPoint(x["high"] + 10, y))
    assert page.model.window.width == 600.0
    assert page.model.window.center == pytest.approx(histogram._value(x["high"] + 10))
