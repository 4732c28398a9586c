"""Window presets as a part of Review: digit keys, the editor, the list in the tool bar."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication, QObject, Slot
from PySide6.QtWidgets import QTabWidget

from medbench.domain.image import VoiFunction, VoiWindow
from medbench.imaging.window import anatomy
from medbench.session.window_book import WindowBook
from medbench.ui.actions.spec import ActionSpec
from medbench.ui.review.commands import register_rows
from medbench.ui.review.feature import Feature
from medbench.ui.review.windows.editor import WindowPresetEditor

if TYPE_CHECKING:
    from medbench.ui.review.workspace import ReviewWorkspace

translate = QCoreApplication.translate


class _Digit(QObject):
    """The command of one digit; which preset it means depends on the modality."""

    def __init__(self, desk: "WindowDesk", key: str) -> None:
        super().__init__(desk)
        self._desk, self._key = desk, key

    def apply(self) -> None:
        """Apply the preset that has the digit."""
        self._desk.apply_key(self._key)


class WindowDesk(Feature):
    """Presets of the reader."""

    order = 91

    def __init__(self, page: "ReviewWorkspace") -> None:
        super().__init__(page)
        self.book = WindowBook(self.session.messages, self)
        self.editor: WindowPresetEditor | None = None
        area = translate("Review", "Image")
        register_rows(page, [
            (self.file_window, translate("Review", "Window of the file"), area, "0", "contrast",
             translate("Review", "Pressed again: the full range of the picture")),
            (self.edit_windows, translate("Review", "Window presets ..."), area, "",
             "sliders-horizontal", ""),
        ])  # fmt: skip
        self._digits = [_Digit(self, key) for key in "123456789"]
        for number, digit in enumerate(self._digits, 1):
            page.actions_registry.register(
                ActionSpec(f"medbench.review.window_{number}",
                           translate("Review", "Window preset {0}").format(number), digit.apply,
                           area, str(number), "contrast", workspace="review", in_menu=False)
            )  # fmt: skip

    def tabs_ready(self, tabs: QTabWidget) -> None:
        box = self.page.preset
        box.use(self.book)
        box.edit_wanted.connect(self.edit_windows)
        self.book.changed.connect(self._book_changed)

    @Slot()
    def _book_changed(self) -> None:
        self.page.preset.fill(self.page.stack.index)

    def apply_key(self, key: str) -> None:
        """Apply the preset of a digit on the active display."""
        display = self.page.model.display
        if display is None or display.colour:
            return
        preset = self.book.with_key(display.modality, key)
        if preset is None:
            self.session.messages.info(
                self.tr("No window preset has the key {0} for {1}").format(key, display.modality)
            )
        else:
            self.page.model.set_voi(preset.window)

    def file_window(self) -> None:
        """The file's own window; if that is on, the full range of the shown picture."""
        model = self.page.model
        index = self.page.stack.index
        if model.volume is None or (model.window is None and not model.voi_chosen):
            return
        if model.voi_chosen:
            model.reset_voi(index)
            return
        view = self.page.active
        values = view.values()
        if values is None:
            return
        real = anatomy(np.asarray(values), view.frame().padding)
        if real.size:
            low, high = float(real.min()), float(real.max())
            exact = VoiFunction.LINEAR_EXACT
            model.set_voi(VoiWindow((low + high) / 2, max(high - low, 1e-9), exact))

    @Slot()
    def edit_windows(self) -> None:
        """Open the editor."""
        model = self.page.model
        modality = model.display.modality if model.display is not None else ""
        self.editor = WindowPresetEditor(self.book, modality, model.window, self.page.window())
        self.editor.finished.connect(self.editor.deleteLater)
        self.editor.finished.connect(self._closed)
        self.editor.open()

    @Slot()
    def _closed(self, *_: object) -> None:
        self.editor = None
