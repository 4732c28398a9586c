"""Dice and HD95 against brute force, against MONAI, and on two readers' real masks."""

import json
import subprocess
import sys

import numpy as np
import pytest
from scipy import ndimage

from medbench.domain.geometry import Geometry
from medbench.imaging.segment_agreement import (
    agreement_of,
    dice_of,
    hausdorff_95_mm,
    surface_of,
)
from medbench.imaging.segment_pairs import compare, paired, placed_labels

SPACING = (3.0, 0.7, 1.1)


def two_masks(seed=0, shape=(12, 30, 28)):
    z, y, x = np.indices(shape)
    one = ((z - 6) / 4) ** 2 + ((y - 14) / 9) ** 2 + ((x - 13) / 8) ** 2 < 1
    other = ((z - 5) / 3) ** 2 + ((y - 16) / 10) ** 2 + ((x - 14) / 7) ** 2 < 1
    other[7, 2:4, 24:27] = True
    return one, other ^ ((np.random.default_rng(seed).random(shape) < 0.02) & other)


def brute(one, other):
    def surface(mask):
        found = []
        for at in np.argwhere(mask):
            for axis in range(3):
                for step in (-1, 1):
                    there = at.copy()
                    there[axis] += step
                    outside = (there < 0).any() or (there >= mask.shape).any()
                    if outside or not mask[tuple(there)]:
                        found.append(tuple(at))
        return np.array(sorted(set(found))) * SPACING

    a, b = surface(one), surface(other)
    distances = np.linalg.norm(a[:, None] - b[None], axis=-1)
    return max(np.percentile(distances.min(1), 95), np.percentile(distances.min(0), 95))


def test_both_numbers_equal_those_of_brute_force():
    one, other = two_masks()
    assert hausdorff_95_mm(one, other, SPACING) == pytest.approx(brute(one, other), abs=1e-9)
    both = (one & other).sum()
    assert dice_of(one, other) == pytest.approx(2 * both / (one.sum() + other.sum()))
    found = agreement_of(one, other, SPACING)
    assert found.hd95_mm == pytest.approx(brute(one, other), abs=1e-9)
    assert found.voxels == (one.sum(), other.sum())
    edge = np.zeros_like(one)
    edge[:3, :4, :4] = True
    assert agreement_of(edge, one, SPACING).hd95_mm == pytest.approx(brute(edge, one), abs=1e-9)


def test_edges_of_meaning():
    one, _ = two_masks()
    nothing = np.zeros_like(one)
    assert agreement_of(one, one, SPACING) == agreement_of(one, one.copy(), SPACING)
    assert agreement_of(one, one, SPACING).hd95_mm == 0
    assert agreement_of(one, nothing, SPACING).dice == 0
    assert agreement_of(one, nothing, SPACING).hd95_mm is None
    assert agreement_of(nothing, nothing, SPACING).dice is None
    assert agreement_of(one, one, SPACING, mm_known=False).hd95_mm is None
    flat = np.zeros((1, 9, 9), bool)
    flat[0, 2:7, 2:7] = True
    assert surface_of(flat).sum() == 16  # a single slice is taken as 2-D


def test_hd95_is_the_one_of_monai(tmp_path):
    one, other = two_masks(4)
    np.savez(tmp_path / "masks.npz", one=one, other=other)
    script = (
        "import json, sys, numpy as np, torch\n"
        "from monai.metrics import compute_hausdorff_distance as hd, compute_dice\n"
        "m = np.load(sys.argv[1])\n"
        "a, b = (torch.from_numpy(m[k].astype('float32'))[None, None] for k in ('one', 'other'))\n"
        "d = hd(a, b, include_background=True, percentile=95, spacing=[3.0, 0.7, 1.1])\n"
        "print(json.dumps([float(d), float(compute_dice(a, b))]))\n"
    )
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(tmp_path / "masks.npz")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    distance, dice = json.loads(run.stdout.strip().splitlines()[-1])
    found = agreement_of(one, other, SPACING)
    assert found.hd95_mm == pytest.approx(distance, abs=1e-3)
    assert found.dice == pytest.approx(dice, abs=1e-5)


def test_segments_are_paired_by_name_else_by_number():
    ours = [(1, "Oedema"), (2, "Tumour")]
    assert paired(ours, [(5, " tumour "), (6, "Skull")]) == [((2, "Tumour"), (5, " tumour "))]
    assert paired(ours, [(2, "b"), (9, "c")]) == [((2, "Tumour"), (2, "b"))]


@pytest.mark.real_data
def test_two_readers_of_real_organs(real_data):
    """Every organ against surfaces by erosion and distances by a distance transform."""
    import SimpleITK as sitk

    folder = real_data / "seg_headneck_two_raters" / "0522c0017"
    names = ("Brainstem", "Mandible", "Parotid-Lt", "Lens-Rt", "Optic-Nerve-Lt")
    maps, spacing = [], None
    for reader in ("oncologist", "radiographer"):
        labels = None
        for number, name in enumerate(names, 1):
            image = sitk.ReadImage(str(folder / reader / f"{name}.nrrd"))
            mask = sitk.GetArrayViewFromImage(image) > 0
            labels = np.zeros(mask.shape, np.uint8) if labels is None else labels
            labels[mask] = number
            spacing = image.GetSpacing()[::-1]
        maps.append(labels)
    numbered = list(enumerate(names, 1))
    found = compare(*maps, paired(numbered, numbered), spacing)
    assert [f.label for f in found] == list(names)
    for result in found:
        one, other = (m == result.number for m in maps)
        agreement = result.agreement
        assert agreement.dice == pytest.approx(
            2 * np.count_nonzero(one & other) / (one.sum() + other.sum())
        )
        where = np.argwhere(one | other)
        low, high = np.maximum(where.min(0) - 2, 0), where.max(0) + 3
        area = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        one, other = one[area], other[area]
        edges = [m & ~ndimage.binary_erosion(m) for m in (one, other)]
        ways = [
            ndimage.distance_transform_edt(~edges[1], sampling=spacing)[edges[0]],
            ndimage.distance_transform_edt(~edges[0], sampling=spacing)[edges[1]],
        ]
        expected = max(np.percentile(way, 95) for way in ways)
        assert agreement.hd95_mm == pytest.approx(expected, abs=1e-6)
        assert 0.5 < agreement.dice < 1
        assert 0 < agreement.hd95_mm < 10


def test_a_label_map_is_placed_onto_another_grid():
    own = Geometry((6, 10, 8), (2.0, 1.0, 1.0), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1), "1.2")
    labels = np.random.default_rng(0).integers(0, 4, own.shape, dtype=np.uint8)
    turned = Geometry(
        (6, 20, 16), (2.0, 0.5, 0.5), (7.25, 9.25, 10.0), (-1, 0, 0, 0, -1, 0, 0, 0, -1), "1.2"
    )
    found = placed_labels(labels, own, turned)
    expected = labels[::-1, ::-1, ::-1].repeat(2, axis=1).repeat(2, axis=2)
    assert np.array_equal(found, expected)
