"""Regions of interest against exact arithmetic, brute force and the numbers of trap T37."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from scipy.integrate import quad

from medbench.domain.geometry import Geometry
from medbench.domain.measurement import MeasurementKind
from medbench.imaging.reslice import PlaneKind, orthogonal_plane
from medbench.imaging.roi import (
    axis_ends,
    ellipse_ends,
    ellipse_perimeter,
    outline_area_px,
    outline_length,
    region_histogram,
    region_of,
    region_statistics,
)

K = MeasurementKind
SHAPE = (23, 29)


def circle(centre, radius_mm, pixel=(1.0, 1.0)):
    row, column = centre
    high, wide = radius_mm / pixel[0], radius_mm / pixel[1]
    return ellipse_ends((row - high, column - wide), (row + high, column + wide), pixel)


def exactly_inside(corners, row, column):
    """Even-odd rule in fractions; the outline itself is inside."""
    odd = False
    for (r0, c0), (r1, c1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        cross = (c1 - c0) * (row - r0) - (r1 - r0) * (column - c0)
        along_row = min(r0, r1) <= row <= max(r0, r1)
        along_column = min(c0, c1) <= column <= max(c0, c1)
        if cross == 0 and along_row and along_column:
            return True
        if (r0 <= row) != (r1 <= row) and c0 + (row - r0) * (c1 - c0) / (r1 - r0) > column:
            odd = not odd
    return odd


@pytest.mark.parametrize("seed", range(12))
def test_polygons_cover_exactly_the_centres_inside(seed):
    random = np.random.default_rng(seed)
    # halves make corners and whole edges lie on pixel centres, which is where rules differ
    corners = [
        (Fraction(int(r), 2), Fraction(int(c), 2))
        for r, c in random.integers(-8, 60, (int(random.integers(3, 12)), 2))
    ]
    found = region_of(K.POLYLINE, [(float(r), float(c)) for r, c in corners], SHAPE).mask(SHAPE)
    wanted = np.zeros(SHAPE, bool)
    for row, column in itertools.product(*map(range, SHAPE)):
        wanted[row, column] = exactly_inside(corners, Fraction(row), Fraction(column))
    assert (found == wanted).all()


def test_a_turned_ellipse_covers_the_centres_its_equation_names():
    turn, first, second, centre = np.deg2rad(33), 8.3, 3.7, np.array([10.2, 14.6])
    along = np.array([np.sin(turn), np.cos(turn)])
    across = np.array([np.cos(turn), -np.sin(turn)])
    points = axis_ends(centre, along * first, across * second)
    row, column = np.indices(SHAPE)
    u = (row - centre[0]) * along[0] + (column - centre[1]) * along[1]
    v = (row - centre[0]) * across[0] + (column - centre[1]) * across[1]
    wanted = (u / first) ** 2 + (v / second) ** 2 <= 1
    assert (region_of(K.ELLIPSE, points, SHAPE).mask(SHAPE) == wanted).all()
    assert outline_area_px(K.ELLIPSE, points) == pytest.approx(np.pi * first * second)


def test_a_rectangle_takes_the_pixels_on_its_sides_and_none_outside_the_picture():
    found = region_of(K.RECTANGLE, ((2.0, -3.0), (5.4, 1.0)), SHAPE).mask(SHAPE)
    assert np.argwhere(found).tolist() == [[r, c] for r in (2, 3, 4, 5) for c in (0, 1)]
    assert region_of(K.RECTANGLE, ((40, 40), (50, 50)), SHAPE).count == 0
    assert region_of(K.POLYLINE, ((40, 40), (50, 50), (40, 50)), SHAPE).count == 0


def test_lines_enclose_nothing():
    with pytest.raises(ValueError, match="length"):
        region_of(K.LENGTH, ((0, 0), (1, 1)), SHAPE)


def test_t37_the_circle_of_the_trap():
    values = np.arange(25).reshape(5, 5)
    found = region_statistics(values, region_of(K.ELLIPSE, circle((2, 2), 1.1), (5, 5)))
    assert (found.n, found.mean, found.minimum, found.maximum) == (5, 12.0, 7.0, 17.0)
    assert found.sd_population == pytest.approx(3.2249, abs=5e-5)
    assert found.sd_sample == pytest.approx(3.6056, abs=5e-5)


def test_t37_a_radius_is_in_millimetres_and_padding_is_left_out():
    pixel, values = (2.0, 1.0), np.arange(25).reshape(5, 5)
    points = circle((2, 2), 2.1, pixel)
    region = region_of(K.ELLIPSE, points, (5, 5))
    assert region.count == 7
    assert region.count * 2.0 == 14.0
    assert outline_area_px(K.ELLIPSE, points) * 2.0 == pytest.approx(13.854, abs=5e-4)
    padded = np.where(values == 12, -2000, values)
    found = region_statistics(padded, region, (-2000, -2000))
    assert (found.n, found.left_out) == (6, 1)


def test_t37_values_that_are_not_finite_are_left_out_and_nothing_becomes_a_dash():
    values = np.ones((5, 5), np.float32)
    values[2, 2], values[1, 2] = np.nan, 3.4e38
    region = region_of(K.ELLIPSE, circle((2, 2), 1.1), (5, 5))
    found = region_statistics(values, region)
    assert (found.n, found.left_out, found.mean) == (3, 2, 1.0)
    empty = region_statistics(values, region_of(K.ELLIPSE, circle((2.5, 2.5), 0.3), (5, 5)))
    assert (empty.n, empty.mean, empty.sd_population, empty.minimum) == (0, None, None, None)


def test_the_same_region_counts_the_same_in_the_stack_and_in_a_plane():
    random = np.random.default_rng(3)
    voxels = random.integers(-1000, 2000, (9, 12, 15)).astype(np.int16)
    direction = (0, 0, -1, -1, 0, 0, 0, -1, 0)  # sagittal slices that run to the right
    geometry = Geometry((9, 12, 15), (2.5, 0.8, 0.8), (7.0, -3.0, 11.0), direction)
    plane = orthogonal_plane(geometry, PlaneKind.SAGITTAL)
    assert plane.axes[0] == 0
    assert any(plane.flips)
    corners = [(2.0, 3.0), (9.0, 4.0), (7.5, 11.0), (3.0, 9.0)]
    for z in range(9):
        here = region_statistics(voxels[z], region_of(K.POLYLINE, corners, voxels[z].shape))
        placed = [plane.place_of(geometry.world_from_index(c, r, z)) for r, c in corners]
        picture = plane.picture(voxels, round(placed[0][0]))
        region = region_of(K.POLYLINE, [p[1:] for p in placed], picture.shape)
        there = region_statistics(picture, region)
        assert (here.n, here.mean, here.minimum) == (there.n, there.mean, there.minimum)
        assert here.sd_population == pytest.approx(there.sd_population, rel=1e-12)
        assert here.n > 20


def test_perimeters():
    def speed(t, a, b):
        return np.hypot(a * np.sin(t), b * np.cos(t))

    for a, b in ((5.0, 2.0), (3.0, 3.0), (40.0, 0.5)):
        assert ellipse_perimeter(a, b) == pytest.approx(
            quad(speed, 0, 2 * np.pi, (a, b), limit=200)[0], rel=1e-8
        )
    assert ellipse_perimeter(2.0, 0.0) == 8.0
    square = ((1.0, 1.0), (1.0, 4.0), (5.0, 4.0), (5.0, 1.0))
    assert outline_length(K.POLYLINE, square, (0.5, 2.0)) == pytest.approx(2 * (4 * 0.5 + 3 * 2))
    assert outline_area_px(K.POLYLINE, square) == 12.0
    assert outline_length(K.ELLIPSE, circle((9, 9), 6, (2.0, 1.0)), (2.0, 1.0)) == pytest.approx(
        2 * np.pi * 6
    )


def test_histograms_count_every_value_once_in_modality_units():
    random = np.random.default_rng(1)
    values = random.integers(-50, 400, SHAPE).astype(np.int16)
    region = region_of(K.RECTANGLE, ((3, 3), (18, 20)), SHAPE)
    edges, counts = region_histogram(values, region, (0, 20))
    inside = values[3:19, 3:21].ravel()
    kept = inside[(inside < 0) | (inside > 20)]
    assert counts.sum() == len(kept)
    assert counts.tolist() == np.histogram(kept, edges)[0].tolist()
    assert (np.diff(edges) == np.diff(edges)[0]).all()
    assert float(np.diff(edges)[0]).is_integer()
    floats = values / 7.0
    floats[5, 5] = np.nan
    edges, counts = region_histogram(floats, region)
    assert counts.sum() == region.count - 1
    assert region_histogram(values, region_of(K.ELLIPSE, circle((2.5, 2.5), 0.2), SHAPE)) is None
    flat = np.full(SHAPE, 2.5)
    assert region_histogram(flat, region)[1].sum() == region.count


def test_a_freehand_region_of_a_large_radiograph_is_found_in_time():
    turn = np.linspace(0, 2 * np.pi, 600, endpoint=False)
    points = list(zip(1500 + 1450 * np.sin(turn), 2000 + 1950 * np.cos(turn), strict=True))
    region = region_of(K.FREEHAND, points, (3000, 4000))
    assert region.count == pytest.approx(outline_area_px(K.FREEHAND, points), rel=1e-3)
