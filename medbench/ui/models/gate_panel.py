"""Right panel of Models: the promotion gate, and the audit trail of the version."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from medbench.domain.model import Stage
from medbench.session.model_shelf import ModelDetail
from medbench.ui.actions.registry import ActionRegistry
from medbench.ui.widgets import (
    Button,
    HLine,
    PanelHeader,
    SectionTitle,
    StageChip,
    clear_layout,
    hbox,
    icon_label,
    label,
    vbox,
)

_EVENTS = {
    "model-registered": "package", "stage-changed": "shield-check",
    "model-evaluated": "chart-line", "model-recovered": "rotate-ccw",
    "ai-suggestion-accepted": "check", "ai-suggestion-edited": "pencil",
    "ai-suggestion-rejected": "x", "ai-decision-undone": "rotate-ccw",
}  # fmt: skip


class GatePanel(QWidget):
    """What speaks for a version, and what happened to it."""

    def __init__(self, actions: ActionRegistry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions = actions
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self._stage = StageChip()
        self._stage.hide()
        column.addWidget(PanelHeader(self.tr("Promotion gate"), [self._stage]))
        self._points = vbox(margins=(12, 10, 12, 10), spacing=10)
        column.addLayout(self._points)
        row = hbox(margins=(12, 4, 12, 8))
        row.addWidget(
            Button.of(actions.action("medbench.models.approve"), "primary", "shield-check"), 1
        )
        row.addWidget(Button.of(actions.action("medbench.models.retire"), "danger", "archive"))
        column.addLayout(row)
        column.addWidget(self._hint(""))
        column.addWidget(HLine())
        self._audit_title = SectionTitle(self.tr("Audit log"))
        self._audit_title.setContentsMargins(12, 8, 12, 4)
        column.addWidget(self._audit_title)
        self._audit = vbox(margins=(12, 4, 12, 12), spacing=8)
        column.addLayout(self._audit)
        column.addStretch(1)

    def _hint(self, text: str) -> QWidget:
        self._words = label(text, "secondary", wrap=True)
        self._words.setContentsMargins(12, 0, 12, 8)
        return self._words

    def show_detail(self, detail: ModelDetail) -> None:
        """Show a version."""
        self._stage.show_stage(detail.version.stage)
        self._stage.show()
        clear_layout(self._points)
        points = detail.values["gate"]
        met = sum(point["passed"] for point in points)
        self._points.addWidget(label(self.tr("{0} of {1} met").format(met, len(points)), "strong"))
        for point in points:
            row = hbox()
            icon, role = ("circle-check", "success") if point["passed"] else (
                ("circle-x", "error") if point["required"] else ("triangle-alert", "warning")
            )  # fmt: skip
            row.addWidget(icon_label(icon, role), 0, Qt.AlignmentFlag.AlignTop)
            words = vbox(spacing=0)
            words.addWidget(label(point["title"]))
            words.addWidget(label(point["detail"], "secondary", wrap=True))
            row.addLayout(words, 1)
            self._points.addLayout(row)
        open_points = [p["title"].lower() for p in points if not p["passed"]]
        if detail.version.stage is Stage.APPROVED:
            self._words.setText(self.tr("Approved: runs in Review."))
        elif open_points:
            self._words.setText(
                self.tr("Approving asks for a reason; the open points ({0}) are recorded with "
                        "it.").format(", ".join(open_points))
            )  # fmt: skip
        else:
            self._words.setText(self.tr("Every point is met."))
        intact = self.tr("Chain intact") if detail.chain_intact else self.tr("CHAIN BROKEN")
        self._audit_title.right.setText(intact)
        clear_layout(self._audit)
        for entry in reversed(detail.audit[-12:]):
            row = hbox()
            icon_name = _EVENTS.get(str(entry["event"]), "info")
            row.addWidget(icon_label(icon_name, "text2", 14), 0, Qt.AlignmentFlag.AlignTop)
            words = vbox(spacing=0)
            words.addWidget(label(self._sentence(entry), wrap=True))
            who = f" · {entry['who']}" if entry.get("who") else ""
            when = str(entry["when"])[:16].replace("T", " ")
            words.addWidget(label(f"{when}{who}", "secondary"))
            row.addLayout(words, 1)
            self._audit.addLayout(row)

    def _sentence(self, entry: dict[str, object]) -> str:
        kind = entry["event"]
        if kind == "stage-changed":
            return self.tr("{0} → {1}: {2}").format(
                entry["from_stage"], entry["to_stage"], entry["reason"]
            )
        if kind == "model-evaluated":
            return self.tr("Evaluated on {0}, {1} ({2})").format(
                entry["cohort"], entry["role"], entry["rests_on"]
            )
        if kind == "model-registered":
            return self.tr("Registered from {0}").format(entry["run_id"])
        words = {
            "ai-suggestion-accepted": self.tr("A reader accepted a suggestion"),
            "ai-suggestion-edited": self.tr("A reader accepted a suggestion with another outline"),
            "ai-suggestion-rejected": self.tr("A reader rejected a suggestion: {0}").format(
                entry.get("note") or entry.get("reason") or "–"
            ),
            "ai-decision-undone": self.tr("A reader's decision was undone"),
            "ai-decision-withdrawn": self.tr("A finding from a suggestion was deleted"),
        }
        return words.get(str(kind), str(kind))
