"""A stored model, loaded after its bytes were checked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from medbench.base.atomic import read_json
from medbench.base.errors import BadInputError, IntegrityError
from medbench.base.hashing import sha256_bytes
from medbench.domain.cohort import Task
from medbench.domain.records import from_json
from medbench.engine.data import Preparer
from medbench.engine.learners import learner_of
from medbench.engine.learners.base import Core
from medbench.engine.learners.embedded import EmbeddedCore, Embedder, front_tensors
from medbench.engine.learners.network import NetCore
from medbench.engine.trust.calibration import Calibration
from medbench.engine.trust.in_distribution import Gate

WEIGHTS = "model.safetensors"
REFERENCE = "explain.reference"


@dataclass(frozen=True)
class LoadedModel:
    """Everything inference needs."""

    manifest: dict[str, Any]
    core: Core
    preparer: Preparer
    calibration: Calibration
    gate: Gate
    reference: NDArray[np.float64] | None = None
    """The reference patient of a table model; explanations are against it."""

    @property
    def positive(self) -> int:
        """Index of the positive class."""
        return int(self.manifest["positive"])

    def scores(self, inputs: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(logits, scores), both (n, classes)."""
        logits = self.core.logits(inputs)
        return logits, self.calibration.apply(logits)


def _core(
    learner: str, architecture: dict[str, Any], tensors: dict[str, NDArray[Any]],
    device: torch.device,
) -> Core:  # fmt: skip
    core = learner_of(learner).load(architecture, tensors, device)
    front = architecture.get("front")
    if front is None:
        return core
    eyes = _core(front["learner"], front["architecture"], front_tensors(tensors), device)
    return EmbeddedCore(embedder_of(eyes, front), core)


def embedder_of(core: Core, source: dict[str, Any]) -> Embedder:
    """A loaded network as an embedder; raises `BadInputError` for what is no network."""
    if not isinstance(core, NetCore):
        raise BadInputError(
            f"{source['name']} is no network: only a network has features to learn on."
        )
    kept = {k: v for k, v in source.items() if k != "architecture"}
    return Embedder(core, kept)


def load_model(folder: Path, device: torch.device) -> LoadedModel:
    """Load; the weights' SHA-256 is compared before a byte of them is parsed.

    Raises
    ------
    BadInputError
        No model there, or one of a newer medbench.
    IntegrityError
        A byte of the weights differs from what was recorded.
    """
    manifest = read_json(folder / "model.json")
    try:
        data = (folder / WEIGHTS).read_bytes()
    except OSError as error:
        raise BadInputError(f"{folder.name} holds no weights.") from error
    if manifest.get("schema", 0) > 1:
        raise BadInputError("The model was made by a newer medbench.")
    if sha256_bytes(data) != manifest["weights_sha256"]:
        raise IntegrityError(
            f"{WEIGHTS} of the model differs from its recorded SHA-256: it will not be loaded."
        )
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise IntegrityError(f"{WEIGHTS} of the model is damaged: {error}.") from error
    core = _core(manifest["learner"], manifest["architecture"], tensors, device)
    form = manifest["preprocessing"]
    gate = Gate(*(tensors[f"gate.{k}"] for k in ("centre", "scale", "whiten", "quantiles")))
    return LoadedModel(
        manifest,
        core,
        Preparer(Task(manifest["task"]), form["form"], form["settings"]),
        from_json(Calibration, manifest["calibration"]),
        gate,
        tensors.get(REFERENCE),
    )
