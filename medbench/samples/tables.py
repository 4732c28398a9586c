"""The sample table: Breast Cancer Wisconsin (Diagnostic), real and public, in the package."""

from pathlib import Path

from medbench.base.atomic import atomic_write
from medbench.base.paths import resource

WISCONSIN_LABEL, WISCONSIN_POSITIVE = "diagnosis", "malignant"


def write_wisconsin(path: Path) -> Path:
    """Copy the table to ``path``; see resources/samples/README.md for its source."""
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, resource("samples", "wisconsin.csv").read_bytes())
    return path
