"""Pictures of the viewports for files and the clipboard: stamped, with or without the patient."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from PySide6.QtCore import QBuffer, QCoreApplication, QIODevice, QPoint, QRect, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter
from PySide6.QtWidgets import QWidget

import medbench
from medbench.base.errors import JobFailedError
from medbench.ui.review.view_model import ViewModel
from medbench.ui.review.viewport import Viewport

STAMP_PX = 22
"""Height of the strip below a picture that says what it is not for."""
_FRAME_PX = 2
_GAP_PX = 2
_STRIP, _WORDS, _WARNING = QColor("#16181b"), QColor("#f1f3f5"), QColor("#e6a23c")
translate = QCoreApplication.translate


def stamp_words(*, simulated: bool) -> str:
    """What every picture that leaves the window says of itself."""
    words = translate("Export", "Research use - not for diagnosis")
    made = translate("Export", "medbench {0}").format(medbench.__version__)
    parts = [words, made]
    if simulated:
        parts.insert(0, translate("Export", "SIMULATED, no patient"))
    return " · ".join(parts)


@contextmanager
def patient_shown(models: Iterable[ViewModel], *, shown: bool) -> Iterator[None]:
    """Draw with or without the patient's name, inside only; never waits, so nobody sees it."""
    before = [(model, model.show_patient) for model in models]
    for model, _ in before:
        model.show_patient = shown
    try:
        yield
    finally:
        for model, value in before:
            model.show_patient = value


def picture_of(widget: QWidget) -> QImage:
    """A viewport (or 3-D view) as it is on the screen, without its frame."""
    if isinstance(widget, Viewport):
        widget.settle()  # full quality, also right after a drag
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    framed = not isinstance(widget, Viewport) or widget.active or widget.hasFocus()
    if not framed:
        return image
    cut = round(_FRAME_PX * image.devicePixelRatio())
    return image.copy(image.rect().adjusted(cut, cut, -cut, -cut))


def joined(pictures: Sequence[QImage], columns: int) -> QImage:
    """Pictures side by side, row by row, each in a cell of the largest size."""
    if len(pictures) == 1:
        return pictures[0]
    wide = max(p.width() for p in pictures)
    high = max(p.height() for p in pictures)
    rows = -(-len(pictures) // columns)
    whole = QImage(
        columns * wide + (columns - 1) * _GAP_PX, rows * high + (rows - 1) * _GAP_PX,
        QImage.Format.Format_RGB32,
    )  # fmt: skip
    whole.fill(Qt.GlobalColor.black)
    painter = QPainter(whole)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        plain = QImage(picture)
        plain.setDevicePixelRatio(1.0)
        painter.drawImage(QPoint(column * (wide + _GAP_PX), row * (high + _GAP_PX)), plain)
    painter.end()
    return whole


def stamped(picture: QImage, *, simulated: bool) -> QImage:
    """The picture with a strip below it; the picture itself stays as it is."""
    plain = QImage(picture)
    plain.setDevicePixelRatio(1.0)
    scale = max(1.0, picture.devicePixelRatio())
    strip = round(STAMP_PX * scale)
    whole = QImage(plain.width(), plain.height() + strip, QImage.Format.Format_RGB32)
    whole.fill(_STRIP)
    painter = QPainter(whole)
    painter.drawImage(QPoint(0, 0), plain)
    paint_stamp(painter, QRect(0, plain.height(), plain.width(), strip), simulated=simulated)
    painter.end()
    return whole


def paint_stamp(painter: QPainter, area: QRect, *, simulated: bool) -> None:
    """Write the stamp into an area; it shrinks rather than being cut."""
    words = stamp_words(simulated=simulated)
    font = QFont(painter.font())
    for size in range(max(8, round(area.height() * 0.55)), 5, -1):
        font.setPixelSize(size)
        painter.setFont(font)
        if painter.fontMetrics().horizontalAdvance(words) <= area.width() - 8:
            break
    painter.setPen(_WARNING if simulated else _WORDS)
    painter.drawText(area, Qt.AlignmentFlag.AlignCenter, words)


def png_bytes(picture: QImage) -> bytes:
    """PNG of a picture; runs in a worker too.

    Raises
    ------
    JobFailedError
        It cannot be encoded.
    """
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not picture.save(buffer, "PNG"):  # type: ignore[call-overload]
        raise JobFailedError("The picture could not be written as PNG.")
    return bytes(buffer.data().data())
