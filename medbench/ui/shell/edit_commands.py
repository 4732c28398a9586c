"""Undo and redo, as commands that say what they would take back."""

from PySide6.QtCore import QObject, Slot

from medbench.session.history import History
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.actions.spec import ActionSpec


class EditCommands(QObject):
    """Keeps the two commands fitting to the history."""

    def __init__(
        self, history: History, actions: ActionRegistry, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._history = history
        area = self.tr("Edit")
        self._undo = actions.register(
            ActionSpec("medbench.edit.undo", self.tr("Undo"), self.undo, area, "Ctrl+Z", "undo-2")
        )
        self._redo = actions.register(
            ActionSpec("medbench.edit.redo", self.tr("Redo"), self.redo, area, "Ctrl+Shift+Z",
                       "redo-2")
        )  # fmt: skip
        history.changed.connect(self.refresh)
        self.refresh()

    def undo(self) -> None:
        """Take the last change back."""
        self._history.undo()

    def redo(self) -> None:
        """Do it again."""
        self._history.redo()

    @Slot()
    def refresh(self) -> None:
        """What undo and redo would do now."""
        for action, words, plain, full in (
            (self._undo, self._history.undo_words, self.tr("Undo"), self.tr("Undo: {0}")),
            (self._redo, self._history.redo_words, self.tr("Redo"), self.tr("Redo: {0}")),
        ):
            action.setEnabled(bool(words))
            action.setText(full.format(words) if words else plain)
