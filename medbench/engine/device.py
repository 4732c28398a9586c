"""Devices: found, named, chosen, and what precision pays on them."""

import os
import platform
import time
from typing import Any

import psutil
import torch

from medbench.base.errors import BadInputError


def list_devices() -> list[dict[str, Any]]:
    """Every usable device, best first."""
    found = []
    for i in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        properties = torch.cuda.get_device_properties(i)
        found.append(
            {
                "id": f"cuda:{i}",
                "name": properties.name,
                "kind": "cuda",
                "memory_bytes": int(properties.total_memory),
            }
        )
    if torch.backends.mps.is_available():
        found.append({"id": "mps", "name": "Apple GPU", "kind": "mps", "memory_bytes": 0})
    memory = int(psutil.virtual_memory().total)
    name = f"CPU, {torch.get_num_threads()} of {os.cpu_count()} cores"
    found.append({"id": "cpu", "name": name, "kind": "cpu", "memory_bytes": memory})
    return found


def describe_devices() -> dict[str, Any]:
    """What the hello says."""
    import numpy
    import sklearn

    devices = list_devices()
    return {
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": numpy.__version__,
            "scikit-learn": sklearn.__version__,
            "cuda": torch.version.cuda or "",
        },
        "device": devices[0]["id"],
        "devices": devices,
        "threads": torch.get_num_threads(),
    }


def choose_device(wanted: str) -> torch.device:
    """``auto``: CUDA, else MPS, else CPU; or the named one.

    Raises
    ------
    BadInputError
        The machine has no such device.
    """
    known = [d["id"] for d in list_devices()]
    if wanted == "auto":
        return torch.device(known[0])
    name = "cuda:0" if wanted == "cuda" else wanted
    if name not in known:
        raise BadInputError(f"This machine has no device {wanted!r}; it has {', '.join(known)}.")
    return torch.device(name)


def probe_precision(
    net: torch.nn.Module, example: torch.Tensor, device: torch.device
) -> dict[str, Any]:
    """Measure a training step in float32 and bfloat16, plain and channels_last; take the fastest.

    On CUDA bfloat16 and channels_last are taken unmeasured where the card supports them. The
    network's weights are not changed.
    """
    if device.type == "cuda":
        return {"bf16": torch.cuda.is_bf16_supported(), "channels_last": example.ndim == 4}
    if device.type != "cpu":
        return {"bf16": False, "channels_last": False}
    candidates = [(False, False), (True, False)]
    if example.ndim == 4:
        candidates += [(False, True), (True, True)]
    best, best_s = candidates[0], float("inf")
    for bf16, channels_last in candidates:
        seconds = _step_seconds(net, example, device, bf16=bf16, channels_last=channels_last)
        if seconds < best_s * (0.95 if bf16 else 1.0):  # bfloat16 must be worth its rounding
            best, best_s = (bf16, channels_last), seconds
    return {"bf16": best[0], "channels_last": best[1]}


def _step_seconds(
    net: torch.nn.Module, example: torch.Tensor, device: torch.device, *, bf16: bool,
    channels_last: bool,
) -> float:  # fmt: skip
    import copy

    trial = copy.deepcopy(net).to(device).train()
    inputs = example.to(device)
    if channels_last:
        trial.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        inputs = inputs.contiguous(memory_format=torch.channels_last)
    best = float("inf")
    with torch.random.fork_rng(devices=[]):
        for _ in range(4):
            begin = time.perf_counter()
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                loss = trial(inputs).float().square().mean()
            loss.backward()
            trial.zero_grad()
            best = min(best, time.perf_counter() - begin)
    return best
