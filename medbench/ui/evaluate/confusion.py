"""Confusion matrix whose cells open their cases."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QPushButton, QWidget

from medbench.metrics.report import Report
from medbench.ui.theme.current import current
from medbench.ui.widgets import Card, label, percent


class ConfusionCard(Card):
    """Rows are true classes, columns what they were called.

    Signals
    -------
    cell_chosen : int, int
        True and called class.
    """

    cell_chosen = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Confusion matrix", parent)
        self.title.setText(self.tr("Confusion matrix"))
        self._corner = label("", "secondary")
        self.head.addWidget(self._corner)
        self._grid = QGridLayout()
        self._grid.setSpacing(5)
        self.body.addLayout(self._grid, 1)
        self._cells: dict[tuple[int, int], QPushButton] = {}
        self._classes: tuple[str, ...] = ()
        self._order: list[int] = []
        self._report: Report | None = None
        self._chosen: tuple[int, int] | None = None

    def show_report(self, report: Report, classes: tuple[str, ...], positive: int) -> None:
        """Show counts; the positive class comes first."""
        order = [positive, *(i for i in range(len(classes)) if i != positive)]
        if classes != self._classes or order != self._order:
            self._build(classes, order)
        self._report = report
        self._corner.setText(self.tr("at threshold {0:.2f}").format(report.threshold))
        for (true, called), cell in self._cells.items():
            count = report.confusion[true][called]
            total = sum(report.confusion[true])
            share = percent(count / total) if total else "–"
            name = self._name(true, called, positive)
            cell.setText(f"{count}\n{name}\n{self.tr('{0} of row').format(share)}")
            cell.setAccessibleName(f"{name}: {count}")
            right = true == called
            colour = "rgba(42, 111, 181, {0})" if right else "rgba(230, 162, 60, {0})"
            strength = (0.15 + 0.55 * count / total) if total else 0.08
            border = current().accent if (true, called) == self._chosen else "transparent"
            cell.setStyleSheet(
                f"background: {colour.format(round(strength * (1 if right else 0.6), 2))};"
                f"border: 2px solid {border}; border-radius: 4px; text-align: center;"
                f"color: {current().strong};"
            )

    def _name(self, true: int, called: int, positive: int) -> str:
        if len(self._classes) != 2:
            return self.tr("called {0}").format(self._classes[called])
        if true == positive:
            return self.tr("True positive") if called == positive else self.tr("False negative")
        return self.tr("False positive") if called == positive else self.tr("True negative")

    def _build(self, classes: tuple[str, ...], order: list[int]) -> None:
        while self._grid.count():
            item = self._grid.takeAt(0)
            if item is not None and (widget := item.widget()) is not None:
                widget.deleteLater()
        self._cells.clear()
        self._classes, self._order, self._chosen = classes, order, None
        for column, called in enumerate(order):
            title = label(self.tr("Called {0}").format(classes[called].replace("_", " ")),
                          "caption", wrap=True)  # fmt: skip
            title.setAlignment(Qt.AlignmentFlag.AlignCenter)
            self._grid.addWidget(title, 0, column + 1)
            self._grid.setColumnStretch(column + 1, 1)
        for row, true in enumerate(order):
            name = label(classes[true].replace("_", " "), "caption", wrap=True)
            name.setMaximumWidth(80)
            self._grid.addWidget(name, row + 1, 0)
            self._grid.setRowStretch(row + 1, 1)
            for column, called in enumerate(order):
                cell = QPushButton()
                cell.setMinimumSize(40, 40)
                cell.setSizePolicy(
                    cell.sizePolicy().Policy.Expanding, cell.sizePolicy().Policy.Expanding
                )
                cell.setProperty("cell", [true, called])
                cell.clicked.connect(self._clicked)
                self._cells[true, called] = cell
                self._grid.addWidget(cell, row + 1, column + 1)

    @Slot()
    def _clicked(self) -> None:
        true, called = self.sender().property("cell")
        self.choose(int(true), int(called))

    def choose(self, true: int, called: int) -> None:
        """Mark a cell and tell."""
        self._chosen = (true, called)
        if self._report is not None:
            self.show_report(self._report, self._classes, self._order[0])
        self.cell_chosen.emit(true, called)
