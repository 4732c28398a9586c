"""What the registry says about versions; shared by window and command line."""

from dataclasses import dataclass
from typing import Any

from medbench.base.errors import BadInputError, IntegrityError
from medbench.domain.model import ModelVersion, RestsOn
from medbench.domain.records import to_json
from medbench.registry.model_folder import read_manifest
from medbench.registry.workspace import Workspace


@dataclass(frozen=True)
class GatePoint:
    """One line of the promotion gate."""

    key: str
    title: str
    passed: bool
    detail: str
    required: bool


def gate(workspace: Workspace, version: ModelVersion) -> tuple[GatePoint, ...]:
    """What speaks for and against approving a version."""
    try:
        workspace.verify(version.label)
        intact, words = True, "Every file has its recorded SHA-256."
    except (IntegrityError, BadInputError) as error:
        intact, words = False, str(error)
    bases = {e.rests_on for e in workspace.evaluations(version.label)}
    tested = bool(bases & {RestsOn.INTERNAL_TEST, RestsOn.EXTERNAL})
    folder = workspace.model_folder(version.label)
    overrides = []
    if intact:
        overrides = read_manifest(folder)["provenance"].get("overrides", [])
    named = ", ".join(o["check"] for o in overrides)
    return (
        GatePoint("intact", "Files intact", intact, words, True),
        GatePoint(
            "tested", "Tested on unseen patients", tested,
            "Rests on " + ", ".join(sorted(b.value for b in bases))
            if bases
            else "Not evaluated yet: only validation numbers exist.", False,
        ),
        GatePoint(
            "calibrated", "Probabilities calibrated", version.calibrated,
            "Calibrated on validation." if version.calibrated
            else "Answers are scores: validation was too small.", False,
        ),
        GatePoint(
            "leakage", "No overridden check", not overrides,
            f"Overridden: {named}." if overrides else "The split passed every check.", False,
        ),
        GatePoint(
            "real", "Trained on real patients", not version.simulated,
            "Trained on simulated data: for demonstration only." if version.simulated
            else "The cohort is not marked as simulated.", False,
        ),
    )  # fmt: skip


def open_points(workspace: Workspace, version: ModelVersion) -> list[str]:
    """Titles of gate lines that do not hold; recorded with an approval."""
    return [point.title.lower() for point in gate(workspace, version) if not point.passed]


def gate_json(workspace: Workspace, version: ModelVersion) -> list[dict[str, Any]]:
    """The gate in the command line's words."""
    return [dict(to_json(point)) for point in gate(workspace, version)]


def version_summary(version: ModelVersion) -> dict[str, Any]:
    """One line of the list."""
    return {
        "model": version.label,
        "stage": version.stage.value,
        "learner": version.learner,
        "task": version.task,
        "classes": list(version.classes),
        "positive": version.classes[version.positive],
        "threshold": version.threshold,
        "calibrated": version.calibrated,
        "cohort": version.cohort_name,
        "created": version.created,
        "simulated": version.simulated,
        "weights_sha256": version.weights_sha256,
        "validation_auc": to_json(version.validation.get("auc")),
    }


def model_json(workspace: Workspace, label: str) -> dict[str, Any]:
    """A version with provenance, evaluations, gate and history."""
    version = workspace.model(label)
    manifest = read_manifest(workspace.model_folder(version.label))
    return {
        **version_summary(version),
        "run": version.run_id,
        "provenance": manifest["provenance"],
        "preprocessing": manifest["preprocessing"],
        "calibration": manifest["calibration"],
        "architecture": manifest["architecture"],
        "plan": manifest["plan"],
        "files": manifest["files"],
        "validation": manifest["validation"],
        "gate": gate_json(workspace, version),
        "evaluations": [to_json(e) for e in workspace.evaluations(version.label)],
        "history": [to_json(t) for t in workspace.history(version.label)],
    }


def verify_all(workspace: Workspace, label: str | None) -> dict[str, Any]:
    """Verify one version or all, and the audit file; raises `IntegrityError` at the first fault."""
    labels = [label] if label else [v.label for v in workspace.models()]
    verified = [workspace.verify(one).label for one in labels]
    return {"verified": verified, "audit_entries": workspace.audit.verify()}
