"""Popup of one view: how its slices are joined, and how thick."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Slot
from PySide6.QtWidgets import QDoubleSpinBox, QFrame, QVBoxLayout, QWidget

from medbench.imaging.oblique import SlabMode
from medbench.imaging.slab import MOST_MM, Slab
from medbench.ui.review.plane_state import slab_name
from medbench.ui.widgets import SectionTitle, SegmentedControl

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport

OFF = "off"
DEFAULT_MM = 10.0
CYCLE: tuple[SlabMode | None, ...] = (
    None, SlabMode.MAXIMUM, SlabMode.MINIMUM, SlabMode.MEAN,
)  # fmt: skip


class SlabPopup(QFrame):
    """Speaks of the view it was opened for; each change is shown at once."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("card")
        self._view: Viewport | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 12)
        column.setSpacing(8)
        column.addWidget(SectionTitle(self.tr("Slab")))
        options = [(OFF, self.tr("Off"))]
        options += [(mode.value, slab_name(mode)) for mode in CYCLE if mode is not None]
        self.modes = SegmentedControl(options, self.tr("How slices are joined"))
        self.modes.changed.connect(self._changed)
        column.addWidget(self.modes)
        self.thickness = QDoubleSpinBox()
        self.thickness.setAccessibleName(self.tr("Thickness of the slab"))
        self.thickness.setDecimals(1)
        self.thickness.setRange(0.5, MOST_MM)
        self.thickness.setSuffix(self.tr(" mm"))
        self.thickness.valueChanged.connect(self._changed)
        column.addWidget(self.thickness)

    def open_for(self, view: "Viewport", place: QPoint) -> None:
        """Show it at a place of the screen."""
        self._view = None
        slab = view.model.plane_state.slab(view.kind)
        self.modes.choose(OFF if slab is None else slab.mode.value)
        self.thickness.setValue(DEFAULT_MM if slab is None else slab.thickness_mm)
        self._view = view
        self.move(place)
        self.show()
        self.thickness.setFocus()

    @Slot()
    def _changed(self, _value: object = None) -> None:
        if self._view is None:
            return
        chosen = self.modes.key
        slab = None if chosen == OFF else Slab(SlabMode(chosen), self.thickness.value())
        self._view.model.plane_state.set_slab(self._view.kind, slab)
