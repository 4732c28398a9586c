"""Jobs on cohorts with masks: the branch of ``train``, ``predict`` and ``evaluate`` for U-Nets."""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medbench.base.atomic import atomic_file, atomic_write_json
from medbench.base.errors import BadInputError, MedbenchError
from medbench.base.ids import now_iso
from medbench.cohorts.fingerprint import cases_of
from medbench.cohorts.voxels import Voxels, read_voxels
from medbench.domain.cohort import Case, Cohort, Role, Split
from medbench.domain.geometry import Geometry
from medbench.domain.model import Prediction
from medbench.domain.records import to_json
from medbench.domain.segment_edit import EditedSegment
from medbench.engine.control import JobControl
from medbench.engine.data import Prepared
from medbench.engine.inference.model import LoadedModel
from medbench.engine.learners.unet_core import SegCore
from medbench.engine.runs.model_writer import write_model
from medbench.engine.runs.sources import Sources
from medbench.engine.segmentation.answers import answer_of, overlaps_of, voxel_size
from medbench.engine.segmentation.prepare import ImagePreparer, gate_vector
from medbench.engine.segmentation.task import MaskPart, MaskTask, prepare_part
from medbench.engine.trust.calibration import Calibration
from medbench.engine.trust.in_distribution import fit_gate
from medbench.jobs.protocol import PredictSpec, TrainSpec
from medbench.metrics.overlap import RULE, TASK, overlap_report, worst_cases
from medbench.metrics.predictions import PredictionSet, write_predictions

_PREPARE, _SCORE = 0.05, 0.95
_COLOURS = ((230, 85, 70), (70, 150, 230), (240, 190, 60), (110, 190, 110), (170, 110, 210),
            (90, 200, 200), (240, 130, 180), (160, 140, 90))  # fmt: skip


def is_masks(manifest: dict[str, Any]) -> bool:
    """Whether a model answers with label maps."""
    return bool(manifest["task"] == TASK)


def train_masks(
    spec: TrainSpec, sources: Sources, run: Path, control: JobControl, begin: float
) -> dict[str, Any]:
    """Train on patches, score whole validation cases on their own grids, store the model."""
    if spec.folds or spec.trials:
        raise BadInputError("Cross-validation and search are not made for segmentation yet.")
    plan, cohort = sources.plan.values, sources.cohort
    rows = to_json(sources.plan.rows)
    atomic_write_json(
        run / "plan.json", {"rows": rows, "fingerprint": to_json(sources.plan.fingerprint)}
    )
    settings = sources.learner.preparation(plan)
    preparer = ImagePreparer(settings)
    parts = _prepare(sources, preparer, run / "prepared", control.part(0, _PREPARE, ""), control)
    task = MaskTask(
        cohort, _bare(parts[Role.TRAIN]), _bare(parts[Role.VAL]), plan, spec.seed, sources.device,
        _Share(control, _PREPARE, _SCORE), run / "checkpoints", spec.resume,
        train_part=parts[Role.TRAIN], val_part=parts[Role.VAL],
    )  # fmt: skip
    fitted = sources.learner.fit(task)
    core = fitted.core
    assert isinstance(core, SegCore)
    cases = [c.case for c in parts[Role.VAL].cases]

    def tick(i: int) -> None:
        control.checkpoint()
        control.progress(_SCORE + (1 - _SCORE) * i / len(cases),
                         f"scoring case {i + 1} of {len(cases)}")  # fmt: skip

    stored = overlaps_of(
        core, preparer, cases, sources.folder, classes=cohort.classes,
        order=range(len(cohort.classes)), role_of=lambda case: Role.VAL.value, tick=tick, meta={},
    )  # fmt: skip
    report = overlap_report(stored)
    train_gate, val_gate = (np.stack([c.gate for c in parts[r].cases])
                            for r in (Role.TRAIN, Role.VAL))  # fmt: skip
    classes = len(cohort.classes)
    calibration = Calibration("none", 1.0, (0.0,) * classes)
    manifest = {
        **_described(cohort, sources, settings, report.metrics),
        "name": spec.model_name,
        "learner": spec.learner,
        "calibration": to_json(calibration),
        "provenance": _origin(spec, sources, parts, fitted.epochs, fitted.best_epoch),
    }
    written = write_model(run / "model", manifest, core, fit_gate(train_gate, val_gate))
    stored = replace(stored, meta={**stored.meta, **_meta(cohort, sources.split, written)})
    write_predictions(run / "predictions" / "val.npz", stored)
    return {
        "model_folder": str(run / "model"),
        "model_name": spec.model_name,
        "validation": to_json(report.metrics),
        "worst": worst_cases(stored),
        "epochs": fitted.epochs,
        "best_epoch": fitted.best_epoch,
        "seconds": time.monotonic() - begin,
        "cpu_seconds": time.process_time(),
        "device": str(sources.device),
        "calibrated": False,
        "threshold": 0.5,
        "notes": [*fitted.notes, RULE],
        "unreadable": sum(len(p.unreadable) for p in parts.values()),
    }


class _Share(JobControl):
    """Gives a part of the job's progress to the training; its metrics stay the job's own."""

    def __init__(self, whole: JobControl, begin: float, end: float) -> None:
        super().__init__(whole.job_id, whole._send)
        self._whole, self._begin, self._end = whole, begin, end

    @property
    def paused_s(self) -> float:
        return self._whole.paused_s

    def checkpoint(self) -> None:
        self._whole.checkpoint()

    def progress(
        self, fraction: float, text: str, *, eta_s: float | None = None, **more: Any
    ) -> None:
        share = self._begin + (self._end - self._begin) * min(max(fraction, 0.0), 1.0)
        self._whole.progress(share, text, eta_s=eta_s, **more)


def _prepare(
    sources: Sources, preparer: ImagePreparer, cache: Path, part: JobControl, control: JobControl
) -> dict[Role, MaskPart]:
    cases = {r: cases_of(sources.cohort, sources.split, r) for r in (Role.TRAIN, Role.VAL)}
    if not cases[Role.VAL]:
        raise BadInputError("The validation part of the split is empty: it chooses the epoch.")
    total, done = sum(map(len, cases.values())), 0
    found: dict[Role, MaskPart] = {}
    for role, chosen in cases.items():

        def tick(i: int, before: int = done) -> None:
            control.checkpoint()
            part.progress((before + i) / total, f"reading case {before + i} of {total}")

        found[role] = prepare_part(sources.cohort, sources.folder, chosen, preparer, cache, tick)
        done += len(chosen)
        for case_id, reason in list(found[role].unreadable.items())[:20]:
            control.log(f"Left out {case_id}: {reason}", level="warning")
    return found


def _bare(part: MaskPart) -> Prepared:
    """What `FitTask` wants to know of a part; patches come from the part itself."""
    cases = [c.case for c in part.cases]
    labels = np.array([c.label or 0 for c in cases], np.int64)
    return Prepared(
        np.zeros((len(cases), 0)), labels, cases, np.stack([c.gate for c in part.cases])
    )


def _described(
    cohort: Cohort, sources: Sources, settings: dict[str, Any], metrics: Any
) -> dict[str, Any]:
    return {
        "task": cohort.task.value,
        "target": cohort.target,
        "classes": list(cohort.classes),
        "positive": cohort.positive,
        "features": [],
        "preprocessing": {"form": sources.learner.form, "settings": settings},
        "calibrated": False,
        "threshold": 0.5,
        "threshold_rule": "the most probable structure",
        "plan": to_json(sources.plan.rows),
        "validation": to_json(metrics),
        "rule": RULE,
    }


def _origin(
    spec: TrainSpec, sources: Sources, parts: dict[Role, MaskPart], epochs: int, best: int
) -> dict[str, Any]:
    cohort, split = sources.cohort, sources.split
    return {
        "run_id": spec.job_id,
        "seed": spec.seed,
        "cohort_name": cohort.name,
        "cohort_digest": cohort.digest,
        "split_digest": split.digest,
        "split_method": split.method,
        "overrides": to_json(split.overrides),
        "n_train": len(parts[Role.TRAIN].cases),
        "n_val": len(parts[Role.VAL].cases),
        "class_counts": [0, *sources.plan.fingerprint.values["cases_with"]],
        "simulated": cohort.simulated,
        "device": str(sources.device),
        "epochs": epochs,
        "best_epoch": best,
        "created": now_iso(),
    }


def _meta(cohort: Cohort, split: Split | None, manifest: dict[str, Any]) -> dict[str, Any]:
    return {
        "positive": manifest["positive"],
        "threshold": manifest["threshold"],
        "calibrated": False,
        "weights_sha256": manifest["weights_sha256"],
        "cohort_name": cohort.name,
        "cohort_digest": cohort.digest,
        "split_digest": "" if split is None else split.digest,
        "simulated": cohort.simulated or bool(manifest["provenance"]["simulated"]),
    }


def evaluate_masks(
    model: LoadedModel, cohort: Cohort, split: Split | None, folder: Path, cases: Sequence[Case],
    control: JobControl,
) -> PredictionSet:  # fmt: skip
    """Overlap of a model's answers with the masks of some cases."""
    core, preparer = _parts_of(model)
    classes = [str(c) for c in model.manifest["classes"]]

    def tick(i: int) -> None:
        control.checkpoint()
        control.progress(0.95 * i / len(cases), f"case {i + 1} of {len(cases)}")

    def role_of(case: Case) -> str:
        role = None if split is None else split.roles.get(case.case_id)
        return "" if role is None else role.value

    return overlaps_of(
        core, preparer, cases, folder, classes=classes,
        order=[classes.index(name) for name in cohort.classes], role_of=role_of, tick=tick,
        meta=_meta(cohort, split, model.manifest),
    )  # fmt: skip


def _parts_of(model: LoadedModel) -> tuple[SegCore, ImagePreparer]:
    core = model.core
    assert isinstance(core, SegCore)
    return core, ImagePreparer(model.preparer.settings)


def predict_masks(
    spec: PredictSpec, model: LoadedModel, control: JobControl, device: str
) -> dict[str, Any]:
    """Label maps of inputs; one that cannot be read gets its reason, the others go on."""
    out = Path(spec.out_folder) if spec.explain else None
    answers = []
    for i, entry in enumerate(spec.inputs):
        control.checkpoint()
        control.progress(i / len(spec.inputs), f"input {i + 1} of {len(spec.inputs)}")
        begin = time.perf_counter()
        try:
            if "path" not in entry:
                raise BadInputError("The model takes files and folders of pictures or volumes.")
            found = _answer(model, entry, read_voxels(Path(entry["path"])), out, i)
        except MedbenchError as error:
            found = _prediction(model, str(entry["id"]), reason=str(error))
        answers.append(to_json(replace(found, seconds=time.perf_counter() - begin)))
    return {"predictions": answers, "device": device}


def _answer(
    model: LoadedModel, entry: dict[str, Any], image: Voxels, out: Path | None, number: int
) -> Prediction:
    core, preparer = _parts_of(model)
    settings = model.preparer.settings
    if image.flat != bool(settings["flat"]):
        kind = "single pictures" if settings["flat"] else "volumes"
        raise BadInputError(f"The model was trained on {kind}, and this is none.")
    found = answer_of(core, preparer, image)
    amount, unit = voxel_size(image)
    classes = [str(c) for c in model.manifest["classes"]]
    counts = np.bincount(found.ravel(), minlength=len(classes))
    sizes = {name: float(counts[k]) * amount for k, name in enumerate(classes) if k}
    stem = Path(str(entry["path"])).name.partition(".")[0] or f"input-{number:03d}"
    path = "" if out is None else str(_write(out, f"{number:03d}-{stem}", found, image, classes))
    distance = float(model.gate.distance(gate_vector(image)[None])[0])
    words = ", ".join(f"{name} {size:.3g} {unit}" for name, size in sizes.items())
    return replace(
        _prediction(model, str(entry["id"])),
        decision=words,
        in_distribution=bool(model.gate.accepts(distance)),
        in_distribution_percentile=model.gate.percentile(distance),
        label_map_path=path,
        volumes=sizes,
        volume_unit=unit,
    )


def _prediction(model: LoadedModel, input_id: str, *, reason: str = "") -> Prediction:
    manifest = model.manifest
    return Prediction(
        manifest["name"], manifest["weights_sha256"], input_id, tuple(manifest["classes"]), (),
        False, float(manifest["threshold"]), model.positive, "", None, reason=reason,
        simulated=bool(manifest["provenance"]["simulated"]),
    )  # fmt: skip


def _write(
    out: Path, stem: str, labels: NDArray[np.uint8], image: Voxels, classes: Sequence[str]
) -> Path:
    """The label map beside nothing else: NIfTI on the input's grid; PNG for a plain picture."""
    from PIL import Image

    from medbench.formats.nifti_write import write_label_nifti

    out.mkdir(parents=True, exist_ok=True)
    if image.geometry is None and image.flat:
        path = out / f"{stem}_seg.png"
        atomic_file(path, partial(Image.fromarray(labels[0]).save, format="PNG"))
        return path
    place = image.geometry or Geometry(
        image.shape, image.spacing_mm, (0.0, 0.0, 0.0), (1, 0, 0, 0, 1, 0, 0, 0, 1)
    )
    segments = tuple(
        EditedSegment(k, name, _COLOURS[(k - 1) % len(_COLOURS)])
        for k, name in enumerate(classes)
        if k
    )
    path = out / f"{stem}_seg.nii.gz"
    write_label_nifti(path, labels, place, segments)
    return path
