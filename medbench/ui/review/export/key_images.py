"""Key images: marked and unmarked by a key, shown by a star on the picture."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from medbench.base.ids import now_iso
from medbench.domain.key_image import KeyImage, key_of
from medbench.session.library import display_key
from medbench.session.session import Session
from medbench.ui.review.pointer import PointerTool

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport

_STAR, _EDGE = QColor("#ffd640"), QColor(0, 0, 0, 200)
_RADIUS_PX, _FROM_EDGE_PX, _FROM_TOP_PX = 9.0, 26.0, 36.0


class KeyImages(QObject):
    """The marks of the open studies.

    Signals
    -------
    changed
        A frame was marked or unmarked.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._readings = session.readings
        self._readings.changed.connect(self._stored)

    @Slot(str)
    def _stored(self, kind: str) -> None:
        if kind == KeyImage.stored_as:
            self.changed.emit()

    def of_study(self, study_instance_uid: str) -> tuple[KeyImage, ...]:
        """Key images of a study, in the order they were marked."""
        return self._readings.of(KeyImage, study_instance_uid)

    def marked(self, sop_instance_uid: str, frame: int) -> bool:
        """Whether a frame is a key image."""
        found = self._readings.get(KeyImage, key_of(sop_instance_uid, frame))
        return found is not None

    def toggle(self, view: "Viewport") -> bool | None:
        """Mark the frame a view shows, or unmark it; None where it shows no acquired frame."""
        display = view.model.display
        uid, _ = view.instance()
        if display is None or not uid:
            return None
        ref = display.frames[min(view.index, display.slices - 1)]
        before = self._readings.get(KeyImage, key_of(uid, ref.frame))
        if before is not None:
            self._readings.remove(before, self.tr("Key image"))
            return False
        made = KeyImage(
            display.study_instance_uid, display.series_instance_uid, display_key(display), uid,
            ref.frame, "", self._session.settings.value.reader, now_iso(),
        )  # fmt: skip
        self._readings.put(made, self.tr("Key image"))
        return True


class StarLayer(PointerTool):
    """Paints a star on key images, upper right below the texts."""

    def __init__(self, keys: KeyImages, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._keys = keys
        self._path = _star(_RADIUS_PX)

    def paint(self, painter: QPainter, view: "Viewport") -> None:
        display = view.model.display
        uid, _ = view.instance()
        if display is None or not uid:
            return
        ref = display.frames[min(view.index, display.slices - 1)]
        if not self._keys.marked(uid, ref.frame):
            return
        painter.save()
        painter.translate(view.width() / 2 + 4 * _FROM_EDGE_PX, _FROM_TOP_PX - 14)
        painter.setPen(QPen(_EDGE, 1.5))
        painter.setBrush(_STAR)
        painter.drawPath(self._path)
        painter.restore()


def _star(radius: float) -> QPainterPath:
    """Five points, the first one up."""
    from math import cos, pi, sin

    path = QPainterPath()
    for number in range(10):
        length = radius if number % 2 == 0 else radius * 0.42
        angle = -pi / 2 + number * pi / 5
        place = QPointF(length * cos(angle), length * sin(angle))
        if number:
            path.lineTo(place)
        else:
            path.moveTo(place)
    path.closeSubpath()
    return path
