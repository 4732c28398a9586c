import numpy as np
import pytest

from medbench.domain.geometry import Geometry, edge_letters
from medbench.domain.image import FrameInfo, VoiFunction, VoiLut, VoiWindow
from medbench.imaging.features import image_features
from medbench.imaging.resize import block_mean, fit_square, resize_area, thumbnail
from medbench.imaging.reslice import PlaneKind, acquired_kind, orthogonal_plane
from medbench.imaging.window import (
    apply_voi,
    auto_voi,
    auto_window,
    display_frame,
    grey_histogram,
    read_presets,
)


def test_linear_window_of_the_standard():
    """PS3.3 C.11.2.1.2.1: c - 0.5 and w - 1, not c and w."""
    voi = VoiWindow(2048, 4096)
    x = np.array([0, 1, 2047, 2048, 4095], np.int16)
    assert apply_voi(x, voi).tolist() == [0, 0, 127, 128, 255]
    narrow = VoiWindow(50, 1)
    assert apply_voi(np.array([49, 50], np.int16), narrow).tolist() == [0, 255]
    exact = VoiWindow(50, 100, VoiFunction.LINEAR_EXACT)
    assert apply_voi(np.array([0.0, 50.0, 100.0]), exact).tolist() == [0, 128, 255]
    soft = VoiWindow(0, 100, VoiFunction.SIGMOID)
    assert apply_voi(np.array([0.0, 1e6, -1e6]), soft).tolist() == [128, 255, 0]


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int8, np.uint8])
def test_table_and_formula_agree(dtype):
    info = np.iinfo(dtype)
    values = np.random.default_rng(0).integers(info.min, info.max, (256, 300)).astype(dtype)
    voi = VoiWindow(info.max / 3, info.max / 1.7)
    for inverted in (False, True):
        table = apply_voi(values, voi, inverted=inverted)
        formula = apply_voi(values.astype(np.float64), voi, inverted=inverted)
        assert np.array_equal(table, formula)


def test_lookup_table_clamps():
    lut = VoiLut(10, np.array([0, 100, 255], np.uint8), 8)
    assert apply_voi(np.array([0, 10, 11, 12, 500], np.int16), lut).tolist() == [
        0,
        0,
        100,
        255,
        255,
    ]


def test_polarity_comes_last_and_padding_is_black():
    values = np.array([[-2000, 0, 1000]], np.int16)
    voi = VoiWindow(500, 1000)
    plain = display_frame(values, FrameInfo(padding=(-2000, -2000)), voi)
    turned = display_frame(values, FrameInfo(padding=(-2000, -2000), inverted=True), voi)
    assert plain[0, 0] == turned[0, 0] == 0
    assert turned[0, 1:].tolist() == (255 - plain[0, 1:]).tolist()


def test_auto_window_leaves_padding_and_infinities_out():
    values = np.concatenate([np.full(5000, -3000.0), np.linspace(0, 100, 5000), [np.inf, np.nan]])
    window = auto_window(values, (-3000, -3000))
    assert window.center == pytest.approx(50, abs=2)
    assert window.width == pytest.approx(100, abs=3)
    edges, counts = grey_histogram(values, (-3000, -3000))
    assert counts.sum() <= 5000
    assert edges[0] >= -1


def test_presets_are_sane():
    presets = read_presets()
    assert len({p.preset_id for p in presets}) == len(presets) > 5 if hasattr(
        presets[0], "preset_id"
    ) else len(presets) > 5  # fmt: skip
    assert all(p.window.width > 1 for p in presets)


def volume_of(shape):
    z, y, x = np.indices(shape)
    return (z * 10000 + y * 100 + x).astype(np.int32)


DIRECTIONS = {
    "axial": (1, 0, 0, 0, 1, 0, 0, 0, 1),
    "feet first": (1, 0, 0, 0, 1, 0, 0, 0, -1),
    "coronal": (1, 0, 0, 0, 0, 1, 0, -1, 0),
    "sagittal": (0, 0, 1, 1, 0, 0, 0, -1, 0),
    "prone": (-1, 0, 0, 0, -1, 0, 0, 0, 1),
}


@pytest.mark.parametrize("name", DIRECTIONS)
@pytest.mark.parametrize("kind", [PlaneKind.AXIAL, PlaneKind.CORONAL, PlaneKind.SAGITTAL])
def test_planes_read_the_radiological_way_whatever_the_acquisition(name, kind):
    shape = (5, 7, 9)
    geometry = Geometry(shape, (3.0, 2.0, 1.0), (4, -7, 11), DIRECTIONS[name])
    plane = orthogonal_plane(geometry, kind)
    expected = {
        PlaneKind.AXIAL: ("R", "L", "A", "P"),
        PlaneKind.CORONAL: ("R", "L", "H", "F"),
        PlaneKind.SAGITTAL: ("A", "P", "H", "F"),
    }[kind]
    assert plane.letters() == expected
    voxels = volume_of(shape)
    dice = np.random.default_rng(0)
    for _ in range(20):
        index, row, column = (int(dice.integers(0, n)) for n in plane.shape)
        x, y, z = (round(v) for v in plane.voxel_of(index, row, column))
        assert plane.picture(voxels, index)[row, column] == voxels[z, y, x]
        point = plane.point_of(index, row, column)
        assert plane.place_of(point) == pytest.approx((index, row, column), abs=1e-9)


def test_acquired_kind_and_letters():
    for name, expected in (
        ("axial", PlaneKind.AXIAL), ("coronal", PlaneKind.CORONAL),
        ("sagittal", PlaneKind.SAGITTAL),
    ):  # fmt: skip
        geometry = Geometry((4, 4, 4), (1, 1, 1), (0, 0, 0), DIRECTIONS[name])
        assert acquired_kind(geometry) is expected
    assert edge_letters((0.8, 0.6, 0)) == "LP"
    assert edge_letters((0, 0, -1)) == "F"


def test_shrinking_keeps_the_mean_and_blocks_are_means():
    picture = np.random.default_rng(0).random((60, 90)).astype(np.float32)
    assert resize_area(picture, 20, 30).mean() == pytest.approx(picture.mean(), rel=1e-4)
    values = np.arange(36, dtype=np.uint16).reshape(6, 6)
    assert block_mean(values, 2)[0, 0] == (0 + 1 + 6 + 7) // 4
    assert block_mean(values, 4).shape == (1, 1)
    assert fit_square(picture, 32).shape == (32, 32)
    assert thumbnail((picture * 255).astype(np.uint8), 40, 40).shape == (40, 40)


def test_features_do_not_see_exposure():
    picture = np.random.default_rng(0).random((80, 70)).astype(np.float32)
    names, one = image_features(picture)
    _, two = image_features(picture * 900 + 50)
    assert len(names) == len(one) == len(set(names))
    assert one == pytest.approx(two, abs=1e-3)
    _, flat = image_features(np.zeros((10, 10)))
    assert np.isfinite(flat).all()


def test_small_quantities_fill_the_whole_range_of_grey():
    values = np.linspace(0.0, 0.003, 10_000, dtype=np.float32).reshape(100, 100)
    window = auto_window(values)
    assert window.width == pytest.approx(0.003, rel=0.02)
    grey = apply_voi(values, window)
    assert grey.min() == 0
    assert grey.max() == 255
    assert grey.std() > 60


def test_padding_smeared_by_lossy_compression_stays_out_of_the_window():
    rng = np.random.default_rng(2)
    values = np.concatenate([rng.normal(-3024, 60, 3000), rng.normal(0, 200, 7000)])
    info = FrameInfo(padding=(-3024.0, -3024.0), badges=("lossy",))
    window = auto_voi(values, info)
    assert window.center - window.width / 2 > -800
    exact = auto_voi(values, FrameInfo(padding=(-3024.0, -3024.0)))
    assert exact.center - exact.width / 2 < -2500
    # padding inside the anatomy's range is left as the file says
    inside = auto_voi(values, FrameInfo(padding=(0.0, 0.0), badges=("lossy",)))
    assert inside.width == pytest.approx(exact.width, rel=0.01)
