"""Right panel, tab Image: what the file says of the shown picture and its series."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from medbench.domain.image import FrameInfo
from medbench.ui.review.annotations import calibration_words
from medbench.ui.review.following import ModelLink
from medbench.ui.review.view_model import ViewModel
from medbench.ui.widgets import LabelledRow, SectionTitle, clear_layout, label, vbox


class ImagePanel(QWidget):
    """Facts of the active viewport's picture."""

    def __init__(self, model: ViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(10)
        column.addWidget(SectionTitle(self.tr("Picture")))
        self._frame_facts = vbox(spacing=2)
        column.addLayout(self._frame_facts)
        self._frame: tuple[list[tuple[str, str]], list[str]] | None = None
        """Rows and notes on the shown frame."""
        column.addWidget(SectionTitle(self.tr("Series")))
        self._facts = vbox(spacing=2)
        column.addLayout(self._facts)
        column.addStretch(1)
        self._link = ModelLink(model, display_changed=self.refresh)

    def follow(self, model: ViewModel) -> None:
        """Speak of another screen."""
        if self._link.follow(model):
            self._model = model
            self.refresh()

    def show_slice(self, index: int) -> None:
        """Facts of a slice, if it is there."""
        volume = self._model.volume
        if volume is not None and index < len(volume.ready) and volume.ready[index]:
            self._show_frame(self._model.info(index))

    def _show_frame(self, info: FrameInfo) -> None:
        """What the file says of this picture; built again only where it says something else."""
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
        notes = [*info.badges, *info.warnings]
        if info.suv_refused:
            notes.append(self.tr("No SUV: {0}").format(info.suv_refused))
        if (rows, notes) == self._frame:  # windows of slices differ, what is said here rarely
            return
        self._frame = (rows, notes)
        clear_layout(self._frame_facts)
        for key, value in rows:
            self._frame_facts.addWidget(LabelledRow(key, value))
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
