"""A model on disk: ``model.json`` with the hashes of every other file of the folder."""

import shutil
from pathlib import Path
from typing import Any

from medbench.base.atomic import atomic_folder, read_json
from medbench.base.errors import BadInputError, IntegrityError
from medbench.base.hashing import sha256_file, sha256_json
from medbench.domain.model import Metric, ModelVersion, Stage
from medbench.domain.records import from_json

MANIFEST = "model.json"
SCHEMA = 1


def read_manifest(folder: Path) -> dict[str, Any]:
    """``model.json``; raises `BadInputError` when there is none or it is too new."""
    manifest = read_json(folder / MANIFEST)
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise BadInputError(f"{folder} holds no model.")
    if manifest.get("schema", 0) > SCHEMA:
        raise BadInputError(f"The model in {folder} was made by a newer medbench.")
    return manifest


def manifest_digest(manifest: dict[str, Any]) -> str:
    """SHA-256 of the manifest in canonical form."""
    return sha256_json(manifest)


def verify_folder(folder: Path, expected_digest: str = "") -> dict[str, Any]:
    """Compare every file with its recorded hash; returns the manifest.

    Raises
    ------
    IntegrityError
        A byte differs, a file is gone, or the manifest is not the registered one.
    """
    manifest = read_manifest(folder)
    for name, expected in manifest["files"].items():
        file = folder / name
        if Path(name).name != name:
            raise IntegrityError(f"The model names a file outside its folder: {name}.")
        if not file.is_file():
            raise IntegrityError(f"{name} of the model is gone: it will not be loaded.")
        if sha256_file(file) != expected:
            raise IntegrityError(
                f"{name} of the model differs from its recorded SHA-256: it will not be loaded. "
                "Train or import the model again."
            )
    if expected_digest and manifest_digest(manifest) != expected_digest:
        raise IntegrityError("model.json was changed after registration: it will not be loaded.")
    return manifest


def copy_model(source: Path, target: Path) -> dict[str, Any]:
    """Copy a verified model folder, all of it or nothing."""
    manifest = verify_folder(source)

    def fill(part: Path) -> None:
        for name in (MANIFEST, *manifest["files"]):
            shutil.copyfile(source / name, part / name)

    atomic_folder(target, fill)
    return manifest


def version_of(manifest: dict[str, Any], name: str, number: int) -> ModelVersion:
    """The record of a registered version."""
    origin = manifest.get("provenance", {})
    return ModelVersion(
        name=name,
        number=number,
        stage=Stage.CANDIDATE,
        learner=manifest["learner"],
        task=manifest["task"],
        classes=tuple(manifest["classes"]),
        positive=manifest["positive"],
        threshold=manifest["threshold"],
        calibrated=manifest["calibrated"],
        weights_sha256=manifest["weights_sha256"],
        run_id=origin.get("run_id", ""),
        cohort_name=origin.get("cohort_name", ""),
        cohort_digest=origin.get("cohort_digest", ""),
        split_digest=origin.get("split_digest", ""),
        created=origin.get("created", ""),
        validation={
            key: from_json(Metric, value) for key, value in manifest.get("validation", {}).items()
        },
        simulated=bool(origin.get("simulated", False)),
    )
