"""Tilted, irregular and incomplete stacks on a right grid."""

import numpy as np
import pytest

from medbench.base.errors import BadInputError
from medbench.dicom.geometry import stack_slices
from medbench.dicom.reader import open_display
from medbench.dicom.scan import scan
from medbench.imaging.regular import regular_geometry, regularise


def stack(points, cosines=(1, 0, 0, 0, 1, 0), rows=24, columns=20, spacing=(0.8, 0.5)):
    return stack_slices(points, cosines, spacing, rows, columns, "1.2.9").geometry


def tilted(depths, degrees=-18.5):
    a = np.radians(degrees)
    return stack([(-5.0, 3.0, z) for z in depths], (1, 0, 0, 0, np.cos(a), -np.sin(a)))


def patient_points(geometry):
    """Patient point of every voxel, from the slices' own positions: (z, y, x, 3)."""
    axes = np.asarray(geometry.direction).reshape(3, 3)
    _, rows, columns = geometry.shape
    i, j = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    plane = (
        i[..., None] * geometry.spacing_mm[1] * axes[:, 1]
        + j[..., None] * geometry.spacing_mm[2] * axes[:, 0]
    )
    return np.asarray(geometry.positions_mm)[:, None, None, :] + plane[None]


@pytest.mark.parametrize(
    "geometry",
    [
        tilted([0, 4, 8, 12, 16]),
        tilted([0, 4, 8, 9, 16, 23]),
        stack([(0, 0, z) for z in (0, 3.27, 6.54, 9.81, 14)]),
        stack([(0.3 * z, -0.2 * z, z) for z in (0, 2, 4, 7, 9)]),
    ],
    ids=["tilt", "tilt and uneven", "uneven", "sheared both ways"],
)
def test_a_linear_field_is_kept_exactly(geometry):
    """Value = a linear function of the patient point: interpolation must return it anywhere."""
    slopes = np.array([3.0, -7.0, 11.0])
    voxels = patient_points(geometry) @ slopes
    out, grid = regularise(voxels, geometry, fill=np.nan)
    assert grid.uniform
    assert np.linalg.det(grid.matrix[:3, :3]) > 0
    z, y, x = np.nonzero(np.isfinite(out))
    assert len(z) > 0.5 * voxels.size
    index = np.stack([x, y, z, np.ones_like(x)]).astype(float)
    expected = slopes @ (grid.matrix[:3] @ index)
    assert np.abs(out[z, y, x] - expected).max() < 2e-3


def test_a_thin_rod_along_the_table_stays_one_straight_rod():
    geometry = tilted([7.0 * k for k in range(6)])
    voxels = np.zeros(geometry.shape, np.float32)
    voxels[:, 10, 8] = 1000.0  # the table moves along z: the same pixel is the same x and y
    out, grid = regularise(voxels, geometry)
    for k in range(grid.shape[0]):
        rows, columns = np.nonzero(out[k] > 1)
        assert set(columns) == {8}
        assert np.ptp(rows) <= 1  # never two ghosts
        row = np.average(rows, weights=out[k][rows, 8])
        found = grid.world_from_index(8, row, k)
        start = patient_points(geometry)[0, 10, 8]
        assert np.allclose(found[:2], start[:2], atol=1e-3)


def test_the_same_as_simpleitk_with_a_shear():
    sitk = pytest.importorskip("SimpleITK")
    geometry = tilted([4.0 * k for k in range(6)])
    rng = np.random.default_rng(5)
    voxels = rng.normal(size=geometry.shape).astype(np.float32)
    out, grid = regularise(voxels, geometry, fill=-99.0)
    points = np.asarray(geometry.positions_mm)
    axes = np.asarray(geometry.direction).reshape(3, 3)
    step = float(np.diff(points @ geometry.normal)[0])
    shear = float((points[1] - points[0]) @ axes[:, 1]) / step
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((geometry.spacing_mm[2], geometry.spacing_mm[1], step))
    reference = sitk.Image([int(n) for n in grid.shape[::-1]], sitk.sitkFloat32)
    reference.SetSpacing((grid.spacing_mm[2], grid.spacing_mm[1], grid.spacing_mm[0]))
    offset = np.asarray(grid.origin_mm) - points[0]
    reference.SetOrigin([float(offset @ axes[:, n]) for n in range(3)])
    back = sitk.AffineTransform([1, 0, 0, 0, 1, -shear, 0, 0, 1], [0, 0, 0])
    theirs = sitk.GetArrayFromImage(
        sitk.Resample(image, reference, back, sitk.sitkLinear, -99.0, sitk.sitkFloat32)
    )
    both = (out != -99.0) & (theirs != -99.0)
    assert both.sum() > 0.8 * voxels.size
    assert np.abs(out[both] - theirs[both]).max() < 1e-3
    # ITK also answers up to half a pixel outside: nothing of ours lies where it has nothing
    assert not ((out != -99.0) & (theirs == -99.0)).any()


def test_missing_slices_are_left_empty():
    geometry = stack([(0, 0, z) for z in (0, 2, 4, 8, 10)])
    voxels = np.full(geometry.shape, 50, np.int16)
    out, grid = regularise(voxels, geometry, fill=-1000)
    assert grid.shape[0] == 6
    assert out[:, 0, 0].tolist() == [50, 50, 50, -1000, 50, 50]
    assert grid.notes == ("1 slice missing, left empty",)
    two = stack([(0, 0, z) for z in (0, 2, 8, 10)])
    out, grid = regularise(np.full(two.shape, 50, np.int16), two, fill=-1000)
    assert out[:, 0, 0].tolist() == [50, 50, -1000, -1000, 50, 50]
    assert grid.notes == ("2 slices missing, left empty",)


def test_padding_is_never_blended_with_anatomy():
    geometry = stack([(0, 0, z) for z in (0, 2, 4, 7, 9)])
    voxels = np.full(geometry.shape, 40, np.int16)
    voxels[:, :4] = -2000
    voxels[3] = -2000
    out, _ = regularise(voxels, geometry, -2000, padding=(-2000, -1990))
    assert set(np.unique(out)) == {-2000, 40}


@pytest.mark.parametrize("far", [1e6, 1e20, 1e29])
def test_false_positions_are_refused_before_anything_is_made(far):
    for points in ([(0, 0, z) for z in (0, 1, 2, far)], [(far * z, 0, z) for z in (0, 1, 2, 3)]):
        geometry = stack(points)
        with pytest.raises(BadInputError):
            regularise(np.zeros(geometry.shape, np.int16), geometry)


def test_an_irregular_grid_begins_beyond_a_thousandth_of_a_millimetre():
    assert stack([(0, 0, z) for z in (0, 2.0005, 4, 6)]).uniform
    assert not stack([(0, 0, z) for z in (0, 2.002, 4, 6)]).uniform
    assert regular_geometry(stack([(0, 0, z) for z in (0, 2.002, 4, 6)])).uniform


def test_the_head_of_a_tilted_scanner(real_data):
    folder = real_data / "dicom_series" / "ct_ge_hispeed_head_tilt_irregular"
    (display,) = [d for s in scan([folder]).studies for x in s.series for d in x.displays]
    with open_display(display) as reader:
        volume = reader.load()
        padding = reader.info(0).padding
    out, grid = regularise(volume.voxels, display.geometry, -1500, padding=padding)
    points = np.asarray(display.geometry.positions_mm)
    assert grid.spacing_mm[0] == pytest.approx(4.002, abs=1e-3)
    # the middle of slice 20, from its own header, on the new grid
    k = 20
    where = patient_points(display.geometry)[k, 256, 256]
    x, y, z = grid.index_from_world(where)
    low = int(np.floor(z + 1e-6))
    depth = (points - points[0]) @ display.geometry.normal
    at = depth[0] + low * grid.spacing_mm[0]
    below = int(np.searchsorted(depth, at + 1e-6) - 1)
    weight = (at - depth[below]) / (depth[below + 1] - depth[below])
    axes = np.asarray(display.geometry.direction).reshape(3, 3)
    lateral = ((points - points[0]) @ axes[:, 1])[[below, below + 1]] @ [1 - weight, weight]
    grid_row = round(float(y))
    start = (np.asarray(grid.origin_mm) - points[0]) @ axes[:, 1]
    row = (start + grid_row * grid.spacing_mm[1] - lateral) / grid.spacing_mm[1]
    r0, part = int(np.floor(row)), row - np.floor(row)
    pair = volume.voxels[[below, below + 1]][:, r0 : r0 + 2, 256].astype(float)
    expected = np.array([1 - weight, weight]) @ pair @ np.array([1 - part, part])
    assert out[low, grid_row, round(float(x))] == pytest.approx(expected, abs=0.51)
