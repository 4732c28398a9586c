"""Findings of readers, suggestions of models and what became of them; reading status, reports."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from medbench.base.errors import BadInputError
from medbench.base.ids import new_id, now_iso
from medbench.domain.finding import (
    AiDecision,
    AiResult,
    Certainty,
    Finding,
    Origin,
    ReadingState,
    ReadingStatus,
    ReportDraft,
    Suggestion,
    Verdict,
)
from medbench.domain.image import FrameInfo, Study
from medbench.domain.measurement import Measurement, Place, Site
from medbench.domain.reading_report import ReportSource, compose, merge
from medbench.domain.records import from_json
from medbench.registry.reading_store import ReadingStore
from medbench.session.decision_trace import DecisionTrace
from medbench.session.library import Library
from medbench.session.messages import Messages
from medbench.session.model_shelf import PredictionView
from medbench.session.operations.findings import (
    next_number,
    place_key,
    queue_of,
    report_templates,
    result_of,
)
from medbench.session.ports import Handle, Runner
from medbench.session.reading_book import ReadingBook

_KINDS = frozenset(
    kind.stored_as
    for kind in (Finding, AiResult, AiDecision, ReadingStatus, ReportDraft, Measurement)
)


@dataclass(frozen=True)
class ScorePoint:
    """A model's score for one study of a patient."""

    date: str
    """ISO."""
    score: float
    study_instance_uid: str


class FindingBook(QObject):
    """What readers and models say of the open studies.

    Every change is undoable and saved (`ReadingBook`); what is decided about a model's
    suggestion, and its undo, also goes to the audit file with the model's version and hash.

    Signals
    -------
    changed
        Findings, answers, decisions, status or measurements are others.
    result_stored : AiResult
        A model's answer was kept.
    """

    changed = Signal()
    result_stored = Signal(object)

    def __init__(
        self, workspace: Path, readings: ReadingBook, library: Library, audit: Runner,
        reading: Runner, messages: Messages, parent: QObject | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._workspace = workspace
        self._readings = readings
        self._library = library
        self._audit = audit
        self._reading = reading
        self._messages = messages
        self._trace = DecisionTrace(workspace, audit, readings.history, messages, self)
        self._templates: Any = None
        self._elsewhere: dict[tuple[str, str], tuple[AiResult, ...]] = {}
        """Stored answers by (patient id, birth date), also of studies that are not open."""
        readings.changed.connect(self._changed)

    @Slot(str)
    def _changed(self, kind: str) -> None:
        if kind in _KINDS and kind != ReportDraft.stored_as:
            self.changed.emit()

    # asking

    def findings(self, study: str) -> tuple[Finding, ...]:
        """Findings of a study by number."""
        return tuple(sorted(self._readings.of(Finding, study), key=_number))

    def results(self, study: str) -> tuple[AiResult, ...]:
        """Answers of models for a study, oldest first."""
        return self._readings.of(AiResult, study)

    def result_on(self, site: Site, model: str = "") -> AiResult | None:
        """The newest answer for a frame (of one version)."""
        found = [
            r for r in self.results(site.study_instance_uid)
            if place_key(r.site) == place_key(site) and model in ("", r.model)
        ]  # fmt: skip
        return max(reversed(found), key=_created, default=None)

    def decision(self, suggestion: Suggestion) -> AiDecision | None:
        """What was decided about a suggestion."""
        return self._readings.get(AiDecision, suggestion.suggestion_id)

    def queue(self, studies: Iterable[str]) -> list[Suggestion]:
        """Suggestions that wait for a reader, least certain first."""
        wanted = set(studies)
        results = [r for r in self._readings.of(AiResult) if r.study_instance_uid in wanted]
        decided = [d.suggestion_id for d in self._readings.of(AiDecision)]
        return queue_of(results, decided)

    def ai_seen(self, study: str) -> bool:
        """Whether a model's answer for the study has been on the screen."""
        return bool(self.results(study))

    def status(self, study: str) -> ReadingStatus:
        """How far a study was read."""
        stored = self._readings.get(ReadingStatus, study)
        return stored if stored is not None else ReadingStatus(study, ReadingState.UNREAD)

    def prior_of(self, study: Study) -> Study | None:
        """The newest earlier open study of the same patient that shares a modality."""
        modalities = {s.modality for s in study.series}
        earlier = [
            other for other in self._of_patient(study)
            if _when(other) < _when(study) and modalities & {s.modality for s in other.series}
        ]  # fmt: skip
        return max(earlier, key=_when, default=None)

    def _of_patient(self, study: Study) -> list[Study]:
        if not study.patient_id:
            return []
        return [
            s for s in self._library.studies
            if (s.patient_id, s.patient_birth_date) == (study.patient_id, study.patient_birth_date)
            and s.study_date
        ]  # fmt: skip

    def scores(self, study: Study, result: AiResult) -> list[ScorePoint]:
        """Scores of one version (same weights) over a patient's studies, oldest first.

        Scores of different weights are not comparable and never share a line. Of several frames
        of a study the highest counts. Studies that are not open count with what is stored of
        them (`look_up`).
        """
        best: dict[str, ScorePoint] = {}
        known = [r for s in self._of_patient(study) or [study]
                 for r in self.results(s.study_instance_uid)]  # fmt: skip
        elsewhere = self._elsewhere.get((study.patient_id, study.patient_birth_date), ())
        here = {r.study_instance_uid for r in known}
        for r in (*known, *(e for e in elsewhere if e.study_instance_uid not in here)):
            uid = r.study_instance_uid
            if r.weights_sha256 != result.weights_sha256 or r.outside:
                continue
            if uid not in best or r.score > best[uid].score:
                best[uid] = ScorePoint(iso_day(r.study_date), r.score, uid)
        return sorted(best.values(), key=_date)

    def look_up(self, study: Study) -> None:
        """Read what is stored of a patient's studies that are not open; answers with `changed`."""
        patient = (study.patient_id, study.patient_birth_date)
        if not study.patient_id or patient in self._elsewhere:
            return
        self._elsewhere[patient] = ()

        def work(_handle: Handle) -> tuple[AiResult, ...]:
            with ReadingStore(self._workspace) as store:
                stored = store.of_patient(AiResult.stored_as, *patient)
            found = []
            for record in stored:
                try:
                    found.append(from_json(AiResult, record.body))
                except BadInputError:
                    continue  # of another version: it stays stored, and is named when it opens
            return tuple(found)

        def done(found: tuple[AiResult, ...]) -> None:
            self._elsewhere[patient] = found
            if found:
                self.changed.emit()

        def failed(sentence: str) -> None:
            self._elsewhere.pop(patient, None)
            self._failed(sentence)

        self._audit.run(new_id("patient"), work, done, failed)

    # changing

    def add(self, site: Site, reader: str, **values: Any) -> Finding:
        """A new finding of a reader, undoable."""
        now = now_iso()
        study = site.study_instance_uid
        finding = Finding(
            new_id("finding"), site, next_number(self.findings(study)), reader=reader, created=now,
            changed=now, ai_seen_first=self.ai_seen(study), **values,
        )  # fmt: skip
        self._readings.put(finding, self.tr("Finding"))
        return finding

    def change(self, finding: Finding, **values: Any) -> Finding:
        """Replace fields; a new outline makes an accepted suggestion an edited one."""
        if "outline" in values and finding.origin is Origin.AI_ACCEPTED:
            values["origin"] = Origin.AI_EDITED
        changed = replace(finding, **values)
        if changed != finding:
            changed = replace(changed, changed=now_iso())
            self._readings.put(changed, self.tr("Change of finding"))
        return changed

    def delete(self, finding: Finding) -> None:
        """Take a finding away; the suggestion it came from waits for a decision again."""
        decision = self._readings.get(AiDecision, finding.suggestion_id)
        with self._readings.together(self.tr("Delete finding")):
            self._readings.remove(finding, "")
            if decision is not None and decision.finding_id == finding.finding_id:
                self._readings.remove(decision, "")
                self._trace.add("ai-decision-withdrawn", decision)

    def accept(self, suggestion: Suggestion, reader: str) -> Finding | None:
        """Copy a suggestion to the reader's findings.

        Raises
        ------
        BadInputError
            The picture lies outside the model's training range.
        """
        if suggestion.result.outside:
            raise BadInputError(
                "The picture is outside the model's training range: its answer cannot be accepted."
            )
        region = suggestion.region
        outline = region.outline if region is not None else ()
        return self._take(suggestion, reader, outline, Verdict.ACCEPTED)

    def accept_edited(
        self, suggestion: Suggestion, outline: Sequence[Place], reader: str
    ) -> Finding | None:
        """Copy a suggestion with the reader's own outline."""
        return self._take(suggestion, reader, tuple(outline), Verdict.EDITED)

    def _take(
        self, suggestion: Suggestion, reader: str, outline: tuple[Place, ...], verdict: Verdict
    ) -> Finding | None:
        if self.decision(suggestion) is not None:
            return None
        result, now = suggestion.result, now_iso()
        study = result.study_instance_uid
        absent = not result.above and verdict is Verdict.ACCEPTED
        finding = Finding(
            finding_id=new_id("finding"), site=result.site,
            number=next_number(self.findings(study)),
            text=result.label.replace("_", " ").capitalize(), label=result.label,
            place=suggestion.region.place if suggestion.region is not None else "",
            certainty=Certainty.PROBABLE, absent=absent,
            origin=Origin.AI_EDITED if verdict is Verdict.EDITED else Origin.AI_ACCEPTED,
            outline=outline, ai=result.mention, suggestion_id=suggestion.suggestion_id,
            ai_seen_first=True, reader=reader, created=now, changed=now,
        )  # fmt: skip
        decision = replace(self._decide(suggestion, verdict, reader), finding_id=finding.finding_id)
        words = (
            self.tr("Accept suggestion") if verdict is Verdict.ACCEPTED
            else self.tr("Edit suggestion")
        )  # fmt: skip
        with self._readings.together(words):
            self._readings.put(finding, words)
            self._readings.put(decision, words)
            self._trace.add(f"ai-suggestion-{verdict.value}", decision)
        return finding

    def reject(self, suggestion: Suggestion, reason: str, note: str, reader: str) -> None:
        """Say no to a suggestion, with a reason."""
        if self.decision(suggestion) is not None:
            return
        decision = replace(
            self._decide(suggestion, Verdict.REJECTED, reader), reason=reason, note=note
        )
        words = self.tr("Reject suggestion")
        with self._readings.together(words):
            self._readings.put(decision, words)
            self._trace.add("ai-suggestion-rejected", decision)

    def _decide(self, suggestion: Suggestion, verdict: Verdict, reader: str) -> AiDecision:
        result = suggestion.result
        return AiDecision(
            suggestion.suggestion_id, result.study_instance_uid, verdict, result.model,
            result.weights_sha256, result.score, result.threshold, reader=reader, when=now_iso(),
        )  # fmt: skip

    def set_status(self, study: str, state: ReadingState, reader: str) -> None:
        """Say how far a study was read, undoable."""
        if self.status(study).state is not state:
            self._readings.put(
                ReadingStatus(study, state, reader, now_iso()), self.tr("Reading status")
            )

    # models

    def keep(
        self, view: PredictionView, site: Site, study: Study | None, modality: str, values: Any,
        info: FrameInfo, reader: str,
    ) -> None:  # fmt: skip
        """Keep a prediction with the study; its outlines are found in a worker."""

        def work(_handle: Handle) -> AiResult:
            return result_of(
                view.prediction, site, values, view.overlay, info, modality=modality,
                study=study, reader=reader, templates=self.templates(),
            )  # fmt: skip

        def done(result: AiResult) -> None:
            self._readings.store(result)
            self.result_stored.emit(result)

        self._reading.run(f"suggestions {view.key}", work, done, self._failed, newest=True)

    def _failed(self, sentence: str) -> None:
        if sentence:
            self._messages.error(sentence)

    def close(self) -> None:
        """Write what of the audit is not on disk, after the workers have ended."""
        self._trace.close()

    # report

    def templates(self) -> Any:
        """Templates of reports; a damaged file of the workspace's own is named once."""
        if self._templates is None:
            self._templates = report_templates(self._workspace)
        return self._templates

    def source(self, study: Study) -> ReportSource:
        """What a study's report is composed of."""
        uid, prior = study.study_instance_uid, self.prior_of(study)
        before = prior.study_instance_uid if prior is not None else ""
        was_read = prior is not None and (
            bool(self.findings(before)) or self.status(before).state is not ReadingState.UNREAD
        )
        return ReportSource(
            self.findings(uid), self._readings.of(Measurement, uid), self.results(uid),
            self._readings.of(AiDecision, uid), "" if prior is None else iso_day(prior.study_date),
            self.findings(before) if was_read else None,
            self._readings.of(Measurement, before) if prior is not None else (),
        )  # fmt: skip

    def draft(self, study: Study) -> ReportDraft:
        """The report as it stands now, with the reader's changes; not stored by asking."""
        uid = study.study_instance_uid
        stored = self._readings.get(ReportDraft, uid)
        parts = stored.parts if stored is not None else ()
        merged = merge(parts, compose(self.source(study), self.templates()))
        return replace(stored or ReportDraft(uid), parts=merged)

    def write(self, draft: ReportDraft, reader: str) -> None:
        """Keep the reader's changes of a report; the text has an undo of its own."""
        before = self._readings.get(ReportDraft, draft.study_instance_uid)
        if before is None or before.parts != draft.parts:
            self._readings.store(replace(draft, reader=reader, changed=now_iso()))


def iso_day(date: str) -> str:
    """'20200304' as '2020-03-04'; what is no date stays."""
    return f"{date[:4]}-{date[4:6]}-{date[6:8]}" if len(date) == 8 and date.isdigit() else date


def _when(study: Study) -> tuple[str, str]:
    return study.study_date, study.study_time


def _date(point: ScorePoint) -> str:
    return point.date


def _number(finding: Finding) -> int:
    return finding.number


def _created(result: AiResult) -> str:
    return result.created
