"""How far a study was read, by key; opening a study changes nothing."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from medbench.domain.finding import ReadingState
from medbench.ui.review.commands import register_rows

if TYPE_CHECKING:
    from medbench.ui.review.findings.desk import FindingDesk


class StatusDesk(QObject):
    """Commands of the reading status and its marks in the browser."""

    def __init__(self, desk: "FindingDesk") -> None:
        super().__init__(desk)
        self._desk = desk
        area = self.tr("Findings")
        rows = [
            (self.mark_reviewed, self.tr("Study reviewed"), area, "/", "circle-dot", ""),
            (self.mark_reported, self.tr("Study reported"), area, "\\", "circle-check", ""),
            (self.mark_unread, self.tr("Study unread"), area, "Ctrl+/", "circle-dashed", ""),
        ]
        register_rows(desk.page, rows)
        desk.book.changed.connect(self.mark_browser)

    def mark_reviewed(self) -> None:
        """The reader has seen the study."""
        self._set(ReadingState.REVIEWED)

    def mark_reported(self) -> None:
        """The reader has reported the study."""
        self._set(ReadingState.REPORTED)

    def mark_unread(self) -> None:
        """The study waits to be read."""
        self._set(ReadingState.UNREAD)

    def _set(self, state: ReadingState) -> None:
        study = self._desk.study
        if study is None:
            self._desk.session.messages.warning(self.tr("Open a study first"))
            return
        uid = study.study_instance_uid
        self._desk.as_reader(lambda reader: self._keep(uid, state, reader))

    def _keep(self, study: str, state: ReadingState, reader: str) -> None:
        self._desk.book.set_status(study, state, reader)
        words = {
            ReadingState.UNREAD: self.tr("Study marked unread"),
            ReadingState.REVIEWED: self.tr("Study marked reviewed"),
            ReadingState.REPORTED: self.tr("Study marked reported"),
        }
        self._desk.session.messages.success(words[state])

    @Slot()
    def mark_browser(self) -> None:
        """Show the status in the study browser."""
        browser = getattr(self._desk.page, "browser", None)
        if browser is not None:
            browser.show_statuses(self._desk.book.status)
