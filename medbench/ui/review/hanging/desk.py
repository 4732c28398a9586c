"""Hanging protocols in Review: the rule of a study is applied when the study is opened."""

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QTimer, Slot
from PySide6.QtWidgets import QWidget

from medbench.domain.body_part import regions_of
from medbench.domain.hanging import HangingMatch, HangingRule, chosen, facts_of, filled
from medbench.domain.image import DisplaySet, Study
from medbench.domain.prior_match import same_patient, study_moment
from medbench.imaging.window import read_presets
from medbench.ui.review.commands import register_rows
from medbench.ui.review.feature import Feature
from medbench.ui.review.hanging.bar import HangingBar
from medbench.ui.review.hanging.editor import HangingDialog
from medbench.ui.review.hanging.layout import captured, layout_of, set_slabs
from medbench.ui.review.hanging.save_dialog import SaveLayoutDialog
from medbench.ui.review.layout_state import LayoutState

if TYPE_CHECKING:
    from medbench.ui.review.workspace import ReviewWorkspace

translate = QCoreApplication.translate


class HangingDesk(Feature):
    """Applies rules, remembers the layout before, steps through stages."""

    order = 61

    def __init__(self, page: "ReviewWorkspace") -> None:
        super().__init__(page)
        self._book = self.session.hanging
        self._study_uid = ""
        """The study the wall was last hung (or looked at) for."""
        self.rule: HangingRule | None = None
        """The one that is applied."""
        self.stage = 0
        self._before: LayoutState | None = None
        self._applying = False
        self.dialog: SaveLayoutDialog | HangingDialog | None = None
        self._register()
        act = page.actions_registry.action
        self.hanging_bar = HangingBar(
            act("medbench.review.previous_stage"), act("medbench.review.next_stage"),
            act("medbench.review.leave_rule"), act("medbench.review.edit_rules"),
        )  # fmt: skip
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self._look)
        page.showing.display_shown.connect(self._shown)
        self.session.library.changed.connect(self._studies_changed)
        self._book.changed.connect(self._rules_changed)
        self._enable()

    def _register(self) -> None:
        area = translate("Review", "Layout")
        rows = [
            (self.save_layout, translate("Review", "Save layout as rule…"), area, "Ctrl+Alt+S",
             "save", translate("Review", "Studies of this kind get this layout from now on")),
            (self.next_stage, translate("Review", "Next stage"), area, ".", "chevron-right",
             translate("Review", "The next layout of the hanging protocol")),
            (self.previous_stage, translate("Review", "Previous stage"), area, ",",
             "chevron-left", translate("Review", "The layout before of the hanging protocol")),
            (self.apply_rule, translate("Review", "Apply hanging protocol"), area, "",
             "layout-template", translate("Review", "The rule that fits the shown study best")),
            (self.leave_rule, translate("Review", "Undo layout"), area, "", "undo-2",
             translate("Review", "Back to the layout before the hanging protocol")),
            (self.edit_rules, translate("Review", "Hanging protocols…"), area, "", "settings",
             translate("Review", "List of layouts that are applied by themselves")),
        ]  # fmt: skip
        register_rows(self.page, rows)

    def bar(self) -> QWidget:
        return self.hanging_bar

    # when a study is opened

    @Slot(object, object)
    def _shown(self, _screen: object, _display: object) -> None:
        if not self._applying:
            self._soon.start()

    @Slot()
    def _studies_changed(self) -> None:
        uids = {study.study_instance_uid for study in self.session.library.studies}
        if self._study_uid not in uids:
            self._study_uid = ""
            self._forget()

    @Slot()
    def _look(self) -> None:
        """Apply the rule of a study that has just been opened: it alone is on the wall."""
        displays = [s.display for s in self.page.showing.screens if s.display is not None]
        uids = {display.study_instance_uid for display in displays}
        if len(uids) != 1 or uids == {self._study_uid}:
            return
        self._forget()
        (self._study_uid,) = uids
        found = self._fitting()
        if found is not None:
            self._apply(found, 0)

    def _studies(self) -> tuple[Study | None, Study | None]:
        """The current study and its prior: of what is shown, else of what is open."""
        shown = [
            study for screen in self.page.showing.screens
            if screen.display is not None
            and (study := self.session.priors.study_of(screen.display)) is not None
        ]  # fmt: skip
        if not shown:
            return None, None
        current = max(shown, key=study_moment)
        earlier = [s for s in shown if s is not current and same_patient(current, s)[0]]
        if earlier:
            return current, max(earlier, key=study_moment)
        display = self._display_of(current)
        offers = () if display is None else self.session.priors.offers(display)
        return current, offers[0].study if offers else None

    def _display_of(self, study: Study) -> DisplaySet | None:
        shown = [s.display for s in self.page.showing.screens if s.display is not None]
        return next(
            (d for d in shown if d.study_instance_uid == study.study_instance_uid), None
        )  # fmt: skip

    def _fitting(self) -> HangingRule | None:
        current, prior = self._studies()
        return None if current is None else chosen(self._book.rules, current, prior)

    def _apply(self, rule: HangingRule, stage: int) -> None:
        current, prior = self._studies()
        if current is None:
            return
        if self.rule is None:
            self._before = self.page.layout_state()
        wanted = rule.stages[stage]
        layout = layout_of(wanted, filled(wanted, current, prior), read_presets())
        self._applying = True
        try:
            self.page.apply_layout(layout)
            set_slabs(self.page, wanted)
        finally:
            self._applying = False
        self.rule, self.stage = rule, stage
        self._study_uid = current.study_instance_uid
        self.hanging_bar.show_rule(rule, stage)
        self._enable()

    def _forget(self) -> None:
        self.rule, self._before, self.stage = None, None, 0
        self.hanging_bar.hide()
        self._enable()

    @Slot()
    def _rules_changed(self) -> None:
        if self.rule is None:
            return
        changed = self._book.get(self.rule.rule_id)
        if changed is None:
            self._forget()
        else:
            self.rule = changed
            self.stage = min(self.stage, len(changed.stages) - 1)
            self.hanging_bar.show_rule(changed, self.stage)
            self._enable()

    def _enable(self) -> None:
        act = self.page.actions_registry.action
        several = self.rule is not None and len(self.rule.stages) > 1
        act("medbench.review.next_stage").setEnabled(several)
        act("medbench.review.previous_stage").setEnabled(several)
        act("medbench.review.leave_rule").setEnabled(self.rule is not None)

    # commands

    def next_stage(self) -> None:
        """The next layout of the rule; after the last comes the first."""
        self._step(1)

    def previous_stage(self) -> None:
        """The layout before."""
        self._step(-1)

    def _step(self, by: int) -> None:
        if self.rule is not None and len(self.rule.stages) > 1:
            self._apply(self.rule, (self.stage + by) % len(self.rule.stages))

    def apply_rule(self) -> None:
        """The rule that fits best, now."""
        found = self._fitting()
        if found is None:
            self.session.messages.info(self.tr("No hanging protocol fits this study"))
        else:
            self._apply(found, 0)

    def leave_rule(self) -> None:
        """Back to the layout before."""
        before = self._before
        if self.rule is None or before is None:
            return
        self._forget()
        self._applying = True
        try:
            self.page.apply_layout(before)
        finally:
            self._applying = False

    def save_layout(self) -> None:
        """Ask for a name, and what the layout on the wall is for."""
        current, prior = self._studies()
        if current is None:
            self.session.messages.info(self.tr("Open a study first"))
            return
        shown = {
            s.display.study_instance_uid for s in self.page.showing.screens if s.display is not None
        }
        with_prior = prior is not None and prior.study_instance_uid in shown
        studies = (current, prior) if with_prior and prior is not None else (current,)
        stage = captured(self.page, studies, read_presets(), "")
        match, name = self._suggested(current, with_prior=with_prior)
        dialog = SaveLayoutDialog(stage, match, name, self.rule, self.page)
        dialog.accepted.connect(self._saved)
        self._open(dialog)

    def _suggested(self, study: Study, *, with_prior: bool) -> tuple[HangingMatch, str]:
        """What the shown study is, as a match, and a name for it."""
        display = self._display_of(study)
        facts = facts_of(study, prior=with_prior)
        modality = display.modality if display is not None else ""
        regions = sorted(regions_of(display, study)) if display is not None else []
        body_part = regions[0].value if len(regions) == 1 else ""
        side = next(iter(facts.lateralities)) if len(facts.lateralities) == 1 else ""
        match = HangingMatch(
            modality, body_part, prior=True if with_prior else None,
            laterality=side if side in ("L", "R") else "",
        )  # fmt: skip
        return match, " ".join(part for part in (modality, body_part) if part)

    @Slot()
    def _saved(self) -> None:
        dialog = self.dialog
        if not isinstance(dialog, SaveLayoutDialog):
            return
        rule = dialog.rule
        self._book.put(rule, self.tr("Save layout as rule"))
        stage = len(rule.stages) - 1
        if self.rule is None:
            self._before = self.page.layout_state()
        self.rule, self.stage = rule, stage
        self.hanging_bar.show_rule(rule, stage)
        self._enable()
        self.session.messages.success(
            self.tr("Studies like this get the layout {0} from now on").format(rule.name)
        )

    def edit_rules(self) -> None:
        """The list of rules."""
        self._open(HangingDialog(self._book, self.page))

    def _open(self, dialog: Any) -> None:
        if self.dialog is not None:
            self.dialog.close()
        self.dialog = dialog
        dialog.finished.connect(self._closed)
        dialog.open()

    @Slot(int)
    def _closed(self, _result: int) -> None:
        if self.dialog is not None and self.sender() is self.dialog:
            self.dialog.deleteLater()
            self.dialog = None
