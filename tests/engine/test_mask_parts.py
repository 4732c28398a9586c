import numpy as np
import pytest
import torch
from PIL import Image

from medbench.base.errors import IntegrityError
from medbench.cohorts.build import build_cohort
from medbench.cohorts.canonical import canonical, turn_of
from medbench.cohorts.mask_fingerprint import sided
from medbench.cohorts.voxels import Voxels
from medbench.domain.cohort import Fingerprint, Task
from medbench.domain.geometry import Geometry
from medbench.engine.learners.unet import LEARNER
from medbench.engine.learners.unet_core import SegCore
from medbench.engine.nets.unet import build_unet, strides_of
from medbench.engine.plan.builder import PlanBuilder, values_of
from medbench.engine.segmentation.patches import Changes, choose_centre, draw_patch
from medbench.engine.segmentation.prepare import ImagePreparer, label_map, mask_on_grid
from medbench.engine.segmentation.task import prepare_part

# stored x runs to the head, y to the right, z to the front
TURNED = tuple(np.array([[0, -1, 0], [0, 0, -1], [1, 0, 0]]).ravel().tolist())
CPU = torch.device("cpu")


def settings(**changed):
    plain = {"flat": False, "oriented": True, "channels": 1, "spacing_mm": [1.0, 1.0, 1.0],
             "normalisation": "z-score", "low": 0, "high": 1, "mean": 0, "sd": 1}  # fmt: skip
    return plain | changed


def volume(shape=(6, 8, 10), direction=TURNED, spacing=(3.0, 2.0, 1.0)):
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    place = Geometry(shape, spacing, (5.0, 6.0, 7.0), direction)
    return Voxels(values, spacing, place)


def test_axes_become_the_patients_and_come_back():
    stored = volume()
    upright, turn = canonical(stored)
    assert upright.spacing_mm == (1.0, 3.0, 2.0)
    assert np.array_equal(turn.undo(upright.values), stored.values)
    # each step along a new axis must go to the head, the back, the left
    index = np.arange(stored.values.size).reshape(stored.shape)
    turned = turn.apply(index)
    for axis, towards in enumerate((2, 1, 0)):
        ends = []
        for at in (0, -1):
            place = [0, 0, 0]
            place[axis] = at
            z, y, x = np.unravel_index(turned[tuple(place)], stored.shape)
            ends.append(stored.geometry.world_from_index(x, y, z))
        assert (ends[1] - ends[0])[towards] > 0
    assert turn_of(None).axes == (0, 1, 2)


def test_preparation_and_back_keep_a_structure_in_place():
    stored = volume((12, 16, 20), spacing=(2.0, 1.0, 1.0))
    codes = np.zeros(stored.shape, np.uint8)
    codes[3:8, 4:11, 6:15] = 2
    preparer = ImagePreparer(settings(spacing_mm=[0.8, 1.1, 0.9]))
    ready = preparer.prepare(stored)
    mask = mask_on_grid(codes, ready, 3)
    assert mask.shape == ready.image.shape[1:]
    probabilities = np.stack([mask == k for k in range(3)]).astype(np.float32)
    back = label_map(probabilities, ready)
    both = ((back == 2) & (codes == 2)).sum()
    assert 2 * both / ((back == 2).sum() + (codes == 2).sum()) > 0.9
    assert set(np.unique(back)) <= {0, 2}


def test_ct_values_share_one_scale_and_mr_values_their_own():
    stored = volume()
    louder = Voxels(stored.values * 5 + 3, stored.spacing_mm, stored.geometry)
    own = ImagePreparer(settings())
    assert np.allclose(own.prepare(stored).image, own.prepare(louder).image, atol=1e-4)
    ct = ImagePreparer(settings(normalisation="ct", low=-1, high=1, mean=0.2, sd=0.5))
    image = ct.prepare(stored).image
    assert image.min() == pytest.approx((-1 - 0.2) / 0.5)
    assert not np.allclose(image, ct.prepare(louder).image)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_each_mirror_touches_its_axis_and_the_mask_follows(axis):
    image = np.random.default_rng(0).normal(size=(1, 8, 10, 12)).astype(np.float32)
    mask = (image[0] > 0).astype(np.uint8)
    centre = torch.tensor([3.5, 4.5, 5.5])
    seen = set()
    for seed in range(8):
        torch.manual_seed(seed)
        found, labels = draw_patch(image, mask, centre, (8, 10, 12), Changes(mirror=(axis,)))
        plain = np.allclose(found[0], image[0], atol=1e-4)
        mirrored = np.allclose(found[0], np.flip(image[0], axis), atol=1e-4)
        assert plain != mirrored
        expected = np.flip(mask, axis) if mirrored else mask
        assert np.array_equal(labels.numpy(), expected)
        seen.add(mirrored)
    assert seen == {True, False}


def test_a_strong_change_moves_image_and_mask_alike_and_repeats():
    z, y, x = np.mgrid[0:24, 0:24, 0:24] - 11.5
    image = (np.hypot(np.hypot(z, y), x - 3) < 6).astype(np.float32)[None]
    mask = image[0].astype(np.uint8)
    changes = Changes(turn_deg=20, stretch=0.25, bend=1.5)
    moved = []
    for seed in range(6):
        torch.manual_seed(seed)
        found, labels = draw_patch(image, mask, torch.full((3,), 11.5), (24, 24, 24), changes)
        agree = ((found[0] > 0.5) == (labels > 0)).float().mean()
        assert agree > 0.98
        moved.append(float(labels.float().sum()))
    assert np.std(moved) > 10
    torch.manual_seed(5)
    again, _ = draw_patch(image, mask, torch.full((3,), 11.5), (24, 24, 24), changes)
    assert torch.equal(again, found)


def test_pictures_are_only_changed_in_their_plane():
    image = np.random.default_rng(0).normal(size=(3, 1, 40, 40)).astype(np.float32)
    mask = np.ones((1, 40, 40), np.uint8)
    torch.manual_seed(0)
    found, labels = draw_patch(
        image, mask, torch.tensor([0.0, 19.5, 19.5]), (1, 16, 16), Changes(20, 0.25, 1.0)
    )
    assert found.shape == (3, 1, 16, 16)
    assert bool((labels == 1).all())


def test_patches_are_aimed_at_every_structure_alike():
    big = np.argwhere(np.ones((10, 10, 10))) + 5
    small = np.array([[35, 35, 35]])
    torch.manual_seed(0)
    near = [
        float(choose_centre((40, 40, 40), (8, 8, 8), (big, small), 1.0).min()) > 25
        for _ in range(200)
    ]
    assert 60 < sum(near) < 140
    inside = choose_centre((40, 6, 40), (8, 8, 8), (big,), 0.0)
    assert inside[1] == pytest.approx(2.5)  # does not fit: centred
    assert 3.5 <= inside[0] <= 35.5


def test_windows_average_probabilities_and_cover_the_image():
    torch.manual_seed(0)
    described = {"channels": 1, "classes": 3, "widths": [4, 8, 8], "kernels": [[3, 3, 3]] * 3,
                 "strides": [[1, 1, 1], [2, 2, 2], [2, 2, 2]], "dropout": 0.0, "patch": [8, 8, 8],
                 "mirror": [2]}  # fmt: skip
    core = SegCore(build_unet(described), described, CPU)
    for shape in ((1, 8, 9, 7), (1, 20, 22, 9), (1, 3, 5, 4)):
        image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        found = core.probabilities(image)
        assert found.shape == (3, *shape[1:])
        assert np.allclose(found.sum(axis=0), 1, atol=1e-4)
        assert core.logits(image).shape == (image[0].size, 3)
    image = np.random.default_rng(1).normal(size=(1, 8, 8, 8)).astype(np.float32)
    mirrored = core.probabilities(np.ascontiguousarray(image[..., ::-1]))[..., ::-1]
    assert np.allclose(core.probabilities(image), mirrored, atol=1e-5)


def test_thick_slices_wait_until_the_others_are_as_coarse():
    kernels, strides = strides_of([16, 64, 64], [5.0, 1.0, 1.0], 4)
    assert strides == [[1, 1, 1], [1, 2, 2], [1, 2, 2], [2, 2, 2]]
    assert kernels[0] == [1, 3, 3]
    assert kernels[-1] == [3, 3, 3]


def planned(**changed):
    values = {"flat": False, "channels": 1, "spacing_median_mm": [1.0, 1.0, 1.0],
              "spacing_p10_mm": [1.0, 1.0, 1.0], "shape_median": [37, 49, 36], "placed": True,
              "modality": "", "inside_mean": 1.0, "inside_sd": 1.0, "inside_low": 0.0,
              "inside_high": 2.0, "sided": False, "cases_with": [40, 40],
              "thickness_px": None}  # fmt: skip
    values |= changed
    plan = PlanBuilder({})
    LEARNER.plan(plan, Fingerprint(Task.SEGMENTATION, 40, 40, (0, 40, 40), values), CPU)
    rows = plan.finish()
    assert all(row.reason for row in rows)
    return values_of(rows)


def test_the_plan_follows_the_fingerprint():
    plan = planned()
    assert plan["patch"] == "32,48,32"
    assert plan["normalisation"] == "z-score"
    assert plan["mirror"] == "left-right"
    ct = planned(modality="CT", sided=True, spacing_median_mm=[5.0, 0.8, 0.8],
                 spacing_p10_mm=[3.0, 0.7, 0.7], shape_median=[60, 512, 512])  # fmt: skip
    assert ct["normalisation"] == "ct"
    assert ct["mirror"] == "none"
    assert ct["spacing"] == "3,0.8,0.8"
    sizes = [int(v) for v in ct["patch"].split(",")]
    assert np.prod(sizes) <= 50_000
    assert all(s % 8 == 0 for s in sizes)
    thin = planned(flat=True, channels=3, shape_median=[1, 960, 999], thickness_px=5.0)
    assert thin["spacing"] == "1.25,1.25"
    flat = planned(flat=True, channels=3, shape_median=[1, 960, 999], thickness_px=80.0)
    assert len(flat["patch"].split(",")) == 2
    assert flat["spacing"] == "1.95,1.95"
    assert "orientation" not in flat
    assert LEARNER.preparation(flat)["spacing_mm"] == [1.0, 1.95, 1.95]


def test_sides_are_read_from_names():
    assert sided(["liver", "Parotid-Lt"])
    assert sided(["left kidney"])
    assert sided(["kidney_r"])
    assert not sided(["anterior", "posterior", "liver", "rectum", "lens"])


def test_a_mask_that_changed_since_the_cohort_was_built_stops_the_run(tmp_path):
    root = tmp_path / "src"
    for name in ("images", "labels"):
        (root / name).mkdir(parents=True)
        for i in range(2):
            np.save(root / name / f"a{i}.npy", np.full((6, 8, 8), i + 1, np.uint8))
    Image.fromarray(np.full((9, 9), 7, np.uint8)).save(root / "images" / "b.png")
    Image.fromarray(np.full((9, 9), 255, np.uint8)).save(root / "labels" / "b.png")
    cohort = build_cohort(root, task=Task.SEGMENTATION, out=tmp_path / "c")
    preparer = ImagePreparer(settings())
    cases = [c for c in cohort.cases if c.case_id == "b"]

    def prepare(cache):
        return prepare_part(cohort, tmp_path / "c", cases, preparer, cache, lambda i: None)

    first = prepare(tmp_path / "one")
    assert first.cases[0].mask.sum() == 81
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(root / "labels" / "b.png")
    with pytest.raises(IntegrityError, match="of case b changed"):
        prepare(tmp_path / "two")
    again = prepare(tmp_path / "one")  # what was prepared stays what the cohort froze
    assert np.array_equal(again.cases[0].mask, first.cases[0].mask)
