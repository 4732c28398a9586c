"""What a run ran on: versions, device, threads; for reproducing it later."""

import os
import platform
from typing import Any

import torch

import medbench


def environment_json(device: torch.device, seed: int) -> dict[str, Any]:
    """JSON-able; no user, host or path names."""
    import numpy
    import sklearn

    return {
        "medbench": medbench.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "scikit-learn": sklearn.__version__,
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": str(device),
        "seed": seed,
    }
