"""Corner texts of a viewport, from frame information."""

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from medbench.domain.calibration import MmSource
from medbench.domain.geometry import Geometry
from medbench.domain.image import FrameInfo, VoiWindow
from medbench.imaging.reslice import PlaneKind
from medbench.ui.review.plane_state import plane_words
from medbench.ui.review.view_model import ViewModel
from medbench.ui.theme.tokens import TOKENS

Lines = list[tuple[str, str]]
_THICK_MM = 2.0
_EQUAL_MM = 1e-3
_WIDE = 20.0
translate = QCoreApplication.translate


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
    model: ViewModel, kind: PlaneKind, index: int, count: int, zoom_percent: float,
    frame: FrameInfo | None = None,
) -> CornerLines:  # fmt: skip
    """Texts for a viewport; ``frame`` is the presentation of the shown picture."""
    display = model.display
    if display is None:
        return CornerLines([], [], [], [])
    info = frame if frame is not None else model.info(index if kind is PlaneKind.ACQUIRED else 0)
    found = info.annotations
    top_right = _technical_top(info)
    bottom_left = _window_lines(model, zoom_percent)
    if count > 1:
        words = translate("Corner", "Slice {0} / {1}").format(index + 1, count)
        bottom_left.append((words, ""))
    if not model.texts_shown:
        stamps = [line for line in top_right if line[1]]
        return CornerLines([], stamps, [], _honest_lines(model, kind, info))
    top_left = _patient_lines(model, found)
    title = display.description or found.get("series_description", "")
    if number := found.get("series_number"):
        title = " · ".join(part for part in (f"S{number}", title) if part)
    bottom_right: Lines = [(title, ""), (found.get("technique", ""), "")]
    bottom_right += _honest_lines(model, kind, info)
    return CornerLines(top_left, top_right, bottom_left, bottom_right)


def _patient_lines(model: ViewModel, found: Mapping[str, str]) -> Lines:
    if not model.show_patient:
        return [(translate("Corner", "Patient hidden"), "")]
    person = [found.get("patient_id", "")]
    if sex := found.get("patient_sex"):
        person.append(sex)
    if age := found.get("patient_age"):
        person.append(age)
    name = found.get("patient_name", "").replace("^", ", ")
    date = date_text(found.get("study_date", ""))
    return [(name, ""), (" · ".join(p for p in person if p), ""), (date, "")]


def _technical_top(info: FrameInfo) -> Lines:
    found = info.annotations
    lines: Lines = [(found.get("institution", ""), ""), (found.get("station", ""), "")]
    if side := info.orientation.laterality:
        words = translate("Corner", "Side {0}").format(side)
        lines.append((words, TOKENS["dark"].orientation))
    if found.get("simulated"):
        lines.append((translate("Corner", "SIMULATED, no patient"), TOKENS["dark"].warning))
    return lines


def _window_lines(model: ViewModel, zoom_percent: float) -> Lines:
    lines: Lines = []
    window = model.voi
    if isinstance(window, VoiWindow):
        width, center = (window_number(v, window) for v in (window.width, window.center))
        lines.append((f"W {width} L {center}", ""))
    elif window is not None:
        lines.append((translate("Corner", "Lookup table"), ""))
    lines.append((translate("Corner", "Zoom {0:.0f} %").format(zoom_percent), ""))
    return lines


def window_number(value: float, window: VoiWindow) -> str:
    """Centre or width with the digits that a window of this width needs."""
    return f"{value:.0f}" if window.width >= _WIDE else f"{value:.4g}"


def _honest_lines(model: ViewModel, kind: PlaneKind, info: FrameInfo) -> Lines:
    """What the reader must know of this picture's worth: fidelity, millimetres, badges."""
    display = model.display
    assert display is not None
    warning = TOKENS["dark"].warning
    lines = [(words, warning) for words in info.badges]
    lines += [(words, "") for words in plane_words(model.plane_state, kind, model.plane(kind))]
    if kind is not PlaneKind.ACQUIRED:
        if display.geometry is not None:
            lines += [(words, warning) for words in fidelity_words(display.geometry)]
        return lines
    if info.calibration.source not in (MmSource.PATIENT, MmSource.ULTRASOUND):
        lines.append((calibration_words(info.calibration.source), warning))
    if display.time_count > 1:
        words = translate("Corner", "Time {0} / {1}")
        lines.append((words.format(display.time_index + 1, display.time_count), ""))
    return lines + [(words, warning) for words in display.warnings[:2]]


def calibration_words(source: MmSource) -> str:
    """Where millimetres come from, translated."""
    return {
        MmSource.PATIENT: translate("Calibration", "mm"),
        MmSource.DETECTOR: translate("Calibration", "mm at detector"),
        MmSource.GEOMETRY: translate("Calibration", "mm, geometry"),
        MmSource.FIDUCIAL: translate("Calibration", "mm, fiducial"),
        MmSource.CORRECTED: translate("Calibration", "mm, corrected, method unknown"),
        MmSource.MAGNIFIED: translate("Calibration", "mm, magnified"),
        MmSource.SCANNER: translate("Calibration", "mm at scanner"),
        MmSource.UNKNOWN: translate("Calibration", "mm, calibration unknown"),
        MmSource.ULTRASOUND: translate("Calibration", "mm, ultrasound region"),
        MmSource.NONE: translate("Calibration", "no calibration: lengths in px"),
    }[source]


def fidelity_words(geometry: Geometry) -> list[str]:
    """What a reformatted view has to say of its own faithfulness, translated."""
    low, high = geometry.gap_range_mm
    found = []
    if missing := len(geometry.missing_slices):
        found.append(translate("Corner", "Slices missing: {0}").format(missing))
    if high - low > _EQUAL_MM and not missing:
        words = translate("Corner", "Interpolated from {0:.1f} to {1:.1f} mm")
        found.append(words.format(low, high))
    elif geometry.spacing_mm[0] > _THICK_MM:
        words = translate("Corner", "Interpolated from {0:.1f} mm")
        found.append(words.format(geometry.spacing_mm[0]))
    if geometry.gantry_tilt_deg:
        words = translate("Corner", "Tilt {0:.1f}° corrected")
        found.append(words.format(geometry.gantry_tilt_deg))
    return found
