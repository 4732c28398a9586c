"""Top bar: logo, context, command field, research badge, panel toggles, reader."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QWidget

from medbench.ui.theme.icons import set_icon
from medbench.ui.widgets import Chip, IconButton, hbox, icon_label, label


class TopBar(QFrame):
    """44 px."""

    def __init__(
        self, palette: QAction, left: QAction, right: QAction, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("topbar")
        self.setFixedHeight(45)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 12, 0)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(2, 1)
        begin = hbox(spacing=6)
        logo = icon_label("activity", "accent", 22)
        logo.setAccessibleName(self.tr("medbench"))
        begin.addSpacing(17)
        begin.addWidget(logo)
        begin.addSpacing(20)
        self._page = label("", "strong")
        self._title = label("", "strong")
        self._subtitle = label("", "secondary")
        for part in (self._page, self._title, self._subtitle):
            begin.addWidget(part)
        begin.addStretch(1)
        grid.addLayout(begin, 0, 0)
        self.search = QPushButton("  " + palette.text())
        self.search.setObjectName("search")
        self.search.setAccessibleName(palette.text())
        self.search.setToolTip(palette.toolTip())
        self.search.setFixedSize(400, 28)
        set_icon(self.search, "search", "text2", 15)
        row = QHBoxLayout(self.search)
        row.setContentsMargins(0, 0, 8, 0)
        row.addStretch(1)
        key = Chip("Ctrl+K")
        key.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        row.addWidget(key)
        self.search.clicked.connect(palette.trigger)
        grid.addWidget(self.search, 0, 1)
        end = hbox(spacing=6)
        end.addStretch(1)
        badge = Chip("⚠  " + self.tr("Research use – not for diagnosis"), "warning")
        badge.setAccessibleName(self.tr("Research use, not for diagnosis"))
        end.addWidget(badge)
        end.addSpacing(8)
        end.addWidget(IconButton.of(left, "panel-left"))
        end.addWidget(IconButton.of(right, "panel-right"))
        self.reader = Chip("")
        self.reader.setAccessibleName(self.tr("Reader"))
        end.addWidget(self.reader)
        grid.addLayout(end, 0, 2)

    def show_context(self, page: str, title: str, subtitle: str) -> None:
        """Where the user is."""
        self._page.setText(page)
        self._title.setText(f"/  {title}" if title else "")
        self._subtitle.setText(subtitle)

    def show_reader(self, name: str) -> None:
        """Initials of the reader."""
        initials = "".join(part[0] for part in name.split()[:2]).upper()
        self.reader.setText(initials or "–")
        self.reader.setToolTip(name or self.tr("No reader named; see Settings"))
