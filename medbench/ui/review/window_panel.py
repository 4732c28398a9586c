"""Foot of the right side: histogram with the window, level and width, probe."""

from PySide6.QtCore import QTimer, Slot
from PySide6.QtGui import QDoubleValidator, QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QVBoxLayout, QWidget

from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.review.annotations import window_number
from medbench.ui.review.following import ModelLink
from medbench.ui.review.histogram import WindowHistogram
from medbench.ui.review.view_model import ViewModel
from medbench.ui.widgets import Button, HLine, SectionTitle, hbox, icon_label, label

_REST_MS = 40


class WindowPanel(QFrame):
    """Window and probe of the active viewport; below every tab."""

    def __init__(
        self, model: ViewModel, actions: ActionRegistry, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._index = 0
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_REST_MS)
        self._soon.timeout.connect(self._count)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(HLine())
        body = QVBoxLayout()
        body.setContentsMargins(12, 10, 12, 10)
        body.setSpacing(8)
        head = hbox()
        head.addWidget(SectionTitle(self.tr("Window and level")), 1)
        self._series = label("", "secondary")
        head.addWidget(self._series)
        body.addLayout(head)
        self.histogram = WindowHistogram()
        self.histogram.window_wanted.connect(self._wanted)
        body.addWidget(self.histogram)
        row = hbox()
        self._width, self._centre = _field(self.tr("Width"), 0), _field(self.tr("Level"), -1e9)
        for name, field in (("W", self._width), ("L", self._centre)):
            row.addWidget(label(name, "secondary"))
            row.addWidget(field, 1)
            field.editingFinished.connect(self._typed)
        row.addWidget(Button.of(actions.action("medbench.review.auto_window")))
        body.addLayout(row)
        column.addLayout(body)
        column.addWidget(HLine())
        line = hbox(margins=(12, 6, 12, 6))
        line.addWidget(icon_label("pipette", "text2", 14))
        self._place = label(self.tr("Probe"), "secondary")
        self._place.setAccessibleName(self.tr("Place below the pointer"))
        line.addWidget(self._place, 1)
        self._value = label("")
        self._value.setAccessibleName(self.tr("Value below the pointer"))
        line.addWidget(self._value)
        column.addLayout(line)
        self._link = ModelLink(
            model, window_changed=self.refresh_window, display_changed=self.refresh
        )

    def follow(self, model: ViewModel) -> None:
        """Speak of another screen."""
        if self._link.follow(model):
            self._model = model
            self.refresh()

    @Slot(str, str)
    def show_probe(self, place: str, value: str) -> None:
        """Below the pointer."""
        self._place.setText(place or self.tr("Probe"))
        self._value.setText(value)

    @Slot()
    def refresh(self) -> None:
        """Another display."""
        display = self._model.display
        self._series.setText("" if display is None else display.description or display.modality)
        self.show_probe("", "")  # what lies below the pointer now is another picture
        self.refresh_window()
        self._soon.start()

    def hideEvent(self, event: QHideEvent) -> None:
        self._soon.stop()
        super().hideEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._soon.start()

    @Slot()
    def refresh_window(self) -> None:
        """Another window."""
        window = self._model.window
        self.histogram.show_window(window)
        for field in (self._width, self._centre):
            field.setEnabled(window is not None)
        if window is not None:
            self._width.setText(window_number(window.width, window))
            self._centre.setText(window_number(window.center, window))

    def show_slice(self, index: int) -> None:
        """Histogram of a slice, if it is there; counted when the hand rests."""
        self._index = index
        if self.isVisible():
            self._soon.start()

    @Slot()
    def _count(self) -> None:
        volume, index = self._model.volume, self._index
        if volume is None or index >= len(volume.ready) or not volume.ready[index]:
            return
        if volume.display.colour:
            self.histogram.clear()
            self._width.clear()
            self._centre.clear()
        else:
            self.histogram.show_values(volume.voxels[index], volume.infos[index].padding)
        self.refresh_window()

    @Slot(float, float)
    def _wanted(self, centre: float, width: float) -> None:
        window = self._model.window
        if window is not None:
            self._model.set_voi(window.moved(centre, width))

    def _typed(self) -> None:
        window = self._model.window
        if window is None:
            return
        shown = window_number(window.center, window), window_number(window.width, window)
        if shown != (self._centre.text(), self._width.text()):
            centre, width = float(self._centre.text()), float(self._width.text())
            self._model.set_voi(window.moved(centre, width))


def _field(name: str, low: float) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setValidator(QDoubleValidator(low, 1e9, 9))
    return field
