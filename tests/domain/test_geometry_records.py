"""Patient space and the JSON form of records."""

import numpy as np
import pytest

from medbench.base.errors import BadInputError
from medbench.domain.cohort import Case, Cohort, Item, ItemKind, Role, Split, Task
from medbench.domain.geometry import Geometry, edge_letters
from medbench.domain.image import VoiFunction, VoiWindow
from medbench.domain.model import Metric, ModelVersion, Stage
from medbench.domain.records import from_json, to_json


def test_T03_origin_is_the_centre_of_the_first_voxel():
    geometry = Geometry(
        (1, 10, 20), (1.0, 2.0, 0.5), (-100.0, -50.0, 20.0), (1, 0, 0, 0, 1, 0, 0, 0, 1)
    )
    assert geometry.world_from_index(10, 4, 0) == pytest.approx([-95, -42, 20])
    assert geometry.world_from_index(-0.5, -0.5, 0) == pytest.approx([-100.25, -51, 20])
    index = geometry.index_from_world(geometry.world_from_index(3.3, 7.1, 0.4))
    assert index == pytest.approx([3.3, 7.1, 0.4], abs=1e-6)


@pytest.mark.parametrize(
    ("direction", "letters"),
    [
        ((1, 0, 0), "L"),
        ((-1, 0, 0), "R"),
        ((0, 1, 0), "P"),
        ((0, 0, -1), "F"),
        ((np.cos(np.pi / 6), np.sin(np.pi / 6), 0), "LP"),
    ],
)
def test_T32_edge_letters(direction, letters):
    assert edge_letters(direction) == letters


def test_records_round_trip():
    cohort = Cohort(
        name="c",
        task=Task.IMAGE,
        target="finding",
        classes=("no", "yes"),
        positive=1,
        cases=(Case("1", "p", 1, (Item(ItemKind.FILE, "a.png", sha256="0" * 64),), {"sex": "F"}),),
    )
    assert from_json(Cohort, to_json(cohort)) == cohort
    split = Split("prefix", None, {"1": Role.TRAIN}, "d")
    assert from_json(Split, to_json(split)) == split
    version = ModelVersion(
        "m", 1, Stage.CANDIDATE, "cnn", "image", ("no", "yes"), 1, 0.5, True, "w", "r", "c", "d",
        "s", "now", {"auc": Metric(0.9, 0.8, 0.95, 10, 4)},
    )  # fmt: skip
    assert from_json(ModelVersion, to_json(version)) == version


def test_broken_record_is_one_sentence():
    with pytest.raises(BadInputError, match="no valid Split"):
        from_json(Split, {"method": "x"})


def test_windows_move_within_what_their_function_allows():
    linear = VoiWindow(40, 400).moved(10, 0.2)
    assert (linear.center, linear.width) == (10, 1)
    exact = VoiWindow(0.5, 1.0, VoiFunction.LINEAR_EXACT, "from the file").moved(0.1, 0.2)
    assert (exact.center, exact.width, exact.function) == (0.1, 0.2, VoiFunction.LINEAR_EXACT)
    assert exact.explanation == ""
