"""A themed pyqtgraph chart in a card."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from medbench.ui.theme.current import current
from medbench.ui.theme.tokens import SERIES
from medbench.ui.widgets.layout import Card, label

_DASH = {
    "solid": Qt.PenStyle.SolidLine,
    "dashed": Qt.PenStyle.DashLine,
    "dotted": Qt.PenStyle.DotLine,
}


class PlotCard(Card):
    """Lines by name over one pair of axes; at most one movable marker line.

    Signals
    -------
    marker_moved : float
        The user dragged the marker line.
    """

    marker_moved = Signal(float)

    def __init__(
        self, title: str, x_label: str, y_label: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(title, parent)
        self._legend = label("", "caption")
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self.head.addWidget(self._legend)
        self._labels = (x_label, y_label)
        self._ranges: tuple[Any, Any] = (None, None)
        self._plot: Any = None
        self._lines: dict[str, dict[str, Any]] = {}
        self._items: dict[str, Any] = {}
        self._marker: Any = None
        self._point: Any = None

    @property
    def plot(self) -> Any:
        """The pyqtgraph widget, made when first needed: it must not slow the start."""
        if self._plot is None:
            import pyqtgraph as pg

            plot = pg.PlotWidget()
            plot.setAccessibleName(self.title.text())
            plot.setMinimumHeight(110)
            # its own wish is 640 x 480, which would stretch every page it stands on
            policy = plot.sizePolicy().Policy
            plot.setSizePolicy(policy.Expanding, policy.Ignored)
            plot.setMenuEnabled(False)
            plot.hideButtons()
            plot.setMouseEnabled(False, False)
            plot.setLabel("bottom", self._labels[0])
            plot.setLabel("left", self._labels[1])
            plot.showGrid(x=True, y=True, alpha=0.12)
            self.body.addWidget(plot, 1)
            self._plot = plot
            self.restyle()
            self.set_range(*self._ranges)
        return self._plot

    def showEvent(self, event: QShowEvent) -> None:
        self.plot.show()
        super().showEvent(event)

    def restyle(self) -> None:
        """Take the colours of the current theme."""
        if self._plot is None:
            return
        import pyqtgraph as pg

        tokens = current()
        self.plot.setBackground(tokens.panel)
        for name in ("left", "bottom"):
            axis = self.plot.getAxis(name)
            axis.setPen(pg.mkPen(tokens.outline))
            axis.setTextPen(pg.mkPen(tokens.text2))
            axis.label.setDefaultTextColor(pg.mkColor(tokens.text2))
        for name in list(self._lines):
            self._draw(name)

    def set_axes(self, x_label: str, y_label: str) -> None:
        """Name the axes anew."""
        self._labels = (x_label, y_label)
        if self._plot is not None:
            self.plot.setLabel("bottom", x_label)
            self.plot.setLabel("left", y_label)

    def set_range(self, x: tuple[float, float] | None, y: tuple[float, float] | None) -> None:
        """Fix an axis, or None to let it follow the data."""
        self._ranges = (x, y)
        if self._plot is None:
            return
        if x is not None:
            self.plot.setXRange(*x, padding=0.02)
        if y is not None:
            self.plot.setYRange(*y, padding=0.02)

    def set_series(
        self, name: str, x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray,
        colour: str | int = 0, *, style: str = "solid", marker: str | None = None,
        legend: str | None = None, width: float = 1.6,
    ) -> None:  # fmt: skip
        """Draw or replace a line; ``legend`` None leaves it out of the legend."""
        self._lines[name] = {
            "x": np.asarray(x, float), "y": np.asarray(y, float),
            "colour": SERIES[colour] if isinstance(colour, int) else colour,
            "style": style, "marker": marker, "legend": legend, "width": width,
        }  # fmt: skip
        self._draw(name)
        self._update_legend()

    def set_band(
        self, name: str, x: np.ndarray, low: np.ndarray, high: np.ndarray, colour: int = 0
    ) -> None:
        """Vertical bars from low to high at each x."""
        import pyqtgraph as pg

        old = self._items.pop(name, None)
        if old is not None:
            self.plot.removeItem(old)
        middle = (np.asarray(low) + np.asarray(high)) / 2
        item = pg.ErrorBarItem(
            x=np.asarray(x), y=middle, height=np.asarray(high) - np.asarray(low), beam=0.0,
            pen=pg.mkPen(SERIES[colour], width=1.2),
        )  # fmt: skip
        self.plot.addItem(item)
        self._items[name] = item

    def set_bars(
        self, name: str, centres: np.ndarray, heights: np.ndarray, width: float, colour: str
    ) -> None:
        """Bars from zero."""
        import pyqtgraph as pg

        old = self._items.pop(name, None)
        if old is not None:
            self.plot.removeItem(old)
        item = pg.BarGraphItem(
            x=np.asarray(centres), height=np.asarray(heights), width=width * 0.92,
            brush=pg.mkBrush(colour), pen=pg.mkPen(None),
        )  # fmt: skip
        self.plot.addItem(item)
        self._items[name] = item

    def set_point(self, x: float, y: float) -> None:
        """Move the diamond that marks the operating point."""
        import pyqtgraph as pg

        if self._point is None:
            self._point = pg.ScatterPlotItem(symbol="d", size=13)
            self._point.setZValue(10)
            self.plot.addItem(self._point)
        tokens = current()
        self._point.setData(
            [x], [y], brush=pg.mkBrush(tokens.panel), pen=pg.mkPen(tokens.strong, width=2)
        )

    def set_marker_line(self, x: float, *, movable: bool = False, text: str = "") -> None:
        """Vertical line; a movable one emits ``marker_moved``."""
        import pyqtgraph as pg

        if self._marker is None:
            self._marker = pg.InfiniteLine(
                angle=90, movable=movable, label=text or None,
                labelOpts={"position": 0.92, "color": current().text2},
            )  # fmt: skip
            self.plot.addItem(self._marker)
            if movable:
                self._marker.sigPositionChanged.connect(self._moved)
        self._marker.setPen(pg.mkPen(current().strong, width=1.6))
        self._marker.blockSignals(True)
        self._marker.setValue(x)
        self._marker.blockSignals(False)

    def clear_series(self) -> None:
        """Remove every line and bar."""
        if self._plot is None:
            return
        for item in self._items.values():
            self.plot.removeItem(item)
        self._items.clear()
        self._lines.clear()
        for extra in (self._marker, self._point):
            if extra is not None:
                self.plot.removeItem(extra)
        self._marker = self._point = None
        self._update_legend()

    def _moved(self) -> None:
        if self._marker is not None:
            self.marker_moved.emit(float(self._marker.value()))

    def _draw(self, name: str) -> None:
        import pyqtgraph as pg

        line = self._lines[name]
        pen = pg.mkPen(line["colour"], width=line["width"], style=_DASH[line["style"]])
        hollow = line["style"] == "dashed"
        fill = current().panel if hollow else line["colour"]
        item = self._items.get(name)
        if item is None:
            item = pg.PlotDataItem()
            self.plot.addItem(item)
            self._items[name] = item
        item.setData(
            line["x"], line["y"], pen=pen, symbol=line["marker"], symbolSize=6,
            symbolBrush=pg.mkBrush(fill), symbolPen=pg.mkPen(line["colour"]),
        )  # fmt: skip

    def _update_legend(self) -> None:
        parts = []
        for line in self._lines.values():
            if line["legend"] is None:
                continue
            dash = {"solid": "—", "dashed": "- -", "dotted": "···"}[line["style"]]
            words = str(line["legend"]).replace("&", "&amp;").replace("<", "&lt;")
            parts.append(f'<span style="color:{line["colour"]}">{dash}</span> {words}')
        self._legend.setText("&nbsp;&nbsp;".join(parts))
