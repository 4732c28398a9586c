import numpy as np
import pytest
from scipy import ndimage

from medbench.imaging.contours import inside_polygon
from medbench.imaging.outline import (
    area_of,
    attribution_outlines,
    contours_at,
    redrawn,
    simplified,
)


def bump(shape, row, column, sigma_row, sigma_column, height=1.0):
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    return height * np.exp(
        -((y - row) ** 2) / (2 * sigma_row**2) - (x - column) ** 2 / (2 * sigma_column**2)
    )


def test_half_height_of_a_gaussian_is_an_ellipse_of_known_area():
    heat = bump((600, 800), 200.5, 300.25, 40, 60)
    ((outline, share),) = attribution_outlines(heat)
    axes = np.sqrt(2 * np.log(2)) * np.array([40, 60])
    assert abs(area_of(outline)) == pytest.approx(np.pi * axes.prod(), rel=0.01)
    assert outline.mean(axis=0) == pytest.approx([200.5, 300.25], abs=1.5)
    away = np.hypot((outline[:, 0] - 200.5) / axes[0], (outline[:, 1] - 300.25) / axes[1])
    assert np.abs(away - 1).max() < 0.03
    assert share == pytest.approx(0.5, abs=0.01)  # of a Gaussian half lies above half its peak


def test_parts_come_largest_first_and_small_ones_not():
    shape = (300, 300)
    heat = (
        bump(shape, 60, 60, 12, 12, 0.9)
        + bump(shape, 200, 200, 30, 30)
        + bump(shape, 60, 250, 3, 3)
    )
    found = attribution_outlines(heat)
    assert [tuple(o.mean(axis=0).round(-1)) for o, _ in found] == [(200, 200), (60, 60)]
    assert attribution_outlines(heat, most=1)[0][1] == found[0][1]
    assert attribution_outlines(np.zeros(shape)) == []
    assert attribution_outlines(np.full((5, 5), np.nan)) == []


def test_a_part_at_the_edge_is_closed_along_it():
    ((outline, _),) = attribution_outlines(bump((100, 100), 0, 50, 20, 20))
    assert outline.min() >= 0
    half = np.pi * 20**2 * 2 * np.log(2) / 2
    assert abs(area_of(outline)) == pytest.approx(half, rel=0.04)


@pytest.mark.parametrize("seed", range(6))
def test_lines_part_inside_from_outside(seed):
    values = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(40, 50)), 1.5)
    loops = contours_at(values, 0.05)
    rows, columns = np.indices(values.shape)
    points = np.stack([rows.ravel(), columns.ravel()], axis=1).astype(float)
    inside = np.zeros(len(points), bool)
    for loop in loops:
        inside ^= inside_polygon(points, loop)
    differ = inside.reshape(values.shape) != (values >= 0.05)
    rim = np.ones_like(differ)
    rim[1:-1, 1:-1] = False
    assert not differ[~rim].any()  # on the rim the line runs through the pixels' centres
    crossing = np.concatenate(loops)
    at = ndimage.map_coordinates(values, crossing.T, order=1, mode="nearest")
    inner = (crossing > 0).all(axis=1) & (crossing < np.array(values.shape) - 1).all(axis=1)
    assert np.abs(at[inner] - 0.05).max() < 1e-6


def test_saddles_keep_lines_closed():
    board = np.indices((9, 9)).sum(axis=0) % 2.0
    loops = contours_at(board, 0.5)
    assert sum(abs(area_of(loop)) for loop in loops) > 0
    assert all(len(loop) > 2 for loop in loops)


def test_simplified_stays_within_its_tolerance():
    angles = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    circle = np.stack([50 + 30 * np.sin(angles), 60 + 30 * np.cos(angles)], axis=1)
    few = simplified(circle, 0.5)
    assert len(few) < 40
    closed = np.vstack([few, few[:1]])
    starts, steps = closed[:-1], np.diff(closed, axis=0)
    along = np.clip(((circle[:, None] - starts) * steps).sum(axis=2) / (steps**2).sum(axis=1), 0, 1)
    away = np.linalg.norm(circle[:, None] - starts - along[..., None] * steps, axis=2).min(axis=1)
    assert away.max() <= 0.5 + 1e-9
    assert simplified(circle[:4], 9).tolist() == circle[:4].tolist()


def test_a_stroke_replaces_the_shorter_stretch():
    side = np.arange(0, 20.0)
    square = np.vstack([
        np.stack([side * 0, side], axis=1), np.stack([side, side * 0 + 20], axis=1),
        np.stack([side * 0 + 20, 20 - side], axis=1), np.stack([20 - side, side * 0], axis=1),
    ])  # fmt: skip
    bulge = np.array([[0.0, 5.0], [-6.0, 5.0], [-6.0, 15.0], [0.0, 15.0]])
    for stroke in (bulge, bulge[::-1]):
        assert abs(area_of(redrawn(square, stroke))) == pytest.approx(400 + 60, abs=1)
    assert redrawn(square, bulge[:1]) is square
