"""The editor of window presets: one row each, faults named in words below the table."""

from uuid import uuid4

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from medbench.domain.image import VoiWindow
from medbench.imaging.window import WindowPreset, preset_of, read_presets
from medbench.imaging.window_lint import TISSUE_HU, PresetFault, faults
from medbench.session.window_book import WindowBook
from medbench.ui.widgets import Button, hbox, label

NAME, MODALITY, WIDTH, LEVEL, KEY = range(5)


class WindowPresetEditor(QDialog):
    """Add, change, delete, reorder; kept with OK."""

    def __init__(
        self, book: WindowBook, modality: str, window: VoiWindow | None,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._book = book
        self._modality, self._window = modality or "CT", window
        self.setWindowTitle(self.tr("Window presets"))
        self.setAccessibleName(self.tr("Window presets"))
        self.resize(620, 480)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(10)
        column.addWidget(label(self.tr(
            "The keys 1 to 9 apply a preset on pictures of its modality; 0 shows the window of "
            "the file, and the full range when pressed again. * stands for every modality."
        ), "secondary", wrap=True))  # fmt: skip
        self.table = QTableWidget(0, 5)
        self.table.setAccessibleName(self.tr("Presets"))
        self.table.setHorizontalHeaderLabels(
            [self.tr("Name"), self.tr("Modality"), self.tr("Width"), self.tr("Level"),
             self.tr("Key")]
        )  # fmt: skip
        self.table.verticalHeader().setVisible(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.horizontalHeader().setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        self.table.itemChanged.connect(self._check)
        column.addWidget(self.table, 1)
        row = hbox()
        self.add = Button(self.tr("Add the shown window"), "normal", "plus")
        self.remove = Button(self.tr("Delete"), "normal", "trash-2")
        self.up = Button(self.tr("Up"), "normal", "chevron-up")
        self.down = Button(self.tr("Down"), "normal", "chevron-down")
        self.bundled = Button(self.tr("Bundled list"), "ghost", "rotate-ccw")
        for button, slot in (
            (self.add, self._add), (self.remove, self._remove), (self.up, self._move_up),
            (self.down, self._move_down), (self.bundled, self._restore),
        ):  # fmt: skip
            button.clicked.connect(slot)
            row.addWidget(button)
        row.addStretch(1)
        column.addLayout(row)
        self.fault = label("", "warning", wrap=True)
        column.addWidget(self.fault)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        for standard in self.buttons.buttons():
            standard.setAccessibleName(standard.text().replace("&", ""))
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column.addWidget(self.buttons)
        self._fill(book.presets)

    # rows

    def _fill(self, presets: tuple[WindowPreset, ...]) -> None:
        self.table.blockSignals(True)
        self.table.setRowCount(0)
        for preset in presets:
            self._append(preset)
        self.table.blockSignals(False)
        self._check()

    def _append(self, preset: WindowPreset) -> None:
        row = self.table.rowCount()
        self.table.insertRow(row)
        texts = (preset.name, preset.modality, f"{preset.window.width:g}",
                 f"{preset.window.center:g}", preset.key)  # fmt: skip
        for at, text in enumerate(texts):
            item = QTableWidgetItem(text)
            if at == NAME:
                item.setData(Qt.ItemDataRole.UserRole, preset.preset_id)
            if at in (WIDTH, LEVEL):
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.table.setItem(row, at, item)

    def _text(self, row: int, column: int) -> str:
        item = self.table.item(row, column)
        return item.text().strip() if item is not None else ""

    def presets(self) -> tuple[WindowPreset, ...]:
        """The list as it stands; what is no number counts as width 0, which is a fault."""
        found = []
        for row in range(self.table.rowCount()):
            name = self.table.item(row, NAME)
            preset_id = str(name.data(Qt.ItemDataRole.UserRole)) if name is not None else ""
            width, level = _number(self._text(row, WIDTH)), _number(self._text(row, LEVEL))
            bad = width is None or level is None
            found.append(
                preset_of(preset_id, self._text(row, MODALITY) or "*", self._text(row, NAME),
                          0.0 if bad or level is None else level,
                          0.0 if bad or width is None else width, self._text(row, KEY))
            )  # fmt: skip
        return tuple(found)

    @Slot()
    def _check(self, *_: object) -> None:
        """Name the faults; a list that cannot work is not kept."""
        presets = self.presets()
        found = faults(presets)
        names = {preset.preset_id: preset for preset in presets}
        self.fault.setText("\n".join(self._words(fault, names) for fault in found))
        self.fault.setVisible(bool(found))
        ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        ok.setEnabled(not any(fault.blocking for fault in found))

    def _words(self, fault: PresetFault, names: dict[str, WindowPreset]) -> str:
        preset = names[fault.preset_id]
        name = preset.name or self.tr("(no name)")
        if fault.code == "tissue":
            words = self.tr(
                "{0}: level {1} is more than a quarter of the width {2} away from {3} ({4} HU); "
                "the tissue would not be grey."
            )
            level, tissue = preset.window.center, TISSUE_HU[fault.tissue]
            return words.format(name, _signed(level), f"{preset.window.width:g}", fault.tissue,
                                _signed(tissue))  # fmt: skip
        words = {
            "name": self.tr("A preset has no name."),
            "width": self.tr("{0}: width and level must be numbers, and the width 1 or more."),
            "key": self.tr("{0}: the key must be a digit from 1 to 9, or empty."),
            "double_key": self.tr("{0}: the key {1} belongs to {2} on the same modality."),
        }[fault.code]
        return words.format(name, preset.key, fault.other)

    @Slot()
    def _add(self) -> None:
        window = self._window
        level, width = (40.0, 400.0) if window is None else (window.center, window.width)
        used = {p.key for p in self.presets() if p.modality == self._modality}
        key = next((k for k in "123456789" if k not in used), "")
        self.table.blockSignals(True)
        self._append(
            preset_of(uuid4().hex, self._modality, self.tr("My window"), round(level, 4),
                      round(width, 4), key)
        )  # fmt: skip
        self.table.blockSignals(False)
        row = self.table.rowCount() - 1
        self.table.setCurrentCell(row, NAME)
        name = self.table.item(row, NAME)
        if name is not None:
            self.table.editItem(name)
        self._check()

    @Slot()
    def _remove(self) -> None:
        if self.table.currentRow() >= 0:
            self.table.removeRow(self.table.currentRow())
            self._check()

    @Slot()
    def _move_up(self) -> None:
        self._move(-1)

    @Slot()
    def _move_down(self) -> None:
        self._move(1)

    def _move(self, by: int) -> None:
        row = self.table.currentRow()
        presets = list(self.presets())
        if 0 <= row < len(presets) and 0 <= row + by < len(presets):
            presets.insert(row + by, presets.pop(row))
            self._fill(tuple(presets))
            self.table.setCurrentCell(row + by, NAME)

    @Slot()
    def _restore(self) -> None:
        self._fill(read_presets())

    def accept(self) -> None:
        """Keep the list."""
        self._book.keep(self.presets())
        super().accept()


def _signed(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _number(text: str) -> float | None:
    try:
        value = float(text.replace("−", "-").replace(",", "."))
    except ValueError:
        return None
    return value if abs(value) < 1e9 else None
