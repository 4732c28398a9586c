"""Centre of Train: the run's state, live curves, meters, advice, log."""

import math
from typing import Any

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from medbench.jobs.learners import learner_info
from medbench.jobs.states import JobState
from medbench.session.run_book import RunView
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.theme.icons import icon
from medbench.ui.widgets import (
    Button,
    Card,
    Chip,
    EmptyState,
    LabelledRow,
    Notice,
    ProgressLine,
    duration,
    hbox,
    label,
    percent,
)
from medbench.ui.widgets.plot import PlotCard

REDRAW_MS = 500
_STATES = {
    JobState.FINISHED: "success", JobState.FAILED: "error", JobState.LOST: "error",
    JobState.PAUSED: "warning",
}  # fmt: skip


def overfit_since(points: tuple[dict[str, Any], ...]) -> int | None:
    """Epoch since which train and validation loss move apart, if they do."""
    known = [p for p in points if p.get("val_loss") is not None and p.get("train_loss") is not None]
    if len(known) < 6:
        return None
    best = min(known, key=lambda p: p["val_loss"])
    last = known[-1]
    since = int(best["epoch"])
    apart = last["val_loss"] > best["val_loss"] * 1.1 and last["train_loss"] < best["train_loss"]
    return since if apart and last["epoch"] - since >= 4 else None


class RunPanel(QWidget):
    """One run."""

    def __init__(self, actions: ActionRegistry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._run: RunView | None = None
        self._drawn: Any = None
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(12)
        head = Card()
        row = hbox()
        self._title = label(self.tr("No run yet"), "page")
        self._state = Chip("")
        self._simulated = label("", "secondary")
        for part in (self._title, self._state, self._simulated):
            row.addWidget(part)
        row.addStretch(1)
        self._progress = label("", "strong")
        self._eta = label("", "secondary")
        row.addWidget(self._progress)
        row.addWidget(self._eta)
        for name, kind, icon_name in (
            ("pause", "normal", "pause"), ("stop", "danger", "square"),
            ("continue", "normal", "play"),
        ):  # fmt: skip
            row.addWidget(Button.of(actions.action(f"medbench.train.{name}"), kind, icon_name))
        head.body.addLayout(row)
        self._bar = ProgressLine(self.tr("Progress of the run"))
        head.body.addWidget(self._bar)
        self._place = label("", "secondary")
        head.body.addWidget(self._place)
        column.addWidget(head)
        charts = hbox(spacing=12)
        self.loss = PlotCard(self.tr("Loss"), self.tr("Epoch"), "")
        self.auc = PlotCard(self.tr("AUC"), self.tr("Epoch or setting"), "")
        charts.addWidget(self.loss)
        charts.addWidget(self.auc)
        column.addLayout(charts, 3)
        meters = hbox(spacing=12)
        self._meters: dict[str, LabelledRow] = {}
        for key, name in (
            ("best", self.tr("Best epoch")), ("speed", self.tr("Cases per second")),
            ("rate", self.tr("Learning rate")), ("device", self.tr("Device")),
        ):  # fmt: skip
            card = Card()
            self._meters[key] = LabelledRow(name, "–")
            card.body.addWidget(self._meters[key])
            meters.addWidget(card)
        column.addLayout(meters)
        self._advice = Notice("warning", "")
        self._advice.hide()
        column.addWidget(self._advice)
        log = Card(self.tr("Log"))
        self.log = QTableWidget(0, 3)
        self.log.setAccessibleName(self.tr("Log of the run"))
        self.log.horizontalHeader().hide()
        self.log.verticalHeader().hide()
        self.log.verticalHeader().setDefaultSectionSize(26)
        self.log.setShowGrid(False)
        self.log.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.log.setColumnWidth(0, 84)
        self.log.setColumnWidth(1, 200)
        self.log.horizontalHeader().setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        log.body.addWidget(self.log)
        column.addWidget(log, 2)
        self._empty = EmptyState("graduation-cap", "", "")
        self._empty.hide()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._draw)

    @property
    def run_id(self) -> str:
        """Which run is shown."""
        return self._run.run_id if self._run is not None else ""

    def show_run(self, run: RunView | None) -> None:
        """Show a run; curves are drawn at most twice a second."""
        other = (run.run_id if run is not None else "") != self.run_id
        self._run = run
        self._head()
        if other or run is None or not run.live:
            self._draw()
        elif not self._timer.isActive():
            self._timer.start(REDRAW_MS)

    def hideEvent(self, event: Any) -> None:
        self._timer.stop()
        super().hideEvent(event)

    def _head(self) -> None:
        run = self._run
        if run is None:
            self._title.setText(self.tr("No run yet"))
            self._state.hide()
            self._place.setText(self.tr("Choose a cohort and a learner, look at the plan, start."))
            return
        self._title.setText(f"{learner_info(run.learner).title}, {run.cohort}")
        self._state.show()
        self._state.set_state(run.state.value, _STATES.get(run.state, "accent"))
        self._progress.setText(percent(run.fraction) if run.live else "")
        eta = self.tr("{0} left").format(duration(run.eta_s)) if run.eta_s and run.live else ""
        self._eta.setText(eta)
        role = "success" if run.state is JobState.FINISHED else "accent"
        self._bar.show_fraction(run.fraction, role)
        self._place.setText(run.reason or run.place or run.model)
        self._meters["device"].value.setText(run.device or str(run.result.get("device", "–")))

    @Slot()
    def _draw(self) -> None:
        run = self._run
        stamp = None if run is None else (run.run_id, len(run.points), len(run.log), run.state)
        if stamp == self._drawn:
            return
        self._drawn = stamp
        self.loss.clear_series()
        self.auc.clear_series()
        if run is None:
            return
        points = run.points

        def series(key: str) -> tuple[list[float], list[float]]:
            known = [p for p in points if p.get(key) is not None]
            return [p["epoch"] for p in known], [float(p[key]) for p in known]

        def last(values: list[float]) -> str:
            return f"{values[-1]:.3f}" if values else ""

        for key, name, style, marker in (
            ("train_loss", self.tr("Train"), "dashed", "s"),
            ("val_loss", self.tr("Validation"), "solid", "o"),
        ):
            x, y = series(key)
            if x:
                self.loss.set_series(key, x, y, 1, style=style, marker=marker,
                                     legend=f"{name} {last(y)}")  # fmt: skip
        searched = bool(points) and "cv_auc" in points[-1]
        key = "cv_auc" if searched else "val_auc"
        x, y = series(key)
        name = self.tr("Cross-validated") if searched else self.tr("Validation")
        if x:
            style = "dotted" if searched else "solid"
            self.auc.set_series(key, x, y, 0, style=style, marker="o", legend=f"{name} {last(y)}")
            best = max(range(len(y)), key=lambda i: y[i])
            self.auc.set_marker_line(x[best])
        if searched:
            x, y = series("best_cv_auc")
            legend = self.tr("Best so far {0}").format(last(y))
            self.auc.set_series("best", x, y, 1, legend=legend)
        self._show_meters(points, searched)
        self._show_advice(points)
        self._show_log(run)

    def _show_meters(self, points: tuple[dict[str, Any], ...], searched: bool) -> None:
        for key in ("best", "speed", "rate"):
            self._meters[key].value.setText("–")
        if not points:
            return
        key = "cv_auc" if searched else "val_auc"
        known = [p for p in points if p.get(key) is not None]
        if known:
            best = max(known, key=lambda p: p[key])
            self._meters["best"].value.setText(f"{best['epoch']}  ({best[key]:.3f})")
        end = points[-1]
        if speed := end.get("images_per_s"):
            self._meters["speed"].value.setText(f"{speed:.0f}")
        if rate := end.get("lr"):
            self._meters["rate"].value.setText(f"{rate:.1e}")

    def _show_advice(self, points: tuple[dict[str, Any], ...]) -> None:
        since = overfit_since(points)
        self._advice.setVisible(since is not None)
        if since is not None:
            self._advice.text.setText(
                self.tr("Train and validation loss move apart since epoch {0}. The best epoch is "
                        "kept; more cases or stronger augmentation would help.").format(since)
            )  # fmt: skip

    def _show_log(self, run: RunView) -> None:
        rows: list[tuple[str, str, str, str]] = []
        for point in reversed(run.points):
            values = ", ".join(
                f"{key.replace('_', ' ')} {value:.4g}"
                for key, value in point.items()
                if key != "epoch" and isinstance(value, (int, float)) and math.isfinite(value)
            )
            step = self.tr("Setting {0}") if "cv_auc" in point else self.tr("Epoch {0}")
            rows.append(("", "", step.format(point["epoch"]), values))
        for when, level, text in run.log:
            name = "triangle-alert" if level == "warning" else "info"
            rows.insert(0, (when, name, self.tr("Note"), text))
        self.log.setRowCount(len(rows))
        for i, (when, name, what, text) in enumerate(rows):
            self.log.setItem(i, 0, QTableWidgetItem(when))
            item = QTableWidgetItem(what)
            if name:
                role = "warning" if name == "triangle-alert" else "text2"
                item.setIcon(icon(name, role, 14))
            self.log.setItem(i, 1, item)
            self.log.setItem(i, 2, QTableWidgetItem(text))
