"""Popup of the clipping box: from and to along the three axes of the volume."""

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QGridLayout, QSlider, QVBoxLayout, QWidget

from medbench.domain.geometry import Geometry, edge_letters
from medbench.imaging.render3d_grid import FULL_BOX, Box
from medbench.ui.widgets import Button, SectionTitle, hbox, label

_STEPS = 100
_LEAST = 2


def axis_names(geometry: Geometry) -> list[tuple[str, str]]:
    """Sides of the patient where the array axes z, y, x begin and end, as letters."""
    found = []
    for column in (2, 1, 0):
        direction = [geometry.direction[3 * row + column] for row in range(3)]
        found.append((edge_letters([-v for v in direction], 0.35), edge_letters(direction, 0.35)))
    return found


class ClipPopup(QFrame):
    """Two sliders an axis; each change is shown at once.

    Signals
    -------
    changed : Box
        Another box; ``moving`` tells whether a slider is held.
    """

    changed = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("card")
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 12)
        column.setSpacing(8)
        column.addWidget(SectionTitle(self.tr("Clipping box")))
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        column.addLayout(grid)
        self._names = []
        self.sliders: list[tuple[QSlider, QSlider]] = []
        for axis in range(3):
            name = label("", "secondary")
            name.setMinimumWidth(56)
            self._names.append(name)
            pair = self._slider(0), self._slider(_STEPS)
            self.sliders.append(pair)
            grid.addWidget(name, axis, 0)
            grid.addWidget(pair[0], axis, 1)
            grid.addWidget(pair[1], axis, 2)
        row = hbox()
        row.addStretch(1)
        self.whole = Button(self.tr("Whole volume"))
        self.whole.clicked.connect(self._reset)
        row.addWidget(self.whole)
        column.addLayout(row)
        self._quiet = False

    def _slider(self, value: int) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, _STEPS)
        slider.setValue(value)
        slider.setMinimumWidth(110)
        slider.valueChanged.connect(self._moved)
        slider.sliderReleased.connect(self._told)
        return slider

    @property
    def moving(self) -> bool:
        """Whether a slider is held."""
        return any(slider.isSliderDown() for pair in self.sliders for slider in pair)

    @property
    def box(self) -> Box:
        """What the sliders say; never thinner than two steps."""
        found = []
        for first, last in self.sliders:
            low = min(first.value(), _STEPS - _LEAST)
            found.append((low / _STEPS, max(last.value(), low + _LEAST) / _STEPS))
        return found[0], found[1], found[2]

    def open_for(self, geometry: Geometry, box: Box, place: QPoint) -> None:
        """Show it at a place of the screen."""
        for (begin, end), name, pair in zip(
            axis_names(geometry), self._names, self.sliders, strict=True
        ):
            words = self.tr("{0} to {1}").format(begin, end)
            name.setText(words)
            pair[0].setAccessibleName(self.tr("Clip from {0}").format(begin))
            pair[1].setAccessibleName(self.tr("Clip from {0}").format(end))
        self._put(box)
        self.move(place)
        self.show()
        self.sliders[0][0].setFocus()

    def _put(self, box: Box) -> None:
        self._quiet = True
        for (low, high), pair in zip(box, self.sliders, strict=True):
            pair[0].setValue(round(low * _STEPS))
            pair[1].setValue(round(high * _STEPS))
        self._quiet = False

    @Slot()
    def _reset(self) -> None:
        self._put(FULL_BOX)
        self.changed.emit(FULL_BOX)

    @Slot(int)
    def _moved(self, _value: int) -> None:
        self._told()

    @Slot()
    def _told(self) -> None:
        if not self._quiet:
            self.changed.emit(self.box)
