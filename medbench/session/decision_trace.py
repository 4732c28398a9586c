"""What readers decide about suggestions, and take back, in the audit file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject

from medbench.base.ids import new_id
from medbench.domain.finding import AiDecision
from medbench.registry.workspace import Workspace
from medbench.session.history import History, Step
from medbench.session.messages import Messages
from medbench.session.ports import Handle, Runner


@dataclass(eq=False)
class _Entry:
    """One line for the audit file."""

    event: str
    fields: dict[str, Any]
    written: bool = False

    def write(self, workspace: Workspace) -> None:
        """Append it; a worker that is told to end afterwards has still written it."""
        workspace.note(self.event, **self.fields)
        self.written = True


class DecisionTrace(QObject):
    """Appends to the audit file in a worker, in order; nothing waits for it."""

    def __init__(
        self, workspace: Path, runner: Runner, history: History, messages: Messages,
        parent: QObject | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._workspace = workspace
        self._audit = runner
        self._history = history
        self._messages = messages
        self._unwritten: list[_Entry] = []

    def add(self, event: str, decision: AiDecision) -> None:
        """Write an audit entry now, and one at each undo and redo of the step it belongs to."""
        fields = {
            "model": decision.model, "weights_sha256": decision.weights_sha256,
            "suggestion": decision.suggestion_id, "study": decision.study_instance_uid,
            "score": decision.score, "threshold": decision.threshold, "who": decision.reader,
            "reason": decision.reason, "note": decision.note, "finding": decision.finding_id,
        }  # fmt: skip
        self._append(event, fields)

        def undo() -> None:
            self._append("ai-decision-undone", {**fields, "undone": event})

        def redo() -> None:
            self._append(event, {**fields, "redone": True})

        self._history.push(Step("", undo, redo))

    def _append(self, event: str, fields: dict[str, Any]) -> None:
        entry = _Entry(event, fields)
        self._unwritten.append(entry)

        def work(_handle: Handle) -> None:
            with Workspace(self._workspace) as workspace:
                entry.write(workspace)

        def done(_nothing: object) -> None:
            self._unwritten.remove(entry)

        def failed(sentence: str) -> None:
            if sentence:
                self._messages.error(
                    self.tr("A decision could not be written to the audit file; it is tried again "
                            "when medbench ends"), sentence,
                )  # fmt: skip

        self._audit.run(new_id("audit"), work, done, failed)

    def close(self) -> None:
        """Write the rest, after the workers have ended; the program ends."""
        rest = [entry for entry in self._unwritten if not entry.written]
        self._unwritten = []
        if rest:
            with Workspace(self._workspace) as workspace:
                for entry in rest:
                    entry.write(workspace)
