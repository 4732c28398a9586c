"""A region over the time points of its place, as a curve in the panel."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from medbench.base.ids import new_id
from medbench.domain.image import DisplaySet
from medbench.domain.measurement import Measurement
from medbench.jobs.states import JobState
from medbench.session.ports import Handle
from medbench.session.time_curve import TimeCurve, curve_csv, read_curve
from medbench.ui.review.measure.words import title_of
from medbench.ui.review.time_bar import time_place
from medbench.ui.widgets import Button, hbox, label, vbox
from medbench.ui.widgets.plot import PlotCard

if TYPE_CHECKING:
    from medbench.dicom.decoding.pool import DecoderPool
    from medbench.ui.review.measure.desk import MeasureDesk

_PLOT_PX = 200


class CurveCard(QWidget):
    """Shown while a region on a series with several time points is selected."""

    def __init__(self, desk: "MeasureDesk", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._measurement: Measurement | None = None
        self._job, self._ticket = "", 0
        self.curve: TimeCurve | None = None
        column = vbox(margins=(12, 8, 12, 8))
        self.setLayout(column)
        row = hbox()
        self.make = Button(self.tr("Curve over time"), icon_name="chart-line")
        self.make.clicked.connect(self.compute)
        row.addWidget(self.make)
        self.export = Button(self.tr("Export curve"), "ghost", "download")
        self.export.clicked.connect(self._export)
        row.addWidget(self.export)
        row.addStretch(1)
        column.addLayout(row)
        self.plot = PlotCard(self.tr("Mean over time"), self.tr("Time point"), self.tr("Mean"))
        self.plot.setFixedHeight(_PLOT_PX)
        column.addWidget(self.plot)
        self.words = label("", "caption", wrap=True)
        column.addWidget(self.words)
        self._show_curve(None)
        self.hide()

    def follow(self, measurement: Measurement | None) -> None:
        """Another measurement is selected, or it changed."""
        display = None if measurement is None else self._desk.guide.display(measurement.site)
        wanted = (
            measurement is not None and measurement.kind.is_roi
            and display is not None and display.time_count > 1
        )  # fmt: skip
        known = self._measurement
        same = (
            known is not None and measurement is not None
            and (known.site, known.points) == (measurement.site, measurement.points)
        )  # fmt: skip
        self._measurement = measurement if wanted else None
        if not same:
            self._stop()
            self._show_curve(None)
        self.setVisible(wanted)

    def _time_points(self, display: DisplaySet) -> list[DisplaySet]:
        place = time_place(display)
        found = [
            d
            for study in self._desk.session.library.studies
            for series in study.series
            for d in series.displays
            if time_place(d) == place
        ]
        return sorted(found, key=lambda d: d.time_index)

    @Slot()
    def compute(self) -> None:
        """Read every time point, away from the window."""
        measurement = self._measurement
        display = None if measurement is None else self._desk.guide.display(measurement.site)
        if measurement is None or display is None:
            return
        displays, session = self._time_points(display), self._desk.session
        self._stop()
        job = self._job = new_id("curve")
        title = self.tr("Curve of {0}").format(title_of(measurement))
        session.jobs.add(job, title, self._stop)
        session.jobs.update(job, state=JobState.RUNNING)
        self.make.setEnabled(False)

        def work(handle: Handle, pool: "DecoderPool") -> TimeCurve:
            return read_curve(
                measurement, displays, pool, progress=handle.progress, cancelled=handle.cancelled
            )

        def progress(fraction: float, text: str) -> None:
            session.jobs.update(job, fraction=fraction, place=text)

        def done(curve: TimeCurve) -> None:
            self._end(job, JobState.FINISHED)
            if self._measurement is measurement:
                self._show_curve(curve)

        def failed(sentence: str) -> None:
            self._end(job, JobState.FAILED if sentence else JobState.CANCELLED, sentence)
            if sentence:
                session.messages.error(self.tr("There is no curve over time"), sentence)

        self._ticket = session.objects.with_decoders("curve", work, done, failed, progress)

    def _stop(self) -> None:
        if self._job:
            self._desk.session.objects.cancel(self._ticket)
            self._end(self._job, JobState.CANCELLED)

    def _end(self, job: str, state: JobState, reason: str = "") -> None:
        if job == self._job:
            self._desk.session.jobs.update(job, state=state, reason=reason)
            self._job = ""
            self.make.setEnabled(True)

    def _show_curve(self, curve: TimeCurve | None) -> None:
        self.curve = curve
        self.plot.setVisible(curve is not None)
        self.export.setVisible(curve is not None)
        self.words.setVisible(curve is not None)
        self.plot.clear_series()
        if curve is None:
            return
        known = list(curve.known)
        seconds = bool(curve.times_s)
        x = np.array([curve.times_s[i] if seconds else i + 1 for i in known], float)
        mean = np.array([curve.mean[i] for i in known], float)
        sd = np.array([curve.sd[i] or 0.0 for i in known], float)
        self.plot.set_axes(
            self.tr("Time, s") if seconds else self.tr("Time point"),
            self.tr("Mean ± SD, {0}").format(curve.unit) if curve.unit else self.tr("Mean ± SD"),
        )
        self.plot.set_band("sd", x, mean - sd, mean + sd)
        self.plot.set_series("mean", x, mean, 0, marker="o")
        lines = [] if seconds else [self.tr("The files do not say when each was taken.")]
        if curve.problems:
            lines.append(self.tr("Not read: {0}").format("; ".join(curve.problems)))
        self.words.setText(" ".join(lines))

    @Slot()
    def _export(self) -> None:
        if self.curve is not None:
            self._desk.ask_and_save("curve.csv", curve_csv(self.curve))
