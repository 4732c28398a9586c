"""One series over another: resampled as SimpleITK does, seen, probed, windowed, taken off."""

import numpy as np
import pytest
import SimpleITK
from plane_hands import opened, shift_key
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from medbench.base.errors import BadInputError
from medbench.dicom.write import SimulatedPatient, write_ct_series
from medbench.domain.geometry import Geometry
from medbench.domain.image import DisplayKind, DisplaySet, FrameInfo, FrameRef, VoiWindow
from medbench.domain.objects import PlaneGrid
from medbench.imaging.colormap import ColourMap, colour_table
from medbench.imaging.fusion import Fusion, fusion_limits, fusion_rgba, fusion_values
from medbench.imaging.reslice import PlaneKind
from medbench.session.cut_shelf import FusionVolume
from medbench.ui.review.planes.desk import PlaneDesk
from medbench.ui.review.planes.fusion_desk import first_look

AXIAL, CORONAL, ACQUIRED = PlaneKind.AXIAL, PlaneKind.CORONAL, PlaneKind.ACQUIRED
IDENTITY = (1, 0, 0, 0, 1, 0, 0, 0, 1)


def desk_of(page):
    return next(f for f in page.features if isinstance(f, PlaneDesk))


def displays(app):
    return [d for s in app.session.library.studies for x in s.series for d in x.displays]


def itk(voxels, geometry):
    image = SimpleITK.GetImageFromArray(np.asarray(voxels, np.float32))
    image.SetSpacing(geometry.spacing_mm[::-1])
    image.SetOrigin(geometry.origin_mm)
    image.SetDirection(geometry.direction)
    return image


def by_simpleitk(image, grid, matrix=None):
    """The image on the picture of a grid; -1e6 outside."""
    resampler = SimpleITK.ResampleImageFilter()
    resampler.SetInterpolator(SimpleITK.sitkLinear)
    resampler.SetSize((grid.columns, grid.rows, 1))
    resampler.SetOutputOrigin(grid.origin_mm)
    resampler.SetOutputSpacing((grid.column_mm, grid.row_mm, 1.0))
    axes = np.stack([grid.row_direction, grid.column_direction, grid.normal], axis=1)
    resampler.SetOutputDirection(axes.ravel().tolist())
    resampler.SetDefaultPixelValue(-1e6)
    if matrix is not None:
        transform = SimpleITK.AffineTransform(3)
        transform.SetMatrix(matrix[:3, :3].ravel().tolist())
        transform.SetTranslation(matrix[:3, 3].tolist())
        resampler.SetTransform(transform)
    return SimpleITK.GetArrayFromImage(resampler.Execute(image))[0]


def some_fusion(voxels, geometry, **more):
    return Fusion("key", "PET", voxels, geometry, VoiWindow(50, 100), **more)


def rigid(degrees, shift):
    a = np.radians(degrees)
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]
    matrix[:3, 3] = shift
    return matrix


@pytest.mark.parametrize("matrix", [None, rigid(12, (3.0, -2.0, 4.5))])
def test_values_equal_simpleitk_with_and_without_a_transform(matrix):
    geometry = Geometry(
        (24, 40, 36), (3.0, 1.1, 1.3), (-20, -25, -10), (0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, 1)
    )
    voxels = np.random.default_rng(4).integers(0, 900, geometry.shape).astype(np.int16)
    turn = 0.3
    grid = PlaneGrid(
        (-15.0, -20.0, 20.0), (np.cos(turn), 0, np.sin(turn)), (0, 1, 0), 0.9, 0.8, 60, 70
    )
    extra = {} if matrix is None else {"transform": tuple(matrix.ravel())}
    found = fusion_values(some_fusion(voxels, geometry, **extra), grid)
    wanted = by_simpleitk(itk(voxels, geometry), grid, matrix)
    outside = wanted == -1e6
    assert 0.05 < outside.mean() < 0.9
    assert (outside == np.isnan(found)).mean() > 0.998
    both = ~outside & np.isfinite(found)
    np.testing.assert_allclose(found[both], wanted[both], atol=0.02)


def test_colours_fade_in_and_the_outside_is_clear():
    geometry = Geometry((4, 4, 4), (1, 1, 1), (0, 0, 0), IDENTITY)
    fusion = some_fusion(np.zeros((4, 4, 4), np.int16), geometry, opacity=0.5)
    values = np.array([[np.nan, -5, 0, 5, 100, 300]], np.float32)
    rgba = fusion_rgba(fusion, values)
    assert fusion_limits(fusion) == (0, 100)
    assert rgba[0, :3, 3].tolist() == [0, 0, 0]
    assert rgba[0, 3, 3] == pytest.approx(0.5 * 255 * (13 / 255) / 0.1, abs=1)
    assert (
        rgba[0, 4].tolist() == rgba[0, 5].tolist() == [128, 127, 126, 128]
    )  # hottest, half opaque
    grey = fusion_rgba(fusion.changed(colours=ColourMap.GREY), values)
    assert grey[0, 1:, 3].tolist() == [128] * 5
    assert grey[0, 0, 3] == 0


def test_hot_iron_is_the_standards_palette():
    table = colour_table(ColourMap.HOT_IRON)
    # PS3.6 B.1.1: red to 254 at 127, then green from 128, blue from 192
    assert table[[0, 1, 127, 128, 191, 192, 193, 255]].tolist() == [
        [0, 0, 0], [2, 0, 0], [254, 0, 0], [255, 0, 0], [255, 126, 0], [255, 128, 0],
        [255, 130, 4], [255, 254, 252],
    ]  # fmt: skip
    assert colour_table(ColourMap.RAINBOW)[[0, 255]].tolist() == [[0, 0, 255], [255, 0, 0]]


def test_pet_is_shown_in_suv_where_it_is_known():
    geometry = Geometry((3, 4, 4), (1, 1, 1), (0, 0, 0), IDENTITY)
    display = DisplaySet(
        "1", DisplayKind.VOLUME, "PT", "WB", 4, 4, (FrameRef(path=None),) * 3, geometry
    )
    voxels = np.full((3, 4, 4), 2000, np.float32)
    known = FusionVolume(display, voxels, geometry, FrameInfo(suv_factor=0.002, value_unit="Bq/ml"))
    look = first_look(known, tuple(np.eye(4).ravel()))
    assert (look.unit, look.factor, fusion_limits(look)) == ("SUV", 0.002, (0.0, 6.0))
    grid = PlaneGrid((0, 0, 1), (1, 0, 0), (0, 1, 0), 1, 1, 4, 4)
    np.testing.assert_allclose(fusion_values(look, grid), 4.0)
    unknown = FusionVolume(display, voxels, geometry, FrameInfo(value_unit="Bq/ml"))
    look = first_look(unknown, tuple(np.eye(4).ravel()))
    assert (look.unit, look.factor) == ("Bq/ml", 1.0)


@pytest.fixture
def two_folder(tmp_path):
    """A CT, and a coarser series of the same frame of reference with a hot ball."""
    patient = SimulatedPatient("SIM-4", "Sample^Hana")
    ct = Geometry((20, 48, 64), (2.0, 1.0, 1.0), (0, 0, 0), IDENTITY)
    voxels = np.full(ct.shape, 40, np.int16)
    write_ct_series(tmp_path / "two" / "a", voxels, ct, patient, series_number=1, description="CT")
    hot = Geometry((14, 20, 24), (3.0, 2.5, 2.5), (2.0, -1.0, -1.0), IDENTITY)
    z, y, x = np.ogrid[:14, :20, :24]
    ball = 1000 * (((x - 12) * 2.5) ** 2 + ((y - 10) * 2.5) ** 2 + ((z - 7) * 3) ** 2 < 9**2)
    write_ct_series(
        tmp_path / "two" / "b", ball.astype(np.int16), hot, patient, series_number=2,
        description="Hot ball",
    )  # fmt: skip
    return tmp_path / "two"


def test_a_key_fuses_hides_and_shows_and_the_probe_tells_both(app, wait, two_folder):
    page = opened(app, wait, two_folder)
    base = next(d for d in displays(app) if d.description == "CT")
    hot = next(d for d in displays(app) if d.description == "Hot ball")
    page.show_images(base)
    wait(lambda: page.model.display is base and page.model.volume is not None
         and page.model.volume.ready.all())  # fmt: skip
    view, state = page.active, page.model.plane_state
    page.model.set_voi(VoiWindow(40, 400))
    view.set_index(10)
    assert desk_of(page).fusion.candidates(page.model) == [hot]
    shift_key(app, view, Qt.Key.Key_U)
    wait(lambda: state.fusion is not None)
    state.set_fusion(state.fusion.changed(window=VoiWindow(500, 1000), opacity=0.8))
    wait(lambda: not view.hurried)
    app.qt.processEvents()
    ball = view.widget_position(24, 32).toPoint()  # 32, 24, 20 mm: the middle of the ball
    beside = view.widget_position(8, 10).toPoint()

    def colour(place):
        return view.grab().toImage().pixelColor(place)

    grey = colour(beside)
    assert grey.saturation() < 8
    assert colour(ball).lightness() > 200  # white, the hottest
    said = []
    view.probed.connect(lambda where, value: said.append(value))
    QTest.mouseMove(view, ball)
    assert said[-1].startswith("40")
    assert "Hot ball 1000" in said[-1]
    state.set_fusion(state.fusion.changed(opacity=0.2))
    app.qt.processEvents()
    wait(lambda: not view.hurried)
    assert colour(ball).lightness() < 190
    shift_key(app, view, Qt.Key.Key_U)
    wait(lambda: not view.hurried)
    assert colour(ball) == grey
    QTest.mouseMove(view, beside)
    QTest.mouseMove(view, ball)
    assert "Hot" not in said[-1]
    shift_key(app, view, Qt.Key.Key_U)
    assert state.fusion.shown
    desk_of(page).set_fusion(page.model, None)
    assert state.fusion is None


def test_the_popup_chooses_display_colours_and_window(app, wait, two_folder):
    page = opened(app, wait, two_folder)
    base = next(d for d in displays(app) if d.description == "CT")
    page.show_images(base)
    wait(lambda: page.model.display is base and page.model.volume is not None
         and page.model.volume.ready.all())  # fmt: skip
    act = app.actions_registry.action
    act("medbench.review.fusion_settings").trigger()
    popup, state = desk_of(page).fusion.popup, page.model.plane_state
    assert popup.displays.count() == 2
    assert not popup.opacity.isEnabled()
    popup.displays.setCurrentIndex(1)
    popup.displays.activated.emit(1)
    wait(lambda: state.fusion is not None)
    assert popup.opacity.isEnabled()
    popup.opacity.setValue(35)
    popup.colours.setCurrentIndex(popup.colours.findData(ColourMap.RAINBOW))
    popup.colours.activated.emit(popup.colours.currentIndex())
    popup.low.setValue(100)
    popup.high.setValue(700)
    assert state.fusion.opacity == pytest.approx(0.35)
    assert state.fusion.colours is ColourMap.RAINBOW
    assert fusion_limits(state.fusion) == pytest.approx((100, 700))
    popup.displays.setCurrentIndex(0)
    popup.displays.activated.emit(0)
    assert state.fusion is None
    popup.hide()


def test_another_frame_of_reference_needs_a_transform(app, wait, two_folder, tmp_path):
    page = opened(app, wait, two_folder)
    base = next(d for d in displays(app) if d.description == "CT")
    hot = next(d for d in displays(app) if d.description == "Hot ball")
    page.show_images(base)
    wait(lambda: page.model.display is base and page.model.volume is not None
         and page.model.volume.ready.all())  # fmt: skip
    from dataclasses import replace

    stranger = replace(hot, geometry=replace(hot.geometry, frame_of_reference_uid="1.2.3"))
    desk = desk_of(page)
    assert desk.fusion.candidates(page.model) == [hot]
    with pytest.raises(BadInputError, match="register them first"):
        desk.set_fusion(page.model, stranger)
    matrix = np.eye(4)
    matrix[:3, 3] = (5.0, 0, 0)
    desk.set_fusion(page.model, stranger, matrix)
    state = page.model.plane_state
    wait(lambda: state.fusion is not None)
    view = page.active
    view.set_index(10)
    grid = view.grid()
    moved = fusion_values(state.fusion, grid)
    plain = fusion_values(state.fusion.changed(transform=tuple(np.eye(4).ravel())), grid)
    np.testing.assert_allclose(moved[24, 20:50], plain[24, 25:55], atol=0.01)  # 5 pixels of 1 mm


def test_real_series_fuse_as_simpleitk_resamples(app, wait, real_data):
    page = opened(app, wait, real_data / "dicom_series" / "mr_brain_tumour_multiseq_study3")
    base, other = displays(app)[0], displays(app)[1]
    page.show_images(base)
    wait(lambda: page.model.display is base and page.model.volume is not None
         and page.model.volume.ready.all())  # fmt: skip
    app.actions_registry.action("medbench.review.toggle_mpr").trigger()
    desk_of(page).set_fusion(page.model, other)
    state = page.model.plane_state
    wait(lambda: state.fusion is not None)
    state.turn((AXIAL, CORONAL), (0, 0.6, 0.8), 0.35, page.model.point_mm)
    view = page.viewports[CORONAL]
    app.qt.processEvents()
    grid = view.grid()
    found = fusion_values(state.fusion, grid)
    image = itk(state.fusion.voxels, other.geometry)
    wanted = by_simpleitk(image, grid)
    both = (wanted != -1e6) & np.isfinite(found)
    assert both.mean() > 0.2
    np.testing.assert_allclose(found[both], wanted[both], atol=1e-3 * wanted.max())
    wait(lambda: not view.hurried)
    said = []
    view.probed.connect(lambda where, value: said.append(value))
    rows, columns = np.nonzero(both & (found > np.percentile(found[both], 80)))
    at = view.widget_position(rows[len(rows) // 2], columns[len(columns) // 2]).toPoint()
    QTest.mouseMove(view, at)
    row, column = (int(np.floor(v + 0.5)) for v in view.picture_position(QPointF(at)))
    assert f"{found[row, column]:.4g}" in said[-1]
    with_it = view.grab().toImage().pixelColor(at)
    state.set_fusion(None)
    wait(lambda: not view.hurried)
    without = view.grab().toImage().pixelColor(at)
    assert without.saturation() < 8
    assert with_it != without
