"""Status bar: network, engine, memory, the running job with ETA and cancel, last message."""

import psutil
from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from medbench.session.job_list import JobInfo
from medbench.session.messages import Level, Message
from medbench.session.session import EngineInfo, Session
from medbench.ui.theme.icons import set_icon
from medbench.ui.widgets import IconButton, ProgressLine, duration, icon_label, label, percent

_MEMORY_MS = 2000
_ICONS = {
    Level.INFO: ("info", "text2"),
    Level.SUCCESS: ("circle-check", "success"),
    Level.WARNING: ("triangle-alert", "warning"),
    Level.ERROR: ("circle-x", "error"),
}


class StatusBar(QFrame):
    """28 px."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setObjectName("statusbar")
        self.setFixedHeight(29)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(8)
        network = icon_label("wifi-off", "text2", 15)
        network.setToolTip(self.tr("Offline: nothing leaves this computer"))
        network.setAccessibleName(self.tr("Offline"))
        row.addWidget(network)
        row.addSpacing(12)
        row.addWidget(icon_label("cpu", "text2", 15))
        self._engine = label(self.tr("Engine starts when it is needed"), "secondary")
        self._engine.setAccessibleName(self.tr("Engine"))
        row.addWidget(self._engine)
        row.addSpacing(12)
        row.addWidget(icon_label("memory-stick", "text2", 15))
        self._memory = label("", "secondary")
        self._memory.setAccessibleName(self.tr("Memory"))
        row.addWidget(self._memory)
        row.addSpacing(12)
        row.addWidget(icon_label("list-checks", "text2", 15))
        self._job = label(self.tr("No job running"), "secondary")
        self._job.setAccessibleName(self.tr("Running job"))
        row.addWidget(self._job)
        self._bar = ProgressLine(self.tr("Progress of the running job"))
        self._bar.setFixedWidth(96)
        row.addWidget(self._bar)
        self._eta = label("", "secondary")
        row.addWidget(self._eta)
        self._cancel = IconButton("x", self.tr("Stop the running job"), size=14)
        self._cancel.setFixedSize(22, 22)
        self._cancel.clicked.connect(self._stop)
        row.addWidget(self._cancel)
        row.addStretch(1)
        self._message_icon = icon_label("circle-check", "success", 15)
        row.addWidget(self._message_icon)
        self._message = label(self.tr("Ready"), "secondary")
        self._message.setAccessibleName(self.tr("Last message"))
        row.addWidget(self._message)
        self._current: JobInfo | None = None
        session.jobs.job_changed.connect(self._show_job)
        session.messages.posted.connect(self._show_message)
        session.engine_changed.connect(self._show_engine)
        self._process = psutil.Process()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._show_memory)
        self._timer.start(_MEMORY_MS)
        self._show_memory()
        self._show_job(None)

    def stop(self) -> None:
        """Stop the memory timer."""
        self._timer.stop()

    @Slot()
    def _show_memory(self) -> None:
        used = self._process.memory_info().rss / 2**30
        total = psutil.virtual_memory().total / 2**30
        self._memory.setText(self.tr("RAM {0:.1f} / {1:.0f} GB").format(used, total))

    @Slot(object)
    def _show_engine(self, info: EngineInfo | None) -> None:
        if info is None:
            self._engine.setText(self.tr("Engine starts when it is needed"))
            return
        kind = "CPU" if info.device == "cpu" else "GPU"
        self._engine.setText(f"{kind}  {info.device_name.removeprefix('CPU, ')}")
        versions = ", ".join(f"{k} {v}" for k, v in info.versions.items() if v)
        self._engine.setToolTip(versions)

    @Slot(object)
    def _show_job(self, _job: JobInfo | None) -> None:
        running = self._session.jobs.running
        self._current = running[-1] if running else None
        job = self._current
        for part in (self._bar, self._eta, self._cancel):
            part.setVisible(job is not None)
        if job is None:
            self._job.setText(self.tr("No job running"))
            return
        self._job.setText(f"{job.title}  {job.place}".strip())
        self._bar.show_fraction(job.fraction)
        parts = [percent(job.fraction)] if job.fraction else []
        if job.eta_s is not None:
            parts.append(self.tr("ETA {0}").format(duration(job.eta_s)))
        self._eta.setText("  ".join(parts))
        self._cancel.setEnabled(job.cancellable)

    def _stop(self) -> None:
        if self._current is not None:
            self._session.jobs.cancel(self._current.job_id)

    @Slot(object)
    def _show_message(self, message: Message) -> None:
        name, role = _ICONS[message.level]
        set_icon(self._message_icon, name, role, 15)
        shown = message.text if len(message.text) < 110 else message.text[:107] + "..."
        self._message.setText(f"{shown}   {message.when:%H:%M}")
        self._message.setToolTip("\n".join(p for p in (message.text, message.advice) if p))
