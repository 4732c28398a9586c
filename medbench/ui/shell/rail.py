"""Activity rail: workspaces above, jobs, settings and help below."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QButtonGroup, QFrame, QLabel, QToolButton, QVBoxLayout, QWidget

from medbench.ui.theme.icons import set_icon


class ActivityRail(QFrame):
    """56 px column of items, 52 px high."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rail")
        self.setFixedWidth(57)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addStretch(1)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._buttons: dict[str, QToolButton] = {}
        self._upper = 0
        self._badge = QLabel("", self)
        self._badge.setObjectName("chip")
        self._badge.setProperty("role", "accent")
        self._badge.hide()

    def add(self, page_id: str, action: QAction, icon_name: str, *, lower: bool = False) -> None:
        """Add an item that triggers a registered command."""
        button = QToolButton()
        button.setObjectName("railitem")
        button.setText(action.text())
        button.setToolTip(action.toolTip())
        button.setAccessibleName(action.text())
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setCheckable(True)
        button.setFixedSize(56, 52)
        set_icon(button, icon_name, "text", 20)
        button.clicked.connect(action.trigger)
        self._group.addButton(button)
        self._buttons[page_id] = button
        if lower:
            self._column.addWidget(button)
        else:
            self._column.insertWidget(self._upper, button)
            self._upper += 1

    def choose(self, page_id: str) -> None:
        """Mark the shown page; an unknown one marks none."""
        button = self._buttons.get(page_id)
        if button is not None:
            button.setChecked(True)
            return
        self._group.setExclusive(False)
        for other in self._buttons.values():
            other.setChecked(False)
        self._group.setExclusive(True)

    def show_count(self, page_id: str, count: int) -> None:
        """Badge on an item."""
        self._badge.setVisible(count > 0)
        self._badge.setText(str(count))
        self._badge.adjustSize()
        button = self._buttons[page_id]
        self._badge.move(button.x() + 32, button.y() + 4)
        self._badge.raise_()
        button.setAccessibleDescription(str(count) if count else "")
