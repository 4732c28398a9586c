"""Ours: the engine's training loop over the same network and data. Prints pictures per second."""

import json
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from medbench.domain.cohort import Cohort, Task
from medbench.engine.control import JobControl
from medbench.engine.data import Prepared
from medbench.engine.device import choose_device
from medbench.engine.training.loop import NetTask, train_network
from medbench.engine.training.task import FitTask

sys.path.insert(0, str(Path(__file__).parent))
from training_data import BATCH, EPOCHS, make

net, pictures, labels = make()
rates = []


def send(event):
    """Collect the loop's own rate."""
    if event["type"] == "metric":
        rates.append(event["values"]["images_per_s"])


part = Prepared(pictures, labels.astype(np.int64), [], np.zeros((len(labels), 1)))
held = Prepared(pictures[:64], labels[:64].astype(np.int64), [], np.zeros((64, 1)))
plan = {
    "batch_size": BATCH, "epochs": EPOCHS, "patience": EPOCHS, "learning_rate": 1e-3,
    "weight_decay": 0.01, "precision": "auto", "class_weights": "equal",
}  # fmt: skip
cohort = Cohort("bench", Task.IMAGE, "label", ("a", "b"), 1, ())
with tempfile.TemporaryDirectory() as folder:
    task = FitTask(cohort, part, held, plan, 0, choose_device("auto"), JobControl("bench", send),
                   Path(folder), False)  # fmt: skip
    train_network(
        NetTask(task, net, torch.from_numpy(pictures), torch.from_numpy(pictures[:64]), None)
    )
print(json.dumps({"rate": statistics.median(rates[1:])}))
