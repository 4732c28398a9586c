from dataclasses import replace

import pytest

from medbench.base.errors import BadInputError, LeakageError
from medbench.cohorts.build import build_cohort
from medbench.cohorts.checks import blocking, require_clean, run_checks
from medbench.cohorts.collect import LabelledFrame, add_labelled
from medbench.cohorts.split import (
    extend_split,
    override,
    resolve_duplicates,
    split_by_patient,
    split_from_column,
)
from medbench.cohorts.store import read_cohort, read_split, write_cohort, write_split
from medbench.domain.cohort import Case, Cohort, Item, ItemKind, Role, Split, Task


def make(patients, labels, hashes=None, attributes=None):
    cases = tuple(
        Case(
            f"c{i}", p, label,
            (Item(ItemKind.ARRAY, "a.npy", i, "", hashes[i] if hashes else f"h{i}"),),
            attributes[i] if attributes else {},
        )
        for i, (p, label) in enumerate(zip(patients, labels, strict=True))
    )  # fmt: skip
    return Cohort("t", Task.IMAGE, "y", ("no", "yes"), 1, cases, digest="d")


def by_id(results):
    return {r.check: r for r in results}


def test_patients_are_never_cut_and_classes_are_spread():
    patients = [f"p{i // 3}" for i in range(300)]
    cohort = make(patients, [(i // 3) % 2 for i in range(300)])
    split = split_by_patient(cohort, val=0.2, test=0.2, seed=3)
    roles = {}
    for case in cohort.cases:
        roles.setdefault(case.patient_id, set()).add(split.roles[case.case_id])
    assert all(len(r) == 1 for r in roles.values())
    for role, share in ((Role.TRAIN, 0.6), (Role.VAL, 0.2), (Role.TEST, 0.2)):
        part = [c for c in cohort.cases if split.roles[c.case_id] is role]
        assert len(part) / 300 == pytest.approx(share, abs=0.03)
        assert sum(c.label for c in part) / len(part) == pytest.approx(0.5, abs=0.06)
    assert split == split_by_patient(cohort, val=0.2, test=0.2, seed=3)
    assert split.roles != split_by_patient(cohort, val=0.2, test=0.2, seed=4).roles


def test_patients_with_the_same_bytes_stay_together():
    hashes = [f"h{i}" for i in range(40)]
    hashes[7] = hashes[30]
    cohort = make([f"p{i}" for i in range(40)], [i % 2 for i in range(40)], hashes)
    for seed in range(20):
        split = split_by_patient(cohort, seed=seed)
        assert split.roles["c7"] is split.roles["c30"]


def test_a_giant_group_goes_to_training():
    patients = ["big"] * 50 + [f"p{i}" for i in range(50)]
    split = split_by_patient(make(patients, [i % 2 for i in range(100)]))
    assert {split.roles[f"c{i}"] for i in range(50)} == {Role.TRAIN}
    assert {Role.VAL, Role.TEST} <= set(split.roles.values())


def test_leaks_are_found_and_block(tmp_path):
    (tmp_path / "a.npy").write_bytes(b"")
    cohort = make(["a", "a", "b", "c"], [0, 1, 1, 1], ["h0", "h1", "h2", "h0"])
    roles = {"c0": Role.TRAIN, "c1": Role.VAL, "c2": Role.TRAIN, "c3": Role.VAL}
    split = Split("column:x", None, roles, "d")
    cohort = replace(cohort, classes=("no", "yes", "maybe"))
    found = by_id(run_checks(cohort, split, tmp_path))
    assert found["same-patient"].case_ids == ("c0", "c1")
    assert found["exact-duplicate"].case_ids == ("c0", "c3")
    assert found["contradicting-labels"].count == 2
    with pytest.raises(LeakageError, match="more than one part"):
        require_clean(run_checks(cohort, split, tmp_path))


def test_one_class_blocks(tmp_path):
    cohort = make(["a", "b", "c"], [1, 1, 1])
    assert "one-class" in [r.check for r in blocking(run_checks(cohort, None, tmp_path))]


def test_a_shortcut_attribute_is_named(tmp_path):
    attributes = [{"source": "x" if i % 2 else "y", "sex": "FM"[i % 3 == 0]} for i in range(60)]
    cohort = make([f"p{i}" for i in range(60)], [i % 2 for i in range(60)], None, attributes)
    found = by_id(run_checks(cohort, None, tmp_path))["label-follows-attribute"]
    assert not found.passed
    assert "source" in found.detail
    assert "sex" not in found.detail


def test_override_and_resolve(tmp_path):
    cohort = write_cohort(
        tmp_path, make(["a", "b", "c", "d"], [0, 1, 0, 1], ["h0", "h1", "h0", "h3"])
    )
    (tmp_path / "a.npy").write_bytes(b"")
    roles = {"c0": Role.TRAIN, "c1": Role.TRAIN, "c2": Role.VAL, "c3": Role.VAL}
    write_split(tmp_path, Split("column:x", None, roles, cohort.digest))
    split = read_split(tmp_path, cohort)
    assert [r.check for r in blocking(run_checks(cohort, split, tmp_path))] == ["exact-duplicate"]
    with pytest.raises(BadInputError, match="reason"):
        override(tmp_path, "exact-duplicate", " ", "me")
    override(tmp_path, "exact-duplicate", "known copies", "me")
    assert not blocking(run_checks(cohort, read_split(tmp_path, cohort), tmp_path))
    assert resolve_duplicates(tmp_path) == 1
    assert "c0" not in read_split(tmp_path, cohort).roles


def test_split_from_column():
    attributes = [{"part": p} for p in ("train", "validation", "test")]
    cohort = make(["a", "b", "c"], [0, 1, 0], None, attributes)
    assert list(split_from_column(cohort, "part").roles.values()) == [
        Role.TRAIN,
        Role.VAL,
        Role.TEST,
    ]
    with pytest.raises(BadInputError, match="no column 'fold'"):
        split_from_column(cohort, "fold")


def test_nobody_changes_part_when_cases_are_added():
    cohort = make([f"p{i}" for i in range(30)], [i % 2 for i in range(30)])
    split = split_by_patient(cohort)
    new = Case("new", "p3", 1, (Item(ItemKind.ARRAY, "a.npy", 99, "", "x"),))
    stranger = Case("stranger", "q", 0, (Item(ItemKind.ARRAY, "a.npy", 98, "", "z"),))
    grown = extend_split(split, replace(cohort, cases=(*cohort.cases, new, stranger)))
    assert all(grown.roles[c] is role for c, role in split.roles.items())
    assert grown.roles["new"] is split.roles["c3"]
    assert grown.roles["stranger"] is Role.TRAIN


def test_an_image_labelled_in_the_viewer(tmp_path):
    file = tmp_path / "image.dcm"
    file.write_bytes(b"pixels")
    frame = LabelledFrame(file, "1-1", 0, "HOSPITAL-ID-7", "opacity", "AF", simulated=True,
                          ai_seen_first=True, ai_model="cxr/4")  # fmt: skip
    cohort = add_labelled(tmp_path / "mine", frame)
    assert cohort.simulated
    case = read_cohort(tmp_path / "mine").cases[0]
    assert (case.labelled_by, case.ai_seen_first, case.ai_model) == ("AF", True, "cxr/4")
    assert case.labelled_at
    stored = (tmp_path / "mine" / "cohort.json").read_text()
    assert "HOSPITAL-ID-7" not in stored
    with pytest.raises(BadInputError, match="already holds"):
        add_labelled(tmp_path / "mine", frame)
    changed = add_labelled(tmp_path / "mine", replace(frame, label="clear"))
    assert [changed.classes[c.label] for c in changed.cases] == ["clear"]


def test_known_leaks_of_pneumoniamnist(real_data, tmp_path):
    source = real_data / "cxr_pneumoniamnist" / "pneumoniamnist_trainval.npz"
    build_cohort(source, task=Task.IMAGE, out=tmp_path / "c")
    cohort = read_cohort(tmp_path / "c")
    found = by_id(run_checks(cohort, read_split(tmp_path / "c", cohort), tmp_path / "c"))
    in_train = [c for c in found["exact-duplicate"].case_ids if c.startswith("train")]
    assert found["exact-duplicate"].count == 18
    assert len(in_train) >= 8
