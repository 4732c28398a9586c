"""Panel header, card, notice, empty state and the small things between them."""

from collections.abc import Sequence
from typing import ClassVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from medbench.ui.theme.icons import set_icon


def label(text: str = "", kind: str = "", *, wrap: bool = False) -> QLabel:
    """Label of a style: strong, secondary, caption, section, page, kpi, mono, success ..."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    if kind:
        made.setObjectName(kind)
    made.setWordWrap(wrap)
    return made


def icon_label(name: str, role: str = "text", size: int = 16) -> QLabel:
    """Label that shows an icon."""
    made = QLabel()
    set_icon(made, name, role, size)
    made.setFixedSize(size, size)
    return made


def clear_layout(layout: QLayout) -> None:
    """Remove and delete everything in a layout."""
    while layout.count():
        item = layout.takeAt(0)
        if item is None:
            break
        if (widget := item.widget()) is not None:
            widget.setParent(None)
            widget.deleteLater()
        elif (inner := item.layout()) is not None:
            clear_layout(inner)


def hbox(*, margins: tuple[int, int, int, int] = (0, 0, 0, 0), spacing: int = 8) -> QHBoxLayout:
    """Row layout without margins."""
    made = QHBoxLayout()
    made.setContentsMargins(*margins)
    made.setSpacing(spacing)
    return made


def vbox(*, margins: tuple[int, int, int, int] = (0, 0, 0, 0), spacing: int = 8) -> QVBoxLayout:
    """Column layout without margins."""
    made = QVBoxLayout()
    made.setContentsMargins(*margins)
    made.setSpacing(spacing)
    return made


class HLine(QFrame):
    """Divider."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("hline")
        self.setFixedHeight(1)


class VLine(QFrame):
    """Divider between groups of a bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("vline")
        self.setFixedSize(9, 32)


class PanelHeader(QFrame):
    """Title of a panel with buttons on the right, 36 px."""

    def __init__(
        self, title: str, buttons: Sequence[QWidget] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("panelheader")
        self.setFixedHeight(37)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 8, 0)
        row.setSpacing(4)
        self.title = label(title, "section")
        row.addWidget(self.title)
        row.addStretch(1)
        for button in buttons:
            row.addWidget(button)


class Card(QFrame):
    """Bordered box with a title, a corner for words or buttons, and a body layout."""

    def __init__(self, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 12)
        column.setSpacing(8)
        self.head = hbox()
        self.title = label(title, "section")
        if title:
            self.head.addWidget(self.title)
            self.head.addStretch(1)
            column.addLayout(self.head)
            self.setAccessibleName(title)
        self.body = vbox()
        column.addLayout(self.body, 1)


class SectionTitle(QWidget):
    """Section title with words on the right."""

    def __init__(self, title: str, right: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(label(title, "section"))
        row.addStretch(1)
        self.right = label(right, "secondary")
        row.addWidget(self.right)


class LabelledRow(QWidget):
    """Key on the left, value on the right."""

    def __init__(
        self, key: str, value: str = "", *, mono: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 1, 0, 1)
        row.addWidget(label(key, "secondary"))
        row.addStretch(1)
        self.value = label(value, "mono" if mono else "")
        self.value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row.addWidget(self.value)


class Notice(QFrame):
    """One line with an icon: warning, error, success or info; may hold a button."""

    _ICONS: ClassVar[dict[str, str]] = {
        "warning": "triangle-alert",
        "error": "circle-x",
        "success": "circle-check",
        "info": "info",
    }

    def __init__(
        self, kind: str, text: str, button: QWidget | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self.setProperty("role", kind)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 8, 8)
        role = kind if kind != "info" else "text2"
        row.addWidget(icon_label(self._ICONS[kind], role))
        self.text = label(text, wrap=True)
        row.addWidget(self.text, 1)
        if button is not None:
            row.addWidget(button)


class EmptyState(QWidget):
    """What a place says while there is nothing in it."""

    def __init__(
        self, icon_name: str, title: str, text: str, button: QWidget | None = None,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(8)
        column.addStretch(1)
        column.addWidget(icon_label(icon_name, "text2", 32), 0, Qt.AlignmentFlag.AlignHCenter)
        self.title = label(title, "section")
        self.title.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.title)
        self.text = label(text, "secondary", wrap=True)
        self.text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.text)
        if button is not None:
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(2)


class Scroll(QScrollArea):
    """Vertical scroll area around one widget."""

    def __init__(self, inner: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        inner.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setWidget(inner)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
