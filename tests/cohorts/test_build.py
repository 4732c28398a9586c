import numpy as np
import pytest

from medbench.base.errors import BadInputError, CancelledError
from medbench.cohorts.build import build_cohort
from medbench.cohorts.reading import CaseReader
from medbench.cohorts.store import read_cohort, read_split
from medbench.domain.cohort import Role, Task


def test_picture_folders_with_patients(picture_folder, tmp_path):
    cohort = build_cohort(picture_folder, task=Task.IMAGE, out=tmp_path / "c")
    assert cohort.classes == ("sick", "well")
    assert cohort.classes[cohort.positive] == "sick"
    assert len(cohort.cases) == 24
    assert len({c.patient_id for c in cohort.cases}) == 12
    assert CaseReader(cohort, tmp_path / "c").image(cohort.cases[0]).shape == (40, 48)
    assert read_cohort(tmp_path / "c").digest == cohort.digest


def test_table_categories_and_missing_cells(table_csv, tmp_path):
    cohort = build_cohort(table_csv, task=Task.TABLE, out=tmp_path / "c", positive=("yes",))
    assert [f.name for f in cohort.features] == ["age", "sex", "marker"]
    assert cohort.features[1].categories == ("F", "M")
    reader = CaseReader(cohort, tmp_path / "c")
    rows = np.stack([reader.row(case) for case in cohort.cases])
    assert np.isnan(rows[:, 2]).sum() == 6
    assert not np.isnan(rows[:, :2]).any()


def test_headerless_table_takes_a_column_by_its_first_value(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("63,1,145,0\n67,1,160,2\n41,0,130,0\n56,1,120,1\n")
    cohort = build_cohort(path, task=Task.TABLE, out=tmp_path / "c", label="0", positive=("1", "2"))
    assert [case.label for case in cohort.cases] == [0, 1, 0, 1]


def test_npz_prefixes_become_the_split(tmp_path):
    dice = np.random.default_rng(0)
    arrays = {}
    for part, n in (("train", 20), ("val", 6), ("test", 4)):
        arrays[f"{part}_images"] = dice.integers(0, 255, (n, 8, 8), dtype=np.uint8)
        arrays[f"{part}_labels"] = np.arange(n)[:, None] % 2
    np.savez(tmp_path / "a.npz", **arrays)
    cohort = build_cohort(tmp_path / "a.npz", task=Task.IMAGE, out=tmp_path / "c")
    split = read_split(tmp_path / "c", cohort)
    assert split.method == "prefix"
    roles = list(split.roles.values())
    assert [roles.count(r) for r in Role] == [20, 6, 4]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("a,b\n", "no rows"),
        ("a,b\n1,2\n3\n", "line 3"),
        ("a,a\n1,2\n3,4\n", "stands twice"),
        ("a,\0b\n1,2\n", "zero bytes"),
    ],
)
def test_bad_tables_say_what_is_wrong(tmp_path, text, words):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(BadInputError, match=words):
        build_cohort(tmp_path / "t.csv", task=Task.TABLE, out=tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_missing_source_and_used_target(table_csv, tmp_path):
    with pytest.raises(BadInputError, match="does not exist"):
        build_cohort(tmp_path / "none.csv", task=Task.TABLE, out=tmp_path / "c")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "mine.txt").write_text("keep")
    with pytest.raises(BadInputError, match="already in use"):
        build_cohort(table_csv, task=Task.TABLE, out=tmp_path / "c")
    assert (tmp_path / "c" / "mine.txt").read_text() == "keep"


def test_stopping_leaves_nothing(picture_folder, tmp_path):
    with pytest.raises(CancelledError):
        build_cohort(picture_folder, task=Task.IMAGE, out=tmp_path / "c", cancelled=lambda: True)
    assert not list(tmp_path.glob("*c*part*"))
    assert not (tmp_path / "c").exists()


def test_object_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.array([{}], object), labels=np.zeros(1))
    with pytest.raises(BadInputError):
        build_cohort(tmp_path / "a.npz", task=Task.IMAGE, out=tmp_path / "c")


def test_an_edited_manifest_is_refused(table_csv, tmp_path):
    build_cohort(table_csv, task=Task.TABLE, out=tmp_path / "c")
    file = tmp_path / "c" / "cohort.json"
    text = file.read_text()
    file.write_text(text.replace('"label": 0', '"label": 1', 1))
    with pytest.raises(BadInputError, match="changed by hand"):
        read_cohort(tmp_path / "c")


def test_real_tables_and_pictures(real_data, tmp_path):
    heart = real_data / "tabular" / "heart_disease_cleveland.csv"
    cohort = build_cohort(heart, task=Task.TABLE, out=tmp_path / "h", positive=("1", "2", "3", "4"))
    assert len(cohort.cases) > 200
    nih = build_cohort(
        real_data / "cxr_nih_pneumonia" / "labels.csv", task=Task.IMAGE, out=tmp_path / "n"
    )
    assert len(nih.cases) == 260
    assert len({c.patient_id for c in nih.cases}) == 203
