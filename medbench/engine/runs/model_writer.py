"""Writes a model folder: weights as safetensors, everything else as JSON, hashes of both."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from medbench.base.atomic import atomic_folder, atomic_write_json
from medbench.base.hashing import sha256_file
from medbench.engine.learners.base import Core
from medbench.engine.trust.in_distribution import Gate

WEIGHTS = "model.safetensors"
CARD = "card.md"
SCHEMA = 1


def write_model(
    folder: Path, manifest: dict[str, Any], core: Core, gate: Gate,
    more: dict[str, NDArray[Any]] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Write the folder atomically (replacing one of an interrupted run); returns the manifest.

    ``more``: further arrays to store beside the weights.
    """
    if folder.exists():
        shutil.rmtree(folder)
    stored: dict[str, Any] = {}

    def fill(part: Path) -> None:
        tensors = dict(core.tensors())
        tensors |= {
            "gate.centre": gate.centre,
            "gate.scale": gate.scale,
            "gate.whiten": gate.whiten,
            "gate.quantiles": gate.quantiles,
            **(more or {}),
        }
        save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, part / WEIGHTS)
        (part / CARD).write_text(model_card(manifest), encoding="utf-8")
        weights = sha256_file(part / WEIGHTS)
        stored.update(
            {
                "schema": SCHEMA,
                **manifest,
                "architecture": core.architecture(),
                "files": {WEIGHTS: weights, CARD: sha256_file(part / CARD)},
                "weights_sha256": weights,
            }
        )
        atomic_write_json(part / "model.json", stored)

    atomic_folder(folder, fill)
    return stored


def model_card(manifest: dict[str, Any]) -> str:
    """A page for people (after Mitchell et al., Model cards, 2019)."""
    origin = manifest["provenance"]
    classes, positive = manifest["classes"], manifest["positive"]
    lines = [
        f"# {manifest['name'] or manifest['learner']}",
        "",
        "Research use - not for diagnosis.",
        "",
        f"- Predicts **{manifest['target']}** ({', '.join(classes)}; positive: "
        f"{classes[positive]}) from one {manifest['task']}.",
        f"- Learner: {manifest['learner']}; trained on {origin['n_train']} cases of the cohort "
        f"{origin['cohort_name']}, best epoch chosen on {origin['n_val']} validation cases.",
        f"- Split: {origin['split_method']}; seed {origin['seed']}.",
    ]
    if manifest["task"] == "segmentation":
        lines += ["- Answers with a label map on the input's own grid.", f"- {manifest['rule']}"]
    else:
        lines += [
            f"- Operating threshold {manifest['threshold']:.4f} ({manifest['threshold_rule']}, "
            "chosen on validation).",
            "- Answers are calibrated probabilities."
            if manifest["calibrated"]
            else "- Answers are scores, not probabilities: validation was too small to calibrate.",
        ]
    if origin["simulated"]:
        lines.append("- **Trained on simulated data**: says nothing about patients.")
    if crossed := manifest.get("cross_validation"):
        area = crossed["metrics"]["auc"]
        lines.append(
            f"- Cross-validated ({crossed['folds']} folds by {crossed['grouped_by']}, repeated "
            f"{crossed['repeats']} times): AUC "
            + (
                "undefined."
                if area["value"] is None
                else f"{area['value']:.3f} ({area['low']:.3f} to {area['high']:.3f})."
            )
        )
    lines += [
        f"- Check '{entry['check']}' was overridden: {entry['reason']}"
        for entry in origin["overrides"]
    ]
    lines += [
        "",
        "## Validation",
        "",
        "| metric | value | 95 % interval | n |",
        "|---|---|---|---|",
    ]
    for name, metric in manifest["validation"].items():
        if metric["value"] is None:
            lines.append(f"| {name} | undefined | | {metric['n']} |")
            continue
        interval = "" if metric["low"] is None else f"{metric['low']:.3f} to {metric['high']:.3f}"
        lines.append(f"| {name} | {metric['value']:.3f} | {interval} | {metric['n']} |")
    return "\n".join(lines) + "\n"
