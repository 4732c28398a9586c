import csv

import numpy as np
import pytest
from PIL import Image

from medbench.cohorts.build import build_cohort
from medbench.cohorts.split import split_by_patient
from medbench.cohorts.store import write_split
from medbench.domain.cohort import Task
from medbench.jobs.client import EngineProcess


@pytest.fixture(scope="session")
def table_cohort(tmp_path_factory):
    """160 rows whose second column tells the class, roughly."""
    root = tmp_path_factory.mktemp("table")
    dice = np.random.default_rng(0)
    with (root / "t.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["noise", "signal", "kind", "y"])
        for i in range(160):
            label = i % 2
            signal = "" if i % 23 == 0 else f"{dice.normal(2.6 * label):.4f}"
            writer.writerow([f"{dice.normal():.4f}", signal, "abc"[i % 3], "np"[label]])
    folder = root / "cohort"
    cohort = build_cohort(root / "t.csv", task=Task.TABLE, out=folder, positive=("p",))
    write_split(folder, split_by_patient(cohort, val=0.25, test=0.2))
    return folder


@pytest.fixture(scope="session")
def image_cohort(tmp_path_factory):
    """120 small pictures with or without a bright spot."""
    root = tmp_path_factory.mktemp("images")
    dice = np.random.default_rng(0)
    y, x = np.mgrid[0:28, 0:28]
    for label in ("spot", "plain"):
        (root / "src" / label).mkdir(parents=True)
        for i in range(60):
            grey = dice.normal(90, 12, (28, 28))
            if label == "spot":
                cy, cx = dice.integers(8, 20, 2)
                grey += 110 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 12)
            grey8 = np.clip(grey, 0, 255).astype(np.uint8)
            Image.fromarray(grey8).save(root / "src" / label / f"{label}{i}.png")
    folder = root / "cohort"
    cohort = build_cohort(root / "src", task=Task.IMAGE, out=folder, positive=("spot",))
    write_split(folder, split_by_patient(cohort, val=0.25, test=0.2))
    return folder


@pytest.fixture(scope="module")
def engine():
    """One engine for the tests of a module."""
    with EngineProcess("infer", threads=2) as started:
        yield started
