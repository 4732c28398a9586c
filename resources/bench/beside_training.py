"""A CNN run on all cores in the engine process, for measurements beside it."""

import os
import sys
import time

import numpy as np

from medbench.cohorts.build import build_cohort
from medbench.cohorts.split import split_by_patient
from medbench.cohorts.store import write_split
from medbench.domain.cohort import Task
from medbench.jobs.client import EngineProcess
from medbench.registry.workspace import Workspace
from medbench.session.operations.training import prepare_run


def start_training(folder):
    """Returns (engine, spec) once the first epoch is done."""
    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 255, (1200, 96, 96), dtype=np.uint8)
    np.savez(folder / "images.npz", images=pictures, labels=rng.integers(0, 2, 1200))
    cohort = build_cohort(folder / "images.npz", task=Task.IMAGE, out=folder / "cohort")
    write_split(folder / "cohort", split_by_patient(cohort))
    with Workspace(folder / "workspace") as workspace:
        spec = prepare_run(workspace, folder / "cohort", "cnn",
                           overrides={"epochs": 500, "patience": 500})  # fmt: skip
    engine = EngineProcess("train", threads=os.cpu_count() or 1)
    engine.start()
    engine.submit(spec)
    begin = time.perf_counter()
    while time.perf_counter() - begin < 120:
        event = engine.receive(0.5)
        if event and event["type"] == "metric":
            return engine, spec
        if event and event["type"] == "ended":
            sys.exit(f"the run ended: {event}")
    sys.exit("the run did not start")
