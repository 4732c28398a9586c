"""A registered network as the eyes of a classical learner.

The network's last linear layer is looked at from the other side: what goes into it is the feature
vector. The network's arrays are stored with the new model, so that it stays whole whatever
becomes of the old one.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from medbench.base.errors import BadInputError
from medbench.domain.cohort import Cohort, Split
from medbench.engine.learners.base import Core, Floats, Tensors
from medbench.engine.learners.network import NetCore

PREFIX = "front."
_BATCH = 128


class Embedder:
    """Feature vectors of a network."""

    def __init__(self, core: NetCore, source: dict[str, Any]) -> None:
        heads = [m for m in core.net.modules() if isinstance(m, torch.nn.Linear)]
        if not heads:
            raise BadInputError("The network has no linear layer to take features from.")
        self._head = heads[-1]
        self.core = core
        self.source = source

    def __call__(self, inputs: NDArray[Any]) -> Floats:
        """(n, features) of prepared inputs."""
        caught: list[torch.Tensor] = []

        def catch(_module: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
            caught.append(given[0].detach().float().flatten(1).cpu())

        handle = self._head.register_forward_pre_hook(catch)
        try:
            for begin in range(0, len(inputs), _BATCH):
                self.core.logits(inputs[begin : begin + _BATCH])
        finally:
            handle.remove()
        return np.asarray(torch.cat(caught).numpy(), np.float64)


class EmbeddedCore(Core):
    """A fitted learner behind an embedder; what is stored."""

    def __init__(self, embedder: Embedder, back: Core) -> None:
        self._embedder = embedder
        self._back = back
        self.margins = back.margins

    def logits(self, inputs: NDArray[Any]) -> Floats:
        return self._back.logits(self._embedder(inputs))

    def tensors(self) -> Tensors:
        front = {PREFIX + key: value for key, value in self._embedder.core.tensors().items()}
        return {**front, **self._back.tensors()}

    def architecture(self) -> dict[str, Any]:
        front = {**self._embedder.source, "architecture": self._embedder.core.architecture()}
        return {**self._back.architecture(), "front": front}


def front_tensors(tensors: Tensors) -> Tensors:
    """The embedder's arrays among those of a stored model."""
    return {
        key.removeprefix(PREFIX): value for key, value in tensors.items() if key.startswith(PREFIX)
    }


def check_embedder(manifest: dict[str, Any], cohort: Cohort, split: Split, *, folds: bool) -> None:
    """Refuse a network that has learned from cases it would be measured on.

    Raises
    ------
    BadInputError
        It takes other data, or learned from this cohort and would meet held-out cases again.
    """
    name = f"{manifest['name'] or manifest['learner']}"
    if manifest["task"] != cohort.task.value:
        raise BadInputError(
            f"The network {name} takes a {manifest['task']}; {cohort.name} is made of "
            f"{cohort.task.value}s."
        )
    origin = manifest["provenance"]
    if origin["cohort_digest"] != cohort.digest:
        return
    if folds:
        raise BadInputError(
            f"The network {name} was trained on this cohort: its features know the held-out cases "
            "of the folds. Take one that was trained elsewhere, or train without --folds."
        )
    if origin["split_digest"] != split.digest:
        raise BadInputError(
            f"The network {name} was trained on this cohort with another split: it may know "
            "validation and test cases of this one. Train it on this split first."
        )


def source_of(manifest: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What a model keeps about its embedder."""
    return {
        "learner": manifest["learner"],
        "name": f"{manifest['name']}/{folder.name}",
        "weights_sha256": manifest["weights_sha256"],
        "cohort_digest": manifest["provenance"]["cohort_digest"],
    }
