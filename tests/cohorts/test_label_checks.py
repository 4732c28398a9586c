import csv
from dataclasses import replace

import pytest

from medbench.base.errors import LeakageError
from medbench.cohorts.build import build_cohort
from medbench.cohorts.checks import require_clean, run_checks
from medbench.cohorts.label_checks import cramers_v
from medbench.cohorts.split import split_by_patient
from medbench.cohorts.store import read_cohort, write_split
from medbench.domain.cohort import Role, Split, Task


@pytest.fixture
def cohort(tmp_path):
    """60 rows of three classes, one with two cases; an empty column; a rare category."""
    with (tmp_path / "t.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["age", "lab", "kind", "y"])
        for i in range(60):
            label = "odd" if i in (7, 31) else "sick" if i % 2 else "well"
            writer.writerow([30 + i * 0.5, "", "zz" if i == 7 else "ab"[i % 2], label])
    return build_cohort(tmp_path / "t.csv", task=Task.TABLE, out=tmp_path / "c")


def checks(cohort, split, folder):
    return {r.check: r for r in run_checks(cohort, split, folder)}


def split_of(cohort, **roles):
    given = {c.case_id: Role.TRAIN if i % 4 else Role.VAL for i, c in enumerate(cohort.cases)}
    return Split("column:x", None, {**given, **{k.replace("_", "-"): v for k, v in roles.items()}},
                 read_cohort_digest(cohort))  # fmt: skip


def read_cohort_digest(cohort):
    return cohort.digest


def test_a_class_in_test_only_blocks_and_names_its_rows(cohort, tmp_path):
    split = split_of(cohort, row_000008=Role.TEST, row_000032=Role.TEST)
    found = checks(cohort, split, tmp_path / "c")["class-not-in-training"]
    assert found.blocking
    assert not found.passed
    assert found.case_ids == ("row-000008", "row-000032")
    assert "odd is in test only (row-000008, row-000032)" in found.detail
    with pytest.raises(LeakageError, match="odd is in test only"):
        require_clean(run_checks(cohort, split, tmp_path / "c"))
    fine = checks(cohort, split_of(cohort), tmp_path / "c")["class-not-in-training"]
    assert fine.passed


def test_classes_with_two_cases_and_empty_columns_are_named(cohort, tmp_path):
    found = checks(cohort, split_of(cohort), tmp_path / "c")
    assert "odd has 2 cases (row-000008, row-000032)" in found["rare-class"].detail
    assert not found["rare-class"].blocking
    assert "lab" in found["empty-column"].detail
    assert not found["empty-column"].passed
    assert found["unseen-category"].passed
    elsewhere = checks(cohort, split_of(cohort, row_000008=Role.VAL), tmp_path / "c")
    assert "kind: zz (row-000008)" in elsewhere["unseen-category"].detail


def test_the_view_is_named_as_a_confounder(cohort, tmp_path):
    views = replace(
        cohort,
        cases=tuple(
            replace(c, attributes={"view": "AP" if (c.label == 1) ^ (i % 5 == 0) else "PA"})
            for i, c in enumerate(cohort.cases)
        ),
    )
    found = checks(views, None, tmp_path / "c")
    assert "view" in found["confounder"].detail
    assert not found["confounder"].passed
    assert found["label-follows-attribute"].passed
    pictures = replace(cohort, task=Task.IMAGE)
    assert "not recorded" in checks(pictures, None, tmp_path / "c")["confounder"].detail
    assert "not recorded" not in checks(views, None, tmp_path / "c")["confounder"].detail
    assert checks(cohort, None, tmp_path / "c")["confounder"].passed


def test_association_runs_from_none_to_all():
    assert cramers_v(list("aabb"), list("xxyy")) == pytest.approx(1)
    assert cramers_v(list("abab"), list("xxyy")) == pytest.approx(0)
    assert cramers_v(list("aaaa"), list("xxyy")) == 0


def test_a_missing_table_is_left_to_the_check_of_files(cohort, tmp_path):
    write_split(tmp_path / "c", split_by_patient(cohort))
    (tmp_path / "c" / "table.npy").unlink()
    found = checks(read_cohort(tmp_path / "c"), None, tmp_path / "c")
    assert not found["unreadable"].passed
    assert "empty-column" not in found
