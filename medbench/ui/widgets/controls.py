"""Buttons, chips, search field, segmented control."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from medbench.domain.model import Stage
from medbench.ui.theme.icons import icon, set_icon


class Button(QPushButton):
    """Push button of a kind: primary, normal, danger, ghost."""

    def __init__(
        self, text: str, kind: str = "normal", icon_name: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(text, parent)
        self.setProperty("kind", kind)
        self.setAccessibleName(text)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._follows: QAction | None = None
        if icon_name:
            role = {"primary": "on_accent", "danger": "error"}.get(kind, "text")
            set_icon(self, icon_name, role, 16)

    @classmethod
    def of(cls, action: QAction, kind: str = "normal", icon_name: str = "") -> "Button":
        """Button of a registered command; follows its text and state."""
        button = cls(action.text(), kind, icon_name)
        button._follows = action
        button.setToolTip(action.toolTip())
        button.setEnabled(action.isEnabled())
        button.clicked.connect(action.trigger)
        action.changed.connect(button._follow)
        return button

    def _follow(self) -> None:
        if self._follows is not None:
            self.setEnabled(self._follows.isEnabled())
            self.setText(self._follows.text())
            self.setAccessibleName(self._follows.text())


class IconButton(QToolButton):
    """Button with an icon only; the tooltip is its name."""

    def __init__(
        self, icon_name: str, tooltip: str, parent: QWidget | None = None, *, size: int = 18
    ) -> None:
        super().__init__(parent)
        self.setObjectName("iconbutton")
        set_icon(self, icon_name, "text", size)
        self.setToolTip(tooltip)
        self.setAccessibleName(tooltip)
        self.setFixedSize(28, 28)

    @classmethod
    def of(cls, action: QAction, icon_name: str) -> "IconButton":
        """Icon button of a registered command."""
        button = cls(icon_name, action.toolTip())
        button.setAccessibleName(action.text())
        button.setCheckable(action.isCheckable())
        button.setChecked(action.isChecked())
        button.clicked.connect(action.trigger)
        if action.isCheckable():
            action.toggled.connect(button.setChecked)
        return button


class ToolButton(QToolButton):
    """Tool of a toolbar: icon above a small label, from a registered command."""

    def __init__(self, action: QAction, icon_name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("tool")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        self._action = action
        self.setText(action.text())
        self.setToolTip(action.toolTip())
        self.setAccessibleName(action.text())
        self.setCheckable(action.isCheckable())
        self.setChecked(action.isChecked())
        set_icon(self, icon_name, "text", 18, "on_accent")
        self.clicked.connect(action.trigger)
        action.changed.connect(self._follow)

    def adopt(self, action: QAction, icon_name: str = "") -> None:
        """Stand for another command from now on: the variant that was chosen last."""
        if action is not self._action:
            self.clicked.disconnect(self._action.trigger)
            self._action.changed.disconnect(self._follow)
            self._action = action
            self.clicked.connect(action.trigger)
            action.changed.connect(self._follow)
            self.setText(action.text())
            self.setToolTip(action.toolTip())
            self.setAccessibleName(action.text())
            if icon_name:
                set_icon(self, icon_name, "text", 18, "on_accent")
        self._follow()

    def _follow(self) -> None:
        self.setEnabled(self._action.isEnabled())
        self.setChecked(self._action.isChecked())


class Chip(QLabel):
    """Small label with a border; role: plain, success, warning, error, accent."""

    def __init__(self, text: str, role: str = "plain", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setObjectName("chip")
        self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def set_state(self, text: str, role: str) -> None:
        """Change words and colour together."""
        self.setText(text)
        if self.property("role") != role:
            self.setProperty("role", role)
            self.style().unpolish(self)
            self.style().polish(self)


class StageChip(Chip):
    """Stage of a model version."""

    def __init__(self, stage: Stage | None = None, parent: QWidget | None = None) -> None:
        super().__init__("", "plain", parent)
        if stage is not None:
            self.show_stage(stage)

    def show_stage(self, stage: Stage) -> None:
        """Show a stage with word and colour."""
        words = {
            Stage.CANDIDATE: (self.tr("Candidate"), "warning"),
            Stage.APPROVED: (self.tr("Approved"), "success"),
            Stage.RETIRED: (self.tr("Retired"), "plain"),
        }
        self.set_state(*words[stage])


class SearchField(QLineEdit):
    """Text field with a magnifier and a clear button."""

    def __init__(self, placeholder: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText(placeholder)
        self.setAccessibleName(placeholder)
        self.setClearButtonEnabled(True)
        self.addAction(icon("search", "text2", 16), QLineEdit.ActionPosition.LeadingPosition)


class SegmentedControl(QWidget):
    """One of a few choices.

    Signals
    -------
    changed : str
        Another key was chosen.
    """

    changed = Signal(str)

    def __init__(
        self, options: Sequence[tuple[str, str]], name: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        self._group = QButtonGroup(self)
        self._keys: list[str] = []
        for i, (key, text) in enumerate(options):
            button = QToolButton()
            button.setObjectName("segment")
            button.setText(text)
            button.setCheckable(True)
            button.setChecked(i == 0)
            button.setAccessibleName(f"{name}: {text}")
            self._group.addButton(button, i)
            self._keys.append(key)
            row.addWidget(button)
        row.addStretch(1)
        self._group.idClicked.connect(self._clicked)

    def _clicked(self, index: int) -> None:
        self.changed.emit(self._keys[index])

    @property
    def key(self) -> str:
        """Chosen key."""
        return self._keys[max(0, self._group.checkedId())]

    def choose(self, key: str) -> None:
        """Choose without a signal."""
        self._group.button(self._keys.index(key)).setChecked(True)

    def set_text(self, key: str, text: str) -> None:
        """Change the words of a choice."""
        self._group.button(self._keys.index(key)).setText(text)
