"""Widgets that every workspace uses."""

from medbench.ui.widgets.bars import BalanceBar, IntervalBar, ProgressLine
from medbench.ui.widgets.controls import (
    Button,
    Chip,
    IconButton,
    SearchField,
    SegmentedControl,
    StageChip,
    ToolButton,
)
from medbench.ui.widgets.kpi import KpiCard, duration, interval_text, metric_text, percent
from medbench.ui.widgets.layout import (
    Card,
    EmptyState,
    HLine,
    LabelledRow,
    Notice,
    PanelHeader,
    Scroll,
    SectionTitle,
    clear_layout,
    hbox,
    icon_label,
    label,
    vbox,
)

__all__ = [
    "BalanceBar",
    "Button",
    "Card",
    "Chip",
    "EmptyState",
    "HLine",
    "IconButton",
    "IntervalBar",
    "KpiCard",
    "LabelledRow",
    "Notice",
    "PanelHeader",
    "ProgressLine",
    "Scroll",
    "SearchField",
    "SectionTitle",
    "SegmentedControl",
    "StageChip",
    "ToolButton",
    "clear_layout",
    "duration",
    "hbox",
    "icon_label",
    "interval_text",
    "label",
    "metric_text",
    "percent",
    "vbox",
]
