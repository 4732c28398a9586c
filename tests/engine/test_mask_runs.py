import json
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image
from pydicom import dcmread

from medbench.base.errors import JobFailedError, LeakageError
from medbench.cohorts.build import build_cohort
from medbench.cohorts.split import split_by_patient
from medbench.cohorts.store import write_split
from medbench.cohorts.voxels import read_voxels
from medbench.dicom.write import SimulatedPatient, write_ct_series
from medbench.domain.cohort import Task
from medbench.domain.geometry import Geometry
from medbench.domain.model import RestsOn
from medbench.formats.nifti_write import write_label_nifti
from medbench.metrics.predictions import read_predictions
from medbench.registry.workspace import Workspace
from medbench.session.operations.evaluation import evaluate, evaluation_json
from medbench.session.operations.label_maps import write_label_object
from medbench.session.operations.prediction import (
    inputs_of,
    manifest_of,
    predict,
    prediction_json,
)
from medbench.session.operations.training import prepare_run, resume_spec, train_blocking

pytestmark = pytest.mark.keeps_process
AXES = (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)
QUICK = {"epochs": 3, "epoch_patches": 24, "widths": "6,8,12", "learning_rate": 0.02,
         "augment": "mild"}  # fmt: skip


@pytest.fixture
def workspace(tmp_path):
    with Workspace(tmp_path / "w") as opened:
        yield opened


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    """Twelve small volumes of several sizes with a bright ball; one mask is empty."""
    root = tmp_path_factory.mktemp("balls")
    dice = np.random.default_rng(0)
    for i in range(12):
        shape = (14 + i % 3, 20, 18 + i % 2)
        z, y, x = np.indices(shape)
        cz, cy, cx = dice.integers(6, 9), dice.integers(8, 12), dice.integers(8, 10)
        mask = ((z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 < 20).astype(np.uint8)
        if i == 5:
            mask[:] = 0
        image = np.clip(dice.normal(60, 10, shape) + 90 * mask, 0, 255).astype(np.uint8)
        place = Geometry(shape, (1.0, 1.0, 1.0), (3.0, 4.0, 5.0), AXES)
        for name, values in (("images", image), ("labels", mask)):
            (root / "src" / name).mkdir(parents=True, exist_ok=True)
            write_label_nifti(root / "src" / name / f"ball{i:02d}.nii.gz", values, place, ())
    cohort = build_cohort(
        root / "src", task=Task.SEGMENTATION, out=root / "cohort", structures=["ball"]
    )
    write_split(root / "cohort", split_by_patient(cohort, val=0.25, test=0.2))
    return root / "cohort"


def test_volumes_from_cohort_to_label_map(workspace, volumes, engine, tmp_path):
    events = []
    spec = prepare_run(workspace, volumes, "unet", overrides=QUICK)
    version, result = train_blocking(workspace, spec, events.append)
    assert result["validation"]["dice"]["value"] > 0.6
    assert any("one empty = 0" in note for note in result["notes"])
    kinds = [e["type"] for e in events]
    assert {"plan", "progress", "metric"} <= set(kinds)
    assert "val_dice" in next(e for e in events if e["type"] == "metric")["values"]
    run = Path(spec.run_folder)
    for name in ("plan.json", "split.json", "environment.json", "predictions/val.npz",
                 "model/model.json", "model/card.md"):  # fmt: skip
        assert (run / name).exists(), name
    stored = read_predictions(run / "predictions" / "val.npz")
    assert set(stored.roles.tolist()) == {"val"}
    assert stored.scores[:, 0].mean() == pytest.approx(result["validation"]["dice"]["value"])

    found = evaluate(workspace, engine, version.label, volumes, "test")
    assert found.record.rests_on is RestsOn.INTERNAL_TEST
    shown = evaluation_json(found)
    assert shown["worst"][0]["dice"] == pytest.approx(found.predictions.scores[:, 0].min())
    assert shown["metrics"]["dice"]["value"] > 0.5

    folder = workspace.model_folder(version.label)
    source = volumes.parent / "src" / "images"
    inputs = inputs_of([source / "ball00.nii.gz"], manifest_of(folder))
    answer = predict(engine, version, folder, inputs, tmp_path / "out")[0]
    image, drawn = read_voxels(source / "ball00.nii.gz"), read_voxels(Path(answer.label_map_path))
    assert drawn.shape == image.shape
    assert np.allclose(drawn.geometry.matrix, image.geometry.matrix, atol=1e-4)
    truth = read_voxels(volumes.parent / "src" / "labels" / "ball00.nii.gz").values
    both = 2 * ((drawn.values == 1) & (truth == 1)).sum()
    assert both / ((drawn.values == 1).sum() + (truth == 1).sum()) > 0.5
    assert answer.volumes["ball"] == pytest.approx((drawn.values == 1).sum() / 1000)
    assert answer.volume_unit == "mL"
    words = prediction_json(answer)
    assert words["label_map"].endswith("_seg.nii.gz")
    assert words["volumes"] == dict(answer.volumes)
    check_a_series(workspace, engine, version, tmp_path)


def check_a_series(workspace, engine, version, out):
    """A DICOM series becomes a label map and a Segmentation that Review reads as a layer."""
    from medbench.dicom.scan import scan
    from medbench.formats.layers import is_layer, read_layer

    shape = (15, 20, 18)
    z, y, x = np.indices(shape)
    ball = (z - 7) ** 2 + (y - 10) ** 2 + (x - 9) ** 2 < 20
    values = (np.random.default_rng(7).normal(60, 10, shape) + 90 * ball).astype(np.int16)
    place = Geometry(shape, (1.0, 1.0, 1.0), (3.0, 4.0, 5.0), AXES)
    write_ct_series(out / "series", values, place, SimulatedPatient("SIM-1", "Sample^Ivo"))
    folder = workspace.model_folder(version.label)
    entries = inputs_of([out / "series"], manifest_of(folder))
    assert len(entries) == 1
    answer = predict(engine, version, folder, entries, out / "maps")[0]
    assert answer.reason == ""
    written = write_label_object(answer, out / "series", out / "maps")
    displays = [d for s in scan([written]).studies for e in s.series for d in e.displays]
    assert is_layer(displays[0])
    layer = read_layer(displays[0])
    assert [segment.label for segment in layer.segments] == ["ball"]
    header = dcmread(written).SegmentSequence[0]
    assert header.SegmentAlgorithmType == "AUTOMATIC"
    assert version.label in header.SegmentAlgorithmName
    labels = read_voxels(Path(answer.label_map_path)).values
    assert 2 * (ball & (labels == 1)).sum() / (ball.sum() + (labels == 1).sum()) > 0.5
    assert int(dcmread(written).NumberOfFrames) == int(labels.any(axis=(1, 2)).sum())


def test_a_killed_run_on_masks_resumes_to_the_same_weights(workspace, volumes):
    whole = prepare_run(workspace, volumes, "unet", overrides=QUICK, seed=3)
    train_blocking(workspace, whole)
    spec = prepare_run(workspace, volumes, "unet", overrides=QUICK, seed=3)
    died = []

    def kill(event):
        if event["type"] == "metric" and event["epoch"] == 1 and not died:
            died.append(True)
            for child in psutil.Process().children():
                if "medbench.engine" in " ".join(child.cmdline()) and "train" in child.cmdline():
                    child.kill()

    with pytest.raises(JobFailedError, match="died"):
        train_blocking(workspace, spec, kill)
    epochs = []
    train_blocking(
        workspace,
        resume_spec(workspace, spec.job_id),
        lambda e: epochs.append(e["epoch"]) if e["type"] == "metric" else None,
    )
    assert epochs[0] >= 2
    one, two = (
        json.loads((Path(s.run_folder) / "model" / "model.json").read_text())["weights_sha256"]
        for s in (whole, spec)
    )
    assert one == two


def test_pictures_in_colour_and_what_does_not_fit(workspace, volumes, engine, tmp_path):
    root, dice = tmp_path / "src", np.random.default_rng(1)
    root.mkdir()
    for i in range(10):
        y, x = np.mgrid[0 : 40 + i, 0:48]
        mask = (np.hypot(y - dice.integers(15, 25), x - dice.integers(15, 30)) < 9) * 255
        values = np.clip(dice.normal(80, 15, (*mask.shape, 3)) + mask[..., None] / 3, 0, 255)
        Image.fromarray(values.astype(np.uint8)).save(root / f"s{i}.png")
        Image.fromarray(mask.astype(np.uint8)).save(root / f"s{i}_mask.png")
    folder = tmp_path / "cohort"
    cohort = build_cohort(root, task=Task.SEGMENTATION, out=folder, structures=["lesion"])
    write_split(folder, split_by_patient(cohort, val=0.25, test=0.2))
    spec = prepare_run(workspace, folder, "unet", overrides=QUICK)
    version, result = train_blocking(workspace, spec)
    assert result["validation"]["dice"]["value"] > 0.5
    assert "hd95_px" in result["validation"]
    model = workspace.model_folder(version.label)
    entries = inputs_of([root / "s0.png", volumes.parent / "src" / "images"], manifest_of(model))
    found = predict(engine, version, model, entries[:2], tmp_path / "out")
    labels = np.asarray(Image.open(found[0].label_map_path))
    assert labels.shape == (40, 48)
    assert found[0].volume_unit == "px"
    assert "trained on single pictures" in found[1].reason
    assert found[1].label_map_path == ""


def test_wrong_masks_stop_a_run_before_it_begins(workspace, volumes, tmp_path):
    root = tmp_path / "src"
    root.mkdir()
    for i in range(6):
        Image.fromarray(np.full((20, 20), 9 * i, np.uint8)).save(root / f"a{i}.png")
        side = 20 if i < 5 else 19
        Image.fromarray(np.full((side, 20), 255, np.uint8)).save(root / f"a{i}_mask.png")
    folder = tmp_path / "cohort"
    cohort = build_cohort(root, task=Task.SEGMENTATION, out=folder)
    write_split(folder, split_by_patient(cohort, val=0.3, test=0.2))
    with pytest.raises(LeakageError, match="a5, row 6: the image has 20 x 20 x 1 voxels"):
        prepare_run(workspace, folder, "unet")
    assert workspace.runs() == ()
    small = prepare_run(workspace, volumes, "unet", overrides={"patch": "8,8,8"})
    with pytest.raises(JobFailedError, match="three levels"):
        train_blocking(workspace, small)
