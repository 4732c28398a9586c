"""Multi-layer perceptron on feature vectors."""

from typing import Any

import torch

from medbench.domain.cohort import Fingerprint
from medbench.engine.learners.base import Core, Fitted, Floats, Learner, Tensors
from medbench.engine.learners.features import FeatureScaler
from medbench.engine.learners.margin import fit_scaler
from medbench.engine.learners.network import NetCore, add_descent_rows, load_weights
from medbench.engine.nets.perceptron_layers import Mlp
from medbench.engine.plan.builder import PlanBuilder
from medbench.engine.plan.common import add_class_weights, add_input_rows, add_threshold_rule
from medbench.engine.training.loop import NetTask, train_network
from medbench.engine.training.task import FitTask


class MlpCore(NetCore):
    """Network with its scaler in front."""

    def __init__(
        self, net: Mlp, scaler: FeatureScaler, described: dict[str, Any], device: torch.device
    ) -> None:
        super().__init__(net, described, device)
        self._scaler = scaler

    def prepare(self, inputs: Floats) -> torch.Tensor:
        return super().prepare(self._scaler.transform(inputs))

    def tensors(self) -> Tensors:
        return {**super().tensors(), **self._scaler.tensors()}


class MlpLearner(Learner):
    """Two hidden layers on scaled features."""

    name = "mlp"
    form = "features"

    def plan(self, plan: PlanBuilder, fingerprint: Fingerprint, device: torch.device) -> None:
        add_input_rows(plan, fingerprint)
        width = 32 if fingerprint.n_cases < 300 else 64 if fingerprint.n_cases < 3000 else 128
        plan.row(
            "hidden", "Hidden layers", f"{width},{width // 2}",
            f"{fingerprint.n_cases} training cases carry about this many weights.",
        )  # fmt: skip
        add_descent_rows(
            plan, fingerprint, epochs=60, learning_rate=3e-3,
            why="An epoch over features takes a moment; early stopping ends it sooner.",
        )  # fmt: skip
        add_class_weights(plan, fingerprint)
        add_threshold_rule(plan)

    def fit(self, task: FitTask) -> Fitted:
        from medbench.base.errors import BadInputError

        scaler = fit_scaler(task)
        rows = scaler.transform(task.train.inputs)
        try:
            hidden = [int(part) for part in str(task.plan["hidden"]).split(",")]
        except ValueError:
            raise BadInputError("hidden must be widths like 64,32.") from None
        described = {
            "kind": "mlp", "inputs": rows.shape[1], "hidden": hidden, "classes": task.classes,
            "dropout": float(task.plan["dropout"]),
        }  # fmt: skip
        torch.manual_seed(task.seed)
        net = _build(described)
        result = train_network(
            NetTask(
                task, net, torch.from_numpy(rows).float(),
                torch.from_numpy(scaler.transform(task.val.inputs)).float(), None,
            )
        )  # fmt: skip
        core = MlpCore(net, scaler, described, task.device)
        return Fitted(core, result.epochs, result.best_epoch, result.notes)

    def load(self, architecture: dict[str, Any], tensors: Tensors, device: torch.device) -> Core:
        net = _build(architecture)
        load_weights(net, tensors)
        return MlpCore(net, FeatureScaler.load(tensors), architecture, device)


def _build(described: dict[str, Any]) -> Mlp:
    return Mlp(
        int(described["inputs"]), list(described["hidden"]), int(described["classes"]),
        float(described["dropout"]),
    )  # fmt: skip


LEARNER = MlpLearner()
