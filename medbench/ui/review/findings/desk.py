"""Findings in Review: suggestions of models, findings of the reader, status, report."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QScrollArea, QTabWidget, QVBoxLayout, QWidget

from medbench.base.errors import BadInputError
from medbench.domain.finding import AiResult, Finding, Suggestion, Verdict
from medbench.domain.image import DisplaySet, Study
from medbench.domain.measurement import Place, Site
from medbench.session.library import display_key
from medbench.session.model_shelf import PredictionView
from medbench.ui.review.commands import register_rows
from medbench.ui.review.feature import Feature, ToolButtonSpec
from medbench.ui.review.findings.dialogs import ReaderDialog, RejectDialog
from medbench.ui.review.findings.marks import FindingMarks
from medbench.ui.review.findings.outline_tool import OutlineTool
from medbench.ui.review.findings.places import show_site, shown_site
from medbench.ui.review.findings.reader_list import FindingList
from medbench.ui.review.findings.report_block import ReportBlock
from medbench.ui.review.findings.score_card import ScoreCard
from medbench.ui.review.findings.status import StatusDesk
from medbench.ui.review.view_model import ViewModel
from medbench.ui.review.viewport import Viewport
from medbench.ui.widgets import HLine

if TYPE_CHECKING:
    from collections.abc import Callable

    from medbench.ui.review.workspace import ReviewWorkspace


class FindingDesk(Feature):
    """The tab Findings, its marks on the pictures and its commands."""

    order = 10
    tab_id = "findings"

    def __init__(self, page: "ReviewWorkspace") -> None:
        super().__init__(page)
        self.book = self.session.findings
        self.suggestion: Suggestion | None = None
        self.chosen = ""
        """Id of the finding the list has selected."""
        self.marks = FindingMarks(self)
        page.toolbox.add_layer(self.marks)
        self.outline_tool = OutlineTool(self)
        page.toolbox.register(self.outline_tool)
        self.status = StatusDesk(self)
        self._register()
        self.book.changed.connect(self.refresh)
        self.book.result_stored.connect(self._stored)
        self.session.models.predicted.connect(self._predicted)
        self.session.evaluations.changed.connect(self.refresh)
        self.session.library.changed.connect(self.refresh)
        page.model_changed.connect(self._model_changed)
        self._watched: ViewModel | None = None

    def _register(self) -> None:
        area = self.tr("Findings")
        rows = [
            (self.accept_suggestion, self.tr("Accept"), area, "Ctrl+Return", "check",
             self.tr("Copy the suggestion to the reader's findings")),
            (self.edit_suggestion, self.tr("Edit"), area, "Ctrl+E", "pencil",
             self.tr("Correct the outline, then accept it")),
            (self.reject_suggestion, self.tr("Reject"), area, "Ctrl+Backspace", "x",
             self.tr("Say no, with a reason")),
            (self.next_suggestion, self.tr("Next suggestion"), area, "Ctrl+Down", "chevron-right",
             self.tr("Least certain first")),
            (self.previous_suggestion, self.tr("Previous suggestion"), area, "Ctrl+Up",
             "chevron-left", ""),
            (self.add_finding, self.tr("Add finding"), area, "Shift+N", "plus", ""),
            (self.outline_tool.tool_finding, self.tr("Finding"), area, "Y", "spline",
             self.tr("Draw the outline of a finding")),
            (self.copy_report, self.tr("Copy report text"), area, "Ctrl+Shift+C", "copy", ""),
            (self.export_report, self.tr("Export report text"), area, "", "download", ""),
        ]  # fmt: skip
        register_rows(self.page, rows)
        self._enable()

    # the tab

    def buttons(self) -> tuple[ToolButtonSpec, ...]:
        return (ToolButtonSpec("tool_finding", "spline", rank=9),)

    def tab(self) -> tuple[str, QWidget] | None:
        panel = QWidget()
        column = QVBoxLayout(panel)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.ai = self.page.ai_panel
        self.ai.contour_switched.connect(self.marks.switch_contour)
        column.addWidget(self.ai)
        column.addWidget(HLine())
        self.list = FindingList(self)
        column.addWidget(self.list)
        self.score_card = ScoreCard(self.book)
        column.addWidget(self.score_card)
        column.addWidget(HLine())
        self.report = ReportBlock(self.session)
        self.reports = [self.report]
        column.addWidget(self.report)
        column.addStretch(1)
        self.status.mark_browser()
        showing = self.page.showing
        showing.view_made.connect(self._watch)
        for view in showing.every_view():
            self._watch(view)
        self._model_changed(self.page.model)
        return self.tr("Findings"), panel

    def tabs_ready(self, tabs: QTabWidget) -> None:
        """The report also stands at the foot of the measurements it is composed of."""
        for index in range(tabs.count()):
            area = tabs.widget(index)
            inner = area.widget() if isinstance(area, QScrollArea) else None
            column = None if inner is None else inner.layout()
            if area is not None and area.objectName() == "measurements" and column is not None:
                block = ReportBlock(self.session)
                column.addWidget(block)
                self.reports.append(block)
        self.refresh()

    # what is shown

    @property
    def display(self) -> DisplaySet | None:
        """The active display."""
        return self.page.model.display

    @property
    def study(self) -> Study | None:
        """The study of the active display."""
        display = self.display
        return None if display is None else self.page.study_of(display)

    @Slot(object)
    def _watch(self, view: Viewport) -> None:
        view.index_changed.connect(self._index_changed)

    @Slot(int)
    def _index_changed(self, _index: int) -> None:
        """Another frame may have another answer, or none."""
        study = self.study
        if self.sender() is not self.page.stack or study is None:
            return
        if self.book.results(study.study_instance_uid):
            self.refresh()

    @Slot(object)
    def _model_changed(self, model: ViewModel) -> None:
        if self._watched is not None and self._watched is not model:
            self._watched.display_changed.disconnect(self._display_changed)
        if self._watched is not model:
            self._watched = model
            model.display_changed.connect(self._display_changed)
        self._display_changed()

    @Slot()
    def _display_changed(self) -> None:
        self.suggestion = None
        self.marks.stop_editing()
        self.refresh()

    @Slot()
    def refresh(self, *_: object) -> None:
        """Show what is known of the active display and its study."""
        if not hasattr(self, "report"):
            return
        study = self.study
        if study is not None:
            self.book.look_up(study)
        self._find_suggestion()
        result = self.suggestion.result if self.suggestion is not None else None
        if result is None:
            self.ai.show_nothing()
        else:
            self.ai.show_result(result)
            self._show_decision()
        self.list.show_study(study)
        self.score_card.show_result(study, result)
        for report in self.reports:
            report.show_study(study)
        self._enable()
        self.update_views()

    def update_views(self) -> None:
        """Draw the marks again."""
        for view in self.page.views():
            view.update()

    def _find_suggestion(self) -> None:
        """Keep the suggestion while it is on the shown frame; else take the first that waits."""
        site = shown_site(self.page.stack)
        if site is None:
            self.suggestion = None
            return
        result = self.book.result_on(site)
        if result is None:
            self.suggestion = None
            return
        all_ = result.suggestions()
        kept = self.suggestion.suggestion_id if self.suggestion is not None else ""
        waiting = [s for s in all_ if self.book.decision(s) is None]
        same = [s for s in all_ if s.suggestion_id == kept]
        self.suggestion = (same or waiting or list(all_))[0]

    def _show_decision(self) -> None:
        suggestion = self.suggestion
        assert suggestion is not None
        decision = self.book.decision(suggestion)
        tag = ""
        if decision is not None and decision.finding_id:
            known = {f.finding_id: f for f in self.book.findings(decision.study_instance_uid)}
            tag = known[decision.finding_id].tag if decision.finding_id in known else "–"
        marks = len(suggestion.result.suggestions())
        self.ai.show_decision(suggestion, decision, tag, len(self.queue()), marks)

    def _enable(self) -> None:
        action = self.page.actions_registry.action
        suggestion = self.suggestion
        open_ = suggestion is not None and self.book.decision(suggestion) is None
        usable = open_ and suggestion is not None and not suggestion.result.outside
        for name, can in (("accept_suggestion", usable),
                          ("edit_suggestion", usable or bool(self.chosen)),
                          ("reject_suggestion", open_),
                          ("next_suggestion", bool(self.queue())),
                          ("previous_suggestion", bool(self.queue())),
                          ("add_finding", self.display is not None)):  # fmt: skip
            action(f"medbench.review.{name}").setEnabled(bool(can))

    def queue(self) -> list[Suggestion]:
        """Suggestions of the open studies that wait, least certain first."""
        return self.book.queue(s.study_instance_uid for s in self.session.library.studies)

    # who reads

    def as_reader(self, then: "Callable[[str], None]") -> None:
        """Go on with the reader's name; asks for it once."""
        name = self.session.settings.value.reader.strip()
        if name:
            then(name)
            return
        dialog = ReaderDialog(self.page)

        def named() -> None:
            self.session.settings.change(reader=dialog.name)
            then(dialog.name)

        dialog.accepted.connect(named)
        dialog.open()

    # suggestions

    @Slot(object)
    def _predicted(self, view: PredictionView) -> None:
        key, _, number = view.key.rpartition("#")
        index = int(number)
        screens = [v.model for v in self.page.views()] + [self.page.model]
        model = next((m for m in screens if m.key == key), None)
        volume = None if model is None else model.volume
        if model is None or volume is None or model.display is None:
            return
        display = model.display
        ref = display.frames[index]
        site = Site(
            display.study_instance_uid, display.series_instance_uid, key, ref.sop_instance_uid,
            ref.frame,
            "" if display.geometry is None else display.geometry.frame_of_reference_uid,
        )  # fmt: skip
        self.book.keep(
            view, site, self.page.study_of(display), display.modality, volume.voxels[index],
            model.info(index), self.session.settings.value.reader,
        )  # fmt: skip

    @Slot(object)
    def _stored(self, result: AiResult) -> None:
        site = shown_site(self.page.stack)
        if site is not None and self.book.result_on(site) == result:
            self.suggestion = None
        self.refresh()

    def accept_suggestion(self) -> None:
        """Copy the mark to the reader's findings; an outline that is being edited counts."""
        suggestion = self.suggestion
        if self.marks.editing is not None:
            self.marks.finish()
            return
        if suggestion is not None and self.book.decision(suggestion) is None:
            self.as_reader(lambda reader: self._accept(suggestion, reader))

    def _accept(self, suggestion: Suggestion, reader: str) -> None:
        try:
            self.book.accept(suggestion, reader)
        except BadInputError as error:
            self.session.messages.warning(str(error))
            return
        self._go_on(suggestion)

    def edit_suggestion(self) -> None:
        """Open the outline of the suggestion, or of the selected finding, with handles."""
        finding = self.finding(self.chosen)
        suggestion = self.suggestion
        waiting = suggestion is not None and self.book.decision(suggestion) is None
        if finding is not None and not waiting:
            self.edit_outline(finding)
        elif suggestion is not None and waiting and not suggestion.result.outside:
            region = suggestion.region
            outline = region.outline if region is not None else ()
            self.marks.edit(suggestion.result.site, outline, suggestion)

    def edit_outline(self, finding: Finding) -> None:
        """Open the outline of a finding."""
        self.jump_to(finding.site, finding.outline)
        self.marks.edit(finding.site, finding.outline, finding)

    def outline_done(self, subject: object, outline: tuple[Place, ...]) -> None:
        """The reader confirmed an edited outline."""
        if isinstance(subject, Finding):
            self.book.change(subject, outline=outline)
        elif isinstance(subject, Suggestion):
            region = subject.region
            if region is not None and region.outline == outline:
                self.as_reader(lambda reader: self._accept(subject, reader))
            else:
                self.as_reader(lambda reader: self._accept_edited(subject, outline, reader))

    def _accept_edited(
        self, suggestion: Suggestion, outline: tuple[Place, ...], reader: str
    ) -> None:
        self.book.accept_edited(suggestion, outline, reader)
        self._go_on(suggestion)

    def reject_suggestion(self) -> None:
        """Ask why, then say no."""
        suggestion = self.suggestion
        if suggestion is None or self.book.decision(suggestion) is not None:
            return
        dialog = RejectDialog(above=suggestion.result.above, parent=self.page)

        def rejected() -> None:
            reason, note = dialog.answer
            self.as_reader(lambda reader: self._reject(suggestion, reason, note, reader))

        dialog.accepted.connect(rejected)
        dialog.open()

    def _reject(self, suggestion: Suggestion, reason: str, note: str, reader: str) -> None:
        self.book.reject(suggestion, reason, note, reader)
        self._go_on(suggestion)

    def _go_on(self, decided: Suggestion) -> None:
        """To the next mark of the same answer; other pictures are left to the reader."""
        decision = self.book.decision(decided)
        if decision is not None and decision.verdict is not Verdict.REJECTED:
            self.chosen = decision.finding_id
        waiting = [s for s in decided.result.suggestions() if self.book.decision(s) is None]
        if waiting:
            self.suggestion = waiting[0]
        self.refresh()

    def next_suggestion(self) -> None:
        """The next suggestion that waits."""
        self._step(1)

    def previous_suggestion(self) -> None:
        """The suggestion before."""
        self._step(-1)

    def _step(self, by: int) -> None:
        queue = self.queue()
        if not queue:
            return
        ids = [s.suggestion_id for s in queue]
        now = self.suggestion.suggestion_id if self.suggestion is not None else ""
        at = (ids.index(now) + by) % len(ids) if now in ids else 0 if by > 0 else -1
        wanted = queue[at]
        region = wanted.region
        self.jump_to(wanted.result.site, region.outline if region is not None else ())
        self.suggestion = wanted
        self.refresh()

    # findings of the reader

    def finding(self, finding_id: str) -> Finding | None:
        """A finding of the active study."""
        study = self.study
        if study is None or not finding_id:
            return None
        found = self.book.findings(study.study_instance_uid)
        return next((f for f in found if f.finding_id == finding_id), None)

    def choose(self, finding_id: str) -> None:
        """Select a finding in the list and on the picture."""
        if self.chosen != finding_id:
            self.chosen = finding_id
            self.list.mark()
            self._enable()
            self.update_views()

    def add_finding(self) -> None:
        """A finding of the shown picture, without an outline; its text is typed next."""
        site, display = shown_site(self.page.active), self.display
        if site is None and display is not None:  # a recording or a report: no picture to point at
            site = Site(
                display.study_instance_uid, display.series_instance_uid, display_key(display)
            )
        if site is not None:
            self.as_reader(lambda reader: self._add(site, (), "", reader))

    def add_outlined(self, site: Site, outline: tuple[Place, ...], place: str) -> None:
        """A finding that was drawn."""
        self.as_reader(lambda reader: self._add(site, outline, place, reader))

    def _add(self, site: Site, outline: tuple[Place, ...], place: str, reader: str) -> None:
        finding = self.book.add(site, reader, outline=outline, place=place)
        self.choose(finding.finding_id)
        self.list.type_text(finding.finding_id)

    def jump_to(self, site: Site, outline: tuple[Place, ...] = ()) -> None:
        """Show the picture a finding lies on."""
        if not show_site(self.page, site, outline):
            self.session.messages.warning(self.tr("The picture it lies on is not open"))

    # report

    def copy_report(self) -> None:
        """The report as plain text on the clipboard."""
        self.report.copy()

    def export_report(self) -> None:
        """The report as a file."""
        self.report.export()
