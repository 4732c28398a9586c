"""Right panel, tab Layers: presentation states, and what is drawn over the images."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF, Qt, Signal, Slot
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QCheckBox, QComboBox, QSlider, QVBoxLayout, QWidget

from medbench.domain.image import DisplaySet
from medbench.domain.objects import (
    Colour,
    Layer,
    ScalarField,
    Segment,
    Segmentation,
    StructureSet,
)
from medbench.imaging.colormap import inferno_table
from medbench.session.layer_shelf import LayerShelf, layer_key
from medbench.session.library import display_key
from medbench.ui.review.following import ModelLink
from medbench.ui.review.painting import grey_image
from medbench.ui.review.view_model import ViewModel
from medbench.ui.widgets import (
    Button,
    Card,
    EmptyState,
    IconButton,
    LabelledRow,
    SectionTitle,
    clear_layout,
    hbox,
    label,
    vbox,
)


def swatch(colour: Colour, size: int = 14) -> QIcon:
    """Square of a segment's colour."""
    pixmap = QPixmap(size, size)
    pixmap.fill(QColor(*colour))
    return QIcon(pixmap)


class ColourBar(QWidget):
    """The colour map of a field with its ends written below by the card."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(12)
        self.setAccessibleName(self.tr("Colour scale"))
        row = np.rint(inferno_table()).astype(np.uint8)[None]
        self._image: QImage = grey_image(row)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.drawImage(QRectF(self.rect()), self._image)


class LayerPanel(QWidget):
    """What is drawn over the images, and how.

    Signals
    -------
    presentation_wanted : DisplaySet or None, bool
        A presentation state (None: as the images say), and whether only its drawings count.
    layer_wanted : DisplaySet
        An object of the study that should be drawn over the images.
    """

    presentation_wanted = Signal(object, bool)
    layer_wanted = Signal(object)

    def __init__(self, shelf: LayerShelf, model: ViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shelf = shelf
        self._model = model
        self._keys: tuple[str, ...] = ()
        self._layers_offered: tuple[DisplaySet, ...] = ()
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(10)
        column.addWidget(SectionTitle(self.tr("Presentation")))
        self.states = QComboBox()
        self.states.setAccessibleName(self.tr("Presentation state"))
        self.states.activated.connect(self._state_chosen)
        column.addWidget(self.states)
        self.only = QCheckBox(self.tr("Drawings only"))
        self.only.setAccessibleName(self.tr("Only the drawings of the presentation state"))
        self.only.clicked.connect(self._state_chosen)
        self.planes = QCheckBox(self.tr("Overlay planes of the image"))
        self.planes.setAccessibleName(self.planes.text())
        self.planes.clicked.connect(self._planes_clicked)
        self.shutter = QCheckBox(self.tr("Shutter"))
        self.shutter.setAccessibleName(self.tr("Hide what the shutter hides"))
        self.shutter.clicked.connect(self._shutter_clicked)
        for box in (self.only, self.planes, self.shutter):
            column.addWidget(box)
        column.addWidget(SectionTitle(self.tr("Drawn over the images")))
        self._cards = vbox(spacing=10)
        column.addLayout(self._cards)
        self._more = vbox(spacing=4)
        column.addLayout(self._more)
        column.addStretch(1)
        shelf.changed.connect(self.refresh)
        self._link = ModelLink(model, presentation_changed=self._show_state)
        self.offer((), ())
        self._show_state()

    def follow(self, model: ViewModel) -> None:
        """Speak of another screen."""
        if self._link.follow(model):
            self._model = model
            self._show_state()

    # what there is

    def offer(self, states: Sequence[DisplaySet], layers: Sequence[DisplaySet]) -> None:
        """Presentation states and layers of the shown study."""
        chosen = self.states.currentData()
        self.states.clear()
        self.states.addItem(self.tr("As the images say"), None)
        for state in states:
            self.states.addItem(state.description or self.tr("Presentation state"), state)
            if chosen is not None and display_key(chosen) == display_key(state):
                self.states.setCurrentIndex(self.states.count() - 1)
        self.states.setEnabled(bool(states))
        self._layers_offered = tuple(layers)
        self._rebuild()

    def show_presentation(self, display: DisplaySet | None) -> None:
        """Mark the state that is on."""
        for i in range(self.states.count()):
            found = self.states.itemData(i)
            same = found is not None and display is not None
            if (found is None and display is None) or (
                same and display_key(found) == display_key(display)  # type: ignore[arg-type]
            ):
                self.states.setCurrentIndex(i)
        self._show_state()

    @Slot()
    def _show_state(self) -> None:
        self.only.setEnabled(self.states.currentData() is not None)
        self.planes.setChecked(self._model.planes_shown)
        self.shutter.setChecked(self._model.shutter_shown)

    @Slot()
    def _state_chosen(self, *_: object) -> None:
        self.presentation_wanted.emit(self.states.currentData(), self.only.isChecked())

    @Slot(bool)
    def _planes_clicked(self, checked: bool) -> None:
        self._model.switch_planes(shown=checked)

    @Slot(bool)
    def _shutter_clicked(self, checked: bool) -> None:
        self._model.switch_shutter(shown=checked)

    # layers

    @Slot()
    def refresh(self) -> None:
        """The shelf changed; sliders that are being dragged stay."""
        if tuple(layer.key for layer in self._shelf.layers) != self._keys:
            self._rebuild()

    @Slot()
    def _offer_taken(self) -> None:
        self.layer_wanted.emit(self._layers_offered[int(self.sender().property("offer"))])

    def _rebuild(self) -> None:
        layers = self._shelf.layers
        self._keys = tuple(layer.key for layer in layers)
        clear_layout(self._cards)
        clear_layout(self._more)
        for layer in layers:
            self._cards.addWidget(_LayerCard(self._shelf, layer))
        for at, display in enumerate(self._layers_offered):
            if layer_key(display) in self._keys:
                continue
            text = " ".join(p for p in (display.modality, display.description) if p)
            button = Button(self.tr("Show {0}").format(text), icon_name="layers")
            button.setProperty("offer", at)
            button.clicked.connect(self._offer_taken)
            self._more.addWidget(button)
        if not layers and not self._layers_offered:
            self._cards.addWidget(
                EmptyState(
                    "layers",
                    self.tr("Nothing over these images"),
                    self.tr("Segmentations, structures, dose and maps of the study appear here."),
                )
            )


class _LayerCard(Card):
    """One layer: look, and its segments."""

    def __init__(self, shelf: LayerShelf, layer: Layer, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self._shelf = shelf
        self._key = layer.key
        self._hidden = set(layer.look.hidden)
        head = hbox()
        self.shown = QCheckBox(layer.title)
        self.shown.setAccessibleName(self.tr("Show {0}").format(layer.title))
        self.shown.setChecked(layer.look.shown)
        self.shown.clicked.connect(self._switched)
        head.addWidget(self.shown, 1)
        away = IconButton("x", self.tr("Take off {0}").format(layer.title))
        away.clicked.connect(self._remove)
        head.addWidget(away)
        self.body.addLayout(head)
        payload = layer.payload
        if isinstance(payload, Segmentation):
            self._segments(payload.segments, [segment_size(payload, s) for s in payload.segments])
            self._words([self.tr("Kind: {0}").format(payload.kind.lower())], payload.warnings)
        elif isinstance(payload, StructureSet):
            segments = [s.segment for s in payload.structures]
            counts = [self.tr("Contours: {0}").format(len(s.contours)) for s in payload.structures]
            self._segments(segments, counts)
            self._words([], payload.warnings)
        elif isinstance(payload, ScalarField):
            self.body.addWidget(ColourBar())
            low, high = 0.0, payload.value_range[1]
            unit = payload.unit or self.tr("no unit")
            self.body.addWidget(LabelledRow(f"{low:g}", f"{high:.4g} {unit}"))
        self._slider(self.tr("Fill"), "fill", layer.look.fill, 100)
        if not isinstance(payload, ScalarField):
            self._slider(self.tr("Outline"), "outline_px", layer.look.outline_px / 4, 100)

    def _words(self, lines: Sequence[str], warnings: Sequence[str]) -> None:
        for line in lines:
            self.body.addWidget(label(line, "caption"))
        for warning in warnings:
            self.body.addWidget(label(warning, "warning", wrap=True))

    def _segments(self, segments: Sequence[Segment], sizes: Sequence[str]) -> None:
        for segment, size in zip(segments, sizes, strict=True):
            row = hbox()
            box = QCheckBox(segment.label)
            box.setIcon(swatch(segment.colour))
            box.setAccessibleName(self.tr("Show segment {0}").format(segment.label))
            box.setChecked(segment.number not in self._hidden)
            box.setProperty("segment", segment.number)
            box.toggled.connect(self._segment_switched)
            row.addWidget(box, 1)
            row.addWidget(label(size, "secondary"))
            self.body.addLayout(row)
            if segment.algorithm:
                self.body.addWidget(label(segment.algorithm.title(), "caption"))

    def _slider(self, name: str, look: str, value: float, top: int) -> None:
        row = hbox()
        row.addWidget(label(name, "secondary"))
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setAccessibleName(name)
        slider.setRange(0, top)
        slider.setValue(round(value * top))
        slider.setProperty("look", look)
        slider.valueChanged.connect(self._slid)
        row.addWidget(slider, 1)
        self.body.addLayout(row)

    @Slot(bool)
    def _switched(self, checked: bool) -> None:
        self._shelf.change(self._key, shown=checked)

    @Slot()
    def _remove(self) -> None:
        self._shelf.remove(self._key)

    @Slot(bool)
    def _segment_switched(self, checked: bool) -> None:
        number = int(self.sender().property("segment"))
        (self._hidden.discard if checked else self._hidden.add)(number)
        self._shelf.change(self._key, hidden=frozenset(self._hidden))

    @Slot(int)
    def _slid(self, value: int) -> None:
        look = str(self.sender().property("look"))
        part = value / 100
        self._shelf.change(self._key, **{look: part if look == "fill" else part * 4})


def segment_size(payload: Segmentation, segment: Segment) -> str:
    """Volume in ml where the frames have a place and a thickness, else the count of pixels."""
    grid = next((f.grid for f in payload.frames if f.grid is not None), None)
    if grid is None or payload.thickness_mm <= 0:
        return f"{segment.voxels} px"
    ml = segment.voxels * grid.row_mm * grid.column_mm * payload.thickness_mm / 1000
    return f"{ml:.3g} ml"
