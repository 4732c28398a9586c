"""Turned planes and slabs: analytic volumes, brute force, and the planes they were turned from."""

import itertools

import numpy as np
import pytest

from medbench.domain.geometry import Geometry
from medbench.domain.objects import PlaneGrid
from medbench.imaging.linking import picture_cut
from medbench.imaging.oblique import SlabMode, cut_plane
from medbench.imaging.reslice import PlaneKind, orthogonal_plane
from medbench.imaging.slab import Slab, cut_values, slab_slices, thicker
from medbench.imaging.turned import (
    nearest_rotation,
    plane_angles,
    rotation_about,
    slice_direction_of,
    turned_plane,
    voxel_size_along,
)

CUTS = (PlaneKind.AXIAL, PlaneKind.CORONAL, PlaneKind.SAGITTAL)
TURNED = (0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0)
BACKWARDS = (-1.0, 0, 0, 0, 1, 0, 0, 0, -1)
AXIS = np.array([1.0, 2.0, 0.5]) / np.linalg.norm([1.0, 2.0, 0.5])


def geometry_of(
    direction=(1.0, 0, 0, 0, 1, 0, 0, 0, 1), spacing=(2.5, 0.7, 0.9), shape=(20, 44, 52)
):
    return Geometry(shape, spacing, (-20.0, -15.0, 40.0), direction)


def world(geometry):
    """Patient point of every voxel, (z, y, x, 3)."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij"), axis=-1)
    return index[..., ::-1] @ geometry.matrix[:3, :3].T + geometry.matrix[:3, 3]


def points_of(plane, index):
    rows, columns = plane.shape[1:]
    return np.array([[plane.point_of(index, r, c) for c in range(columns)] for r in range(rows)])


@pytest.mark.parametrize("direction", [(1.0, 0, 0, 0, 1, 0, 0, 0, 1), TURNED, BACKWARDS])
@pytest.mark.parametrize("kind", CUTS)
def test_a_ramp_keeps_its_values_in_a_turned_plane(direction, kind):
    geometry = geometry_of(direction)
    slope = np.array([0.3, -0.7, 1.1])
    voxels = (world(geometry) @ slope).astype(np.float32)
    middle = geometry.world_from_index(*(np.array(geometry.shape[::-1]) - 1) / 2)
    plane = turned_plane(orthogonal_plane(geometry, kind), rotation_about(AXIS, 0.5), middle)
    index = round(plane.place_of(middle)[0])
    found = plane.picture(voxels, index)
    points = points_of(plane, index)
    voxel = (points - geometry.origin_mm) @ np.linalg.inv(geometry.matrix[:3, :3]).T
    last = np.array(geometry.shape[::-1]) - 1
    inside = ((voxel >= 0) & (voxel <= last)).all(axis=-1)
    assert 0.1 < inside.mean() < 0.95
    np.testing.assert_allclose(found[inside], (points @ slope)[inside], atol=1e-3)
    beyond = ((voxel < -0.51) | (voxel > last + 0.51)).any(axis=-1)
    assert np.isnan(found[beyond]).all()


def test_a_sphere_cut_off_centre_has_the_radius_of_geometry():
    geometry = geometry_of(spacing=(1.0, 1.0, 1.0), shape=(64, 64, 64))
    middle = geometry.world_from_index(31, 32, 30)
    radius, away = 20.0, 8.0
    distance = np.linalg.norm(world(geometry) - middle, axis=-1)
    voxels = np.clip(radius - distance + 0.5, 0, 1).astype(np.float32)
    plane = turned_plane(
        orthogonal_plane(geometry, PlaneKind.AXIAL), rotation_about(AXIS, 0.7), middle
    )
    direction = slice_direction_of(plane)
    index = plane.place_of(middle + away * direction)[0]
    assert index == pytest.approx(round(index), abs=1e-9)  # a millimetre a step
    picture = np.nan_to_num(plane.picture(voxels, round(index)))
    wanted = np.pi * (radius**2 - away**2)
    assert picture.sum() * plane.spacing_mm[1] * plane.spacing_mm[2] == pytest.approx(
        wanted, rel=0.005
    )


@pytest.mark.parametrize("kind", CUTS)
def test_a_plane_turned_by_nothing_is_the_straight_plane(kind):
    voxels = np.random.default_rng(0).integers(-500, 500, (20, 44, 52)).astype(np.int16)
    even = geometry_of(spacing=(0.8, 0.8, 0.8))
    plane = orthogonal_plane(even, kind)
    pivot = even.world_from_index(20, 17, 9)
    turned = turned_plane(plane, np.eye(3), pivot)
    assert turned.shape == plane.shape
    for index in (0, 5, plane.shape[0] - 1):
        np.testing.assert_array_equal(turned.picture(voxels, index), plane.picture(voxels, index))
        np.testing.assert_allclose(turned.point_of(index, 3, 4), plane.point_of(index, 3, 4))
    assert turned.letters() == plane.letters()
    uneven = geometry_of()  # square pixels then: every other one lies between voxels
    plane = orthogonal_plane(uneven, kind)
    turned = turned_plane(plane, np.eye(3), uneven.world_from_index(20, 17, 9))
    assert turned.spacing_mm[1:] == (0.7, 0.7)
    assert turned.spacing_mm[0] == pytest.approx(plane.spacing_mm[0])


@pytest.mark.parametrize("direction", [TURNED, BACKWARDS])
@pytest.mark.parametrize("kind", CUTS)
def test_places_come_back(direction, kind):
    geometry = geometry_of(direction)
    plane = turned_plane(
        orthogonal_plane(geometry, kind), rotation_about(AXIS, -1.1), (3.0, 4.0, 60.0)
    )
    for place in ((0, 0, 0), (7.3, 12.25, 30.5), (2, 100, -4)):
        assert plane.place_of(plane.point_of(*place)) == pytest.approx(place, abs=1e-6)
    at = plane.place_of((3.0, 4.0, 60.0))
    assert at == pytest.approx([round(v) for v in at], abs=1e-9)  # the pivot is a pixel's centre
    voxel = plane.voxel_of(1, 2, 3)
    np.testing.assert_allclose(geometry.world_from_index(*voxel), plane.point_of(1, 2, 3))
    # a length along a slanted line of the picture is the length in the patient
    a, b = np.array((4.0, 10.0)), np.array((31.0, 55.0))
    in_picture = np.hypot(*((a - b) * plane.spacing_mm[1:]))
    in_patient = np.linalg.norm(plane.point_of(6, *a) - plane.point_of(6, *b))
    assert in_picture == pytest.approx(in_patient, abs=1e-9)


def test_neighbouring_pictures_lie_one_voxel_apart_and_hold_the_volume():
    geometry = geometry_of()
    straight = [voxel_size_along(geometry, v) for v in np.eye(3)]
    assert straight == pytest.approx([0.9, 0.7, 2.5])
    plane = turned_plane(
        orthogonal_plane(geometry, PlaneKind.CORONAL), rotation_about(AXIS, 0.4), (0, 0, 50)
    )
    step = np.linalg.norm(plane.point_of(3, 0, 0) - plane.point_of(2, 0, 0))
    assert step == pytest.approx(voxel_size_along(geometry, slice_direction_of(plane)))
    last = np.array(geometry.shape[::-1]) - 1
    for corner in itertools.product(*((0, n) for n in last)):
        place = np.array(plane.place_of(geometry.world_from_index(*corner)))
        assert (place > -1e-6).all()
        assert (place < np.array(plane.shape) - 1 + 1e-6).all()


def test_rotations_stay_rotations():
    turn = np.eye(3)
    for _ in range(500):
        turn = nearest_rotation(rotation_about(AXIS, 0.01) @ turn)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(turn, rotation_about(AXIS, 5.0), atol=1e-9)
    # right-handed: x turns to y about z
    np.testing.assert_allclose(
        rotation_about((0, 0, 1), np.pi / 2) @ (1, 0, 0), (0, 1, 0), atol=1e-12
    )


@pytest.mark.parametrize(
    ("axis", "degrees", "letters", "angles"),
    [
        ((1, 0, 0), 0, "T>S>C", (0, 0)),
        ((1, 0, 0), -20, "T>C>S", (20, 0)),
        ((0, 1, 0), 30, "T>S>C", (30, 0)),
        ((1, 0, 0), 100, "C>T>S", (10, 0)),
    ],
)
def test_angles_are_written_as_scanners_do(axis, degrees, letters, angles):
    normal = rotation_about(axis, np.radians(degrees)) @ (0, 0, 1)
    found, values = plane_angles(normal)
    assert found == letters
    assert values == pytest.approx(angles, abs=1e-9)


@pytest.mark.parametrize("direction", [(1.0, 0, 0, 0, 1, 0, 0, 0, 1), BACKWARDS])
@pytest.mark.parametrize("kind", CUTS)
@pytest.mark.parametrize("mode", list(SlabMode))
def test_straight_slabs_equal_brute_force(direction, kind, mode):
    geometry = geometry_of(direction)
    voxels = np.random.default_rng(1).integers(-500, 500, geometry.shape).astype(np.int16)
    plane = orthogonal_plane(geometry, kind)
    join = {"mean": np.mean, "maximum": np.max, "minimum": np.min}[mode.value]
    for index in (0, 7, plane.shape[0] - 1):
        near = [
            plane.picture(voxels, i).astype(float)
            for i in range(plane.shape[0])
            if abs(i - index) * plane.spacing_mm[0] <= 6.0 / 2 + 1e-9
        ]
        assert len(near) == len(slab_slices(plane, index, 6.0))
        found = cut_values(plane, voxels, index, Slab(mode, 6.0))
        np.testing.assert_allclose(found, join(near, axis=0), atol=1e-3)
        assert found.dtype == (np.float32 if mode is SlabMode.MEAN else np.int16)


@pytest.mark.parametrize("mode", list(SlabMode))
def test_padding_takes_no_part_in_a_slab(mode):
    geometry = geometry_of()
    voxels = np.random.default_rng(2).integers(-500, 500, geometry.shape).astype(np.int16)
    voxels[:4] = -2000
    voxels[:, :5] = -2000
    plane = orthogonal_plane(geometry, PlaneKind.AXIAL)
    found = cut_values(plane, voxels, 4, Slab(mode, 10.0), padding=(-2000, -2000))
    real = np.ma.masked_equal(voxels[2:7].astype(float), -2000)
    wanted = {"mean": real.mean, "maximum": real.max, "minimum": real.min}[mode.value](axis=0)
    np.testing.assert_allclose(found, wanted.filled(-2000), atol=1e-3)
    assert (found[:5] == -2000).all()


@pytest.mark.parametrize("mode", list(SlabMode))
def test_turned_slabs_equal_the_planes_inside_them(mode):
    geometry = geometry_of(TURNED)
    voxels = np.random.default_rng(3).integers(-500, 500, geometry.shape).astype(np.int16)
    plane = turned_plane(
        orthogonal_plane(geometry, PlaneKind.SAGITTAL), rotation_about(AXIS, 0.3), (0, 0, 60)
    )
    index = plane.shape[0] // 2
    found = cut_values(plane, voxels, index, Slab(mode, 5.0))
    planes = [
        cut_plane(voxels, geometry, plane.grid(index).moved(d), background=np.nan)
        for d in np.linspace(-2.5, 2.5, 16)
    ]
    empty = np.isnan(planes).all(axis=0)
    np.testing.assert_array_equal(np.isnan(found), empty)
    join = {"mean": np.nanmean, "maximum": np.nanmax, "minimum": np.nanmin}[mode.value]
    filled = np.where(empty, 0, planes)
    np.testing.assert_allclose(found[~empty], join(filled, axis=0)[~empty], atol=1e-3)


def test_fewer_pixels_show_the_same_places():
    geometry = geometry_of(spacing=(1.0, 1.0, 1.0), shape=(40, 40, 40))
    voxels = (world(geometry) @ [1.0, 2.0, 3.0]).astype(np.float32)
    plane = turned_plane(
        orthogonal_plane(geometry, PlaneKind.AXIAL), rotation_about(AXIS, 0.3), (0, 0, 60)
    )
    index = round(plane.place_of((0, 0, 60))[0])
    rows, columns = plane.shape[1] // 2, plane.shape[2] // 2
    few = cut_values(plane, voxels, index, shape=(rows, columns))
    tall, wide = plane.shape[1] / rows, plane.shape[2] / columns
    point = plane.point_of(index, (20 + 0.5) * tall - 0.5, (18 + 0.5) * wide - 0.5)
    assert few[20, 18] == pytest.approx(float(point @ [1.0, 2.0, 3.0]), abs=1e-3)


def test_slabs_grow_by_two_slices_and_vanish():
    slab = thicker(None, 2.5, 1)
    assert slab == Slab(SlabMode.MAXIMUM, 5.0)
    assert thicker(slab, 2.5, 2) == Slab(SlabMode.MAXIMUM, 15.0)
    assert thicker(Slab(SlabMode.MEAN, 5.0), 0.3, -1) == Slab(SlabMode.MEAN, 4.0)
    assert thicker(slab, 2.5, -1) is None
    assert thicker(None, 2.5, -1) is None


def test_a_picture_cuts_another_where_geometry_says():
    corners = np.array([(0, 0, 5), (10, 0, 5), (10, 8, 5), (0, 8, 5)], float)
    sagittal = PlaneGrid((4.0, 0, 20), (0, 1, 0), (0, 0, -1), 1, 1, 20, 20)
    ends = picture_cut(corners, sagittal)
    np.testing.assert_allclose(sorted(map(tuple, ends)), [(4, 0, 5), (4, 8, 5)])
    beside = PlaneGrid((14.0, 0, 20), (0, 1, 0), (0, 0, -1), 1, 1, 20, 20)
    assert picture_cut(corners, beside) is None
    same = PlaneGrid((0.0, 0, 5), (1, 0, 0), (0, 1, 0), 1, 1, 20, 20)
    assert picture_cut(corners, same) is None
