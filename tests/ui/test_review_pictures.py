"""What the viewport shows is what `render` writes, on every real file that holds a picture."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from PySide6.QtCore import QPointF

from medbench.base.errors import MedbenchError
from medbench.dicom.scan import scan
from medbench.domain.image import VoiWindow
from medbench.formats.opening import open_display
from medbench.imaging.presentation import compose, final_picture
from medbench.imaging.reslice import PlaneKind
from medbench.imaging.window import default_voi
from medbench.session.library import display_key
from medbench.ui.review.pointer import Toolbox
from medbench.ui.review.view_model import ViewModel
from medbench.ui.review.viewport import Viewport

MAX_VALUES = 64 << 20


def array_of(image):
    """QImage as uint8 (rows, columns) or (rows, columns, 3)."""
    channels = 1 if image.isGrayscale() and image.depth() == 8 else 3
    form = image.Format.Format_Grayscale8 if channels == 1 else image.Format.Format_RGB888
    converted = image.convertToFormat(form)
    buffer = np.frombuffer(converted.constBits(), np.uint8)
    rows = buffer.reshape(converted.height(), converted.bytesPerLine())
    found = rows[:, : converted.width() * channels]
    return found.reshape(converted.height(), converted.width(), channels).squeeze()


def test_the_viewport_shows_what_render_writes(real_data, qapp, qtbot):
    model = ViewModel(Toolbox())
    view = Viewport(model, PlaneKind.ACQUIRED)
    qtbot.addWidget(view)
    compared, refused = 0, 0
    shipped = Path(pydicom.__file__).parent / "data" / "test_files"
    for study in scan([real_data / "dicom_conformance", shipped]).studies:
        for display in (d for series in study.series for d in series.displays):
            if display.kind.without_pictures:
                continue
            if display.slices * display.rows * display.columns > MAX_VALUES:
                continue
            with open_display(display) as reader:
                model.begin(display, display_key(display))
                model.set_volume(reader.volume)
                index = view.index
                try:
                    values, info = reader.read(index), reader.info(index)
                except MedbenchError:
                    refused += 1
                    continue
                volume = reader.load(first=index)
                model.set_volume(volume)
                model.slices_arrived((index,))
                model.follow_file(index)
            voi = None if display.colour else default_voi(values, info)
            view.resize(display.columns, display.rows)
            for _ in range(8):  # near enough that nothing is reduced
                if min(view.placement().native_size.toTuple()) < 2 * max(display.rows, 8):
                    view.zoom_by(2.0)
            image = view._source.image(index, view.placement(), 1.0)
            expected = compose(values, info, voi)
            name = display.frames[0].path.name
            assert np.array_equal(array_of(image), np.squeeze(expected)), name
            shape = final_picture(values, info, voi).shape
            size = view.placement().native_size
            if display.pixel_spacing_mm is None and display.geometry is None:
                assert size.height() / size.width() == pytest.approx(
                    shape[0] / shape[1], rel=0.02
                ), name
            compared += 1
    assert compared > 100
    assert refused < compared / 4


def test_pixels_on_the_glass_follow_turn_and_flip(app, wait, ct_folder):
    page = app.window.workspaces["review"]
    app.window.open_paths([ct_folder])
    wait(lambda: page.model.voi is not None and page.model.volume.ready.all())
    page.model.set_voi(VoiWindow(40, 2000))
    view = page.viewports[PlaneKind.ACQUIRED]
    view.set_index(5)
    values = page.model.volume.voxels[5]
    places = [(24, 32), (14, 20), (2, 5), (21, 30)]
    for action in ("rotate_right", "flip_horizontal", "rotate_left", "flip_vertical"):
        app.actions_registry.action(f"medbench.review.{action}").trigger()
        app.qt.processEvents()
        picture = view.grab().toImage()
        for row, column in places:
            at = view.widget_position(row, column)
            back = view.picture_position(QPointF(at))
            assert back == pytest.approx((row, column), abs=1e-6)
            grey = np.clip((values[row, column] - 39.5) / 1999 + 0.5, 0, 1) * 255
            shown = picture.pixelColor(at.toPoint()).lightness()
            assert shown == pytest.approx(grey, abs=2), action


def test_letters_turn_with_the_picture(app, wait, ct_folder):
    page = app.window.workspaces["review"]
    app.window.open_paths([ct_folder])
    wait(lambda: page.model.voi is not None and page.model.volume.ready.all())
    view = page.viewports[PlaneKind.ACQUIRED]
    assert view.letters() == ("R", "L", "A", "P")
    page.tools.rotate_right()
    assert view.letters() == ("P", "A", "R", "L")
    page.tools.flip_horizontal()
    assert view.letters() == ("A", "P", "R", "L")
    page.tools.rotate_right()
    assert view.letters() == ("L", "R", "A", "P")
    page.tools.flip_vertical()
    assert view.letters() == ("L", "R", "P", "A")
    page.tools.reset()
    assert view.letters() == ("R", "L", "A", "P")


def test_projection_images_have_letters_and_calibration(app, wait, radiograph):
    page = app.window.workspaces["review"]
    app.window.open_paths([radiograph])
    wait(lambda: page.model.voi is not None and page.model.volume.ready.all())
    view = page.viewports[PlaneKind.ACQUIRED]
    info = view.frame()
    assert view.letters()[1] == info.orientation.row
    assert (view.px_per_mm() > 0) == (info.calibration.at((0, 0)).in_mm)
