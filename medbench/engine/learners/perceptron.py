"""The perceptron (Rosenblatt 1958), averaged over its epochs (Freund and Schapire 1999)."""

from typing import Any

import numpy as np
import torch

from medbench.domain.cohort import Fingerprint
from medbench.engine.learners.base import Core, Fitted, Learner, Tensors
from medbench.engine.learners.margin import LinearCore, fit_scaler, targets
from medbench.engine.plan.builder import PlanBuilder
from medbench.engine.plan.common import add_class_weights, add_input_rows, add_threshold_rule
from medbench.engine.training.checkpoint import load_checkpoint, save_checkpoint
from medbench.engine.training.task import FitTask, class_auc, log_loss


class Perceptron(Learner):
    """Epochs of corrections; the average of the weights is the model."""

    name = "perceptron"
    form = "features"

    def plan(self, plan: PlanBuilder, fingerprint: Fingerprint, device: torch.device) -> None:
        add_input_rows(plan, fingerprint)
        plan.row(
            "epochs", "Epochs", 40, "Corrections fade long before; the best epoch is kept.",
            low=1, high=1000,
        )  # fmt: skip
        plan.row(
            "alpha", "Weight decay", 1e-4, "A little keeps weights of correlated columns small.",
            low=0.0, high=1.0,
        )  # fmt: skip
        add_class_weights(plan, fingerprint)
        add_threshold_rule(plan)

    def fit(self, task: FitTask) -> Fitted:
        from sklearn.linear_model import SGDClassifier

        scaler = fit_scaler(task)
        rows, val_rows = scaler.transform(task.train.inputs), task.val
        goals = targets(task.train.labels, task.classes)
        weight = np.zeros((rows.shape[1], len(goals)))
        state: dict[str, Any] = {"epoch": 0, "best": -1.0, "best_epoch": 0}
        arrays: Tensors = {
            "current": weight, "bias": np.zeros(len(goals)), "sum": weight.copy(),
            "sum_bias": np.zeros(len(goals)), "best": weight.copy(),
            "best_bias": np.zeros(len(goals)),
        }  # fmt: skip
        if task.resume and (found := load_checkpoint(task.checkpoints / "last")) is not None:
            arrays, state = found
        sample_weight = task.class_weights()[task.train.labels]
        epochs = int(task.plan["epochs"])
        for epoch in range(int(state["epoch"]), epochs):
            task.control.checkpoint()
            order = np.random.default_rng([task.seed, epoch]).permutation(len(rows))
            for k, goal in enumerate(goals):
                learner = SGDClassifier(
                    loss="perceptron", learning_rate="constant", eta0=1.0, shuffle=False,
                    alpha=float(task.plan["alpha"]),
                )  # fmt: skip
                learner.classes_ = np.array([0, 1])
                learner.coef_ = arrays["current"][:, k][None].copy()
                learner.intercept_ = arrays["bias"][[k]].copy()
                learner.partial_fit(
                    rows[order], goal[order], classes=[0, 1], sample_weight=sample_weight[order]
                )
                arrays["current"][:, k] = learner.coef_[0]
                arrays["bias"][k] = learner.intercept_[0]
            arrays["sum"] = arrays["sum"] + arrays["current"]
            arrays["sum_bias"] = arrays["sum_bias"] + arrays["bias"]
            mean = LinearCore(
                scaler, arrays["sum"] / (epoch + 1), arrays["sum_bias"] / (epoch + 1), task.classes
            )
            scale = max(float(np.abs(mean.tensors()["weight"]).max()), 1e-9)
            val_logits = mean.logits(val_rows.inputs)
            val_auc = class_auc(val_rows.labels, val_logits, task.cohort.positive)
            if (val_auc or 0.0) > state["best"]:
                state.update(best=val_auc or 0.0, best_epoch=epoch + 1)
                arrays["best"] = mean.tensors()["weight"] / scale
                arrays["best_bias"] = mean.tensors()["bias"] / scale
            state["epoch"] = epoch + 1
            task.control.metric(
                epoch + 1,
                {
                    "train_loss": log_loss(
                        task.train.labels, mean.logits(task.train.inputs) / scale
                    ),
                    "val_loss": log_loss(val_rows.labels, val_logits / scale),
                    "val_auc": val_auc,
                },
            )
            task.control.progress((epoch + 1) / epochs, f"epoch {epoch + 1} of {epochs}")
            if (epoch + 1) % 5 == 0:
                save_checkpoint(task.checkpoints / "last", arrays, state)
        core = LinearCore(scaler, arrays["best"], arrays["best_bias"], task.classes)
        return Fitted(core, epochs, int(state["best_epoch"]))

    def load(self, architecture: dict[str, Any], tensors: Tensors, device: torch.device) -> Core:
        return LinearCore.load(architecture, tensors)


LEARNER = Perceptron()
