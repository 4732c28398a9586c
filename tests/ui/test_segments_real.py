"""Painting on real series: registered sequences, uneven slices with a lean."""

import numpy as np
import pytest
from scipy import ndimage
from segment_hand import Painter, capsule

from medbench.imaging.reslice import PlaneKind

pytestmark = pytest.mark.real_data


def test_a_tumour_is_painted_grown_and_seen_on_the_other_sequences(app, wait, real_data):
    hand = Painter(app, wait).open(real_data / "dicom_series" / "mr_brain_tumour_multiseq_study3")
    page = hand.page
    view, geometry = page.stack, page.model.display.geometry
    first = page.model.display
    view.set_index(11)
    hand.act("tool_brush")
    hand.choice.set_brush(size_mm=12.0)
    hand.stroke(view, (150, 120), (160, 140))
    disc = capsule(geometry.shape[1:], geometry.spacing_mm[1:], (150, 120), (160, 140), 6.0)
    assert np.array_equal(hand.labels[11] == 1, disc)
    hand.settled()
    key = hand.segmentation.segmentation_id
    numbers = hand.book.counter.numbers(key, 1)
    values = page.model.volume.voxels[11][disc].astype(float)
    assert numbers.volume_ml == pytest.approx(disc.sum() * np.prod(geometry.spacing_mm) / 1000)
    assert (numbers.mean, numbers.sd) == pytest.approx((values.mean(), values.std()))
    others = [d for d in (hand.display_named(n) for n in ("FLAIR_reg", "T2_reg", "T1post"))
              if d != first]  # fmt: skip
    hand.show(others[0])
    assert hand.segmentation.segmentation_id == key  # one frame of reference
    page.stack.set_index(11)
    hand.choice.set_look(fill=0.8)
    assert hand.colour_at(page.stack, 155, 130).saturation() > 80
    hand.settled()
    there = page.model.volume.voxels[11][disc].astype(float)
    assert hand.book.counter.numbers(key, 1).mean == pytest.approx(there.mean())
    hand.act("segment_new")
    hand.act("tool_grow")
    hand.choice.set_brush(sphere=True, reach_mm=25.0, tolerance=120.0)
    hand.stroke(page.stack, (200, 140))
    hand.settled()
    voxels = page.model.volume.voxels.astype(float)
    middle = voxels[11, 199:202, 139:142].mean()
    inside = (voxels >= middle - 120) & (voxels <= middle + 120)
    inside &= capsule(geometry.shape, geometry.spacing_mm, (11, 200, 140), (11, 200, 140), 25.0)
    named, _ = ndimage.label(inside)
    assert np.array_equal((hand.labels == 2), (named == named[11, 200, 140]) & ~(
        (np.arange(22) == 11)[:, None, None] & disc & (hand.labels == 1)))  # fmt: skip
    assert (hand.labels == 2).sum() > 100


def test_uneven_leaning_slices_keep_their_own_places(app, wait, real_data):
    hand = Painter(app, wait).open(real_data / "dicom_series" / "ct_ge_hispeed_head_tilt_irregular")
    page = hand.page
    view, geometry = page.stack, page.model.display.geometry
    view.set_index(13)
    hand.act("tool_brush")
    hand.choice.set_brush(size_mm=30.0, sphere=True)
    row, column = 256.0, 256.0
    hand.stroke(view, (row, column))
    centre = view.plane.point_of(13, row, column)
    expected = np.zeros(geometry.shape, bool)
    i, j = np.mgrid[: geometry.shape[1], : geometry.shape[2]]
    for z, origin in enumerate(geometry.positions_mm):
        points = (
            np.asarray(origin)
            + i[..., None] * geometry.spacing_mm[1] * np.asarray(view.plane.column_direction)
            + j[..., None] * geometry.spacing_mm[2] * np.asarray(view.plane.row_direction)
        )
        expected[z] = np.linalg.norm(points - centre, axis=-1) <= 15.0
    assert (np.asarray(hand.labels == 1) != expected).sum() <= 4  # voxels on the very edge
    hand.settled()
    depth = np.asarray(geometry.positions_mm) @ geometry.normal
    gaps = np.abs(np.diff(depth))
    reach = (np.append(gaps[0], gaps) + np.append(gaps, gaps[-1])) / 2
    area = geometry.spacing_mm[1] * geometry.spacing_mm[2]
    volume = ((hand.labels == 1).sum(axis=(1, 2)) * reach).sum() * area / 1000
    numbers = hand.book.counter.numbers(hand.segmentation.segmentation_id, 1)
    assert numbers.volume_ml == pytest.approx(volume)
    assert numbers.volume_ml == pytest.approx(4 / 3 * np.pi * 15**3 / 1000, rel=0.1)
    hand.act("toggle_mpr")
    wait(lambda: not page.model.waits_for_shape)
    axial = page.viewports[PlaneKind.AXIAL]
    index, r, c = axial.plane.place_of(centre)
    axial.set_index(round(index))
    hand.choice.set_look(fill=0.8)
    wait(lambda: axial.values() is not None)
    hand.app.qt.processEvents()
    assert hand.colour_at(axial, r, c).saturation() > 80  # drawn by place on resampled planes
    assert hand.colour_at(axial, r + 50, c + 50).saturation() < 30  # beside the crosshair too
