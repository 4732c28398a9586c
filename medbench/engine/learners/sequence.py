"""Sequence learners on signals: GRU or LSTM, and a residual network beside them."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch

from medbench.base.errors import BadInputError
from medbench.domain.cohort import Fingerprint
from medbench.engine.data import Prepared
from medbench.engine.learners.base import Core, Fitted, Learner, Tensors
from medbench.engine.learners.members import Members, fit_members
from medbench.engine.learners.network import NetCore, load_weights
from medbench.engine.nets.sequence import POOLS, build_sequence
from medbench.engine.plan.builder import PlanBuilder
from medbench.engine.plan.common import imbalance
from medbench.engine.sequences import EACH_SIGNAL, EACH_STEP, FITS, NORMALISATIONS
from medbench.engine.training.augment_signal import NAMES, SignalAugmentation
from medbench.engine.training.sequence_loop import train_sequence
from medbench.engine.training.task import FitTask
from medbench.metrics.threshold import RULES

_STEPS_CPU, _STEPS = 400, 1000
_FEW = 2000
_FEW_FOR_THRESHOLD = 500


class SequenceLearner(Learner):
    """What both share: the input's rows, gradient descent, storage."""

    form = "sequence"
    cross_fits = True
    steps_in_all: ClassVar[int]
    learning_rate: ClassVar[float]

    def preparation(self, plan: dict[str, Any]) -> dict[str, Any]:
        keys = ("cut", "length", "leads", "normalisation", "fit", "answer")
        return {key: plan[key] for key in keys}

    def plan(self, plan: PlanBuilder, fingerprint: Fingerprint, device: torch.device) -> None:
        length = _add_input_rows(plan, fingerprint, device)
        self.add_network_rows(plan, fingerprint, length)
        self._add_descent_rows(plan, fingerprint)
        ratio = imbalance(fingerprint)
        plan.row(
            "class_weights", "Class weights", "equal",
            f"The largest class has {ratio:.1f} times the cases of the smallest; answers keep the "
            "cohort's frequencies. 'balanced' finds more of rare classes and errs more in all.",
            choices=("balanced", "equal"),
        )  # fmt: skip
        plan.row(
            "augment", "Augmentation", "mild",
            "Noise, gain, a small shift and stretch in time, as electrodes and cuts differ; never "
            "a mirror: a trace upside down or backwards is another finding. Time stays as it is "
            "where each step has its label.", choices=NAMES,
        )  # fmt: skip
        few = fingerprint.n_cases < _FEW_FOR_THRESHOLD
        plan.row(
            "threshold_rule", "Operating threshold", "half" if few else "youden",
            "Few cases are left to choose it on: 0.5 of the calibrated answer." if few else
            "Largest recall + specificity on cases not learned; stored with the model.",
            choices=RULES,
        )  # fmt: skip

    def add_network_rows(self, plan: PlanBuilder, fingerprint: Fingerprint, length: int) -> None:
        """The network's own rows."""
        raise NotImplementedError

    def described(self, task: FitTask) -> dict[str, Any]:
        """Architecture from the plan."""
        raise NotImplementedError

    def _add_descent_rows(self, plan: PlanBuilder, fingerprint: Fingerprint) -> None:
        n = fingerprint.n_cases
        batch = int(np.clip(2 ** int(np.log2(max(n / 2, 16))), 16, 128))
        batch = plan.row(
            "batch_size", "Batch size", batch,
            f"{n} training cases; a larger batch costs a CPU hardly more on short signals.",
            low=2, high=4096,
        )  # fmt: skip
        a_round = max(1, n // min(batch, n))
        epochs = int(np.clip(round(self.steps_in_all / a_round), 10, 300))
        plan.row(
            "epochs", "Epochs at most", epochs,
            f"About {epochs * a_round:,} steps of {batch} signals.", low=1, high=10000,
        )  # fmt: skip
        few = n < _FEW
        members = 3 if few else 1
        plan.row(
            "members", "Networks", members,
            f"{n} training cases are few: the mean of three networks errs less than one, and each "
            "answers cases that it has not learned." if few else
            f"{n} training cases: one network.", low=1, high=20,
        )  # fmt: skip
        plan.row(
            "keep", "Weights kept", "last epochs" if few else "best epoch",
            "Validation has few cases: the epoch that does best on them does so by luck. The mean "
            "over the last epochs of a falling learning rate is kept." if few else
            "The epoch with the best validation AUC is kept.",
            choices=("best epoch", "last epochs"),
        )  # fmt: skip
        plan.row(
            "patience", "Early stopping", max(8, epochs // 2),
            "Stops after so many epochs without a better validation AUC; not where the last "
            "epochs are kept.", low=1, high=10000, unit="epochs",
        )  # fmt: skip
        plan.row(
            "learning_rate", "Learning rate", self.learning_rate,
            "Peak of a rise over the first tenth and a cosine fall (AdamW).", low=1e-7, high=10.0,
        )  # fmt: skip
        plan.row(
            "weight_decay", "Weight decay", 0.1 if few else 0.01,
            "Pulls weights to zero; more data need less.", low=0.0, high=10.0,
        )  # fmt: skip
        plan.row(
            "smoothing", "Label smoothing", 0.1 if few else 0.05,
            "Labels count as a little less than certain: readers err, and few cases tempt a "
            "network to be sure.", low=0.0, high=0.5,
        )  # fmt: skip
        plan.row(
            "dropout", "Dropout", 0.3 if few else 0.1,
            f"{n} training cases" + (" are few: a third of the features are hidden at each step."
                                      if few else " need little of it."), low=0.0, high=0.95,
        )  # fmt: skip
        plan.row(
            "precision", "Precision", "float32",
            "Short signals gain nothing from bfloat16, and the same run gives the same numbers.",
            choices=("auto", "float32", "bfloat16"),
        )  # fmt: skip

    def fit(self, task: FitTask) -> Fitted:
        described = self.described(task)
        return fit_members(task, described, lambda part: _fit_one(part, described))

    def load(self, architecture: dict[str, Any], tensors: Tensors, device: torch.device) -> Core:
        nets = [build_sequence(architecture) for _ in range(int(architecture["members"]))]
        net = Members(list(nets))
        load_weights(net, tensors)
        return NetCore(net, architecture, device)


def _fit_one(
    task: FitTask, described: dict[str, Any]
) -> tuple[torch.nn.Module, int, int, list[str]]:
    if described["each_step"]:
        task = replace(task, train=_by_step(task.train), val=_by_step(task.val))
    torch.manual_seed(task.seed)
    net = build_sequence(described)
    train = torch.from_numpy(np.ascontiguousarray(task.train.inputs, np.float32))
    val = torch.from_numpy(np.ascontiguousarray(task.val.inputs, np.float32))
    there = train[:, -1:]
    count = there.sum((0, 2)).clamp_min(1)
    mean = (train[:, :-1] * there).sum((0, 2)) / count
    spread = ((train[:, :-1] - mean[:, None]).square() * there).sum((0, 2)) / count
    net.mean.copy_(mean.view(1, -1, 1))
    net.std.copy_(spread.sqrt().clamp_min(1e-3).view(1, -1, 1))
    augmentation = SignalAugmentation.named(
        str(task.plan["augment"]), each_step=bool(described["each_step"])
    )
    result = train_sequence(task, net, train, val, augmentation)
    return net, result.epochs, result.best_epoch, result.notes


class RnnLearner(SequenceLearner):
    """Layers of GRU or LSTM."""

    name = "rnn"
    steps_in_all = 400
    learning_rate = 3e-3

    def add_network_rows(self, plan: PlanBuilder, fingerprint: Fingerprint, length: int) -> None:
        n, values = fingerprint.n_cases, fingerprint.values
        plan.row(
            "cell", "Cell", "gru",
            "A GRU has a quarter fewer weights than an LSTM of its width, and does as well on "
            "short signals.", choices=("gru", "lstm"),
        )  # fmt: skip
        plan.row(
            "both_ways", "Both directions", True,
            "The whole signal is there when it is read: what comes later helps to judge what came "
            "before.",
        )  # fmt: skip
        hop = 2 if length <= 200 else 4 if length <= 600 else 8
        plan.row(
            "hop", "Samples a step", hop,
            f"Windows of {2 * hop} samples, one each {hop}: {length} samples become "
            f"{length // hop} steps through time.", low=1, high=64,
        )  # fmt: skip
        width = 32 if n < _FEW else 64 if n < 20000 else 128
        plan.row(
            "width", "Width", width, f"{n} training cases and {values['leads']} leads.",
            low=4, high=1024,
        )  # fmt: skip
        plan.row("layers", "Layers", 2, "The second reads what the first made of it.", low=1,
                 high=8)  # fmt: skip
        plan.row(
            "pool", "Answer from", "attention",
            "A weighted mean of all steps; the weights are learnt. Not used for an answer each "
            "time step.", choices=POOLS,
        )  # fmt: skip

    def described(self, task: FitTask) -> dict[str, Any]:
        plan = task.plan
        return {
            "kind": "recurrent", "cell": str(plan["cell"]), "leads": int(plan["leads"]),
            "width": int(plan["width"]), "layers": int(plan["layers"]), "hop": int(plan["hop"]),
            "both_ways": bool(plan["both_ways"]), "pool": str(plan["pool"]),
            "each_step": plan["answer"] == EACH_STEP, "classes": task.classes,
            "dropout": float(plan["dropout"]),
        }  # fmt: skip


class ResidualSignalLearner(SequenceLearner):
    """Residual network in one dimension."""

    name = "resnet1d"
    steps_in_all = 500
    learning_rate = 2e-3

    def add_network_rows(self, plan: PlanBuilder, fingerprint: Fingerprint, length: int) -> None:
        n = fingerprint.n_cases
        first = 16 if n < _FEW else 32 if n < 20000 else 64
        plan.row(
            "widths", "Network", ",".join(str(first * 2 ** min(i, 2)) for i in range(4)),
            f"{n} training cases: four residual stages, each half as long in time.",
        )  # fmt: skip
        plan.row(
            "pool", "Answer from", "mean and peak",
            "Mean and maximum of each feature over time; not used for an answer each time step.",
            choices=POOLS[::2] + POOLS[1:2],
        )  # fmt: skip

    def described(self, task: FitTask) -> dict[str, Any]:
        plan = task.plan
        try:
            widths = [int(part) for part in str(plan["widths"]).split(",")]
        except ValueError:
            widths = []
        if len(widths) != 4 or min(widths) < 1:
            raise BadInputError("widths must be four numbers like 16,32,64,64.")
        return {
            "kind": "residual1d", "leads": int(plan["leads"]), "widths": widths,
            "pool": str(plan["pool"]), "each_step": plan["answer"] == EACH_STEP,
            "classes": task.classes, "dropout": float(plan["dropout"]),
        }  # fmt: skip


def _by_step(part: Prepared) -> Prepared:
    """The part with the labels of its time steps in the place of those of its signals."""
    if part.steps is None:
        raise BadInputError("No time step of the cohort has a label.")
    return replace(part, labels=part.steps)


def _add_input_rows(plan: PlanBuilder, fingerprint: Fingerprint, device: torch.device) -> int:
    values = fingerprint.values
    shortest, median = int(values["samples_min"]), int(values["samples_median"])
    longest, hertz = int(values["samples_max"]), float(values["hz"])
    limit = _STEPS_CPU if device.type == "cpu" else _STEPS
    wanted = median if longest <= 1.1 * shortest else longest
    length = int(np.clip(wanted, 16, limit))
    seconds = f", {median / hertz:.2g} s at {hertz:g} Hz" if hertz else ""
    thinner = f"; {limit} keep training quick on this device" if wanted > limit else ""
    alike = longest <= 1.1 * shortest or wanted > limit
    length = plan.row(
        "length", "Samples a signal", length,
        f"Signals have {shortest} to {longest} samples (median {median}{seconds}){thinner}.",
        low=16, high=20000,
    )  # fmt: skip
    plan.row(
        "fit", "Other lengths", "resample" if alike else "pad or crop",
        "Signals of other lengths are stretched to it." if alike else
        "Lengths differ: time keeps its scale, the end is padded and not looked at.", choices=FITS,
    )  # fmt: skip
    one = str(values["cut"])
    plan.row("cut", "A case is", one, f"So the cohort was made; a record is judged {one} by {one}.",
             choices=(one,))  # fmt: skip
    leads = int(values["leads"])
    plan.row("leads", "Leads", leads, f"The training signals have {leads} leads.",
             choices=(leads,))  # fmt: skip
    own = "each lead" if leads == 1 else "whole signal"
    plan.row(
        "normalisation", "Normalisation", own,
        "Each signal gets mean 0 and spread 1: gains of recorders differ." if leads == 1 else
        "One scale for all leads of a signal: gains differ, the leads' proportions matter.",
        choices=NORMALISATIONS,
    )  # fmt: skip
    steps = bool(values["step_labels"])
    plan.row(
        "answer", "Answer", EACH_STEP if steps else EACH_SIGNAL,
        "The cohort labels time steps." if steps else "The cohort labels whole signals.",
        choices=(EACH_STEP if steps else EACH_SIGNAL,),
    )  # fmt: skip
    return int(length)


RNN = RnnLearner()
RESNET1D = ResidualSignalLearner()
