"""Contours of a structure set on pictures of any direction."""

import numpy as np
import pytest

from medbench.domain.objects import Contour, PlaneGrid, Segment, Structure
from medbench.imaging.contours import structure_mask, structure_outlines

RADIUS, STEP = 20.0, 2.0
CENTRE = np.array([5.0, -7.0, 30.0])


def ring(centre, radius, axes=((1, 0, 0), (0, 1, 0)), count=180):
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)[:, None]
    u, v = (np.asarray(a, float) for a in axes)
    return Contour(np.asarray(centre) + radius * (np.cos(angle) * u + np.sin(angle) * v))


def structure(*contours):
    return Structure(Segment(1, "ball", (255, 0, 0)), contours, "1.2.9")


def ball():
    depths = np.arange(-18, 19, STEP)
    return structure(*(ring(np.add(CENTRE, (0, 0, d)), np.sqrt(RADIUS**2 - d**2)) for d in depths))


def plane(origin, row=(1, 0, 0), column=(0, 1, 0), size=100, mm=0.5):
    return PlaneGrid(tuple(origin), row, column, mm, mm, size, size)


def through(centre, row, column, size=100, mm=0.5):
    half = (size - 1) / 2 * mm
    origin = np.asarray(centre) - half * np.asarray(row) - half * np.asarray(column)
    return PlaneGrid(tuple(origin), row, column, mm, mm, size, size)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ((1, 0, 0), (0, 1, 0)),
        ((1, 0, 0), (0, 0, -1)),
        ((0, 1, 0), (0, 0, -1)),
        ((0.8, 0.6, 0), (0, 0, 1)),
        ((1, 0, 0), (0, 0.6, 0.8)),
    ],
    ids=["axial", "coronal", "sagittal", "turned", "oblique"],
)
def test_a_ball_is_a_disc_in_every_direction(row, column):
    mask = structure_mask(ball(), through(CENTRE, row, column), STEP)
    area = mask.sum() * 0.25
    assert area == pytest.approx(np.pi * RADIUS**2, rel=0.03)
    rows, columns = np.nonzero(mask)
    assert np.mean(rows) == pytest.approx(49.5, abs=0.8)
    assert np.mean(columns) == pytest.approx(49.5, abs=0.8)


def test_the_volume_of_a_ball():
    total = 0
    for z in np.arange(-25, 25, 1.0):
        grid = through(np.add(CENTRE, (0, 0, z)), (1, 0, 0), (0, 1, 0))
        total += structure_mask(ball(), grid, STEP).sum() * 0.25
    assert total == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.03)


def test_half_way_between_two_planes_one_of_them_counts():
    for z in (-1.0, 1.0, 3.0):
        grid = through(np.add(CENTRE, (0, 0, z)), (1, 0, 0), (0, 1, 0))
        assert structure_mask(ball(), grid, STEP).sum() > 4000


def test_an_inner_contour_is_a_hole_and_two_islands_are_two():
    hole = structure(ring((0, 0, 0), 20), ring((0, 0, 0.004), 10))
    mask = structure_mask(hole, through((0, 0, 0), (1, 0, 0), (0, 1, 0)), 3.0)
    assert not mask[49, 49]
    assert mask[49, 49 + 30]
    assert mask.sum() * 0.25 == pytest.approx(np.pi * 300, rel=0.02)
    islands = structure(ring((-12, 0, 0), 5), ring((12, 0, 0), 5))
    mask = structure_mask(islands, through((0, 0, 0), (1, 0, 0), (0, 1, 0)), 3.0)
    assert mask.sum() * 0.25 == pytest.approx(2 * np.pi * 25, rel=0.03)


def test_a_single_plane_reaches_half_a_slice_thickness():
    alone = structure(ring((0, 0, 0), 10))
    for z, covered in ((0, True), (1.4, True), (1.6, False), (-1.4, True), (-1.6, False)):
        grid = through((0, 0, z), (1, 0, 0), (0, 1, 0))
        assert structure_mask(alone, grid, 3.0).any() == covered


def test_contours_of_other_directions_belong_together():
    coronal = ((1, 0, 0), (0, 0, 1))
    both = structure(ring((0, 0, 0), 10), ring((0, 15, 0), 5, coronal))
    assert structure_mask(both, through((0, 0, 0), (1, 0, 0), (0, 1, 0)), 2.0).any()
    assert structure_mask(both, through((0, 15, 0), (1, 0, 0), (0, 0, 1)), 2.0).any()


def test_outlines_are_the_drawn_ones_on_parallel_pictures():
    grid = through(CENTRE, (1, 0, 0), (0, 1, 0))
    (outline,) = structure_outlines(ball(), grid, STEP)
    assert len(outline) == 180
    away = np.hypot(outline[:, 0] - 49.5, outline[:, 1] - 49.5) * 0.5
    assert np.allclose(away, RADIUS)
    turned = through(CENTRE, (0, 1, 0), (-1, 0, 0))
    assert len(structure_outlines(ball(), turned, STEP)) == 1
    assert structure_outlines(ball(), through(CENTRE, (1, 0, 0), (0, 0, 1)), STEP) == []
    assert structure_outlines(ball(), plane((0, 0, 100)), STEP) == []


def test_points_and_open_lines_cover_nothing():
    point = Contour(np.array([[0.0, 0.0, 0.0]]), closed=True)
    line = Contour(ring((0, 0, 0), 10).points_mm, closed=False)
    grid = through((0, 0, 0), (1, 0, 0), (0, 1, 0))
    assert not structure_mask(structure(point, line), grid, 2.0).any()
