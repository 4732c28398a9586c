"""Numbers and states of segments in words."""

from PySide6.QtCore import QCoreApplication

from medbench.domain.segment_edit import (
    EditedSegment,
    EditedSegmentation,
    SegmentMethod,
    SegmentState,
)
from medbench.imaging.segment_agreement import Agreement
from medbench.imaging.segment_statistics import SegmentNumbers

translate = QCoreApplication.translate
_THIN = "\u2009"


def method_words(method: SegmentMethod) -> str:
    """How voxels came into a segment, translated."""
    return {
        SegmentMethod.BRUSH: translate("Segments", "brush"),
        SegmentMethod.THRESHOLD: translate("Segments", "threshold"),
        SegmentMethod.GROWING: translate("Segments", "region growing"),
        SegmentMethod.INTERPOLATION: translate("Segments", "interpolation"),
        SegmentMethod.FILLING: translate("Segments", "filled holes"),
        SegmentMethod.ISLANDS: translate("Segments", "islands removed"),
        SegmentMethod.SMOOTHING: translate("Segments", "smoothing"),
        SegmentMethod.LOGICAL: translate("Segments", "logical operation"),
        SegmentMethod.COPY: translate("Segments", "copied"),
    }[method]


def state_words(state: SegmentState) -> str:
    """How far a segment is, translated."""
    return {
        SegmentState.EDITING: translate("Segments", "editing"),
        SegmentState.REVIEWED: translate("Segments", "reviewed"),
    }[state]


def made_words(segment: EditedSegment) -> str:
    """E.g. 'Threshold, then brush · reviewed'."""
    steps = [method_words(method) for method in segment.methods]
    then = translate("Segments", "{0}, then {1}")
    words = translate("Segments", "empty")
    if steps:
        first = ", ".join(steps[:-1])
        words = then.format(first, steps[-1]) if first else steps[-1]
    return f"{words[:1].upper()}{words[1:]} · {state_words(segment.state)}"


def volume_words(volume_ml: float) -> str:
    """Three meaningful digits, at least a hundredth."""
    if volume_ml >= 100:
        return f"{volume_ml:,.0f}".replace(",", _THIN) + " mL"
    return f"{volume_ml:.1f} mL" if volume_ml >= 1 or volume_ml == 0 else f"{volume_ml:.2f} mL"


def size_words(segmentation: EditedSegmentation, numbers: SegmentNumbers | None) -> str:
    """Volume, or pixels where no millimetres lead to one."""
    if numbers is None:
        return "–"
    if numbers.volume_ml is None or not segmentation.placed:
        return f"{numbers.voxels:,} px".replace(",", _THIN)
    return volume_words(numbers.volume_ml)


def numbers_words(numbers: SegmentNumbers | None, unit: str) -> str:
    """Voxels, slices, mean ± SD."""
    if numbers is None or not numbers.voxels:
        return translate("Segments", "No voxels")
    voxels = f"{numbers.voxels:,}".replace(",", _THIN)
    parts = [
        translate("Segments", "{0} voxels").format(voxels),
        translate("Segments", "slices: {0}").format(numbers.slices),
    ]
    if numbers.mean is not None and numbers.sd is not None:
        digits = 0 if numbers.sd >= 10 else 1 if numbers.sd >= 1 else 3
        mean = f"{numbers.mean:.{digits}f}".replace("-", "\u2212")
        parts.append(f"{mean} ± {numbers.sd:.{digits}f} {unit}".strip())
    return " · ".join(parts)


def value_words(value: float) -> str:
    """Four meaningful digits, a true minus."""
    words = f"{value:.0f}" if abs(value) >= 100 else f"{value:.4g}"
    return words.replace("-", "\u2212")


def agreement_words(agreement: Agreement) -> tuple[str, str]:
    """(Dice, HD95); a dash where there is none."""
    dice = "–" if agreement.dice is None else f"{agreement.dice:.2f}"
    distance = "–" if agreement.hd95_mm is None else f"{agreement.hd95_mm:.1f} mm"
    return dice, distance
