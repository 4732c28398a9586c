"""One lesion over several studies: its measurements paired by name, and what changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from medbench.domain.measurement import Measurement, MeasurementKind, Quantity

TREND_OF = {
    MeasurementKind.BIDIRECTIONAL: "product", MeasurementKind.LENGTH: "length",
    MeasurementKind.ELLIPSE: "area", MeasurementKind.RECTANGLE: "area",
    MeasurementKind.FREEHAND: "area", MeasurementKind.POLYLINE: "area",
    MeasurementKind.ANGLE: "angle", MeasurementKind.COBB: "Cobb angle",
    MeasurementKind.PROBE: "value",
}  # fmt: skip
"""The number that is followed; of two diameters their product (WHO 1979)."""


@dataclass(frozen=True)
class Visit:
    """One lesion at one date."""

    date: str
    """Date of the study, as the study has it."""
    measurement: Measurement
    value: float
    unit: str


def followed(measurement: Measurement) -> Quantity | None:
    """The number of a measurement that is compared over time."""
    return measurement.quantity(TREND_OF.get(measurement.kind, ""))


def history(
    measurement: Measurement, others: Iterable[Measurement], dates: Mapping[str, str]
) -> tuple[Visit, ...]:
    """The same lesion in every study of the patient, oldest first, this one among them.

    ``dates`` are the study dates of that patient's studies by UID; measurements of other studies
    are left out. Of several of one kind in a study the one with the same label counts, else the
    last made. Numbers in other units (pixels beside millimetres) cannot be compared and are left
    out too.
    """
    now = followed(measurement)
    if not measurement.lesion or now is None or now.value is None:
        return ()
    best: dict[str, Measurement] = {}
    for other in others:
        study = other.study_instance_uid
        if study == measurement.study_instance_uid or study not in dates:
            continue
        if other.kind is not measurement.kind or other.lesion != measurement.lesion:
            continue
        found = followed(other)
        if found is None or found.value is None or found.unit != now.unit:
            continue
        kept = best.get(study)
        if kept is None or _nearer(other, kept, measurement):
            best[study] = other
    if not best:
        return ()
    visits = []
    for one in (measurement, *best.values()):
        number = followed(one)
        assert number is not None
        assert number.value is not None
        date = dates.get(one.study_instance_uid, "")
        visits.append(Visit(date, one, number.value, number.unit))
    return tuple(sorted(visits, key=lambda v: v.date))


def _nearer(other: Measurement, kept: Measurement, to: Measurement) -> bool:
    mine, its = other.label == to.label, kept.label == to.label
    return (mine, other.created) >= (its, kept.created)


def before(visits: tuple[Visit, ...], measurement: Measurement) -> Visit | None:
    """The visit just before this measurement's own."""
    own = next((i for i, v in enumerate(visits) if v.measurement is measurement), 0)
    return visits[own - 1] if own > 0 else None


def change_percent(new: float, old: float) -> float | None:
    """Change against the earlier number; None where that was zero."""
    return None if old == 0 else (new - old) / abs(old) * 100


def next_lesion_name(measurements: Iterable[Measurement], word: str) -> str:
    """``word`` and the first number that is free, e.g. 'Lesion 2'."""
    taken = {one.lesion for one in measurements}
    number = 1
    while f"{word} {number}" in taken:
        number += 1
    return f"{word} {number}"
