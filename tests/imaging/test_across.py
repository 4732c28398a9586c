"""Pictures cut from a slab equal plain views, whatever the plane, the type and the order."""

import numpy as np
import pytest

from medbench.domain.geometry import Geometry
from medbench.imaging.across import AcrossSlices
from medbench.imaging.reslice import PlaneKind, orthogonal_plane

DIRECTIONS = {
    "axial": (1, 0, 0, 0, 1, 0, 0, 0, 1),
    "axial, flipped": (-1, 0, 0, 0, -1, 0, 0, 0, 1),
    "sagittal": (0, 0, 1, 1, 0, 0, 0, -1, 0),
    "coronal": (1, 0, 0, 0, 0, 1, 0, -1, 0),
}
KINDS = (PlaneKind.AXIAL, PlaneKind.CORONAL, PlaneKind.SAGITTAL)


def volume(dtype, shape=(13, 21, 150)):
    rng = np.random.default_rng(5)
    if np.dtype(dtype).kind == "f":
        return rng.normal(0, 500, shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)


def plane_of(voxels, kind, direction="axial"):
    geometry = Geometry(voxels.shape, (2.0, 1.0, 1.0), (0.0, 0.0, 0.0), DIRECTIONS[direction])
    return orthogonal_plane(geometry, kind)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32, np.float64])
def test_scrolling_shows_what_a_view_shows(direction, kind, dtype):
    voxels = volume(dtype)
    plane = plane_of(voxels, kind, direction)
    across = AcrossSlices(plane, voxels)
    count = plane.shape[0]
    for index in [*range(count), *range(count - 1, -1, -3), 0, count - 1, count // 2]:
        found = across.picture(index)
        assert found.dtype == voxels.dtype
        np.testing.assert_array_equal(found, plane.picture(voxels, index))


def test_scrolling_is_served_from_a_slab_and_a_jump_is_not():
    voxels = volume(np.int16)
    across = AcrossSlices(plane_of(voxels, PlaneKind.SAGITTAL), voxels)
    assert across.picture(70).base is not None  # a view of the volume: one picture, no slab
    assert np.shares_memory(across.picture(70), voxels)
    assert not np.shares_memory(across.picture(71), voxels)
    assert across.picture(71) is across.picture(71)
    assert np.shares_memory(across.picture(149), voxels)


@pytest.mark.parametrize(
    "voxels",
    [
        volume(np.int16)[:, :, ::2],
        volume(np.int16).astype(np.complex64),
        volume(np.int16, (5, 6, 3)),
    ],
)
def test_what_has_no_slab_is_a_view(voxels):
    plane = plane_of(voxels, PlaneKind.SAGITTAL)
    across = AcrossSlices(plane, voxels)
    for index in (0, 1, 2):
        assert np.shares_memory(across.picture(index), voxels)


def test_a_read_only_volume_is_served_too():
    voxels = volume(np.uint16)
    voxels.setflags(write=False)
    plane = plane_of(voxels, PlaneKind.SAGITTAL)
    across = AcrossSlices(plane, voxels)
    across.picture(3)
    np.testing.assert_array_equal(across.picture(4), plane.picture(voxels, 4))


def test_a_held_picture_keeps_its_values():
    voxels = volume(np.int16)
    plane = plane_of(voxels, PlaneKind.SAGITTAL)
    across = AcrossSlices(plane, voxels)
    held = {index: across.picture(index) for index in range(10)}
    for index in range(10, 40):
        across.picture(index)
    for index, picture in held.items():
        np.testing.assert_array_equal(picture, plane.picture(voxels, index))
