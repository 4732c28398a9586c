"""Millimetres of paper in pixels of the screen."""

from dataclasses import dataclass

from PySide6.QtGui import QScreen

SPEEDS_MM_PER_S = (12.5, 25.0, 50.0)
GAINS_MM_PER_MV = (5.0, 10.0, 20.0)
PAGE_MM = 250.0
"""Ten seconds at 25 mm/s: the width of the trace on an A4 page."""
PULSE_S, PULSE_MV = 0.2, 1.0
"""Calibration pulse."""
RIGHT_MM = 3.0
_MM_PER_INCH = 25.4
_UNKNOWN_DPI = 96.0
_PLAUSIBLE_DPI = (60.0, 450.0)


@dataclass(frozen=True)
class PaperScale:
    """How large a millimetre is, and what it stands for."""

    px_per_mm: float = 4.0
    mm_per_s: float = 25.0
    mm_per_mv: float = 10.0

    @property
    def px_per_s(self) -> float:
        """Pixels of one second."""
        return self.px_per_mm * self.mm_per_s

    @property
    def left_mm(self) -> float:
        """Room for the calibration pulse, whole large boxes."""
        return 5.0 + max(5.0, PULSE_S * self.mm_per_s)


def real_px_per_mm(screen: QScreen | None) -> tuple[float, bool]:
    """Pixels of a real millimetre on a screen, and whether the screen's size is known.

    Screens that state no size, or one that cannot be (some projectors do), count as 96 dpi.
    """
    if screen is not None and screen.physicalSize().width() > 0:
        across, down = screen.physicalDotsPerInchX(), screen.physicalDotsPerInchY()
        low, high = _PLAUSIBLE_DPI
        if low <= across <= high and abs(across - down) <= 0.1 * across:
            return across / _MM_PER_INCH, True
    return _UNKNOWN_DPI / _MM_PER_INCH, False
