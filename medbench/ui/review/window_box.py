"""The list of windows: the file's alternatives by name, then presets of the modality."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QWidget

from medbench.domain.image import Voi, VoiFunction, VoiWindow
from medbench.session.window_book import WindowBook
from medbench.ui.review.view_model import ViewModel

_SUV_TOPS = (5, 10, 20)


class WindowBox(QComboBox):
    """Chooses a window or table (T14, T15): each replaces the other, none is combined.

    Signals
    -------
    edit_wanted
        The reader wants to change the presets.
    """

    edit_wanted = Signal()

    def __init__(self, model: ViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._book: WindowBook | None = None
        self._index = 0
        self.setAccessibleName(self.tr("Window preset"))
        self.setMinimumWidth(140)
        self.activated.connect(self._chosen)

    def follow(self, model: ViewModel) -> None:
        """Speak of another screen."""
        self._model = model

    def use(self, book: WindowBook) -> None:
        """Where the presets come from."""
        self._book = book

    def fill(self, index: int) -> None:
        """Alternatives of acquired slice ``index`` and presets of the modality."""
        self._index = index
        self.clear()
        display = self._model.display
        self.addItem(self.tr("Window presets"), None)
        self.addItem(self.tr("From the file"), "file")
        self.addItem(self.tr("Automatic"), "auto")
        if display is not None:
            for number, voi in enumerate(self._file_vois(index), 1):
                self.addItem(self._name(voi, number), voi)
            for top, window in self._suv_windows(index):
                self.addItem(self.tr("SUV 0 to {0}").format(top), window)
            for preset in self._book.of(display.modality) if self._book is not None else ():
                self.addItem(preset.name, preset.window)
                if preset.key:
                    told = self.tr("Key {0}").format(preset.key)
                    self.setItemData(self.count() - 1, told, Qt.ItemDataRole.ToolTipRole)
        self.addItem(self.tr("Edit presets ..."), "edit")
        self.setEnabled(display is not None and not display.colour)

    def _name(self, voi: Voi, number: int) -> str:
        if isinstance(voi, VoiWindow):
            fallback = self.tr("window {0}").format(number)
            size = f"{voi.width:.0f} / {voi.center:.0f}"
            return self.tr("File: {0} ({1})").format(voi.explanation or fallback, size)
        fallback = self.tr("table {0}").format(number)
        return self.tr("File: {0}").format(voi.explanation or fallback)

    def _file_vois(self, index: int) -> tuple[Voi, ...]:
        volume = self._model.volume
        if volume is None or index >= len(volume.ready) or not volume.ready[index]:
            return ()
        found = self._model.info(index).vois
        return found if len(found) > 1 else ()

    def _suv_windows(self, index: int) -> list[tuple[int, VoiWindow]]:
        """Windows from SUV 0 up, in the display's own unit; none where SUV is refused."""
        volume = self._model.volume
        factor = None if volume is None else self._model.info(index).suv_factor
        if not factor:
            return []
        exact = VoiFunction.LINEAR_EXACT
        return [(top, VoiWindow(top / 2 / factor, top / factor, exact)) for top in _SUV_TOPS]

    @Slot(int)
    def _chosen(self, row: int) -> None:
        chosen = self.itemData(row)
        if chosen == "file":
            self._model.reset_voi(self._index)
        elif chosen == "auto":
            self._model.auto_voi(self._index)
        elif chosen == "edit":
            self.setCurrentIndex(0)
            self.edit_wanted.emit()
        elif chosen is not None:
            self._model.set_voi(chosen)
