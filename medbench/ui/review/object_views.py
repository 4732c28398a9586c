"""The registered views of objects without pixels."""

from medbench.ui.review.content import ObjectView
from medbench.ui.review.documents.pdf_view import DocumentView
from medbench.ui.review.documents.report_view import ReportView
from medbench.ui.review.ecg.view import WaveformView

OBJECT_VIEWS: tuple[type[ObjectView], ...] = (WaveformView, ReportView, DocumentView)
