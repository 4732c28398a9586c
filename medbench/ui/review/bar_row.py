"""The row above the viewports where features speak of the whole wall; gone when none has words."""

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QFrame, QWidget

from medbench.ui.widgets import hbox


class BarRow(QFrame):
    """Bars side by side; visible while one of them is."""

    def __init__(self, bars: Iterable[QWidget], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("toolbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = hbox(margins=(12, 3, 8, 4), spacing=12)
        self.setLayout(row)
        self._bars = list(bars)
        for at, bar in enumerate(self._bars):
            row.addWidget(bar, 1 if at == 0 else 0)
            bar.installEventFilter(self)
        self._refresh()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.ShowToParent, QEvent.Type.HideToParent):
            self._refresh()
        return False

    def _refresh(self) -> None:
        self.setVisible(any(not bar.isHidden() for bar in self._bars))
