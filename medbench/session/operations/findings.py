"""Findings, status and report text of studies; shared by window and command line."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from medbench.base.atomic import read_json
from medbench.base.errors import BadInputError
from medbench.base.ids import now_iso
from medbench.base.paths import resource
from medbench.domain.finding import (
    AiDecision,
    AiResult,
    Finding,
    InputCheck,
    ReadingState,
    ReadingStatus,
    Region,
    ReportDraft,
    Suggestion,
)
from medbench.domain.image import FrameInfo, Study
from medbench.domain.measurement import Measurement, Site
from medbench.domain.model import Prediction
from medbench.domain.reading_report import ReportSource, Templates, compose, merge, place_of
from medbench.domain.records import from_json, to_json
from medbench.registry.reading_store import ReadingStore

T = TypeVar("T")
TEMPLATES_FILE = "report_templates.json"
"""In the workspace: templates of the reader's own, in the form of ``resources/report``."""
_ADULT_YEARS = 18
_CLIPPED = 0.05
_PROJECTIONS = frozenset({"CR", "DX", "RG", "RF", "XA", "PX", "IO"})
_FRONTAL = frozenset({"PA", "AP"})
_UNITS = {"d": 365.25, "w": 52.18, "m": 12.0, "y": 1.0}


@lru_cache(maxsize=4)
def _bundled(language: str) -> dict[str, Any]:
    path = resource("report", f"{language}.json")
    return dict(read_json(path if path.exists() else resource("report", "en.json")))


def report_templates(workspace: Path, language: str = "en") -> Templates:
    """Templates of the language; the workspace's own file replaces single entries.

    Raises
    ------
    BadInputError
        The workspace's file is no JSON object, or an entry has another form than the bundled one.
    """
    bundled = _bundled(language)
    own = workspace / TEMPLATES_FILE
    if not own.exists():
        return bundled
    given = read_json(own)
    if not isinstance(given, dict):
        raise BadInputError(f"{own} holds no templates: it must be one JSON object.")
    for key, value in given.items():
        if key not in bundled or type(value) is not type(bundled[key]):
            raise BadInputError(f"{own}: {key!r} is no template medbench knows; remove it.")
    merged = {
        key: {**value, **given.get(key, {})} if isinstance(value, dict) else given.get(key, value)
        for key, value in bundled.items()
    }
    try:
        _try_out(merged)
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise BadInputError(f"{own} holds a template that cannot be filled in: {error}.") from error
    return merged


def _try_out(templates: Templates) -> None:
    """Fill every template once: a wrong placeholder is found here, not in a report."""
    words = dict.fromkeys(
        ("new", "text", "place", "size", "name", "before", "date", "change", "side", "level",
         "screen", "model", "stage", "label", "score", "threshold", "done", "accepted", "edited",
         "rejected"), "x",
    )  # fmt: skip
    for value in templates.values():
        for pattern in value.values() if isinstance(value, dict) else [value]:
            if isinstance(pattern, str):
                pattern.format("x", **words)


def result_of(
    prediction: Prediction, site: Site, values: NDArray[Any], overlay: NDArray[Any] | None,
    info: FrameInfo, *, modality: str, study: Study | None, reader: str, templates: Templates,
) -> AiResult:  # fmt: skip
    """What is kept of a prediction: outlines of its attribution map, checks of its input.

    ``values`` (rows, columns[, 3]) modality values as they were shown to the model.
    """
    from medbench.imaging.outline import attribution_outlines, simplified

    regions = []
    if overlay is not None:
        tolerance = max(overlay.shape) / 1000
        for outline, share in attribution_outlines(overlay):
            points = tuple((float(r), float(c)) for r, c in simplified(outline, tolerance))
            shape = (overlay.shape[0], overlay.shape[1])
            where = place_of(points, shape, info.orientation, templates)
            regions.append(Region(points, share, where))
    score = float(prediction.scores[prediction.positive])
    return AiResult(
        result_id=f"{prediction.model}@{prediction.weights_sha256[:12]}|{place_key(site)}",
        site=site, model=prediction.model, weights_sha256=prediction.weights_sha256,
        label=prediction.classes[prediction.positive], score=score,
        calibrated=prediction.calibrated, threshold=prediction.threshold,
        decision=prediction.decision, in_distribution=prediction.in_distribution,
        percentile=prediction.in_distribution_percentile, stage=prediction.stage,
        simulated=prediction.simulated, seconds=prediction.seconds,
        patient_id="" if study is None else study.patient_id,
        patient_birth_date="" if study is None else study.patient_birth_date,
        study_date="" if study is None else study.study_date, regions=tuple(regions),
        checks=input_checks(values, info, modality, None if study is None else age_at(study)),
        created=now_iso(), reader=reader,
    )  # fmt: skip


def place_key(site: Site) -> str:
    """Name of a picture that holds whatever else is open: a display's own id counts studies."""
    return f"{site.sop_instance_uid or site.display_key}#{site.frame}"


def input_checks(
    values: NDArray[Any], info: FrameInfo, modality: str, age_years: float | None
) -> tuple[InputCheck, ...]:
    """Whether a picture is one that can be judged; what the file does not say stays open.

    View Position (0018,5101), Patient's Age (0010,1010), Patient Orientation (0020,0020), and the
    share of pixels at the ends of the picture's own range.
    """
    found = []
    if modality in _PROJECTIONS:
        view = info.annotations.get("view_position", "").upper()
        known = bool(view)
        found.append(InputCheck("view", "frontal", view in _FRONTAL if known else None, view))
    years = years_of(info.annotations.get("patient_age", ""))
    years = age_years if years is None else years
    adult = None if years is None else years >= _ADULT_YEARS
    found.append(InputCheck("age", "adult", adult, "" if years is None else f"{years:.0f}"))
    share = clipped_share(values)
    found.append(InputCheck("exposure", "exposure", share <= _CLIPPED, f"{100 * share:.0f}"))
    row, column = info.orientation.row[:1], info.orientation.column[:1]
    if modality in _PROJECTIONS:
        upright = None if not (row and column) else row in "LRAP" and column == "F"
        found.append(InputCheck("turned", "upright", upright, f"{row}{column}"))
    return tuple(found)


def age_at(study: Study) -> float | None:
    """Whole years at the date of a study; None where the file names no dates."""
    born, at = (day.replace("-", "") for day in (study.patient_birth_date, study.study_date))
    if len(born) != 8 or len(at) != 8 or not (born + at).isdigit():
        return None
    return int(at[:4]) - int(born[:4]) - (at[4:] < born[4:])


def years_of(age: str) -> float | None:
    """Years of a corner text as '58 y' or '3 m' (Age String, PS3.5 6.2)."""
    number, _, unit = age.strip().lower().partition(" ")
    if not number.isdigit() or unit not in _UNITS:
        return None
    return int(number) / _UNITS[unit]


def clipped_share(values: NDArray[Any]) -> float:
    """Share of pixels that lie on the picture's brightest value: burnt out; 0..1.

    The darkest value is no sign: a collimated border and air lie there.
    """
    if values.size == 0:
        return 0.0
    step = max(1, int(np.sqrt(values[..., 0].size if values.ndim == 3 else values.size) // 512))
    grey = values[::step, ::step]
    grey = grey.max(axis=2) if grey.ndim == 3 else grey
    top, bottom = grey.max(), grey.min()
    return 0.0 if top == bottom else float((grey == top).mean())


def findings_json(workspace: Path, study: str | None = None) -> list[dict[str, Any]]:
    """Findings, AI answers, decisions, status and report text of each study in the workspace.

    Raises
    ------
    BadInputError
        The study holds nothing, or the file was made by a newer medbench.
    """
    with ReadingStore(workspace) as store:
        stored = store.read(None if study is None else [study])
    studies = dict.fromkeys(r.study_instance_uid for r in stored if r.study_instance_uid)
    if study is not None and study not in studies:
        raise BadInputError(f"The workspace holds nothing about the study {study!r}.")

    def of(kind: type[T], uid: str) -> list[T]:
        name = kind.stored_as  # type: ignore[attr-defined]
        return [
            from_json(kind, r.body) for r in stored
            if r.kind == name and r.study_instance_uid == uid and r.body is not None
        ]  # fmt: skip

    templates = report_templates(workspace)
    out = []
    for uid in studies:
        status = next(iter(of(ReadingStatus, uid)), ReadingStatus(uid, ReadingState.UNREAD))
        source = ReportSource(
            of(Finding, uid), of(Measurement, uid), of(AiResult, uid), of(AiDecision, uid)
        )
        draft = next(iter(of(ReportDraft, uid)), None)
        text = draft.text if draft is not None else _text(source, templates)
        out.append(
            {
                "study_instance_uid": uid,
                "status": to_json(status),
                "findings": [{"tag": f.tag, **to_json(f)} for f in source.findings],
                "ai_results": [to_json(r) for r in source.results],
                "ai_decisions": [to_json(d) for d in source.decisions],
                "report": text,
                "notice": "Research use - not for diagnosis",
            }
        )
    return out


def _text(source: ReportSource, templates: Templates) -> str:
    return ReportDraft("", merge((), compose(source, templates))).text


def next_number(findings: Iterable[Finding]) -> int:
    """Number of the next finding of a study."""
    return max((f.number for f in findings), default=0) + 1


def queue_of(results: Sequence[AiResult], decided: Iterable[str]) -> list[Suggestion]:
    """Suggestions without a decision, least certain first; equal ones by their share of the map."""
    done = set(decided)
    waiting = [s for r in results for s in r.suggestions() if s.suggestion_id not in done]
    return sorted(
        waiting, key=lambda s: (s.uncertainty, 0.0 if s.region is None else -s.region.share)
    )
