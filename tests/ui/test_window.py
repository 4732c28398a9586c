import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QTabBar,
)

from medbench.domain.image import VoiWindow
from medbench.imaging.reslice import PlaneKind

PAGES = ("start", "review", "cohorts", "train", "evaluate", "models", "jobs", "settings", "help")
CONTROLS = (
    QAbstractButton, QComboBox, QLineEdit, QPlainTextEdit, QAbstractSlider, QAbstractSpinBox,
    QAbstractItemView, QTabBar,
)  # fmt: skip


def review(app):
    return app.window.workspaces["review"]


def open_paths(app, wait, *paths):
    app.window.open_paths(list(paths))
    model = review(app).model
    wait(lambda: model.volume is not None and model.volume.ready.all())
    wait(lambda: model.voi is not None or model.display.colour)
    return review(app)


def test_every_control_has_an_accessible_name(app):
    nameless = []
    for page in PAGES:
        app.window.show_page(page)
        app.qt.processEvents()
    for kind in CONTROLS:
        for widget in app.window.findChildren(kind):
            parent = widget.parent()
            inside = isinstance(widget, QLineEdit) and isinstance(parent, QComboBox)
            inside |= isinstance(widget, QAbstractItemView) and "Combo" in type(parent).__name__
            inside |= isinstance(widget, QScrollBar)
            inside |= parent is not None and "Combo" in parent.metaObject().className()
            inside |= widget.objectName().startswith("qt_") or "QHeader" in type(widget).__name__
            inside |= type(widget).__name__ in ("QTableCornerButton", "QScrollBar", "QTabBar")
            inside |= parent is not None and isinstance(parent, (QLineEdit, QTabBar))
            inside |= "TableCorner" in widget.metaObject().className()
            if not inside and not widget.accessibleName():
                nameless.append(f"{type(widget).__name__} in {type(parent).__name__}")
    assert nameless == []


def test_every_page_opens_in_both_themes(app, tmp_path):
    for theme in ("dark", "light"):
        app.session.settings.change(theme=theme)
        for page in PAGES:
            app.window.show_page(page)
            app.qt.processEvents()
            assert app.window.page_id == page
        picture = app.window.grab().toImage()
        corner = picture.pixelColor(picture.width() // 2, 10).lightness()
        assert (corner < 80) == (theme == "dark")


def test_keys_and_palette_come_from_one_registry(app, wait):
    app.window.activateWindow()
    QTest.keyClick(app.window, Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier)
    assert app.window.page_id == "train"
    app.window.open_palette()
    palette = app.window.palette_dialog
    QTest.keyClicks(palette._field, "models")
    QTest.keyClick(palette._field, Qt.Key.Key_Return)
    assert app.window.page_id == "models"
    specs = app.actions_registry.specs()
    assert len({s.action_id for s in specs}) == len(specs) > 40
    for spec in specs:
        assert spec.title
        assert app.actions_registry.action(spec.action_id).text()


def test_a_second_command_of_the_same_id_is_refused(app):
    spec = app.actions_registry.specs()[0]
    with pytest.raises(ValueError, match="registered twice"):
        app.actions_registry.register(spec)


def test_badge_is_always_there(app):
    for page in PAGES:
        app.window.show_page(page)
        texts = [w.text() for w in app.window.top_bar.findChildren(type(app.window.top_bar.reader))]
        assert any("Research use" in t for t in texts)


def test_open_scroll_window_planes(app, wait, ct_folder):
    page = open_paths(app, wait, ct_folder)
    view = page.viewports[PlaneKind.ACQUIRED]
    assert view.count == 12
    before = view.index
    at = QPointF(view.rect().center())
    for _ in range(3):
        QApplication.sendEvent(
            view,
            QWheelEvent(
                at, view.mapToGlobal(at), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
                Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
            ),
        )  # fmt: skip
    assert view.index == before + 3
    window = page.model.window
    QTest.mousePress(view, Qt.MouseButton.RightButton, pos=view.rect().center())
    QTest.mouseMove(view, view.rect().center() + QPoint(80, 40))
    QTest.mouseRelease(view, Qt.MouseButton.RightButton)
    assert page.model.window.width > window.width
    assert page.model.window.center > window.center
    page.tools.reset()
    assert page.model.window == window
    app.actions_registry.action("medbench.review.toggle_mpr").trigger()
    assert page.viewports[PlaneKind.CORONAL].isVisible()
    app.actions_registry.action("medbench.review.tool_crosshair").trigger()
    axial = page.viewports[PlaneKind.AXIAL]
    place = axial.widget_position(30, 20).toPoint()
    QTest.mouseClick(axial, Qt.MouseButton.LeftButton, pos=place)
    assert page.model.point_mm[:2] == pytest.approx([20, 30], abs=0.6)
    assert page.viewports[PlaneKind.SAGITTAL].index == pytest.approx(20, abs=1)
    axial.set_index(axial.index - 4)
    assert page.model.point_mm[:2] == pytest.approx([20, 30], abs=0.6)
    assert page.viewports[PlaneKind.ACQUIRED].index == axial.index


def test_pixels_on_screen_are_those_of_display_frame(app, wait, ct_folder):
    page = open_paths(app, wait, ct_folder)
    page.model.set_voi(VoiWindow(40, 400))
    view = page.viewports[PlaneKind.ACQUIRED]
    view.set_index(5)
    app.qt.processEvents()
    picture = view.grab().toImage()
    for row, column, grey in ((24, 32, 255), (14, 20, 128), (2, 5, 0)):
        at = view.widget_position(row, column).toPoint()
        assert picture.pixelColor(at).lightness() == pytest.approx(grey, abs=2)


def test_dropped_folder_opens(app, wait, radiograph):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(radiograph.parent))])
    event = QDropEvent(
        QPointF(400, 400), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    app.window.dropEvent(event)
    wait(lambda: review(app).model.volume is not None)
    assert app.window.page_id == "review"


def test_a_picture_file_opens_as_secondary_capture(app, wait, tmp_path):
    Image.fromarray(np.tile(np.arange(0, 250, 5, dtype=np.uint8), (40, 1))).save(tmp_path / "p.png")
    page = open_paths(app, wait, tmp_path / "p.png")
    assert page.model.display.modality == "OT"
    assert page.model.volume.voxels[0, 0, :3].tolist() == [0, 5, 10]


def test_what_cannot_be_shown_is_said_and_the_rest_opens(app, wait, ct_folder):
    files = sorted(ct_folder.iterdir())
    (ct_folder / "note.dcm").write_text("no picture")
    data = files[3].read_bytes()
    files[3].write_bytes(data[: len(data) - 900])
    app.window.open_paths([ct_folder])
    model = review(app).model
    wait(lambda: model.volume is not None
         and int(model.volume.ready.sum()) + len(model.volume.failed) >= 11)  # fmt: skip
    log = [m.text + m.advice for m in app.session.messages.log]
    assert any("cannot be shown" in text or "could not be" in text for text in log)
    assert model.volume.ready.sum() == 11


def test_a_missing_path_is_one_sentence(app, wait, tmp_path):
    app.session.library.open_paths([tmp_path / "gone"])
    wait(lambda: any(m.level.value == "error" for m in app.session.messages.log))
    assert "does not exist" in app.session.messages.log[-1].text


def test_newer_request_drops_the_older(app, wait, ct_folder, radiograph):
    app.window.open_paths([ct_folder, radiograph])
    wait(lambda: len(app.session.library.studies) == 2)
    page = review(app)
    displays = [r.display for r in page.browser.model.rows if r.display is not None]
    for _ in range(4):
        for display in displays:
            page.show_display(display)
    wait(lambda: page.model.volume is not None and page.model.volume.ready.all())
    app.qt.processEvents()
    assert page.model.volume.display.display_id == displays[-1].display_id
    assert page.model.display is displays[-1]


def test_settings_hold_and_are_stored(app, tmp_path):
    from medbench.base.settings import read_settings

    app.window.show_page("settings")
    app.session.settings.change(reader="Ada Fischer")
    assert app.window.top_bar.reader.text() == "AF"
    assert read_settings().reader == "Ada Fischer"


def test_small_windows_fold_the_right_panel_first(app):
    app.window.show_page("review")
    page = app.window._pages["review"]
    app.window.resize(1100, 700)
    app.qt.processEvents()
    assert not page.right.isVisible()
    assert page.left.isVisible()
    app.window.resize(1600, 1000)
    app.qt.processEvents()
    assert page.right.isVisible()
