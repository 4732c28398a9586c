"""Corner texts of a viewport, from frame information."""

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from medbench.domain.image import VoiWindow
from medbench.imaging.reslice import PlaneKind
from medbench.ui.review.view_model import ViewModel
from medbench.ui.theme.tokens import TOKENS

Lines = list[tuple[str, str]]
_THICK_MM = 2.0


@dataclass(frozen=True)
class CornerLines:
    """(text, colour) lines of the four corners; empty colour = overlay colour."""

    top_left: Lines
    top_right: Lines
    bottom_left: Lines
    bottom_right: Lines


def date_text(value: str) -> str:
    """``20200121`` as ``2020-01-21``."""
    return f"{value[:4]}-{value[4:6]}-{value[6:8]}" if len(value) == 8 else value


def corner_lines(
    model: ViewModel, kind: PlaneKind, index: int, count: int, zoom_percent: float
) -> CornerLines:
    """Texts for a viewport."""
    display = model.display
    if display is None:
        return CornerLines([], [], [], [])
    found = model.info(index if kind is PlaneKind.ACQUIRED else 0).annotations
    person = [found.get("patient_id", "")]
    if sex := found.get("patient_sex"):
        person.append(sex)
    if age := found.get("patient_age"):
        person.append(age)
    name = found.get("patient_name", "").replace("^", ", ")
    patient: Lines = [(name, ""), (" · ".join(p for p in person if p), "")]
    if not model.show_patient:
        patient = [(QCoreApplication.translate("Corner", "Patient hidden"), "")]
    top_left = [*patient, (date_text(found.get("study_date", "")), "")]
    top_right: Lines = [(found.get("institution", ""), ""), (found.get("station", ""), "")]
    if found.get("simulated"):
        words = QCoreApplication.translate("Corner", "SIMULATED, no patient")
        top_right.append((words, TOKENS["dark"].warning))
    bottom_left: Lines = []
    window = model.voi
    if isinstance(window, VoiWindow):
        bottom_left.append((f"W {window.width:.0f} L {window.center:.0f}", ""))
    elif window is not None:
        bottom_left.append((QCoreApplication.translate("Corner", "Lookup table"), ""))
    bottom_left.append(
        (QCoreApplication.translate("Corner", "Zoom {0:.0f} %").format(zoom_percent), "")
    )
    if count > 1:
        words = QCoreApplication.translate("Corner", "Slice {0} / {1}").format(index + 1, count)
        bottom_left.append((words, ""))
    title = display.description or found.get("series_description", "")
    if number := found.get("series_number"):
        title = f"S{number} · {title}"
    bottom_right: Lines = [(title, ""), (found.get("technique", ""), "")]
    if lossy := found.get("lossy"):
        bottom_right.append((lossy, ""))
    spacing = display.geometry.spacing_mm[0] if display.geometry is not None else 0.0
    if kind is not PlaneKind.ACQUIRED and spacing > _THICK_MM:
        words = QCoreApplication.translate("Corner", "Interpolated from {0:.1f} mm")
        bottom_right.append((words.format(spacing), TOKENS["dark"].warning))
    bottom_right += [(warning, TOKENS["dark"].warning) for warning in display.warnings[:2]]
    return CornerLines(top_left, top_right, bottom_left, bottom_right)
