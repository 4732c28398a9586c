import numpy as np
import pytest

from medbench.metrics.overlap import (
    CaseOverlap,
    case_overlap,
    overlap_columns,
    overlap_report,
    worst_cases,
)
from medbench.metrics.predictions import PredictionSet, read_predictions, write_predictions

SPACING = (2.0, 1.0, 0.5)


def stored(cases, patients=None, unit="mm"):
    scores, logits = overlap_columns(cases)
    ids = np.array([f"c{i}" for i in range(len(cases))])
    return PredictionSet(
        ids, ids if patients is None else np.array(patients), np.ones(len(cases), np.int64),
        scores, logits, np.array(["val"] * len(cases)),
        {"task": "segmentation", "classes": ["background", "a", "b"], "positive": 1, "unit": unit,
         "reference": [list(c.reference) for c in cases],
         "predicted": [list(c.predicted) for c in cases]},
    )  # fmt: skip


def test_dice_and_hd95_of_shifted_boxes():
    truth = np.zeros((10, 20, 20), np.uint8)
    truth[3:7, 5:15, 5:15] = 1
    found = np.zeros_like(truth)
    found[4:8, 5:15, 5:15] = 1
    overlap = case_overlap(truth, found, 3, SPACING, 0.001)
    assert overlap.dice[0] == pytest.approx(2 * 300 / 800)
    assert overlap.hd95_mm[0] == pytest.approx(2.0)
    assert overlap.reference[0] == pytest.approx(0.4)
    # nothing of the second structure anywhere: a right answer, not a gap
    assert overlap.dice[1] == 1.0
    assert overlap.hd95_mm[1] == 0.0


def test_a_false_alarm_counts():
    truth = np.zeros((4, 8, 8), np.uint8)
    found = truth.copy()
    found[1, 2:4, 2:4] = 1
    overlap = case_overlap(truth, found, 2, SPACING, 0.5)
    assert overlap.dice == (0.0,)
    assert overlap.hd95_mm == (None,)
    assert overlap.predicted == (2.0,)


def test_report_counts_every_case_and_names_what_it_left_out():
    cases = [
        CaseOverlap((0.9, 0.8), (1.0, 2.0), (1.0, 1.0), (1.0, 1.0)),
        CaseOverlap((0.7, 0.0), (3.0, None), (1.0, 0.0), (1.0, 0.3)),
        CaseOverlap((0.5, 1.0), (5.0, 0.0), (1.0, 0.0), (1.0, 0.0)),
    ] * 5
    report = overlap_report(stored(cases))
    metrics = report.metrics
    assert metrics["dice"].value == pytest.approx(np.mean([0.85, 0.35, 0.75]))
    assert metrics["dice"].low < metrics["dice"].value < metrics["dice"].high
    assert metrics["dice b"].n == 15
    assert metrics["hd95_mm b"].n == 10
    assert metrics["hd95_mm b"].value == pytest.approx(1.0)
    assert metrics["false_alarm_ml"].value == pytest.approx(0.15)
    assert metrics["auc"].value is None
    assert "one empty = 0" in report.intervals


def test_intervals_resample_patients_not_cases():
    dice = np.random.default_rng(0)
    level = np.repeat(dice.uniform(0.5, 0.95, 8), 10)
    cases = [CaseOverlap((v, v), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0)) for v in level]
    alone = overlap_report(stored(cases)).metrics["dice"]
    together = overlap_report(stored(cases, np.repeat(np.arange(8), 10).astype(str)))
    grouped = together.metrics["dice"]
    assert together.n_patients == 8
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


def test_worst_cases_come_first_and_survive_the_file(tmp_path):
    cases = [CaseOverlap((d, d), (None, 1.0), (1.0, 1.0), (0.0, 1.0)) for d in (0.9, 0.2, 0.6)]
    write_predictions(tmp_path / "p.npz", stored(cases, unit="px"))
    worst = worst_cases(read_predictions(tmp_path / "p.npz"), 2)
    assert [w["case"] for w in worst] == ["c1", "c2"]
    assert worst[0]["structures"]["a"] == {"dice": 0.2, "hd95_px": None}
    assert "hd95_px" in overlap_report(read_predictions(tmp_path / "p.npz")).metrics


@pytest.mark.real_data
def test_two_raters_of_real_organs_against_distance_maps(real_data):
    """HD95 by Euclidean distance maps (scipy) instead of the trees that the product uses."""
    from scipy.ndimage import binary_erosion, distance_transform_edt, generate_binary_structure

    from medbench.cohorts.voxels import mask_codes, mismatch_of, read_voxels

    folder = real_data / "seg_headneck_two_raters" / "0522c0057"
    for organ in ("Orbit-Rt", "Parotid-Lt"):
        one, two = (
            read_voxels(folder / r / f"{organ}.nrrd") for r in ("oncologist", "radiographer")
        )
        assert mismatch_of(one, two) == ""
        a, b = (mask_codes(v, organ) > 0 for v in (one, two))
        overlap = case_overlap(a.astype(np.uint8), b.astype(np.uint8), 2, one.spacing_mm)
        assert overlap.dice[0] == pytest.approx(2 * (a & b).sum() / (a.sum() + b.sum()))
        held = np.argwhere(a | b)
        cut = tuple(
            slice(max(0, x - 3), y + 4) for x, y in zip(held.min(0), held.max(0), strict=True)
        )
        a, b = a[cut], b[cut]
        cross = generate_binary_structure(3, 1)
        edges = [m & ~binary_erosion(m, cross) for m in (a, b)]
        far = [distance_transform_edt(~e, sampling=one.spacing_mm) for e in edges]
        expected = max(np.percentile(far[1][edges[0]], 95), np.percentile(far[0][edges[1]], 95))
        assert overlap.hd95_mm[0] == pytest.approx(expected)
        assert 0.5 < overlap.dice[0] < 1
