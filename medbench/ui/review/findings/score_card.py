"""Scores of one model version over the studies of a patient."""

from PySide6.QtWidgets import QWidget

from medbench.domain.finding import AiResult
from medbench.domain.image import Study
from medbench.session.findings import FindingBook
from medbench.ui.review.findings.gauges import ScoreLine
from medbench.ui.widgets import hbox, label, vbox


class ScoreCard(QWidget):
    """Hidden until two studies of the patient have an answer of the same version."""

    def __init__(self, book: FindingBook, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._book = book
        column = vbox(margins=(12, 10, 12, 8), spacing=4)
        self.setLayout(column)
        line = hbox()
        line.addWidget(label(self.tr("Score over time"), "section"))
        line.addStretch(1)
        self.words = label("", "secondary")
        line.addWidget(self.words)
        column.addLayout(line)
        self.line = ScoreLine(self.tr("Score over time"))
        column.addWidget(self.line)
        self.hide()

    def show_result(self, study: Study | None, result: AiResult | None) -> None:
        """Show the series that an answer belongs to."""
        points = [] if study is None or result is None else self._book.scores(study, result)
        self.setVisible(len(points) > 1)
        if study is None or result is None or len(points) < 2:
            return
        here = [p.study_instance_uid for p in points]
        at = here.index(study.study_instance_uid) if study.study_instance_uid in here else -1
        self.line.show_scores([(p.date, p.score) for p in points], result.threshold, at)
        words, role = "", "secondary"
        if at > 0:
            before, now = points[at - 1], points[at]
            if now.score >= result.threshold > before.score:
                words, role = self.tr("↗ New since {0}").format(before.date), "warning"
            elif now.score < result.threshold <= before.score:
                words, role = self.tr("↘ Gone since {0}").format(before.date), "success"
            else:
                words = self.tr("Same side of the threshold since {0}").format(before.date)
        self.words.setText(words)
        if self.words.objectName() != role:
            self.words.setObjectName(role)
            self.words.style().unpolish(self.words)
            self.words.style().polish(self.words)
