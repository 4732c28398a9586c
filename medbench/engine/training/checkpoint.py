"""Checkpoints: one safetensors file with the state as JSON in its header, replaced atomically."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from medbench.base.atomic import atomic_file

FILE = "state.safetensors"


def save_checkpoint(folder: Path, arrays: dict[str, NDArray[Any]], state: dict[str, Any]) -> None:
    """Write; a crash leaves the checkpoint before."""
    folder.mkdir(parents=True, exist_ok=True)
    stored = {key: np.ascontiguousarray(value) for key, value in arrays.items()}
    stored = stored or {"empty": np.zeros(1, np.float32)}
    header = {"state": json.dumps(state, allow_nan=False)}
    atomic_file(folder / FILE, lambda path: save_file(stored, path, metadata=header))


def load_checkpoint(folder: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
    """Read; None when there is none or it cannot be read (training then starts anew)."""
    try:
        with safe_open(folder / FILE, framework="numpy") as stored:
            state = json.loads((stored.metadata() or {}).get("state", "{}"))
            return {key: stored.get_tensor(key) for key in stored.keys()}, state  # noqa: SIM118
    except (OSError, SafetensorError, ValueError):
        return None
