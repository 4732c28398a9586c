import json

import numpy as np
import pytest
from PIL import Image

from medbench.base.errors import BadInputError
from medbench.cohorts.build import build_cohort
from medbench.cohorts.checks import blocking, run_checks
from medbench.cohorts.mask_fingerprint import mask_values
from medbench.cohorts.overview import overview_json
from medbench.cohorts.split import split_by_patient
from medbench.cohorts.store import read_cohort, write_split
from medbench.cohorts.voxels import read_voxels
from medbench.dicom.write import SimulatedPatient, write_ct_series
from medbench.domain.cohort import Role, Task
from medbench.domain.geometry import Geometry
from medbench.formats.nifti_write import write_label_nifti

TASK = Task.SEGMENTATION


def volume(path, values, spacing=(2.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0)):
    path.parent.mkdir(parents=True, exist_ok=True)
    place = Geometry(values.shape, spacing, origin, (1, 0, 0, 0, 1, 0, 0, 0, 1))
    write_label_nifti(path, values.astype(np.uint8), place, ())


@pytest.fixture
def volumes(tmp_path):
    """Six good pairs; three whose mask is smaller, elsewhere or missing; an empty mask."""
    root, dice = tmp_path / "set", np.random.default_rng(0)
    for i in range(10):
        image = dice.integers(0, 99, (6, 9 + i % 3, 8))
        mask = np.zeros(image.shape)
        mask[2:4, 3:6, 2:5] = 1 + i % 2
        origin = (0.0, 0.0, 0.0)
        if i == 6:
            mask = mask[:, :-1]
        if i == 7:
            origin = (5.0, 0.0, 0.0)
        if i == 9:
            mask[:] = 0
        volume(root / "images" / f"case_{i}.nii.gz", image)
        if i != 8:
            volume(root / "labels" / f"case_{i}.nii.gz", mask, origin=origin)
    names = {"background": 0, "front": 1, "back": 2}
    (root / "dataset.json").write_text(json.dumps({"labels": names}))
    return root


def test_two_folders_of_volumes(volumes, tmp_path):
    folder = tmp_path / "cohort"
    cohort = build_cohort(volumes, task=TASK, out=folder)
    assert cohort.classes == ("background", "front", "back")
    assert len(cohort.cases) == 10
    problems = {c.case_id: c.attributes.get("problem") for c in cohort.cases}
    assert problems["case_0"] is None
    assert "row 7: the image has 8 x 9 x 6 voxels, the mask 8 x 8 x 6" in problems["case_6"]
    assert "5.0 mm apart" in problems["case_7"]
    assert "case_8.nii.gz has no mask" in problems["case_8"]
    assert [c.label for c in cohort.cases if c.case_id == "case_9"] == [0]
    assert overview_json(cohort, None)["class_counts"] == {"background": 0, "front": 3, "back": 3}
    results = {r.check: r for r in run_checks(cohort, None, folder)}
    assert results["mask-mismatch"].blocking
    assert results["mask-mismatch"].case_ids == ("case_6", "case_7", "case_8")
    assert "case_9" in results["empty-mask"].detail
    assert read_cohort(folder) == cohort


def test_a_missing_mask_alone_does_not_block(volumes, tmp_path):
    for i in (6, 7):
        (volumes / "images" / f"case_{i}.nii.gz").unlink()
        (volumes / "labels" / f"case_{i}.nii.gz").unlink()
    cohort = build_cohort(volumes, task=TASK, out=tmp_path / "c")
    result = next(r for r in run_checks(cohort, None, tmp_path / "c") if r.check == "mask-mismatch")
    assert (result.passed, result.blocking, result.count) == (False, False, 1)


def test_a_structure_that_training_never_shows_blocks(volumes, tmp_path):
    for i in (6, 7):
        (volumes / "labels" / f"case_{i}.nii.gz").unlink()
    folder = tmp_path / "c"
    cohort = build_cohort(volumes, task=TASK, out=folder)
    split = split_by_patient(cohort, val=0.25, test=0.2)
    roles = {
        case.case_id: Role.TEST if 2 in case.structures else Role.TRAIN
        for case in cohort.cases
        if case.label is not None
    }
    roles["case_0"] = Role.VAL
    split = write_split(folder, type(split)("by-hand", None, roles, cohort.digest))
    found = [r for r in blocking(run_checks(cohort, split, folder)) if r.check == "class-missing"]
    assert "train: back" in found[0].detail


def test_a_mask_that_moved_is_named(volumes, tmp_path):
    cohort = build_cohort(volumes, task=TASK, out=tmp_path / "c")
    (volumes / "labels" / "case_0.nii.gz").unlink()
    result = next(r for r in run_checks(cohort, None, tmp_path / "c") if r.check == "unreadable")
    assert result.case_ids == ("case_0",)
    assert result.blocking


def test_a_changed_mask_changes_the_digest(volumes, tmp_path):
    one = build_cohort(volumes, task=TASK, out=tmp_path / "a", name="x")
    values = read_voxels(volumes / "labels" / "case_0.nii.gz").values.copy()
    values[0, 0, 0] = 1
    volume(volumes / "labels" / "case_0.nii.gz", values)
    two = build_cohort(volumes, task=TASK, out=tmp_path / "b", name="x")
    assert one.digest != two.digest


def test_a_table_names_its_bad_rows(volumes, tmp_path):
    lines = ["image,mask,patient_id,site"]
    lines += [f"images/case_{i}.nii.gz,labels/case_{i}.nii.gz,P{i // 2},A" for i in range(6)]
    lines += ["images/case_8.nii.gz,,P9,A", "images/gone.nii.gz,labels/case_1.nii.gz,P9,A"]
    (volumes / "pairs.csv").write_text("\n".join(lines) + "\n")
    cohort = build_cohort(volumes / "pairs.csv", task=TASK, out=tmp_path / "c")
    assert len({c.patient_id for c in cohort.cases if c.label is not None}) == 3
    text = " | ".join(cohort.notes)
    assert "case_8: row 7: the table names no mask" in text
    assert "gone: row 8: the image images/gone.nii.gz is not there" in text


def test_pictures_side_by_side_keep_both_eyes_together(tmp_path):
    root, dice = tmp_path / "eyes", np.random.default_rng(0)
    root.mkdir()
    for person in range(3):
        for side in "LR":
            name = f"Image_{person:02d}{side}"
            values = dice.integers(0, 255, (12, 14, 3)).astype(np.uint8)
            Image.fromarray(values).save(root / f"{name}.png")
            for reader in ("1stHO", "2ndHO"):
                mask = np.zeros((12, 14), np.uint8)
                mask[4:8, 5 : 9 if reader == "1stHO" else 7] = 255
                Image.fromarray(mask).save(root / f"{name}_{reader}.png")
    cohort = build_cohort(root, task=TASK, out=tmp_path / "c", structures=["vessel"])
    assert cohort.classes == ("background", "vessel")
    assert len(cohort.cases) == 6
    assert len({c.patient_id for c in cohort.cases}) == 3
    assert all(c.mask.path.endswith("_1stHO.png") for c in cohort.cases)
    other = build_cohort(root, task=TASK, out=tmp_path / "d", label="2ndHO")
    assert all(c.mask.path.endswith("_2ndHO.png") for c in other.cases)
    with pytest.raises(BadInputError, match="No mask ends in '3rd'"):
        build_cohort(root, task=TASK, out=tmp_path / "e", label="3rd")


def test_arrays_with_masks(tmp_path):
    dice = np.random.default_rng(0)
    images = dice.integers(0, 255, (4, 5, 6, 7)).astype(np.uint8)
    masks = np.zeros((4, 5, 6, 7), np.uint8)
    masks[:, 2, 2:4, 2:4] = 1
    np.savez(tmp_path / "a.npz", train_images=images, train_masks=masks, val_images=images[:1] + 1,
             val_masks=masks[:1])  # fmt: skip
    cohort = build_cohort(tmp_path / "a.npz", task=TASK, out=tmp_path / "c")
    assert [c.structures for c in cohort.cases] == [(1,)] * 5
    assert (tmp_path / "c" / "split.json").is_file()


def test_dicom_series_with_masks_are_placed_and_known_as_ct(tmp_path):
    root = tmp_path / "src"
    for i in range(2):
        voxels = np.full((6, 20, 24), -1000, np.int16)
        voxels[1:5, 5:15, 6:18] = 40 + i
        place = Geometry((6, 20, 24), (3.0, 1.0, 1.0), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
        patient = SimulatedPatient(f"SIM-{i}", "Sample^Ivo")
        write_ct_series(root / "images" / f"case{i}", voxels, place, patient)
        volume(root / "labels" / f"case{i}.nii.gz", voxels > 0, (3.0, 1.0, 1.0))
    cohort = build_cohort(root, task=TASK, out=tmp_path / "c", structures=["body"])
    assert [c.structures for c in cohort.cases] == [(1,), (1,)]
    assert {c.attributes["modality"] for c in cohort.cases} == {"CT"}
    values = mask_values(cohort, tmp_path / "c", cohort.cases)
    assert values["modality"] == "CT"
    assert values["spacing_median_mm"] == [3.0, 1.0, 1.0]
    assert values["placed"]
    assert values["structure_ml_median"] == [pytest.approx(4 * 10 * 12 * 3 / 1000)]


def test_what_is_no_mask_is_said(tmp_path):
    root = tmp_path / "s"
    volume(root / "images" / "a.nii.gz", np.ones((3, 4, 5)))
    volume(root / "labels" / "a.nii.gz", np.zeros((3, 4, 5)))
    with pytest.raises(BadInputError, match="no mask holds a structure"):
        build_cohort(root, task=TASK, out=tmp_path / "c")
    volume(root / "labels" / "a.nii.gz", np.full((3, 4, 5), 3))
    with pytest.raises(BadInputError, match="value 3, but only 2 structures"):
        build_cohort(root, task=TASK, out=tmp_path / "c", structures=["x", "y"])


@pytest.mark.real_data
def test_real_hippocampus_with_a_volume_that_has_no_mask(real_data, tmp_path):
    source = real_data / "seg_hippocampus"
    root = tmp_path / "few"
    (root / "images").mkdir(parents=True)
    files = [*sorted((source / "images").glob("*.nii.gz"))[:3],
             *(source / "pitfall_no_label").glob("*.nii.gz")]  # fmt: skip
    for file in files:
        (root / "images" / file.name).symlink_to(file)
    (root / "labels").symlink_to(source / "labels")
    cohort = build_cohort(root, task=TASK, out=tmp_path / "c", structures=["anterior", "posterior"])
    assert sum(c.label is not None for c in cohort.cases) == 3
    assert any("hippocampus_118" in n and "no mask" in n for n in cohort.notes)
    assert any("has no image" in n for n in cohort.notes)
