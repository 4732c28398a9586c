"""What lies below the pointer: place in the patient, value with unit, value of what is fused."""

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QPointF

from medbench.ui.review.fusion_picture import fused_words

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport

translate = QCoreApplication.translate


def probe_words(view: "Viewport", place: QPointF) -> tuple[str, str]:
    """(position, value) as text, both empty outside the picture."""
    row, column = (math.floor(v + 0.5) for v in view.picture_position(place))
    rows, columns = view.shape()
    if not (0 <= row < rows and 0 <= column < columns):
        return "", ""
    value = view.value_at(row, column)
    plane = view.plane
    if value is None and plane is None:
        return "", ""
    where = f"{column}, {row}"
    if plane is not None:
        x, y, z = plane.point_of(view.index, row, column)
        where = f"{x:.1f}, {y:.1f}, {z:.1f} mm"
    fused = fused_words(view, row, column)
    parts = [part for part in (_value_words(view, value), fused) if part]
    return where, " · ".join(parts)


def _value_words(view: "Viewport", value: object) -> str:
    """A value with its unit; nothing outside the volume."""
    if value is None:
        return ""
    info = view.frame()
    if getattr(value, "shape", ()):
        return ", ".join(str(int(v)) for v in value)  # type: ignore[attr-defined]
    number = float(value)  # type: ignore[arg-type]
    if math.isnan(number):
        return ""
    unit = info.value_unit
    if info.suv_factor is not None:
        words = translate("Probe", "{0} · SUV {1:.2f}")
        unit = words.format(unit, number * info.suv_factor)
    return f"{number:g} {unit}".strip()
