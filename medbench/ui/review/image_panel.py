"""Right panel, tab Image: histogram with the window, presets, probe, what the file says."""

from PySide6.QtCore import QTimer, Slot
from PySide6.QtGui import QDoubleValidator, QHideEvent, QShowEvent
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from medbench.domain.image import FrameInfo
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.review.annotations import calibration_words, window_number
from medbench.ui.review.following import ModelLink
from medbench.ui.review.histogram import WindowHistogram
from medbench.ui.review.view_model import ViewModel
from medbench.ui.widgets import Button, LabelledRow, SectionTitle, clear_layout, hbox, label, vbox

_REST_MS = 40


class ImagePanel(QWidget):
    """Window, probe and file details of the active viewport."""

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
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(10)
        column.addWidget(SectionTitle(self.tr("Window and level")))
        self.histogram = WindowHistogram()
        self.histogram.window_wanted.connect(self._wanted)
        column.addWidget(self.histogram)
        row = hbox()
        self._width, self._centre = _field(self.tr("Width"), 0), _field(self.tr("Level"), -1e9)
        for name, field in (("W", self._width), ("L", self._centre)):
            row.addWidget(label(name, "secondary"))
            row.addWidget(field, 1)
            field.editingFinished.connect(self._typed)
        row.addWidget(Button.of(actions.action("medbench.review.auto_window")))
        column.addLayout(row)
        self._probe_place = LabelledRow(self.tr("Probe"))
        self._probe_value = LabelledRow(self.tr("Value"))
        column.addWidget(self._probe_place)
        column.addWidget(self._probe_value)
        column.addWidget(SectionTitle(self.tr("Picture")))
        self._frame_facts = vbox(spacing=2)
        column.addLayout(self._frame_facts)
        self._frame: FrameInfo | None = None
        column.addWidget(SectionTitle(self.tr("Series")))
        self._facts = vbox(spacing=2)
        column.addLayout(self._facts)
        column.addStretch(1)
        self._link = ModelLink(
            model, window_changed=self.refresh_window, display_changed=self.refresh
        )

    def follow(self, model: ViewModel) -> None:
        """Speak of another screen."""
        if self._link.follow(model):
            self._model = model
            self.refresh()
            self.refresh_window()

    @Slot(str, str)
    def show_probe(self, place: str, value: str) -> None:
        """Below the pointer."""
        self._probe_place.value.setText(place)
        self._probe_value.value.setText(value)

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
        self._soon.start()

    def hideEvent(self, event: QHideEvent) -> None:
        self._soon.stop()
        super().hideEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._soon.start()

    @Slot()
    def _count(self) -> None:
        volume, index = self._model.volume, self._index
        if not self.isVisible():
            return
        if volume is not None and index < len(volume.ready) and volume.ready[index]:
            if volume.display.colour:
                self.histogram.clear()
                self._width.clear()
                self._centre.clear()
            else:
                info = volume.infos[index]
                self.histogram.show_values(volume.voxels[index], info.padding)
            self.refresh_window()
            self._show_frame(self._model.info(index))

    def _show_frame(self, info: FrameInfo) -> None:
        """What the file says of this picture; built again only where it says something else."""
        if info == self._frame:
            return
        self._frame = info
        clear_layout(self._frame_facts)
        found, unit = info.calibration, info.value_unit or self.tr("no unit")
        rows = [(self.tr("Lengths"), calibration_words(found.source)), (self.tr("Values"), unit)]
        if found.in_mm:
            rows.append((self.tr("Pixel"), f"{found.column_mm:.4g} × {found.row_mm:.4g} mm"))
        if found.regions:
            count = sum(region.in_cm for region in found.regions)
            rows.append((self.tr("Regions with cm"), f"{count} / {len(found.regions)}"))
        if side := info.orientation.laterality:
            rows.append((self.tr("Side"), side))
        if info.suv_factor is not None:
            rows.append((self.tr("SUV factor"), f"{info.suv_factor:.4g} g/ml"))
        if info.padding is not None:
            low, high = info.padding
            words = f"{low:g}" if low == high else self.tr("{0:g} to {1:g}").format(low, high)
            rows.append((self.tr("Padding left out"), words))
        if info.overlays:
            rows.append((self.tr("Overlay planes"), ", ".join(o.group for o in info.overlays)))
        for key, value in rows:
            self._frame_facts.addWidget(LabelledRow(key, value))
        notes = [*info.badges, *info.warnings]
        if info.suv_refused:
            notes.append(self.tr("No SUV: {0}").format(info.suv_refused))
        for note in notes:
            self._frame_facts.addWidget(label(note, "warning", wrap=True))

    @Slot()
    def refresh(self) -> None:
        """Facts of the shown display."""
        clear_layout(self._facts)
        clear_layout(self._frame_facts)
        self._frame = None
        display = self._model.display
        if display is None:
            return
        rows = [
            (self.tr("Modality"), display.modality),
            (self.tr("Size"), f"{display.columns} × {display.rows} × {display.slices}"),
        ]
        geometry = display.geometry
        if geometry is not None:
            z, y, x = geometry.spacing_mm
            rows.append((self.tr("Spacing"), f"{x:.3g} × {y:.3g} × {z:.3g} mm"))
            if geometry.gantry_tilt_deg:
                rows.append((self.tr("Gantry tilt"), f"{geometry.gantry_tilt_deg:.1f}°"))
        for key, value in rows:
            self._facts.addWidget(LabelledRow(key, value))
        if display.reason:
            self._facts.addWidget(label(display.reason, "secondary", wrap=True))
        for warning in display.warnings:
            self._facts.addWidget(label(warning, "warning", wrap=True))

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
