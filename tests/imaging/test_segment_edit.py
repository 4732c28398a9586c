"""Painting, deltas, whole edits and placing of label maps against plain re-computations."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage

from medbench.base.errors import BadInputError
from medbench.domain.geometry import Geometry
from medbench.domain.objects import PlaneGrid, Segment, Segmentation, SegmentFrame
from medbench.domain.segment_edit import EditedSegmentation, same_grid
from medbench.imaging.segment_brush import Brush, LabelGrid, brush_mask
from medbench.imaging.segment_delta import Box, LabelDelta, erase_delta
from medbench.imaging.segment_edit import (
    EditRules,
    Stroke,
    edit_delta,
    replace_delta,
    writable_labels,
)
from medbench.imaging.segment_place import LabelSampler, labels_of_object
from medbench.imaging.segment_statistics import SegmentTally, tally_slice
from medbench.imaging.segment_tools import (
    body_mask,
    fill_between,
    fill_holes,
    grow,
    keep_islands,
    otsu_threshold,
    seed_range,
    smooth,
)

AXES = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
TURNED = (0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
"""Columns run along y, rows along z, slices along x: a sagittal stack."""


def geometry(shape=(20, 40, 30), spacing=(2.0, 0.5, 0.8), axes=AXES, **more):
    return Geometry(shape, spacing, (-10.0, 5.0, 3.0), axes, "1.2.3", **more)


def centres(found):
    """Patient point of every voxel, (z, y, x, 3), by the affine alone."""
    z, y, x = np.indices(found.shape)
    index = np.stack([x, y, z, np.ones_like(x)], axis=-1)
    return index @ found.matrix[:3].T


def distance_to_way(points, start, end):
    start, end = np.asarray(start, float), np.asarray(end, float)
    way = end - start
    length = way @ way
    part = np.clip((points - start) @ way / length, 0, 1) if length else np.zeros(points.shape[:-1])
    return np.linalg.norm(points - (start + part[..., None] * way), axis=-1)


@pytest.mark.parametrize("axes", [AXES, TURNED])
def test_a_sphere_brush_covers_what_lies_within_its_radius(axes):
    grid = geometry(axes=axes)
    points = centres(grid)
    start, end = points[6, 12, 10] + 0.1, points[12, 25, 20] - 0.2
    box, mask = brush_mask(LabelGrid(grid), Brush(tuple(start), tuple(end), 3.3))
    whole = np.zeros(grid.shape, bool)
    whole[box.slices] = mask
    away = distance_to_way(points, start, end)
    assert np.array_equal(whole[np.abs(away - 3.3) > 1e-4], (away < 3.3)[np.abs(away - 3.3) > 1e-4])
    assert whole.sum() > 500


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_flat_brush_paints_one_slice_of_its_plane(axis):
    grid = geometry()
    points = centres(grid)
    at = [10, 20, 15]
    other = list(at)
    other[(axis + 1) % 3] += 5
    normal = np.eye(3)[2 - axis]
    start, end = points[tuple(at)], points[tuple(other)]
    box, mask = brush_mask(LabelGrid(grid), Brush(tuple(start), tuple(end), 4.0, tuple(normal)))
    whole = np.zeros(grid.shape, bool)
    whole[box.slices] = mask
    expected = np.zeros(grid.shape, bool)
    one = [slice(None)] * 3
    one[axis] = at[axis]
    expected[tuple(one)] = distance_to_way(points, start, end)[tuple(one)] <= 4.0 + 1e-6
    assert np.array_equal(whole, expected)


def test_a_flat_brush_on_an_oblique_plane_stays_in_its_slab():
    grid = geometry()
    points = centres(grid)
    normal = np.array([1.0, 1.0, 1.0]) / np.sqrt(3)
    start = points[10, 20, 15]
    box, mask = brush_mask(LabelGrid(grid), Brush(tuple(start), tuple(start), 6.0, tuple(normal)))
    whole = np.zeros(grid.shape, bool)
    whole[box.slices] = mask
    height = (points - start) @ normal
    across = np.linalg.norm(points - start - height[..., None] * normal, axis=-1)
    half = (2.0 + 0.5 + 0.8) / np.sqrt(3) / 2
    clear = (np.abs(np.abs(height) - half) > 1e-4) & (np.abs(across - 6.0) > 1e-4)
    expected = (np.abs(height) < half) & (across < 6.0)
    assert np.array_equal(whole[clear], expected[clear])
    assert len(np.unique(np.argwhere(whole)[:, 0])) > 3


def test_uneven_slices_are_painted_where_they_stand():
    depths = [0.0, 1.0, 5.0, 12.0]
    found = geometry(
        (4, 40, 30), (4.0, 0.5, 0.8), uniform=False,
        positions_mm=tuple((-10.0 + 0.3 * i, 5.0, z) for i, z in enumerate(depths)),
    )  # fmt: skip
    grid = LabelGrid(found)
    centre = (2.0, 12.0, 5.0)
    box, mask = brush_mask(grid, Brush(centre, centre, 4.5))
    whole = np.zeros(found.shape, bool)
    whole[box.slices] = mask
    for z in range(4):
        y, x = np.mgrid[:40, :30]
        origin = found.positions_mm[z]
        away = np.sqrt(
            (origin[0] + 0.8 * x - 2.0) ** 2 + (5.0 + 0.5 * y - 12.0) ** 2 + (depths[z] - 5.0) ** 2
        )
        clear = np.abs(away - 4.5) > 1e-4
        assert np.array_equal(whole[z][clear], (away < 4.5)[clear])
    flat = brush_mask(grid, Brush(centre, centre, 4.5, (0.0, 0.0, 1.0)))
    assert (flat[0].low[0], flat[0].high[0]) == (2, 3)  # the slice 1 mm away stays untouched
    assert grid.voxel_at((-10.0 + 0.6 + 0.8 * 7, 5.0 + 0.5 * 9, 5.2)) == (2, 9, 7)
    assert grid.voxel_at((0.0, 12.0, 40.0)) is None


def rules(number=1, locked=(), *, erase=False, over=True, **more):
    return EditRules(
        0 if erase else number, writable_labels(locked, number=number, erase=erase, over=over),
        **more,
    )  # fmt: skip


def test_locks_ranges_and_masks_are_respected():
    grid, labels = geometry(), np.zeros((20, 40, 30), np.uint8)
    labels[:, :, 10:15], labels[:, :, 15:20] = 2, 3
    before = labels.copy()
    values = np.broadcast_to(np.arange(40)[:, None], labels.shape)
    only = np.where(np.arange(30) > 5, 7, 0).astype(np.uint8) + np.zeros_like(labels)
    point = tuple(centres(grid)[10, 20, 12])
    stroke = Stroke(labels, LabelGrid(grid))
    rule = rules(1, (3,), values=values, keep=(15, 30), only=(only, 7))
    stroke.dab(Brush(point, point, 8.0), rule)
    touched = labels != before
    assert touched.any()
    assert (labels[touched] == 1).all()
    assert not (touched & (before == 3)).any()
    y, x = np.nonzero(touched)[1:]
    assert (y.min(), y.max()) == (15, 30)
    assert x.min() == 6
    assert (before[touched] == 2).any()
    again = Stroke(labels, LabelGrid(grid))
    again.dab(Brush(point, point, 8.0), rules(1, erase=True))
    assert not (labels == 1).any()
    assert (labels == 3).sum() == (before == 3).sum()
    careful = Stroke(labels, LabelGrid(grid))
    kept = labels.copy()
    careful.dab(Brush(point, point, 8.0), rules(9, over=False))
    assert (kept[labels == 9] == 0).all()


def test_a_stroke_is_taken_back_and_done_again_by_one_delta():
    grid, labels = geometry(), np.zeros((20, 40, 30), np.uint8)
    labels[5:15, 10:30, 5:25] = np.random.default_rng(1).integers(0, 5, (10, 20, 20))
    before = labels.copy()
    stroke = Stroke(labels, LabelGrid(grid))
    points = centres(grid)
    way = [points[4 + i, 10 + i, 8 + i] for i in range(12)]
    for i, (a, b) in enumerate(pairwise(way)):
        stroke.dab(Brush(tuple(a), tuple(b), 3.0), rules(1 + i % 2))
    delta = stroke.finish()
    after = labels.copy()
    assert not np.array_equal(after, before)
    delta.apply(labels)
    assert np.array_equal(labels, before)
    delta.apply(labels)
    assert np.array_equal(labels, after)
    changed = np.unique(np.nonzero(after != before)[0])
    assert delta.slices == set(changed.tolist())
    assert delta.bytes_held < 40_000
    dropped = Stroke(labels, LabelGrid(grid))
    dropped.dab(Brush(tuple(way[0]), tuple(way[5]), 5.0), rules(4))
    assert not np.array_equal(labels, after)
    dropped.drop()
    assert np.array_equal(labels, after)


def test_deltas_of_one_change_hold_bits_and_large_ones_are_packed():
    before = np.zeros((30, 200, 200), np.uint8)
    after = before.copy()
    after[:, 20:180, 20:180] = 3
    delta = LabelDelta.of(before, after, (0, 0, 0))
    assert delta.bytes_held < 30 * (160 * 160 / 8 + 200)  # a bit a voxel
    large = np.ones((30, 600, 600), np.uint8)
    packed = LabelDelta.of(np.zeros_like(large), large, (0, 0, 0))
    assert packed.bytes_held < 30 * 600 * 600 / 8 / 10
    packed.apply(large)
    assert not large.any()
    noise = np.random.default_rng(0).integers(0, 9, before.shape, dtype=np.uint8)
    mixed = LabelDelta.of(before, noise, (0, 0, 0))
    work = before.copy()
    mixed.apply(work)
    assert np.array_equal(work, noise)
    mixed.apply(work)
    assert not work.any()
    assert LabelDelta.of(after, after.copy(), (0, 0, 0)) is None


def test_masks_are_added_or_replace_the_segment():
    labels = np.zeros((6, 8, 8), np.uint8)
    labels[2, 2:6, 2:6], labels[2, 0:2, :] = 1, 5
    mask = np.zeros((6, 8, 8), bool)
    mask[2, 0:7, 2:6] = True
    mask[2, 4:6, 2:6] = False
    whole = Box.whole((6, 8, 8))
    added = labels.copy()
    edit_delta(labels, whole, mask, rules(1, (5,))).apply(added)
    assert (added == 1).sum() == 20  # locked 5 keeps the upper rows, nothing is lost
    replaced = labels.copy()
    replace_delta(labels, whole, mask, rules(1)).apply(replaced)
    assert np.array_equal(replaced == 1, mask)


def test_growing_takes_the_connected_voxels_in_range():
    import SimpleITK as sitk

    values = ndimage.gaussian_filter(
        np.random.default_rng(3).normal(0, 400, (60, 90, 80)), 2.5
    ).astype(np.float32)
    seed = tuple(int(v) for v in np.unravel_index(np.argmax(values), values.shape))
    keep = (float(values[seed]) * 0.12, 1e9)
    box, mask = grow(values, seed, keep, spacing_mm=(2.0, 0.5, 0.8))
    whole = np.zeros(values.shape, bool)
    whole[box.slices] = mask
    peer = sitk.ConnectedThreshold(
        sitk.GetImageFromArray(values), [seed[::-1]], lower=keep[0], upper=keep[1]
    )
    expected = sitk.GetArrayFromImage(peer).astype(bool)
    assert np.array_equal(whole, expected)
    assert whole.sum() > 5000  # larger than the first box that is looked at
    flat_box, flat = grow(values, seed, keep, spacing_mm=(2.0, 0.5, 0.8), axis=0)
    named, _ = ndimage.label(values[seed[0]] >= keep[0])
    assert flat_box.shape[0] == 1
    out = np.zeros(values.shape[1:], bool)
    out[flat_box.slices[1:]] = flat[0]
    assert np.array_equal(out, named == named[seed[1:]])
    near_box, near = grow(values, seed, keep, spacing_mm=(2.0, 0.5, 0.8), radius_mm=6.0)
    at = np.argwhere(near) + near_box.low - seed
    assert np.linalg.norm(at * (2.0, 0.5, 0.8), axis=1).max() <= 6.0
    with pytest.raises(BadInputError, match="outside the range"):
        grow(values, seed, (-5.0, -1.0), spacing_mm=(2.0, 0.5, 0.8))
    low, high = seed_range(values, seed, 10.0)
    z, y, x = seed
    assert (low + high) / 2 == pytest.approx(
        values[z, y - 1 : y + 2, x - 1 : x + 2].astype(float).mean()
    )


def test_slices_between_are_interpolated_by_shape():
    y, x = np.mgrid[:80, :80]
    mask = np.zeros((11, 80, 80), bool)
    mask[0] = (y - 40) ** 2 + (x - 36) ** 2 <= 10**2
    mask[10] = (y - 40) ** 2 + (x - 44) ** 2 <= 20**2
    filled = fill_between(mask, np.arange(11) * 3.0, (1.0, 1.0))
    for z in range(1, 10):
        radius = np.sqrt(filled[z].sum() / np.pi)
        assert radius == pytest.approx(10 + z, abs=0.6)
        assert np.argwhere(filled[z])[:, 1].mean() == pytest.approx(36 + 0.8 * z, abs=1.0)
    assert np.array_equal(filled[0], mask[0])
    apart = np.zeros((5, 40, 40), bool)
    apart[0, 10:15, 5:10] = apart[4, 10:15, 29:34] = True
    moved = fill_between(apart, np.arange(5) * 1.0, (1.0, 1.0))
    assert np.argwhere(moved[2]).mean(axis=0) == pytest.approx((12, 19), abs=0.6)
    assert moved[2].sum() == pytest.approx(25, abs=8)
    along_x = fill_between(np.moveaxis(mask, 0, 2), np.arange(11) * 3.0, (1.0, 1.0), axis=2)
    assert np.array_equal(np.moveaxis(along_x, 2, 0), filled)
    with pytest.raises(BadInputError, match="two slices"):
        fill_between(mask[:1], np.arange(1) * 1.0, (1.0, 1.0))


def test_interpolation_follows_the_positions_of_uneven_slices():
    y, x = np.mgrid[:80, :80]
    mask = np.zeros((3, 80, 80), bool)
    mask[0] = (y - 40) ** 2 + (x - 40) ** 2 <= 10**2
    mask[2] = (y - 40) ** 2 + (x - 40) ** 2 <= 30**2
    near = fill_between(mask, np.array([0.0, 1.0, 4.0]), (1.0, 1.0))
    assert np.sqrt(near[1].sum() / np.pi) == pytest.approx(15, abs=0.6)


def test_holes_islands_and_smoothing():
    mask = np.zeros((7, 20, 20), bool)
    mask[1:6, 3:12, 3:12] = True
    mask[3, 6, 6] = False  # enclosed on all sides
    mask[2:5, 9, 9] = False
    mask[1, 9, 9] = mask[5, 9, 9] = False  # a channel through all slices: a hole in each only
    space, slices = fill_holes(mask), fill_holes(mask, 0)
    assert space[3, 6, 6]
    assert not space[3, 9, 9]
    assert slices[1:6, 3:12, 3:12].all()
    mask[3, 16:18, 16:18] = True
    assert not keep_islands(mask)[3, 16, 16]
    assert keep_islands(mask, smallest_voxels=4)[3, 16, 16]
    assert not keep_islands(mask, smallest_voxels=5)[3, 16, 16]
    ball = np.linalg.norm(np.indices((30, 30, 30)).T - 15, axis=-1) < 9
    rough = ball ^ (np.random.default_rng(0).random(ball.shape) < 0.08)
    round_ = smooth(rough, (1.0, 1.0, 1.0), 1.5)
    assert (round_ ^ ball).sum() < 0.12 * (rough ^ ball).sum()
    kept = smooth(ball, (1.0, 1.0, 1.0), 1.0)
    assert kept.sum() == pytest.approx(ball.sum(), rel=0.03)


def test_numbers_are_those_of_all_voxels_whatever_was_counted_again():
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 4, (8, 20, 30), dtype=np.uint8)
    values = rng.normal(100, 30, labels.shape).astype(np.float32)
    values[2, 3, 4], values[0] = np.nan, -2000.0
    volumes = np.linspace(1.0, 2.0, 8)
    tally = SegmentTally(volumes)
    tally.put((z, tally_slice(labels[z], values[z], (-3000, -1500))) for z in range(8))
    labels[3, :10] = 2
    labels[6] = 0
    tally.put((z, tally_slice(labels[z], values[z], (-3000, -1500))) for z in (3, 6))
    for number in (1, 2, 3):
        mask = labels == number
        inside = values[mask & np.isfinite(values) & (values > -1500)].astype(float)
        found = tally.numbers(number)
        assert found.voxels == mask.sum()
        assert found.slices == mask.any(axis=(1, 2)).sum()
        assert found.volume_ml == pytest.approx(
            float((mask.sum(axis=(1, 2)) * volumes).sum()) / 1000
        )
        assert found.mean == pytest.approx(inside.mean())
        assert found.sd == pytest.approx(inside.std())
        for axis, rest in ((0, (1, 2)), (1, (0, 2)), (2, (0, 1))):
            line = tally.extent(number, axis, labels.shape[axis])
            assert np.array_equal(line, mask.any(axis=rest))
    assert tally.numbers(9).mean is None


def test_uneven_slices_stand_for_their_share_of_the_way():
    found = EditedSegmentation(
        "a", "t", "1", "2", "3",
        geometry((4, 2, 2), (4.0, 1.0, 1.0), uniform=False,
                 positions_mm=((0, 0, 0), (0, 0, 1), (0, 0, 5), (0, 0, 12))),
    )  # fmt: skip
    assert found.slice_extents_mm().tolist() == [1.0, 2.5, 5.5, 7.0]


def test_labels_on_any_plane_are_those_of_the_nearest_voxel():
    grid = geometry(axes=TURNED)
    labels = np.random.default_rng(2).integers(0, 9, grid.shape, dtype=np.uint8)
    row = np.array([0.8, 0.6, 0.0])
    column = np.array([-0.36, 0.48, 0.8])
    start = centres(grid)[4, 6, 3]
    at = PlaneGrid(tuple(start), tuple(row), tuple(column), 0.7, 0.9, 50, 45)
    found = LabelSampler(grid).picture(labels, at)
    index = (
        np.linalg.inv(grid.matrix)
        @ np.concatenate([at.points().reshape(-1, 3), np.ones((50 * 45, 1))], axis=1).T
    )
    nearest = np.floor(index[:3] + 0.5).astype(int)[::-1]
    inside = ((nearest >= 0) & (nearest < np.array(grid.shape)[:, None])).all(axis=0)
    expected = np.zeros(50 * 45, np.uint8)
    expected[inside] = labels[tuple(nearest[:, inside])]
    clear = (np.abs(index[:3] + 0.5 - np.rint(index[:3] + 0.5)) > 0.01).all(axis=0)
    assert np.array_equal(found.ravel()[clear], expected[clear])
    assert 200 < inside.sum() < 50 * 45


def test_a_segmentation_with_a_geometry_of_its_own_is_copied_by_place():
    """T31: image 4 x 4, the object turned by half a turn about the slice axis."""
    image = Geometry((3, 4, 4), (2.0, 1.0, 1.0), (0, 0, 0), AXES, "1.2.3")
    frames = []
    for z in (4.0, 0.0):
        values = np.zeros((4, 4), bool)
        values[0, 1] = True
        plane = PlaneGrid((3.0, 3.0, z), (-1.0, 0, 0), (0, -1.0, 0), 1.0, 1.0, 4, 4)
        frames.append(SegmentFrame(300, plane, values))
    other = np.zeros((4, 4), bool)
    other[0, 0:2] = True
    frames.append(SegmentFrame(7, frames[0].grid, other))
    payload = Segmentation(
        "1.9", "two", "BINARY", (Segment(300, "far", (1, 2, 3)), Segment(7, "near", (4, 5, 6))),
        tuple(frames), "1.2.3", 2.0,
    )  # fmt: skip
    labels, numbers, overlaps = labels_of_object(payload, image, ())
    assert numbers == (1, 2)  # 300 is no label of a byte
    assert overlaps == 1
    expected = np.zeros((3, 4, 4), np.uint8)
    expected[0, 3, 2] = 1
    expected[2, 3, 2:4] = 2
    assert np.array_equal(labels, expected)
    foreign = Geometry((3, 4, 4), (2.0, 1.0, 1.0), (0, 0, 0), AXES, "9.9")
    with pytest.raises(BadInputError, match="frame of reference"):
        labels_of_object(payload, foreign, ())


def test_grids_are_the_same_only_where_every_corner_is():
    one = geometry()
    assert same_grid(one, geometry())
    assert not same_grid(one, geometry(spacing=(2.0, 0.5, 0.801)))
    assert not same_grid(one, geometry(axes=TURNED))
    other = Geometry(one.shape, one.spacing_mm, one.origin_mm, one.direction, "9.9")
    assert not same_grid(one, other)


@pytest.mark.parametrize("uneven", [False, True])
def test_a_part_of_a_picture_is_found_and_sampled_as_the_whole(uneven):
    more = {}
    if uneven:
        gaps = np.cumsum([0, *np.tile([1.0, 3.0, 2.0], 7)])[:20]
        more = {"uniform": False,
                "positions_mm": tuple((-10.0 + 0.1 * g, 5.0, 3.0 + g) for g in gaps)}  # fmt: skip
    grid = geometry(**more)
    labels = np.random.default_rng(2).integers(0, 9, grid.shape, dtype=np.uint8)
    sampler = LabelSampler(grid)
    row, column = np.array([0.8, 0.6, 0.0]), np.array([-0.36, 0.48, 0.8])
    at = PlaneGrid((-4.0, 8.0, 6.0), tuple(row), tuple(column), 0.7, 0.9, 50, 45)
    whole = sampler.picture(labels, at)
    part = sampler.picture(labels, at, (7, 31), (4, 40))
    assert np.array_equal(part, whole[7:31, 4:40])
    for low, high in (((5, 10, 8), (9, 18, 14)), ((0, 0, 0), (20, 40, 30)), ((8, 3, 2), (9, 4, 3))):
        box = Box(low, high)
        changed = labels.copy()
        changed[box.slices] = 200
        different = np.argwhere(sampler.picture(changed, at) != whole)
        rect = sampler.rect_of(box, at)
        if len(different):
            r0, r1, c0, c1 = rect
            assert (different.min(axis=0) >= (r0, c0)).all()
            assert (different.max(axis=0) < (r1, c1)).all()
    far = PlaneGrid((-4.0, 8.0, 300.0), (1, 0, 0), (0, 1, 0), 0.7, 0.9, 50, 45)
    assert sampler.rect_of(Box((5, 10, 8), (9, 18, 14)), far) is None
    assert not sampler.picture(labels, far).any()


def test_the_patient_is_found_by_value_and_shape():
    import SimpleITK as sitk

    rng = np.random.default_rng(0)
    _, y, x = np.indices((8, 90, 80))
    body = ((y - 45) / 38) ** 2 + ((x - 40) / 30) ** 2 < 1
    lung = ((y - 40) / 12) ** 2 + ((x - 40) / 10) ** 2 < 1
    values = np.where(body & ~lung, 40.0, -1000.0) + rng.normal(0, 15, body.shape)
    values[:, 86:88, 10:70] = 60.0  # the table
    values[2, 3, 3] = 500.0
    assert np.array_equal(body_mask(values), body)
    peer = sitk.OtsuThresholdImageFilter()
    peer.SetNumberOfHistogramBins(1024)
    peer.Execute(sitk.GetImageFromArray(values))
    assert otsu_threshold(values) == pytest.approx(peer.GetThreshold(), abs=60)
    assert otsu_threshold(np.full((3, 3), 7.0)) == 7.0


def test_emptying_labels_is_one_small_delta():
    labels = np.random.default_rng(0).integers(0, 4, (20, 60, 50), dtype=np.uint8)
    labels[:, 40:] = 0
    before = labels.copy()
    delta = erase_delta(labels, {1: Box.whole((20, 60, 50)), 3: Box((0, 0, 0), (20, 40, 50))})
    delta.apply(labels)
    assert np.array_equal(labels, np.where(np.isin(before, (1, 3)), 0, before))
    delta.apply(labels)
    assert np.array_equal(labels, before)
    assert delta.bytes_held < 2 * 20 * (40 * 50 / 8 + 200)
    assert erase_delta(labels, {9: Box.whole((20, 60, 50))}) is None
