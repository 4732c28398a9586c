"""Pages one below the other; pictures of the visible ones are asked for, one at a time."""

from collections import OrderedDict

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from medbench.ui.theme.current import current

GAP_PX = 12
ZOOM_RANGE = (0.1, 8.0)
KEPT_BYTES = 128 << 20
_FIT_MARGIN_PX = 24
_PX_PER_PT = 96 / 72


class PageArea(QAbstractScrollArea):
    """A document as pages.

    Signals
    -------
    page_wanted : int, float
        Page (from 0) and pixels per point of a picture that is needed.
    page_changed : int
        Another page (from 0) is at the top.
    zoom_changed : float
        Another zoom; 1 is the paper's size at 96 px per inch.
    """

    page_wanted = Signal(int, float)
    page_changed = Signal(int)
    zoom_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        self.verticalScrollBar().setAccessibleName(self.tr("Pages"))
        self.horizontalScrollBar().setAccessibleName(self.tr("Across the page"))
        self._sizes = np.zeros((0, 2))
        self._tops = np.zeros(1)
        self._pictures: OrderedDict[int, tuple[float, QImage]] = OrderedDict()
        self._failed: dict[int, str] = {}
        self._asked: tuple[int, float] | None = None
        self._page = 0
        self.zoom = 1.0
        self.fits_width = True

    def show_pages(self, sizes_pt: tuple[tuple[float, float], ...]) -> None:
        """Begin another document."""
        self._sizes = np.array(sizes_pt, float).reshape(-1, 2)
        self._pictures.clear()
        self._failed.clear()
        self._asked = None
        self._page = 0
        self.verticalScrollBar().setValue(0)
        self.fit_width()
        self.page_changed.emit(0)

    @property
    def count(self) -> int:
        """Number of pages."""
        return len(self._sizes)

    @property
    def page(self) -> int:
        """The page (from 0) that fills the top of the view."""
        return self._page

    # size

    def fit_width(self) -> None:
        """Let the widest page fill the width, now and whenever the view changes."""
        self.fits_width = True
        if self.count:
            free = max(80, self.viewport().width() - 2 * _FIT_MARGIN_PX)
            self._set_zoom(free / (float(self._sizes[:, 0].max()) * _PX_PER_PT))

    def zoom_by(self, factor: float) -> None:
        """Nearer or farther; the middle of the view stays."""
        self.fits_width = False
        self._set_zoom(self.zoom * factor)

    def _set_zoom(self, zoom: float) -> None:
        zoom = min(max(zoom, ZOOM_RANGE[0]), ZOOM_RANGE[1])
        bar = self.verticalScrollBar()
        middle = self.viewport().height() / 2
        place = (bar.value() + middle) / max(float(self._tops[-1]), 1.0) if bar.value() else 0.0
        self.zoom = zoom
        heights = self._sizes[:, 1] * zoom * _PX_PER_PT + GAP_PX
        self._tops = np.concatenate([[GAP_PX], GAP_PX + np.cumsum(heights)])
        self._set_ranges()
        if place:
            bar.setValue(round(place * float(self._tops[-1]) - middle))
        self.zoom_changed.emit(zoom)
        self.viewport().update()
        self._ask()

    def _set_ranges(self) -> None:
        view, bar, across = self.viewport(), self.verticalScrollBar(), self.horizontalScrollBar()
        bar.setRange(0, max(0, int(self._tops[-1]) - view.height()))
        bar.setPageStep(view.height())
        bar.setSingleStep(40)
        widest = float(self._sizes[:, 0].max()) * self.zoom * _PX_PER_PT if self.count else 0.0
        over = max(0, int(widest + 2 * GAP_PX) - view.width())
        across.setRange(0, over)
        across.setPageStep(view.width())
        if across.value() == 0 and over:
            across.setValue(over // 2)

    def _rect(self, page: int) -> QRectF:
        width, height = self._sizes[page] * self.zoom * _PX_PER_PT
        across = self.horizontalScrollBar()
        left = (self.viewport().width() - width) / 2 + across.maximum() / 2 - across.value()
        return QRectF(
            left, float(self._tops[page]) - self.verticalScrollBar().value(), width, height
        )

    def visible_pages(self) -> range:
        """Pages that are at least partly in view."""
        if not self.count:
            return range(0)
        top = self.verticalScrollBar().value()
        first = int(np.searchsorted(self._tops, top, "right")) - 1
        last = int(np.searchsorted(self._tops, top + self.viewport().height(), "left"))
        return range(max(0, first), min(self.count, max(last, first + 1)))

    def go_to(self, page: int) -> None:
        """Put a page (from 0) at the top."""
        if self.count:
            page = min(max(page, 0), self.count - 1)
            self.verticalScrollBar().setValue(round(float(self._tops[page]) - GAP_PX))
            if self._page != page:  # the last page may not reach the top
                self._page = page
                self.page_changed.emit(page)

    # pictures

    def _scale(self) -> float:
        return self.zoom * _PX_PER_PT * self.devicePixelRatioF()

    def _ask(self) -> None:
        """Want the first visible page that has no picture at this size."""
        scale = self._scale()
        for page in self.visible_pages():
            drawn = self._pictures.get(page)
            if page in self._failed or (drawn is not None and abs(drawn[0] - scale) < 1e-6):
                continue
            if self._asked != (page, scale):
                self._asked = page, scale
                self.page_wanted.emit(page, scale)
            return

    def show_picture(self, page: int, scale: float, pixels: np.ndarray) -> None:
        """Take a picture of a page, uint8 (rows, columns, 3)."""
        rows, columns = pixels.shape[:2]
        image = QImage(pixels.tobytes(), columns, rows, 3 * columns, QImage.Format.Format_RGB888)
        self._pictures[page] = scale, image.copy()
        self._pictures.move_to_end(page)
        seen = set(self.visible_pages())
        for old in list(self._pictures):
            if sum(i.sizeInBytes() for _, i in self._pictures.values()) <= KEPT_BYTES:
                break
            if old not in seen:
                del self._pictures[old]
        self._asked = None
        self.viewport().update()
        self._ask()

    def show_failure(self, page: int, sentence: str) -> None:
        """A page cannot be drawn, and why."""
        self._failed[page] = sentence
        self._asked = None
        self.viewport().update()
        self._ask()

    def has_picture(self, page: int) -> bool:
        """Whether a page is drawn at the present size."""
        drawn = self._pictures.get(page)
        return drawn is not None and abs(drawn[0] - self._scale()) < 1e-6

    # events

    def _scrolled(self, value: int) -> None:
        if not self.count:
            return
        third = value + self.viewport().height() / 3
        page = min(max(int(np.searchsorted(self._tops, third, "right")) - 1, 0), self.count - 1)
        if page != self._page:
            self._page = page
            self.page_changed.emit(page)
        self.viewport().update()
        self._ask()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.fits_width:
            self.fit_width()
        else:
            self._set_ranges()
            self._ask()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom_by(1.25 ** (event.angleDelta().y() / 120))
            event.accept()
            return
        super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_PageDown: self._page + 1, Qt.Key.Key_PageUp: self._page - 1,
                 Qt.Key.Key_Home: 0, Qt.Key.Key_End: self.count - 1}  # fmt: skip
        if event.key() in steps:
            self.go_to(steps[Qt.Key(event.key())])
        elif event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_by(1.25)
        elif event.key() == Qt.Key.Key_Minus:
            self.zoom_by(0.8)
        else:
            super().keyPressEvent(event)

    def scrollContentsBy(self, dx: int, dy: int) -> None:  # noqa: N802
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        tokens = current()
        for page in self.visible_pages():
            rect = self._rect(page)
            painter.fillRect(rect, QColor("white"))
            drawn = self._pictures.get(page)
            if drawn is not None:
                painter.drawImage(rect, drawn[1])
            elif page in self._failed:
                painter.setPen(QColor("black"))
                flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(rect.adjusted(12, 12, -12, -12), int(flags), self._failed[page])
            painter.setPen(QPen(QColor(tokens.divider), 1))
            painter.drawRect(QRectF(rect.topLeft() - QPointF(0.5, 0.5), rect.size()))
