"""Pictures of volumes beside numpy, scipy.ndimage and a ray caster that does one ray at a time."""

import math
import time

import numpy as np
import pytest
from scipy.ndimage import affine_transform, binary_erosion, gaussian_filter, map_coordinates

from medbench.base.errors import BadInputError, CancelledError
from medbench.domain.geometry import Geometry
from medbench.imaging.render3d import Scene, VolumeSource, levels_of, look_at, pick, render
from medbench.imaging.render3d_camera import (
    STANDARD_VIEWS,
    Sight,
    camera_at,
    standard_camera,
)
from medbench.imaging.render3d_cast import OPAQUE_BELOW, composite, main_axis, shear_of
from medbench.imaging.render3d_grid import FULL_BOX, Slices, grid_of, reduced, refinement
from medbench.imaging.render3d_presets import VolumeMode
from medbench.imaging.render3d_shade import TABLE_SIZE, Light, Material, Shading, Transfer

STRAIGHT = (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)


def oblique_direction():
    a, b = 0.3, -0.2
    turn_z = [[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0], [0, 0, 1]]
    turn_x = [[1, 0, 0], [0, math.cos(b), -math.sin(b)], [0, math.sin(b), math.cos(b)]]
    return tuple((np.array(turn_z) @ np.array(turn_x)).ravel())


def volume(shape=(17, 20, 23), spacing=(1.0, 1.0, 1.0), direction=STRAIGHT, seed=0, smooth=0.0):
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 300, shape)
    if smooth:
        values = gaussian_filter(values, smooth)
        values *= 300 / values.std()
    geometry = Geometry(shape, spacing, (-40.0, 12.0, 7.5), direction)
    return values, geometry


def exact_sight(geometry, camera, rows, columns, mm=1.0):
    """One screen pixel a millimetre times ``mm``."""
    return Sight(camera, rows, columns, look_at_centre(geometry), min(rows, columns) * mm)


def look_at_centre(geometry):
    z, y, x = geometry.shape
    return tuple(geometry.world_from_index((x - 1) / 2, (y - 1) / 2, (z - 1) / 2))


@pytest.mark.parametrize("side", STANDARD_VIEWS)
@pytest.mark.parametrize("mode", [VolumeMode.MIP, VolumeMode.MINIP])
def test_along_the_axes_a_projection_is_that_of_the_array(side, mode):
    voxels = volume()[0].astype(np.int16)
    geometry = volume()[1]
    join = np.max if mode is VolumeMode.MIP else np.min
    expected = {
        "A": join(voxels, axis=1)[::-1], "P": join(voxels, axis=1)[::-1, ::-1],
        "L": join(voxels, axis=2)[::-1], "R": join(voxels, axis=2)[::-1, ::-1],
        "H": join(voxels, axis=0)[:, ::-1], "F": join(voxels, axis=0),
    }[side]  # fmt: skip
    sight = exact_sight(geometry, standard_camera(side), *expected.shape)
    found = render(VolumeSource(voxels, geometry), Scene(mode), sight)
    assert np.array_equal(found.values, expected)
    assert found.fine


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (28, 14), (-70, 35), (155, -50), (91, 0)])
@pytest.mark.parametrize("direction", [STRAIGHT, oblique_direction()])
def test_a_point_lies_where_the_projection_says(yaw, pitch, direction):
    shape, spacing = (30, 64, 50), (3.0, 0.9, 1.1)
    _, geometry = volume(shape, spacing, direction)
    index = np.array([31.3, 24.6, 12.4])  # x, y, z
    z, y, x = np.indices(shape)
    mm = np.array([(x - index[0]) * 1.1, (y - index[1]) * 0.9, (z - index[2]) * 3.0])
    voxels = (1000 * np.exp(-(mm**2).sum(axis=0) / (2 * 4.0**2))).astype(np.float32)
    sight = look_at(VolumeSource(voxels, geometry), camera_at(yaw, pitch, 1.3), 240, 320)
    picture = render(VolumeSource(voxels, geometry), Scene(), sight).values
    weight = np.where(picture > 400, picture, 0)
    rows, columns = np.indices(picture.shape)
    found = [(weight * part).sum() / weight.sum() for part in (rows, columns)]
    point = geometry.world_from_index(*index)
    expected = sight.place_of(point)
    assert np.allclose(found, expected, atol=0.35)
    centre = np.asarray(look_at_centre(geometry))
    right, down, _ = sight.camera.rotation
    scale = 1.3 * 240 / sight.extent_mm
    by_hand = (119.5 + down @ (point - centre) * scale, 159.5 + right @ (point - centre) * scale)
    assert np.allclose(expected, by_hand)


@pytest.mark.parametrize(("yaw", "pitch"), [(33, 21), (-62, -38), (128, 64)])
def test_a_turned_projection_against_scipy(yaw, pitch):
    voxels, geometry = volume((40, 44, 48), smooth=2.5)
    camera = camera_at(yaw, pitch)
    sight = exact_sight(geometry, camera, 56, 60)
    found = render(VolumeSource(voxels.astype(np.float32), geometry), Scene(), sight).values
    # the volume on a grid of screen directions, then the maximum into the screen
    depth = 90
    right, down, into = camera.rotation
    into_array = np.linalg.inv(grid_of(voxels, geometry).matrix)
    axes = np.stack([into, down, right], axis=1)  # (depth, row, column) steps of 1 mm
    start = np.asarray(look_at_centre(geometry)) - axes @ [(depth - 1) / 2, 27.5, 29.5]
    matrix = into_array[:3, :3] @ axes
    offset = into_array[:3, :3] @ start + into_array[:3, 3]
    low = voxels.min()
    turned = affine_transform(
        voxels, matrix, offset, (depth, 56, 60), order=1, mode="constant", cval=low
    )
    expected = turned.max(axis=0)
    span = voxels.max() - low
    inside = binary_erosion(expected > low, iterations=4)  # rays at the rim cut a corner only
    assert inside.mean() > 0.3
    error = np.abs(found - expected)[inside] / span
    assert error.mean() < 0.01
    assert np.percentile(error, 99) < 0.05


def test_thick_slices_keep_their_place_and_their_values():
    voxels, geometry = volume((9, 30, 31), (5.0, 1.0, 1.0))
    voxels = voxels.astype(np.float32)
    source = VolumeSource(voxels, geometry)
    sight = Sight(standard_camera("A"), 41, 31, look_at_centre(geometry), 31.0)
    found = render(source, Scene(), sight).values
    assert np.allclose(found[::5], voxels.max(axis=1)[::-1], atol=1e-3)
    between = (voxels[3] + voxels[4]) / 2  # half way: the maximum of what lies between
    slices = Slices(source.grid, 1, refinement(source.grid, 1.0, 10**9))
    assert slices.rows == 41
    row = [slices.get(y, 17, 18)[0] for y in range(30)]
    assert np.allclose(row, voxels[3] * 0.6 + voxels[4] * 0.4, atol=1e-3)
    assert between.max() < voxels[3:5].max()


def test_a_magnified_picture_holds_trilinear_values():
    voxels, geometry = volume((12, 12, 12), smooth=1.0)
    source = VolumeSource(voxels.astype(np.float32), geometry)
    sight = Sight(standard_camera("F"), 36, 36, look_at_centre(geometry), 12.0)
    found = render(source, Scene(), sight).values
    at = (np.arange(36) - 17.5) / 3 + 5.5
    inside = (at >= 0) & (at <= 11)
    rows, columns = np.meshgrid(at[inside], at[inside], indexing="ij")
    planes = [
        map_coordinates(voxels, [np.full_like(rows, z), rows, columns], order=1)
        for z in np.linspace(0, 11, 34)
    ]
    expected = np.max(planes, axis=0)
    part = found[np.ix_(inside, inside)]
    # the maximum is taken at three samples a voxel and interpolated between them
    assert np.abs(part - expected).max() < 0.05 * (voxels.max() - voxels.min())
    assert np.abs(part - expected).mean() < 0.006 * (voxels.max() - voxels.min())


def test_a_clipping_box_is_a_smaller_volume():
    voxels, geometry = volume((20, 20, 20))
    voxels = voxels.astype(np.int16)
    box = ((0.25, 1.0), (0.0, 0.5), (0.1, 0.9))
    sight = exact_sight(geometry, standard_camera("F"), 20, 20)
    found = render(VolumeSource(voxels, geometry), Scene(box=box), sight).values
    assert np.array_equal(found[:10, 2:18], voxels[5:, :10, 2:18].max(axis=0))
    assert (found[10:] == voxels.min()).all()
    assert (found[:, :2] == voxels.min()).all()


def ramp(material=None):
    at = np.linspace(0, 1, TABLE_SIZE)
    opacity = np.clip(at * 1.4 - 0.3, 0, 0.8).astype(np.float32)
    colour = np.stack([at, 1 - at, np.full_like(at, 0.5)]).astype(np.float32)
    return Transfer(-300.0, 500.0, opacity, colour, material or Material())


def one_ray(voxels, geometry, sight, transfer, row, column, *, lit, until=0.0):
    """Reference: one ray, sample by sample on the slices of its main axis."""
    into_array = np.linalg.inv(grid_of(voxels, geometry).matrix)
    begin = into_array[:3, :3] @ sight.point_at(row, column) + into_array[:3, 3]
    along = into_array[:3, :3] @ sight.camera.rotation[2]
    axis = int(np.argmax(np.abs(along)))
    step = along / abs(along[axis])  # one slice on, into the screen
    first = 0 if along[axis] > 0 else voxels.shape[axis] - 1
    begin = begin + step * ((first - begin[axis]) * np.sign(along[axis]))
    step_mm = 1 / abs(along[axis])
    low = voxels.min()

    def value(place):
        inside = all(-1e-6 <= p <= n - 1 + 1e-6 for p, n in zip(place, voxels.shape, strict=True))
        if not inside:
            return low
        return map_coordinates(voxels, np.reshape(place, (3, 1)), order=1, mode="nearest")[0]

    spacing = geometry.spacing_mm
    light = np.array([-0.35, -0.45, -1.0])
    light /= np.linalg.norm(light)
    half = light + np.array([0, 0, -1.0])
    half /= np.linalg.norm(half)
    axes = grid_of(voxels, geometry).matrix[:3, :3] / spacing
    out, through = np.zeros(3), 1.0
    others = [i for i in range(3) if i != axis]
    for i in range(voxels.shape[axis]):
        place = begin + step * i
        here = value(place)
        if here == low or through <= until:
            continue
        at = int(np.clip((here - transfer.low) / (transfer.high - transfer.low)
                         * (TABLE_SIZE - 1) + 0.5, 0, TABLE_SIZE - 1))  # fmt: skip
        alpha = 1 - (1 - float(transfer.opacity[at])) ** step_mm
        colour = transfer.colour[:, at].astype(float)
        brightness, shine = 1.0, 0.0
        if lit:
            slope = np.zeros(3)
            for o in others:
                unit = np.eye(3)[o]
                slope[o] = (value(place + unit) - value(place - unit)) / 2
            ray = (value(place + step) - value(place - step)) / 2
            ray -= sum(step[o] * slope[o] for o in others)
            slope[axis] = ray * np.sign(along[axis])
            slope = axes @ (slope / spacing)  # per mm in the patient
            screen = sight.camera.rotation @ slope
            flat = (transfer.high - transfer.low) * 0.005
            length = np.linalg.norm(screen) + flat
            material = transfer.material
            brightness = material.ambient + material.diffuse * min(
                1.0, (abs(screen @ light) + flat) / length)  # fmt: skip
            shine = material.specular * (abs(screen @ half) / length) ** material.shininess
        out += through * alpha * (colour * brightness + shine)
        through -= through * alpha
    return out


@pytest.mark.parametrize("lit", [False, True])
@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (25, 17), (-120, 40), (200, -72)])
def test_shaded_rays_against_one_ray_at_a_time(lit, yaw, pitch):
    voxels, geometry = volume((15, 18, 16), (1.4, 0.9, 1.1), oblique_direction(), smooth=2.0)
    voxels = voxels.astype(np.float32)
    for axis in range(3):  # nothing to be seen at the edges: cut faces are another test's
        np.moveaxis(voxels, axis, 0)[[0, 1, -2, -1]] = -1000.0
    material = Material(0.2, 0.7, 0.3, 8) if lit else Material(1.0, 0.0, 0.0, 1)
    transfer = ramp(material)
    grid = grid_of(voxels, geometry)
    sight = look_at(VolumeSource(voxels, geometry), camera_at(yaw, pitch), 61, 61)
    axis = main_axis(grid.matrix, sight.camera.rotation[2])
    slices = Slices(grid, axis, (1, 1, 1))
    shear = shear_of(slices, axis, sight)
    shading = Shading(transfer, shear.step_mm, voxels.min())
    light = Light(slices.matrix, axis, shear.shift, sight, forward=shear.forward)
    window = (0, shear.shape[0], 0, shear.shape[1])
    found = composite(slices, shear, light, shading, window)
    to_screen = np.linalg.inv(np.vstack([shear.warp, [0, 0, 1]]))
    bright = 0
    for row, column in np.ndindex(*shear.shape):
        if (row * 7 + column * 3) % 19 == 0:
            at = to_screen @ [row, column, 1]
            # a ray may end once it lets less than OPAQUE_BELOW through: between these two
            ended, whole = (
                one_ray(voxels, geometry, sight, transfer, *at[:2], lit=lit, until=until)
                for until in (OPAQUE_BELOW, 0.0)
            )
            assert (found[:, row, column] >= ended - 1e-3).all(), (row, column)
            assert (found[:, row, column] <= whole + 1e-3).all(), (row, column)
            bright += whole.sum() > 0.3
    assert bright >= 4


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (25, 17), (-50, 60)])
def test_cut_faces_show_tissue_and_no_wall(yaw, pitch):
    """An even block, cut on all sides, is lit evenly: as even tissue, whatever the side."""
    even = VolumeSource(np.full((24, 24, 24), 100, np.int16), volume((24, 24, 24))[1])
    at = np.linspace(0, 1, TABLE_SIZE)
    bone = Transfer(
        0.0, 200.0, np.clip(at * 3, 0, 0.97).astype(np.float32),
        np.full((3, TABLE_SIZE), 0.5, np.float32), Material(0.2, 0.7, 0.6, 8),
    )  # fmt: skip
    sight = look_at(even, camera_at(yaw, pitch), 60, 60)
    box = ((0.2, 0.9), (0.0, 0.8), (0.1, 1.0))
    found = render(even, Scene(VolumeMode.SHADED, bone, box), sight).colours[..., 0]
    inside = binary_erosion(found > 20, iterations=3)
    assert inside.sum() > 200
    assert np.abs(found[inside] / 255 - 0.5 * (0.2 + 0.7)).max() < 0.02


def test_opacity_does_not_depend_on_the_step():
    voxels = np.full((40, 12, 12), 100, np.int16)
    voxels[:, 0] = -1000
    thin = VolumeSource(voxels, Geometry((40, 12, 12), (0.5, 1, 1), (0, 0, 0), STRAIGHT))
    thick = VolumeSource(voxels[::4], Geometry((10, 12, 12), (2.0, 1, 1), (0, 0, 0), STRAIGHT))
    at = np.linspace(0, 1, TABLE_SIZE)
    even = Transfer(
        0.0, 200.0, np.full(TABLE_SIZE, 0.05, np.float32), np.stack([at] * 3).astype(np.float32),
        Material(1.0, 0.0, 0.0, 1),
    )  # fmt: skip
    found = []
    for source in (thin, thick):
        sight = look_at(source, standard_camera("F"), 24, 24)
        found.append(render(source, Scene(VolumeMode.SHADED, even), sight).colours[12, 12, 0])
    expected = 255 * 0.5 * (1 - 0.95 ** np.array([20, 19]))  # mm between the outermost samples
    assert np.allclose(found, expected, atol=1.0)


def test_reduced_copies_keep_extremes_and_places():
    voxels, geometry = volume((33, 70, 41), (2.0, 0.5, 0.75))
    voxels = voxels.astype(np.int16)
    grid = grid_of(voxels, geometry)
    for how, function in (("maximum", np.max), ("minimum", np.min), ("mean", np.mean)):
        small = reduced(grid, how, 20)
        assert small.values.shape == (16, 17, 13)
        block = voxels[4:6, 12:16, 9:12]
        assert small.values[2, 3, 3] == pytest.approx(function(block), abs=1e-3)
        middle = small.matrix @ [2, 3, 3, 1]
        assert np.allclose(middle[:3], geometry.world_from_index(10, 13.5, 4.5))
    whole = reduced(grid_of(voxels[:32, :68, :39], geometry), "maximum", 20)
    assert whole.values.max() == voxels[:32, :68, :39].max()


def test_the_picture_of_the_moving_hand_is_like_the_full_one():
    voxels, geometry = volume((96, 180, 200), (1.2, 0.7, 0.7), smooth=4.0)
    source = VolumeSource(voxels.astype(np.int16), geometry)
    sight = look_at(source, camera_at(40, 20), 150, 150)
    full = render(source, Scene(), sight).values
    fast = render(source, Scene(), sight, fine=False)
    assert not fast.fine
    span = voxels.max() - voxels.min()
    assert np.abs(fast.values - full).mean() / span < 0.03


def test_levels_hold_the_values_of_a_projection():
    values = np.random.default_rng(3).normal(0, 400, (60, 70)).astype(np.float32)
    levels = levels_of(values)
    span = values.max() - values.min()
    assert np.abs(levels.values[levels.index] - values).max() <= span / 65535
    flat = levels_of(np.full((3, 4), 7.0, np.float32))
    assert (flat.values[flat.index] == 7.0).all()


def test_a_busy_machine_gets_a_smaller_copy():
    voxels, geometry = volume((170, 60, 60))
    source = VolumeSource(voxels.astype(np.int16), geometry)
    assert source.moving(VolumeMode.MIP).values.shape == (85, 60, 60)
    for seconds in (1.0, 1.0, 0.01, 1.0, 1.0):
        source.took(VolumeMode.MIP, seconds)
    assert source.moving(VolumeMode.MIP).values.shape == (85, 60, 60)
    source.took(VolumeMode.MIP, 1.0)
    assert source.moving(VolumeMode.MIP).values.shape == (85, 60, 60)  # 112 voxels an edge
    source = VolumeSource(np.zeros((100, 140, 60), np.int16), geometry)
    for _ in range(3):
        source.took(VolumeMode.SHADED, 1.0)
    assert source.moving(VolumeMode.SHADED).values.shape == (50, 70, 60)
    assert source.moving(VolumeMode.MIP).values.shape == (100, 140, 60)


def test_pick_finds_what_is_seen():
    shape, spacing = (24, 40, 36), (2.0, 1.0, 1.0)
    voxels = np.zeros(shape, np.int16)
    voxels[10, 25, 14] = 1000
    geometry = Geometry(shape, spacing, (5, -7, 9), oblique_direction())
    source = VolumeSource(voxels, geometry)
    point = geometry.world_from_index(14, 25, 10)
    for yaw, pitch in ((0, 0), (50, 30), (-140, -20)):
        sight = look_at(source, camera_at(yaw, pitch, 1.4), 200, 260)
        found = pick(source, Scene(), sight, *sight.place_of(point))
        assert np.linalg.norm(found - point) < 0.6
    sight = look_at(source, standard_camera("A"), 200, 200)
    assert pick(source, Scene(), sight, -4000, 0) is None
    wall = np.full(shape, -1000, np.int16)
    wall[:, 20:, :] = 1000  # from the front, row 20 is the first that is seen
    source = VolumeSource(wall, Geometry(shape, spacing, (0, 0, 0), STRAIGHT))
    at = np.linspace(0, 1, TABLE_SIZE).astype(np.float32)
    bone = Transfer(0.0, 500.0, at, np.stack([at] * 3))
    scene = Scene(VolumeMode.SHADED, bone)
    sight = look_at(source, standard_camera("A"), 100, 100)
    assert pick(source, scene, sight, 49.5, 49.5)[1] == pytest.approx(20, abs=1.0)
    clear = Scene(VolumeMode.SHADED, Transfer(2000.0, 3000.0, at, np.stack([at] * 3)))
    assert pick(source, clear, sight, 49.5, 49.5) is None


def test_cancelling_stops_a_picture_soon():
    voxels, geometry = volume((64, 64, 64))
    source = VolumeSource(voxels, geometry)
    sight = look_at(source, camera_at(30, 30), 300, 300)
    with pytest.raises(CancelledError):
        render(source, Scene(), sight, cancelled=lambda: True)
    with pytest.raises(CancelledError):
        render(source, Scene(VolumeMode.SHADED, ramp()), sight, cancelled=lambda: True)
    with pytest.raises(CancelledError):
        source.moving(VolumeMode.MIP, lambda: True)


def test_what_cannot_be_shown_says_so():
    voxels, geometry = volume((5, 6, 7))
    with pytest.raises(BadInputError, match="regular grey volume"):
        VolumeSource(np.zeros((5, 6, 7, 3), np.uint8), geometry)
    source = VolumeSource(voxels, geometry)
    with pytest.raises(BadInputError, match="needs a preset"):
        render(source, Scene(VolumeMode.SHADED), look_at(source, standard_camera("A"), 9, 9))


def test_odd_volumes():
    flat = np.arange(3 * 1 * 5, dtype=np.int16).reshape(3, 1, 5)
    geometry = Geometry((3, 1, 5), (1.0, 1.0, 1.0), (0, 0, 0), STRAIGHT)
    source = VolumeSource(flat, geometry)
    sight = exact_sight(geometry, standard_camera("A"), 3, 5)
    assert np.array_equal(render(source, Scene(), sight).values, flat[::-1, 0])
    holes = np.full((6, 6, 6), 7.0, np.float32)
    holes[2, 2, 2] = np.nan
    holes[3, 3, 3] = np.inf
    geometry = Geometry((6, 6, 6), (1.0, 1.0, 1.0), (0, 0, 0), STRAIGHT)
    source = VolumeSource(holes, geometry)
    found = render(source, Scene(), look_at(source, camera_at(20, 10), 12, 12)).values
    assert np.isfinite(found).all()
    assert (VolumeSource(np.zeros((4, 4, 4), np.int16), geometry).value_range) == (0.0, 1.0)


def test_the_whole_box_is_no_copy():
    voxels, geometry = volume((5, 6, 7))
    grid = grid_of(voxels, geometry)
    assert grid.cropped(FULL_BOX) is grid
    assert grid.cropped(((0.5, 0.5), (0, 1), (0, 1))).values.shape == (2, 6, 7)


def test_a_frame_of_a_large_volume_is_quick():
    """Fifteen frames a second are asked for; a machine that does other work needs some room."""
    voxels = np.random.default_rng(1).integers(-1000, 1500, (128, 128, 128)).astype(np.int16)
    source = VolumeSource(voxels, Geometry(voxels.shape, (1, 1, 1), (0, 0, 0), STRAIGHT))
    render(source, Scene(), look_at(source, camera_at(0, 0), 300, 300), fine=False)
    spent = []
    for i in range(9):
        begin = time.perf_counter()
        sight = look_at(source, camera_at(40 * i, 10), 300, 300)
        render(source, Scene(), sight, fine=False)
        spent.append(time.perf_counter() - begin)
    assert np.median(spent) < 0.2
