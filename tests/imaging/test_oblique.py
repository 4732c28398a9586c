"""Oblique planes equal SimpleITK's linear resampler, at the edges of the volume too."""

import numpy as np
import pytest
import SimpleITK

from medbench.domain.geometry import Geometry
from medbench.imaging.oblique import ObliquePlane, SlabMode, cut_plane, cut_slab

SHAPE = (17, 40, 60)
TURNED = (0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0)


def geometry_of(shape=SHAPE, direction=(1.0, 0, 0, 0, 1, 0, 0, 0, 1)):
    return Geometry(shape, (2.5, 0.7, 0.9), (-20.0, -15.0, 40.0), direction)


def volume(dtype=np.int16, shape=SHAPE):
    return np.random.default_rng(2).integers(0, 250, shape).astype(dtype)


def plane_of(geometry, turn, tilt, shape=(90, 110), spacing_mm=(0.6, 0.5)):
    """Through the middle of the volume, turned about two axes (radians)."""
    row = np.array([np.cos(turn), 0.0, np.sin(turn)])
    column = np.array([-np.sin(turn) * np.sin(tilt), np.cos(tilt), np.cos(turn) * np.sin(tilt)])
    middle = geometry.world_from_index(*(np.array(geometry.shape[::-1]) - 1) / 2)
    origin = middle - row * spacing_mm[1] * shape[1] / 2 - column * spacing_mm[0] * shape[0] / 2
    return ObliquePlane(tuple(origin), tuple(row), tuple(column), spacing_mm, shape)


def by_simpleitk(voxels, geometry, plane, background):
    image = SimpleITK.GetImageFromArray(voxels)
    image.SetSpacing(geometry.spacing_mm[::-1])
    image.SetOrigin(geometry.origin_mm)
    image.SetDirection(geometry.direction)
    resampler = SimpleITK.ResampleImageFilter()
    resampler.SetInterpolator(SimpleITK.sitkLinear)
    resampler.SetSize((plane.shape[1], plane.shape[0], 1))
    resampler.SetOutputOrigin(plane.origin_mm)
    resampler.SetOutputSpacing((plane.spacing_mm[1], plane.spacing_mm[0], 1.0))
    axes = np.stack([plane.row_direction, plane.column_direction, plane.normal], axis=1)
    resampler.SetOutputDirection(axes.ravel().tolist())
    resampler.SetDefaultPixelValue(background)
    resampler.SetOutputPixelType(SimpleITK.sitkFloat32)
    return SimpleITK.GetArrayFromImage(resampler.Execute(image))[0]


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.uint8, np.int32, np.float32])
@pytest.mark.parametrize("direction", [(1.0, 0, 0, 0, 1, 0, 0, 0, 1), TURNED])
@pytest.mark.parametrize(("turn", "tilt"), [(0.5, 0.3), (-1.2, 0.8), (2.5, -0.4)])
def test_values_equal_simpleitk(dtype, direction, turn, tilt):
    geometry = geometry_of(direction=direction)
    voxels, plane = volume(dtype), plane_of(geometry, turn, tilt)
    wanted = by_simpleitk(voxels, geometry, plane, -7)
    found = cut_plane(voxels, geometry, plane, background=-7)
    assert found.dtype == np.float32
    assert 0.1 < (wanted == -7).mean() < 0.95  # some inside, some outside
    np.testing.assert_array_equal(found == -7, wanted == -7)
    np.testing.assert_allclose(found, wanted, atol=2e-3)


def test_threads_do_not_change_a_value():
    geometry = geometry_of()
    voxels, plane = volume(), plane_of(geometry, 0.5, 0.3, (300, 280), (0.2, 0.2))
    one = cut_plane(voxels, geometry, plane, threads=1)
    np.testing.assert_array_equal(cut_plane(voxels, geometry, plane, threads=3), one)


def test_a_plane_on_the_grid_gives_the_voxels():
    geometry = geometry_of()
    voxels = volume()
    for z in (0, 8, 16):
        plane = ObliquePlane(
            tuple(geometry.world_from_index(0, 0, z)),
            (1.0, 0, 0),
            (0, 1.0, 0),
            (0.7, 0.9),
            (40, 60),
        )
        np.testing.assert_array_equal(cut_plane(voxels, geometry, plane), voxels[z])


@pytest.mark.parametrize("shape", [(1, 40, 60), (17, 1, 60), (17, 40, 1)])
def test_a_volume_of_one_voxel_thickness(shape):
    geometry = geometry_of(shape)
    voxels, plane = volume(shape=shape), plane_of(geometry, 0.2, 0.1)
    wanted = by_simpleitk(voxels, geometry, plane, -7)
    np.testing.assert_allclose(cut_plane(voxels, geometry, plane, background=-7), wanted, atol=2e-3)


def test_outside_there_is_only_background():
    geometry = geometry_of()
    plane = plane_of(geometry, 0.5, 0.3).moved(500.0)
    assert (cut_plane(volume(), geometry, plane, background=-3) == -3).all()


def test_slabs_join_parallel_planes():
    geometry = geometry_of()
    voxels, plane = volume(), plane_of(geometry, 0.2, 0.1, (20, 20))
    planes = [cut_plane(voxels, geometry, plane.moved(d)) for d in np.linspace(-1.4, 1.4, 9)]
    for mode, join in (
        (SlabMode.MEAN, np.mean), (SlabMode.MAXIMUM, np.max), (SlabMode.MINIMUM, np.min),
    ):  # fmt: skip
        found = cut_slab(voxels, geometry, plane, 2.8, mode)
        np.testing.assert_allclose(found, join(planes, axis=0), atol=1e-3)
    thin = cut_slab(voxels, geometry, plane, 0.0, SlabMode.MEAN)
    np.testing.assert_array_equal(thin, cut_plane(voxels, geometry, plane))


def test_colour_is_refused():
    geometry = geometry_of()
    with pytest.raises(ValueError, match="grey volume"):
        cut_plane(np.zeros((*SHAPE, 3), np.uint8), geometry, plane_of(geometry, 0.1, 0.1))
