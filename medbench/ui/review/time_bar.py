"""Time points of one place: a slider below the viewports, shown only where there are several."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QSlider, QWidget

from medbench.domain.image import DisplaySet
from medbench.session.library import Library
from medbench.ui.widgets import hbox, label


def time_place(display: DisplaySet) -> tuple[str, str, int]:
    """Equal for all time points of one place."""
    return display.study_instance_uid, display.series_instance_uid, display.time_group


class TimeBar(QFrame):
    """Chooses a time point.

    Signals
    -------
    display_wanted : DisplaySet
        The chosen time point.
    """

    display_wanted = Signal(object)

    def __init__(self, library: Library, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._points: dict[int, DisplaySet] = {}
        self.setObjectName("toolbar")
        self.setFixedHeight(36)
        row = hbox(margins=(12, 0, 12, 0), spacing=10)
        self.setLayout(row)
        row.addWidget(label(self.tr("Time"), "secondary"))
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName(self.tr("Time point"))
        self.slider.setPageStep(1)
        self.slider.setTickPosition(QSlider.TickPosition.TicksBelow)
        self.slider.setTickInterval(1)
        self.slider.valueChanged.connect(self._moved)
        row.addWidget(self.slider, 1)
        self._words = label("", "secondary")
        row.addWidget(self._words)
        self.hide()

    def show_display(self, display: DisplaySet) -> None:
        """Place of the shown display among its time points."""
        place, count = time_place(display), display.time_count
        displays = (
            d for s in self._library.studies for series in s.series for d in series.displays
        )
        self._points = {d.time_index: d for d in displays if time_place(d) == place}
        self.setVisible(count > 1)
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(0, count - 1))
        self.slider.setValue(display.time_index)
        self.slider.blockSignals(False)
        self._words.setText(self.tr("{0} / {1}").format(display.time_index + 1, count))

    def step(self, by: int) -> None:
        """Go on by some time points; after the last comes the first."""
        count = self.slider.maximum() + 1
        if count > 1:
            self.slider.setValue((self.slider.value() + by) % count)

    @Slot(int)
    def _moved(self, value: int) -> None:
        self._words.setText(self.tr("{0} / {1}").format(value + 1, self.slider.maximum() + 1))
        if value in self._points:
            self.display_wanted.emit(self._points[value])
