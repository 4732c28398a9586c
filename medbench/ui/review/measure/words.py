"""Measurements in words: names of kinds, numbers with unit and source, lines of a label."""

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from medbench.domain.calibration import MmSource
from medbench.domain.measurement import Measurement, MeasurementKind, Quantity, Site
from medbench.imaging.reslice import PlaneKind
from medbench.ui.review.annotations import calibration_words
from medbench.ui.review.measure.placing import OBLIQUE
from medbench.ui.review.overlays import plane_name

translate = QCoreApplication.translate
DASH = "–"
_THIN = "\u2009"
ICONS = {
    MeasurementKind.LENGTH: "length", MeasurementKind.BIDIRECTIONAL: "bidirectional",
    MeasurementKind.ANGLE: "angle", MeasurementKind.COBB: "cobb",
    MeasurementKind.RECTANGLE: "square", MeasurementKind.ELLIPSE: "ellipse",
    MeasurementKind.FREEHAND: "freehand", MeasurementKind.POLYLINE: "pentagon",
    MeasurementKind.ARROW: "move-up-left", MeasurementKind.TEXT: "type",
    MeasurementKind.PROBE: "pipette",
}  # fmt: skip


def kind_name(kind: MeasurementKind) -> str:
    """Translated name of a kind."""
    return {
        MeasurementKind.LENGTH: translate("Measure", "Length"),
        MeasurementKind.BIDIRECTIONAL: translate("Measure", "Long × short axis"),
        MeasurementKind.ANGLE: translate("Measure", "Angle"),
        MeasurementKind.COBB: translate("Measure", "Cobb angle"),
        MeasurementKind.RECTANGLE: translate("Measure", "Rectangle"),
        MeasurementKind.ELLIPSE: translate("Measure", "Ellipse"),
        MeasurementKind.FREEHAND: translate("Measure", "Freehand"),
        MeasurementKind.POLYLINE: translate("Measure", "Polygon"),
        MeasurementKind.ARROW: translate("Measure", "Arrow"),
        MeasurementKind.TEXT: translate("Measure", "Text"),
        MeasurementKind.PROBE: translate("Measure", "Probe"),
    }[kind]


def title_of(measurement: Measurement) -> str:
    """What the reader called it, or its kind."""
    return measurement.label or measurement.text or kind_name(measurement.kind)


def number(value: float | None, *, digits: int | None = None) -> str:
    """Four significant digits at most, a true minus, thin spaces in thousands; None = a dash."""
    if value is None:
        return DASH
    size = abs(value)
    if digits is None:
        digits = 0 if size >= 1000 else 1 if size >= 10 else 2
    if 0 < size < 10**-digits:
        return f"{value:.2g}".replace("-", "−")
    return f"{value:,.{digits}f}".replace(",", _THIN).replace("-", "−")


def unit_words(unit: str) -> str:
    """A unit as it is printed."""
    return {"mm2": "mm²", "px2": "px²", "deg": "°"}.get(unit, unit)


def source_words(quantity: Quantity) -> str:
    """Where its millimetres come from; '' for the patient's own and for values."""
    known = {source.value: source for source in MmSource}
    source = known.get(quantity.badge)
    if source in (None, MmSource.PATIENT):
        return ""
    return calibration_words(source)


def with_unit(quantity: Quantity | None) -> str:
    """Number, unit and source: '12.3 mm at detector'; a dash and the reason where there is none."""
    if quantity is None:
        return DASH
    if quantity.value is None:
        return f"{DASH} {reason_words(quantity.badge)}".strip()
    unit, source = unit_words(quantity.unit), source_words(quantity)
    whole = quantity.unit == "px2" or (quantity.unit == "mm2" and quantity.value >= 100)
    digits = 0 if whole else None
    text = number(quantity.value, digits=digits)
    if quantity.unit == "deg":
        return f"{text}°"
    if source.startswith("mm"):
        return f"{text} {unit}{source[2:]}"
    return f"{text} {unit}".strip()


def reason_words(reason: str) -> str:
    """Why there is no number, translated."""
    return {
        "no pixel centre inside": translate("Measure", "no pixel centre inside"),
        "nothing but padding inside": translate("Measure", "nothing but padding inside"),
        "outside the picture": translate("Measure", "outside the picture"),
        "not a finite number": translate("Measure", "not a finite number"),
        "padding: no anatomy here": translate("Measure", "padding: no anatomy here"),
        "no length here: the axes are not both centimetres": translate(
            "Measure", "no length here: the axes are not both centimetres"
        ),
        "no area here: the axes are not both centimetres": translate(
            "Measure", "no area here: the axes are not both centimetres"
        ),
        "no angle here: the axes are not both centimetres": translate(
            "Measure", "no angle here: the axes are not both centimetres"
        ),
        "one of the regions has no mean": translate("Measure", "one of the regions has no mean"),
        "the regions have different units": translate(
            "Measure", "the regions have different units"
        ),
        "the second mean is zero": translate("Measure", "the second mean is zero"),
    }.get(reason, reason)


def main_number(measurement: Measurement) -> str:
    """The number that stands for the whole measurement; '' for arrows and texts."""
    get = measurement.quantity
    kind = measurement.kind
    if kind is MeasurementKind.BIDIRECTIONAL:
        long, short = get("long axis"), get("short axis")
        if long is None or short is None or long.value is None or short.value is None:
            return with_unit(long if long is None or long.value is None else short)
        return f"{number(long.value)} × {with_unit(short)}"
    if kind.is_roi:
        return mean_words(measurement, "") or with_unit(get("area"))
    if kind is MeasurementKind.PROBE:
        return _probe_words(measurement)
    names = {
        MeasurementKind.LENGTH: "length", MeasurementKind.ANGLE: "angle",
        MeasurementKind.COBB: "Cobb angle",
    }  # fmt: skip
    return with_unit(get(names[kind])) if kind in names else ""


def _probe_words(measurement: Measurement) -> str:
    value = measurement.quantity("value")
    if value is not None and value.value is not None:
        return f"{plain_number(value.value)} {value.unit}".strip()
    if value is not None:
        return with_unit(value)
    return ", ".join(number(q.value, digits=0) for q in measurement.quantities)


def mean_words(measurement: Measurement, prefix: str) -> str:
    """Mean ± standard deviation with their unit ('' where there are no values)."""
    mean, sd = measurement.quantity(f"{prefix}mean"), measurement.quantity(f"{prefix}sd")
    if mean is None:
        return ""
    if mean.value is None or sd is None or sd.value is None:
        return with_unit(mean)
    least = min(abs(mean.value), sd.value) if sd.value else abs(mean.value)
    digits = 0 if least >= 10 else 1 if least >= 1 else 2 if least >= 0.1 else 3
    return (
        f"{number(mean.value, digits=digits)} ± {number(sd.value, digits=digits)} {mean.unit}"
    ).strip()


def label_lines(measurement: Measurement) -> list[tuple[str, bool]]:
    """(text, bold) lines of the label beside a mark."""
    kind, get = measurement.kind, measurement.quantity
    lines: list[tuple[str, bool]] = []
    if measurement.label or measurement.text:
        lines.append((measurement.label or measurement.text, kind is MeasurementKind.TEXT))
    if main := main_number(measurement):
        lines.append((main, True))
    if kind.is_roi:
        if get("mean") is not None:
            lines.append((with_unit(get("area")), False))
        if suv := mean_words(measurement, "SUV "):
            lines.append((f"SUV {suv}".replace(" g/ml", ""), False))
    if kind is MeasurementKind.PROBE:
        if (suv_value := get("SUV")) is not None:
            lines.append((f"SUV {number(suv_value.value)}", False))
        lines.append((place_words(measurement), False))
    return lines


def place_words(measurement: Measurement) -> str:
    """Where its first point lies: mm in the patient, or column and row (from 0)."""
    if mm := measurement.points_mm():
        return ", ".join(number(v, digits=1) for v in mm[0]) + " mm"
    row, column = measurement.points[0]
    return translate("Measure", "column {0:.0f}, row {1:.0f}").format(column, row)


def view_words(site: Site) -> str:
    """Name of the picture's plane; '' for pictures without one."""
    if site.view == OBLIQUE:
        return translate("Measure", "Oblique")
    if site.view == PlaneKind.ACQUIRED.value:
        return ""
    return plane_name(PlaneKind(site.view))


def detail_words(measurement: Measurement, slice_words: str) -> str:
    """Second line of a row: place, then the other numbers."""
    get = measurement.quantity
    parts = [slice_words]
    if measurement.kind is MeasurementKind.BIDIRECTIONAL and (product := get("product")):
        parts.append(translate("Measure", "product {0}").format(with_unit(product)))
    if measurement.kind.is_roi and get("mean") is not None:
        parts.append(with_unit(get("area")))
        low, high = get("min"), get("max")
        if low is not None and high is not None and low.value is not None:
            between = translate("Measure", "{0} to {1}")
            parts.append(between.format(plain_number(low.value), plain_number(high.value)))
    if measurement.kind.is_roi and get("mean") is None:
        parts.append(translate("Measure", "perimeter {0}").format(with_unit(get("perimeter"))))
    if measurement.kind is MeasurementKind.PROBE:
        parts.append(place_words(measurement))
    return " · ".join(part for part in parts if part)


def plain_number(value: float | None) -> str:
    """A value as it was stored: whole numbers stay whole."""
    whole = value is not None and value == round(value)
    return number(value, digits=0 if whole else None)


def all_words(measurements: Sequence[Measurement]) -> str:
    """Plain text of measurements for the clipboard, one a line."""
    return "\n".join(
        ": ".join(
            part
            for part in (
                ", ".join(p for p in (one.lesion, title_of(one)) if p),
                "; ".join(text for text, _ in label_lines(one) if text != one.label),
            )
            if part
        )
        for one in measurements
    )
