"""A metric with its interval and counts."""

from PySide6.QtWidgets import QWidget

from medbench.domain.model import Metric
from medbench.ui.widgets.bars import IntervalBar
from medbench.ui.widgets.layout import Card, hbox, label

TOO_FEW = 10


def metric_text(metric: Metric | None, digits: int = 2) -> str:
    """Value, or a dash where it is undefined."""
    if metric is None or metric.value is None:
        return "–"
    return f"{metric.value:.{digits}f}"


def interval_text(metric: Metric | None, digits: int = 2) -> str:
    """``0.77 to 0.88``, or nothing."""
    if metric is None or metric.low is None or metric.high is None:
        return ""
    return f"{metric.low:.{digits}f} to {metric.high:.{digits}f}"


def percent(value: float) -> str:
    """``61 %``."""
    return f"{100 * value:.0f} %"


def duration(seconds: float) -> str:
    """``45 s``, ``3 min``, ``2 h 5 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


class KpiCard(Card):
    """Name, value, 95 % interval, n."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self.title.setObjectName("secondary")
        self._count = label("", "secondary")
        self.head.addWidget(self._count)
        row = hbox()
        self._value = label("–", "kpi")
        self._interval = label("", "secondary")
        row.addWidget(self._value)
        row.addWidget(self._interval)
        row.addStretch(1)
        self.body.setSpacing(2)
        self.body.addLayout(row)
        self._bar = IntervalBar(title)
        self.body.addWidget(self._bar)

    def show_metric(self, metric: Metric | None) -> None:
        """Show a metric; with fewer than ten events it says so."""
        self._value.setText(metric_text(metric))
        if metric is None or metric.value is None:
            self._interval.setText(self.tr("undefined here") if metric is not None else "")
            self._count.setText("")
            self._bar.show_value(None)
            return
        few = metric.events < TOO_FEW
        interval = interval_text(metric)
        self._interval.setText(
            self.tr("too few to tell") if few else self.tr("95 % CI {0}").format(interval)
        )
        self._count.setText(self.tr("n {0}").format(metric.n))
        self._bar.show_value(metric.value, metric.low, metric.high, muted=few)
        self.setAccessibleDescription(f"{self._value.text()} ({interval}), n {metric.n}")
