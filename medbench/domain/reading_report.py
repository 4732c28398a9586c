"""Report text from measurements and findings, in templates that are data; the reader's words stay.

No template names a disease: what stands in the text was stated by the reader, measured, or is
quoted from a model with its version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medbench.domain.finding import AiDecision, AiResult, Finding, ReportPart, Verdict
from medbench.domain.image import Orientation
from medbench.domain.measurement import Measurement, MeasurementKind, Place, Quantity

Templates = Mapping[str, Any]
"""``resources/report/<language>.json``."""
_LINES = (MeasurementKind.ARROW, MeasurementKind.TEXT)
_SHOWN = {
    MeasurementKind.PROBE: ("value", "mean"),
    MeasurementKind.LENGTH: ("length",),
    MeasurementKind.BIDIRECTIONAL: ("long axis", "short axis"),
    MeasurementKind.ANGLE: ("angle",),
    MeasurementKind.COBB: ("Cobb angle",),
}
_PIXELS = {"mm2": "mm²", "px2": "px²", "deg": "°"}


@dataclass(frozen=True)
class ReportSource:
    """Everything that a study's report is composed of."""

    findings: Sequence[Finding] = ()
    measurements: Sequence[Measurement] = ()
    results: Sequence[AiResult] = ()
    decisions: Sequence[AiDecision] = ()
    prior_date: str = ""
    """ISO; '' = there is no prior study."""
    prior_findings: Sequence[Finding] | None = None
    """None = the prior was not read here, so nothing can be called new."""
    prior_measurements: Sequence[Measurement] = ()


def compose(source: ReportSource, templates: Templates) -> tuple[tuple[str, str], ...]:
    """(key, sentence) in order: findings, other measurements, comparison, models, notice."""
    linked = {m for f in source.findings for m in f.measurement_ids}
    out = [
        (f"finding:{finding.finding_id}", _finding(finding, source, templates))
        for finding in sorted(source.findings, key=_by_number)
        if finding.text or finding.label
    ]
    for measurement in source.measurements:
        if measurement.measurement_id in linked or measurement.kind in _LINES:
            continue
        if words := size_words(measurement, source, templates):
            name = measurement.label or templates["names"].get(measurement.kind.value, "")
            sentence = templates["measurement"].format(name=name, place="", size=words)
            out.append((f"measurement:{measurement.measurement_id}", _sentence(sentence)))
    if source.prior_date and out:
        out.append(("compared", templates["compared"].format(date=source.prior_date)))
    for same in _by_version(source.results):
        first = same[0]
        key = f"ai:{first.model}@{first.weights_sha256[:12]}"
        out.append((key, _result(same, source.decisions, templates)))
    if out:
        out.append(("notice", templates["notice"]))
    return tuple(out)


def _by_version(results: Sequence[AiResult]) -> list[list[AiResult]]:
    """Answers of each model version, the one that is quoted first: usable, highest score."""
    groups: dict[tuple[str, str, str], list[AiResult]] = {}
    for result in results:
        key = (result.model, result.weights_sha256, result.label)
        groups.setdefault(key, []).append(result)
    return [sorted(group, key=_rank) for group in groups.values()]


def _rank(result: AiResult) -> tuple[bool, float]:
    return result.outside, -result.score


def _by_number(finding: Finding) -> int:
    return finding.number


def _finding(finding: Finding, source: ReportSource, templates: Templates) -> str:
    known = {m.measurement_id: m for m in source.measurements}
    sizes = [
        words for m in finding.measurement_ids
        if m in known and (words := size_words(known[m], source, templates))
    ]  # fmt: skip
    size = templates["with_size"].format(size="; ".join(sizes)) if sizes else ""
    place = _place_words(finding.place, templates)
    kind = templates["absent" if finding.absent else "finding"]
    new = templates["new"] if is_new(finding, source) else ""
    text = finding.text or finding.label.replace("_", " ")
    pattern = kind[finding.certainty.value]
    if finding.absent and text.lower().startswith("no "):
        text = text[3:]
    inside = not pattern.startswith("{new}") or bool(new)
    return _sentence(
        pattern.format(new=new, text=_lower(text) if inside else text, place=place, size=size)
    )


def _place_words(place: str, templates: Templates) -> str:
    if not place:
        return ""
    pattern = "in_side" if place in templates["sides"].values() else "in_place"
    return str(templates[pattern].format(place=place))


def is_new(finding: Finding, source: ReportSource) -> bool:
    """Whether a prior that was read names nothing of that kind on that side."""
    if source.prior_findings is None or finding.absent or not source.prior_date:
        return False
    return not any(_same(finding, before) for before in source.prior_findings if not before.absent)


def _same(one: Finding, other: Finding) -> bool:
    names = {(f.label or f.text).strip().casefold() for f in (one, other)}
    sides = {_side(f.place) for f in (one, other)} - {""}
    return len(names) == 1 and len(sides) < 2


def _side(place: str) -> str:
    words = set(place.casefold().split())
    return next((side for side in ("right", "left") if side in words), "")


def size_words(measurement: Measurement, source: ReportSource, templates: Templates) -> str:
    """The number of a measurement, with the prior's if their lesions are paired."""
    now = _numbers(measurement)
    if not now:
        return ""
    words = _joined(now)
    before = next(
        (m for m in source.prior_measurements
         if measurement.lesion and m.lesion == measurement.lesion and m.kind is measurement.kind),
        None,
    )  # fmt: skip
    then = _numbers(before) if before is not None else []
    if then and source.prior_date and then[0].unit == now[0].unit:
        words += templates["trend"].format(
            before=_joined(then), date=source.prior_date, change=_change(then[0], now[0], templates)
        )
    return words


def _numbers(measurement: Measurement) -> list[Quantity]:
    names = _SHOWN.get(measurement.kind, ("mean", "area"))
    found = [measurement.quantity(name) for name in names]
    return [q for q in found if q is not None and q.value is not None]


def _joined(numbers: Sequence[Quantity]) -> str:
    values = [f"{_number(q)}" for q in numbers]
    units = [_unit(q) for q in numbers]
    if len(numbers) > 1 and len(set(units)) == 1:
        return f"{' × '.join(values)}{units[0]}"
    return ", ".join(
        f"{_name(q, numbers)}{v}{u}" for q, v, u in zip(numbers, values, units, strict=True)
    )


def _name(quantity: Quantity, among: Sequence[Quantity]) -> str:
    return f"{quantity.name} " if len(among) > 1 else ""


def _number(quantity: Quantity) -> str:
    value = quantity.value or 0.0
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.1f}"


def _unit(quantity: Quantity) -> str:
    unit = _PIXELS.get(quantity.unit, quantity.unit)
    if not unit:
        return ""
    # what a badge adds to the unit ('mm at detector') stands behind it: the reader must see it
    added = quantity.badge.removeprefix("mm") if unit in ("mm", "mm²") else ""
    return unit if unit == "°" else f" {unit}{added}"


def _change(before: Quantity, now: Quantity, templates: Templates) -> str:
    if not before.value or now.value is None:
        return str(templates["unchanged"])
    percent = round(100 * (now.value - before.value) / abs(before.value))
    if percent == 0:
        return str(templates["unchanged"])
    return f"{percent:+d} %".replace("-", "−")


def _result(same: Sequence[AiResult], decisions: Sequence[AiDecision], templates: Templates) -> str:
    """A version's most telling answer, and what was decided about all of its answers."""
    result = same[0]
    key = "ai_outside" if result.outside else "ai_above" if result.above else "ai_below"
    mine = {s.suggestion_id for one in same for s in one.suggestions()}
    counts = {v: sum(d.verdict is v and d.suggestion_id in mine for d in decisions)
              for v in Verdict}  # fmt: skip
    done = ""
    if any(counts.values()):
        done = templates["done"].format(
            accepted=counts[Verdict.ACCEPTED], edited=counts[Verdict.EDITED],
            rejected=counts[Verdict.REJECTED],
        )  # fmt: skip
    pattern = templates["probability" if result.calibrated else "score"]
    number = f"{100 * result.score:.0f}" if result.calibrated else f"{result.score:.2f}"
    threshold = f"{100 * result.threshold:.0f} %" if result.calibrated else (
        f"{result.threshold:.2f}")  # fmt: skip
    sentence = templates[key].format(
        model=f"{result.model}, {result.weights_sha256[:8]}", stage=result.stage,
        label=result.label.replace("_", " "), score=pattern.format(number), threshold=threshold,
        done=done,
    )  # fmt: skip
    return str(sentence) + (templates["simulated"] if result.simulated else "")


def _lower(text: str) -> str:
    """Sentence inside a sentence: abbreviations ('CT nodule') keep their capitals."""
    return text if text[1:2].isupper() or not text else text[0].lower() + text[1:]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def merge(
    parts: Sequence[ReportPart], composed: Sequence[tuple[str, str]]
) -> tuple[ReportPart, ...]:
    """The draft after its sources changed.

    Untouched paragraphs follow; edited ones keep the reader's words and remember what would be
    composed (``newer``); paragraphs taken out stay out; the reader's own stay where they are.
    An edited paragraph whose source is gone becomes the reader's own.
    """
    wanted = dict(composed)
    known = {part.key for part in parts if part.key}
    out: list[ReportPart] = []
    for part in parts:
        if not part.key:
            out.append(part)
        elif part.key in wanted:
            now = wanted[part.key]
            if not part.edited:
                out.append(ReportPart(part.key, now, now))
            else:
                newer = now if now not in (part.composed, part.text) else ""
                out.append(replace(part, newer=newer))
        elif part.edited and part.text:
            out.append(ReportPart("", "", part.text))
    before = ""
    for key, sentence in composed:
        if key not in known:
            out.insert(_after(out, before), ReportPart(key, sentence, sentence))
        before = key
    return tuple(out)


def _after(parts: Sequence[ReportPart], key: str) -> int:
    if not key:
        return 0
    at = next((i for i, part in enumerate(parts) if part.key == key), len(parts) - 1)
    return at + 1


def place_of(
    outline: Sequence[Place], shape: tuple[int, int], orientation: Orientation,
    templates: Templates,
) -> str:  # fmt: skip
    """Side and third of the picture in which an outline's centre lies.

    ``shape`` (rows, columns). The side is the patient's and comes from the frame's own letters
    (Patient Orientation, PS3.3 C.7.6.1.1.1); without them it is called the picture's.
    """
    if not outline:
        return ""
    row, column = np.asarray(outline, float).mean(axis=0)
    level = ("upper", "middle", "lower")[min(2, max(0, int(3 * row / max(1, shape[0]))))]
    across = float(column) / max(1, shape[1])
    upright = orientation.column[:1] in ("F", "")
    level = templates["levels"][level] if upright else ""
    letter = orientation.row[:1]
    if letter in ("L", "R"):
        other = {"L": "R", "R": "L"}
        side = templates["sides"][letter if across > 0.5 else other[letter]]
        pattern = templates["zone"] if level else templates["side"]
        return " ".join(pattern.format(side=side, level=level).split())
    screen = "left" if across < 0.4 else "right" if across > 0.6 else "middle"
    return str(
        templates["zone_unsided"].format(level=level, screen=templates["screens"][screen])
    ) if level else ""  # fmt: skip
