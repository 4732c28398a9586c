"""Popup of one view: which display lies over it, in which colours, how strong, which window."""

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QFrame,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from medbench.domain.image import DisplaySet, VoiWindow
from medbench.imaging.colormap import ColourMap
from medbench.imaging.fusion import Fusion, fusion_limits
from medbench.session.library import display_key
from medbench.ui.review.view_model import ViewModel
from medbench.ui.widgets import SectionTitle, label

if TYPE_CHECKING:
    from medbench.ui.review.viewport import Viewport

_LIMIT = 1e6


class FusionPopup(QFrame):
    """Speaks of the view it was opened for.

    Signals
    -------
    wanted : ViewModel, DisplaySet or None
        Another display is to lie over the pictures, or none.
    """

    wanted = Signal(object, object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("card")
        self.setMinimumWidth(300)
        self._model: ViewModel | None = None
        self._filling = False
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 12)
        column.setSpacing(8)
        column.addWidget(SectionTitle(self.tr("Fusion")))
        self.displays = QComboBox()
        self.displays.setAccessibleName(self.tr("Display over the pictures"))
        self.displays.activated.connect(self._chosen)
        column.addWidget(self.displays)
        self.hint = label("", "secondary", wrap=True)
        column.addWidget(self.hint)
        form = QFormLayout()
        self.colours = QComboBox()
        self.colours.setAccessibleName(self.tr("Colour map of the fusion"))
        for name, words in self._colour_names():
            self.colours.addItem(words, name)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setAccessibleName(self.tr("Opacity of the fusion in percent"))
        self.low, self.high = QDoubleSpinBox(), QDoubleSpinBox()
        self.low.setAccessibleName(self.tr("Value at the lowest colour"))
        self.high.setAccessibleName(self.tr("Value at the highest colour"))
        for box in (self.low, self.high):
            box.setRange(-_LIMIT, _LIMIT)
            box.setDecimals(2)
            box.valueChanged.connect(self._changed)
        self.colours.activated.connect(self._changed)
        self.opacity.valueChanged.connect(self._changed)
        for words, field in (
            (self.tr("Colours"), self.colours), (self.tr("Opacity"), self.opacity),
            (self.tr("From"), self.low), (self.tr("To"), self.high),
        ):  # fmt: skip
            form.addRow(words, field)
        column.addLayout(form)

    def _colour_names(self) -> list[tuple[ColourMap, str]]:
        return [
            (ColourMap.HOT_IRON, self.tr("Hot iron")),
            (ColourMap.RAINBOW, self.tr("Rainbow")),
            (ColourMap.INFERNO, self.tr("Inferno")),
            (ColourMap.GREY, self.tr("Grey")),
        ]

    def open_for(self, view: "Viewport", place: QPoint, candidates: list[DisplaySet]) -> None:
        """Show it at a place of the screen."""
        self._model = view.model
        self._filling = True
        self.displays.clear()
        self.displays.addItem(self.tr("Nothing"), None)
        for display in candidates:
            name = display.description or self.tr("Series")
            self.displays.addItem(f"{display.modality} · {name}", display)
        fusion: Fusion | None = view.model.plane_state.fusion
        if fusion is not None:
            keys = [display_key(display) for display in candidates]
            if fusion.key in keys:
                self.displays.setCurrentIndex(keys.index(fusion.key) + 1)
            else:  # of another frame of reference, laid here by a registration
                self.displays.addItem(fusion.title, fusion)
                self.displays.setCurrentIndex(self.displays.count() - 1)
        self.hint.setText(
            "" if candidates else self.tr("No other series shares this frame of reference.")
        )
        self._filling = False
        self.refresh()
        self.move(place)
        self.show()
        self.displays.setFocus()

    @Slot()
    def refresh(self) -> None:
        """Show how the fusion looks now."""
        if self._model is None:
            return
        fusion: Fusion | None = self._model.plane_state.fusion
        self._filling = True
        for widget in (self.colours, self.opacity, self.low, self.high):
            widget.setEnabled(fusion is not None)
        if fusion is not None:
            low, high = fusion_limits(fusion)
            self.colours.setCurrentIndex(self.colours.findData(fusion.colours))
            self.opacity.setValue(round(fusion.opacity * 100))
            for box, value in ((self.low, low), (self.high, high)):
                box.setSuffix(f" {fusion.unit}" if fusion.unit else "")
                box.setSingleStep(max(0.01, (high - low) / 50))
                box.setValue(value)
        self._filling = False

    @Slot(int)
    def _chosen(self, _index: int) -> None:
        payload: Any = self.displays.currentData()
        if self._model is not None and not isinstance(payload, Fusion):
            self.wanted.emit(self._model, payload)

    @Slot()
    def _changed(self, _value: object = None) -> None:
        fusion = None if self._model is None else self._model.plane_state.fusion
        if fusion is None or self._filling or self._model is None:
            return
        low, high = self.low.value(), self.high.value()
        window = fusion.window
        if high > low:
            window = VoiWindow((low + high) / 2, high - low, window.function)
        self._model.plane_state.set_fusion(
            fusion.changed(
                colours=ColourMap(self.colours.currentData()), opacity=self.opacity.value() / 100,
                window=window, shown=True,
            )
        )  # fmt: skip
