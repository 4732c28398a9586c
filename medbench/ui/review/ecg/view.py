"""Waveforms in the middle of Review: controls, paper, statements, the whole record."""

from typing import Any

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QScrollBar, QVBoxLayout, QWidget

from medbench.domain.image import DisplaySet
from medbench.domain.objects import Waveform
from medbench.session.session import Session
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.review.content import ObjectView
from medbench.ui.review.ecg.bar import WaveformBar
from medbench.ui.review.ecg.desk import EcgDesk
from medbench.ui.review.ecg.layouts import Layout, layouts_of
from medbench.ui.review.ecg.mark_hand import EcgTool, MarkHand
from medbench.ui.review.ecg.overview import RecordStrip
from medbench.ui.review.ecg.paper import PaperView
from medbench.ui.review.ecg.source import TraceSource
from medbench.ui.review.ecg.words import clock
from medbench.ui.widgets import HLine, Notice, label

_OVERVIEW_LEADS = ("II", "MLII", "I", "V5", "V1")
_STATEMENTS_PX = 96


class WaveformView(ObjectView):
    """ECG and other waveforms on calibrated paper."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._groups: tuple[Waveform, ...] = ()
        self._has_statements = False
        self.source = TraceSource(session.objects, self)
        self.bar = WaveformBar()
        self.paper = PaperView(self.source)
        self.desk = EcgDesk(session, self)
        self.hand = MarkHand(self.paper, self.desk)
        self.paper.hand = self.paper.marks_hand = self.hand
        self.strip = RecordStrip(self.source)
        self._display: DisplaySet | None = None
        self.rows_bar = QScrollBar(Qt.Orientation.Vertical)
        self.rows_bar.setAccessibleName(self.tr("Rows of the paper"))
        self.notice = Notice("warning", "")
        self.statements = _Statements()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self.notice)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.paper, 1)
        middle.addWidget(self.rows_bar)
        column.addLayout(middle, 1)
        column.addWidget(self.statements)
        column.addWidget(HLine())
        column.addWidget(self.strip)
        self.desk.measured.connect(self._measured)
        self.bar.group_chosen.connect(self.show_group)
        self.bar.layout_chosen.connect(self.paper.set_layout_kind)
        self.bar.filter_chosen.connect(self.source.set_filter)
        self.bar.filter_button.menu().aboutToShow.connect(self.source.warm_up)
        self.bar.speed_chosen.connect(self.paper.set_speed)
        self.bar.gain_chosen.connect(self.paper.set_gain)
        self.bar.size_chosen.connect(self._size_chosen)
        self.bar.look_chosen.connect(self.paper.set_look)
        self.bar.marks_toggled.connect(self._marks_toggled)
        self.bar.statements_toggled.connect(self._statements_toggled)
        self.paper.window_changed.connect(self._window_changed)
        self.strip.start_wanted.connect(self.paper.set_start)
        self.rows_bar.valueChanged.connect(self._scrolled)
        self.source.failed.connect(session.messages.error)
        session.settings.changed.connect(self._settings_changed)
        self._settings_changed(session.settings.value)

    @classmethod
    def accepts(cls, payload: Any) -> bool:
        """Multiplex groups of a waveform object, or the rates of a WFDB record."""
        return (
            isinstance(payload, tuple)
            and bool(payload)
            and all(isinstance(item, Waveform) for item in payload)
        )

    def show_object(self, display: DisplaySet, payload: Any) -> None:
        """Show the first group."""
        self._groups, self._display = tuple(payload), display
        self.bar.fill_groups([group.label for group in self._groups])
        self.show_group(0)

    @Slot(int)
    def show_group(self, index: int) -> None:
        """Show one multiplex group."""
        waveform = self._groups[index]
        with QSignalBlocker(self.bar.group):
            self.bar.group.setCurrentIndex(index)
        names = [c.name for c in waveform.channels]
        lead = next((names.index(n) for n in _OVERVIEW_LEADS if n in names), 0)
        layouts = layouts_of(waveform)
        kept = self.paper.layout_kind
        chosen = kept if kept in layouts and kept is not Layout.CHANNELS else layouts[0]
        self.source.show(waveform, lead)
        self.bar.fill_layouts(layouts, chosen)
        self.bar.gain.setEnabled(any(c.unit == "mV" for c in waveform.channels))
        self.paper.show_waveform(chosen)
        self.hand.drop()
        self.hand.select("")
        if self._display is not None:
            self.desk.show(self._display, index, waveform)
        self.notice.text.setText(" · ".join(waveform.warnings))
        self.notice.setVisible(bool(waveform.warnings))
        self._fill_statements()

    @Slot()
    def _measured(self) -> None:
        waveform, analysis = self.source.waveform, self.desk.analysis
        self.paper.beats = np.empty(0) if analysis is None else analysis.beats.seconds
        self.bar.marks.setVisible(bool((waveform is not None and waveform.marks)
                                       or len(self.paper.beats) > 1))  # fmt: skip
        self.strip.show_analysis(analysis, busy=self.desk.busy)
        self.paper.update()

    def add_tools(self, actions: ActionRegistry) -> None:
        """Buttons of the tools' commands."""
        self.bar.add_tools(actions)

    def choose_tool(self, tool: str) -> None:
        """Another tool of the left button."""
        self.hand.choose(EcgTool(tool))

    def show_mark(self, mark_id: str) -> None:
        """Choose a mark and scroll to it."""
        mark = self.desk.mark(mark_id)
        if mark is not None:
            seconds = [second for second, _ in mark.points]
            paper = self.paper
            if not paper.start_s <= min(seconds) <= paper.start_s + paper.page_s:
                paper.set_start(min(seconds) - paper.page_s / 3)
            self.hand.select(mark_id)

    def reset(self) -> None:
        """25 mm/s, 10 mm/mV, the width fits, from the start."""
        self.bar.standard()
        self.paper.fit_width()
        self.paper.set_start(0.0)

    def _fill_statements(self) -> None:
        waveform = self.source.waveform
        if waveform is None:
            return
        shown = self.session.settings.value.show_patient
        comments = waveform.comments if shown else ()
        self.statements.show_texts(waveform.texts, comments)
        self._has_statements = bool(waveform.texts or comments)
        self.bar.statements.setVisible(self._has_statements)
        self._statements_toggled(self.bar.statements.isChecked())

    @Slot(bool)
    def _statements_toggled(self, on: bool) -> None:
        self.statements.setVisible(on and self._has_statements)

    @Slot(bool)
    def _marks_toggled(self, on: bool) -> None:
        self.paper.show_marks = on
        self.paper.update()

    @Slot(float)
    def _size_chosen(self, share: float) -> None:
        if share:
            self.paper.set_size(share)
        else:
            self.paper.fit_width()

    @Slot()
    def _window_changed(self) -> None:
        paper, waveform = self.paper, self.paper.waveform
        self.strip.set_window(paper.start_s, paper.page_s)
        if waveform is not None:
            told = self.tr("{0}: {1} to {2}")
            end = min(waveform.duration_s, paper.start_s + paper.page_s)
            names = ", ".join(dict.fromkeys(s.name for s in paper.strips))
            shown = told.format(names, clock(round(paper.start_s, 1)), clock(round(end, 1)))
            paper.setAccessibleDescription(shown)
        self.bar.show_size(fits=paper.fits, share=paper.share)
        hidden = round(paper.hidden_mm)
        with QSignalBlocker(self.rows_bar):
            self.rows_bar.setRange(0, hidden)
            self.rows_bar.setPageStep(max(1, round(paper.height() / paper.scale.px_per_mm)))
            self.rows_bar.setValue(round(paper.top_mm))
        self.rows_bar.setVisible(hidden > 0)

    @Slot(int)
    def _scrolled(self, value: int) -> None:
        self.paper.set_top(float(value))

    @Slot(object)
    def _settings_changed(self, settings: Any) -> None:
        self.paper.show_patient = settings.show_patient
        self.paper.update()
        self._fill_statements()


class _Statements(QFrame):
    """What the file says beside the trace; nobody verified it, and it says so."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setFixedHeight(_STATEMENTS_PX)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 8, 8)
        row.setSpacing(12)
        self.title = label("", "warning", wrap=True)
        self.title.setFixedWidth(128)
        self.title.setAlignment(Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.title)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName(self.tr("Statements in the file"))
        row.addWidget(self.text, 1)

    def show_texts(self, texts: tuple[str, ...], comments: tuple[str, ...]) -> None:
        """Device statements in one paragraph; comments line by line."""
        if texts:
            self.title.setText(self.tr("Device statement, not verified"))
        else:
            self.title.setText(self.tr("Comment in the record, not verified"))
        parts = [" · ".join(texts)] if texts else []
        self.text.setPlainText("\n".join([*parts, *comments]))
